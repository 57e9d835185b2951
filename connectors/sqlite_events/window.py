"""Columns of a window of inferences as numpy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from connectors.sqlite_events import blocks, columns
from connectors.sqlite_events.catalog import Catalog, streams_of
from connectors.sqlite_events.chunks import Chunk, ChunkReader, Slice, chunks_between
from connectors.sqlite_events.database import Database

NEVER_NUMBERS = frozenset(
    {"context", "currency", "embedding", "error", "logprobs", "output", "prompt", "region",
     "samples", "tags", "trace_id", "user_segment"}
)  # fmt: skip
"""Fields that stay objects (None for missing) when no row of the window has a value."""


def inference_columns(
    database: Database,
    catalog: Catalog,
    tenant: str,
    model_id: str,
    window: tuple[int, int],
    names: Sequence[str] | None,
    version: str | None,
    limit: int | None,
) -> InferenceColumns:
    """The newest `limit` rows of the window, oldest first, without per-row work for numbers."""
    limit = None if limit is None else max(limit, 0)
    with database.read() as connection:
        streams = streams_of(connection, tenant, model_id, version)
        reader = ChunkReader(connection, catalog)
        pieces = _pieces(reader, chunks_between(connection, streams, *window), window, limit)
        times_ms = _joined([piece.times_ms for piece in pieces], np.int64)
        order = _order(times_ms, limit)
        wanted = _all_names(reader, pieces) if names is None else list(dict.fromkeys(names))
        found = {}
        for name in wanted:
            values = _tidy(_column(reader, pieces, name)[order])
            if names is None and _is_blank(values):
                continue
            if name in NEVER_NUMBERS and values.dtype != object:
                values = np.full(len(values), None, object)
            found[name] = values
        ids = _column(reader, pieces, columns.ID)[order]
        versions = [
            np.full(len(piece), reader.stream(piece.chunk.stream)[1], object) for piece in pieces
        ]
    return InferenceColumns(ids, times_ms[order], _joined(versions, object)[order], found)


def _pieces(
    reader: ChunkReader, chunks: Sequence[Chunk], window: tuple[int, int], limit: int | None
) -> list[Slice]:
    """Slices of the chunks, newest first, until no other chunk can hold one of `limit` rows."""
    pieces: list[Slice] = []
    times: list[NDArray[np.int64]] = []
    rows = 0
    for chunk in chunks:
        if limit is not None and rows >= limit and _is_full(times, limit, chunk.max_ms):
            break
        piece = reader.slice(chunk, *window)
        if len(piece):
            pieces.append(piece)
            times.append(piece.times_ms)
            rows += len(piece)
    pieces.sort(key=lambda piece: piece.chunk.min_ms)
    return pieces


def _order(times_ms: NDArray[np.int64], limit: int | None) -> NDArray[np.intp] | slice:
    """Which rows to take, oldest first; a plain slice where they already lie so."""
    skipped = 0 if limit is None else max(len(times_ms) - limit, 0)
    if np.all(times_ms[1:] >= times_ms[:-1]):
        return slice(skipped, None)
    return np.argsort(times_ms, kind="stable")[skipped:]


def _is_full(times_ms: Sequence[NDArray[np.int64]], limit: int, rest_ms: int) -> bool:
    """Whether `limit` rows are newer than `rest_ms`."""
    if limit == 0:
        return True
    newest = np.concatenate(times_ms)
    return bool(np.partition(newest, len(newest) - limit)[-limit] > rest_ms)


def _all_names(reader: ChunkReader, pieces: Sequence[Slice]) -> list[str]:
    names = set(reader.names(piece.chunk.id for piece in pieces))
    if "label" in names or any(reader.has_labels(piece.chunk.part) for piece in pieces):
        names |= {"label", "label_timestamp_ms"}
    return sorted(
        name for name in names if not columns.is_hidden(name) and name not in columns.LONG
    )


def _column(reader: ChunkReader, pieces: Sequence[Slice], name: str) -> NDArray[Any]:
    arrays = [reader.array(piece, name) for piece in pieces]
    if all(array is None or array.dtype == np.float64 for array in arrays):
        filled = [
            np.full(len(piece), np.nan) if array is None else array
            for piece, array in zip(pieces, arrays, strict=True)
        ]
        return _joined(filled, np.float64)
    return _joined(
        [_objects(reader, p, a, name) for p, a in zip(pieces, arrays, strict=True)], object
    )


def _objects(
    reader: ChunkReader, piece: Slice, array: NDArray[Any] | None, name: str
) -> NDArray[np.object_]:
    if array is None:
        return np.full(len(piece), None, object)
    if array.dtype == object:
        return array
    exact = reader.values(piece, name)
    assert exact is not None
    return exact


def _tidy(values: NDArray[Any]) -> NDArray[Any]:
    """Objects become numbers when the rows left in the window are all numbers."""
    if values.dtype != object:
        return values
    if len(values) and type(values[0]) in (str, dict, list):
        return values
    return blocks.numeric(values)


def _is_blank(values: NDArray[Any]) -> bool:
    return values.dtype == np.float64 and bool(np.isnan(values).all())


def _joined(arrays: Sequence[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.empty(0, dtype)
