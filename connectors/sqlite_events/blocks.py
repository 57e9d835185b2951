"""One column of a chunk as bytes: types are kept, numbers become arrays without per-row work.

A block is two bytes (encoding, compression) and a payload. Encodings::

    i  int64, none missing              n  integers with gaps, as float64
    f  float64, NaN = missing           b  booleans, uint8, 2 = missing
    d  distinct values + codes          j  any JSON values (msgpack)
    v  equally long vectors of float64
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cramjam
import numpy as np
from numpy.typing import NDArray

from connectors.sqlite_events.packing import pack, unpack

_NONE = type(None)
_NUMERIC = {int, float, bool, _NONE}
_EXACT_INTEGER = 2**53  # beyond it float64 no longer holds every integer
_WORTH_COMPRESSING = 256  # bytes
_LONG_TEXT = 64  # mean bytes per value


def encode(values: Sequence[Any], *, dense: bool = False) -> bytes | None:
    """The block of a column, or None when all are missing; `dense` packs long texts tightly."""
    types = set(map(type, values))
    gaps = _NONE in types
    types.discard(_NONE)
    if not types:
        return None
    if types == {float}:
        return _seal(b"f", np.array(values, np.float64).tobytes())
    if types == {int}:
        sealed = _encode_integers(values, gaps)
        if sealed is not None:
            return sealed
    if types == {bool}:
        codes = [2 if value is None else value for value in values]
        return _seal(b"b", np.array(codes, np.uint8).tobytes())
    if types == {list}:
        return _encode_vectors(values) or _encode_any(values, dense)
    if types == {str}:
        return _encode_distinct(values, values) or _encode_any(values, dense)
    if types == {dict}:
        keys = [pack(value) for value in values]
        return _encode_distinct(values, keys) or _encode_any(values, dense)
    return _encode_any(values, dense)


def encode_integers(values: NDArray[np.int64]) -> bytes:
    """The block of an integer column without gaps."""
    return _seal(b"i", values.astype(np.int64).tobytes())


def _encode_integers(values: Sequence[Any], gaps: bool) -> bytes | None:
    present = [value for value in values if value is not None] if gaps else values
    low, high = min(present), max(present)
    if low < -_EXACT_INTEGER or high > _EXACT_INTEGER:
        return None
    if gaps:
        return _seal(b"n", np.array(values, np.float64).tobytes())
    return _seal(b"i", np.array(values, np.int64).tobytes())


def _encode_distinct(values: Sequence[Any], keys: Sequence[Any]) -> bytes | None:
    """Distinct values and codes, where values repeat enough to pay."""
    positions: dict[Any, int] = {}
    codes = [positions.setdefault(key, len(positions)) for key in keys]
    if len(positions) > max(1, len(values) // 2):
        return None
    firsts: list[Any] = [None] * len(positions)
    for code, value in zip(codes, values, strict=True):
        firsts[code] = value
    width = np.dtype(np.uint8 if len(firsts) <= 256 else np.uint32)
    head = pack(firsts)
    body = np.array(codes, width).tobytes()
    mark = bytes([width.itemsize]) + len(head).to_bytes(4, "little")
    return _seal(b"d", mark + head + body)


def _encode_vectors(values: Sequence[Any]) -> bytes | None:
    present = [value for value in values if value is not None]
    width = len(present[0])
    if width == 0 or any(len(value) != width for value in present):
        return None
    if any(set(map(type, value)) != {float} for value in present):
        return None
    here = np.array([value is not None for value in values], np.uint8)
    body = np.array(present, np.float64).tobytes()
    return _seal(b"v", width.to_bytes(4, "little") + here.tobytes() + body)


def _encode_any(values: Sequence[Any], dense: bool) -> bytes:
    payload = pack(list(values))
    # zstd halves a text but takes seven times the CPU of lz4 to open: for what is read seldom.
    return _seal(b"j", payload, tight=dense and len(payload) > _LONG_TEXT * len(values))


def _seal(encoding: bytes, payload: bytes, *, tight: bool = False) -> bytes:
    if len(payload) >= _WORTH_COMPRESSING:
        if tight:
            small, mark = bytes(cramjam.zstd.compress(payload, 3)), b"z"
        else:
            small, mark = bytes(cramjam.lz4.compress_block(payload)), b"l"
        if len(small) < 0.9 * len(payload):
            return encoding + mark + small
    return encoding + b"-" + payload


def _open(block: bytes) -> tuple[bytes, Any]:
    encoding, mark, payload = block[:1], block[1:2], memoryview(block)[2:]
    if mark == b"z":
        return encoding, memoryview(cramjam.zstd.decompress(payload))
    if mark == b"l":
        return encoding, memoryview(cramjam.lz4.decompress_block(payload))
    return encoding, payload


def integers(block: bytes) -> NDArray[np.int64]:
    """The array of a block written by `encode_integers`."""
    return np.frombuffer(_open(block)[1], np.int64)


def column(block: bytes, n: int) -> NDArray[Any]:
    """float64 (NaN = missing) where every value is a number, otherwise objects (None = missing)."""
    encoding, payload = _open(block)
    if encoding in (b"f", b"n"):
        return np.frombuffer(payload, np.float64)
    if encoding == b"i":
        return np.frombuffer(payload, np.int64).astype(np.float64)
    if encoding == b"b":
        codes = np.frombuffer(payload, np.uint8)
        return np.where(codes == 2, np.nan, codes.astype(np.float64))
    found = _objects(encoding, payload, n)
    return numeric(found) if encoding == b"j" else found


def exact(block: bytes, n: int) -> NDArray[np.object_]:
    """The values as they were given, None where missing."""
    encoding, payload = _open(block)
    if encoding == b"i":
        return np.frombuffer(payload, np.int64).astype(object)
    if encoding == b"f":
        numbers = np.frombuffer(payload, np.float64)
        found = numbers.astype(object)
        found[np.isnan(numbers)] = None
        return found
    if encoding == b"n":
        numbers = np.frombuffer(payload, np.float64)
        gaps = np.isnan(numbers)
        found = np.where(gaps, 0, numbers).astype(np.int64).astype(object)
        found[gaps] = None
        return found
    if encoding == b"b":
        return np.array([False, True, None], object)[np.frombuffer(payload, np.uint8)]
    return _objects(encoding, payload, n)


def numeric(values: NDArray[np.object_]) -> NDArray[Any]:
    """The same values as float64 when all of them are numbers or missing."""
    if set(map(type, values)) <= _NUMERIC:
        return np.array(values, np.float64)
    return values


def _objects(encoding: bytes, payload: Any, n: int) -> NDArray[np.object_]:
    if encoding == b"d":
        width, size = payload[0], int.from_bytes(payload[1:5], "little")
        firsts = as_objects(unpack(payload[5 : 5 + size]))
        kind = np.uint8 if width == 1 else np.uint32
        found: NDArray[np.object_] = firsts[np.frombuffer(payload[5 + size :], kind)]
        return found
    if encoding == b"j":
        return as_objects(unpack(payload))
    width = int.from_bytes(payload[:4], "little")
    here = np.frombuffer(payload[4 : 4 + n], np.uint8).astype(bool)
    vectors = np.frombuffer(payload[4 + n :], np.float64).reshape(-1, width).tolist()
    rows = np.full(n, None, object)
    rows[here] = as_objects(vectors)
    return rows


def present(values: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which values are not None."""
    return np.fromiter((value is not None for value in values), bool, len(values))


def as_objects(values: Sequence[Any]) -> NDArray[np.object_]:
    """An object array of the values; nested lists stay values, not axes."""
    return np.fromiter(values, object, len(values))
