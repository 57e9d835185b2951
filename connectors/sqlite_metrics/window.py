"""Buckets: samples of many series reduced over time, then across series."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.errors import Refused, TooMuch
from connectors.protocols import Aggregate
from connectors.sqlite_metrics.tail import Samples
from connectors.telemetry import Series

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FOLDS: dict[str, np.ufunc] = {
    "sum": np.add,
    "avg": np.add,
    "min": np.minimum,
    "max": np.maximum,
}
MAX_CELLS = 20_000_000  # 160 MB of answer
_FEW_ROWS = 64  # rows a group below which sorting all rows once beats looking for each group's
QUANTILES: dict[str, float] = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


class Grid(msgspec.Struct, frozen=True):
    """Buckets [start + i * step, start + (i + 1) * step)."""

    start_ms: int
    step_ms: int
    buckets: int

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.step_ms * self.buckets

    def stamps(self) -> Ints:
        return self.start_ms + self.step_ms * np.arange(self.buckets, dtype=np.int64)


def grid_of(start_ms: int, end_ms: int, step_ms: int) -> Grid:
    """Return the buckets of a window: its start aligned down to the step, the last one whole."""
    if step_ms <= 0 or end_ms <= start_ms:
        raise Refused(
            f"a window needs start < end and step > 0, got {start_ms}, {end_ms}, {step_ms}"
        )
    start_ms -= start_ms % step_ms
    buckets = -(-(end_ms - start_ms) // step_ms)
    if buckets > MAX_CELLS:
        raise TooMuch(f"{buckets} buckets exceed {MAX_CELLS}: take a longer step")
    return Grid(start_ms, step_ms, buckets)


def group_series(
    members: list[Series], by: tuple[str, ...]
) -> tuple[list[Series], NDArray[np.int64]]:
    """Return a series per distinct values of `by`, in order, and the group of each member."""
    names = {s.name for s in members}
    name = names.pop() if len(names) == 1 else ""
    labels = [dict(s.labels) for s in members]
    keys = [tuple([own.get(label, "") for label in by]) for own in labels]
    ordered = sorted(set(keys))
    number = {key: i for i, key in enumerate(ordered)}
    groups = [Series(name, tuple(zip(by, key, strict=True))) for key in ordered]
    return groups, np.array([number[key] for key in keys], np.int64)


def bucket_samples(samples: Samples, series: int, grid: Grid, over_time: Aggregate) -> Floats:
    """Return a matrix of series by bucket; NaN where a bucket has no sample.

    Samples are sorted by row and timestamp. For `increase` and `rate` they may begin before the
    start: each sample counts the growth since the one before it, in its own bucket.
    """
    start_ms, step_ms = grid.start_ms, grid.step_ms
    cells = np.full((series, grid.buckets), np.nan)
    if over_time in ("increase", "rate"):
        samples, values = _growth(samples, start_ms)
        reduce: Aggregate = "sum"
        scale = 1.0 if over_time == "increase" else 1_000.0 / step_ms
    else:
        values, reduce, scale = samples.values, over_time, 1.0
    if not len(samples):
        return cells
    buckets = samples.rows * grid.buckets + (samples.timestamps_ms - start_ms) // step_ms
    starts = np.concatenate(([0], np.flatnonzero(np.diff(buckets)) + 1))
    cells.reshape(-1)[buckets[starts]] = _reduced(values, buckets, starts, reduce) * scale
    return cells


def _growth(samples: Samples, start_ms: int) -> tuple[Samples, Floats]:
    rows, values = samples.rows, samples.values
    growth = np.zeros(len(values))
    if len(values) > 1:
        steps = np.diff(values)
        # A counter that falls was reset to zero: all it shows now is growth.
        np.copyto(steps, values[1:], where=steps < 0)
        growth[1:] = np.where(rows[1:] == rows[:-1], steps, 0.0)
    kept = samples.timestamps_ms >= start_ms
    return samples.where(kept), growth[kept]


def _reduced(values: Floats, buckets: Ints, starts: Ints, reduce: Aggregate) -> Floats:
    ends = np.append(starts[1:], len(values))
    if reduce in _FOLDS:
        folded: Floats = _FOLDS[reduce].reduceat(values, starts)
        return np.divide(folded, ends - starts) if reduce == "avg" else folded
    if reduce == "count":
        return (ends - starts).astype(np.float64)
    if reduce == "last":
        return np.take(values, ends - 1)
    ordered = values[np.lexsort((values, buckets))]
    return _interpolated(ordered, starts, ends - starts, QUANTILES[reduce])


def _interpolated(ordered: Floats, starts: Ints, counts: Ints, quantile: float) -> Floats:
    """Linear interpolation between order statistics, as numpy's default method."""
    position = quantile * (counts - 1)
    low = np.floor(position).astype(np.int64)
    high = np.minimum(low + 1, counts - 1)
    share = position - low
    between: Floats = ordered[starts + low] * (1 - share) + ordered[starts + high] * share
    return between


