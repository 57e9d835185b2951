"""Several p values into one, and the correction for testing many columns."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CAP = 0.99  # one p of exactly 1 would hide any other; the level is unchanged below it


def combine_p(p_values: Sequence[float]) -> float:
    """Return the Cauchy combination of dependent p values.

    Parameters
    ----------
    p_values : sequence of float
        Each in [0, 1]; at least one.

    Returns
    -------
    float
        Combined p value in (0, 1].

    Notes
    -----
    H0: every hypothesis behind the p values is true. ``T = mean(tan((1/2 - p) pi))`` is close to
    standard Cauchy in the tail whatever the dependence, so ``p = arctan2(1, T) / pi``. P values are
    capped at 0.99; below 1e-15, ``tan((1/2 - p) pi)`` equals ``1 / (p pi)`` to double precision.

    References
    ----------
    Liu, Xie (2020), Cauchy combination test: a powerful test with analytic p-value calculation
    under arbitrary dependency structures, JASA 115(529), doi:10.1080/01621459.2018.1554485.

    Examples
    --------
    >>> round(combine_p([0.01, 0.5, 0.9]), 4)
    0.0331
    """
    total = 0.0
    for p in p_values:
        p = min(max(p, 1e-300), CAP)
        total += 1.0 / (p * math.pi) if p < 1e-15 else math.tan((0.5 - p) * math.pi)
    return math.atan2(1.0, total / len(p_values)) / math.pi


def adjust_p(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Benjamini-Hochberg adjusted p values, in the order given.

    Parameters
    ----------
    p_values : sequence of float
        Each in [0, 1]; may be empty.

    Notes
    -----
    Rejecting where the result is at most q keeps the expected share of false discoveries at q for
    independent or positively dependent tests. When nothing changed, it is the chance of any alarm.

    References
    ----------
    Benjamini, Hochberg (1995), Controlling the false discovery rate, JRSS B 57(1).

    Examples
    --------
    >>> adjust_p([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.size == 0:
        return p
    order = np.argsort(p)
    scaled = p[order] * p.size / np.arange(1, p.size + 1)
    adjusted = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    result = np.empty_like(adjusted)
    result[order] = adjusted
    return result
