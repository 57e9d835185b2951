"""Axes of printed figures: what range they span, where ticks stand and what is written there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from i18n import number, percent, quantity
from i18n.formats import day_month, time_of_day

Kind = Literal["linear", "date", "category"]
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_TIME_STEPS = (
    _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR,
    3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY, 91 * _DAY,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: values from `low` to `high` on pixels from `start` to `end`."""

    kind: Kind
    low: float
    high: float
    start: float
    end: float
    categories: tuple[str, ...] = ()
    ticks: tuple[tuple[float, str], ...] = ()

    def at(self, value: Any) -> float | None:
        """Return the pixel of a value, None for what has no place on the axis."""
        position = self.position(value)
        if position is None:
            return None
        share = (position - self.low) / ((self.high - self.low) or 1.0)
        return self.start + share * (self.end - self.start)

    def position(self, value: Any) -> float | None:
        """Return the number that a value is on this axis."""
        if value is None:
            return None
        if self.kind == "category":
            text = str(value)
            return float(self.categories.index(text)) if text in self.categories else None
        found = as_number(value)
        return found if found is not None and math.isfinite(found) else None


def as_number(value: Any) -> float | None:
    """Return a number, or epoch milliseconds of an ISO time; None for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000


def make_axis(
    layout: dict[str, Any], values: Iterable[Any], start: float, end: float, *, has_base: bool
) -> Axis:
    """Return the axis of a Plotly axis layout and the values drawn on it; bars start at zero."""
    found = [value for value in values if value is not None]
    kind = _kind(layout, found)
    if kind == "category":
        names = tuple(dict.fromkeys(str(value) for value in found))
        low, high = -0.5, max(len(names), 1) - 0.5
        ticks = tuple((float(i), name) for i, name in enumerate(names))
    else:
        names = ()
        numbers = [n for n in map(as_number, found) if n is not None and math.isfinite(n)]
        low, high = _range(layout, numbers, has_base=has_base, is_date=kind == "date")
        ticks = _ticks(layout, kind, low, high, abs(end - start))
    if layout.get("autorange") == "reversed":
        start, end = end, start
    return Axis(kind, low, high, start, end, names, ticks)


def _kind(layout: dict[str, Any], values: Sequence[Any]) -> Kind:
    given = layout.get("type")
    if given in ("date", "category", "linear"):
        return given  # type: ignore[no-any-return]
    is_text = any(isinstance(value, str) for value in values)
    return "category" if is_text else "linear"


def _range(
    layout: dict[str, Any], numbers: list[float], *, has_base: bool, is_date: bool
) -> tuple[float, float]:
    given = [as_number(edge) for edge in layout.get("range") or ()]
    if len(given) == 2 and given[0] is not None and given[1] is not None:
        return given[0], given[1]
    if not numbers:
        return 0.0, 1.0
    low, high = min(numbers), max(numbers)
    if is_date:
        return (low, high) if high > low else (low - _HOUR, high + _HOUR)
    if has_base or layout.get("rangemode") == "tozero":
        low, high = min(low, 0.0), max(high, 0.0)
    pad = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return low - (pad if low < 0 or not (has_base or low == 0) else 0), high + pad


def _ticks(
    layout: dict[str, Any], kind: Kind, low: float, high: float, length: float
) -> tuple[tuple[float, str], ...]:
    if layout.get("tickvals") is not None:
        texts = layout.get("ticktext") or [number(v) for v in layout["tickvals"]]
        return tuple(
            (float(v), str(text)) for v, text in zip(layout["tickvals"], texts, strict=False)
        )
    first, last = min(low, high), max(low, high)
    if kind == "date":
        return _time_ticks(first, last, max(2, int(length // 75)))
    most = max(2, min(int(layout.get("nticks") or 6), int(length // 34)))
    step = _nice((last - first) / most)
    at = [k * step for k in range(math.ceil(first / step), math.floor(last / step + 1e-9) + 1)]
    return tuple((value, _written(value, layout)) for value in at)


def _nice(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    return next(power * k for k in (1, 2, 2.5, 5, 10) if power * k >= raw * 0.999)


def _written(value: float, layout: dict[str, Any]) -> str:
    pattern = str(layout.get("tickformat") or "")
    value = 0.0 if abs(value) < 1e-12 else round(value, 10)
    if "%" in pattern or pattern.endswith("p"):
        return percent(value)
    if layout.get("ticksuffix"):
        return quantity(value) + str(layout["ticksuffix"])
    return number(value, compact=abs(value) >= 10_000)


def _time_ticks(low: float, high: float, most: int) -> tuple[tuple[float, str], ...]:
    step = next((s for s in _TIME_STEPS if (high - low) / s <= most), 365 * _DAY)
    first = math.ceil(low / step) * step
    moments = [float(m) for m in range(int(first), int(high) + 1, step)]
    if step >= _DAY:
        return tuple((m, day_month(m)) for m in moments)
    seen = ""
    ticks = []
    for moment in moments:
        day = day_month(moment)
        ticks.append((moment, time_of_day(moment) + ("" if day == seen else f"\n{day}")))
        seen = day
    return tuple(ticks)
