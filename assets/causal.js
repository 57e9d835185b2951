// The drawing of causes: the server sends places and numbers (components/causal_canvas.py), this draws them
// and does what needs no server: search, filters, playing, pinning, walking by keyboard, pictures.
(function () {
  const aiobs = window.aiobs;
  const ID = "causal-canvas";
  const MOVED = Math.log1p(3);  // the engine's threshold: three robust standard deviations
  const COLUMN = 156, ROW = 86, TALL = 13, CALM = 40, ABREAST = 3, RISE = 104;
  const $ = (suffix) => document.getElementById(ID + suffix);
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  const NODE_KINDS = ["event", "metric", "decision", "outcome"];
  const EDGE_KINDS = ["causes", "contributes", "correlates"];
  const fresh = () => ({
    text: "", nodes: new Set(NODE_KINDS), edges: new Set(["causes", "contributes"]), confidence: 0, at: 1, show: "names", others: null,
  });
  let cy = null, drawn = "", data = null, state = fresh(), at = null, timer = 0, subject = null;

  const pins = (() => {
    try { return JSON.parse(localStorage.getItem("aiobs_pins")) || {}; } catch (_) { return {}; }
  })();
  function keepPins() {
    try { localStorage.setItem("aiobs_pins", JSON.stringify(pins)); } catch (_) { /* private window */ }
  }
  const words = () => { try { return JSON.parse($("-tools").dataset.words); } catch (_) { return {}; } };
  const colour = (name) => window.aiobsTheme[document.documentElement.dataset.bsTheme === "dark" ? "dark" : "light"].colours[name];

  // ---- what the reader opened is in the address
  function opened() { return new URLSearchParams(aiobs.scope().detail || ""); }
  function open(change) {
    const now = opened();
    change(now);
    aiobs.setScope({ detail: now.toString() }, true);
  }
  const pick = (id) => open((now) => (id ? now.set("pick", id) : now.delete("pick")));
  function again() { window.dash_clientside.set_props("scope", { data: { ...aiobs.scope(), retry: Date.now() } }); }

  // ---- places: the effect on the right, each step back one column to the left; on a narrow screen
  // the effect stands below and each step back is one row up, so that words stay readable.
  const isNarrow = () => { const frame = $("-frame"); return Boolean(frame) && frame.clientWidth < 600; };
  function places(nodes) {
    const narrow = Boolean(data.effect) && isNarrow();
    const most = narrow ? ABREAST : TALL;
    const columns = new Map();
    const entities = [...new Set(nodes.map((n) => n.entity))].sort();
    for (const node of nodes) {
      const key = data.effect ? node.layer : entities.indexOf(node.entity);
      if (!columns.has(key)) columns.set(key, []);
      columns.get(key).push(node);
    }
    const found = {};
    let x = 0;
    // Nodes that do not lead to the effect (layer -1) stand last, left of everything.
    const keys = [...columns.keys()].sort((a, b) => (a < 0 ? 1 : b < 0 ? -1 : a - b));
    for (const key of keys) {
      const members = columns.get(key).sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
      const wide = Math.ceil(members.length / most);
      const tall = Math.ceil(members.length / wide);
      members.forEach((node, i) => {
        const row = i % tall, column = Math.floor(i / tall);
        const back = x - column * COLUMN, beside = row - (tall - 1) / 2;
        found[node.id] = narrow ? { x: beside * COLUMN, y: back * RISE / COLUMN }
          : { x: back, y: beside * ROW + (column % 2) * ROW / 2 };
      });
      x -= wide * COLUMN;
    }
    return found;
  }

  // Hidden nodes leave no gaps: what is seen stands as if it were alone.
  const spotsNow = () => ({ ...places(data.nodes), ...places(data.nodes.filter(isSeen)) });
  function arrange() {
    const spots = spotsNow();
    cy.nodes().forEach((node) => { if (!pins[node.id()] && spots[node.id()]) node.position(spots[node.id()]); });
  }

  // ---- what is seen
  const hasMoved = (node) => (node.onset_ms && node.kind !== "event" ? node.score >= MOVED && node.onset_ms <= moment() : false);
  function moment() {
    const [from, to] = span();
    return from + (to - from) * state.at;
  }
  function span() {
    const [start, end] = data.window;
    // An incident begins where its chain does; what moved for other reasons hours before is not a part of it.
    const told = data.chain.length ? (n) => data.chain.includes(n.id) : (n) => n.score >= MOVED || n.kind === "event";
    const first = Math.min(...data.nodes.filter((n) => n.onset_ms && told(n)).map((n) => n.onset_ms), data.onset || end);
    return [Math.max(start, first - 300000), end];
  }
  function isSeen(node) {
    if (!state.nodes.has(node.kind) && node.id !== data.effect) return false;
    if (node.kind === "event" && node.onset_ms > moment()) return false;
    if (data.effect && node.layer < 0) return state.others === true && node.score >= 0;
    const matters = node.id === data.effect || data.chain.includes(node.id) || node.score >= MOVED || node.id === data.picked || node.kind === "event";
    return matters || showsOthers();
  }
  function showsOthers() {
    if (state.others !== null) return state.others;
    return data.nodes.filter((n) => !data.effect || n.layer >= 0).length <= (isNarrow() && data.chain.length ? 0 : CALM);
  }
  function label(node) {
    const value = state.show === "before" ? node.before : state.show === "after" ? node.after : "";
    const sign = node.kind !== "event" && hasMoved(node) ? "▲ " : "";
    return sign + node.label + (value ? "\n" + value : "");
  }

  function style() {
    const text = colour("text"), font = getComputedStyle(document.body).fontFamily;
    return [
      { selector: "node", style: {
        label: "data(label)", width: "data(size)", height: "data(size)", "background-color": colour("series-8"), color: colour("text-2"),
        "font-size": 14, "font-family": font, "text-wrap": "wrap", "text-max-width": 144, "text-valign": "bottom", "text-margin-y": 5,
        "min-zoomed-font-size": 7, "border-width": 0, "text-background-color": colour("sunken"), "text-background-opacity": 0.8, "text-background-padding": 1 } },
      { selector: "node[kind='event']", style: { shape: "diamond", "background-color": colour("series-4") } },
      { selector: "node[kind='decision']", style: { shape: "round-hexagon" } },
      { selector: "node[kind='outcome']", style: { shape: "round-rectangle" } },
      { selector: "node.folded", style: { shape: "round-rectangle", "border-width": 2, "border-style": "double", "border-color": colour("line-strong") } },
      { selector: "node.moved", style: { "background-color": colour("bad"), color: text } },
      { selector: "node.chain", style: { "font-weight": 600, color: text } },
      { selector: "node.effect", style: { "border-width": 4, "border-color": colour("text"), "font-weight": 600, color: text } },
      { selector: "node.cause", style: { "border-width": 5, "border-color": colour("accent") } },
      { selector: "node.pinned", style: { "border-style": "dotted", "border-width": 3, "border-color": colour("accent") } },
      { selector: "node.faint, edge.faint", style: { opacity: 0.18 } },
      { selector: "node.at", style: { "overlay-color": colour("accent"), "overlay-opacity": 0.25, "overlay-padding": 7 } },
      { selector: "edge", style: {
        width: "data(width)", "line-color": colour("axis"), "target-arrow-color": colour("axis"), "target-arrow-shape": "triangle",
        "arrow-scale": 0.9, "curve-style": data && data.edges.length > 400 ? "haystack" : "bezier", opacity: 0.75 } },
      { selector: "edge[kind='contributes']", style: { "line-style": "dashed" } },
      { selector: "edge[kind='correlates']", style: { "line-style": "dotted", "target-arrow-shape": "none" } },
      { selector: "edge.chain", style: { "line-color": colour("accent"), "target-arrow-color": colour("accent"), width: 4, opacity: 1, "z-index": 9 } },
      { selector: "edge.at", style: { "overlay-color": colour("accent"), "overlay-opacity": 0.25 } },
      { selector: ".gone", style: { display: "none" } },
    ];
  }

  // ---- drawing
  function graph() {
    const holder = document.getElementById(ID);
    const found = holder && (holder._cyreg || [...holder.querySelectorAll("*")].map((n) => n._cyreg).find(Boolean));
    return found ? found.cy : null;
  }
  function draw() {
    const instance = graph();
    if (!instance) return false;
    if (instance !== cy) { cy = instance; wire(); }
    const next = data.effect + "|" + data.nodes.map((n) => n.id).join();
    const isNew = next !== subject;
    const spots = spotsNow();
    const links = new Set(data.edges.map((e) => e.source + "→" + e.target));
    cy.batch(() => {
      cy.elements().filter((e) => (e.isNode() ? !spots[e.id()] : !links.has(e.id()))).remove();
      for (const node of data.nodes) {
        const known = cy.getElementById(node.id);
        const fields = { ...node, size: 20 + 5 * Math.min(5, node.score), label: label(node) };
        if (known.length) known.data(fields);
        else cy.add({ group: "nodes", data: fields, position: pins[node.id] || spots[node.id] });
        if (isNew && !pins[node.id]) cy.getElementById(node.id).position(spots[node.id]);
      }
      for (const edge of data.edges) {
        const id = edge.source + "→" + edge.target;
        const known = cy.getElementById(id);
        const fields = { ...edge, id, width: 1 + 3 * Math.abs(edge.weight) };
        if (known.length) known.data(fields);
        else if (spots[edge.source] && spots[edge.target]) cy.add({ group: "edges", data: fields });
      }
    });
    cy.style(style());
    refresh();
    if (isNew) { subject = next; fit(); }
    return true;
  }
  function refresh() {
    if (!cy || !data) return;
    const text = state.text.trim().toLowerCase();
    const byId = new Map(data.nodes.map((n) => [n.id, n]));
    let found = 0;
    cy.batch(() => {
      cy.nodes().forEach((spot) => {
        const node = byId.get(spot.id());
        if (!node) return;
        const matches = !text || (node.label + " " + node.entity).toLowerCase().includes(text);
        const seen = isSeen(node) || (text && matches);
        if (seen && matches) found += 1;
        spot.data("label", label(node));
        spot.toggleClass("gone", !seen);
        spot.toggleClass("faint", Boolean(text) && !matches);
        spot.toggleClass("moved", hasMoved(node));
        spot.toggleClass("effect", node.id === data.effect);
        spot.toggleClass("cause", node.id === data.cause);
        spot.toggleClass("chain", data.chain.includes(node.id));
        spot.toggleClass("folded", node.id.endsWith("|*"));
        spot.toggleClass("pinned", Boolean(pins[node.id]));
        spot.toggleClass("at", node.id === (at || data.picked));
      });
      cy.edges().forEach((line) => {
        const edge = line.data();
        const seen = state.edges.has(edge.kind) && edge.confidence >= state.confidence;
        const from = data.chain.indexOf(edge.source);
        line.toggleClass("gone", !seen);
        line.toggleClass("chain", from >= 0 && data.chain[from + 1] === edge.target);
        line.toggleClass("at", edge.id === data.picked);
      });
    });
    const known = words();
    const count = $("-count");
    if (count) {
      const shown = cy.nodes().filter((n) => !n.hasClass("gone")).length;
      count.textContent = text && !found ? known.nothing_found
        : (known.of_all || "").replace("{shown}", shown).replace("{total}", data.total ?? shown);
    }
    const clock = $("-clock");
    if (clock && data.window) clock.textContent = new Date(moment()).toISOString().slice(11, 16) + " UTC";
  }
  function fit() {
    const seen = cy.elements().filter((e) => !e.hasClass("gone"));
    cy.resize();
    if (seen.length) cy.fit(seen, 18);
    if (cy.zoom() > 1.15) { cy.zoom(1.15); cy.center(seen); }
    // On a narrow screen words matter more than seeing all: stay readable, and stand at the effect.
    if (isNarrow() && cy.zoom() < 0.6) {
      cy.zoom(0.6);
      const chain = cy.nodes(".chain, .effect").filter((n) => !n.hasClass("gone"));
      cy.center(chain.length ? chain.slice(-2) : seen);
    }
  }
  function wire() {
    subject = null;
    cy.on("tap", "node, edge", (event) => { at = null; pick(event.target.id()); });
    cy.on("dbltap", "node.folded", (event) => openService(event.target.data("entity")));
    cy.on("dragfree", "node", (event) => {
      pins[event.target.id()] = { ...event.target.position() };
      keepPins();
      refresh();
    });
    cy.on("mouseover", "node", (event) => { event.target.addClass("at"); });
    cy.on("mouseout", "node", () => refresh());
  }
  function openService(entity) {
    open((now) => { if (!now.getAll("open").includes(entity)) now.append("open", entity); });
  }

  // ---- tools
  function tools() {
    const holder = $("-tools");
    if (!holder || holder.firstChild) return;
    const known = words();
    const make = aiobs.make;
    const button = (glyph, word, act, id) => {
      const made = make("button", { class: "icon-button", "aria-label": word, title: word, ...(id ? { id: ID + id } : {}) }, aiobs.icon(glyph));
      made.addEventListener("click", act);
      return made;
    };
    const search = make("input", { type: "search", class: "picker-search causal-search", placeholder: known.search, "aria-label": known.search });
    search.addEventListener("input", () => { state.text = search.value; refresh(); });
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      const hit = cy && cy.nodes().filter((n) => !n.hasClass("gone") && !n.hasClass("faint"));
      if (hit && hit.length) { cy.animate({ center: { eles: hit[0] }, zoom: 1 }, { duration: still.matches ? 0 : 200 }); pick(hit[0].id()); }
    });
    const check = (kind, group) => {
      const box = make("input", { type: "checkbox", ...(state[group].has(kind) ? { checked: "" } : {}) });
      box.addEventListener("change", () => { state[group][box.checked ? "add" : "delete"](kind); refresh(); });
      return make("label", { class: "menu-item" }, box, make("span", {}, known[kind]));
    };
    const others = make("input", { type: "checkbox", id: ID + "-others" });
    others.addEventListener("change", () => { state.others = others.checked; arrange(); refresh(); fit(); });
    const sure = make("input", { type: "range", min: "0", max: "100", value: "0", "aria-label": known.confidence });
    const sureText = make("output", {}, "0%");
    sure.addEventListener("input", () => { state.confidence = sure.value / 100; sureText.textContent = sure.value + "%"; refresh(); });
    const filters = menu("funnel", known.edge_kinds, [
      make("p", { class: "menu-head" }, known.node_kinds), ...NODE_KINDS.map((kind) => check(kind, "nodes")),
      make("label", { class: "menu-item" }, others, make("span", {}, known.others)),
      make("p", { class: "menu-head" }, known.edge_kinds), ...EDGE_KINDS.map((kind) => check(kind, "edges")),
      make("label", { class: "field" }, make("span", {}, known.confidence, " ", sureText), sure),
    ]);
    const slide = make("input", { type: "range", min: "0", max: "200", value: "200", class: "causal-time", "aria-label": known.time, id: ID + "-slide" });
    slide.addEventListener("input", () => { pause(); state.at = slide.value / 200; refresh(); });
    const play = button("play-fill", known.play, () => (timer ? pause() : start()), "-play");
    const shows = make("select", { class: "picker-search causal-show", "aria-label": known.show_names },
      ...["names", "before", "after"].map((kind) => make("option", { value: kind }, known["show_" + kind])));
    shows.addEventListener("change", () => { state.show = shows.value; state.at = shows.value === "before" ? 0 : 1; slide.value = state.at * 200; refresh(); });
    const files = menu("download", known.download, [
      fileButton("image", known.png, savePng), fileButton("vector-pen", known.svg, saveSvg),
      fileButton("filetype-json", "JSON (node-link)", () => saveFile("json")), fileButton("diagram-3", "GraphML", () => saveFile("graphml")),
    ]);
    holder.append(
      search, filters, shows,
      make("span", { class: "causal-play" }, play, slide, make("output", { id: ID + "-clock" })),
      make("span", { class: "causal-buttons" },
        button("arrows-collapse", known.fold, () => open((now) => { now.delete("open"); now.set("fold", data && data.folded ? "0" : "1"); }), "-fold"),
        button("pin-angle", known.pin, togglePin), button("zoom-in", known.zoom_in, () => zoom(1.25)), button("zoom-out", known.zoom_out, () => zoom(0.8)),
        button("arrows-fullscreen", known.fit, () => cy && fit()), files),
      make("output", { id: ID + "-count", class: "causal-count" }),
    );
    const legend = $("-legend");
    const mark = (name, word) => make("span", {}, make("i", { class: "key key-" + name, "aria-hidden": "true" }), word);
    legend.replaceChildren(mark("effect", known.effect), mark("cause", known.named_cause), mark("moved", "▲ " + known.moved), mark("normal", known.normal),
      mark("event", known.event), mark("causes", known.causes), mark("contributes", known.contributes), mark("correlates", known.correlates));
  }
  function menu(glyph, word, items) {
    const box = aiobs.make("div", { class: "menu" }, ...items);
    return aiobs.make("details", { class: "menu-holder" },
      aiobs.make("summary", { class: "icon-button", "aria-label": word, title: word }, aiobs.icon(glyph)), box);
  }
  function fileButton(glyph, word, act) {
    const made = aiobs.make("button", { class: "menu-item" }, aiobs.icon(glyph), aiobs.make("span", {}, word));
    made.addEventListener("click", () => { aiobs.closeMenus(); act(); });
    return made;
  }
  function zoom(factor) {
    if (cy) cy.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
  }
  function togglePin() {
    const id = at || (data && data.picked);
    const spot = cy && id && cy.getElementById(id);
    if (!spot || !spot.length || !spot.isNode()) return;
    if (pins[id]) delete pins[id];
    else pins[id] = { ...spot.position() };
    keepPins();
    refresh();
  }
  function start() {
    if (!data) return;
    if (state.at >= 1) state.at = 0;
    $("-play").replaceChildren(aiobs.icon("pause-fill"));
    $("-play").setAttribute("aria-label", words().pause);
    timer = setInterval(() => {
      state.at = Math.min(1, state.at + 1 / 80);
      $("-slide").value = state.at * 200;
      refresh();
      if (state.at >= 1) pause();
    }, 100);
  }
  function pause() {
    clearInterval(timer);
    timer = 0;
    const play = $("-play");
    if (!play) return;
    play.replaceChildren(aiobs.icon("play-fill"));
    play.setAttribute("aria-label", words().play);
  }

  // ---- walking by keyboard
  function walk(key) {
    const seen = cy.nodes().filter((n) => !n.hasClass("gone"));
    if (!seen.length) return;
    const here = cy.getElementById(at || data.picked || data.effect || seen[0].id());
    if (!here.length || here.isEdge() || here.hasClass("gone")) return stand(seen[0]);
    const lines = here.connectedEdges().filter((e) => !e.hasClass("gone"));
    const ends = { ArrowLeft: lines.filter((e) => e.target().id() === here.id()), ArrowRight: lines.filter((e) => e.source().id() === here.id()) }[key];
    if (ends) {
      // The named chain first, then what moved, then what is surest.
      const rank = ({ line, spot }) => [line.hasClass("chain"), hasMoved(spot.data()) || spot.data("kind") === "event", line.data("confidence")];
      const steps = ends.map((line) => ({ line, spot: key === "ArrowLeft" ? line.source() : line.target() })).filter(({ spot }) => !spot.hasClass("gone"))
        .sort((a, b) => { const [one, two] = [rank(a), rank(b)]; return two.map((value, i) => value - one[i]).find((gap) => gap) || 0; });
      return steps.length && stand(steps[0].spot);
    }
    const near = seen.filter((n) => n.data("layer") === here.data("layer")).sort((a, b) => a.position("y") - b.position("y"));
    const place = near.map((n) => n.id()).indexOf(here.id()) + (key === "ArrowDown" ? 1 : -1);
    stand(near[(place + near.length) % near.length]);
  }
  function stand(spot) {
    at = spot.id();
    refresh();
    const box = spot.renderedBoundingBox();  // the picture stays where it is while the node is in sight
    if (box.x1 < 0 || box.y1 < 0 || box.x2 > cy.width() || box.y2 > cy.height()) cy.center(spot);
    const node = spot.data();
    $("-said").textContent = words().selected + ": " + node.label.replace("\n", " · ") + (hasMoved(node) ? ", " + words().moved : "");
  }
  document.addEventListener("keydown", (event) => {
    if (!cy || !data || event.target.id !== ID + "-frame" || event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      Enter: () => at && pick(at), "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: fit, p: togglePin,
      o: () => at && at.endsWith("|*") && openService(cy.getElementById(at).data("entity")),
    };
    const act = event.key.startsWith("Arrow") ? () => walk(event.key) : acts[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }, true);

  // ---- files
  const stamp = () => "causes_" + new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-");
  function save(content, type, ending) {
    const link = aiobs.make("a", { href: URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type })), download: stamp() + "." + ending });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  function savePng() { if (cy) save(cy.png({ output: "blob", full: true, scale: 2, maxWidth: 6000, maxHeight: 6000, bg: colour("panel") }), "image/png", "png"); }
  function saveFile(format) {
    fetch("/api/causal/graph/file?format=" + format + "&" + data.file).then((answer) => (answer.ok ? answer.blob() : Promise.reject(answer)))
      .then((content) => save(content, "", format === "json" ? "json" : "graphml"))
      .catch(() => aiobs.toast({ kind: "bad", title: aiobs.words().failed }));
  }
  const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }[c]));
  function saveSvg() {
    if (!cy) return;
    const seen = cy.elements().filter((e) => e.visible());
    const box = seen.boundingBox();
    const parts = [];
    seen.edges().forEach((line) => {
      // A haystack edge has no end points of its own: then it runs from middle to middle.
      const end = (point, spot) => (point && point.x !== undefined ? point : spot.position());
      const a = end(line.sourceEndpoint(), line.source()), b = end(line.targetEndpoint(), line.target());
      const dash = { contributes: "6 4", correlates: "2 3" }[line.data("kind")];
      parts.push(`<line x1="${a.x.toFixed(1)}" y1="${a.y.toFixed(1)}" x2="${b.x.toFixed(1)}" y2="${b.y.toFixed(1)}" stroke="${line.style("line-color")}"`
        + ` stroke-width="${parseFloat(line.style("width"))}"${dash ? ` stroke-dasharray="${dash}"` : ""}${line.data("kind") === "correlates" ? "" : ' marker-end="url(#tip)"'}/>`);
    });
    seen.nodes().forEach((spot) => {
      const { x, y } = spot.position(), r = spot.width() / 2, fill = spot.style("background-color");
      const edge = `fill="${fill}" stroke="${spot.style("border-color")}" stroke-width="${parseFloat(spot.style("border-width")) || 0}"`;
      const kind = spot.data("kind");
      parts.push(kind === "event" ? `<path d="M${x} ${y - r}L${x + r} ${y}L${x} ${y + r}L${x - r} ${y}Z" ${edge}/>`
        : kind === "metric" ? `<circle cx="${x}" cy="${y}" r="${r}" ${edge}/>` : `<rect x="${x - r}" y="${y - r}" width="${2 * r}" height="${2 * r}" rx="4" ${edge}/>`);
      spot.data("label").split("\n").forEach((row, i) => parts.push(
        `<text x="${x}" y="${y + r + 16 + 14 * i}" text-anchor="middle" font-size="12" fill="${colour("text")}">${escaped(row)}</text>`));
    });
    const view = [box.x1 - 20, box.y1 - 20, box.w + 40, box.h + 40].map((v) => v.toFixed(0)).join(" ");
    save(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="${view}" font-family="Inter, sans-serif"><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="11" markerHeight="11" orient="auto"><path d="M0 0L8 4L0 8Z" fill="${colour("axis")}"/></marker></defs><rect x="${box.x1 - 20}" y="${box.y1 - 20}" width="100%" height="100%" fill="${colour("panel")}"/>${parts.join("")}</svg>`, "image/svg+xml", "svg");
  }

  // ---- what other parts of the two pages ask for
  Object.assign(aiobs.actions, {
    "causal-pick": (button) => { at = null; pick(button.dataset.pick); },
    "causal-open": (button) => openService(button.dataset.open),
    "analysis-stop": (button) => fetch("/api/causal/jobs/" + button.dataset.job, { method: "DELETE" }).finally(again),
    "analysis-again": (button) => fetch("/api/causal/jobs/" + button.dataset.job, { method: "DELETE" }).finally(again),
    "impact-ask": (button) => {
      const form = button.closest(".what-if");
      const name = form.querySelector(".what-if-number"), amount = form.querySelector(".what-if-amount");
      const key = (numbers.find((one) => one.label === name.value) || {}).value;
      const isValue = form.querySelector(".what-if-how").value === "to";
      const isShare = !isValue || form.querySelector(".what-if-unit").textContent.trim() === "%";
      const size = Number(amount.value) / (isShare ? 100 : 1);
      name.setAttribute("aria-invalid", String(!key));
      if (!key) { name.focus(); return; }
      if (amount.value === "" || !Number.isFinite(size)) { amount.focus(); return; }
      const asked = new URLSearchParams(key);
      asked.set(isValue ? "to" : "change", String(+size.toPrecision(6)));
      aiobs.setScope({ focus: asked.toString() });
    },
  });
  // There may be thousands of numbers: the hub finds them by words of their names.
  const asOptions = (found) => found.rows.map((one) => (
    { ...one, value: new URLSearchParams({ node: one.node, metric: one.metric }).toString() }));
  aiobs.finders.focus = { isLong: () => Boolean(graph() || document.getElementById(ID)), url: "/api/causal/numbers?limit=100&search=", options: asOptions };
  let numbers = [], seeking = 0;
  function offer(list, found) {
    numbers = found;
    list.replaceChildren(...found.map((one) => aiobs.make("option", { value: one.label })));
  }
  async function seek(list, text) {
    const answer = await fetch("/api/causal/numbers?search=" + encodeURIComponent(text));
    if (!answer.ok) return;
    const { data: found } = await answer.json();
    offer(list, asOptions(found));
    if (!found.is_complete && list.isConnected) seeking = setTimeout(seek, 1500, list, text);
  }
  function whatIf() {
    const form = document.querySelector(".what-if");
    if (!form || form.firstChild) return;
    const known = JSON.parse(form.dataset.words);
    const list = aiobs.make("datalist", { id: "what-if-numbers" });
    const name = aiobs.make("input", { type: "search", list: list.id, class: "picker-search what-if-number", placeholder: known.number, "aria-label": known.number, autocomplete: "off" });
    const how = aiobs.make("select", { class: "picker-search what-if-how", "aria-label": known.changes_by + " / " + known.set_to },
      aiobs.make("option", { value: "by" }, known.changes_by), aiobs.make("option", { value: "to" }, known.set_to));
    const amount = aiobs.make("input", { type: "number", class: "picker-search what-if-amount", value: "20", step: "any", "aria-label": known.change });
    const unit = aiobs.make("span", { class: "what-if-unit" }, "%"), now = aiobs.make("span", { class: "muted what-if-now" });
    // A value is asked in the number's own unit and starts from where the number is now.
    const follow = () => {
      const chosen = numbers.find((one) => one.label === name.value), isValue = how.value === "to";
      unit.textContent = isValue ? (chosen && chosen.unit) || "" : "%";
      now.textContent = (chosen && chosen.now) || "";
      amount.setAttribute("aria-label", isValue ? known.value : known.change);
      if (isValue && chosen && chosen.level !== null) amount.value = String(+(chosen.level * (chosen.unit === "%" ? 100 : 1)).toPrecision(3));
      return chosen;
    };
    offer(list, JSON.parse(form.dataset.choices));
    name.addEventListener("input", () => {
      clearTimeout(seeking);
      if (!follow()) seeking = setTimeout(() => seek(list, name.value).then(follow), 150);
    });
    name.addEventListener("focus", () => { if (!numbers.length) seek(list, name.value); });
    how.addEventListener("change", () => { if (how.value === "by") amount.value = "20"; follow(); });
    form.append(name, list, how, aiobs.make("label", { class: "what-if-change" }, amount, " ", unit), now,
      aiobs.make("button", { class: "btn-strong", "data-action": "impact-ask" }, known.ask));
  }

  // A row chosen in a table opens the same evidence as its node or arrow.
  const GRIDS = ["causal_graph-edge-grid", "causal_graph-node-grid"];
  const wired = new WeakSet();
  function wireGrids() {
    for (const id of GRIDS) {
      const api = document.getElementById(id) && window.dash_ag_grid.getApi?.(id);
      if (!api || wired.has(api)) continue;
      wired.add(api);
      api.addEventListener("selectionChanged", () => {
        const row = api.getSelectedRows()[0];
        if (row && data && row.id !== data.picked) pick(row.id);
      });
    }
  }

  let polled = 0, sought = 0;
  function look() {
    whatIf();
    const poll = document.querySelector("[data-poll]");
    if (poll && !polled) polled = setTimeout(() => { polled = 0; if (document.querySelector("[data-poll]")) again(); }, 1300);
    const choices = document.getElementById("impact-subjects");
    if (choices && choices.textContent !== drawn) { drawn = choices.textContent; aiobs.options = { ...aiobs.options, focus: JSON.parse(drawn) }; aiobs.reflect(aiobs.scope()); }
    const holder = $("-data");
    if (!holder) { if (!document.getElementById(ID)) { cy = null; pause(); state = fresh(); } return; }
    tools();
    wireGrids();
    if (holder.textContent === drawn && cy && cy === graph()) return;
    try { data = JSON.parse(holder.textContent); } catch (_) { return; }
    data.chain = data.chain || [];
    aiobs.options = { ...aiobs.options, focus: data.subjects || [] };
    aiobs.reflect(aiobs.scope());
    if (draw()) { drawn = holder.textContent; sought = 0; }
    else if (!sought) sought = setTimeout(() => { sought = 0; look(); }, 80);
  }
  let waiting = false;
  new MutationObserver((changes) => {
    if (waiting || changes.every((c) => c.target.closest && c.target.closest("#" + ID))) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; look(); });
  }).observe(document.documentElement, { childList: true, subtree: true, characterData: true });
  new MutationObserver(() => { if (cy && data) { cy.style(style()); refresh(); } })
    .observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  aiobs.causal = { graph: () => cy, data: () => data };
})();
