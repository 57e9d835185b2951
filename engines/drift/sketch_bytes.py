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
from engines.drift.sketch import TableSketch, grid_key
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
UPPER = "upper"  # how the two symmetric sums are kept; older bytes say true and hold all of them
DIGITS = (0, 2, 4, 6)  # decimal places tried: measurements seldom have more
INTEGERS = ("<u1", "<u2", "<i2", "<u4", "<i4")
LARGEST = 256 * 2**20  # bytes after decompression; a larger claim is refused


def to_bytes(sketch: TableSketch, *, with_grid: bool = True) -> bytes:
    """Return the sketch as bytes (format version 1, zlib).

    Parameters
    ----------
    sketch : TableSketch
        What to keep.
    with_grid : bool
        False leaves the score grid out and keeps its checksum: where many sketches share one grid,
        the grid is kept once and handed to ``from_bytes``.

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
    if sketch.grid is not None and with_grid:
        header["grid"] = list(sketch.grid.names)
        arrays += [sketch.grid.quantiles, sketch.grid.scores]
    elif sketch.grid is not None:
        header["grid_key"] = grid_key(sketch.grid)
    if sketch.sums is not None:
        header["sums"] = UPPER
        sums = sketch.sums
        upper = np.triu_indices(len(sums.rows))
        arrays += [sums.rows, sums.total, sums.product[upper], sums.square[upper]]
    packed = [_pack(array) for array in arrays]
    header["arrays"] = [
        [kind, list(array.shape), *([digits] if digits else [])]
        for (kind, digits, _), array in zip(packed, arrays, strict=True)
    ]
    head = json.dumps(header, separators=(",", ":")).encode()
    body = struct.pack("<I", len(head)) + head + b"".join(data for _, _, data in packed)
    return MAGIC + struct.pack("<Q", len(body)) + zlib.compress(body, 1)


def _pack(array: Floats) -> tuple[str, int, bytes]:
    """Return type, decimal digits and bytes: the smallest form that gives back the very array."""
    if array.size:
        for digits in DIGITS:
            scale = 10.0**digits
            if not _is_decimal(array.flat[0], scale):  # most arrays show on their first number
                continue
            whole = np.rint(array * scale)
            if not (whole / scale == array).all():
                continue
            low, high = float(whole.min()), float(whole.max())
            for kind in INTEGERS:
                limits = np.iinfo(kind)
                if limits.min <= low and high <= limits.max:
                    return kind, digits, whole.astype(kind).tobytes()
    return "<f8", 0, array.astype("<f8").tobytes()


def _is_decimal(value: float, scale: float) -> bool:
    return bool(np.rint(value * scale) / scale == value)


def from_bytes(data: bytes, *, grid: ScoreGrid | None = None) -> TableSketch:
    """Return the sketch that ``to_bytes`` wrote.

    Parameters
    ----------
    data : bytes
        What was kept.
    grid : ScoreGrid, optional
        The grid of sketches that were kept without theirs. Sums over another grid are left out.

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
        return _rebuild(header, arrays, grid)
    except DAMAGE as error:
        raise EngineError(f"damaged drift sketch: {error}") from error


def _unpack(layout: list[Any], body: bytes, offset: int) -> list[Floats]:
    arrays = []
    for kind, shape, *digits in layout:
        count = int(np.prod(shape))
        raw = np.frombuffer(body, dtype=np.dtype(kind), count=count, offset=offset)
        offset += raw.nbytes
        array = raw.astype(np.float64).reshape(shape)
        arrays.append(array / 10.0 ** int(digits[0]) if digits else array)
    return arrays


def _rebuild(header: dict[str, Any], arrays: list[Floats], known: ScoreGrid | None) -> TableSketch:
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
    elif "grid_key" in header and grid_key(known) == header["grid_key"]:
        grid = known
    if "sums" in header and ("grid_key" not in header or grid is not None):
        rows, total = next(queue), next(queue)
        read = _mirror if header["sums"] == UPPER else _whole
        sums = ScoreSums(rows, total, read(next(queue), rows), read(next(queue), rows))
    return TableSketch(int(header["rows"]), numbers, categories, sums, grid)


def _whole(matrix: Floats, rows: Floats) -> Floats:
    return matrix


def _mirror(upper: Floats, like: Floats) -> Floats:
    """Return the symmetric matrix of which `upper` holds one half."""
    matrix = np.zeros(like.shape)
    matrix[np.triu_indices(len(like))] = upper
    return matrix + np.triu(matrix, 1).T
