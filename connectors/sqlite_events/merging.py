"""Small chunks become large ones: eight of a size class at a time, so each row moves few times."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

from connectors.sqlite_events import blocks, columns, labels
from connectors.sqlite_events.catalog import COLUMN_BITS, DAY_MS, Catalog, day_of
from connectors.sqlite_events.chunks import Chunk, ChunkReader
from connectors.sqlite_events.database import Database
from connectors.sqlite_events.inferences import insert_chunk

_FAN_IN = 8
_MOST_ROWS = 65_536
_CHUNK_FIELDS = "id, part, rows, min_ms, max_ms, min_seq, max_seq"


def merge_step(database: Database, catalog: Catalog, now_ms: int) -> bool:
    """Merge one group of chunks and one of labels; whether there was any."""
    merged = _merge_chunks(database, catalog, now_ms)
    return _merge_labels(database) or merged


def _merge_chunks(database: Database, catalog: Catalog, now_ms: int) -> bool:
    with database.read() as connection:
        group = _next_group(connection, now_ms)
        if not group:
            return False
        encoded, times_ms, seqs = _merged(ChunkReader(connection, catalog), group)
    ids = catalog.column_ids(list(encoded))
    sources = [chunk.id for chunk in group]

    def swap(connection: sqlite3.Connection) -> None:
        marks = ",".join("?" * len(sources))
        gone = connection.execute(f"DELETE FROM chunk WHERE id IN ({marks})", sources).rowcount
        if gone != len(sources):
            raise _Overtaken
        for chunk in sources:
            delete_blocks(connection, chunk)
        by_column = dict(zip(ids, encoded.values(), strict=True))
        insert_chunk(connection, group[0].part, times_ms, by_column, seqs)

    try:
        database.write(swap)
    except _Overtaken:
        pass  # another process merged or expired these chunks first
    return True


class _Overtaken(Exception):
    """The chunks read are no longer there."""


def delete_blocks(connection: sqlite3.Connection, chunk: int) -> None:
    """Delete the columns of a chunk."""
    connection.execute(
        "DELETE FROM block WHERE id BETWEEN ? AND ?",
        (chunk << COLUMN_BITS, (chunk + 1 << COLUMN_BITS) - 1),
    )


def _next_group(connection: sqlite3.Connection, now_ms: int) -> list[Chunk]:
    row = connection.execute(
        "SELECT part, tier FROM chunk WHERE tier < 3 GROUP BY part, tier"
        " HAVING count(*) >= ? ORDER BY count(*) DESC LIMIT 1",
        (_FAN_IN,),
    ).fetchone()
    if row is not None:
        where, values = "part = ? AND tier = ?", tuple(row)
    else:
        past = _past_part(connection, now_ms)
        if past is None:
            return []
        where, values = "part = ? AND tier < 3", (past,)
    found = connection.execute(
        f"SELECT {_CHUNK_FIELDS} FROM chunk WHERE {where} ORDER BY id LIMIT 64", values
    ).fetchall()
    group: list[Chunk] = []
    for chunk in (Chunk(*row) for row in found):
        if len(group) >= 2 and sum(c.rows for c in group) + chunk.rows > _MOST_ROWS:
            break
        group.append(chunk)
    return group


def _past_part(connection: sqlite3.Connection, now_ms: int) -> int | None:
    """A day that is over and still has several small chunks."""
    found = connection.execute(
        "SELECT part FROM chunk WHERE tier < 3 GROUP BY part HAVING count(*) >= 4"
    )
    today = now_ms // DAY_MS
    return next((part for (part,) in found if day_of(part) < today), None)


def _merged(
    reader: ChunkReader, group: Sequence[Chunk]
) -> tuple[dict[str, bytes], np.ndarray, np.ndarray]:
    pieces = [reader.slice(chunk, 0, chunk.max_ms + 1) for chunk in group]
    times_ms = np.concatenate([piece.times_ms for piece in pieces])
    seqs = np.concatenate([reader.seqs(piece) for piece in pieces])
    order = np.lexsort((seqs, times_ms))
    encoded = {
        columns.TIME: blocks.encode_integers(times_ms[order]),
        columns.SEQ: blocks.encode_integers(seqs[order]),
    }
    for name in reader.names(chunk.id for chunk in group):
        if name in encoded:
            continue
        parts = [reader.stored(piece, name) for piece in pieces]
        block = blocks.encode(np.concatenate(parts)[order].tolist(), dense=True)
        if block is not None:
            encoded[name] = block
    return encoded, times_ms[order], seqs[order]


def _merge_labels(database: Database) -> bool:
    with database.read() as connection:
        found = _next_labels(connection)
        if found is None:
            return False
        part, sources = found
        merged = labels.Overlay([(rows, data) for _, rows, data in sources])
    members = list(zip(merged.seqs.tolist(), merged.times_ms.tolist(), merged.values, strict=True))
    ids = [source[0] for source in sources]

    def swap(connection: sqlite3.Connection) -> None:
        marks = ",".join("?" * len(ids))
        gone = connection.execute(f"DELETE FROM label_chunk WHERE id IN ({marks})", ids).rowcount
        if gone != len(ids):
            raise _Overtaken
        labels.append_labels(connection, part, members, chunk=ids[-1])

    try:
        database.write(swap)
    except _Overtaken:
        pass  # another process merged or expired these labels first
    return True


def _next_labels(
    connection: sqlite3.Connection,
) -> tuple[int, list[tuple[int, int, bytes]]] | None:
    """A run of neighbours in order of arrival, since later labels win over earlier ones."""
    row = connection.execute(
        "SELECT part, min(id), max(id) FROM label_chunk WHERE tier < 3 GROUP BY part, tier"
        " HAVING count(*) >= ? LIMIT 1",
        (_FAN_IN,),
    ).fetchone()
    if row is None:
        return None
    found = connection.execute(
        "SELECT id, rows, data FROM label_chunk WHERE part = ? AND id BETWEEN ? AND ?"
        " ORDER BY id LIMIT 256",
        row,
    ).fetchall()
    return row[0], found
