"""Location and scale by ranks: Mann-Whitney and Mood, both linear in the gap of the two samples."""

from __future__ import annotations

import math

import numpy as np

from engines.drift.pair import Floats, NumericPair, rank_shares
from engines.drift.result import TestResult


def two_sided_p(z: float) -> float:
    """Return the two-sided normal p value of `z`.

    Examples
    --------
    >>> round(two_sided_p(1.959964), 4)
    0.05
    """
    return math.erfc(abs(z) / math.sqrt(2.0))


def mid_ranks(ends: Floats) -> tuple[Floats, Floats]:
    """Return (mid-rank, group size) of tied groups that end at the pooled counts `ends`."""
    starts = np.concatenate(([0.0], ends[:-1]))
    return (starts + ends + 1.0) / 2.0, ends - starts


def mann_whitney(pair: NumericPair) -> TestResult:
    """Return the Mann-Whitney test of location, normal approximation with tie correction.

    Returns
    -------
    TestResult
        Statistic ``P(current > reference) + P(tie) / 2`` in 0..1 and the two-sided p value.

    Notes
    -----
    H0: both samples come from one distribution. With the gap ``d_i`` of the distribution functions
    after pooled rank i, ``sum of current ranks - mean = (nm/N) sum(d_i)``, variance nm(N+1)/12;
    with ties, mid-ranks s and ``nm / (N (N-1)) sum (s - mean(s))**2``. Blind to changes that
    leave the median rank alone, such as spread. Sketches: |z| is lowered by the rank error.

    References
    ----------
    Mann, Whitney (1947), On a test of whether one of two random variables is stochastically larger
    than the other, Ann. Math. Stat. 18(1), doi:10.1214/aoms/1177730491.

    Examples
    --------
    >>> pair = NumericPair.of_samples(np.arange(30.0), np.arange(30.0) + 1000)
    >>> mann_whitney(pair).statistic
    1.0
    """
    n, m, size = pair.n, pair.m, pair.n + pair.m
    if pair.ends is None:
        shift = float(pair.gap[:-1].sum())
        variance = n * m * (size + 1) / 12.0
    else:
        rank, ties = mid_ranks(pair.ends)
        shift = float(pair.gap[:-1] @ (rank[1:] - rank[:-1]))
        variance = n * m / (size * (size - 1.0)) * float(ties @ (rank - (size + 1) / 2.0) ** 2)
    auc = 0.5 + shift / size
    z = _sure(n * m / size * shift, pair.rank_error * n * m, variance)
    return TestResult("mann_whitney", min(1.0, max(0.0, auc)), two_sided_p(z))


def mood(pair: NumericPair) -> TestResult:
    """Return Mood's rank test of scale.

    Returns
    -------
    TestResult
        Statistic z (above 0: current is wider) and the two-sided p value.

    Notes
    -----
    H0: both samples come from one distribution. Sum over current ranks of ``(R - (N+1)/2)**2``,
    variance nm(N+1)(N**2-4)/180; with ties, scores of mid-ranks and their permutation variance.
    A shift of location weakens it. Sketches: |z| is lowered by the rank error.

    References
    ----------
    Mood (1954), On the asymptotic efficiency of certain nonparametric two-sample tests,
    Ann. Math. Stat. 25(3), doi:10.1214/aoms/1177728719.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> pair = NumericPair.of_samples(rng.normal(size=2000), rng.normal(0, 1.5, 2000))
    >>> mood(pair).statistic > 5
    True
    """
    n, m, size = pair.n, pair.m, pair.n + pair.m
    if pair.ends is None:
        rank = rank_shares(size, 1)
        total = 2.0 * float(pair.gap @ rank) - size * float(pair.gap.sum())
        variance = n * m * (size + 1.0) * (size * size - 4.0) / 180.0
    else:
        middle, ties = mid_ranks(pair.ends)
        score = (middle - (size + 1) / 2.0) ** 2
        total = float(pair.gap[:-1] @ (score[1:] - score[:-1]))
        spread = score - float(ties @ score) / size
        variance = n * m / (size * (size - 1.0)) * float(ties @ spread**2)
    # |total| can be off by the rank error times sum |2i - N| = N**2 / 2.
    z = _sure(n * m / size * total, pair.rank_error * n * m * size / 2.0, variance)
    return TestResult("mood", z, two_sided_p(z))


def _sure(statistic: float, error: float, variance: float) -> float:
    """Return the standardised statistic after moving it towards 0 by its possible error."""
    if variance <= 0:
        return 0.0
    return math.copysign(max(0.0, abs(statistic) - error), statistic) / math.sqrt(variance)
