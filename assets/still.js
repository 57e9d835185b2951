// Puts the inside of elements that Dash keeps as text into them (components/still.py), and changes
// only what differs when it comes anew: focus, scrolling and what a reader opened stay.
(function () {
  const aiobs = window.aiobs;

  function follow(node, fresh) {
    const isReaders = (name) => name === "open" && node.nodeName === "DETAILS";
    for (const { name } of [...node.attributes]) if (!fresh.hasAttribute(name) && !isReaders(name)) node.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (node.getAttribute(name) !== value && !isReaders(name)) node.setAttribute(name, value);
    const [old, next] = [[...node.childNodes], [...fresh.childNodes]];
    next.forEach((one, at) => {
      const was = old[at];
      if (!was) node.append(one);
      else if (was.nodeName !== one.nodeName) was.replaceWith(one);
      else if (was.nodeType === Node.TEXT_NODE) { if (was.data !== one.data) was.data = one.data; } else follow(was, one);
    });
    old.slice(next.length).forEach((one) => one.remove());
  }
  function fill(node) {
    const text = node.getAttribute("data-still");
    if (text === (node.aiobsStill ?? null)) return false;
    if (text === null) node.aiobsNodes.forEach((one) => one.remove()); // now Dash fills it
    else if (node.aiobsStill === undefined) node.innerHTML = text;
    else {
      const fresh = node.cloneNode(false);
      fresh.innerHTML = text;
      follow(node, fresh);
    }
    node.aiobsStill = text ?? undefined;
    node.aiobsNodes = text === null ? [] : [...node.childNodes];
    return true;
  }
  new MutationObserver((changes) => {
    const places = new Set();
    for (const { type, target, addedNodes } of changes) {
      if (type === "attributes") places.add(target);
      for (const node of addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        if (node.dataset.still !== undefined) places.add(node);
        node.querySelectorAll("[data-still]").forEach((one) => places.add(one));
      }
    }
    if (![...places].filter(fill).length) return;
    aiobs.writeAges?.();
    if (aiobs.scope) aiobs.reflect?.(aiobs.scope()); // names of filters, and what is chosen
  }).observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["data-still"] });
})();
