"""Budget periods: calendar days, weeks, months and quarters in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from services.times import Window

Period = Literal["day", "week", "month", "quarter"]


def period_at(now_ms: int, period: Period) -> Window:
    """Return the calendar period that holds a moment; weeks begin on Monday.

    >>> period_at(0, "month").length_ms // 86_400_000
    31
    """
    moment = datetime.fromtimestamp(now_ms / 1_000, UTC)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        start, end = day, day + timedelta(days=1)
    elif period == "week":
        start = day - timedelta(days=day.weekday())
        end = start + timedelta(days=7)
    else:
        months = 1 if period == "month" else 3
        first = day.month if period == "month" else (day.month - 1) // 3 * 3 + 1
        start = day.replace(month=first, day=1)
        after = first + months
        end = start.replace(year=day.year + (after > 12), month=(after - 1) % 12 + 1)
    return Window(round(start.timestamp() * 1_000), round(end.timestamp() * 1_000))
