"""The browser's side of pages: first load, from page to page, language and theme.

`python -m benchmarks.navigation [--quick] [--keep FOLDER]` fills a hub with 30 models and 30 days
(quick: 8 models and a day), serves it without its scheduler and drives Chromium. Medians; the wall
is measured, so a busy machine counts: the load beside each run is among the machine's facts.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import fleet_store, hub
from benchmarks.fleet_store import QUICK, SMALL
from benchmarks.study import Row, run
from pages import PAGES
from tests.e2e.browser import browser

LOADS, ROUNDS = 7, 3
_FIRST_CHART = """
new MutationObserver((_, watch) => {
  if (!document.querySelector('#page .main-svg')) return;
  window.firstChartMs = performance.now();
  watch.disconnect();
}).observe(document, {childList: true, subtree: true});
"""
_LOADED = """() => {
  const parts = [...performance.getEntriesByType('resource'),
                 ...performance.getEntriesByType('navigation')];
  const before = parts.filter((p) => p.responseEnd < window.firstChartMs);
  return {
    chart: window.firstChartMs,
    bytes: parts.reduce((sum, p) => sum + p.transferSize, 0),
    asked: before.filter((p) => p.name.includes('_dash-')).length,
    scripts: Math.max(...before.map((p) => p.initiatorType === 'script' ? p.responseEnd : 0)),
  };
}"""
_UNTIL = """async ([act, path]) => {
  const $ = (selector) => document.querySelector(selector);
  const title = $('#page h1').textContent;
  const started = performance.now();
  if (act === 'nav') $(`[data-nav="${path}"]`).click();
  if (act === 'lang') $(`[data-lang="${path}"]`).click();
  if (act === 'theme') window.aiobs.toggleTheme();
  const theme = document.documentElement.dataset.bsTheme;
  const paint = () => new Promise((done) => requestAnimationFrame(done));
  const stands = () => act === 'theme'
    ? document.documentElement.dataset.bsTheme === theme
    : $('#page h1') && $('#page h1').textContent !== title && !$('#page .skeleton')
      && !$('#page.is-loading');
  while (!stands()) await paint();
  await paint();
  return performance.now() - started;
}"""


def measure() -> list[Row]:
    """Return the rows of the table."""
    with _served() as url, browser() as chromium:
        loads = [_first_load(chromium, url) for _ in range(LOADS + 1)][1:]
        moves, languages, themes, kept = _moves(chromium, url)

    def median(name: str) -> float:
        return statistics.median(load[name] for load in loads)

    rows = [
        Row("first load, kB as sent", median("bytes") / 1_024, high=2_048, repetitions=LOADS),
        Row("first load, ms to the first chart", median("chart"), high=1_200, repetitions=LOADS),
        Row("first load, ms to the last script", median("scripts"), repetitions=LOADS),
        Row("first load, Dash requests before the chart", median("asked"), repetitions=LOADS),
    ]
    for path, taken in moves.items():
        rows.append(Row(f"to {path}, ms", statistics.median(taken), repetitions=len(taken)))
    every = [ms for taken in moves.values() for ms in taken]
    rows += [
        Row("page to page, median ms", statistics.median(every), high=500, repetitions=len(every)),
        Row("language, median ms", statistics.median(languages), high=300,
            repetitions=len(languages)),
        Row("theme, median ms", statistics.median(themes), high=300, repetitions=len(themes)),
        Row("share of switches that kept the address", kept, low=1.0, repetitions=len(languages)),
    ]  # fmt: skip
    return rows


@contextmanager
def _served() -> Iterator[str]:
    size = QUICK if "--quick" in sys.argv else SMALL
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        with fleet_store.filled(size, Path(made)):
            pass
        served = hub.start(fleet_store.folder_of(size, Path(made)), scheduler="off")
        try:
            served.wait()
            yield f"http://127.0.0.1:{served.port}"
        finally:
            served.kill()


def _first_load(chromium: Any, url: str) -> dict[str, float]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    page = context.new_page()
    page.add_init_script(_FIRST_CHART)
    page.goto(url + "/", wait_until="domcontentloaded")
    page.wait_for_selector("#page .main-svg", timeout=60_000)
    page.wait_for_load_state("networkidle")
    found: dict[str, float] = page.evaluate(_LOADED)
    context.close()
    return found


def _moves(
    chromium: Any, url: str
) -> tuple[dict[str, list[float]], list[float], list[float], float]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    page = context.new_page()
    page.goto(f"{url}/?range=6h", wait_until="domcontentloaded")
    page.wait_for_selector("#page .main-svg", timeout=60_000)
    paths = [one.module.PATH for one in PAGES if one.name != "unified"] + ["/"]
    moves: dict[str, list[float]] = {path: [] for path in paths}
    for number in range(ROUNDS + 1):
        for path in paths:
            taken = page.evaluate(_UNTIL, ["nav", path])
            page.wait_for_timeout(150)
            if number:  # the first round fills the caches
                moves[path].append(taken)
    languages, themes, kept = [], [], []
    for code in ("fr", "ar", "ja", "en") * ROUNDS:
        languages.append(page.evaluate(_UNTIL, ["lang", code]))
        kept.append("range=6h" in page.url)
        page.wait_for_timeout(150)
        themes.append(page.evaluate(_UNTIL, ["theme", ""]))
    context.close()
    return moves, languages[1:], themes, sum(kept) / len(kept)


if __name__ == "__main__":
    run("navigation", "Pages open and change at once", measure)
