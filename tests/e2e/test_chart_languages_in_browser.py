"""What a reader sees on the axes and on hover, in three scripts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from browser import Visit, visit

from i18n import percent
from i18n.formats import day_month

TICKS = """id => [...document.querySelectorAll(`#${id} .xtick text, #${id} .ytick text`)]
  .map(text => text.textContent)"""
HOVER = """id => {
  const drawn = document.querySelector(`#${id} .js-plotly-plot`);
  Plotly.Fx.hover(drawn, [{curveNumber: 2, pointNumber: 20}]);
  return [...drawn.querySelectorAll('.hoverlayer text')].map(text => text.textContent).join(' ');
}"""
LONG_AGO = """id => Plotly.relayout(document.querySelector(`#${id} .js-plotly-plot`),
  {'xaxis.range': [Date.UTC(2025, 8, 1), Date.UTC(2026, 2, 20)]})"""
MARKS = "\u2066\u2067\u2069"
MONTHS = {"de": "Dez. 2025", "ja": "2025年12月", "ar": "ديسمبر 2025"}


def texts(seen: Visit, script: str, chart: str) -> Any:
    return seen.page.evaluate(script, chart)


@pytest.mark.parametrize("lang", MONTHS)
def test_axes_and_hover_are_written_in_the_language(chromium: Any, gallery: str, lang: str) -> None:
    with visit(chromium, f"{gallery}/?lang={lang}") as seen:
        seen.wait_for_charts()
        drawn = "document.querySelector('#g-lat .js-plotly-plot')"
        last = seen.page.evaluate(f"{drawn}._fullLayout.xaxis.range[1]")
        now_ms = seen.page.evaluate(f"new Date('{last}Z'.replace(' ', 'T')).getTime()")
        ticks = " ".join(texts(seen, TICKS, "g-lat"))
        assert day_month(now_ms, locale=lang) in re.sub(f"[{MARKS}]", "", ticks)
        texts(seen, LONG_AGO, "g-lat")
        ticks = " ".join(texts(seen, TICKS, "g-lat"))
        assert MONTHS[lang] in re.sub(f"[{MARKS}]", "", ticks)
        assert percent(0.1, locale=lang) in texts(seen, TICKS, "g-hist")
        comma, sign = "," if lang == "de" else ".", percent(0.0, locale=lang).removeprefix("0")
        assert re.search(rf"\d{re.escape(comma)}\d+{sign}", texts(seen, HOVER, "g-trust"))
        assert seen.errors == []
