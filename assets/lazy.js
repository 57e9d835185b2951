// Stands in for the component of a heavy package until a page has one; then fetches its script once.
(function () {
  function standIn(name, type, address) {
    let real = null, coming = null;
    function fetchOnce() {
      coming = coming || new Promise((done, failed) => {
        const script = document.createElement("script");
        script.src = address;
        script.onload = () => {
          real = window[name][type];
          window[name] = { ...window[name], [type]: Shell }; // still the same for Dash: nothing is mounted twice
          done();
        };
        script.onerror = () => { coming = null; script.remove(); failed(new Error(address)); };
        document.head.append(script);
      });
      return coming;
    }
    function Shell(props) {
      const [, show] = window.React.useState(real !== null);
      window.React.useEffect(() => { if (!real) fetchOnce().then(() => show(true), () => {}); }, []);
      return real ? window.React.createElement(real, props) : null;
    }
    // Dash waits for this before it runs callbacks of the component.
    Object.defineProperty(Shell, "_dashprivate_isLazyComponentReady", {
      get: () => (real ? real._dashprivate_isLazyComponentReady : fetchOnce().then(() => real._dashprivate_isLazyComponentReady)),
    });
    window[name] = { [type]: Shell };
  }
  for (const bundle of Object.values(document.currentScript.dataset)) standIn(...bundle.split(" "));
})();
