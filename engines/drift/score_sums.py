"""Mergeable sums of products of scores: correlations of any window without its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engines.drift.dependence import CLIP, Dependence
from engines.drift.pair import Floats

GRID = 65  # reference quantiles behind a score: steps of 1.6 % of the rows


@dataclass(frozen=True, slots=True, eq=False)
class ScoreGrid:
    """A fixed map from each number to its normal score in the reference.

    Attributes
    ----------
    names : tuple of str
        Numeric columns, in the order of the sums.
    quantiles, scores : ndarray of float, shape (columns, 65)
        Reference quantiles and the normal score at each.
    """

    names: tuple[str, ...]
    quantiles: Floats
    scores: Floats

    def apply(self, columns: Mapping[str, Floats], rows: int) -> Floats:
        """Return scores, shape (rows, columns); NaN where a value is missing."""
        result = np.full((rows, len(self.names)), np.nan)
        for index, name in enumerate(self.names):
            if name in columns:
                value = columns[name]
                score = np.interp(value, self.quantiles[index], self.scores[index])
                result[:, index] = np.where(np.isfinite(value), score, np.nan)
        return result


@dataclass(frozen=True, slots=True, eq=False)
class ScoreSums:
    """Sums over rows where both scores of a pair are present, shape (columns, columns) each."""

    rows: Floats
    total: Floats
    product: Floats
    square: Floats

    @classmethod
    def of(cls, scores: Floats) -> ScoreSums:
        """Return the sums of a score matrix with NaN for missing."""
        present = np.isfinite(scores)
        if present.all():
            filled = scores
            rows = np.full((scores.shape[1],) * 2, float(len(scores)))
            total = np.repeat(scores.sum(axis=0)[:, None], scores.shape[1], axis=1)
        else:
            filled = np.where(present, scores, 0.0)
            mask = present.astype(np.float64)
            rows, total = mask.T @ mask, filled.T @ mask
        squared = filled * filled
        return cls(rows, total, filled.T @ filled, squared.T @ squared)

    def dependence(self) -> Dependence:
        """Return correlations with the variance factor of an elliptical copula.

        Notes
        -----
        ``factor = E[zi^2 zj^2] / (1 + 2 r^2)``, at least 1: one plus the common kurtosis
        (Muirhead, Waternaux 1980, doi:10.1093/biomet/67.1.31).
        """
        n = np.maximum(self.rows, 1.0)
        mean = self.total / n
        spread = np.sqrt(np.maximum(np.diag(self.product / n - mean * mean), 1e-12))
        scale = np.outer(spread, spread)
        r = np.clip((self.product / n - mean * mean.T) / scale, -CLIP, CLIP)
        factor = np.maximum(1.0, self.square / n / scale**2 / (1.0 + 2.0 * r * r))
        return Dependence(r, factor, self.rows)


def make_grid(names: Sequence[str], quantiles: Sequence[Floats]) -> ScoreGrid:
    """Return the grid from 65 reference quantiles per column (levels (i + 1/2) / 65)."""
    from scipy.special import ndtri

    scores = ndtri((np.arange(GRID) + 0.5) / GRID)
    rows = [_strictly_rising(q, scores) for q in quantiles]
    if not rows:
        return ScoreGrid((), np.empty((0, GRID)), np.empty((0, GRID)))
    return ScoreGrid(tuple(names), np.vstack([q for q, _ in rows]), np.vstack([s for _, s in rows]))


def _strictly_rising(quantiles: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Return quantiles with the mean score of each tied run, so that ties share one score."""
    _, inverse, counts = np.unique(quantiles, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, weights=scores) / counts
    return quantiles, means[inverse]


def merge_sums(parts: Sequence[ScoreSums]) -> ScoreSums:
    """Return the sums over all rows behind `parts`."""
    return ScoreSums(
        np.sum([part.rows for part in parts], axis=0),
        np.sum([part.total for part in parts], axis=0),
        np.sum([part.product for part in parts], axis=0),
        np.sum([part.square for part in parts], axis=0),
    )
