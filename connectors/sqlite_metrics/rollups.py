"""Rollup rows of many series read as matrices of series by cell, without a loop over cells."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.sqlite_metrics import cells as cell
from connectors.sqlite_metrics import chunks as store
from connectors.sqlite_metrics.codec import POWERS, RAW_BITS, UNSIGNED, Floats, Ints

_NEVER = -(2**62)


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
        rows = _Rows(
            store.rows_of_slot(chunks, "minute", "head, counts, sums", slot, sids),
            sids,
            cell.MINUTE_HEAD,
        )
        if growth:
            _note_growth(cells, rows, origin)
        cells.last_ms[rows.at] = rows.heads["last_ms"]
        cells.last_value[rows.at] = rows.heads["last_value"]
        for members in rows.alike("first", "n", "power", "width"):
            _place_minutes(cells, members, origin, spans)
        if spans:
            _read_spans(chunks, cells, sids, rows, slot, origin)
    return cells


class _Rows:
    """Rows of one table and slot: their heads as one array, and the series each belongs to."""

    def __init__(self, rows: list[tuple[Any, ...]], sids: Ints, head: np.dtype[Any]) -> None:
        self.rows = rows
        self.heads = np.frombuffer(b"".join([row[1] for row in self.rows]), head)
        self.at = _positions(sids, self.rows)

    def alike(self, *fields: str) -> Iterator[_Rows]:
        """Yield the rows in groups that agree in some fields, which can be decoded together."""
        form = np.zeros(len(self.rows), np.int64)
        for field in fields:
            form = (form << 16) | self.heads[field]
        for value in np.unique(form).tolist():
            chosen = np.flatnonzero(form == value)
            yield self if len(chosen) == len(form) else self.taken(chosen)

    def taken(self, chosen: Ints) -> _Rows:
        part = _Rows.__new__(_Rows)
        part.rows = [self.rows[i] for i in chosen.tolist()]
        part.heads = self.heads[chosen]
        part.at = self.at[chosen]
        return part

    def shared(self, field: str) -> int:
        """Return the value of a field in which the rows agree."""
        return int(self.heads[field][0])

    def joined(self, column: int) -> bytes:
        return b"".join([row[column] for row in self.rows])


def _note_growth(cells: Cells, rows: _Rows, origin: int) -> None:
    """Mark counters that fell, inside a row or since the row before: last values hide how much."""
    at, begins = rows.at, rows.heads["first_value"]
    follows = cells.last_ms[at] > _NEVER
    cells.unsure[at] |= (rows.heads["falls"] > 0) | (follows & (begins < cells.last_value[at]))
    columns = rows.heads["first"].astype(np.int64) + origin - cells.first_cell
    inside = (columns >= 0) & (columns < cells.shape[1])
    cells.plane(cell.FIRST)[at[inside], columns[inside]] = begins[inside]


def _place_minutes(cells: Cells, rows: _Rows, origin: int, spans: bool) -> None:
    n = rows.shared("n")
    target, part = cells.overlap(origin + rows.shared("first"), n)
    if target.start == target.stop:
        return
    at = _run(rows.at)
    counts = _counts(rows, n)
    sums = _values(rows, n, part)
    if counts.ndim == 2:
        counts = counts[:, part]
        sums = np.where(counts > 0, sums, 0.0)
    cells.count[at, target] = counts if counts.ndim == 2 else counts[:, None]
    cells.sum[at, target] = sums
    if spans:
        for which in (cell.LOW, cell.HIGH, cell.LAST):
            cells.plane(which)[at, target] = sums  # right where a cell has one sample


def _counts(rows: _Rows, n: int) -> NDArray[Any]:
    """Return the samples per row when all its cells have as many, else per row and cell."""
    constant = rows.heads["per_cell"]
    varied = np.flatnonzero(constant == 0)
    if not len(varied):
        return constant
    counts = np.repeat(constant[:, None], n, axis=1)
    body = b"".join([cell.unpack_counts(rows.rows[i][2], n) for i in varied.tolist()])
    counts[varied] = np.frombuffer(body, np.uint32).reshape(len(varied), n)
    return counts


def _values(rows: _Rows, n: int, part: slice) -> Floats:
    power, width, bases = rows.shared("power"), rows.shared("width"), rows.heads["base"][:, None]
    if width == 0:
        values = np.repeat(bases.astype(np.float64), part.stop - part.start, axis=1)
    else:
        kind = np.float64 if power == RAW_BITS else UNSIGNED[width]
        narrow = np.frombuffer(rows.joined(3), kind).reshape(-1, n)[:, part]
        if power == RAW_BITS:
            return narrow
        # Exact up to 2^53; beyond, rounded as any sum of doubles is.
        values = narrow + bases.astype(np.float64)
    return values if power == 0 else np.divide(values, POWERS[power], out=values)


def _read_spans(
    chunks: sqlite3.Connection, cells: Cells, sids: Ints, minutes: _Rows, slot: int, origin: int
) -> None:
    kinds = minutes.heads["span"]
    cells.unsure[minutes.at] |= kinds == cell.SPAN_IN_RAW
    wanted = sids[minutes.at[kinds == cell.SPAN_STORED]]
    found = store.rows_of_slot(chunks, "span", "head, body", slot, wanted)
    rows = _Rows(found, sids, cell.SPAN_HEAD)
    widths = ("low_width", "high_width", "last_width")
    for form in rows.alike("first", "n", "power"):
        for members in form.alike(*widths):
            target, part = cells.overlap(origin + members.shared("first"), members.shared("n"))
            if target.start < target.stop:
                _place_spans(cells, members, [members.shared(w) for w in widths], target, part)


def _place_spans(cells: Cells, rows: _Rows, widths: list[int], target: slice, part: slice) -> None:
    n, power = rows.shared("n"), rows.shared("power")
    at = _run(rows.at)
    body = np.frombuffer(rows.joined(2), np.uint8).reshape(len(rows.rows), -1)
    columns: list[Floats | float] = []
    begin = 0
    for width in widths:
        plain = np.ascontiguousarray(body[:, begin : begin + n * width])
        columns.append(plain.view(UNSIGNED[width])[:, part].astype(np.float64) if width else 0.0)
        begin += n * width
    bases = rows.heads["base"][:, None].astype(np.float64)
    low = bases + columns[0]
    for which, above in ((cell.LOW, 0.0), (cell.HIGH, columns[1]), (cell.LAST, columns[2])):
        cells.plane(which)[at, target] = (low + above) / POWERS[power]


def read_hours(chunks: sqlite3.Connection, sids: Ints, first_cell: int, n: int) -> Cells:
    """Return hour cells with all planes."""
    cells = Cells(len(sids), first_cell, n, has_growth=True)
    start_ms, end_ms = first_cell * store.HOUR_MS, (first_cell + n) * store.HOUR_MS
    for slot in store.slots_between(chunks, "hour", start_ms, end_ms):
        rows = store.rows_of_slot(chunks, "hour", "last_ms, last_value, body", slot, sids)
        if not rows:
            continue
        at = _positions(sids, rows)
        cells.last_ms[at] = np.fromiter(map(itemgetter(1), rows), np.int64, len(rows))
        cells.last_value[at] = np.fromiter(map(itemgetter(2), rows), np.float64, len(rows))
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
    keys = np.fromiter(map(itemgetter(0), rows), np.int64, len(rows))
    return np.searchsorted(sids, keys & ((1 << 32) - 1))


def _run(positions: Ints) -> slice | Ints:
    """Return a slice when the positions are consecutive: numpy then copies block by block."""
    if int(positions[-1]) - int(positions[0]) + 1 == len(positions):
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions
