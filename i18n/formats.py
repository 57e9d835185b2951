"""Numbers, shares, money, sizes, durations and times as readers of each language write them.

Digits are Latin in every language, so tables and charts read the same. Babel is imported on first
use: a process that formats nothing does not pay for it.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING

from i18n.languages import current

if TYPE_CHECKING:
    from babel.core import Locale
    from babel.numbers import NumberPattern

_MISSING = "–"
_MINUS = "−"
_LEFT_TO_RIGHT = "\u200e"  # Arabic: else the sign goes to the other end of its number
_SI = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_LONG = 1e21
"""From here on numbers are written with an exponent: nobody counts 22 digits, and Babel has 28."""


def babel_locale(locale: str | None) -> Locale:
    """Return what Babel knows of a language, the one in use by default; parsed once."""
    return _parsed(locale or current())


@lru_cache(maxsize=32)
def _parsed(code: str) -> Locale:
    from babel.core import Locale

    return Locale.parse({"zh": "zh_Hans_CN", "pt": "pt_BR"}.get(code, code))


@lru_cache(maxsize=256)
def _pattern(decimals: int, fixed: bool, around: str = "#,##0") -> NumberPattern:
    """Return a number's pattern with so many decimals; `around` holds its whole part."""
    from babel.numbers import parse_pattern

    part = "." + ("0" if fixed else "#") * decimals if decimals else ""
    return parse_pattern(around.replace("#,##0", f"#,##0{part}"))


@lru_cache(maxsize=10_000)
def _written(value: float, pattern: NumberPattern, locale: Locale) -> str:
    """Return a number by its pattern. Most numbers of a page are those of the tick before."""
    if abs(value) >= _LONG:
        from babel.numbers import parse_pattern

        pattern = parse_pattern(re.sub(r"[#0,.]+", "0.##E0", pattern.pattern))
    return _signs(pattern.apply(value, locale), locale)


def minus(locale: str | None = None) -> str:
    """Return the minus sign, which every negative number has."""
    return f"{_LEFT_TO_RIGHT if (locale or current()) == 'ar' else ''}{_MINUS}"


def _signs(text: str, locale: Locale) -> str:
    """Return a number of Babel's with the real minus sign; CLDR writes a hyphen."""
    return text.replace(f"{_LEFT_TO_RIGHT}-", "-").replace("-", minus(locale.language))


def number(
    value: float | None,
    *,
    decimals: int | None = None,
    compact: bool = False,
    locale: str | None = None,
) -> str:
    """Return a number with grouping; without `decimals` three significant digits are kept.

    >>> number(1234567), number(0.01234), number(1234567, compact=True), number(None)
    ('1,234,567', '0.0123', '1.23M', '–')
    """
    if value is None or not math.isfinite(value):
        return _MISSING
    suffix = ""
    if compact:
        for size, letter in _SI:
            if abs(value) >= size * 0.9995:
                value, suffix = value / size, letter
                break
    places = decimals if decimals is not None else _places(value)
    pattern = _pattern(places, decimals is not None)
    text = _written(_unsigned_zero(value, places), pattern, babel_locale(locale))
    return f"{text}{suffix}"


def _unsigned_zero(value: float, places: int) -> float:
    """Return 0 in place of what rounds to a zero with a minus sign."""
    return 0.0 if round(value, places) == 0 else value


def _places(value: float) -> int:
    """Return the decimals that keep three significant digits, none for whole numbers."""
    if value == 0 or float(value).is_integer():
        return 0
    return min(8, max(0, 2 - math.floor(math.log10(abs(value)))))


def signed(value: float | None, *, decimals: int | None = None, locale: str | None = None) -> str:
    """Return a number with its sign, `+` included; the minus is the real minus sign."""
    if value is None or not math.isfinite(value):
        return _MISSING
    text = number(abs(value), decimals=decimals, locale=locale)
    return text if value == 0 else f"{'+' if value > 0 else minus(locale)}{text}"


def percent(share: float | None, *, decimals: int = 1, locale: str | None = None) -> str:
    """Return a share (0..1) as per cent.

    >>> percent(0.12345), percent(1.0), percent(0.5, locale="fr")
    ('12.3%', '100%', '50\\xa0%')
    """
    if share is None or not math.isfinite(share):
        return _MISSING
    known = babel_locale(locale)
    pattern = _pattern(decimals, False, known.percent_formats[None].pattern)
    return _written(_unsigned_zero(share, decimals + 2), pattern, known)


def currency(value: float | None, code: str = "USD", *, locale: str | None = None) -> str:
    """Return an amount of money; amounts under one keep three significant digits."""
    if value is None or not math.isfinite(value):
        return _MISSING
    from babel.numbers import format_currency, get_currency_precision

    if abs(value) >= _LONG:
        return f"{number(value, locale=locale)} {code}"
    known = babel_locale(locale)
    if value == 0 or abs(value) >= 1:
        return _signs(format_currency(value, code, locale=known), known)
    places = max(get_currency_precision(code), _places(value))
    rounded = round(value, places)
    text = format_currency(rounded, code, locale=known, decimal_quantization=False)
    return _signs(text, known)


