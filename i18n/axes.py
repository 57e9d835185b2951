"""Dates and numbers on chart axes, in the pattern letters of d3, from the same CLDR data as text.

A chart formats its ticks in the browser, so that zooming needs no round trip: the browser gets
patterns and names instead of words.
"""

from __future__ import annotations

import re
from functools import lru_cache

from i18n.formats import babel_locale
from i18n.languages import current, direction

_D3 = {"d": "%-d", "dd": "%d", "M": "%-m", "MM": "%m", "MMM": "%b", "MMMM": "%B", "y": "%Y"}
_PIECE = re.compile(r"'([^']*)'|([a-zA-Z])\2*")
_RIGHT_TO_LEFT, _END = "\u2067", "\u2069"  # charts run left to right, their words may not

SHARE = "$,.3~p"
"""A share as per cent: d3 knows one per cent sign and no space before it, but takes the sign of
money from the locale, so `plot_locale` puts the language's per cent sign there."""
SHARE_EXACT = "$,.4~p"


@lru_cache(maxsize=64)
def d3_date(skeleton: str, locale: str | None = None) -> str:
    """Return the d3 pattern of a CLDR skeleton: `MMMd` a day, `yMMM` a month, `y` a year.

    >>> d3_date("MMMd", "en"), d3_date("MMMd", "de"), d3_date("yMMM", "ja"), d3_date("MMMd", "pt")
    ('%b %-d', '%-d. %b', '%Y年%-m月', '%-d de %b')
    """
    pattern = babel_locale(locale).datetime_skeletons[skeleton].pattern
    return _PIECE.sub(lambda m: m[1] if m[1] is not None else _D3[m[0]], pattern)


def tick_dates(locale: str | None = None) -> dict[str, str]:
    """Return the d3 patterns of a time axis: `day`, `month`, `year` and the `moment` on hover.

    >>> tick_dates("fr")["moment"]
    '%-d %b %H:%M:%S'
    """
    code = locale or current()
    made = {
        "day": d3_date("MMMd", code),
        "month": d3_date("yMMM", code),
        "year": d3_date("y", code),
        "moment": f"{d3_date('MMMd', code)} %H:%M:%S",
    }
    if direction(code) == "ltr":
        return made
    return {name: f"{_RIGHT_TO_LEFT}{pattern}{_END}" for name, pattern in made.items()}


def plot_locale(locale: str) -> dict[str, object]:
    """Return names and signs of a language as a d3 locale, which Plotly reads.

    >>> plot_locale("de")["decimal"], plot_locale("de")["currency"], plot_locale("en")["currency"]
    (',', ['', '\\xa0%'], ['', '%'])
    """
    known = babel_locale(locale)
    digits = known.number_symbols["latn"]
    per_cent = known.percent_formats[None].pattern.partition("#,##0")[2]
    return {
        "days": _week(known.days["format"]["wide"]),
        "shortDays": _week(known.days["format"]["abbreviated"]),
        "months": [known.months["format"]["wide"][i] for i in range(1, 13)],
        "shortMonths": [known.months["format"]["abbreviated"][i] for i in range(1, 13)],
        "decimal": digits["decimal"],
        "thousands": digits["group"],
        "grouping": [3],
        "currency": ["", per_cent],
        "date": d3_date("yMMMd", locale),
        "year": d3_date("y", locale),
        "month": d3_date("yMMM", locale),
        "dayMonth": d3_date("MMMd", locale),
        "dayMonthYear": d3_date("yMMMd", locale),
    }


def _week(names: dict[int, str]) -> list[str]:
    """Return the days from Sunday on; CLDR's numbers in Babel start on Monday."""
    return [names[i] for i in (6, 0, 1, 2, 3, 4, 5)]
