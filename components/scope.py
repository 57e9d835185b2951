"""The scope of a page: which tenant, model, time and comparison, as the URL says it.

The URL query is the only state. `parse` accepts anything a reader may paste and keeps what is
valid; `to_query` writes the shortest query that parses to the same scope. `assets/scope.js` does
the same in the browser (a test holds the two together) and keeps the store `scope` in step with
the address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from i18n import LANGUAGES, date_time, t

RANGES: dict[str, int] = {
    "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000,
}  # fmt: skip
"""Relative ranges offered, in seconds; any `<number><m|h|d|w>` is accepted."""

REFRESH_S = (5, 15, 60)
COMPARE = ("", "previous", "day", "week")
THEMES = ("", "light", "dark")
MAX_RANGE_S = 366 * 86_400
MAX_FOCUS = 1_800  # `focus` is what a page is about, `detail` what the reader opened there
_UNIT_S = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_RANGE = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z?")


@dataclass(frozen=True, slots=True)
class Scope:
    """What the reader looks at; empty text means all, or not set."""

    tenant: str = ""
    model: str = ""
    version: str = ""
    segment: str = ""
    range: str = "24h"
    start: str = ""
    end: str = ""
    compare: str = ""
    live: bool = True
    refresh: int = 15
    lang: str = ""
    theme: str = ""
    focus: str = ""
    detail: str = ""

    @property
    def is_absolute(self) -> bool:
        """Whether the reader chose two moments instead of a range up to now."""
        return bool(self.start and self.end)

    @property
    def range_s(self) -> int:
        """The length of the window in seconds."""
        if self.is_absolute:
            return (_epoch_ms(self.end) - _epoch_ms(self.start)) // 1000
        return range_seconds(self.range)

    def window_ms(self, now_ms: int) -> tuple[int, int]:
        """Return the window as epoch milliseconds: absolute, or up to `now_ms`."""
        if self.is_absolute:
            return _epoch_ms(self.start), _epoch_ms(self.end)
        return now_ms - self.range_s * 1000, now_ms

    def compare_ms(self, now_ms: int) -> tuple[int, int] | None:
        """Return the window to compare with, or None when the reader did not ask."""
        start, end = self.window_ms(now_ms)
        shift = {"previous": end - start, "day": 86_400_000, "week": 604_800_000}.get(self.compare)
        return None if shift is None else (start - shift, end - shift)

    def bucket(self, now_ms: int) -> int:
        """Return the number of the refresh period: equal for all who look in the same period."""
        return 0 if self.is_absolute else now_ms // (self.refresh * 1000)

    def describe(self) -> str:
        """Return the window in words of the language in use."""
        if self.is_absolute:
            return f"{date_time(_epoch_ms(self.start))} – {date_time(_epoch_ms(self.end))} UTC"
        return range_words(self.range)

    def to_query(self) -> str:
        """Return the query that parses to this scope, without what is default."""
        pairs = []
        for name in _ORDER:
            value = getattr(self, name)
            if value != getattr(_DEFAULT, name):
                text = ("1" if value else "0") if isinstance(value, bool) else str(value)
                pairs.append((_PUBLIC.get(name, name), text))
        return urlencode(pairs)

    def to_store(self) -> dict[str, str]:
        """Return what the store `scope` holds for this address, as `assets/scope.js` writes it."""
        values = {_PUBLIC.get(name, name): getattr(self, name) for name in _ORDER}
        return {
            name: ("1" if value else "0") if isinstance(value, bool) else str(value)
            for name, value in values.items()
        }


_PUBLIC = {"start": "from", "end": "to"}
_ORDER = tuple(field.name for field in fields(Scope))
_DEFAULT = Scope()


def parse(source: str | Mapping[str, Any] | None) -> Scope:
    """Return the scope of a URL query or of the `scope` store; the invalid falls to its default."""
    given: Mapping[str, Any]
    if isinstance(source, str):
        given = dict(parse_qsl(source.lstrip("?")[:8000], max_num_fields=40))
    else:
        given = source or {}
    text = {name: str(given.get(_PUBLIC.get(name, name)) or "") for name in _ORDER}
    start, end = _moments(text["start"], text["end"])
    return Scope(
        tenant=_name(text["tenant"]),
        model=_name(text["model"]),
        version=_name(text["version"]),
        segment=_name(text["segment"]),
        range=text["range"] if 0 < range_seconds(text["range"]) <= MAX_RANGE_S else _DEFAULT.range,
        start=start,
        end=end,
        compare=text["compare"] if text["compare"] in COMPARE else "",
        live=str(given.get("live", "1")).lower() not in ("0", "false"),
        refresh=int(text["refresh"]) if text["refresh"] in map(str, REFRESH_S) else 15,
        lang=text["lang"] if text["lang"] in LANGUAGES else "",
        theme=text["theme"] if text["theme"] in THEMES else "",
        focus=_name(text["focus"], MAX_FOCUS),
        detail=_name(text["detail"], MAX_FOCUS),
    )


def range_seconds(text: str) -> int:
    """Return the seconds of a relative range like `25m`, or 0 when it is not one."""
    match = _RANGE.fullmatch(text)
    return int(match[1]) * _UNIT_S[match[2]] if match else 0


def range_words(text: str) -> str:
    """Return a relative range as a reader says it: `Last 24 hours`."""
    match = _RANGE.fullmatch(text)
    if not match:
        return text
    names = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    return t(f"shell.last_{names[match[2]]}", n=int(match[1]))


def _name(text: str, longest: int = 200) -> str:
    return text if len(text) <= longest and text.isprintable() else ""


def _moments(start: str, end: str) -> tuple[str, str]:
    """Return both moments when they are valid, in order, at most a year apart and not of another
    age; else neither."""
    if not (_MOMENT.fullmatch(start) and _MOMENT.fullmatch(end)):
        return "", ""
    try:
        span = (_epoch_ms(end) - _epoch_ms(start)) / 1000
    except ValueError:
        return "", ""
    fits = 0 < span <= MAX_RANGE_S and "1970" <= start and end < "3000"
    return (start, end) if fits else ("", "")


def _epoch_ms(moment: str) -> int:
    parsed = datetime.fromisoformat(moment.rstrip("Z")).replace(tzinfo=UTC)
    return int(parsed.timestamp() * 1000)
