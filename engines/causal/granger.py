"""Which metric runs ahead of which: screened conditional Granger tests at scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.causal.inputs import FloatArray
from engines.errors import InsufficientData
from engines.progress import Progress, steps, unwatched
from engines.sentence import say

IntArray = npt.NDArray[np.intp]

SCREEN_Z = 2.33
"""Cross-correlations below this many standard errors are not candidates (1% one-sided normal)."""
BLOCK = 256
"""Targets screened at a time, so that no n x n matrix is ever held."""
MIN_SPARE_ROWS = 20
"""Residual degrees of freedom below which a regression is not reported."""


@dataclass(frozen=True, slots=True, eq=False)
class LaggedEdges:
    """Directed influences that survive the error-rate control, and the tests of known parents.

    Attributes
    ----------
    source, target : int array
        Column indices of significant pairs.
    q : array
        Benjamini-Hochberg adjusted p value over all n (n - 1) ordered pairs.
    effect : array
        Sum of the standardised coefficients over the lags.
    lag : int array
        Lag, in rows, with the largest coefficient.
    known : mapping
        (source, target) -> (standardised same-row effect, p value) of each given parent.
    residuals : array of shape (rows, n)
        What the regressions leave, standardised.
    n_pairs : int
        Size of the tested family, n (n - 1).
    """

    source: IntArray
    target: IntArray
    q: FloatArray
    effect: FloatArray
    lag: IntArray
    known: Mapping[tuple[int, int], tuple[float, float]]
    residuals: FloatArray
    n_pairs: int


def lagged_edges(
    values: FloatArray,
    *,
    lags: int = 3,
    q: float = 0.05,
    max_candidates: int = 12,
    known: Mapping[int, Sequence[int]] | None = None,
    progress: Progress = unwatched,
) -> LaggedEdges:
    """Return which columns help predict which others from the past.

    Parameters
    ----------
    values : array of shape (rows, n)
        Regularly sampled, complete; n >= 2 columns that vary.
    lags : int, optional
        Rows of past used, L >= 1.
    q : float, optional
        False-discovery rate in (0, 1).
    max_candidates : int, optional
        Most causes examined per target after screening.
    known : mapping, optional
        Target -> columns known to act on it within the same row (from topology). Their same-row
        values enter the regression, so that what they pass on is not credited to the past of
        others.
    progress : Progress, optional
        Told how far the screening and then the regressions are; may raise to stop them.

    Returns
    -------
    LaggedEdges
        Significant pairs sorted by (source, target).

    Raises
    ------
    InsufficientData
        If rows do not leave 20 degrees of freedom for a regression on the candidates.

    Notes
    -----
    H0 for (j, i): given the past of i, of its other candidates and the same-row values of its known
    parents, the last L values of j do not help predict i. Block F test with L and T - k degrees
    of freedom. Candidates: each series is prewhitened by its own L lags; per target the
    `max_candidates` largest absolute lagged cross-correlations above ``2.33 / sqrt(rows)`` are
    kept; pairs not kept count as p = 1 in Benjamini-Hochberg over all n (n - 1) pairs, which
    keeps the rate conservative. Broken by: hidden common causes, non-stationarity (an incident
    inside the rows), influences faster than a row (give them as `known`) or slower than L
    rows. Work: n^2 T L in matrix products, n T (m L)^2 in regressions; memory 256 n floats.

    References
    ----------
    Granger (1969), *Investigating Causal Relations by Econometric Models and Cross-spectral
    Methods*, Econometrica 37. Benjamini, Hochberg (1995), *Controlling the False Discovery Rate*,
    JRSS B 57.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal(500)
    >>> y = np.r_[0.0, 0.8 * x[:-1]] + 0.5 * rng.standard_normal(500)
    >>> found = lagged_edges(np.column_stack([x, y]))
    >>> found.source, found.target, found.lag
    (array([0]), array([1]), array([1]))
    """
    from scipy.stats import f as f_distribution
    from scipy.stats import t as t_distribution

    rows, n = values.shape
    known = known or {}
    widest = max((len(parents) for parents in known.values()), default=0)
    columns = 1 + lags * (1 + min(max_candidates, n - 1)) + widest
    spare = rows - lags - columns
    if n < 2 or spare < MIN_SPARE_ROWS:
        needed = lags + columns + MIN_SPARE_ROWS
        raise InsufficientData(
            say(
                "reasons.lagged_tests_need_rows",
                "lagged tests of {metrics, number} metrics need {needed, number} rows, got "
                "{got, number}",
                metrics=n,
                needed=needed,
                got=rows,
            ),
            needed=needed,
            got=rows,
        )
    x = _standardised(values)
    candidates = screened(prewhitened(x, lags), lags, max_candidates, progress)
    fits = [_fit(x, lags, i, candidates[i], known.get(i, ())) for i in steps(range(n), progress)]
    source = np.concatenate([fit.source for fit in fits])
    target = np.repeat(np.arange(n), [fit.source.size for fit in fits])
    f_values = np.concatenate([fit.f for fit in fits])
    freedom = np.repeat([fit.freedom for fit in fits], [fit.source.size for fit in fits])
    adjusted = benjamini_hochberg(f_distribution.sf(f_values, lags, freedom), n * (n - 1))
    effect = np.concatenate([fit.effect for fit in fits])
    lag = np.concatenate([fit.lag for fit in fits])
    keep = np.flatnonzero(adjusted < q)
    keep = keep[np.lexsort((target[keep], source[keep]))]
    tested = {
        (int(parent), i): (float(slope), float(2 * t_distribution.sf(abs(t), fit.freedom)))
        for i, fit in enumerate(fits)
        for parent, slope, t in zip(known.get(i, ()), fit.slopes, fit.t, strict=True)
    }
    return LaggedEdges(
        source[keep],
        target[keep],
        adjusted[keep],
        effect[keep],
        lag[keep],
        tested,
        _standardised(np.column_stack([fit.residual for fit in fits])),
        n * (n - 1),
    )


def prewhitened(x: FloatArray, lags: int) -> FloatArray:
    """Return each column's residual after regression on its own last `lags` values."""
    past = np.stack([x[lags - k : x.shape[0] - k] for k in range(1, lags + 1)])
    now = x[lags:]
    gram = np.einsum("atj,btj->jab", past, past, optimize=True)
    gram += 1e-9 * now.shape[0] * np.eye(lags)
    slopes = np.linalg.solve(gram, np.einsum("atj,tj->ja", past, now, optimize=True)[..., None])
    return _standardised(now - np.einsum("atj,ja->tj", past, slopes[..., 0], optimize=True))


