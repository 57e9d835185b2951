"""Reading chunks: which ones a window needs, and their columns as arrays or exact values."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.sqlite_events import blocks, columns, labels
from connectors.sqlite_events.catalog import (
    COLUMN_BITS,
    DAY_BITS,
    DAY_MS,
    POSITION_BITS,
    Catalog,
    Stream,
)
from connectors.telemetry import Inference

_FIELDS = "id, part, rows, min_ms, max_ms, min_seq, max_seq"


class Chunk(msgspec.Struct, frozen=True):
    """Where a run of rows of one stream and day is stored."""

    id: int
    part: int
    rows: int
    min_ms: int
    max_ms: int
    min_seq: int
    max_seq: int

    @property
    def stream(self) -> int:
        return self.part >> DAY_BITS


class Slice(msgspec.Struct, frozen=True):
    """Rows of a chunk that a window asks for; `rows` None means all of them."""

    chunk: Chunk
    rows: NDArray[np.intp] | None
    times_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.times_ms)


def chunks_between(
    connection: sqlite3.Connection, streams: Sequence[Stream], start_ms: int, end_ms: int
) -> list[Chunk]:
    """Chunks that may hold rows in [start, end), the newest first."""
    first = max(start_ms, 0) // DAY_MS
    last = min(max(end_ms - 1, 0) // DAY_MS, (1 << DAY_BITS) - 1)
    found = [
        Chunk(*row)
        for stream in streams
        for row in connection.execute(
            f"SELECT {_FIELDS} FROM chunk"
            " WHERE part BETWEEN ? AND ? AND max_ms >= ? AND min_ms < ?",
            (stream.id << DAY_BITS | first, stream.id << DAY_BITS | last, start_ms, end_ms),
        )
    ]
    found.sort(key=lambda chunk: chunk.max_ms, reverse=True)
    return found


def chunk_with(connection: sqlite3.Connection, part: int, seq: int) -> tuple[Chunk, int] | None:
    """The chunk that holds a row, and the row's position in it."""
    found = connection.execute(
        f"SELECT {_FIELDS} FROM chunk WHERE part = ? AND min_seq <= ? AND max_seq >= ?",
        (part, seq, seq),
    ).fetchall()
    for row in found:
        chunk = Chunk(*row)
        positions = np.flatnonzero(sequence(connection, chunk) == seq)
        if len(positions):
            return chunk, int(positions[0])
    return None


def block(connection: sqlite3.Connection, chunk: int, column: int | None) -> bytes | None:
    """A stored block; None when the chunk has no value in that column."""
    if column is None:
        return None
    row = connection.execute(
        "SELECT data FROM block WHERE id = ?", (chunk << COLUMN_BITS | column,)
    ).fetchone()
    return None if row is None else row[0]


def sequence(connection: sqlite3.Connection, chunk: Chunk) -> NDArray[np.int64]:
    """The arrival numbers of a chunk's rows."""
    if chunk.max_seq - chunk.min_seq == chunk.rows - 1 and (
        chunk.min_seq >> POSITION_BITS == chunk.id
    ):
        return np.arange(chunk.min_seq, chunk.max_seq + 1, dtype=np.int64)
    (column,) = connection.execute(
        "SELECT id FROM column_name WHERE name = ?", (columns.SEQ,)
    ).fetchone()
    data = block(connection, chunk.id, column)
    assert data is not None
    return blocks.integers(data)


def columns_in(connection: sqlite3.Connection, chunk_ids: Iterable[int]) -> set[int]:
    """Columns for which any of the chunks has values."""
    mask = (1 << COLUMN_BITS) - 1
    found: set[int] = set()
    for chunk in chunk_ids:
        rows = connection.execute(
            "SELECT id FROM block WHERE id BETWEEN ? AND ?",
            (chunk << COLUMN_BITS, (chunk + 1 << COLUMN_BITS) - 1),
        )
        found.update(row[0] & mask for row in rows)
    return found


