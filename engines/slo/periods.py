"""Periods in calendars and time zones, and time that does not count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Span = tuple[float, float]
Calendar = Literal["day", "week", "month", "quarter", "year"]
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def calendar_window(
    now: datetime, period: Calendar, zone: str = "UTC"
) -> tuple[datetime, datetime]:
    """Return the beginning and end of the calendar period that holds a moment.

    Parameters
    ----------
    now : datetime
        With a time zone, any.
    period : str
        ``day``, ``week`` (from Monday), ``month``, ``quarter`` or ``year``.
    zone : str
        IANA name: midnight is local, so days have 23 to 25 hours where clocks change.

    Returns
    -------
    tuple of datetime
        Local times of that zone, the end excluded.

    Examples
    --------
    >>> now = datetime.fromisoformat("2026-03-29T12:00:00+02:00")
    >>> start, end = calendar_window(now, "month", "Europe/Berlin")
    >>> int(end.timestamp() - start.timestamp())
    2674800
    """
    place = ZoneInfo(zone)
    day = now.astimezone(place).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "day":
        return day, day + timedelta(days=1)
    if period == "week":
        start = day - timedelta(days=day.weekday())
        return start, start + timedelta(days=7)
    months = _MONTHS[period]
    first = (day.month - 1) // months * months + 1
    start = day.replace(month=first, day=1)
    after = first + months
    return start, start.replace(year=start.year + (after > 12), month=(after - 1) % 12 + 1)


def without(span: Span, excluded: Sequence[Span]) -> list[Span]:
    """Return the parts of a span outside of every exclusion; overlapping ones count once.

    Examples
    --------
    >>> without((0, 100), [(10, 30), (20, 40), (90, 200)])
    [(0, 10), (40, 90)]
    """
    parts = []
    start, end = span
    for first, last in sorted(excluded):
        if first >= end or last <= start:
            continue
        if first > start:
            parts.append((start, first))
        start = max(start, last)
    if start < end:
        parts.append((start, end))
    return parts
