"""Homogeneity chi-square and Cramer's V for categories, safe with a thousand of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engines.drift.pair import CategoryPair, Floats
from engines.drift.result import TestResult

SMALLEST_EXPECTATION = 5.0  # Cochran (1954), Some methods for strengthening the chi-square tests


@dataclass(frozen=True, slots=True)
class PooledTable:
    """The 2 x k table after rare cells were pooled into one."""

    n: int
    m: int
    reference: Floats
    current: Floats
    statistic: float

    @property
    def cells(self) -> int:
        """Return k, the number of cells left."""
        return len(self.reference)


def pool_cells(pair: CategoryPair) -> PooledTable:
    """Return the table with every cell of expectation below 5 gathered in one cell.

    Examples
    --------
    >>> pool_cells(CategoryPair.of_counts({"a": 50, "b": 1}, {"a": 49, "c": 1})).cells
    1
    """
    n, m = pair.n, pair.m
    total = pair.reference + pair.current
    rare = total * (min(n, m) / (n + m)) < SMALLEST_EXPECTATION
    before, after = pair.reference[~rare], pair.current[~rare]
    if rare.any():
        before = np.append(before, pair.reference[rare].sum())
        after = np.append(after, pair.current[rare].sum())
        if (before[-1] + after[-1]) * (min(n, m) / (n + m)) < SMALLEST_EXPECTATION:
            before, after = _merge_last(before, after)
    statistic = 0.0
    if len(before) > 1:
        difference = before / n - after / m
        statistic = float(n * m * (difference**2 / (before + after)).sum())
    return PooledTable(n, m, before, after, statistic)


def _merge_last(before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Return the cells with a too small last one merged into the smallest of the others."""
    if len(before) == 1:
        return before, after
    smallest = int(np.argmin((before + after)[:-1]))
    merged_before, merged_after = before[:-1].copy(), after[:-1].copy()
    merged_before[smallest] += before[-1]
    merged_after[smallest] += after[-1]
    return merged_before, merged_after


def chi_square(table: PooledTable) -> TestResult:
    """Return the homogeneity chi-square of two samples of categories.

    Returns
    -------
    TestResult
        Chi-square statistic (0 upwards) and its p value; p is 1 when one cell is left.

    Notes
    -----
    H0: both samples share one distribution over the categories. Both samples are samples: taking
    the reference as the truth would double the statistic. k - 1 degrees of freedom; cells with
    an expectation below 5 are pooled, so rare values are tested together, not one by one.

    References
    ----------
    Pearson (1911), On the probability that two independent distributions of frequency are really
    samples from the same population, Biometrika 8.

    Examples
    --------
    >>> pair = CategoryPair.of_counts({"a": 50, "b": 50}, {"a": 20, "b": 80})
    >>> round(chi_square(pool_cells(pair)).statistic, 3)
    19.78
    """
    from scipy.special import chdtrc

    p = float(chdtrc(table.cells - 1, table.statistic)) if table.cells > 1 else 1.0
    return TestResult("chi_square", table.statistic, p)


def cramers_v(table: PooledTable) -> float:
    """Return the bias-corrected Cramer's V at equal sample sizes, 0..1.

    Notes
    -----
    ``V**2 = (chi2 - (k - 1)) N / (4 n m)``, at least 0. The part k - 1 is what chi-square
    shows on average without any change. At n = m this is (chi2 - (k - 1)) / N; for other sizes
    the factor keeps V a property of the two distributions, not of the ratio of the sizes.

    References
    ----------
    Bergsma (2013), A bias-correction for Cramer's V and Tschuprow's T, J. Korean Stat. Soc. 42(3),
    doi:10.1016/j.jkss.2012.10.002.
    """
    n, m = table.n, table.m
    excess = max(0.0, table.statistic - (table.cells - 1))
    return min(1.0, math.sqrt(excess * (n + m) / (4.0 * n * m)))
