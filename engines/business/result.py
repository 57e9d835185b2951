"""What the business engines answer: forecasts, budgets, drivers, anomalies, values, returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engines.result import Interval

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What comes next, per step and in total.

    Attributes
    ----------
    values, low, high : Floats
        Expected value and interval per step ahead.
    total : float
        Expected sum over the horizon.
    total_interval : Interval
        Interval of the sum: narrower than the sum of the steps' ends, since errors even out.
    method : str
        ``seasonal`` (exponential smoothing with a season) or ``level`` (mean of what is known).
    n : int
        Steps of history.
    """

    values: Floats
    low: Floats
    high: Floats
    total: float
    total_interval: Interval
    method: Literal["seasonal", "level"]
    n: int


@dataclass(frozen=True, slots=True)
class Budget:
    """How a budget stands in its period.

    Attributes
    ----------
    limit, spent : float
        In the budget's unit.
    used : float
        Share of the limit that is spent; above 1 when overspent.
    elapsed : float
        Share (0-1) of the period that is over.
    projected : float or None
        Expected at the end of the period; None without a forecast.
    interval : Interval or None
        Interval of that.
    status : str
        ``ok``; ``at_risk`` when the limit lies inside the interval or under the expectation;
        ``exceeded`` when it is spent.
    runs_out_s : float or None
        Seconds from now until the limit is reached at the expected pace; None when it holds.
    """

    limit: float
    spent: float
    used: float
    elapsed: float
    projected: float | None
    interval: Interval | None
    status: Literal["ok", "at_risk", "exceeded"]
    runs_out_s: float | None


@dataclass(frozen=True, slots=True)
class Driver:
    """One part of a change: how much came from more work, how much from dearer work.

    Attributes
    ----------
    key : str
        What the part is: a model, a segment, a region.
    before, after : float
        Cost in both windows.
    volume_effect : float
        Change that more or less work explains at the old unit cost.
    price_effect : float
        Change that the unit cost explains at the new volume; both add up to the change.
    """

    key: str
    before: float
    after: float
    volume_effect: float
    price_effect: float

    @property
    def change(self) -> float:
        """Cost after less cost before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class SpendAnomaly:
    """A run of steps that cost more, or less, than their like.

    Attributes
    ----------
    start, end : int
        Positions of the first step and the one after the last.
    spent, expected : float
        Cost of the run, and what its steps usually cost.
    score : float
        Largest robust z-score of the run.
    """

    start: int
    end: int
    spent: float
    expected: float
    score: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate or a mean with its interval.

    Attributes
    ----------
    value : float
        Share (0-1) or mean.
    interval : Interval
        Wilson for a share, Student's t for a mean.
    n : int
        Outcomes.
    """

    value: float
    interval: Interval
    n: int


@dataclass(frozen=True, slots=True)
class Lift:
    """How one version does against another.

    Attributes
    ----------
    difference : float
        Absolute change of the rate or mean.
    interval : Interval
        Interval of the difference: Newcombe for rates, Welch for means.
    relative : float or None
        Difference over the old value; None when that is 0.
    verdict : str
        ``higher``, ``lower``, or ``undecided`` when the interval holds 0.
    """

    difference: float
    interval: Interval
    relative: float | None
    verdict: Literal["higher", "lower", "undecided"]


@dataclass(frozen=True, slots=True)
class Return:
    """Return on investment.

    Attributes
    ----------
    value : float
        Money that outcomes brought above the baseline.
    value_interval : Interval
        From the interval of the rate.
    cost : float
        Money spent.
    roi : float
        (value − cost) / cost.
    interval : Interval
        The same at both ends of the value.
    """

    value: float
    value_interval: Interval
    cost: float
    roi: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Loss:
    """Outcomes and money that an incident cost.

    Attributes
    ----------
    outcomes : float
        Successes that did not happen, at the usual rate.
    outcomes_interval : Interval
        From the difference of the two rates.
    amount, amount_interval : float, Interval
        The same in money.
    n_during, n_before : int
        Trials during the incident and in the comparison.
    """

    outcomes: float
    outcomes_interval: Interval
    amount: float
    amount_interval: Interval
    n_during: int
    n_before: int
