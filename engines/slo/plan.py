"""The multi-window burn-rate plan of an objective: windows, factors, and whether they can fire."""

from __future__ import annotations

from engines.errors import EngineError
from engines.slo.budget import check_target
from engines.slo.result import AlertRule, Severity

MINUTE, HOUR, DAY = 60, 3_600, 86_400
_WINDOWS: tuple[tuple[str, Severity, int, int], ...] = (
    ("page_quick", "page", 5 * MINUTE, HOUR),
    ("page_slow", "page", 30 * MINUTE, 6 * HOUR),
    ("ticket_quick", "ticket", 2 * HOUR, DAY),
    ("ticket_slow", "ticket", 6 * HOUR, 3 * DAY),
)
_SHARES_MONTH = (0.02, 0.05, 0.10, 0.10)  # Site Reliability Workbook, table 5-8
_SHARES_WEEK = (0.08, 0.125, 0.20, 0.42)  # Sloth's catalogue for seven days
_WEEK, _MONTH = 7 * DAY, 28 * DAY


def burn_rate(budget_share: float, period_s: float, long_s: float) -> float:
    """Return the burn rate at which a window uses up a share of the period's budget.

    Examples
    --------
    >>> round(burn_rate(0.02, 30 * 86_400, 3_600), 10)
    14.4
    """
    return budget_share * period_s / long_s


def scaled_window(seconds: int, period_s: float) -> int:
    """Return a window of the 28-day plan scaled to a period, in whole minutes, at least one.

    Examples
    --------
    >>> scaled_window(3_600, 7 * 86_400), scaled_window(300, 14 * 86_400)
    (900, 180)
    """
    minutes = int(seconds * period_s / _MONTH / MINUTE + 0.5)
    return max(1, minutes) * MINUTE


def plan_alerts(target: float, period_s: float) -> tuple[AlertRule, ...]:
    """Return the alert rules of an objective.

    Parameters
    ----------
    target : float
        In (0, 1).
    period_s : float
        Length of the period in seconds, an hour or more.

    Returns
    -------
    tuple of AlertRule
        Quick and slow pages, quick and slow tickets.

    Raises
    ------
    EngineError
        When the period is shorter than an hour.

    Notes
    -----
    From 28 days on the windows and shares of the Site Reliability Workbook (2, 5, 10, 10 % of the
    budget); from 7 days on the same windows with Sloth's shares for a week (8, 12.5, 20, 42 %);
    below, the windows of 28 days shrunk in proportion, as Pyrra does, with the month's shares.

    A factor of 14.4 at a target of 93 % asks for an error ratio above 1: such a rule can never
    fire, and at 95 % it needs 72 % errors. A factor is therefore capped where its threshold would
    lie above the middle between what the target allows and total failure. `is_reachable` tells
    what the uncapped plan would have done.

    Examples
    --------
    >>> [round(rule.factor, 4) for rule in plan_alerts(0.999, 30 * 86_400)]
    [14.4, 6.0, 3.0, 1.0]
    >>> plan_alerts(0.9, 30 * 86_400)[0].is_reachable
    False

    References
    ----------
    Beyer et al. (2018). The Site Reliability Workbook, chapter 5: Alerting on SLOs. O'Reilly.
    """
    check_target(target)
    if period_s < HOUR:
        raise EngineError(f"a period is an hour or more, got {period_s:g} s")
    shares = _SHARES_MONTH if period_s >= _MONTH or period_s < _WEEK else _SHARES_WEEK
    rules = []
    for (name, severity, short, long), share in zip(_WINDOWS, shares, strict=True):
        if period_s < _WEEK:
            short, long = scaled_window(short, period_s), scaled_window(long, period_s)
        rules.append(_rule(name, severity, (short, long), share, target, period_s))
    return tuple(rules)


def _rule(
    name: str,
    severity: Severity,
    windows: tuple[int, int],
    share: float,
    target: float,
    period_s: float,
) -> AlertRule:
    short, long = windows
    allowed = _allowed(target)
    planned = burn_rate(share, period_s, long)
    cap = (1.0 + allowed) / 2.0 / allowed
    factor = min(planned, cap)
    return AlertRule(
        name, severity, short, long, factor, planned, factor * allowed, planned * allowed < 1.0,
        factor * long / period_s,
    )  # fmt: skip


def time_to_detect(target: float, error_ratio: float, factor: float, long_s: float) -> float | None:
    """Return seconds from a clean history until the long window fires; None when it never does.

    Notes
    -----
    factor (1 - target) long / error_ratio, if the threshold lies below the error ratio.

    Examples
    --------
    >>> round(time_to_detect(0.999, 1.0, 14.4, 3_600), 10)
    51.84
    """
    check_target(target)
    threshold = factor * _allowed(target)
    return threshold * long_s / error_ratio if threshold < error_ratio else None


def allowed_downtime(target: float, period_s: float) -> float:
    """Return the seconds of total failure that a period's budget holds.

    Examples
    --------
    >>> round(allowed_downtime(0.9999, 30 * 86_400), 9)
    259.2
    """
    check_target(target)
    return _allowed(target) * period_s


def _allowed(target: float) -> float:
    # 1 - 0.999 is 0.0010000000000000009; thresholds are compared strictly.
    return round(1.0 - target, 12)
