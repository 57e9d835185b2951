// Ctrl-K: pages, filters, time ranges, theme and languages in one searchable list.
(function () {
  const aiobs = window.aiobs;
  let items = [];
  let chosen = 0;

  function collect() {
    const known = aiobs.words();
    const pages = Array.from(document.querySelectorAll("[data-nav]")).map((link) => ({
      group: known.pages, words: link.textContent, glyph: link.querySelector("i").className, run: () => link.click(),
    }));
    const time = Array.from(document.querySelectorAll(".menu-time [data-scope]")).map((button) => ({
      group: known.time, words: button.textContent, glyph: "bi bi-clock-history",
      run: () => aiobs.setScope(JSON.parse(button.dataset.scope)),
    }));
    const filters = [];
    for (const button of document.querySelectorAll("[data-action=picker]")) {
      for (const option of aiobs.options[button.dataset.param] || []) {
        filters.push({
          group: button.dataset.label, words: option.label || option.value, glyph: "bi bi-funnel", hint: option.hint,
          run: () => aiobs.setScope({ [button.dataset.param]: option.value }),
        });
      }
    }
    const views = (aiobs.views || []).map((view) => ({
      group: aiobs.viewWords().mine, words: view.name, glyph: "bi bi-bookmark", hint: view.is_mine ? "" : view.owner_name,
      run: () => aiobs.openView(view),
    }));
    const actions = [
      { group: known.actions, words: known.theme, glyph: "bi bi-circle-half", hint: "T", run: aiobs.toggleTheme },
      { group: known.actions, words: known.live + " / " + known.paused, glyph: "bi bi-broadcast", hint: "P", run: aiobs.actions.live },
    ];
    const languages = Object.entries(known.language_names).map(([code, name]) => ({
      group: known.languages, words: name, hint: code, glyph: "bi bi-translate", run: () => aiobs.chooseLanguage(code),
    }));
    return [...pages, ...views, ...filters, ...time, ...actions, ...languages];
  }
  // Letters in order, better when together and at a word's start.
  function score(text, query) {
    const found = text.indexOf(query);
    if (found >= 0) return 1000 - found - (found && /\w/.test(text[found - 1]) ? 200 : 0);
    let at = -1;
    for (const letter of query) {
      at = text.indexOf(letter, at + 1);
      if (at < 0) return 0;
    }
    return 1;
  }
  function draw() {
    const query = document.getElementById("palette-input").value.trim().toLowerCase();
    const ranked = collect()
      .map((one, at) => ({ ...one, at, score: query ? score((one.words + " " + (one.hint || "")).toLowerCase(), query) : 1 }))
      .filter((one) => one.score > 0);
    if (query) ranked.sort((a, b) => b.score - a.score || a.at - b.at);
    items = ranked.slice(0, 60);
    chosen = 0;
    const list = document.getElementById("palette-list");
    let group = null;
    list.replaceChildren();
    items.forEach((one, at) => {
      if (one.group !== group && !query) {
        group = one.group;
        list.append(aiobs.make("div", { class: "menu-head" }, group));
      }
      const node = aiobs.make("button", { class: "menu-item", tabindex: "-1", "data-at": at },
        aiobs.make("i", { class: one.glyph, "aria-hidden": "true" }), aiobs.make("span", {}, one.words));
      if (query) node.append(aiobs.make("small", {}, one.group));
      else if (one.hint) node.append(aiobs.make("small", {}, one.hint));
      node.addEventListener("click", () => choose(at));
      list.append(node);
    });
    aiobs.findMore("model", query, draw);
    if (!items.length) list.append(aiobs.make("p", { class: "menu-note" }, aiobs.words().no_match));
    highlight();
  }
  function highlight() {
    document.querySelectorAll("#palette-list .menu-item").forEach((node, at) => {
      node.classList.toggle("is-chosen", at === chosen);
      if (at === chosen) node.scrollIntoView({ block: "nearest" });
    });
  }
  function choose(at) {
    document.getElementById("palette").close();
    if (items[at]) items[at].run();
  }
  aiobs.openPalette = function () {
    const palette = document.getElementById("palette");
    if (palette.open) return palette.close();
    const input = document.getElementById("palette-input");
    input.setAttribute("aria-label", aiobs.words().palette);
    palette.showModal();
    input.value = "";
    draw();
    input.focus();
    aiobs.loadViews().then(() => { if (aiobs.views.length && palette.open) draw(); }, () => {});  // without views it still works
  };
  document.addEventListener("input", (event) => { if (event.target.id === "palette-input") draw(); });
  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "palette-input") return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && items.length) {
      event.preventDefault();
      chosen = (chosen + step + items.length) % items.length;
      highlight();
    } else if (event.key === "Enter") { event.preventDefault(); choose(chosen); }
  });
  document.addEventListener("click", (event) => {
    if (event.target.tagName === "DIALOG" && event.target.open) event.target.close();
  });
})();