def screened(
    residuals: FloatArray, lags: int, most: int, progress: Progress = unwatched
) -> list[IntArray]:
    """Return per target the columns whose past correlates most with it, sorted."""
    rows, n = residuals.shape
    single = residuals.astype(np.float32)
    least = SCREEN_Z / np.sqrt(rows)
    found: list[IntArray] = []
    for start in steps(range(0, n, BLOCK), progress):
        part = single[:, start : start + BLOCK]
        best = np.zeros((part.shape[1], n), dtype=np.float32)
        for lag in range(1, lags + 1):
            np.maximum(best, np.abs(part[lag:].T @ single[:-lag]) / rows, out=best)
        best[np.arange(part.shape[1]), start + np.arange(part.shape[1])] = 0.0
        top = np.argpartition(-best, min(most, n) - 1, axis=1)[:, :most]
        for row, columns in zip(best, top, strict=True):
            found.append(np.sort(columns[row[columns] > least]))
    return found


def benjamini_hochberg(p: FloatArray, family: int) -> FloatArray:
    """Return adjusted p values; the family may be larger than `p`, the rest counting as 1.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.02]), 4)
    array([0.04, 0.04])
    """
    order = np.argsort(p, kind="stable")
    scaled = p[order] * family / np.arange(1, p.size + 1)
    adjusted = np.empty_like(scaled)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return adjusted


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    source: IntArray
    f: FloatArray
    effect: FloatArray
    lag: IntArray
    slopes: FloatArray
    t: FloatArray
    freedom: int
    residual: FloatArray


def _fit(x: FloatArray, lags: int, i: int, sources: IntArray, known: Sequence[int]) -> _Fit:
    rows, m = x.shape[0], sources.size
    seen = x[:, [i, *sources.tolist()]]
    design = np.empty((rows - lags, lags * (m + 1) + len(known) + 1))
    for k in range(1, lags + 1):  # columns grouped by source
        design[:, k - 1 : lags * (m + 1) : lags] = seen[lags - k : rows - k]
    design[:, lags * (m + 1) : -1] = x[lags:, list(known)]
    design[:, -1] = 1.0
    now = x[lags:, i]
    gram = design.T @ design
    gram.flat[:: len(gram) + 1] += 1e-9 * rows
    inverse = np.linalg.inv(gram)
    slopes = inverse @ (design.T @ now)
    residual = now - design @ slopes
    freedom = rows - lags - design.shape[1]
    variance = max(float(residual @ residual) / freedom, 1e-12)
    blocks_at = lags + np.arange(m * lags).reshape(m, lags)
    beta = slopes[blocks_at]
    cover = inverse[blocks_at[:, :, None], blocks_at[:, None, :]]
    gain = np.einsum("ma,ma->m", beta, np.linalg.solve(cover, beta[..., None])[..., 0])
    at = slice(lags * (m + 1), lags * (m + 1) + len(known))
    errors = np.sqrt(variance * np.diag(inverse)[at])
    return _Fit(
        sources,
        gain / lags / variance,
        beta.sum(axis=1),
        np.abs(beta).argmax(axis=1) + 1 if m else np.empty(0, dtype=np.intp),
        slopes[at],
        slopes[at] / errors,
        freedom,
        residual,
    )


def _standardised(values: FloatArray) -> FloatArray:
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0))
