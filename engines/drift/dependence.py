"""Whether columns depend on each other differently, whatever each column does alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.drift.pair import Floats

CLIP = 0.9999  # keeps atanh finite for duplicated columns
LEAST_ROWS = 50  # Fisher's z over many pairs rejects too often below (6 % at 20 rows, nominal 2.5)


@dataclass(frozen=True, slots=True)
class Dependence:
    """Correlations of rank scores on one side, with the variance factor of Fisher's z.

    Attributes
    ----------
    correlation, factor, rows : ndarray, shape (2p, 2p)
        Correlation, its variance times n / (1 - r**2)**2 (at least 1), complete rows per pair.
        The first p are the columns, the next p their folded versions.
    """

    correlation: Floats
    factor: Floats
    rows: Floats


@dataclass(frozen=True, slots=True)
class PairShift:
    """Changes of dependence over all pairs of columns: p value and both correlations per pair."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    reference: Floats
    current: Floats
    p_values: Floats


def rank_scores(column: Floats) -> tuple[Floats, Floats]:
    """Return the normal scores of a column and of its distance from the middle; missing: 0.

    Notes
    -----
    ``z = Phi^-1(u)`` with ``u = (rank - 1/2) / n`` (mid-ranks for ties) and the folded score
    ``Phi^-1(|2u - 1|)``: both are standard normal, and the folded one is uncorrelated with z, so
    it carries dependence that correlation cannot see (``y = x**2``, joint volatility).
    """
    from scipy.special import ndtri

    present = np.isfinite(column)
    n = int(present.sum())
    scores, folded = np.zeros(len(column)), np.zeros(len(column))
    if n < 2:
        return scores, folded
    values = column if n == len(column) else column[present]
    order = np.argsort(values)
    ordered = values[order]
    rank = np.arange(1.0, n + 1)
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    if len(starts) < n:
        ends = np.append(starts[1:], n)
        rank = np.repeat((starts + 1 + ends) / 2.0, ends - starts)
    u = (rank - 0.5) / n
    placed = np.flatnonzero(present)[order]
    scores[placed] = _standardise(ndtri(u))
    inner = np.clip(np.abs(2.0 * u - 1.0), 0.5 / n, 1.0 - 0.5 / n)
    folded[placed] = _standardise(ndtri(inner))
    return scores, folded


def _standardise(values: Floats) -> Floats:
    centred = values - values.mean()
    spread = math.sqrt(float(centred @ centred) / len(centred))
    return centred / spread if spread > 1e-12 else np.zeros_like(centred)


def measure_dependence(columns: list[Floats], *, folded: bool = True) -> Dependence:
    """Return all pairwise correlations of the rank scores of equally long columns.

    The folded scores are left out when `folded` is false: p columns instead of 2p.
    """
    pairs = [rank_scores(column) for column in columns]
    scores = np.column_stack([z for z, _ in pairs] + [bent for _, bent in pairs if folded])
    present = np.isfinite(np.column_stack(columns))
    width = scores.shape[1]
    if present.all():
        rows = np.full((width, width), float(len(columns[0])))
    else:
        mask = np.tile(present.astype(np.float64), (1, 1 + folded))
        rows = np.maximum(mask.T @ mask, 1.0)
    square = scores * scores
    r = np.clip((scores.T @ scores) / rows, -CLIP, CLIP)
    both = (square.T @ square) / rows
    cubic = ((square * scores).T @ scores) / rows
    fourth = (square * square).sum(axis=0) / np.diag(rows)
    influence = (
        both
        - r * (cubic + cubic.T)
        + r * r / 4.0 * (fourth[:, None] + 2.0 * both + fourth[None, :])
    )
    factor = np.maximum(1.0, influence / (1.0 - r * r) ** 2)
    return Dependence(r, factor, rows)


def compare_dependence(
    reference: Dependence, current: Dependence, *, columns: int, folded: bool
) -> PairShift:
    """Return the test of equal dependence for every pair of columns.

    Parameters
    ----------
    reference, current : Dependence
        Measured on the same columns in the same order.
    columns : int
        How many columns there are; folded scores, if any, follow them.
    folded : bool
        False: correlations of the scores. True: pairs with at least one folded score.

    Notes
    -----
    H0 per pair: the correlation of the rank scores is the same. Fisher's z,
    ``(atanh r_c - atanh r_r) / sqrt(k_r / (n - 3) + k_c / (m - 3))``; k is 1 for a Gaussian copula
    and otherwise the variance of the correlation's influence function over (1 - r**2)**2, never
    taken below 1. Scores are ranks within each side, so changes of single columns do not show.
    Not below 50 complete rows.

    References
    ----------
    Fisher (1921), On the probable error of a coefficient of correlation, Metron 1.
    Devlin, Gnanadesikan, Kettenring (1975), Robust estimation and outlier detection with
    correlation coefficients, Biometrika 62(3), doi:10.1093/biomet/62.3.531.
    """
    from scipy.special import erfc

    doubled, half = len(reference.correlation), columns
    first, second = np.triu_indices(half if not folded else doubled, k=1)
    if folded:
        keep = (second >= half) & (first != second - half)
        first, second = first[keep], second[keep]
    r_before, r_after = reference.correlation[first, second], current.correlation[first, second]
    n, m = reference.rows[first, second], current.rows[first, second]
    enough = (n >= LEAST_ROWS) & (m >= LEAST_ROWS)
    variance = reference.factor[first, second] / np.maximum(n - 3.0, 1.0)
    variance = variance + current.factor[first, second] / np.maximum(m - 3.0, 1.0)
    z = (np.arctanh(r_after) - np.arctanh(r_before)) / np.sqrt(variance)
    p = np.where(enough, erfc(np.abs(z) / math.sqrt(2.0)), 1.0)
    return PairShift(first % half, second % half, r_before, r_after, p)
