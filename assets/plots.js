// Every Plotly figure: put in the colours of the theme, and change them when the theme changes.
// Figures name colours as "token:series-1" or "token:bad/0.15" (components/theme.py).
(function () {
  const plotly = window.Plotly;
  const draw = { newPlot: plotly.newPlot, react: plotly.react };

  const mode = () => (document.documentElement.dataset.bsTheme === "dark" ? "dark" : "light");

  function colour(reference, theme) {
    const [name, alpha] = reference.slice(6).split("/");
    const hex = window.aiobsTheme[theme].colours[name];
    if (!alpha) return hex;
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    return `rgba(${r},${g},${b},${alpha})`;
  }

  // Returns a copy with colours; `found` collects where tokens stood, so they can be resolved again.
  function resolve(value, theme, path, found) {
    if (typeof value === "string") {
      if (!value.startsWith("token:")) return value;
      if (found) found.push([path, value]);
      return colour(value, theme);
    }
    if (Array.isArray(value)) {
      if (typeof value[value.length - 1] === "number") return value;
      return value.map((item, i) => resolve(item, theme, path && path.concat(i), found));
    }
    if (value && typeof value === "object" && !ArrayBuffer.isView(value)) {
      const copy = {};
      for (const key in value) copy[key] = resolve(value[key], theme, path && path.concat(key), found);
      return copy;
    }
    return value;
  }

  function dressed(data, layout, theme, found) {
    const template = window.aiobsTheme[theme].template;
    const frame = Object.assign(resolve(layout || {}, theme, ["layout"], found), { template });
    // A drag over time chooses the range of the page (choose.js), not of one figure.
    if (frame.xaxis?.type === "date" && frame.dragmode === "zoom") Object.assign(frame, { dragmode: "select", selectdirection: "h" });
    return [resolve(data || [], theme, ["data"], found), frame];
  }

  // Each figure in a task of its own: the first can be seen and used while the others are drawn.
  // A message and not a timer, as a tab in the background slows timers down to one a second.
  const { port1, port2 } = new MessageChannel();
  let last = Promise.resolve();
  const turn = () => (last = last.then(() => new Promise((go) => { port1.onmessage = go; port2.postMessage(0); })));

  function wrap(name) {
    plotly[name] = async function (div, data, layout, settings) {
      const gd = typeof div === "string" ? document.getElementById(div) : div;
      const figure = data && !Array.isArray(data) ? data : { data, layout, config: settings };
      await turn();
      if (!gd.isConnected) return gd; // the page went on
      const found = [];
      const [traces, frame] = dressed(figure.data, figure.layout, mode(), found);
      gd.aiobsTokens = found;
      const drawn = draw[name].call(plotly, gd, { ...figure, data: traces, layout: frame });
      window.aiobs.hear(gd);
      return drawn;
    };
  }
  wrap("newPlot");
  wrap("react");

  function repaint(gd) {
    const theme = mode();
    for (const [path, reference] of gd.aiobsTokens || []) {
      let place = gd;
      for (const step of path.slice(0, -1)) place = place && place[step];
      if (place) place[path[path.length - 1]] = colour(reference, theme);
    }
    gd.layout.template = window.aiobsTheme[theme].template;
    return draw.react.call(plotly, gd, { data: gd.data, layout: gd.layout, config: gd._context });
  }

  // A figure for an image: light, on white, with the title and what it was filtered by.
  function forImage(gd, title, subtitle) {
    const theme = "light";
    const copy = JSON.parse(JSON.stringify({ data: gd.data, layout: gd.layout, config: { locale: gd._context.locale } }));
    for (const [path, reference] of gd.aiobsTokens || []) {
      let place = copy;
      for (const step of path.slice(0, -1)) place = place && place[step];
      if (place) place[path[path.length - 1]] = colour(reference, theme);
    }
    const colours = window.aiobsTheme[theme].colours;
    copy.layout.template = window.aiobsTheme[theme].template;
    Object.assign(copy.layout, {
      paper_bgcolor: colours.panel,
      title: {
        text: title, x: 0.02, xanchor: "left", font: { size: 16, color: colours.text },
        subtitle: { text: subtitle, font: { size: 11, color: colours["text-2"] } },
      },
    });
    const margin = copy.layout.margin || {};
    copy.layout.margin = { ...margin, t: (margin.t || 10) + 62, l: Math.max(margin.l || 0, 14), b: 20 };
    return copy;
  }

  new MutationObserver(() => {
    document.body.dataset.agThemeMode = mode();
    document.querySelectorAll(".js-plotly-plot").forEach(repaint);
  }).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });

  window.aiobs.plots = { resolve, forImage };
})();
