// Saved views: the menu beside Export, and what the palette lists.
(function () {
  const aiobs = window.aiobs;
  const make = aiobs.make, icon = aiobs.icon;
  const holder = () => document.querySelector(".views-holder");

  aiobs.views = [];
  aiobs.viewWords = () => { try { return JSON.parse(holder().dataset.words); } catch (_) { return {}; } };

  async function call(method, path, body) {
    const answer = await fetch("/api/views" + path, {
      method, headers: body ? { "Content-Type": "application/json" } : {}, body: body && JSON.stringify(body),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error);
    return said.data;
  }
  aiobs.loadViews = async () => { aiobs.views = await call("GET", ""); };
  aiobs.openView = function (view) {
    aiobs.closeMenus();
    const { lang, theme } = aiobs.scope();
    const url = new URL(view.address, location.origin);
    // A view says everything of its page; only language and theme stay the reader's.
    aiobs.go(url.pathname, { ...aiobs.parse(url.search), lang, theme });
  };
  function address() {
    const query = aiobs.format({ ...aiobs.scope(), lang: "", theme: "" });
    return location.pathname + (query ? "?" + query : "");
  }
  const failed = (error) => aiobs.toast({ kind: "bad", title: aiobs.words().failed, text: error.message });

  function row(view, words) {
    const open = make("button", { class: "menu-item", "data-view": view.id }, icon("bookmark"), make("span", { dir: "auto" }, view.name));
    if (!view.is_mine) open.append(make("small", { dir: "auto" }, view.owner_name));
    else if (view.is_shared) open.append(make("small", {}, words.shared));
    open.addEventListener("click", () => aiobs.openView(view));
    const line = make("div", { class: "view-row" }, open);
    if (view.can_delete) {
      const gone = make("button", { class: "icon-button", "aria-label": words.delete + ": " + view.name, title: words.delete }, icon("trash"));
      gone.addEventListener("click", (event) => {
        event.stopPropagation();
        call("DELETE", "/" + encodeURIComponent(view.id)).then(() => {
          aiobs.toast({ kind: "good", title: words.deleted, text: view.name });
          return aiobs.loadViews().then(draw);
        }).catch(failed);
      });
      line.append(gone);
    }
    return line;
  }
  function form(words) {
    const name = make("input", { type: "text", maxlength: "80", required: "", autocomplete: "off", class: "picker-search", id: "view-name" });
    const share = make("input", { type: "checkbox", id: "view-share" });
    const made = make("form", { class: "view-form" },
      make("label", { class: "field" }, make("span", {}, words.name), name),
      make("label", { class: "explore-check" }, share, make("span", {}, words.share)),
      make("button", { class: "btn-strong", type: "submit" }, words.save));
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      call("POST", "", { name: name.value, address: address(), is_shared: share.checked }).then((view) => {
        aiobs.toast({ kind: "good", title: words.saved, text: view.name });
        made.reset();
        return aiobs.loadViews().then(draw);
      }).catch(failed);
    });
    return made;
  }
  function draw() {
    const box = holder()?.querySelector(".menu-views");
    if (!box) return;
    const words = aiobs.viewWords();
    const list = aiobs.views.length ? aiobs.views.map((view) => row(view, words)) : [make("p", { class: "menu-note" }, words.none)];
    const fresh = make("div", { class: "view-list" }, ...list), shown = box.querySelector(".view-list");
    // Only the list is drawn again when it arrives: a name that is being typed stays.
    if (shown) shown.replaceWith(fresh); else box.replaceChildren(fresh, form(words));
    aiobs.keepInside(box);
  }
  document.addEventListener("toggle", (event) => {
    if (event.target === holder() && event.target.open) { draw(); aiobs.loadViews().then(draw, failed); }
  }, true);
})();
