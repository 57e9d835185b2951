"""Windows answered from rollup cells and the tail, and from raw samples where these cannot.

Rollups answer when the step is a whole number of minutes. Samples of the tail that are newer than
all stored samples of their series add to the cells; buckets with late or rewritten samples in the
tail are read from raw samples until they are compacted, and so are counters with such samples, and
those that were reset.
"""

from __future__ import annotations

import sqlite3

import numpy as np
from numpy.typing import NDArray

from connectors.errors import TooMuch
from connectors.protocols import Aggregate
from connectors.sqlite_metrics import cells as cell
from connectors.sqlite_metrics import chunks as store
from connectors.sqlite_metrics.codec import Floats, Ints
from connectors.sqlite_metrics.rollups import Cells, read_hours, read_minutes
from connectors.sqlite_metrics.samples import exceeds, read_samples
from connectors.sqlite_metrics.tail import Samples, TailView
from connectors.sqlite_metrics.window import Grid, bucket_samples

LOOKBACK_MS = 3_600_000  # how far back `increase` looks for the sample before the window
QUANTILE_SAMPLES = 5_000_000  # per call: about half a second of reading and sorting
LEAST_CELLS = 20
_MOST_SAMPLES = 20_000_000  # half a gigabyte of raw samples at once
_COUNTER: tuple[Aggregate, ...] = ("increase", "rate")


def bucket_series(
    chunks: sqlite3.Connection,
    tail: TailView,
    sids: Ints,
    grid: Grid,
    over_time: Aggregate,
) -> Floats:
    """Return a matrix of series (ascending numbers) by bucket; NaN where there is no sample."""
    cell_ms = cell_size(grid.step_ms)
    if cell_ms is None:
        return _from_raw(chunks, tail, sids, grid, over_time)
    cells = _read_cells(chunks, sids, grid, cell_ms, over_time)
    before_ms = LOOKBACK_MS if over_time in _COUNTER else 0
    compacted_id = store.compacted_id(chunks)
    fresh = tail.read(sids, grid.start_ms - before_ms, grid.end_ms, compacted_id)
    late = np.flatnonzero(fresh.timestamps_ms <= cells.last_ms[fresh.rows])
    if over_time in _COUNTER:
        cells.unsure[fresh.rows[late]] = True
    per_bucket = grid.step_ms // cell_ms
    if over_time in _COUNTER:
        matrix = _growth(cells, fresh, grid, per_bucket)
        if over_time == "rate":
            matrix *= 1_000.0 / grid.step_ms
    else:
        matrix = _plain(cells, fresh, grid, per_bucket, over_time)
        _rewrite(matrix, chunks, tail, sids, grid, over_time, fresh, late)
    unsure = np.flatnonzero(cells.unsure)
    if len(unsure):
        matrix[unsure] = _from_raw(chunks, tail, sids[unsure], grid, over_time)
    return matrix


def _rewrite(
    matrix: Floats, chunks: sqlite3.Connection, tail: TailView, sids: Ints, grid: Grid,
    over_time: Aggregate, fresh: Samples, late: Ints,
) -> None:  # fmt: skip
    """Put what raw samples say into the buckets that late samples touch, with all in between."""
    if not len(late):
        return
    touched = (fresh.timestamps_ms[late] - grid.start_ms) // grid.step_ms
    first, last = int(touched.min()), int(touched.max())
    part = Grid(grid.start_ms + first * grid.step_ms, grid.step_ms, last - first + 1)
    rows = np.unique(fresh.rows[late])
    matrix[rows, first : last + 1] = _from_raw(chunks, tail, sids[rows], part, over_time)


def quantile_cells(chunks: sqlite3.Connection, sids: Ints, grid: Grid) -> int | None:
    """Return what quantiles over time are taken over: None = raw samples, else averages of cells.

    Raw up to `QUANTILE_SAMPLES` in all series; above, minutes when a bucket has `LEAST_CELLS` of
    them and all buckets no more than that budget, else hours; where neither does, refuse.
    """
    if not exceeds(chunks, sids, grid.start_ms, grid.end_ms, QUANTILE_SAMPLES):
        return None
    for cell_ms in (cell.MINUTE_MS, store.HOUR_MS):
        per_bucket, rest = divmod(grid.step_ms, cell_ms)
        if rest == 0 and per_bucket >= LEAST_CELLS:
            if grid.buckets * per_bucket * len(sids) <= QUANTILE_SAMPLES:
                return cell_ms
    raise TooMuch(
        f"a quantile over more than {QUANTILE_SAMPLES} samples: ask for less time, fewer series, "
        f"or a step of at least {LEAST_CELLS} minutes"
    )


