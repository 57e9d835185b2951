"""Sketches as bytes and back: a JSON header and plain arrays, nothing that can run."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

import numpy as np

from engines.drift.category_sketch import CategorySketch
from engines.drift.pair import Floats
from engines.drift.quantile_sketch import QuantileSketch
from engines.drift.score_sums import ScoreGrid, ScoreSums
from engines.drift.sketch import TableSketch
from engines.errors import EngineError

MAGIC = b"ADS1"
DAMAGE = (
    zlib.error,
    struct.error,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    StopIteration,
    RecursionError,
)  # what a changed byte can make the parsers below raise
LARGEST = 256 * 2**20  # bytes after decompression; a larger claim is refused


def to_bytes(sketch: TableSketch) -> bytes:
    """Return the sketch as bytes (format version 1, zlib).

    Examples
    --------
    >>> from engines.drift.sketch import sketch_table
    >>> from_bytes(to_bytes(sketch_table({"x": np.arange(9.0)}))).numbers["x"].mean
    4.0
    """
    arrays: list[Floats] = []
    header: dict[str, Any] = {  # Any: JSON
        "rows": sketch.rows,
        "numbers": {},
        "categories": {
            name: [one.labels, dict(one.counts), one.other, one.error]
            for name, one in sketch.categories.items()
        },
    }
    for name, one in sketch.numbers.items():
        header["numbers"][name] = [one.points, one.error, one.mean, one.square]
        arrays += [one.values, one.at, one.before]
    if sketch.grid is not None:
        header["grid"] = list(sketch.grid.names)
        arrays += [sketch.grid.quantiles, sketch.grid.scores]
    if sketch.sums is not None:
        header["sums"] = True
        sums = sketch.sums
        arrays += [sums.rows, sums.total, sums.product, sums.square]
    packed = [_pack(array) for array in arrays]
    header["arrays"] = [
        [kind, list(array.shape)] for (kind, _), array in zip(packed, arrays, strict=True)
    ]
    head = json.dumps(header, separators=(",", ":")).encode()
    body = struct.pack("<I", len(head)) + head + b"".join(data for _, data in packed)
    return MAGIC + struct.pack("<Q", len(body)) + zlib.compress(body, 1)


def _pack(array: Floats) -> tuple[str, bytes]:
    """Return the array in the smallest type that holds it exactly."""
    whole = array.size and float(array.min()) >= 0 and bool((array == np.floor(array)).all())
    for kind in ("<u1", "<u2", "<u4"):
        if whole and float(array.max()) <= np.iinfo(kind).max:
            return kind, array.astype(kind).tobytes()
    return "<f8", array.astype("<f8").tobytes()


def from_bytes(data: bytes) -> TableSketch:
    """Return the sketch that ``to_bytes`` wrote.

    Raises
    ------
    EngineError
        When the bytes are not a sketch of version 1, or are cut short.
    """
    if data[:4] != MAGIC or len(data) < 12:
        raise EngineError(f"not a drift sketch: starts with {data[:4]!r}")
    (size,) = struct.unpack_from("<Q", data, 4)
    if size > LARGEST:
        raise EngineError(f"sketch claims {size} bytes, at most {LARGEST} are read")
    try:
        reader = zlib.decompressobj()
        body = reader.decompress(data[12:], size)
        (length,) = struct.unpack_from("<I", body)
        header = json.loads(body[4 : 4 + length])
        arrays = _unpack(header["arrays"], body, 4 + length)
        return _rebuild(header, arrays)
    except DAMAGE as error:
        raise EngineError(f"damaged drift sketch: {error}") from error


def _unpack(layout: list[Any], body: bytes, offset: int) -> list[Floats]:
    arrays = []
    for kind, shape in layout:
        count = int(np.prod(shape))
        raw = np.frombuffer(body, dtype=np.dtype(kind), count=count, offset=offset)
        offset += raw.nbytes
        arrays.append(raw.astype(np.float64).reshape(shape))
    return arrays


def _rebuild(header: dict[str, Any], arrays: list[Floats]) -> TableSketch:
    queue = iter(arrays)
    numbers = {
        name: QuantileSketch(
            int(points), next(queue), next(queue), next(queue), float(error), mean, square
        )
        for name, (points, error, mean, square) in header["numbers"].items()
    }
    categories = {
        name: CategorySketch(labels, counts, other, error)
        for name, (labels, counts, other, error) in header["categories"].items()
    }
    grid = sums = None
    if "grid" in header:
        grid = ScoreGrid(tuple(header["grid"]), next(queue), next(queue))
    if "sums" in header:
        sums = ScoreSums(next(queue), next(queue), next(queue), next(queue))
    return TableSketch(int(header["rows"]), numbers, categories, sums, grid)
