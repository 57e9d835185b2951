"""Unusual access: hours in which a key was used more than its own past explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError
from engines.security.result import UnusualHour

MIN_HOURS = 6
"""Hours of history a key needs before an hour of it can be called unusual."""


def find_unusual_hours(
    keys: Sequence[str],
    counts: NDArray[np.float64],
    *,
    false_discovery: float = 0.01,
    min_ratio: float = 3.0,
    min_count: int = 20,
) -> tuple[UnusualHour, ...]:
    """Return the hours that stand out, most surprising first.

    Parameters
    ----------
    keys : sequence of str
        Names of the rows.
    counts : ndarray of shape (keys, hours)
        Requests per key and hour, 0 or more; NaN where nothing is known.
    false_discovery : float
        Expected share of false ones among those returned (Benjamini and Hochberg 1995).
    min_ratio, min_count : float, int
        How many times the expected number, and how many requests, an hour must have at least.

    Returns
    -------
    tuple of UnusualHour

    Raises
    ------
    EngineError
        When shapes do not fit or a count is negative.

    Notes
    -----
    H0: a key's hours are exchangeable counts. The expected number is the median of the key's other
    hours, the variance the larger of Poisson's and ``(1.4826 MAD)^2``: one burst does not excuse
    another. The p value is the upper tail of the negative binomial with that mean and variance.
    What breaks it: a strong daily rhythm widens the variance, so bursts at night show less.

    Examples
    --------
    >>> quiet = [4.0, 5, 6, 5, 4, 6, 5, 5, 90, 4]
    >>> [(u.key, u.hour) for u in find_unusual_hours(["k1"], np.array([quiet]))]
    [('k1', 8)]

    References
    ----------
    Benjamini and Hochberg (1995), Controlling the false discovery rate, JRSS B 57.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != len(keys):
        raise EngineError(f"counts must be (keys, hours), got {table.shape} for {len(keys)} keys")
    if np.nanmin(table, initial=0.0) < 0:
        raise EngineError("counts are 0 or more")
    tests = [test for key, row in zip(keys, table, strict=True) for test in _row(key, row)]
    tests.sort(key=lambda t: t.p_value)
    passed = 0
    for rank, test in enumerate(tests, 1):
        if test.p_value <= false_discovery * rank / len(tests):
            passed = rank
    return tuple(t for t in tests[:passed] if t.ratio >= min_ratio and t.count >= min_count)


def _row(key: str, row: NDArray[np.float64]) -> list[UnusualHour]:
    from scipy.stats import nbinom, poisson

    known = np.flatnonzero(np.isfinite(row))
    if len(known) <= MIN_HOURS:
        return []
    found = []
    for hour in known.tolist():
        others = row[known[known != hour]]
        mean = max(float(np.median(others)), 0.5)
        mad = 1.4826 * float(np.median(np.abs(others - np.median(others))))
        variance = max(mad**2, mean)
        count = int(row[hour])
        if variance > mean * 1.01:
            share = mean / variance
            p = float(nbinom.sf(count - 1, mean * share / (1.0 - share), share))
        else:
            p = float(poisson.sf(count - 1, mean))
        found.append(UnusualHour(key, hour, count, mean, p, count / mean))
    return found
