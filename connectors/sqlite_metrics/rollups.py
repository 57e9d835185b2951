"""Rollup rows of many series read as matrices of series by cell, without a loop over cells."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.sqlite_metrics import cells as cell
from connectors.sqlite_metrics import chunks as store
from connectors.sqlite_metrics.codec import POWERS, RAW_BITS, UNSIGNED, Floats, Ints

_NEVER = -(2**62)
_MINUTE_COLUMNS = (
    "first, n, power, width, base, per_cell, span, falls, first_value, last_ms, last_value, "
    "counts, sums"
)
_SPAN_COLUMNS = "first, n, power, base, low_width, high_width, last_width, body"


class Cells:
    """Matrices of series by cell. Where `count` is 0 the others say nothing.

    `has_growth` says that the plane of growth is filled. `unsure` marks series whose rows cannot
    answer: they must be read from raw samples. `last_ms` and `last_value` are of the newest stored
    sample among the rows read.
    """

    def __init__(self, series: int, first_cell: int, n: int, *, has_growth: bool = False) -> None:
        self.has_growth = has_growth
        self.first_cell = first_cell
        self.shape = (series, n)
        self.count = np.zeros(self.shape)
        self.sum = np.zeros(self.shape)
        self.planes: dict[int, Floats] = {}
        self.unsure = np.zeros(series, np.bool_)
        self.last_ms = np.full(series, _NEVER, np.int64)
        self.last_value = np.zeros(series)

    def plane(self, which: int) -> Floats:
        if which not in self.planes:
            self.planes[which] = np.zeros(self.shape)
        return self.planes[which]

    def overlap(self, first: int, n: int) -> tuple[slice, slice]:
        """Return where cells [first, first + n) fall in the matrix, and which of them do."""
        begin = max(first, self.first_cell)
        end = max(min(first + n, self.first_cell + self.shape[1]), begin)
        return (
            slice(begin - self.first_cell, end - self.first_cell),
            slice(begin - first, end - first),
        )


def read_minutes(
    chunks: sqlite3.Connection, sids: Ints, first_cell: int, n: int, *, spans: bool, growth: bool
) -> Cells:
    """Return minute cells; `spans` adds low, high and last, `growth` checks for resets."""
    cells = Cells(len(sids), first_cell, n)
    if growth:
        cells.plane(cell.FIRST)[:] = np.nan
    start_ms, end_ms = first_cell * cell.MINUTE_MS, (first_cell + n) * cell.MINUTE_MS
    for slot in store.slots_between(chunks, "minute", start_ms, end_ms):
        origin = slot * (store.RAW_SLOT_MS // cell.MINUTE_MS)
        groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
        rows = []
        for row in store.rows_of_slot(chunks, "minute", _MINUTE_COLUMNS, slot, sids):
            rows.append(row)
            groups[row[1:5]].append(row)
        if not rows:
            continue
        if growth:
            _note_growth(cells, sids, rows, origin)
        _note_ends(cells, sids, rows)
        for (first, length, power, width), members in groups.items():
            _place_minutes(cells, sids, members, origin + first, length, power, width, spans)
        if spans:
            _read_spans(chunks, cells, sids, rows, slot, origin)
    return cells


def _note_growth(cells: Cells, sids: Ints, rows: list[tuple[Any, ...]], origin: int) -> None:
    """Mark counters that fell, inside a row or since the row before: last values hide how much."""
    at = _positions(sids, rows)
    falls = np.fromiter((row[8] for row in rows), np.bool_, len(rows))
    begins = np.fromiter((row[9] for row in rows), np.float64, len(rows))
    follows = cells.last_ms[at] > _NEVER
    cells.unsure[at] |= falls | (follows & (begins < cells.last_value[at]))
    columns = np.fromiter((row[1] for row in rows), np.int64, len(rows)) + origin
    columns -= cells.first_cell
    inside = (columns >= 0) & (columns < cells.shape[1])
    cells.plane(cell.FIRST)[at[inside], columns[inside]] = begins[inside]


def _note_ends(cells: Cells, sids: Ints, rows: list[tuple[Any, ...]]) -> None:
    at = _positions(sids, rows)
    cells.last_ms[at] = np.fromiter((row[10] for row in rows), np.int64, len(rows))
    cells.last_value[at] = np.fromiter((row[11] for row in rows), np.float64, len(rows))


def _place_minutes(
    cells: Cells,
    sids: Ints,
    members: list[tuple[Any, ...]],
    first: int,
    n: int,
    power: int,
    width: int,
    spans: bool,
) -> None:
    target, part = cells.overlap(first, n)
    if target.start == target.stop:
        return
    at = _run(_positions(sids, members))
    counts = _counts(members, n)[:, part]
    bases = np.fromiter((row[5] for row in members), np.int64, len(members))
    sums = _values([row[13] for row in members], bases, n, power, width, part)
    cells.count[at, target] = counts
    if n > 1:
        sums = np.where(counts > 0, sums, 0.0) if (counts == 0).any() else sums
    cells.sum[at, target] = sums
    if spans:
        for which in (cell.LOW, cell.HIGH, cell.LAST):
            cells.plane(which)[at, target] = sums  # right where a cell has one sample


def _counts(members: list[tuple[Any, ...]], n: int) -> NDArray[Any]:
    constant = np.fromiter((row[6] for row in members), np.float64, len(members))
    counts = np.broadcast_to(constant[:, None], (len(members), n))
    varied = [i for i, row in enumerate(members) if row[6] == 0]
    if varied:
        counts = counts.copy()
        body = b"".join([cell.unpack_counts(members[i][12], n) for i in varied])
        counts[varied] = np.frombuffer(body, np.uint32).reshape(len(varied), n)
    return counts


def _values(
    bodies: list[bytes], bases: Ints, n: int, power: int, width: int, part: slice
) -> Floats:
    if width == 0:
        values = np.repeat(bases.astype(np.float64)[:, None], part.stop - part.start, axis=1)
    else:
        joined = np.frombuffer(
            b"".join(bodies), np.float64 if power == RAW_BITS else UNSIGNED[width]
        )
        narrow = joined.reshape(len(bodies), n)[:, part]
        if power == RAW_BITS:
            return narrow
        values = narrow + (bases[:, None] if width == 8 else bases.astype(np.float64)[:, None])
    if power == 0:
        return values.astype(np.float64, copy=False)
    return values / POWERS[power]


def _read_spans(
    chunks: sqlite3.Connection,
    cells: Cells,
    sids: Ints,
    minute_rows: list[tuple[Any, ...]],
    slot: int,
    origin: int,
) -> None:
    kinds = np.fromiter((row[7] for row in minute_rows), np.int64, len(minute_rows))
    at = _positions(sids, minute_rows)
    cells.unsure[at] |= kinds == cell.SPAN_IN_RAW
    wanted = sids[at[kinds == cell.SPAN_STORED]]
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for row in store.rows_of_slot(chunks, "span", _SPAN_COLUMNS, slot, wanted):
        groups[row[1:4] + row[5:8]].append(row)
    for (first, n, power, *widths), members in groups.items():
        target, part = cells.overlap(origin + first, n)
        if target.start < target.stop:
            _place_spans(cells, sids, members, n, power, widths, target, part)


def _place_spans(
    cells: Cells,
    sids: Ints,
    members: list[tuple[Any, ...]],
    n: int,
    power: int,
    widths: list[int],
    target: slice,
    part: slice,
) -> None:
    at = _run(_positions(sids, members))
    body = np.frombuffer(b"".join([row[8] for row in members]), np.uint8).reshape(len(members), -1)
    bases = np.fromiter((row[4] for row in members), np.int64, len(members))
    columns = []
    begin = 0
    for width in widths:
        if width == 0:
            columns.append(np.zeros((len(members), part.stop - part.start), np.int64))
            continue
        plain = np.ascontiguousarray(body[:, begin : begin + n * width])
        columns.append(plain.view(UNSIGNED[width])[:, part].astype(np.int64))
        begin += n * width
    low = columns[0] + bases[:, None]
    for which, above in ((cell.LOW, None), (cell.HIGH, columns[1]), (cell.LAST, columns[2])):
        integers = low if above is None else low + above
        cells.plane(which)[at, target] = integers / POWERS[power]


def read_hours(chunks: sqlite3.Connection, sids: Ints, first_cell: int, n: int) -> Cells:
    """Return hour cells with all planes."""
    cells = Cells(len(sids), first_cell, n, has_growth=True)
    start_ms, end_ms = first_cell * store.HOUR_MS, (first_cell + n) * store.HOUR_MS
    for slot in store.slots_between(chunks, "hour", start_ms, end_ms):
        rows = list(store.rows_of_slot(chunks, "hour", "last_ms, last_value, body", slot, sids))
        if not rows:
            continue
        at = _positions(sids, rows)
        cells.last_ms[at] = np.fromiter((row[1] for row in rows), np.int64, len(rows))
        cells.last_value[at] = np.fromiter((row[2] for row in rows), np.float64, len(rows))
        body = b"".join([cell.unpack_hours(row[3]) for row in rows])
        planes = np.frombuffer(body).reshape(len(rows), 7, cell.HOUR_CELLS)
        target, part = cells.overlap(slot * cell.HOUR_CELLS, cell.HOUR_CELLS)
        rows_at = _run(at)
        cells.count[rows_at, target] = planes[:, cell.COUNT, part]
        cells.sum[rows_at, target] = planes[:, cell.SUM, part]
        for which in (cell.LOW, cell.HIGH, cell.FIRST, cell.LAST, cell.GROWTH):
            cells.plane(which)[rows_at, target] = planes[:, which, part]
    expired = store.kept_from_ms(chunks) // store.HOUR_MS - first_cell
    cells.count[:, : max(expired, 0)] = 0.0
    return cells


def _positions(sids: Ints, rows: list[tuple[Any, ...]]) -> Ints:
    keys = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    return np.searchsorted(sids, keys & ((1 << 32) - 1))


def _run(positions: Ints) -> slice | Ints:
    """Return a slice when the positions are consecutive: numpy then copies block by block."""
    if int(positions[-1]) - int(positions[0]) + 1 == len(positions):
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions
