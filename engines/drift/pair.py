"""Two samples of one column seen side by side: what every test and effect size reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.float64] | NDArray[np.int64] | NDArray[np.int32]


@lru_cache(maxsize=4)
def rank_shares(total: int, divisor: int) -> Floats:
    """Return (1, 2, ..., total) / divisor, kept for the next column of the same table."""
    shares = np.arange(1.0, total + 1.0)
    shares /= divisor
    shares.flags.writeable = False
    return shares


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
    reference_count, current_count : ndarray, shape (g,)
        Rows at or below each value.
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
    reference_count: Counts
    current_count: Counts
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
        # Bytes, not words: at a million rows memory traffic is what costs.
        side = (bits & 1).astype(np.uint8)
        bits &= -2
        is_end = np.empty(n + m, dtype=np.bool_)
        np.not_equal(pooled[1:], pooled[:-1], out=is_end[:-1])
        is_end[-1] = True
        width = np.int32 if n + m < 2**31 else np.int64
        current_count = cast("NDArray[np.int64]", np.cumsum(side, dtype=width))
        if np.count_nonzero(is_end) == n + m:
            gap: Floats = np.multiply(current_count, -1.0 / n - 1.0 / m, dtype=np.float64)
            gap += rank_shares(n + m, n)
            gap[-1] = 0.0
            count = np.arange(1, n + m + 1, dtype=current_count.dtype)
            count -= current_count
            return cls(n, m, pooled, count, current_count, gap)
        ends = np.flatnonzero(is_end)
        position = (ends + 1).astype(np.float64)
        kept = current_count[ends].astype(np.float64)
        return cls._of_cumulative(n, m, pooled[ends], position, kept, 0.0)

    @classmethod
    def of_counts(
        cls, values: Floats, reference: Floats, current: Floats, rank_error: float = 0.0
    ) -> NumericPair:
        """Return the pair of two weightings (rows per value) over the same ascending values."""
        n, m = round(float(reference.sum())), round(float(current.sum()))
        current_count = np.cumsum(current)
        ends = np.cumsum(reference) + current_count
        return cls._of_cumulative(n, m, values, ends, current_count, rank_error)

    @classmethod
    def _of_cumulative(
        cls, n: int, m: int, values: Floats, ends: Floats, current_count: Floats, error: float
    ) -> NumericPair:
        count = ends - current_count
        gap = count / n - current_count / m
        gap[-1] = 0.0
        return cls(n, m, values, count, current_count, gap, ends, error)

    def cdf_at(self, points: Floats) -> tuple[Floats, Floats]:
        """Return both distribution functions at `points`."""
        index = np.searchsorted(self.values, points, side="right") - 1
        is_inside = index >= 0
        before = self.reference_count[index] * is_inside / self.n
        return before, self.current_count[index] * is_inside / self.m

    def reference_quantiles(self, levels: Floats) -> Floats:
        """Return the reference values at `levels` in [0, 1] (inverse of the step function)."""
        return self._quantiles(self.reference_count, levels * self.n)

    def current_quantiles(self, levels: Floats) -> Floats:
        """Return the current values at `levels` in [0, 1]."""
        return self._quantiles(self.current_count, levels * self.m)

    def _quantiles(self, counts: Counts, wanted: Floats) -> Floats:
        # Whole counts are searched by whole numbers; a float key would copy the array.
        key = np.ceil(wanted - 1e-6).astype(counts.dtype)
        return self.values[np.minimum(np.searchsorted(counts, key), len(self.values) - 1)]

    def counts(self) -> tuple[Floats, Floats]:
        """Return rows per distinct value on both sides."""
        before, after = (
            np.rint(steps(counts.astype(np.float64)))
            for counts in (self.reference_count, self.current_count)
        )
        return before, after


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