class ChunkReader:
    """Reads columns of chunks inside one snapshot, late labels joined."""

    def __init__(self, connection: sqlite3.Connection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog
        self._overlays: dict[int, labels.Overlay | None] = {}
        self._matches: dict[int, tuple[Slice, NDArray[np.intp], NDArray[np.intp]]] = {}
        self._streams: dict[int, tuple[str, str]] = {}

    def slice(self, chunk: Chunk, start_ms: int, end_ms: int) -> Slice:
        """The chunk's rows in [start, end)."""
        data = self._block(chunk, columns.TIME)
        assert data is not None
        times_ms = blocks.integers(data)
        if start_ms <= chunk.min_ms and chunk.max_ms < end_ms:
            return Slice(chunk, None, times_ms)
        rows = np.flatnonzero((times_ms >= start_ms) & (times_ms < end_ms))
        return Slice(chunk, rows, times_ms[rows])

    def seqs(self, piece: Slice) -> NDArray[np.int64]:
        """Arrival numbers of the rows."""
        found = sequence(self._connection, piece.chunk)
        return found if piece.rows is None else found[piece.rows]

    def array(self, piece: Slice, name: str) -> NDArray[Any] | None:
        """float64 or objects; None when every value is missing."""
        if name in ("label", "label_timestamp_ms"):
            return self._label_array(piece, name)
        return self._cut(piece, blocks.column, name)

    def values(self, piece: Slice, name: str) -> NDArray[np.object_] | None:
        """Values as they were given, None where missing; None when all are."""
        if name in ("label", "label_timestamp_ms"):
            return self._labels(piece, name)
        return self._cut(piece, blocks.exact, name)

    def stored(self, piece: Slice, name: str) -> NDArray[np.object_]:
        """The column as it lies in the chunk, late labels apart."""
        found = self._cut(piece, blocks.exact, name)
        return np.full(len(piece), None, object) if found is None else found

    def names(self, chunk_ids: Iterable[int]) -> list[str]:
        """Names of the columns stored for any of the chunks."""
        ids = columns_in(self._connection, chunk_ids)
        return sorted(self._catalog.column_name(column) for column in ids)

    def records(self, piece: Slice) -> list[Inference]:
        """The rows as records."""
        n = len(piece)
        model_id, version = self.stream(piece.chunk.stream)
        fields: dict[str, NDArray[np.object_]] = {}
        for name in self.names([piece.chunk.id]):
            if name not in (columns.TIME, columns.SEQ):
                found = self.values(piece, name)
                if found is not None:
                    fields[name] = found
        label = self.values(piece, "label")
        if label is not None:
            fields["label"] = label
        return [
            columns.assemble(
                model_id,
                version,
                int(piece.times_ms[i]),
                {name: values[i] for name, values in fields.items()},
            )
            for i in range(n)
        ]

    def stream(self, stream: int) -> tuple[str, str]:
        """(model_id, version) of a stream."""
        if stream not in self._streams:
            self._streams[stream] = self._connection.execute(
                "SELECT model_id, version FROM stream WHERE id = ?", (stream,)
            ).fetchone()
        return self._streams[stream]

    def has_labels(self, part: int) -> bool:
        """Whether late labels belong to this partition."""
        return self._overlay(part) is not None

    def _overlay(self, part: int) -> labels.Overlay | None:
        if part not in self._overlays:
            self._overlays[part] = labels.overlay(self._connection, part)
        return self._overlays[part]

    def _label_array(self, piece: Slice, name: str) -> NDArray[Any] | None:
        """Labels without per-row work where both the inline and the late ones are numbers."""
        inline = self._cut(piece, blocks.column, "label")
        late = self._overlay(piece.chunk.part)
        if inline is None and late is None:
            return None
        source = None if late is None else late.numbers(name)
        wanted = [array for array in (inline, source) if array is not None]
        if late is None or source is None or any(array.dtype == object for array in wanted):
            values = self._labels(piece, name)
            return None if values is None else blocks.numeric(values)
        found = np.full(len(piece), np.nan) if inline is None else inline.copy()
        if name == "label_timestamp_ms":
            found = np.where(np.isnan(found), np.nan, piece.times_ms)
        hit, positions = self._match(late, piece)
        found[hit] = source[positions]
        return found

    def _match(
        self, late: labels.Overlay, piece: Slice
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        if piece.chunk.id not in self._matches:
            # A chunk is read in one slice, unless single rows of it are shown.
            self._matches[piece.chunk.id] = piece, *labels.match(late, self.seqs(piece))
        known, hit, positions = self._matches[piece.chunk.id]
        return (hit, positions) if known is piece else labels.match(late, self.seqs(piece))

    def _cut(
        self, piece: Slice, decode: Callable[[bytes, int], NDArray[Any]], name: str
    ) -> NDArray[Any] | None:
        data = self._block(piece.chunk, name)
        if data is None:
            return None
        found = decode(data, piece.chunk.rows)
        return found if piece.rows is None else found[piece.rows]

    def _labels(self, piece: Slice, name: str) -> NDArray[np.object_] | None:
        """Inline labels (known since the inference itself) under the late ones."""
        inline = self._cut(piece, blocks.exact, "label")
        late = self._overlay(piece.chunk.part)
        if inline is None and late is None:
            return None
        found = np.full(len(piece), None, object) if inline is None else inline
        if name == "label_timestamp_ms":
            known = blocks.present(found)
            found = np.full(len(piece), None, object)
            found[known] = piece.times_ms[known]
        if late is not None:
            hit, positions = self._match(late, piece)
            source = late.values if name == "label" else late.times_ms.astype(object)
            found = found.copy()
            found[hit] = source[positions]
        return found

    def _block(self, chunk: Chunk, name: str) -> bytes | None:
        return block(self._connection, chunk.id, self._catalog.column_id(name))
