"""How a budget stands: what is used, where it ends, when it runs out."""

from __future__ import annotations

from typing import Literal

from engines.business.result import Budget, Forecast
from engines.errors import EngineError
from engines.result import Interval


def track_budget(
    limit: float, spent: float, *, elapsed_s: float, period_s: float, rest: Forecast | None = None
) -> Budget:
    """Return how a budget stands in the middle of its period.

    Parameters
    ----------
    limit : float
        What may be spent in the period, above 0: money, grams, kilowatt-hours.
    spent : float
        What was spent since the period began, 0 or more.
    elapsed_s, period_s : float
        Seconds since the beginning, and length of the period.
    rest : Forecast, optional
        Forecast of the rest of the period; without it nothing is projected.

    Returns
    -------
    Budget
        `status` is ``at_risk`` as soon as the upper end of the projection passes the limit.

    Raises
    ------
    EngineError
        When limit or period is not above 0.

    Notes
    -----
    projected = spent + forecast of the rest; the limit runs out where the cumulated forecast
    passes what is left, linear within a step.

    Examples
    --------
    >>> track_budget(100.0, 120.0, elapsed_s=1.0, period_s=2.0).status
    'exceeded'
    """
    if limit <= 0 or period_s <= 0:
        raise EngineError(f"limit and period must be above 0, got {limit} and {period_s}")
    projected = interval = runs_out = None
    if rest is not None:
        projected = spent + rest.total
        ends = rest.total_interval
        interval = Interval(spent + ends.low, spent + ends.high, ends.level)
        runs_out = _runs_out(limit - spent, rest, max(0.0, period_s - elapsed_s))
    status: Literal["ok", "at_risk", "exceeded"] = "ok"
    if spent > limit:
        status = "exceeded"
    elif interval is not None and interval.high > limit:
        status = "at_risk"
    elapsed = min(1.0, max(0.0, elapsed_s / period_s))
    return Budget(
        limit, spent, spent / limit, elapsed, projected, interval, status,
        0.0 if spent >= limit else runs_out,
    )  # fmt: skip


def _runs_out(left: float, rest: Forecast, rest_s: float) -> float | None:
    step_s = rest_s / len(rest.values)
    for i, value in enumerate(rest.values.tolist()):
        if value > 0 and value >= left:
            return float((i + max(0.0, left) / value) * step_s)
        left -= value
    return None
