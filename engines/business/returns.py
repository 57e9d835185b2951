"""What it was worth: return on investment, and what an incident cost."""

from __future__ import annotations

from engines.business.result import Estimate, Loss, Return
from engines.business.value import compare_rates
from engines.errors import EngineError, InsufficientData
from engines.result import Interval
from engines.sentence import say


def compute_roi(rate: Estimate, worth: float, cost: float, *, baseline: float = 0.0) -> Return:
    """Return the return on investment of outcomes that have a worth.

    Parameters
    ----------
    rate : Estimate
        Success rate with its trials.
    worth : float
        Money per success, as the tenant states it; 0 or more.
    cost : float
        Money spent on the same trials, above 0.
    baseline : float
        Success rate (0-1) that would have come without the AI, as the tenant states it.

    Returns
    -------
    Return
        Intervals carry the uncertainty of the rate alone: worth, cost and baseline count as exact.

    Raises
    ------
    InsufficientData
        When nothing was spent: a return on nothing has no meaning.
    EngineError
        When the worth is negative or the baseline is outside 0-1.

    Notes
    -----
    value = (rate − baseline) · trials · worth; ROI = (value − cost) / cost. With a baseline of 0
    every success is credited to the AI.

    Examples
    --------
    >>> from engines.business.value import estimate_rate
    >>> compute_roi(estimate_rate(50, 100), 2.0, 25.0).roi
    3.0
    """
    if worth < 0 or not 0 <= baseline <= 1:
        raise EngineError(f"worth {worth} and baseline {baseline}: out of range")
    if cost <= 0:
        raise InsufficientData(
            say("reasons.return_needs_cost", "a return on investment needs a cost above 0")
        )

    def money(share: float) -> float:
        return (share - baseline) * rate.n * worth

    value, low, high = (money(s) for s in (rate.value, rate.interval.low, rate.interval.high))
    level = rate.interval.level
    roi = Interval((low - cost) / cost, (high - cost) / cost, level)
    return Return(value, Interval(low, high, level), cost, (value - cost) / cost, roi)


def revenue_at_risk(during: Estimate, before: Estimate, worth: float) -> Loss:
    """Return what an incident cost in outcomes and money.

    Parameters
    ----------
    during, before : Estimate
        Success rates during the incident and in the comparison, from `estimate_rate`.
    worth : float
        Money per success, 0 or more.

    Returns
    -------
    Loss
        Negative when the rate was higher than usual; the interval says whether that is noise.

    Notes
    -----
    outcomes = (rate before − rate during) · trials during, with Newcombe's interval of the
    difference. Requests that did not come at all are not in it.

    Examples
    --------
    >>> from engines.business.value import estimate_rate
    >>> loss = revenue_at_risk(estimate_rate(20, 100), estimate_rate(500, 1000), 3.0)
    >>> round(loss.outcomes), round(loss.amount)
    (30, 90)
    """
    if worth < 0:
        raise EngineError(f"a worth is 0 or more, got {worth}")
    gap = compare_rates(before, during)
    ends = (gap.interval.low * during.n, gap.interval.high * during.n)
    level = gap.interval.level
    lost = gap.difference * during.n
    return Loss(
        lost, Interval(*ends, level), lost * worth,
        Interval(ends[0] * worth, ends[1] * worth, level), during.n, before.n,
    )  # fmt: skip