def quantity(value: float | None, unit: str = "", *, locale: str | None = None) -> str:
    """Return a number and its unit as a reader writes them: `share`, `ms`, `s`, `bytes`, `eur`, …

    >>> quantity(0.5, "share"), quantity(1500, "ms"), quantity(12.3, "kWh")
    ('50%', '1.5 s', '12.3 kWh')
    """
    if value is None or not math.isfinite(value):
        return _MISSING
    if unit == "share":
        return percent(value, locale=locale)
    if unit in ("ms", "s"):
        return duration(value / 1000 if unit == "ms" else value, locale=locale)
    if unit == "bytes":
        return plain_bytes(value, locale=locale)
    if len(unit) == 3 and unit.lower() in _CURRENCIES:
        return currency(value, unit.upper(), locale=locale)
    compact = abs(value) >= 100_000
    text = number(value, compact=compact, locale=locale)
    return f"{text} {unit}".rstrip()


_CURRENCIES = frozenset("usd eur gbp jpy cny krw brl chf cad aud inr".split())


_UNITS: dict[str, dict[str, str]] = {
    "fr": {"d": "j"},
    "it": {"d": "g"},
    "ja": {"d": "日", "h": "時間", "min": "分", "s": "秒", "ms": "ミリ秒"},
    "ko": {"d": "일", "h": "시간", "min": "분", "s": "초", "ms": "밀리초"},
    "zh": {"d": "天", "h": "小时", "min": "分", "s": "秒", "ms": "毫秒"},
}
"""Signs of time where a language does not write those of the SI. Arabic keeps them: a sign in its
own script would turn the order of `2 h 5 min` where a number runs from left to right."""


def duration(seconds: float | None, *, locale: str | None = None) -> str:
    """Return a span of time in its largest fitting unit.

    >>> duration(0.0123), duration(95), duration(7260), duration(200_000)
    ('12.3 ms', '1 min 35 s', '2 h 1 min', '2 d 7 h')
    """
    if seconds is None or not math.isfinite(seconds):
        return _MISSING
    sign, value = (minus(locale), -seconds) if seconds < 0 else ("", seconds)
    own = _UNITS.get(locale or current(), {})
    if value < 60:
        unit = "s" if value >= 1 or value == 0 else "ms"
        shown = number(value if unit == "s" else value * 1000, locale=locale)
        return f"{sign}{shown} {own.get(unit, unit)}"
    whole = round(value)
    for size, name, part, part_name in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // part
            tail = f" {rest} {own.get(part_name, part_name)}" if rest else ""
            count = number(whole // size, locale=locale)
            return f"{sign}{count} {own.get(name, name)}{tail}"
    return f"{sign}{whole} {own.get('s', 's')}"


def plain_bytes(value: float | None, *, locale: str | None = None) -> str:
    """Return a size in decimal units: 1 kB is 1,000 bytes."""
    if value is None or not math.isfinite(value):
        return _MISSING
    for size, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(value) >= size:
            return f"{number(value / size, locale=locale)} {name}"
    return f"{number(value, locale=locale)} B"


def date_time(
    epoch_ms: float, *, seconds: bool = False, zone: tzinfo = UTC, locale: str | None = None
) -> str:
    """Return a moment as date and time of day, by default in UTC."""
    from babel.dates import format_date, format_time

    moment = datetime.fromtimestamp(epoch_ms / 1000, zone)
    code = babel_locale(locale)
    clock = format_time(moment, "HH:mm:ss" if seconds else "HH:mm", locale=code)
    return f"{format_date(moment, 'medium', locale=code)} {clock}"


def day(epoch_ms: float, *, zone: tzinfo = UTC, locale: str | None = None) -> str:
    """Return the date of a moment, by default in UTC."""
    from babel.dates import format_date

    moment = datetime.fromtimestamp(epoch_ms / 1000, zone)
    return format_date(moment, "medium", locale=babel_locale(locale))


def day_month(epoch_ms: float, *, locale: str | None = None) -> str:
    """Return day and month of a moment in UTC, as short as the language allows: an axis label."""
    from babel.dates import format_skeleton

    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return format_skeleton("MMMd", moment, locale=babel_locale(locale))


def time_of_day(epoch_ms: float, *, locale: str | None = None) -> str:
    """Return hours and minutes of a moment in UTC: an axis label."""
    from babel.dates import format_time

    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return format_time(moment, "HH:mm", locale=babel_locale(locale))


def ago(seconds: float, *, locale: str | None = None) -> str:
    """Return how long ago something was, in words: `3 minutes ago`."""
    from babel.dates import format_timedelta

    return format_timedelta(
        -max(1, round(seconds)), add_direction=True, threshold=1.5, locale=babel_locale(locale)
    )


def plural_form(amount: float, locale: str | None = None) -> str:
    """Return the CLDR plural category of an amount: zero, one, two, few, many or other."""
    return str(babel_locale(locale).plural_form(amount))
