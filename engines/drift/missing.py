"""Whether the share of missing values changed."""

from __future__ import annotations

import math

from engines.drift.rank_tests import two_sided_p
from engines.drift.result import TestResult


def missing_share(missing_ref: int, rows_ref: int, missing_cur: int, rows_cur: int) -> TestResult:
    """Return the test of equal missing shares.

    Parameters
    ----------
    missing_ref, missing_cur : int
        Missing rows on each side.
    rows_ref, rows_cur : int
        All rows on each side, at least 1.

    Returns
    -------
    TestResult
        Statistic: current less reference share (-1..1), with its two-sided p value.

    Notes
    -----
    H0: a row is missing with one probability on both sides. Fisher's exact test when an expected
    count is below 5, the pooled two-proportion z test otherwise; p is 1 when nothing is missing.

    References
    ----------
    Fisher (1934), Statistical methods for research workers, section 21.02.

    Examples
    --------
    >>> missing_share(0, 100, 30, 100).p_value < 1e-8
    True
    """
    change = missing_cur / rows_cur - missing_ref / rows_ref
    total, rows = missing_ref + missing_cur, rows_ref + rows_cur
    if total in (0, rows):
        return TestResult("missing_share", change, 1.0)
    smallest = min(total, rows - total) * min(rows_ref, rows_cur) / rows
    if smallest < 5.0:
        p = _fisher(missing_ref, rows_ref, missing_cur, rows_cur)
        return TestResult("missing_share", change, p)
    share = total / rows
    z = change / math.sqrt(share * (1.0 - share) * (1.0 / rows_ref + 1.0 / rows_cur))
    return TestResult("missing_share", change, two_sided_p(z))


def _fisher(missing_ref: int, rows_ref: int, missing_cur: int, rows_cur: int) -> float:
    from scipy.stats import fisher_exact

    table = [[missing_ref, rows_ref - missing_ref], [missing_cur, rows_cur - missing_cur]]
    return float(fisher_exact(table).pvalue)
