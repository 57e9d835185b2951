// Changes on the page only what differs from what a slot already shows (components/live.py).
(function () {
  const elementId = (id) => JSON.stringify({ index: id.index, type: id.type });

  // The chart of a panel body, when the body is one chart and nothing else.
  function chartOf(component) {
    if (!component || Array.isArray(component) || component.type !== "Figure") return null;
    const inner = component.props.children;
    const graph = Array.isArray(inner) ? inner[0] : inner;
    return graph && graph.type === "Graph" ? graph : null;
  }
  function put(id, component, isShown) {
    const element = document.getElementById(elementId(id));
    if (!element) return;
    const panel = id.type === "panel-body" && element.closest(".panel");
    if (panel) panel.hidden = component === null; // a panel that says nothing here (View.hide)
    const text = JSON.stringify(component);
    if (element.aiobsShown === text) return;
    if (isShown && element.aiobsShown === undefined) { element.aiobsShown = text; return; }
    const graph = chartOf(component);
    const drawn = element.querySelector(":scope > .chart-frame > .chart, :scope > .chart-frame .dash-graph");
    const setProps = window.dash_clientside.set_props;
    if (graph && drawn && drawn.id === graph.props.id) setProps(graph.props.id, { figure: graph.props.figure });
    else setProps(id, { children: component });
    element.aiobsShown = text;
  }
  window.aiobs.applyView = function (data) {
    document.getElementById("page")?.classList.remove("is-loading");
    if (!data) return;
    const [mark, ...parts] = JSON.parse(data);
    // The server drew this very view with the page: remember what stands there, draw nothing.
    const isShown = document.getElementById("view-mark")?.dataset.mark === mark;
    for (const [id, component] of parts) put(id, component, isShown);
  };
})();
