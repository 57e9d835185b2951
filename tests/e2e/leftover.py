"""English that is left on a page in another script: `python tests/e2e/leftover.py URL [LANG]`.

Data stay as they came: what is in `code`, `pre`, `bdi` or under `translate="no"` is left out, and
so is what names hold between Unicode isolates. Of the rest, in texts and in the attributes that a
reader hears or hovers, three English words in a row are a sentence that nobody translated.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

OTHER_SCRIPTS = ("ar", "ja", "ko", "zh")
_TEXTS = """() => {
  const skip = "code, pre, kbd, samp, script, style, noscript, template, bdi, [translate=no], .notranslate";
  const found = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    if (!node.parentElement.closest(skip)) found.add(node.data);
  const names = ["title", "aria-label", "aria-description", "alt", "placeholder", "data-title"];
  for (const element of document.body.querySelectorAll("*"))
    if (!element.closest(skip))
      for (const name of names)
        if (element.hasAttribute(name)) found.add(element.getAttribute(name));
  return [document.title, ...found];
}"""  # noqa: E501
_ENGLISH = re.compile(r"[A-Za-z][a-z'’-]+(?: [A-Za-z]?[a-z'’-]+){2,}")
_NAMES = re.compile("\u2068.*?\u2069", re.S)


def english_on(page: Any) -> list[str]:  # a Playwright page
    """Return the English sentences of an open page."""
    texts = (" ".join(_NAMES.sub("·", text).split()) for text in page.evaluate(_TEXTS))
    return sorted({text for text in texts if _ENGLISH.search(text)})


def main(url: str, language: str) -> int:
    """Print what is left on every page of a running hub; 1 when anything is."""
    from browser import browser, visit

    import pages

    left = 0
    with browser() as chromium:
        for page in pages.PAGES:
            for model in ("", "visit-risk", "support-assistant"):
                query = f"?lang={language}&model={model}"
                with visit(chromium, f"{url}{page.module.PATH}{query}") as seen:
                    seen.wait_for_charts()
                    for text in english_on(seen.page):
                        left += 1
                        print(f"{page.name}\t{model}\t{text[:200]}", flush=True)
    return int(left > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].rstrip("/"), (sys.argv[2:] or ["ja"])[0]))
