"""Axes in ten languages: dates, numbers and shares as the text beside the chart writes them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from components import charts
from components.charts import Line, locales
from components.charts.frame import tick_format
from i18n import LANGUAGES, number, percent, speaking
from i18n.axes import plot_locale, tick_dates
from i18n.formats import day_month

MOMENT = datetime(2026, 3, 7, 9, 5, 2, tzinfo=UTC)
# CLDR 4x, written by hand: day, month and year of 7 March 2026.
WRITTEN = {
    "en": ("Mar 7", "Mar 2026", "2026"), "fr": ("7 mars", "mars 2026", "2026"),
    "es": ("7 mar", "mar 2026", "2026"), "de": ("7. März", "März 2026", "2026"),
    "pt": ("7 de mar.", "mar. de 2026", "2026"), "it": ("7 mar", "mar 2026", "2026"),
    "zh": ("3月7日", "2026年3月", "2026年"), "ja": ("3月7日", "2026年3月", "2026年"),
    "ko": ("3월 7일", "2026년 3월", "2026년"), "ar": ("7 مارس", "مارس 2026", "2026"),
}  # fmt: skip


def as_d3(pattern: str, code: str) -> str:
    """What d3 writes for the letters that our patterns use."""
    names: Any = plot_locale(code)["shortMonths"]
    said = {"%b": names[MOMENT.month - 1], "%-d": str(MOMENT.day), "%-m": str(MOMENT.month)}
    said |= {"%Y": "2026", "%H": "09", "%M": "05", "%S": "02"}
    return re.sub("%-?[a-zA-Z]", lambda m: said[m[0]], pattern).strip("\u2067\u2069")


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_time_axis_writes_dates_as_the_language_does(code: str) -> None:
    with speaking(code):
        dates = tick_dates()
    assert tuple(as_d3(dates[name], code) for name in ("day", "month", "year")) == WRITTEN[code]
    assert as_d3(dates["moment"], code) == f"{WRITTEN[code][0]} 09:05:02"


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_day_on_the_axis_is_the_day_of_the_text(code: str) -> None:
    at_ms = MOMENT.timestamp() * 1000
    assert as_d3(tick_dates(code)["day"], code) == day_month(at_ms, locale=code)


@pytest.mark.parametrize("code", LANGUAGES)
def test_signs_of_numbers_are_those_of_the_text(code: str) -> None:
    made = plot_locale(code)
    assert number(1234.5, decimals=1, locale=code) == f"1{made['thousands']}234{made['decimal']}5"
    before, after = made["currency"]  # type: ignore[misc]
    assert percent(0.5, locale=code) == f"{before}50{after}"


def test_shares_take_the_sign_of_the_language() -> None:
    figure = charts.line([0, 1], [Line("a", [0.1, 0.2])], unit="share")
    assert figure["layout"]["yaxis"]["tickformat"] == tick_format("share")
    # `%` or a bare `p` would print d3's own sign, without the space of French or German.
    assert tick_format("share").startswith("$")
    assert "%{y:$" in figure["data"][0]["hovertemplate"]


def test_words_that_run_from_the_right_are_isolated() -> None:
    assert tick_dates("ar")["day"] == "\u2067%-d %b\u2069"
    with speaking("ar"):
        axis = charts.line([0, 1], [Line("a", [1, 2])])["layout"]["xaxis"]
    written = json.dumps(axis, ensure_ascii=False)
    assert {letter for letter in written if ord(letter) > 127} == {"\u2067", "\u2069"}


def test_the_written_script_is_up_to_date() -> None:
    assert locales.TARGET.read_text("utf-8") == locales.script()
    assert {one.plotly for one in LANGUAGES.values()} <= set(
        re.findall(r'"name":"([^"]+)"', locales.script())
    )
