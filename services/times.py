"""Time in and out of the hub: epoch milliseconds inside, RFC 3339 UTC outside."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from services.errors import Malformed

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
MAX_WINDOW_MS = 400 * DAY_MS


class Window(msgspec.Struct, frozen=True):
    """A half-open span of time [start_ms, end_ms)."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """How long the window is."""
        return self.end_ms - self.start_ms

    def before(self) -> Window:
        """Return the window of equal length just before: what comparisons use."""
        return Window(self.start_ms - self.length_ms, self.start_ms)

    def seen_from(self, now_ms: int) -> str:
        """Return a key that stays the same while the window moves along with the clock.

        Windows that end now move, and those whole lengths or days before them, which they are
        compared with; any other stays where it is and has a key of its own.

        >>> Window(0, 60_000).seen_from(60_500) == Window(5_000, 65_000).seen_from(65_200)
        True
        >>> Window(0, HOUR_MS).seen_from(3 * HOUR_MS) == Window(1, HOUR_MS + 1).seen_from(
        ...     3 * HOUR_MS + 1
        ... )
        True
        >>> Window(0, HOUR_MS).seen_from(100 * MINUTE_MS)
        '0-3600000'
        """
        behind = now_ms - self.end_ms
        moves = behind >= 0 and min(behind % self.length_ms, behind % DAY_MS) < MINUTE_MS
        return (
            f"{self.length_ms}-{behind // MINUTE_MS}" if moves else f"{self.start_ms}-{self.end_ms}"
        )


def to_rfc3339(ms: int | float) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds.

    >>> to_rfc3339(0)
    '1970-01-01T00:00:00.000Z'
    """
    moment = datetime.fromtimestamp(ms / 1_000, tz=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1_000:03d}Z"


def parse_time(text: str) -> int:
    """Return epoch milliseconds of an RFC 3339 time; a time without zone is refused.

    >>> parse_time("1970-01-01T00:00:01Z")
    1000
    """
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Malformed(f"{text!r} is not an RFC 3339 time such as 2026-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        raise Malformed(f"{text!r} has no time zone; write 2026-01-31T12:00:00Z")
    if not 1970 <= moment.year < 3000:
        raise Malformed(f"{text!r} is not between the years 1970 and 2999")
    return round(moment.timestamp() * 1_000)


def choose_window(
    now_ms: int,
    *,
    hours: float | None = None,
    days: float | None = None,
    start: str | None = None,
    end: str | None = None,
    default_hours: float = 24.0,
) -> Window:
    """Return the window a request names: ``start``/``end``, or the last ``hours`` or ``days``."""
    end_ms = parse_time(end) if end else now_ms
    if start:
        window = Window(parse_time(start), end_ms)
    else:
        span = hours if hours is not None else (days * 24 if days is not None else default_hours)
        if not 0 < span * HOUR_MS <= MAX_WINDOW_MS:
            raise Malformed(f"a window is above 0 and at most 400 days, got {span} hours")
        window = Window(end_ms - round(span * HOUR_MS), end_ms)
    if not 0 < window.length_ms <= MAX_WINDOW_MS:
        raise Malformed("start must be before end, and at most 400 days before")
    return window
