"""Two samples of one column seen side by side: what every test and effect size reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def steps(cumulative: Floats) -> Floats:
    """Return the increments of a cumulative array, the first included (``np.diff``, but fast)."""
    result = cumulative.copy()
    result[1:] -= cumulative[:-1]
    return result


def cell_shares(cdf: Floats) -> Floats:
    """Return the shares of the cells that the points of a distribution function bound.

    Examples
    --------
    >>> cell_shares(np.array([0.25, 0.75])).tolist()
    [0.25, 0.5, 0.25]
    """
    result = np.empty(len(cdf) + 1)
    result[:-1] = cdf
    result[-1] = 1.0
    result[1:] -= cdf
    return result


@dataclass(frozen=True, slots=True)
class NumericPair:
    """Two numeric samples after one sort.

    Attributes
    ----------
    n, m : int
        Rows in the reference and in the current sample.
    values : ndarray of float, shape (g,)
        Distinct pooled values, ascending.
    reference_cdf : ndarray of float, shape (g,)
        Share of reference rows at or below each value.
    gap : ndarray of float, shape (g,)
        Reference less current distribution function at each value; the last is 0.
    ends : ndarray of float or None
        Pooled count at or below each value; ``None`` when no value repeats (then 1, 2, ..., g).
    rank_error : float
        Bound on the error of `gap`, 0 for samples, above 0 for sketches.

    Notes
    -----
    KS, Mann-Whitney, Mood and Wasserstein are all functionals of `gap`, so one sort serves all.
    The side of each row travels in the lowest mantissa bit through the sort: values that differ
    by less than 2 parts in 2**52 count as ties.
    """

    n: int
    m: int
    values: Floats
    reference_cdf: Floats
    gap: Floats
    ends: Floats | None = None
    rank_error: float = 0.0

    @classmethod
    def of_samples(cls, reference: Floats, current: Floats) -> NumericPair:
        """Return the pair of two finite, non-empty 1-D samples (not changed, any order).

        Examples
        --------
        >>> NumericPair.of_samples(np.array([1.0, 2.0]), np.array([2.0, 3.0])).gap.tolist()
        [0.5, 0.5, 0.0]
        """
        n, m = len(reference), len(current)
        pooled = np.empty(n + m)
        np.add(reference, 0.0, out=pooled[:n])  # also turns -0.0 into 0.0
        np.add(current, 0.0, out=pooled[n:])
        bits = pooled.view(np.int64)
        bits &= -2
        bits[n:] |= 1
        pooled.sort()
        side = bits & 1
        bits &= -2
        is_end = np.empty(n + m, dtype=np.bool_)
        np.not_equal(pooled[1:], pooled[:-1], out=is_end[:-1])
        is_end[-1] = True
        current_count = np.cumsum(side, out=side)
        if np.count_nonzero(is_end) == n + m:
            position = np.arange(1, n + m + 1, dtype=np.float64)
            return cls._of_counts(n, m, pooled, position, current_count, None)
        ends = np.flatnonzero(is_end)
        position = (ends + 1).astype(np.float64)
        return cls._of_counts(n, m, pooled[ends], position, current_count[ends], position)

    @classmethod
    def of_counts(
        cls, values: Floats, reference: Floats, current: Floats, rank_error: float = 0.0
    ) -> NumericPair:
        """Return the pair of two weightings (rows per value) over the same ascending values."""
        n, m = round(float(reference.sum())), round(float(current.sum()))
        current_count = np.cumsum(current)
        ends = np.cumsum(reference) + current_count
        pair = cls._of_counts(n, m, values, ends, current_count, ends)
        return cls(n, m, values, pair.reference_cdf, pair.gap, ends, rank_error)

    @classmethod
    def _of_counts(
        cls,
        n: int,
        m: int,
        values: Floats,
        position: Floats,
        current_count: Floats | NDArray[np.int64],
        ends: Floats | None,
    ) -> NumericPair:
        reference_cdf = (position - current_count) / n
        gap = reference_cdf - current_count / m
        gap[-1] = 0.0
        reference_cdf[-1] = 1.0
        return cls(n, m, values, reference_cdf, gap, ends)

    def cdf_at(self, points: Floats) -> tuple[Floats, Floats]:
        """Return both distribution functions at `points`."""
        index = np.searchsorted(self.values, points, side="right") - 1
        reference = np.where(index >= 0, self.reference_cdf[index], 0.0)
        gap = np.where(index >= 0, self.gap[index], 0.0)
        return reference, reference - gap

    def reference_quantiles(self, levels: Floats) -> Floats:
        """Return the reference values at `levels` in [0, 1] (inverse of the step function)."""
        index = np.searchsorted(self.reference_cdf, levels - 1e-12)
        return self.values[np.minimum(index, len(self.values) - 1)]

    def counts(self) -> tuple[Floats, Floats]:
        """Return rows per distinct value on both sides."""
        reference = np.rint(steps(self.reference_cdf) * self.n)
        current = np.rint(steps(self.reference_cdf - self.gap) * self.m)
        return reference, current


@dataclass(frozen=True, slots=True)
class CategoryPair:
    """Two samples of categories: aligned labels and counts, and the sample sizes."""

    n: int
    m: int
    labels: tuple[str, ...]
    reference: Floats
    current: Floats

    @classmethod
    def of_counts(cls, reference: Mapping[str, int], current: Mapping[str, int]) -> CategoryPair:
        """Return the pair of two counts per label.

        Examples
        --------
        >>> CategoryPair.of_counts({"a": 2}, {"a": 1, "b": 3}).current.tolist()
        [1.0, 3.0]
        """
        labels = tuple(dict.fromkeys((*reference, *current)))
        before = np.array([reference.get(label, 0) for label in labels], dtype=np.float64)
        after = np.array([current.get(label, 0) for label in labels], dtype=np.float64)
        return cls(int(before.sum()), int(after.sum()), labels, before, after)
