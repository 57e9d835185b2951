"""Writing inferences: a batch becomes one chunk of column blocks per model, version and day."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols import Added
from connectors.sqlite_events import blocks, columns
from connectors.sqlite_events.catalog import (
    COLUMN_BITS,
    DAY_MS,
    MINUTE_MS,
    POSITION_BITS,
    Catalog,
    Stream,
    check_time,
    keys_of,
    part_of,
    touch,
)
from connectors.sqlite_events.database import Database
from connectors.sqlite_events.labels import LabelState, adopt_orphans, label_check
from connectors.telemetry import Inference

_CHUNK_ROWS = 32_768
TIER_LIMITS = (64, 512, 4_096)


class Prepared(msgspec.Struct, frozen=True):
    """A chunk encoded and ready to be written."""

    stream: Stream
    part: int
    keys: list[int]
    times_ms: NDArray[np.int64]
    blocks: dict[int, bytes]
    labels: list[LabelState | None]
    traces: list[tuple[int, int]]  # (key of the trace, position)
    is_sample: bool


def tier_of(rows: int) -> int:
    """Size class of a chunk: chunks of one class are merged together; the last is final."""
    return sum(rows >= limit for limit in TIER_LIMITS)


def add_inferences(
    database: Database, catalog: Catalog, tenant: str, rows: Sequence[Inference]
) -> Added:
    """Store rows whose id is new; encoding happens before the write lock is taken."""
    by_key: dict[int, Inference] = {}
    for key, row in zip(keys_of(tenant, [row.inference_id for row in rows]), rows, strict=True):
        check_time(row.timestamp_ms)
        by_key.setdefault(key, row)
    chunks = _prepare(catalog, tenant, by_key)
    spare: dict[int, Inference] = {}

    def store(connection: sqlite3.Connection) -> bool:
        known = _known_keys(connection, list(by_key))
        if known:
            spare.update((key, row) for key, row in by_key.items() if key not in known)
            return False
        _insert_all(connection, tenant, chunks)
        return True

    while by_key and not database.write(store):
        by_key, spare = spare, {}
        chunks = _prepare(catalog, tenant, by_key)
    return Added(stored=len(by_key), duplicates=len(rows) - len(by_key))


def _known_keys(connection: sqlite3.Connection, keys: list[int]) -> set[int]:
    found = connection.execute(
        "SELECT i.key FROM json_each(?) j CROSS JOIN ident i ON i.key = j.value",
        (msgspec.json.encode(keys).decode(),),
    )
    return {key for (key,) in found}


def _prepare(catalog: Catalog, tenant: str, by_key: Mapping[int, Inference]) -> list[Prepared]:
    groups: dict[tuple[str, str, int], list[tuple[int, Inference]]] = {}
    for key, row in by_key.items():
        group = (row.model_id, row.model_version, row.timestamp_ms // DAY_MS)
        groups.setdefault(group, []).append((key, row))
    prepared = []
    for (model_id, version, _), members in groups.items():
        stream = catalog.stream(tenant, model_id, version)
        for start in range(0, len(members), _CHUNK_ROWS):
            piece = members[start : start + _CHUNK_ROWS]
            prepared.append(
                _prepare_chunk(catalog, stream, [k for k, _ in piece], [r for _, r in piece])
            )
    return prepared


def _prepare_chunk(
    catalog: Catalog, stream: Stream, keys: list[int], rows: list[Inference]
) -> Prepared:
    times_ms = np.array([row.timestamp_ms for row in rows], np.int64)
    exploded = columns.explode(rows)
    encoded = {columns.TIME: blocks.encode_integers(times_ms)}
    for name, values in exploded.items():
        block = blocks.encode(values)
        if block is not None:
            encoded[name] = block
    ids = catalog.column_ids(list(encoded))
    traced = [i for i, trace in enumerate(exploded["trace_id"]) if trace is not None]
    trace_keys = keys_of(stream.tenant, [exploded["trace_id"][i] for i in traced])
    return Prepared(
        stream=stream,
        part=part_of(stream.id, rows[0].timestamp_ms),
        keys=keys,
        times_ms=times_ms,
        blocks=dict(zip(ids, encoded.values(), strict=True)),
        labels=_inline_labels(exploded["label"], rows) if "label" in encoded else [],
        traces=list(zip(trace_keys, traced, strict=True)),
        is_sample=any(row.tags is not None and row.tags.get("sample") == "true" for row in rows),
    )


def _inline_labels(labels: Sequence[Any], rows: Sequence[Inference]) -> list[LabelState | None]:
    return [
        None if label is None else (row.timestamp_ms, label_check(label))
        for label, row in zip(labels, rows, strict=True)
    ]


def _insert_all(connection: sqlite3.Connection, tenant: str, chunks: Sequence[Prepared]) -> None:
    orphans = connection.execute("SELECT 1 FROM orphan_label LIMIT 1").fetchone() is not None
    pairs: set[tuple[str, int]] = set()
    for chunk in chunks:
        first_seq = insert_chunk(connection, chunk.part, chunk.times_ms, chunk.blocks) << (
            POSITION_BITS
        )
        labels = chunk.labels or [None] * len(chunk.keys)
        if orphans:
            labels = adopt_orphans(connection, chunk.part, chunk.keys, first_seq, labels)
        _insert_idents(connection, chunk, first_seq, labels)
        connection.execute(
            "UPDATE stream SET first_ms = min(ifnull(first_ms, ?1), ?1),"
            " last_ms = max(ifnull(last_ms, ?2), ?2), count = count + ?3,"
            " is_sample = max(is_sample, ?4) WHERE id = ?5",
            (
                int(chunk.times_ms.min()),
                int(chunk.times_ms.max()),
                len(chunk.keys),
                chunk.is_sample,
                chunk.stream.id,
            ),
        )
        minutes = np.unique(chunk.times_ms // MINUTE_MS * MINUTE_MS).tolist()
        pairs.update((chunk.stream.model_id, minute) for minute in minutes)
    touch(connection, tenant, pairs)


def insert_chunk(
    connection: sqlite3.Connection,
    part: int,
    times_ms: NDArray[np.int64],
    encoded: Mapping[int, bytes],
    seqs: NDArray[np.int64] | None = None,
) -> int:
    """Write a chunk; without `seqs` its rows get consecutive ones from its own id."""
    rows = len(times_ms)
    span = (0, 0) if seqs is None else (int(seqs.min()), int(seqs.max()))
    chunk = connection.execute(
        "INSERT INTO chunk(part, rows, min_ms, max_ms, min_seq, max_seq, tier)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (part, rows, int(times_ms.min()), int(times_ms.max()), *span, tier_of(rows)),
    ).lastrowid
    assert chunk is not None
    if seqs is None:
        first = chunk << POSITION_BITS
        connection.execute(
            "UPDATE chunk SET min_seq = ?, max_seq = ? WHERE id = ?",
            (first, first + rows - 1, chunk),
        )
    connection.executemany(
        "INSERT INTO block(id, data) VALUES (?, ?)",
        [(chunk << COLUMN_BITS | column, encoded[column]) for column in sorted(encoded)],
    )
    return chunk


def _insert_idents(
    connection: sqlite3.Connection,
    chunk: Prepared,
    first_seq: int,
    labels: Sequence[LabelState | None],
) -> None:
    part = chunk.part
    rows = [
        (key, part, first_seq + i, time_ms, *(label or (None, None)))
        for i, (key, time_ms, label) in enumerate(
            zip(chunk.keys, chunk.times_ms.tolist(), labels, strict=True)
        )
    ]
    rows.sort()
    connection.executemany("INSERT INTO ident VALUES (?, ?, ?, ?, ?, ?)", rows)
    if chunk.traces:
        connection.executemany(
            "INSERT OR IGNORE INTO trace_ref VALUES (?, ?, ?)",
            [(key, part, first_seq + position) for key, position in sorted(chunk.traces)],
        )
