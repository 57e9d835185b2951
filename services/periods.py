"""Budget periods: calendar days, weeks, months and quarters in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from engines.slo import calendar_window
from services.times import Window

Period = Literal["day", "week", "month", "quarter"]


def period_at(now_ms: int, period: Period) -> Window:
    """Return the calendar period that holds a moment; weeks begin on Monday.

    >>> period_at(0, "month").length_ms // 86_400_000
    31
    """
    start, end = calendar_window(datetime.fromtimestamp(now_ms / 1_000, UTC), period)
    return Window(round(start.timestamp() * 1_000), round(end.timestamp() * 1_000))
