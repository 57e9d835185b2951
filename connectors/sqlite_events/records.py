"""Inferences as records: one by id, and pages of them newest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from connectors.errors import Refused
from connectors.protocols import EventQuery, Page
from connectors.sqlite_events import blocks
from connectors.sqlite_events.catalog import Catalog, keys_of, streams_of
from connectors.sqlite_events.chunks import (
    Chunk,
    ChunkReader,
    Slice,
    chunk_with,
    chunks_between,
)
from connectors.sqlite_events.database import Database
from connectors.telemetry import Inference

_TEXTS = ("prompt", "output", "context", "error")

TextFilter = Callable[[Sequence[str]], NDArray[np.bool_]]
"""Which of these texts hold the words that were searched for."""


def one_inference(
    database: Database, catalog: Catalog, tenant: str, inference_id: str
) -> Inference | None:
    """The record with this id, its late label joined."""
    (key,) = keys_of(tenant, [inference_id])
    with database.read() as connection:
        row = connection.execute("SELECT part, seq FROM ident WHERE key = ?", (key,)).fetchone()
        found = None if row is None else chunk_with(connection, *row)
        if found is None:
            return None
        reader = ChunkReader(connection, catalog)
        return reader.records(_rows_of(reader, found[0], np.array([found[1]])))[0]


def inference_page(
    database: Database,
    catalog: Catalog,
    tenant: str,
    query: EventQuery,
    text_filter: TextFilter | None,
) -> Page:
    """Records newest first. `service` and `kind` do not apply to inferences."""
    limit = max(query.limit, 0)
    before = parse_cursor(query.cursor)
    end_ms = query.end_ms if before is None else min(query.end_ms, before[0] + 1)
    with database.read() as connection:
        reader = ChunkReader(connection, catalog)
        chunks = _candidates(connection, tenant, query, end_ms)
        found: list[tuple[int, int, Slice, int]] = []  # time, seq, slice, row within the slice
        for chunk in chunks:
            if len(found) > limit and found[limit][0] > chunk.max_ms:
                break
            piece = reader.slice(chunk, query.start_ms, end_ms)
            kept = _matching(connection, reader, piece, tenant, query, text_filter)
            seqs = reader.seqs(piece)
            rows = [
                (int(piece.times_ms[i]), int(seqs[i]), piece, int(i))
                for i in _newest(piece, seqs, kept, limit + 1, before)
            ]
            found = sorted(found + rows, key=lambda row: row[:2], reverse=True)[: limit + 1]
        shown = found[:limit]
        more = len(found) > limit and bool(shown)
        return Page(
            rows=_in_order(reader, shown),
            cursor=f"{shown[-1][0]}:{shown[-1][1]}" if more else None,
        )


def parse_cursor(cursor: str | None) -> tuple[int, int] | None:
    """(time, seq) of the last row shown."""
    if cursor is None:
        return None
    head, _, tail = cursor.partition(":")
    if not (head.isdecimal() and tail.isdecimal() and len(cursor) < 64):
        raise Refused(f"cursor {cursor[:64]!r} was not issued here")
    return int(head), int(tail)


def _candidates(
    connection: sqlite3.Connection, tenant: str, query: EventQuery, end_ms: int
) -> list[Chunk]:
    streams = streams_of(connection, tenant, query.model_id, query.version)
    chunks = chunks_between(connection, streams, query.start_ms, end_ms)
    if query.trace_id is None:
        return chunks
    seqs = _traced(connection, tenant, query.trace_id)
    return [chunk for chunk in chunks if np.any((seqs >= chunk.min_seq) & (seqs <= chunk.max_seq))]


def _traced(connection: sqlite3.Connection, tenant: str, trace_id: str) -> NDArray[np.int64]:
    (key,) = keys_of(tenant, [trace_id])
    found = connection.execute("SELECT seq FROM trace_ref WHERE key = ?", (key,))
    return np.array([seq for (seq,) in found], np.int64)


def _matching(
    connection: sqlite3.Connection,
    reader: ChunkReader,
    piece: Slice,
    tenant: str,
    query: EventQuery,
    text_filter: TextFilter | None,
) -> NDArray[np.bool_]:
    kept = np.ones(len(piece), bool)
    if query.trace_id is not None:
        kept &= np.isin(reader.seqs(piece), _traced(connection, tenant, query.trace_id))
    if query.only_errors:
        errors = reader.values(piece, "error")
        kept &= False if errors is None else blocks.present(errors)
    if text_filter is not None and kept.any():
        kept[kept] = text_filter(_texts(reader, _narrow(piece, kept)))
    return kept


def _texts(reader: ChunkReader, piece: Slice) -> list[str]:
    texts = [""] * len(piece)
    for name in _TEXTS:
        values = reader.values(piece, name)
        if values is not None:
            for i, value in enumerate(values):
                if value is not None:
                    texts[i] += " " + (value if isinstance(value, str) else " ".join(value))
    return texts


def _narrow(piece: Slice, kept: NDArray[np.bool_]) -> Slice:
    inside = np.flatnonzero(kept)
    rows = inside if piece.rows is None else piece.rows[inside]
    return Slice(piece.chunk, rows, piece.times_ms[inside])


def _newest(
    piece: Slice,
    seqs: NDArray[np.int64],
    kept: NDArray[np.bool_],
    count: int,
    before: tuple[int, int] | None,
) -> NDArray[np.intp]:
    times_ms = piece.times_ms
    if before is not None:
        kept = kept & ((times_ms < before[0]) | ((times_ms == before[0]) & (seqs < before[1])))
    rows = np.flatnonzero(kept)
    order = np.lexsort((seqs[rows], times_ms[rows]))[::-1][:count]
    return rows[order]


def _rows_of(reader: ChunkReader, chunk: Chunk, positions: NDArray[np.intp]) -> Slice:
    whole = reader.slice(chunk, 0, chunk.max_ms + 1)
    return Slice(chunk, positions, whole.times_ms[positions])


def _in_order(reader: ChunkReader, shown: Sequence[tuple[int, int, Slice, int]]) -> list[Inference]:
    by_chunk: dict[int, list[tuple[int, Slice, int]]] = {}
    for place, (_, _, piece, row) in enumerate(shown):
        by_chunk.setdefault(piece.chunk.id, []).append((place, piece, row))
    records: dict[int, Inference] = {}
    for members in by_chunk.values():
        piece = members[0][1]
        mask = np.array([row for _, _, row in members])
        rows = mask if piece.rows is None else piece.rows[mask]
        made = reader.records(Slice(piece.chunk, rows, piece.times_ms[mask]))
        records.update((place, record) for (place, _, _), record in zip(members, made, strict=True))
    return [records[place] for place in range(len(shown))]
