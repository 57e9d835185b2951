// What a panel's menu does: image, CSV, JSON, table, full screen; each file says what it was filtered by.
(function () {
  const aiobs = window.aiobs;

  const plot = (panel) => panel.querySelector(".js-plotly-plot");
  const fileName = (panel, ending) =>
    [panel.id.replace(/^panel-/, ""), new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-")].join("_") + "." + ending;

  function save(text, type, name) {
    const link = aiobs.make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  // A cell that a spreadsheet would run as a formula gets a quote in front (components/export.py does the same).
  function guarded(value) {
    const text = value === null || value === undefined ? "" : String(value);
    const risky = /^[=+\-@\t\r\n＝＋－＠]/.test(text) && !/^[-+]?\d[\d.,]*(e[-+]?\d+)?%?$/i.test(text);
    return risky ? "'" + text : text;
  }
  // Semicolons and tabs too: some spreadsheets cut lines there, and a formula could start after the cut.
  const quoted = (text) => (/[",;\t\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text);

  function facts(panel) {
    const scope = aiobs.scope();
    const filters = {};
    for (const name of ["tenant", "model", "version", "segment", "compare"]) if (scope[name]) filters[name] = scope[name];
    const now = new Date();
    const own = panel.closest("[data-own-window]"); // such a page says its window in the foot
    const moment = (text) => new Date(text.replace(/Z$/, "") + "Z").toISOString();
    return {
      title: panel.dataset.title, definition: panel.dataset.definition, filters,
      ...(own ? {} : {
        window: aiobs.windowWords(scope),
        from: scope.from ? moment(scope.from) : new Date(now - aiobs.rangeSeconds(scope.range) * 1000).toISOString(),
        to: scope.from ? moment(scope.to) : now.toISOString(),
      }),
      source: Array.from(panel.querySelectorAll(".panel-foot > *")).map((node) => node.textContent.trim()),
      exported_at: now.toISOString(), address: location.href,
    };
  }

  const written = (node) => node.innerText.trim().replace(/\s+/g, " ");
  // The numbers of a panel: a header and rows, from the chart, the list, the grid or the table in it.
  function tabular(panel) {
    const gd = plot(panel);
    if (gd) return fromChart(gd);
    const list = panel.querySelector("[data-columns]"); // its items have a part for each column
    if (list) {
      const header = JSON.parse(list.dataset.columns);
      return { header, rows: Array.from(list.children, (item) => header.map((_, i) => (item.children[i] ? written(item.children[i]) : ""))) };
    }
    const table = panel.querySelector("table");
    if (table) {
      const rows = Array.from(table.rows, (row) => Array.from(row.cells, written));
      return { header: rows[0] || [], rows: rows.slice(1) };
    }
    const grid = panel.querySelector(".ag-theme-quartz, .grid-table");
    const api = grid && grid.id && window.dash_ag_grid.getApi?.(grid.id);
    if (!api) return null;
    const columns = api.getAllDisplayedColumns();
    const rows = [];
    api.forEachNodeAfterFilterAndSort((node) => rows.push(columns.map((column) => api.getCellValue({ rowNode: node, colKey: column }))));
    return { header: columns.map((column) => column.getColDef().headerName || column.getColId()), rows };
  }
  function fromChart(gd) {
    const traces = gd.data.filter((trace) => trace.meta !== "base" && trace.type !== undefined);
    const matrix = traces.find((trace) => trace.type === "heatmap");
    if (matrix) return { header: ["", ...matrix.x], rows: matrix.y.map((name, i) => [name, ...matrix.z[i]]) };
    const box = traces.find((trace) => trace.type === "box");
    if (box) {
      const parts = ["lowerfence", "q1", "median", "q3", "upperfence"];
      return { header: ["", "p5", "p25", "p50", "p75", "p95"], rows: box.y.map((name, i) => [name, ...parts.map((part) => box[part][i])]) };
    }
    const keys = new Map();
    const names = [];
    traces.forEach((trace) => {
      const flat = trace.orientation === "h";
      const [along, across] = flat ? [trace.y, trace.x] : [trace.x, trace.y];
      const name = (trace.name || aiobs.words().value) + (trace.meta ? " (" + trace.meta + ")" : "");
      names.push(name);
      const isTime = !flat && gd.layout.xaxis && gd.layout.xaxis.type === "date";
      (along || []).forEach((key, i) => {
        const label = isTime ? new Date(key).toISOString() : String(key).replace(/<br>/g, " ");
        if (!keys.has(label)) keys.set(label, {});
        const value = trace.yaxis === "y2" && trace.text ? trace.text[i] : across[i];
        if (value !== null) keys.get(label)[names.length - 1] = value;
      });
    });
    const rows = Array.from(keys, ([label, values]) => [label, ...names.map((_, i) => values[i] ?? null)]);
    if (gd.layout.xaxis && gd.layout.xaxis.type === "date") rows.sort((a, b) => (a[0] < b[0] ? -1 : 1));
    return { header: ["", ...names], rows };
  }

  function csv(panel, data) {
    const about = facts(panel);
    const head = [
      "# " + about.title, "# " + (about.definition || ""), ...(about.window ? ["# " + about.window + " (" + about.from + " – " + about.to + ")"] : []),
      "# " + JSON.stringify(about.filters), "# " + about.source.join(" · "), "# " + about.exported_at + " " + about.address,
    ].map((text) => quoted(text.replace(/[\r\n]+/g, " ")));
    return "\ufeff" + [...head, ...lines(data)].join("\r\n") + "\r\n";
  }
  const lines = (data) => [data.header, ...data.rows].map((row) => row.map((cell) => quoted(guarded(cell))).join(","));
  // What stands above the panels: the answer in words, and the key figures with what is known of each.
  const answers = () => Array.from(document.querySelectorAll("#page .answer p"), written).filter(Boolean);
  function figures() {
    const rows = Array.from(document.querySelectorAll("#page .kpi"), (one) =>
      [one.dataset.title, ...[".kpi-value", ".kpi-facts, .kpi-reason"].map((part) => (one.querySelector(part) ? written(one.querySelector(part)) : ""))]);
    return { header: ["", aiobs.words().value, ""], rows };
  }
  function summary() {
    const data = figures();
    const said = answers().map((text) => quoted("# " + text));
    return [...said, ...(data.rows.length ? lines(data) : [])].map((line) => line + "\r\n").join("");
  }
  function asRecord(panel) {
    const data = tabular(panel);
    return { ...facts(panel), columns: data ? data.header : [], rows: data ? data.rows : [] };
  }

  function image(panel, format) {
    const gd = plot(panel);
    if (!gd) return aiobs.toast({ kind: "warn", title: aiobs.words().not_tabular });
    const about = facts(panel);
    const filters = Object.entries(about.filters).map((pair) => pair.join("="));
    const figure = aiobs.plots.forImage(gd, about.title, [about.window, ...filters, ...about.source, about.exported_at.slice(0, 19) + "Z"].join(" · "));
    const width = Math.max(720, gd.clientWidth);
    const height = gd.clientHeight + 90;
    const scale = format === "png" ? 2 : 1;
    return window.Plotly.toImage(figure, { format, width, height, scale })
      .then((address) => (format === "svg" ? decodeURIComponent(address.slice(address.indexOf(",") + 1)) : fromBase64(address)))
      .then((content) => save(content, format === "svg" ? "image/svg+xml" : "image/png", fileName(panel, format)))
      .catch(() => aiobs.toast({ kind: "bad", title: aiobs.words().failed }));
  }
  function fromBase64(address) {
    return Uint8Array.from(atob(address.slice(address.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  }
  function showTable(panel, data) {
    const head = aiobs.make("tr", {}, ...data.header.map((name) => aiobs.make("th", { scope: "col" }, String(name))));
    const rows = data.rows.slice(0, 2000).map((row) =>
      aiobs.make("tr", {}, ...row.map((cell, i) =>
        i ? aiobs.make("td", {}, cell === null ? "–" : String(cell)) : aiobs.make("th", { scope: "row" }, String(cell)))));
    const table = aiobs.make("table", { class: "plain-table" }, aiobs.make("thead", {}, head), aiobs.make("tbody", {}, ...rows));
    document.getElementById("dialog-title").textContent = panel.dataset.title;
    document.getElementById("dialog-body").replaceChildren(table);
    document.getElementById("dialog").showModal();
  }

  const onPanel = (use) => (button) => {
    const panel = button.closest(".panel");
    aiobs.closeMenus();
    return use(panel);
  };
  const onData = (use) => onPanel((panel) => {
    const data = tabular(panel);
    if (data) use(panel, data);
    else aiobs.toast({ kind: "warn", title: aiobs.words().not_tabular });
  });
  const allPanels = () => Array.from(document.querySelectorAll("#page .panel"));
  const pageName = () => (location.pathname.slice(1).replace(/\W+/g, "-") || "home") + "_" + new Date().toISOString().slice(0, 10);

  Object.assign(aiobs.actions, {
    "panel-png": onPanel((panel) => image(panel, "png")),
    "panel-svg": onPanel((panel) => image(panel, "svg")),
    "panel-csv": onData((panel, data) => save(csv(panel, data), "text/csv", fileName(panel, "csv"))),
    "panel-json": onPanel((panel) => save(JSON.stringify(asRecord(panel), null, 1), "application/json", fileName(panel, "json"))),
    "panel-table": onData(showTable),
    "panel-full": onPanel((panel) => (document.fullscreenElement ? document.exitFullscreen() : panel.requestFullscreen())),
    "page-print": () => { aiobs.closeMenus(); window.print(); },
    "page-link": () => { aiobs.closeMenus(); aiobs.copy(location.href); },
    "page-pdf": () => {
      aiobs.closeMenus();
      aiobs.toast({ title: aiobs.words().writing });
      const query = new URLSearchParams({ ...aiobs.scope(), lang: document.documentElement.lang || "en" });
      const page = location.pathname.slice(1) || "unified";
      return fetch("/api/reports/" + encodeURIComponent(page) + ".pdf?" + query)
        .then((answer) => (answer.ok ? answer.blob() : answer.json().then((said) => { throw new Error(said.error); })))
        .then((content) => save(content, "application/pdf", pageName() + ".pdf"))
        .catch((error) => aiobs.toast({ kind: "bad", title: aiobs.words().failed, text: error.message }));
    },
    "page-json": () => {
      aiobs.closeMenus();
      const first = { title: document.querySelector("#page h1").innerText, answer: answers(), columns: figures().header, rows: figures().rows };
      save(JSON.stringify([first, ...allPanels().filter((panel) => !panel.hidden).map(asRecord)], null, 1), "application/json", pageName() + ".json");
    },
    "page-csv": () => {
      aiobs.closeMenus();
      const parts = allPanels().filter((panel) => !panel.hidden).map((panel) => [panel, tabular(panel)]).filter(([, data]) => data);
      const whole = [summary(), ...parts.map(([panel, data]) => csv(panel, data).slice(1))].filter(Boolean).join("\r\n");
      if (!whole) return aiobs.toast({ kind: "warn", title: aiobs.words().not_tabular });
      save("\ufeff" + whole, "text/csv", pageName() + ".csv");
    },
  });
  document.addEventListener("fullscreenchange", () => {
    setTimeout(() => document.querySelectorAll(".js-plotly-plot").forEach((gd) => window.Plotly.Plots.resize(gd)), 60);
  });
})();
