// What a click on a figure does: it filters by what the mark stands for, opens the page that says
// more, or sets the time range. A figure declares addresses in `layout.meta.choices`, by the name of
// a line or category (components/charts/frame.py); a link of the class `choice` is the same in a list.
(function () {
  const aiobs = window.aiobs;
  const LEAST_MS = 60e3;
  const FILTERS = ["model", "version", "segment"];

  // An address of this page filters, and once more takes the filter away; any other address opens.
  aiobs.choose = function (address) {
    const url = new URL(address, location.href);
    if (url.pathname !== location.pathname) return aiobs.follow(address);
    const wanted = Object.fromEntries(url.searchParams);
    const off = Object.fromEntries(Object.keys(wanted).map((name) => [name, aiobs.defaults[name]]));
    aiobs.setScope(isChosen(wanted) ? off : wanted);
  };
  function isChosen(wanted) {
    const scope = aiobs.scope();
    return Object.keys(wanted).every((name) => scope[name] === wanted[name]);
  }

  // ---- figures
  const choicesOf = (gd) => gd.layout?.meta?.choices || {};
  function addressOf(gd, point) {
    const choices = choicesOf(gd);
    if (!point) return "";
    if (gd.closest("[data-cells]")) {
      return point.customdata ? "?detail=" + encodeURIComponent(point.customdata) : "";
    }
    const name = [point.data.name, point.y, point.x].find((one) => Object.hasOwn(choices, one));
    return name === undefined ? "" : choices[name];
  }
  const isTimed = (gd) => gd.layout?.xaxis?.type === "date";
  const epochMs = (at) => (typeof at === "number" ? at : Date.parse(at.replace(" ", "T").replace(/^([^T]*)$/, "$1T00:00") + "Z"));

  function setTime(from, to) {
    const end = Math.min(Math.max(to, from + LEAST_MS), Date.now());
    if (!(end > from)) return; // what is still to come holds nothing
    const text = (ms) => new Date(ms).toISOString().slice(0, 19);
    aiobs.setScope({ from: text(Math.min(from, end - LEAST_MS)), to: text(end) });
  }
  // The step of a bar; of a line the tenth of what is drawn around the point.
  function aroundPoint(gd, point) {
    const at = epochMs(point.x);
    const [start, end] = gd._fullLayout.xaxis.range.map(epochMs);
    const isBar = point.data.type === "bar";
    const next = isBar && point.data.x.length > 1 ? Math.abs(epochMs(point.data.x[1]) - epochMs(point.data.x[0])) : (end - start) / 10;
    return [at - next / 2, at + next / 2];
  }
  // Where a moment answers for all series, the one under the pointer is meant: the part of a stack
  // that holds it, or a line within a finger's width.
  function pointMeant(gd, { points, event }) {
    if (points.length < 2 || !event) return points[0];
    const axis = gd._fullLayout.yaxis;
    const pixel = event.clientY - gd.getBoundingClientRect().top - axis._offset;
    if (gd.layout.barmode === "stack" || points[0].data.stackgroup) {
      const value = axis.p2d(pixel);
      let top = 0;
      return value < 0 ? undefined : points.find((point) => (top += Math.max(0, point.y)) >= value);
    }
    return points.find((point) => Math.abs(axis.d2p(point.y) - pixel) < 12);
  }
  function onClick(gd, event) {
    const address = addressOf(gd, pointMeant(gd, event));
    if (address) aiobs.choose(address);
    else if (isTimed(gd) && event.points[0]) setTime(...aroundPoint(gd, event.points[0]));
  }
  function onBrush(gd, event) {
    const range = event?.range?.x;
    if (!range || !isTimed(gd)) return;
    window.Plotly.update(gd, { selectedpoints: null }, { selections: [] });
    setTime(...range.map(epochMs).sort((one, other) => one - other));
  }
  // Called by plots.js each time a figure was drawn.
  aiobs.hear = function (gd) {
    list(gd);
    if (!gd.on || gd.aiobsHeard === gd.on) return;
    gd.aiobsHeard = gd.on;
    gd.on("plotly_click", (event) => onClick(gd, event));
    gd.on("plotly_clickannotation", ({ annotation }) => {
      const address = choicesOf(gd)[annotation.text];
      if (address) aiobs.choose(address);
    });
    gd.on("plotly_selected", (event) => onBrush(gd, event));
    gd.on("plotly_hover", ({ points }) => {
      gd.classList.toggle("is-over-choice", isTimed(gd) || Boolean(addressOf(gd, points[0])));
    });
    gd.on("plotly_unhover", () => gd.classList.remove("is-over-choice"));
  };

  // ---- the same choices without a pointer: links under the figure, seen when the focus is on them
  function list(gd) {
    const place = gd.closest(".chart-frame")?.querySelector(".chart-choices");
    const text = JSON.stringify(choicesOf(gd));
    if (!place || place.dataset.drawn === text) return;
    place.dataset.drawn = text;
    place.replaceChildren(...Object.entries(choicesOf(gd)).map(([name, address]) =>
      aiobs.make("li", {}, aiobs.make("a", { href: address, class: "choice", dir: "auto" }, name))));
    mark(place);
  }
  function mark(place) {
    for (const link of place.querySelectorAll("a.choice")) {
      const url = new URL(link.getAttribute("href"), location.href);
      const on = url.pathname === location.pathname && isChosen(Object.fromEntries(url.searchParams));
      if (on) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    }
  }

  // ---- what filters the page, each with its way out
  function chips(scope) {
    const place = document.getElementById("active-filters");
    const known = aiobs.words();
    if (!place || !known.remove_filter) return;
    const page = document.querySelector("#shell-side [aria-current=page]");
    const used = page ? page.dataset.filters.split(" ") : FILTERS;
    const shown = FILTERS.filter((name) => scope[name]).map((name) => {
      const option = (aiobs.options[name] || []).find((one) => one.value === scope[name]);
      return { off: { [name]: "" }, name: known[name], value: option?.label || scope[name], idle: !used.includes(name) };
    });
    if (scope.from) shown.push({ off: { from: "", to: "" }, name: known.time, value: aiobs.windowWords(scope) + " UTC" });
    const text = JSON.stringify([shown, known.active_filters]);
    if (place.dataset.drawn === text) return;
    place.dataset.drawn = text;
    place.setAttribute("aria-label", known.active_filters);
    place.replaceChildren(...shown.map((one) => {
      const chip = aiobs.make("button", { class: "filter-chip" + (one.idle ? " is-idle" : ""), type: "button", title: one.idle ? known.not_filtered : known.remove_filter },
        aiobs.make("span", { class: "filter-chip-name" }, one.name), aiobs.make("bdi", {}, one.value), aiobs.icon("x-lg"),
        aiobs.make("span", { class: "visually-hidden" }, one.idle ? known.not_filtered : "", " ", known.remove_filter));
      chip.addEventListener("click", () => {
        aiobs.setScope(one.off);
        (place.querySelector("button") || document.getElementById("main"))?.focus({ preventScroll: true });
      });
      return chip;
    }));
  }

  const reflect = aiobs.reflect;
  aiobs.reflect = (scope) => { reflect(scope); chips(scope); mark(document); };
})();
