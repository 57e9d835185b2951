// The frame: the bar says what the address says; menus, filters, theme, language, toasts, ages.
(function () {
  const aiobs = window.aiobs;
  const $ = (selector, from) => (from || document).querySelector(selector);
  const $$ = (selector, from) => Array.from((from || document).querySelectorAll(selector));
  const make = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const name in attributes || {}) node.setAttribute(name, attributes[name]);
    node.append(...children);
    return node;
  };
  const icon = (name) => make("i", { class: "bi bi-" + name, "aria-hidden": "true" });

  function words() {
    const holder = document.getElementById("client-words");
    try { return JSON.parse(holder.textContent); } catch (_) { return {}; }
  }
  function rangeWords(text) {
    const known = words();
    const match = /^(\d+)([mhdw])$/.exec(text);
    const unit = match && { m: "last_minutes", h: "last_hours", d: "last_days", w: "last_weeks" }[match[2]];
    return (unit && known[unit] && known[unit][match[1]]) || text;
  }
  function windowWords(scope) {
    if (!scope.from) return rangeWords(scope.range);
    return scope.from.replace("T", " ").slice(0, 16) + " – " + scope.to.replace("T", " ").slice(0, 16);
  }

  // ---- the bar shows the scope
  function reflect(scope) {
    const known = words();
    const put = (node, text) => { if (node && node.textContent !== text) node.textContent = text; };
    put($("#time-words"), windowWords(scope));
    const live = $("#live-button");
    if (live) {
      const on = scope.live !== "0" && !scope.from;
      live.setAttribute("aria-pressed", String(on));
      put($("#live-words"), on ? known.live : known.paused);
    }
    for (const button of $$("[data-action=picker]")) {
      const value = scope[button.dataset.param];
      const option = (aiobs.options[button.dataset.param] || []).find((one) => one.value === value);
      put($(".picker-value", button), value ? (option && option.label) || value : button.dataset.none || known.all);
      button.classList.toggle("is-set", Boolean(value));
    }
    for (const button of $$("[data-scope]")) {
      const wanted = JSON.parse(button.dataset.scope);
      const on = Object.keys(wanted).every((name) => name === "live" || (scope[name] || "") === wanted[name]);
      button.setAttribute("aria-pressed", String(on));
    }
    for (const link of $$("[data-nav]")) {
      const { path, scope: kept } = aiobs.carried(link.dataset.nav);
      const query = aiobs.format(kept);
      link.setAttribute("href", path + (query ? "?" + query : ""));
      if (path === location.pathname) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const filters = ["tenant", "model", "version", "segment"].filter((n) => scope[n]).map((n) => `${n}=${scope[n]}`);
    put($("#print-scope"), [windowWords(scope), ...filters, new Date().toISOString().slice(0, 16) + "Z"].join(" · "));
  }
  aiobs.reflect = reflect;
  aiobs.words = words;
  aiobs.windowWords = windowWords;
  aiobs.make = make;
  aiobs.icon = icon;

  // ---- moments need a field that Dash does not offer
  function dressMoments() {
    for (const holder of $$("[data-moment]")) {
      if (holder.firstChild) continue;
      holder.append(make("input", { type: "datetime-local", id: holder.id + "-input", class: "moment" }));
    }
  }
  function fillMoments() {
    const scope = aiobs.scope();
    const text = (ms) => new Date(ms).toISOString().slice(0, 16);
    const [from, to] = [$("#time-from-input"), $("#time-to-input")];
    if (!from || !to) return;
    from.value = scope.from ? scope.from.slice(0, 16) : text(Date.now() - 86400e3);
    to.value = scope.to ? scope.to.slice(0, 16) : text(Date.now());
  }

  // ---- ages in words, kept true
  function writeAges() {
    const lang = document.documentElement.lang || "en";
    const format = new Intl.RelativeTimeFormat(lang + "-u-nu-latn", { numeric: "always", style: "short" });
    for (const node of $$("time[data-ago]")) {
      const seconds = Math.round((Date.parse(node.dateTime) - Date.now()) / 1000);
      const size = Math.abs(seconds);
      const [amount, unit] = size < 90 ? [seconds, "second"] : size < 5400 ? [seconds / 60, "minute"]
        : size < 129600 ? [seconds / 3600, "hour"] : [seconds / 86400, "day"];
      const text = format.format(Math.min(-0, Math.round(amount)) || -0, unit);
      if (node.textContent !== text) node.textContent = text;
    }
  }

  aiobs.writeAges = writeAges;

  // ---- toasts
  aiobs.toast = function ({ kind = "none", title = "", text = "", id = "" }) {
    const glyph = { good: "check-circle-fill", warn: "exclamation-triangle-fill", bad: "x-octagon-fill", none: "info-circle" }[kind];
    const close = make("button", { class: "icon-button", "aria-label": words().close || "" }, icon("x-lg"));
    const body = make("div", { class: "toast-words" }, make("strong", {}, title), make("span", {}, text));
    if (id) body.append(make("code", {}, id));
    const toast = make("div", { class: "toast-card toast-" + kind }, icon(glyph), body, close);
    close.addEventListener("click", () => toast.remove());
    $("#toasts").append(toast);
    if (kind !== "bad") setTimeout(() => toast.remove(), 6000);
  };

  // A long list comes in parts: ask for those that hold the text, then draw again.
  let asked = "";
  let asking = 0;
  aiobs.finders = {
    model: {
      isLong: () => (aiobs.options.searched || []).some((one) => one.value === "model"),
      url: "/api/models?limit=100&search=",
      options: (data) => data.map((one) => ({ value: one.model_id, label: one.name })),
    },
  };
  aiobs.findMore = function (param, text, redraw) {
    const finder = aiobs.finders[param];
    if (!finder || !finder.isLong() || !text || param + text === asked) return;
    asked = param + text;
    clearTimeout(asking);
    asking = setTimeout(async () => {
      const answer = await fetch(finder.url + encodeURIComponent(text));
      if (!answer.ok) return;
      const { data } = await answer.json();
      const known = new Set((aiobs.options[param] || []).map((one) => one.value));
      const found = finder.options(data).filter((one) => !known.has(one.value));
      aiobs.options[param] = [...(aiobs.options[param] || []), ...found];
      if (data.is_complete === false) { asked = ""; setTimeout(redraw, 1500); } else redraw();
    }, 150);
  };

  // ---- a filter of the scope: searchable list under its button
  let openPicker = null;
  function closePicker(focus) {
    if (!openPicker) return;
    openPicker.box.remove();
    openPicker.button.setAttribute("aria-expanded", "false");
    if (focus) openPicker.button.focus();
    openPicker = null;
  }
  function showPicker(button) {
    closePicker();
    const known = words();
    const param = button.dataset.param;
    const box = make("div", { class: "picker-box", role: "dialog", "aria-label": button.dataset.label });
    const input = make("input", { type: "text", class: "picker-search", placeholder: known.search, "aria-label": known.search, autocomplete: "off" });
    const list = make("div", { class: "picker-list" });
    const draw = () => {
      const text = input.value.trim().toLowerCase();
      const all = [{ value: "", label: button.dataset.none || known.all }, ...(aiobs.options[param] || [])];
      const holds = (name) => text.split(/\s+/).every((word) => name.includes(word));
      const found = all.filter((one) => holds((one.label || one.value).toLowerCase())).slice(0, 200);
      list.replaceChildren(...found.map((one) => {
        const item = make("button", { class: "menu-item", "aria-pressed": String(aiobs.scope()[param] === one.value) },
          make("span", {}, one.label || one.value));
        if (one.hint) item.append(make("small", {}, one.hint));
        item.addEventListener("click", () => { closePicker(true); aiobs.setScope({ [param]: one.value }); });
        return item;
      }));
      if (!found.length) list.append(make("p", { class: "menu-note" }, known.no_match));
      aiobs.findMore(param, text, draw);
    };
    input.addEventListener("input", draw);
    box.append(input, list);
    button.parentElement.append(box);
    button.setAttribute("aria-expanded", "true");
    openPicker = { box, button };
    draw();
    keepInside(box);
    input.focus();
  }
  // A menu that would leave the screen is moved back onto it.
  function keepInside(box) {
    box.style.translate = "";
    const { left, right } = box.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const shift = right > width - 8 ? width - 8 - right : left < 8 ? 8 - left : 0;
    if (shift) box.style.translate = `${Math.round(shift)}px 0`;
  }
  aiobs.keepInside = keepInside;

  // ---- theme and language
  function remember(name, value) {
    try { localStorage.setItem(name, value); } catch (_) { /* private window: the address still knows */ }
  }
  aiobs.toggleTheme = function () {
    const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
    remember("aiobs_theme", next);
    aiobs.setTheme(next);
    if (aiobs.scope().theme) aiobs.setScope({ theme: next }, true);
  };
  aiobs.chooseLanguage = function (code) {
    aiobs.setLanguage(code);
    // The address changes, so Dash reads it again and asks for the page in the new language.
    aiobs.setScope({ lang: code }, true);
    for (const button of $$("[data-lang]")) button.setAttribute("aria-pressed", String(button.dataset.lang === code));
  };
  window.addEventListener("popstate", () => {
    const { lang, theme } = aiobs.scope();
    if (lang && lang !== document.documentElement.lang) aiobs.setLanguage(lang);
    if (theme) aiobs.setTheme(theme);
  });

  const actions = {
    menu: () => document.body.classList.toggle("side-open"),
    theme: aiobs.toggleTheme,
    live: () => {
      const scope = aiobs.scope();
      if (scope.from) aiobs.setScope({ from: "", to: "", live: "1" });
      else aiobs.setScope({ live: scope.live === "0" ? "1" : "0" });
    },
    picker: (button) => (openPicker && openPicker.button === button ? closePicker() : showPicker(button)),
    "apply-absolute": (button) => {
      const [from, to] = [$("#time-from-input").value, $("#time-to-input").value];
      if (from && to && from < to) { closeMenus(); aiobs.setScope({ from, to }); }
      else $(from ? "#time-to-input" : "#time-from-input").focus();
    },
    copy: (button) => copy(button.dataset.copy),
    retry: () => window.dash_clientside.set_props("scope", { data: { ...aiobs.scope(), retry: Date.now() } }),
    "sign-out": () => fetch("/logout", { method: "POST" }).finally(() => location.assign("/login")),
    "dialog-close": () => $("#dialog").close(),
    palette: () => aiobs.openPalette(),
  };
  aiobs.actions = actions;

  function copy(text) {
    const done = () => aiobs.toast({ kind: "good", title: words().copied, text });
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, () => aiobs.toast({ kind: "bad", title: words().failed }));
  }
  aiobs.copy = copy;

  function closeMenus(but) {
    for (const menu of $$("details.menu-holder[open]")) if (!but || !menu.contains(but)) menu.open = false;
  }
  aiobs.closeMenus = closeMenus;

  document.addEventListener("click", (event) => {
    const target = event.target.closest ? event.target : document.body;
    closeMenus(target);
    if (openPicker && !openPicker.box.contains(target) && !openPicker.button.contains(target)) closePicker();
    const item = target.closest("[data-scope]");
    if (item) { closeMenus(); aiobs.setScope(JSON.parse(item.dataset.scope)); return; }
    const tongue = target.closest("[data-lang]");
    if (tongue) { closeMenus(); aiobs.chooseLanguage(tongue.dataset.lang); return; }
    const button = target.closest("[data-action]");
    if (button && actions[button.dataset.action]) actions[button.dataset.action](button);
    else if (target.closest(".side-link") || (document.body.classList.contains("side-open") && !target.closest("#shell-side"))) {
      document.body.classList.remove("side-open");
    }
  });
  document.addEventListener("toggle", (event) => {
    if (!event.target.matches || !event.target.matches("details.menu-holder") || !event.target.open) return;
    closeMenus(event.target);
    const box = $(".menu", event.target);
    if (box) keepInside(box);
    if ($(".menu-time", event.target)) { dressMoments(); fillMoments(); }
  }, true);

  // ---- keyboard
  function typing(node) { return /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName) || node.isContentEditable; }
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      aiobs.openPalette();
      return;
    }
    if (event.key === "Escape") {
      if (openPicker) closePicker(true);
      const menu = event.target.closest && event.target.closest("details.menu-holder[open]");
      if (menu) { menu.open = false; $("summary", menu).focus(); } else closeMenus();
      document.body.classList.remove("side-open");
      return;
    }
    if (event.target.id === "free-range" && event.key === "Enter") {
      const text = event.target.value.trim();
      if (aiobs.parse("?range=" + encodeURIComponent(text)).range === text) {
        closeMenus();
        aiobs.setScope({ range: text, from: "", to: "" });
      } else event.target.setAttribute("aria-invalid", "true");
      return;
    }
    const list = event.target.closest && event.target.closest(".menu, .picker-box");
    if (list && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const items = $$("button, input", list).filter((node) => node.offsetParent);
      const at = items.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      const next = items[(at + items.length) % items.length];
      if (next) { event.preventDefault(); next.focus(); }
      return;
    }
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "p") actions.live();
    else if (event.key === "t") aiobs.toggleTheme();
    else if (event.key === "/") { event.preventDefault(); aiobs.openPalette(); }
  });

  // ---- what Dash draws later needs the same care
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      writeAges();
      dressMoments();
      if (!$("#shell-side [data-nav]")) return;
      const heading = $("#page h1");
      const title = heading && heading.textContent + " · AIOBS";
      if (title && document.title !== title) document.title = title;  // else it would be seen again
      aiobs.reflect(aiobs.scope());
    });
  }).observe(document.documentElement, { childList: true, subtree: true });
  setInterval(writeAges, 5000);
})();
