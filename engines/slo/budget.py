"""The error budget: what a target allows, what was used, how long the rest lasts."""

from __future__ import annotations

from engines.errors import EngineError
from engines.slo.result import Budget, BudgetState

AT_LIMIT = 1e-9  # relative; used up to the last event, within the rounding of sums


def error_budget(good: float, total: float, target: float) -> Budget:
    """Return how much of an error budget is used.

    Parameters
    ----------
    good, total : float
        Good and all events of the period, 0 or more; slices of time count as events when the
        objective budgets time.
    target : float
        Share of events promised to be good, in (0, 1). A target of 1 has no budget to burn: the
        first failure exceeds it, and every rate is infinite.

    Returns
    -------
    Budget
        Without events the state is ``no_data``: nothing was burnt, and nothing was proven.

    Raises
    ------
    EngineError
        When the target is not in (0, 1) or a count is negative.

    Notes
    -----
    allowed_bad = total - target total; burn = bad / allowed_bad; remaining = 1 - burn.

    Examples
    --------
    >>> error_budget(999_500, 1_000_000, 0.999).remaining
    0.5
    >>> error_budget(0, 0, 0.99).state
    'no_data'

    References
    ----------
    Beyer, Murphy, Rensin, Kawahara, Thorne (2018). The Site Reliability Workbook, chapter 2.
    O'Reilly.
    """
    check_target(target)
    if min(good, total) < 0:
        raise EngineError(f"counts are 0 or more, got {good} good of {total}")
    if total == 0 or good > total:
        state: BudgetState = "no_data" if total == 0 else "data_error"
        return Budget(target, good, total, 0.0, None, 0.0, 0.0, 1.0, state)
    bad, allowed = total - good, total - target * total
    burn = bad / allowed
    if abs(burn - 1.0) <= AT_LIMIT:
        state = "at_limit"
    else:
        state = "exhausted" if burn > 1.0 else "ok"
    return Budget(target, good, total, bad, good / total, allowed, burn, 1.0 - burn, state)


def check_target(target: float) -> None:
    """Raise unless the target leaves a budget and promises something."""
    if not 0.0 < target < 1.0:
        raise EngineError(f"a target is above 0 and below 1, got {target}")


def time_to_exhaustion(remaining: float, burn: float, period_s: float) -> float | None:
    """Return seconds until the budget is used up at a burn rate; None when it never is.

    Parameters
    ----------
    remaining : float
        Share of the budget that is left; 0 and less is used up now.
    burn : float
        Present burn rate, 0 or more.
    period_s : float
        Length of the period in seconds.

    Notes
    -----
    remaining period / burn. In a rolling period old failures leave the window meanwhile; then the
    budget lasts longer than this says.

    Examples
    --------
    >>> time_to_exhaustion(0.5, 10.0, 30 * 86_400) / 3_600
    36.0
    """
    if remaining <= 0:
        return 0.0
    return remaining * period_s / burn if burn > 0 else None
