"""The time to answer a data subject: one month, in calendar months, and two more on notice."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engines.compliance.result import ClockStatus
from engines.errors import EngineError

FIRST_MONTHS, MORE_MONTHS = 1, 2
WARN_AT = 0.5


@dataclass(frozen=True, slots=True)
class RequestClock:
    """How far the time to answer has run.

    Attributes
    ----------
    last_day : date
        Last day to answer, to its end, in the zone of the request.
    first_last_day : date
        Last day to answer, or to tell that more time is needed.
    days_left : int
        Whole days until the last day: 0 on it, negative after it. Counted to the completion where
        there is one.
    used : float
        Share of the time that is used, at least 0; above 1 is late.
    status : {"running", "warning", "late", "met", "met_late"}
        ``warning`` from half of the time on.
    """

    last_day: date
    first_last_day: date
    days_left: int
    used: float
    status: ClockStatus


def add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or the last day of that month where it has none.

    Parameters
    ----------
    day : date
        Where the period starts.
    months : int
        How many months, at least 0.

    Returns
    -------
    date
        The last day of the period, which ends with that day.

    Raises
    ------
    EngineError
        When `months` is negative.

    References
    ----------
    Regulation (EEC, Euratom) No 1182/71, Art. 3(2)(c).

    Examples
    --------
    >>> add_months(date(2026, 1, 31), 1), add_months(date(2028, 1, 31), 1)
    (datetime.date(2026, 2, 28), datetime.date(2028, 2, 29))
    """
    if months < 0:
        raise EngineError(f"a period has 0 months or more, got {months}")
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def read_request(
    received_at_ms: int, now_ms: int,
    *, is_extended: bool = False, completed_at_ms: int | None = None, time_zone: str = "UTC",
) -> RequestClock:  # fmt: skip
    """Return how far the time to answer a request has run.

    Parameters
    ----------
    received_at_ms : int
        When the request arrived, epoch milliseconds.
    now_ms : int
        The time to judge at.
    is_extended : bool, optional
        Whether the person was told, within the first month, that two further months are needed.
    completed_at_ms : int, optional
        When the request was answered.
    time_zone : str, optional
        IANA name of the zone in which days begin and end.

    Returns
    -------
    RequestClock
        Its last day counts in full.

    Raises
    ------
    EngineError
        When the zone is not known, or the answer is dated before the request.

    Notes
    -----
    The period ends with the day of the last month that has the same number as the day of receipt,
    or with the last day of a month that has none: 31 January gives 28 or 29 February. The extension
    is counted from receipt too, three months in all, so 30 November gives 28 or 29 February.

    Art. 3(4) of Regulation 1182/71 moves a last day that is a Saturday, a Sunday or a public
    holiday to the next working day. The clock does not take that time: the earlier day is always
    safe, and which holidays count depends on the place.

    References
    ----------
    Regulation (EU) 2016/679 (GDPR), Art. 12(3). Regulation (EEC, Euratom) No 1182/71, Art. 3.
    European Data Protection Board (2023). Guidelines 01/2022 on the right of access, section 5.3.

    Examples
    --------
    >>> received = 1_769_817_600_000  # 31 January 2026
    >>> read_request(received, received).last_day
    datetime.date(2026, 2, 28)
    >>> read_request(received, received, is_extended=True).days_left
    89
    """
    if completed_at_ms is not None and completed_at_ms < received_at_ms:
        raise EngineError("an answer cannot be dated before its request")
    zone = _zone(time_zone)
    start = datetime.fromtimestamp(received_at_ms / 1_000, zone).date()
    first = add_months(start, FIRST_MONTHS)
    last = add_months(start, FIRST_MONTHS + MORE_MONTHS) if is_extended else first
    end_ms = now_ms if completed_at_ms is None else completed_at_ms
    deadline_ms = _start_ms(last + timedelta(days=1), zone)
    used = max(0.0, (end_ms - received_at_ms) / (deadline_ms - received_at_ms))
    left = (last - datetime.fromtimestamp(end_ms / 1_000, zone).date()).days
    status: ClockStatus
    if completed_at_ms is not None:
        status = "met" if left >= 0 else "met_late"
    elif left < 0:
        status = "late"
    else:
        status = "warning" if used >= WARN_AT else "running"
    return RequestClock(last, first, left, used, status)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise EngineError(f"{name!r} is no time zone") from None


def _start_ms(day: date, zone: ZoneInfo) -> int:
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    return round(local.astimezone(UTC).timestamp() * 1_000)
