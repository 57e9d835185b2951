"""The smallest change a comparison of this size would have found."""

from __future__ import annotations

import math
from functools import lru_cache


def detectable_auc_shift(n: int, m: int, level: float, power: float) -> float:
    """Return the smallest ``|P(current > reference) - 1/2|`` found with probability `power`.

    Parameters
    ----------
    n, m : int
        Rows on each side.
    level : float
        Two-sided level of the test, after correction for many columns, in (0, 1).
    power : float
        In (0, 1).

    Notes
    -----
    ``(z(1 - level/2) + z(power)) sqrt((N + 1) / (12 n m))``, the Mann-Whitney approximation under
    H0 variance. At most one half.

    References
    ----------
    Noether (1987), Sample size determination for some common nonparametric tests, JASA 82(398),
    doi:10.1080/01621459.1987.10478478.

    Examples
    --------
    >>> round(detectable_auc_shift(5000, 5000, 0.05 / 35, 0.8), 4)
    0.0233
    """
    from scipy.special import ndtri

    z = float(ndtri(1.0 - level / 2.0) + ndtri(power))
    return min(0.5, z * math.sqrt((n + m + 1) / (12.0 * n * m)))


def auc_shift_to_sd(shift: float) -> float:
    """Return the mean shift of a normal column, in standard deviations, behind an AUC shift.

    Notes
    -----
    ``AUC = Phi(delta / sqrt(2))`` for two normals of equal variance.

    Examples
    --------
    >>> round(auc_shift_to_sd(0.0282), 2)
    0.1
    """
    from scipy.special import ndtri

    return math.sqrt(2.0) * float(ndtri(min(0.5 + shift, 1 - 1e-9)))


def detectable_v(n: int, m: int, cells: int, level: float, power: float) -> float:
    """Return the smallest Cramer's V (at equal sizes) found with probability `power`.

    Notes
    -----
    Solves ``P(noncentral chi2(k - 1, lambda) > critical value) = power`` for lambda; then
    ``V = sqrt(lambda (n + m) / (4 n m))``.

    References
    ----------
    Cohen (1988), Statistical power analysis for the behavioral sciences, chapter 7.

    Examples
    --------
    >>> round(detectable_v(5000, 5000, 5, 0.05 / 35, 0.8), 3)
    0.047
    """
    noncentrality = _noncentrality(max(1, cells - 1), level, power)
    return min(1.0, math.sqrt(noncentrality * (n + m) / (4.0 * n * m)))


@lru_cache(maxsize=4096)
def _noncentrality(freedom: int, level: float, power: float) -> float:
    from scipy.special import chdtri, chndtrinc

    return float(chndtrinc(chdtri(freedom, level), freedom, 1.0 - power))