def check_across(across: Aggregate | None) -> None:
    """Refuse reductions that mean nothing from one series to the next."""
    if across in ("increase", "rate", "last"):
        raise Refused(f"{across} reduces a series over time; across series use sum, avg or another")


_ACROSS: dict[str, tuple[np.ufunc, float]] = {
    "sum": (np.add, 0.0),
    "avg": (np.add, 0.0),
    "count": (np.add, 0.0),
    "min": (np.minimum, np.inf),
    "max": (np.maximum, -np.inf),
}


class Across:
    """Reduces matrices of series by bucket to one row per group, part by part."""

    def __init__(self, groups: int, buckets: int, across: Aggregate) -> None:
        self._across = across
        self._counts = np.zeros((groups, buckets))
        fill = _ACROSS[across][1] if across in _ACROSS else 0.0
        self._cells = np.full((groups, buckets), fill)
        self._parts: list[tuple[Floats, Ints]] = []

    def add(self, matrix: Floats, group_of: Ints) -> None:
        """Take the rows of some series; `group_of` says which group each belongs to."""
        if self._across in QUANTILES:
            self._parts.append((matrix, group_of))
            return
        present = ~np.isnan(matrix)
        is_full = bool(present.all())  # the usual case, without a pass to mask what is absent
        fold, neutral = _ACROSS[self._across]
        masked = matrix if is_full else np.where(present, matrix, neutral)
        groups, sizes = np.unique(group_of, return_counts=True)
        if len(matrix) < _FEW_ROWS * len(groups):
            self._add_small(masked, present, group_of, groups, sizes)
            return
        for group in groups.tolist():
            rows = group_of == group
            chosen, there = (masked, present) if rows.all() else (masked[rows], present[rows])
            self._counts[group] += len(chosen) if is_full else there.sum(axis=0)
            cells = self._cells[group]
            fold(cells, fold.reduce(chosen, axis=0), out=cells)

    def _add_small(
        self, masked: Floats, present: NDArray[np.bool_], group_of: Ints, groups: Ints, sizes: Ints
    ) -> None:
        """Take many groups of few rows each: one pass in order of group, not one a group."""
        order = np.argsort(group_of, kind="stable")
        starts = np.cumsum(sizes) - sizes
        fold, _ = _ACROSS[self._across]
        self._counts[groups] += np.add.reduceat(present[order], starts, axis=0, dtype=np.float64)
        self._cells[groups] = fold(
            self._cells[groups], fold.reduceat(masked[order], starts, axis=0)
        )

    def result(self) -> Floats:
        """Return a row per group; NaN where no series has a value."""
        if self._across in QUANTILES:
            return self._quantiles()
        empty = self._counts == 0
        cells = self._cells
        if self._across == "count":
            cells = self._counts.copy()
        elif self._across == "avg":
            cells = cells / np.where(empty, 1.0, self._counts)
        cells[empty] = np.nan
        return cells

    def _quantiles(self) -> Floats:
        result = np.full(self._cells.shape, np.nan)
        if not self._parts:
            return result
        matrix = np.concatenate([m for m, _ in self._parts])
        group_of = np.concatenate([g for _, g in self._parts])
        for group in np.unique(group_of).tolist():
            ordered = np.sort(matrix[group_of == group], axis=0)  # NaN sorts last
            counts = (~np.isnan(ordered)).sum(axis=0)
            some = np.flatnonzero(counts)
            flat = ordered.T[some].reshape(-1)
            starts = np.arange(len(some)) * len(ordered)
            result[group, some] = _interpolated(flat, starts, counts[some], QUANTILES[self._across])
        return result
