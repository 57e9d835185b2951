// Before first paint: theme, language and direction, so nothing flashes. The query wins, then what was chosen before.
(function () {
  const root = document.documentElement;
  const query = new URLSearchParams(location.search);
  const languages = ["en", "fr", "es", "de", "pt", "it", "zh", "ja", "ko", "ar"];

  function remembered(name) {
    try { return localStorage.getItem(name); } catch (_) { return null; }
  }
  function cookie(name) {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(name + "="));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : null;
  }
  function setTheme(theme) {
    root.dataset.bsTheme = theme;
    if (document.body) document.body.dataset.agThemeMode = theme;
  }
  function setLanguage(code) {
    const rtl = code === "ar";
    root.lang = code;
    root.dir = rtl ? "rtl" : "ltr";
    document.getElementById("css-ltr").disabled = rtl;
    document.getElementById("css-rtl").disabled = !rtl;
    document.cookie = "aiobs_lang=" + code + "; path=/; max-age=31536000; samesite=lax";
  }
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const asked = [query.get("theme"), remembered("aiobs_theme")].find((v) => v === "light" || v === "dark");
  const browser = (navigator.languages || []).map((tag) => tag.toLowerCase().split("-")[0]);
  const language = [query.get("lang"), cookie("aiobs_lang"), ...browser].find((code) => languages.includes(code));

  setTheme(asked || (dark.matches ? "dark" : "light"));
  setLanguage(language || "en");
  document.addEventListener("DOMContentLoaded", () => setTheme(root.dataset.bsTheme));
  window.aiobs = { languages, setTheme, setLanguage, options: {} };
})();
