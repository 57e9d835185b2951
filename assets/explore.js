// The fields of the exploring pages: each says what `focus` in the address says, and changes it (pages/explore_parts.py).
(function () {
  const aiobs = window.aiobs;
  const make = aiobs.make;
  const asked = () => new URLSearchParams(aiobs.scope().focus);

  function say(now) {
    if (now.toString().length > aiobs.MAX_FOCUS) return aiobs.toast({ kind: "bad", title: aiobs.words().failed });
    aiobs.setScope({ focus: now.toString(), detail: "" });
  }
  function ask(name, value) {
    const now = asked();
    if (value) now.set(name, value); else now.delete(name);
    say(now);
  }
  function add(name, value) {
    const now = asked();
    if (!now.getAll(name).includes(value)) now.append(name, value);
    say(now);
  }

  function choicesOf(holder) {
    const source = holder.dataset.source;
    if (!source) return JSON.parse(holder.dataset.choices);
    try { return JSON.parse(document.getElementById("explore-options").textContent)[source] || []; } catch (_) { return []; }
  }
  // Writes what the address says into a field, unless the reader is in it.
  function sync(holder) {
    const control = holder.querySelector("input, select");
    const value = asked().get(holder.dataset.field) || "";
    if (holder.dataset.kind === "check") { control.checked = Boolean(value); return; }
    if (control.tagName === "SELECT") {
      const choices = choicesOf(holder).map((one) => (Array.isArray(one) ? one : [one, one]));
      if (!choices.some(([known]) => known === value)) choices.push([value, value || "–"]);
      const text = JSON.stringify(choices);
      if (control.dataset.drawn !== text && document.activeElement !== control) {
        control.replaceChildren(...choices.map(([known, words]) => make("option", { value: known }, words)));
        control.dataset.drawn = text;
      }
      if (document.activeElement !== control || control.value !== value) control.value = value;
      return;
    }
    if (holder.dataset.kind !== "metrics" && document.activeElement !== control) control.value = value;
  }

  function dress(holder) {
    const { field, kind, label, hint } = holder.dataset;
    if (kind === "check") {
      const box = make("input", { type: "checkbox" });
      box.addEventListener("change", () => ask(field, box.checked ? "1" : ""));
      holder.append(make("label", { class: "explore-check" }, box, make("span", {}, label)));
    } else if (kind === "select") {
      const select = make("select", {});
      select.addEventListener("change", () => ask(field, select.value));
      holder.append(make("label", { class: "field" }, make("span", {}, label), select));
    } else {
      const input = make("input", { type: kind === "number" ? "number" : "text", placeholder: hint, autocomplete: "off", spellcheck: "false" });
      if (kind === "number") input.min = "0";
      holder.append(make("label", { class: "field" }, make("span", {}, label), input));
      if (kind.startsWith("metric")) combobox(holder, input);
      else input.addEventListener("change", () => ask(field, input.value.trim()));
    }
  }

  // ---- a metric: its name found by words among thousands, or a selector typed as it is
  let numbered = 0;
  function combobox(holder, input) {
    const many = holder.dataset.kind === "metrics";
    const list = make("div", { class: "picker-list combo-list", role: "listbox", id: "metric-list-" + ++numbered, hidden: "", "aria-label": holder.dataset.label });
    for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list", dir: "ltr" })) {
      input.setAttribute(name, value);
    }
    holder.append(list);
    let timer = 0, turn = 0, at = -1;
    const items = () => Array.from(list.querySelectorAll("[role=option]"));
    function close() {
      list.hidden = true;
      at = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }
    function choose(value) {
      close();
      if (!value) return;
      if (many) { input.value = ""; add(holder.dataset.field, value); return; }
      input.blur();
      const now = asked();
      now.set(holder.dataset.field, value);
      now.delete("by");  // the labels of another metric
      say(now);
      sync(holder);
    }
    function draw(found, more) {
      if (!more) list.replaceChildren();
      list.querySelector(".combo-more")?.remove();
      for (const one of found.rows) {
        const about = [one.unit === "1" ? "" : one.unit, holder.dataset.series.replace("#", one.series)].filter(Boolean).join(" · ");
        const item = make("div", { class: "menu-item", role: "option", "aria-selected": "false", id: list.id + "-" + list.children.length },
          make("span", { dir: "ltr" }, one.name), make("small", {}, about));
        item.addEventListener("mousedown", (event) => { event.preventDefault(); choose(one.name); });
        item.dataset.value = one.name;
        list.append(item);
      }
      if (found.cursor) {
        const next = make("button", { class: "btn-quiet combo-more", type: "button", tabindex: "-1" }, holder.dataset.more + " (" + (found.total - items().length) + ")");
        next.addEventListener("mousedown", (event) => { event.preventDefault(); load(found.cursor); });
        list.append(next);
      }
      if (!found.rows.length && !more) list.append(make("p", { class: "menu-note" }, holder.dataset.none));
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
    }
    function load(cursor) {
      const mine = ++turn;
      const text = input.value.includes("{") ? input.value.split("{")[0] : input.value;
      const chosen = !many && text === (asked().get(holder.dataset.field) || "");
      const query = new URLSearchParams({ text: chosen ? "" : text, ...(cursor ? { cursor } : {}) });
      fetch("/api/explore/metrics?" + query).then((answer) => answer.json()).then((said) => {
        if (mine === turn && said.success && document.activeElement === input) draw(said.data, cursor);
      }).catch(() => aiobs.toast({ kind: "bad", title: aiobs.words().failed }));
    }
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(load, 150); });
    input.addEventListener("focus", () => { input.select(); load(); });
    input.addEventListener("blur", () => { clearTimeout(timer); turn += 1; close(); });
    input.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const all = items();
      if (step && all.length && !list.hidden) {
        event.preventDefault();
        at = (at + step + all.length) % all.length;
        all.forEach((item, i) => {
          item.classList.toggle("is-chosen", i === at);
          item.setAttribute("aria-selected", String(i === at));
        });
        all[at].scrollIntoView({ block: "nearest" });
        input.setAttribute("aria-activedescendant", all[at].id);
      } else if (event.key === "Enter") {
        event.preventDefault();
        choose(at >= 0 && !list.hidden ? all[at].dataset.value : input.value.trim());
      } else if (event.key === "Escape" && !list.hidden) { event.stopPropagation(); close(); }
    });
  }

  function care() {
    for (const holder of document.querySelectorAll("[data-field]")) {
      if (!holder.firstChild) dress(holder);
      sync(holder);
    }
  }
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; care(); });
  }).observe(document.documentElement, { childList: true, subtree: true, characterData: true });
  const reflect = aiobs.reflect;
  aiobs.reflect = (scope) => { reflect(scope); care(); };
})();