def bucket_quantiles(
    chunks: sqlite3.Connection,
    tail: TailView,
    sids: Ints,
    grid: Grid,
    over_time: Aggregate,
    cell_ms: int | None,
) -> Floats:
    """Return quantiles as `bucket_series`, of raw samples or of the averages of cells."""
    if cell_ms is None:
        return _from_raw(chunks, tail, sids, grid, over_time)
    fine = Grid(grid.start_ms, cell_ms, grid.buckets * (grid.step_ms // cell_ms))
    means = bucket_series(chunks, tail, sids, fine, "avg")
    rows, columns = np.nonzero(~np.isnan(means))
    samples = Samples(rows, fine.stamps()[columns], means[rows, columns])
    return bucket_samples(samples, len(sids), grid, over_time)


def cell_size(step_ms: int) -> int | None:
    """Return the size of the largest rollup cells that make up a step, or None."""
    return next((c for c in (store.HOUR_MS, cell.MINUTE_MS) if step_ms % c == 0), None)


def _from_raw(
    chunks: sqlite3.Connection,
    tail: TailView,
    sids: Ints,
    grid: Grid,
    over_time: Aggregate,
) -> Floats:
    before_ms = LOOKBACK_MS if over_time in _COUNTER else 0
    start_ms = grid.start_ms - before_ms
    samples = read_samples(chunks, tail, sids, start_ms, grid.end_ms, limit=_MOST_SAMPLES)
    return bucket_samples(samples, len(sids), grid, over_time)


def _read_cells(
    chunks: sqlite3.Connection,
    sids: Ints,
    grid: Grid,
    cell_ms: int,
    over_time: Aggregate,
) -> Cells:
    growth = over_time in _COUNTER
    before = LOOKBACK_MS // cell_ms if growth else 0
    first = grid.start_ms // cell_ms - before
    n = grid.buckets * (grid.step_ms // cell_ms) + before
    if cell_ms == store.HOUR_MS:
        return read_hours(chunks, sids, first, n)
    spans = growth or over_time in ("min", "max", "last")
    return read_minutes(chunks, sids, first, n, spans=spans, growth=growth)


def _plain(
    cells: Cells,
    fresh: Samples,
    grid: Grid,
    per_bucket: int,
    over_time: Aggregate,
) -> Floats:

    def tail_cells(how: Aggregate) -> Floats | None:
        return bucket_samples(fresh, cells.shape[0], grid, how) if len(fresh) else None

    if over_time in ("min", "max"):
        return _extremes(cells, per_bucket, over_time, tail_cells(over_time))
    if over_time == "last":
        stored = _last(cells, per_bucket)
        newer = tail_cells("last")
        return stored if newer is None else np.where(np.isnan(newer), stored, newer)
    count = _added(_folded(cells.count, per_bucket), tail_cells("count"))
    if over_time == "count":
        return np.where(count > 0, count, np.nan)
    total = _added(_folded(cells.sum, per_bucket), tail_cells("sum"))
    if over_time == "sum":
        total[count == 0] = np.nan
        return total
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN of an empty bucket
        return np.divide(total, count, out=total)


def _folded(matrix: Floats, per_bucket: int) -> Floats:
    if per_bucket == 1:
        return matrix
    folded: Floats = np.add.reduce(matrix.reshape(len(matrix), -1, per_bucket), axis=2)
    return folded


def _added(stored: Floats, fresh: Floats | None) -> Floats:
    if fresh is not None:
        np.add(stored, fresh, out=stored, where=~np.isnan(fresh))
    return stored


def _extremes(cells: Cells, per_bucket: int, over_time: Aggregate, fresh: Floats | None) -> Floats:
    plane = cells.plane(cell.LOW if over_time == "min" else cell.HIGH)
    plane[cells.count == 0] = np.nan
    fold = np.fmin if over_time == "min" else np.fmax
    if per_bucket > 1:
        plane = fold.reduce(plane.reshape(len(plane), -1, per_bucket), axis=2)
    return plane if fresh is None else fold(plane, fresh)


def _last(cells: Cells, per_bucket: int) -> Floats:
    plane = cells.plane(cell.LAST)
    plane[cells.count == 0] = np.nan
    if per_bucket == 1:
        return plane
    plane = plane.reshape(len(plane), -1, per_bucket)
    backwards = ~np.isnan(plane[:, :, ::-1])
    newest = per_bucket - 1 - backwards.argmax(axis=2)
    return np.take_along_axis(plane, newest[:, :, None], axis=2)[:, :, 0]


def _growth(cells: Cells, fresh: Samples, grid: Grid, per_bucket: int) -> Floats:
    before = cells.shape[1] - grid.buckets * per_bucket
    present = cells.count > 0
    first, last = cells.plane(cell.FIRST), cells.plane(cell.LAST)
    previous, has_previous = _previous(last, present)
    if cells.has_growth:
        step = first - previous
        np.copyto(step, first, where=step < 0)
        grown = cells.plane(cell.GROWTH) + np.where(has_previous, step, 0.0)
    else:
        grown = np.where(has_previous, last - previous, 0.0)
        # Minute rows show the first sample of their first cell alone.
        begins = present & ~has_previous & (cells.count > 1)
        grown[begins] = (last - first)[begins]
        cells.unsure |= np.isnan(grown[:, before:]).any(axis=1)
    grown[~present] = 0.0
    matrix = _folded(grown[:, before:], per_bucket).copy()
    matrix[_folded(present[:, before:].astype(np.float64), per_bucket) == 0] = np.nan
    newer = _tail_growth(cells, fresh, grid)
    if newer is not None:
        matrix = np.where(np.isnan(matrix), newer, matrix + np.nan_to_num(newer))
    return matrix


def _previous(last: Floats, present: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the last value before each cell, and whether there is one."""
    positions = np.where(present, np.arange(present.shape[1]), -1)
    np.maximum.accumulate(positions, axis=1, out=positions)
    before = np.full_like(positions, -1)
    before[:, 1:] = positions[:, :-1]
    return np.take_along_axis(last, np.maximum(before, 0), axis=1), before >= 0


def _tail_growth(cells: Cells, fresh: Samples, grid: Grid) -> Floats | None:
    if not len(fresh):
        return None
    known = np.unique(fresh.rows)
    known = known[(cells.last_ms[known] >= grid.start_ms - LOOKBACK_MS) & ~cells.unsure[known]]
    joined = fresh
    if len(known):
        rows = np.concatenate((known, fresh.rows))
        order = np.argsort(rows, kind="stable")  # the stored sample before the newer ones
        joined = Samples(
            rows[order],
            np.concatenate((cells.last_ms[known], fresh.timestamps_ms))[order],
            np.concatenate((cells.last_value[known], fresh.values))[order],
        )
    return bucket_samples(joined, cells.shape[0], grid, "increase")
