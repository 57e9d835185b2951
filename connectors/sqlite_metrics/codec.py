"""Timestamps and values of one series as bytes: lossless, and small for decimal gauges.

A value column is *decimal* when every value is an integer divided by a power of ten (0 to 10^9) and
is rebuilt exactly; its integers are stored as differences or offsets in the narrowest width, byte
planes together, under zstd. Any other column keeps its 64 bits, byte planes together, under zstd.
Timestamps are a start and a step when regular, else differences of differences, stored alike.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import cramjam
import numpy as np
from numpy.typing import NDArray

from connectors.errors import Unavailable

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

POWERS = tuple(10.0**e for e in range(10))
_EXACT = float(2**53)  # integers up to here are exact in a double
RAW_BITS = 255
_OFFSET, _DELTA, _SECOND_DELTA = 0, 1, 2
_HEADER = struct.Struct("<BBBBqqI")  # form, width, power of ten, stored plain, first, base, bytes
_CHECKED = struct.Struct("<II")  # CRC-32 of what follows, samples
UNSIGNED: dict[int, Any] = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


class Damaged(Unavailable):
    """Stored bytes are not what was written."""


def encode_samples(timestamps_ms: Ints, values: Floats, exact: tuple[Ints, int] | None) -> bytes:
    """Return the bytes of one chunk; `exact` is what `decimals` says of the values."""
    if exact is None:
        column = _pack(_OFFSET, 8, RAW_BITS, 0, 0, values.view(np.uint64))
    else:
        column = _encode_integers(*exact, (_OFFSET, _DELTA))
    stamps = _encode_integers(timestamps_ms, 0, (_SECOND_DELTA,))
    body = stamps + column
    return _CHECKED.pack(zlib.crc32(body), len(values)) + body


def decode_samples(body: bytes) -> tuple[Ints, Floats]:
    """Return the timestamps and values of one chunk, or raise `Damaged`."""
    crc, count = _CHECKED.unpack_from(body)
    if zlib.crc32(memoryview(body)[_CHECKED.size :]) != crc:
        raise Damaged("a stored chunk of samples is damaged: restore the folder from a copy")
    timestamps, _, position = _decode_column(body, _CHECKED.size, count)
    integers, power, _ = _decode_column(body, position, count)
    if power == RAW_BITS:
        return timestamps, integers.view(np.float64)
    if power == 0:
        return timestamps, integers.astype(np.float64)
    return timestamps, integers / POWERS[power]


def decimals(values: Floats) -> tuple[Ints, int] | None:
    """Return integers and the power of ten that divides them into the values, or None."""
    power = decimal_power(values)
    return None if power is None else (scaled(values, power), power)


def decimal_power(values: Floats) -> int | None:
    """Return the least power of ten that makes every value an exact integer, or None."""
    least = _least_power(values[:16], 0)
    return None if least is None else _least_power(values, least)


def scaled(values: Floats, power: int) -> Ints:
    """Return the integers of decimal values."""
    return np.rint(values * POWERS[power]).astype(np.int64)


def _least_power(values: Floats, start: int) -> int | None:
    largest = max(float(values.max()), -float(values.min()))
    for power in range(start, len(POWERS)):
        scale = POWERS[power]
        if largest * scale > _EXACT:
            return None
        if (np.rint(values * scale) / scale == values).all():
            return power
    return None


def _encode_integers(integers: Ints, power: int, forms: tuple[int, ...]) -> bytes:
    first = int(integers[0])
    steps = np.diff(integers)
    best: tuple[int, int, int, Ints] | None = None
    for form in forms:
        if form == _OFFSET:
            base, rest = int(integers.min()), integers
        elif form == _DELTA:
            base, rest = (int(steps.min()) if len(steps) else 0), steps
        else:
            base, rest = (int(steps[0]) if len(steps) else 0), _zigzag(np.diff(steps))
        rest = rest - base if form != _SECOND_DELTA else rest
        width = width_of(int(rest.max())) if len(rest) else 0
        if best is None or width < best[1]:
            best = (form, width, base, rest)
    assert best is not None
    form, width, base, rest = best
    return _pack(form, width, power, first, base, rest)


def _pack(form: int, width: int, power: int, first: int, base: int, rest: NDArray[Any]) -> bytes:
    if width == 0:
        return _HEADER.pack(form, 0, power, 1, first, base, 0)
    planes = rest.astype(UNSIGNED[width], copy=False)
    if width > 1:
        planes = np.ascontiguousarray(planes.view(np.uint8).reshape(-1, width).T)
    plain = planes.tobytes()
    packed = bytes(cramjam.zstd.compress(plain, 1))
    is_plain = len(packed) >= len(plain)
    body = plain if is_plain else packed
    return _HEADER.pack(form, width, power, is_plain, first, base, len(body)) + body


def _decode_column(body: bytes, position: int, count: int) -> tuple[Ints, int, int]:
    form, width, power, is_plain, first, base, size = _HEADER.unpack_from(body, position)
    position += _HEADER.size
    length = count - form
    rest = _unpack(body[position : position + size], width, bool(is_plain), max(length, 0))
    position += size
    if power == RAW_BITS or form == _OFFSET:
        integers = rest if base == 0 else rest + base
    else:
        integers = np.empty(count, np.int64)
        integers[0] = first
        if form == _SECOND_DELTA and count > 1:
            steps = np.empty(count - 1, np.int64)
            steps[0] = base
            steps[1:] = _unzigzag(rest)
            np.cumsum(steps, out=steps)
            integers[1:] = steps
        elif count > 1:
            integers[1:] = rest + base
        np.cumsum(integers, out=integers)
    return integers, power, position


def _unpack(body: bytes, width: int, is_plain: bool, length: int) -> Ints:
    if width == 0:
        return np.zeros(length, np.int64)
    plain = np.empty(length * width, np.uint8)
    if is_plain:
        plain[:] = np.frombuffer(body, np.uint8)
    else:
        cramjam.zstd.decompress_into(body, plain)  # type: ignore[arg-type]
    if width > 1:
        plain = np.ascontiguousarray(plain.reshape(width, -1).T)
    integers: Ints = plain.view(UNSIGNED[width]).reshape(-1).astype(np.int64)
    return integers


def _zigzag(values: Ints) -> Ints:
    return (values << 1) ^ (values >> 63)


def _unzigzag(values: Ints) -> Ints:
    return (values >> 1) ^ -(values & 1)


def width_of(largest: int) -> int:
    """Return the bytes an unsigned integer needs: 0, 1, 2, 4 or 8."""
    if largest == 0:
        return 0
    return next(w for w in (1, 2, 4, 8) if largest < 1 << (8 * w))
