// The URL query is the state of a page. The same rules as components/scope.py; a test holds them together.
(function () {
  const aiobs = window.aiobs;
  const UNIT_S = { m: 60, h: 3600, d: 86400, w: 604800 };
  const MAX_S = 366 * 86400;
  const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z?$/;
  const DEFAULTS = {
    tenant: "", model: "", version: "", segment: "", range: "24h", from: "", to: "", compare: "",
    live: "1", refresh: "15", lang: "", theme: "", focus: "", detail: "",
  };
  const EXPLORING = ["/models", "/explore", "/correlation", "/logs", "/traces"];  // each has a question of its own
  const MAX_FOCUS = 1800;
  const SHOWN_ONLY = ["lang", "theme"];

  function rangeSeconds(text) {
    const match = /^([1-9][0-9]{0,5})([mhdw])$/.exec(text);
    return match ? Number(match[1]) * UNIT_S[match[2]] : 0;
  }
  function epochMs(moment) {
    const text = moment.replace(/Z$/, "");
    const value = Date.parse((text.length === 16 ? text + ":00" : text) + "Z");
    // Date.parse rolls 31 February over; a moment that is not on the calendar is not a moment.
    return new Date(value).toJSON()?.slice(0, 16) === text.slice(0, 16) ? value : NaN;
  }
  function parse(search) {
    const query = new URLSearchParams(search);
    const scope = {};
    for (const name in DEFAULTS) scope[name] = query.get(name) || "";
    for (const name of ["tenant", "model", "version", "segment"]) {
      if (scope[name].length > 200 || /[\x00-\x1f\x7f]/.test(scope[name])) scope[name] = "";
    }
    for (const name of ["focus", "detail"]) {
      if (scope[name].length > MAX_FOCUS || /[\x00-\x1f\x7f]/.test(scope[name])) scope[name] = "";
    }
    const seconds = rangeSeconds(scope.range);
    if (!(seconds > 0 && seconds <= MAX_S)) scope.range = DEFAULTS.range;
    const span = MOMENT.test(scope.from) && MOMENT.test(scope.to) ? (epochMs(scope.to) - epochMs(scope.from)) / 1000 : 0;
    if (!(span > 0 && span <= MAX_S)) scope.from = scope.to = "";
    if (!["", "previous", "day", "week"].includes(scope.compare)) scope.compare = "";
    scope.live = ["0", "false"].includes(scope.live.toLowerCase()) ? "0" : "1";
    if (!["5", "15", "60"].includes(scope.refresh)) scope.refresh = DEFAULTS.refresh;
    if (!aiobs.languages.includes(scope.lang)) scope.lang = "";
    if (!["light", "dark"].includes(scope.theme)) scope.theme = "";
    return scope;
  }
  function format(scope) {
    const query = new URLSearchParams();
    for (const name in DEFAULTS) if (scope[name] !== DEFAULTS[name]) query.set(name, scope[name]);
    return query.toString();
  }
  function current() { return parse(location.search); }

  function go(path, scope, replace) {
    const query = format(scope);
    const address = path + (query ? "?" + query : "") + (path === location.pathname ? location.hash : "");
    if (address === location.pathname + location.search + location.hash) return;
    history[replace ? "replaceState" : "pushState"]({}, "", address);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  }
  // A version or a segment belongs to its model; one chosen for all narrows to the model's.
  function changed(scope, changes) {
    const left = scope.model && "model" in changes && changes.model !== scope.model;
    return { ...scope, ...(left ? { version: "", segment: "" } : {}), ...changes };
  }
  function setScope(changes, replace) {
    go(location.pathname, parse("?" + new URLSearchParams(changed(current(), changes))), replace);
  }
  // The address a link leads to: its own query on top of what the reader looks at now.
  function carried(href) {
    const url = new URL(href, location.href);
    const scope = { ...current() };
    if (url.pathname !== location.pathname) {
      scope.detail = "";  // what was opened there
      if (EXPLORING.includes(url.pathname) || EXPLORING.includes(location.pathname)) scope.focus = "";
    }
    const own = Object.fromEntries([...url.searchParams].filter(([name]) => name in DEFAULTS));
    const query = new URLSearchParams(changed(scope, own));
    return { path: url.pathname, scope: parse("?" + query), hash: url.hash };
  }
  function isPage(link) {
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return false;
    return !/^\/(api|assets|v1|login|logout|healthz|readyz|metrics$)/.test(link.pathname);
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href]");
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (!isPage(link) || link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    if (link.classList.contains("choice")) aiobs.choose(link.href);
    else follow(link.href);
  });
  function follow(href) {
    const { path, scope } = carried(href);
    const moved = path !== location.pathname;
    go(path, scope);
    if (moved) {
      window.scrollTo(0, 0);
      document.getElementById("main")?.focus({ preventScroll: true });
    }
  }
  document.addEventListener("visibilitychange", () => {
    if (!window.dash_clientside?.set_props) return;
    const [interval, disabled] = clock(current());
    window.dash_clientside.set_props("tick", { interval, disabled: disabled || document.hidden });
  });
  function clock(scope) {
    return [Number(scope.refresh) * 1000, scope.live === "0" || Boolean(scope.from)];
  }
  function sameData(one, other) {
    if (!one || !other) return false;
    return Object.keys(DEFAULTS).every((name) => SHOWN_ONLY.includes(name) || one[name] === other[name]);
  }

  Object.assign(aiobs, { parse, format, rangeSeconds, scope: current, setScope, carried, follow, go, defaults: DEFAULTS, MAX_FOCUS });
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    aiobs: {
      readAddress(pathname, _search, oldScope, oldPath, oldLang) {
        const same = window.dash_clientside.no_update;
        const scope = current();
        const lang = document.documentElement.lang;
        aiobs.reflect(scope);
        const unchanged = sameData(scope, oldScope);
        if (oldScope && !unchanged) document.getElementById("page")?.classList.add("is-loading");
        return [
          unchanged ? same : scope,
          pathname === oldPath ? same : pathname,
          lang === oldLang ? same : lang,
        ];
      },
      setClock(scope) { return clock(scope || DEFAULTS); },
      showToast(message) {
        document.getElementById("page")?.classList.remove("is-loading");
        if (message) aiobs.toast(message);
        return window.dash_clientside.no_update;
      },
      applyView(data) {
        // After React has put the slots of this page into the document.
        setTimeout(() => aiobs.applyView(data), 0);
        return window.dash_clientside.no_update;
      },
      takeOptions(options) {
        aiobs.options = { ...aiobs.options, ...options };  // a page may have brought its own
        aiobs.reflect(current());
        return window.dash_clientside.no_update;
      },
    },
  });
})();
