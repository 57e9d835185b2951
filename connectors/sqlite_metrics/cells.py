"""Rollup cells: what a chunk's samples say per minute and per hour, and how the rows are written.

Minute cells stand in fixed-width integers, uncompressed, so that a query decodes the rows of a
thousand series in one numpy call. Sums of decimals are sums of their integers: exact.
"""

from __future__ import annotations

import struct
from typing import Any

import cramjam
import numpy as np
from numpy.typing import NDArray

from connectors.sqlite_metrics.chunks import HOUR_MS, HOUR_SLOT_MS, RAW_SLOT_MS, slot_of
from connectors.sqlite_metrics.codec import RAW_BITS, UNSIGNED, Floats, Ints, width_of

MINUTE_MS = 60_000
HOUR_CELLS = HOUR_SLOT_MS // HOUR_MS
_HOURS_PER_SLOT = RAW_SLOT_MS // HOUR_MS
_SUM_LIMIT = 2**62

SPAN_IS_SUM, SPAN_STORED, SPAN_IN_RAW = 0, 1, 2
"""Where minima, maxima and last values of a minute row are: cells of one sample need no more than
the sum; values that are no decimals are too long to keep three times, and are read from `raw`."""

COUNT, SUM, LOW, HIGH, FIRST, LAST, GROWTH = range(7)
"""The planes of an hour row. Growth is between samples of the cell and survives resets."""


MINUTE_HEAD = np.dtype(
    [
        ("first", "<u2"),  # cell of the slot
        ("n", "<u2"),
        ("power", "u1"),
        ("width", "u1"),
        ("span", "u1"),
        ("falls", "u1"),
        ("per_cell", "<u4"),  # samples in every cell, or 0 when `counts` says how many
        ("base", "<i8"),
        ("first_value", "<f8"),
        ("last_ms", "<i8"),
        ("last_value", "<f8"),
    ]
)
_PACK_MINUTE = struct.Struct("<HHBBBBIqdqd").pack
SPAN_HEAD = np.dtype(
    [
        ("first", "<u2"),
        ("n", "<u2"),
        ("power", "u1"),
        ("low_width", "u1"),
        ("high_width", "u1"),
        ("last_width", "u1"),
        ("base", "<i8"),
    ]
)
_PACK_SPAN = struct.Struct("<HHBBBBq").pack


def minute_rows(
    key: int, stamps: Ints, values: Floats, exact: tuple[Ints, int] | None
) -> tuple[tuple[Any, ...], tuple[Any, ...] | None]:
    """Return the `minute` row and the `span` row, if one is needed, of a chunk."""
    cells = (stamps - slot_of(key) * RAW_SLOT_MS) // MINUTE_MS
    starts = _starts(cells)
    filled = cells[starts] - cells[0]
    counts = np.diff(np.append(starts, len(cells)))
    first, n = int(cells[0]), int(filled[-1]) + 1
    most = int(counts.max())
    integers, power = exact if exact is not None else (None, RAW_BITS)
    if integers is not None and int(np.abs(integers).max()) > _SUM_LIMIT // most:
        integers, power = None, RAW_BITS
    if integers is None:
        width, base, sums = 8, 0, _dense(n, filled, np.add.reduceat(values, starts)).tobytes()
    else:
        width, base, sums = _narrowed(n, filled, np.add.reduceat(integers, starts))
    span = SPAN_IS_SUM if most == 1 else SPAN_IN_RAW if integers is None else SPAN_STORED
    is_even = n == len(counts) and int(counts.min()) == most
    dense_counts = b"" if is_even else _squeezed(_dense(n, filled, counts.astype(np.uint32)))
    falls = bool((values[1:] < values[:-1]).any())
    per_cell = most if is_even else 0
    ends = (float(values[0]), int(stamps[-1]), float(values[-1]))
    head = _PACK_MINUTE(first, n, power, width, span, falls, per_cell, base, *ends)
    row = (key, head, dense_counts, sums)
    if integers is None or span != SPAN_STORED:
        return row, None
    base, widths, body = _span_body(integers, starts, n, filled)
    return row, (key, _PACK_SPAN(first, n, power, *widths, base), body)


def _span_body(integers: Ints, starts: Ints, n: int, filled: Ints) -> tuple[int, list[int], bytes]:
    low = np.minimum.reduceat(integers, starts)
    high = np.maximum.reduceat(integers, starts) - low
    last = integers[np.append(starts[1:], len(integers)) - 1] - low
    low_width, base, low_body = _narrowed(n, filled, low)
    parts = [low_body]
    widths = [low_width]
    for above in (high, last):
        width = width_of(int(above.max()))
        widths.append(width)
        parts.append(_dense(n, filled, above.astype(UNSIGNED[width])).tobytes() if width else b"")
    return base, widths, b"".join(parts)


def hour_planes(key: int, stamps: Ints, values: Floats) -> NDArray[np.float64]:
    """Return planes by hour of a chunk, its eight hours in order; a count of 0 means no sample."""
    hours = (stamps - slot_of(key) * RAW_SLOT_MS) // HOUR_MS
    starts = _starts(hours)
    ends = np.append(starts[1:], len(hours))
    planes = np.zeros((7, _HOURS_PER_SLOT))
    steps = np.zeros(len(values))
    np.subtract(values[1:], values[:-1], out=steps[1:])
    np.copyto(steps, values, where=steps < 0)
    steps[starts] = 0.0
    columns = (
        ends - starts,
        np.add.reduceat(values, starts),
        np.minimum.reduceat(values, starts),
        np.maximum.reduceat(values, starts),
        values[starts],
        values[ends - 1],
        np.add.reduceat(steps, starts),
    )
    planes[:, hours[starts]] = np.stack(columns)
    return planes


def hour_key(key: int) -> tuple[int, int]:
    """Return the slot of the hour row that takes a chunk, and the first cell the chunk fills."""
    slot, part = divmod(slot_of(key), HOUR_SLOT_MS // RAW_SLOT_MS)
    return slot, part * _HOURS_PER_SLOT


def pack_hours(planes: NDArray[np.float64]) -> bytes:
    return bytes(cramjam.lz4.compress_block(planes.tobytes(), store_size=False))


def unpack_hours(body: bytes) -> bytes:
    return bytes(cramjam.lz4.decompress_block(body, output_len=7 * HOUR_CELLS * 8))


def unpack_counts(body: bytes, n: int) -> bytes:
    return bytes(cramjam.lz4.decompress_block(body, output_len=4 * n))


def _squeezed(counts: NDArray[np.uint32]) -> bytes:
    return bytes(cramjam.lz4.compress_block(counts.tobytes(), store_size=False))


def _starts(cells: Ints) -> Ints:
    return np.concatenate(([0], np.flatnonzero(cells[1:] != cells[:-1]) + 1))


def _dense(n: int, filled: Ints, column: NDArray[Any]) -> NDArray[Any]:
    if n == len(filled):
        return column
    dense = np.zeros(n, column.dtype)
    dense[filled] = column
    return dense


def _narrowed(n: int, filled: Ints, column: Ints) -> tuple[int, int, bytes]:
    """Return the width, the base and the bytes of a column as offsets from its least value."""
    base = int(column.min())
    offsets = column - base
    width = width_of(int(offsets.max()))
    body = _dense(n, filled, offsets.astype(UNSIGNED[width])).tobytes() if width else b""
    return width, base, body
