"""Mergeable summary of a number: equal-mass points with a bound on the rank error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engines.drift.pair import Floats, NumericPair, steps


@dataclass(frozen=True, slots=True, eq=False)
class QuantileSketch:
    """A distribution as at most `points` values, exact until there are more distinct ones.

    Attributes
    ----------
    points : int
        Capacity; the rank error of one batch is at most about rows / points.
    values : ndarray of float
        Kept values, ascending and distinct.
    at, before : ndarray of float
        Rows equal to each kept value, and rows strictly between it and the kept value before.
    error : float
        Bound, in rows, on the error of the count at or below any number.
    mean, square : float
        Mean, and sum of squared distances from it.

    Notes
    -----
    Compression keeps the values where the count crosses multiples of rows / points, so heavy values
    stay exact. Merging joins the points of all parts, sorts once and compresses once; bounds add
    up. Deterministic, unlike KLL, and at equal size its error is smaller (see the benchmark).

    References
    ----------
    Agarwal, Cormode, Huang, Phillips, Wei, Yi (2013), Mergeable summaries, ACM TODS 38(4),
    doi:10.1145/2500128. Chan, Golub, LeVeque (1983), Algorithms for computing the sample variance,
    Am. Stat. 37(3), doi:10.1080/00031305.1983.10483115 (moments).
    """

    points: int
    values: Floats
    at: Floats
    before: Floats
    error: float
    mean: float
    square: float

    @property
    def rows(self) -> int:
        """Return the number of rows summarised."""
        return round(float(self.at.sum() + self.before.sum()))

    @property
    def sd(self) -> float:
        """Return the standard deviation (n - 1 in the denominator), 0 below two rows."""
        return math.sqrt(self.square / (self.rows - 1)) if self.rows > 1 else 0.0

    @classmethod
    def of(cls, values: Floats, points: int) -> QuantileSketch:
        """Return the sketch of finite values in any order (not changed).

        Examples
        --------
        >>> sketch = QuantileSketch.of(np.arange(10_000.0), points=512)
        >>> len(sketch.values) <= 514, sketch.error <= 10_000 / 512
        (True, True)
        """
        if not len(values):
            empty = np.empty(0)
            return cls(points, empty, empty, empty, 0.0, 0.0, 0.0)
        ordered = np.sort(values + 0.0)
        mean = float(ordered.mean())
        centred = ordered - mean
        square = float(centred @ centred)
        n = len(ordered)
        starts = np.concatenate(([True], ordered[1:] != ordered[:-1]))
        if np.count_nonzero(starts) > points:
            steps = np.arange(points + 1) * ((n - 1) / points)
            kept = _distinct(ordered[np.rint(steps).astype(np.int64)])
        else:
            kept = ordered[starts]
        first = np.searchsorted(ordered, kept, side="left").astype(np.float64)
        end = np.searchsorted(ordered, kept, side="right").astype(np.float64)
        before = first - np.concatenate(([0.0], end[:-1]))
        return cls(points, kept, end - first, before, float(before.max()), mean, square)

    def weighted(self) -> tuple[Floats, Floats]:
        """Return point masses: kept values, and cell middles for the rows in between."""
        between = np.flatnonzero(self.before)
        if not between.size:
            return self.values, self.at
        middles = (self.values[between - 1] + self.values[between]) / 2.0
        values = np.concatenate((self.values, middles))
        return values, np.concatenate((self.at, self.before[between]))

    def counts_at(self, grid: Floats) -> Floats:
        """Return rows at or below each point of `grid`, linear within cells."""
        doubled = self.values.repeat(2)
        ends = (self.at + self.before).cumsum()
        counts = np.empty(len(doubled))
        counts[0::2] = ends - self.at
        counts[1::2] = ends
        return np.interp(grid, doubled, counts, left=0.0)


def merge_quantiles(parts: Sequence[QuantileSketch]) -> QuantileSketch:
    """Return the sketch of all rows behind `parts`; the smallest capacity decides.

    Examples
    --------
    >>> halves = [QuantileSketch.of(np.arange(i, i + 50.0), points=512) for i in (0, 50)]
    >>> merge_quantiles(halves).rows
    100
    """
    full = [part for part in parts if part.rows]
    if len(full) < 2:
        return full[0] if full else parts[0]
    points = min(part.points for part in parts)
    weighted = [part.weighted() for part in full]
    values = np.concatenate([values for values, _ in weighted])
    masses = np.concatenate([masses for _, masses in weighted])
    # Each part is a few ascending runs, which a stable sort joins without comparing all of them;
    # masses are whole rows, so the order of ties does not matter.
    order = np.argsort(values, kind="stable")
    values = values[order]
    first = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    values, masses = values[first], np.add.reduceat(masses[order], first)
    before = np.zeros(len(values))
    error = sum(part.error for part in full)
    if len(values) > 2 * points:
        values, masses, before = _compress(values, masses, points)
        error += float(before.max())
    mean, square = _join_moments(full)
    return QuantileSketch(points, values, masses, before, error, mean, square)


def _distinct(ordered: Floats) -> Floats:
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))]


def _compress(values: Floats, masses: Floats, points: int) -> tuple[Floats, Floats, Floats]:
    """Return kept values with the mass at each and the mass strictly before it."""
    ends = np.cumsum(masses)
    crossed = np.searchsorted(ends, np.arange(1, points + 1) * (ends[-1] / points) - 1e-9)
    rising = np.concatenate(([0], np.minimum(crossed, len(values) - 1)))
    kept = rising[np.concatenate(([True], rising[1:] != rising[:-1]))]
    before = steps(ends[kept]) - masses[kept]
    return values[kept], masses[kept], np.maximum(before, 0.0)


def _join_moments(parts: Sequence[QuantileSketch]) -> tuple[float, float]:
    rows = [part.rows for part in parts]
    mean = sum(n * part.mean for n, part in zip(rows, parts, strict=True)) / sum(rows)
    square = sum(
        part.square + n * (part.mean - mean) ** 2 for n, part in zip(rows, parts, strict=True)
    )
    return mean, square


def pair_sketches(reference: QuantileSketch, current: QuantileSketch) -> NumericPair:
    """Return both sketches over their joint values, with the bound on the error of the gap.

    Notes
    -----
    Tests lower their statistics by `rank_error`, so a p value from sketches is not smaller than
    the exact data allow; with no more distinct values than points it is the exact one.
    """
    n, m = reference.rows, current.rows
    joint = np.sort(np.concatenate((reference.values, current.values)), kind="stable")
    grid = _distinct(joint)
    before, after = steps(reference.counts_at(grid)), steps(current.counts_at(grid))
    return NumericPair.of_counts(grid, before, after, reference.error / n + current.error / m)
