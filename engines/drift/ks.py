"""Kolmogorov-Smirnov: whether two distribution functions differ anywhere."""

from __future__ import annotations

import math

from engines.drift.pair import NumericPair
from engines.drift.result import TestResult


def ks_distance(pair: NumericPair) -> float:
    """Return the largest absolute gap between the distribution functions, 0..1."""
    return float(max(pair.gap.max(), -pair.gap.min()))


def ks(pair: NumericPair) -> TestResult:
    """Return the two-sample Kolmogorov-Smirnov test.

    Parameters
    ----------
    pair : NumericPair
        The two samples.

    Returns
    -------
    TestResult
        Statistic D in 0..1 (higher is further apart) and its p value.

    Notes
    -----
    H0: both samples come from one distribution. ``p = K(D sqrt(nm / (n + m)))`` with Kolmogorov's
    limit, which errs on the safe side for small samples and for ties. The exact tail
    (``scipy.stats.kstwo``) costs O(n) for the very columns that drifted. For sketches D is first
    lowered by the rank error, which keeps the level.

    References
    ----------
    Smirnov (1948), Table for estimating the goodness of fit of empirical distributions,
    Ann. Math. Stat. 19(2), doi:10.1214/aoms/1177730256.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> ks(NumericPair.of_samples(rng.normal(size=500), rng.normal(1, 1, 500))).p_value < 1e-9
    True
    """
    from scipy.special import kolmogorov

    distance = ks_distance(pair)
    sure = max(0.0, distance - pair.rank_error)
    p = kolmogorov(sure * math.sqrt(pair.n * pair.m / (pair.n + pair.m)))
    return TestResult("kolmogorov_smirnov", distance, float(p))
