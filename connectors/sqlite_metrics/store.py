"""What services see: the metric store of one tenant."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.errors import TooMuch
from connectors.protocols import Aggregate, SeriesPoints
from connectors.selector import Selector
from connectors.sqlite_metrics import chunks as chunk_table
from connectors.sqlite_metrics.catalogue import Catalogue, Selection
from connectors.sqlite_metrics.database import Readers
from connectors.sqlite_metrics.log import AppendLog, finite_batch
from connectors.sqlite_metrics.rolled import (
    bucket_quantiles,
    bucket_series,
    cell_size,
    quantile_cells,
)
from connectors.sqlite_metrics.samples import read_latest, read_samples
from connectors.sqlite_metrics.tail import Samples, Tail, TailView
from connectors.sqlite_metrics.window import (
    MAX_CELLS,
    QUANTILES,
    Across,
    Grid,
    check_across,
    grid_of,
    group_series,
)
from connectors.telemetry import MetricBatch, Series

_CELLS_AT_ONCE = 1_000_000


class _View(msgspec.Struct, frozen=True):
    """Chunks and tail as of one moment."""

    chunks: sqlite3.Connection
    tail: TailView


class SqliteMetricStore:
    """Samples of one tenant; see `connectors.protocols.MetricStore`."""

    def __init__(
        self, tenant: str, log: AppendLog, catalogue: Catalogue, tail: Tail, chunks: Readers
    ) -> None:
        self._tenant = tenant
        self._log = log
        self._catalogue = catalogue
        self._tail = tail
        self._chunks = chunks

    def append(self, batch: MetricBatch) -> None:
        """Return once every finite sample is durable.

        See `finite_batch` for the others.
        """
        batch = finite_batch(batch)
        if len(batch):
            self._log.append(self._tenant, batch)

    def series(self, selector: Selector, *, limit: int = 10_000) -> list[Series]:
        return self._select(selector).series[:limit]

    def names(self) -> list[str]:
        self._follow()
        return self._catalogue.names(self._tenant)

    def label_values(self, label: str, selector: Selector | None = None) -> list[str]:
        if selector is None:
            self._follow()
            return self._catalogue.label_values(self._tenant, label)
        return sorted({s.label(label) for s in self._select(selector).series} - {""})

    def raw(
        self, selector: Selector, start_ms: int, end_ms: int, *, limit: int = 1_000_000
    ) -> list[SeriesPoints]:
        with self._view() as view:
            selection, sids, order = self._sorted(selector)
            samples = read_samples(view.chunks, view.tail, sids, start_ms, end_ms, limit=limit)
        return _in_order(selection, order, samples)

    def latest(self, selector: Selector, *, since_ms: int) -> list[SeriesPoints]:
        with self._view() as view:
            selection, sids, order = self._sorted(selector)
            samples = read_latest(view.chunks, view.tail, sids, since_ms)
        return _in_order(selection, order, samples)

    def window(
        self,
        selector: Selector,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        *,
        over_time: Aggregate = "avg",
        across: Aggregate | None = None,
        by: tuple[str, ...] = (),
    ) -> list[SeriesPoints]:
        check_across(across)
        grid = grid_of(start_ms, end_ms, step_ms)
        with self._view() as view:
            selection, sids, order = self._sorted(selector)
            _check_size(len(sids) if across in (None, "p50", "p95", "p99") else 1, grid.buckets)
            parts = _parts(view, sids, grid, over_time)
            stamps = grid.stamps()
            if across is None:
                return _each(selection, order, stamps, parts)
            return _reduced(selection, order, stamps, parts, across, by)

    def delete(self, selector: Selector) -> int:
        selection = self._select(selector)
        if not selection.series:
            return 0
        deleted = self._log.delete_series(self._tenant, selection.sids.tolist())
        self._follow()
        return deleted

    def _select(self, selector: Selector) -> Selection:
        self._follow()
        return self._catalogue.select(self._tenant, selector)

    def _sorted(self, selector: Selector) -> tuple[Selection, NDArray[np.int64], NDArray[np.int64]]:
        """Return the selection, its numbers ascending, and where each of these stands in it."""
        selection = self._catalogue.select(self._tenant, selector)
        order = np.argsort(selection.sids)
        return selection, selection.sids[order], order

    def _follow(self) -> None:
        with self._log.readers.snapshot() as head:
            self._catalogue.refresh(head)

    @contextmanager
    def _view(self) -> Iterator[_View]:
        # The tail first: what compaction moves in between is then in both, and is filtered by
        # frame id; in the other order it would be in neither.
        with self._chunks.snapshot() as chunks:
            compacted_id = chunk_table.compacted_id(chunks)
        with self._log.readers.snapshot() as head:
            self._catalogue.refresh(head)
            tail = self._tail.refresh(head, compacted_id)
        with self._chunks.snapshot() as chunks:
            yield _View(chunks, tail)


def _parts(
    view: _View, sids: NDArray[np.int64], grid: Grid, over_time: Aggregate
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield matrices of series by bucket, some series at a time."""
    cells = grid.buckets * (grid.step_ms // (cell_size(grid.step_ms) or grid.step_ms))
    is_quantile = over_time in QUANTILES
    source = quantile_cells(view.chunks, sids, grid) if is_quantile else None
    for rows in _slices(len(sids), cells):
        asked = (view.chunks, view.tail, sids[rows], grid, over_time)
        yield rows, bucket_quantiles(*asked, source) if is_quantile else bucket_series(*asked)


def _slices(count: int, cells: int) -> Iterator[slice]:
    """Return slices of the series that keep a matrix of their cells near `_CELLS_AT_ONCE`."""
    size = max(_CELLS_AT_ONCE // cells, 10)
    return (slice(i, min(i + size, count)) for i in range(0, count, size))


def _check_size(rows: int, buckets: int) -> None:
    if max(rows, 1) * buckets > MAX_CELLS:
        raise TooMuch(
            f"{rows} series in {buckets} buckets exceed {MAX_CELLS} values: "
            "take a longer step, fewer series, or reduce across them"
        )


def _each(
    selection: Selection,
    order: NDArray[np.int64],
    stamps: NDArray[np.int64],
    parts: Iterator[tuple[slice, NDArray[np.float64]]],
) -> list[SeriesPoints]:
    found: list[tuple[int, SeriesPoints]] = []
    for rows, matrix in parts:
        some: NDArray[np.bool_] = np.logical_not(np.isnan(matrix).all(axis=1))
        for position, values, has_any in zip(order[rows].tolist(), matrix, some, strict=True):
            if has_any:
                found.append((position, SeriesPoints(selection.series[position], stamps, values)))
    return [points for _, points in sorted(found, key=lambda pair: pair[0])]


def _reduced(
    selection: Selection,
    order: NDArray[np.int64],
    stamps: NDArray[np.int64],
    parts: Iterator[tuple[slice, NDArray[np.float64]]],
    across: Aggregate,
    by: tuple[str, ...],
) -> list[SeriesPoints]:
    groups, group_of = _groups(selection, by)
    reducer = Across(len(groups), len(stamps), across)
    for rows, matrix in parts:
        reducer.add(matrix, group_of[order[rows]])
    result = reducer.result()
    known = np.logical_not(np.isnan(result).all(axis=1)).tolist()
    return [
        SeriesPoints(series, stamps, values)
        for series, values, is_known in zip(groups, result, known, strict=True)
        if is_known
    ]


def _groups(selection: Selection, by: tuple[str, ...]) -> tuple[list[Series], NDArray[np.int64]]:
    """Return `group_series` of a selection, found once while the selection is remembered."""
    found = selection.groups.get(by)
    if found is None:
        found = selection.groups[by] = group_series(selection.series, by)
    return found


def _in_order(
    selection: Selection, order: NDArray[np.int64], samples: Samples
) -> list[SeriesPoints]:
    """Split flat samples by series, in the selection's order."""
    edges = np.searchsorted(samples.rows, np.arange(len(order) + 1))
    row_of = np.empty(len(order), np.int64)
    row_of[order] = np.arange(len(order))
    found = []
    for series, row in zip(selection.series, row_of.tolist(), strict=True):
        part = slice(int(edges[row]), int(edges[row + 1]))
        if part.stop > part.start:
            found.append(
                SeriesPoints(
                    series, samples.timestamps_ms[part].copy(), samples.values[part].copy()
                )
            )
    return found
