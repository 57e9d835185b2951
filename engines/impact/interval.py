"""Intervals from resamples."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from engines.causal.inputs import FloatArray
from engines.errors import EngineError
from engines.impact.ranges import ANY, Range, held
from engines.impact.result import Estimate
from engines.result import Interval


def estimate(
    value: float, resampled: FloatArray, level: float, extra: float = 0.0, within: Range = ANY
) -> Estimate:
    """Return `value` with a symmetric interval from the spread of its resamples.

    Parameters
    ----------
    value : float
        Point estimate.
    resampled : array
        The same quantity on each resample.
    level : float
        In (0, 1).
    extra : float, optional
        Half-width added on either side, for doubts that resampling does not see.
    within : tuple of float, optional
        Range that neither the value nor the ends leave.

    Notes
    -----
    ``value +- z(level) x sd``: with 100 resamples the standard deviation is known to 7%, a 5%
    percentile only to about 20% of its distance.
    """
    half = quantile_of(level) * float(np.std(resampled)) + extra
    return spread_by(value, half, half, level, within)


def spread_by(
    value: float, below: float, above: float, level: float, within: Range = ANY
) -> Estimate:
    """Return `value` with ends so far below and above it, none of them outside of `within`."""
    ends = Interval(held(value - below, within), held(value + above, within), level)
    return Estimate(held(value, within), ends)


def quantile_of(level: float) -> float:
    """Return z with P(|Z| <= z) = level for a standard normal Z."""
    if not 0 < level < 1:
        raise EngineError(f"level must lie between 0 and 1, got {level}")
    return NormalDist().inv_cdf(0.5 + level / 2)
