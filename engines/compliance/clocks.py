"""Reporting clocks: when a report is due, and how much of the time is used."""

from __future__ import annotations

from engines.compliance.catalogue import Clock
from engines.compliance.result import ClockState, ClockStatus
from engines.errors import EngineError


def read_clock(
    clock: Clock, aware_at_ms: int, now_ms: int, *, reported_at_ms: int | None = None
) -> ClockState:
    """Return how far a reporting clock has run.

    Parameters
    ----------
    clock : Clock
        Its limit and warning shares.
    aware_at_ms : int
        When the organisation became aware, epoch milliseconds. A new classification keeps this
        moment: the new deadline counts from it.
    now_ms : int
        The time to judge at.
    reported_at_ms : int, optional
        When the report was made.

    Returns
    -------
    ClockState
        `used` is at least 0 and may exceed 1; above 1 is late.

    Raises
    ------
    EngineError
        When the report is dated before awareness.

    Notes
    -----
    deadline = aware + limit in whole hours. Where a regulation counts days, 24 hours are taken
    for each: the stricter of the readings (nothing is gained from a late evening or a weekend).

    References
    ----------
    Regulation (EU) 2024/1689 (AI Act), Art. 73; Regulation (EU) 2016/679 (GDPR), Art. 33.
    Read in secondary sources; not verified against the primary texts.

    Examples
    --------
    >>> three_days = Clock("GDPR33_BREACH", "gdpr", 72 * 3_600_000, (0.33, 0.66, 0.9))
    >>> read_clock(three_days, 0, 36 * 3_600_000).used
    0.5
    >>> read_clock(three_days, 0, 73 * 3_600_000).status
    'late'
    """
    if reported_at_ms is not None and reported_at_ms < aware_at_ms:
        raise EngineError("a report cannot be dated before anybody was aware")
    end_ms = now_ms if reported_at_ms is None else reported_at_ms
    deadline_ms = aware_at_ms + clock.limit_ms
    used = max(0.0, (end_ms - aware_at_ms) / clock.limit_ms)
    status: ClockStatus
    if reported_at_ms is not None:
        status = "met" if end_ms <= deadline_ms else "met_late"
    elif now_ms > deadline_ms:
        status = "late"
    else:
        status = "warning" if any(used >= share for share in clock.warn_at) else "running"
    return ClockState(clock.id, aware_at_ms, deadline_ms, reported_at_ms, used, status)
