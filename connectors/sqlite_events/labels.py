"""Ground truth that arrives late: small column blocks beside the chunks, joined when read."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols import Added
from connectors.sqlite_events import blocks
from connectors.sqlite_events.catalog import (
    DAY_BITS,
    MINUTE_MS,
    check_time,
    keys_of,
    stream_by_id,
    touch,
)
from connectors.sqlite_events.database import Database
from connectors.sqlite_events.packing import pack, unpack
from connectors.telemetry import Label

LabelState = tuple[int, int]
"""(label time in ms, checksum of the value) of the label that counts for an inference."""

_TIERS = (512, 4_096, 32_768)


class Overlay:
    """Late labels of a partition, one per inference, in order of `seqs`."""

    def __init__(self, stored: Sequence[tuple[int, bytes]]) -> None:
        self._pieces = [(rows, unpack(data)) for rows, data in stored]
        seqs = np.concatenate([blocks.integers(piece[0]) for _, piece in self._pieces])
        times_ms = np.concatenate([blocks.integers(piece[1]) for _, piece in self._pieces])
        order = np.argsort(seqs, kind="stable")
        last = np.append(np.diff(seqs[order]) != 0, True)
        self._kept = order[last]
        self.seqs: NDArray[np.int64] = seqs[self._kept]
        self.times_ms: NDArray[np.int64] = times_ms[self._kept]

    @cached_property
    def values(self) -> NDArray[np.object_]:
        """The labels as they were given."""
        pieces = [blocks.exact(piece[2], rows) for rows, piece in self._pieces]
        found: NDArray[np.object_] = np.concatenate(pieces)[self._kept]
        return found

    def numbers(self, name: str) -> NDArray[np.float64] | None:
        """``label`` or ``label_timestamp_ms`` as float64; None when a label is no number."""
        if name == "label_timestamp_ms":
            return self.times_ms.astype(np.float64)
        pieces = [blocks.column(piece[2], rows) for rows, piece in self._pieces]
        if any(piece.dtype == object for piece in pieces):
            return None
        floats: NDArray[np.float64] = np.concatenate(pieces)[self._kept]
        return floats


def label_check(value: Any) -> int:
    """A checksum that tells one label value from another, types included."""
    return zlib.crc32(pack(value))


def beats(new: LabelState, old: LabelState | None) -> bool:
    """The later label time wins; at equal times the value that arrived last does."""
    return old is None or new[0] > old[0] or (new[0] == old[0] and new[1] != old[1])


def add_labels(database: Database, tenant: str, rows: Sequence[Label], now_ms: int) -> Added:
    """Store labels that change what is known; a label without inference waits for it."""
    for row in rows:
        check_time(row.timestamp_ms)
    keys = keys_of(tenant, [row.inference_id for row in rows])
    states = [(row.timestamp_ms, label_check(row.label)) for row in rows]

    def store(connection: sqlite3.Connection) -> int:
        known = _known(connection, keys)
        waiting = _waiting(connection, [key for key in keys if key not in known])
        current: dict[int, LabelState | None] = {key: row[3] for key, row in known.items()}
        current.update((key, state) for key, (state, _) in waiting.items())
        winners: dict[int, int] = {}
        stored = 0
        for i, key in enumerate(keys):
            if beats(states[i], current.get(key)):
                current[key] = states[i]
                winners[key] = i
                stored += 1
        _keep_waiting(
            connection,
            [(key, rows[i], now_ms) for key, i in winners.items() if key not in known],
        )
        joined = [(known[key], rows[i], key) for key, i in winners.items() if key in known]
        _join(connection, tenant, joined)
        return stored

    stored = database.write(store) if rows else 0
    return Added(stored=stored, duplicates=len(rows) - stored)


_Known = tuple[int, int, int, LabelState | None]  # part, seq, inference time, label


def _known(connection: sqlite3.Connection, keys: Sequence[int]) -> dict[int, _Known]:
    found = connection.execute(
        "SELECT i.key, i.part, i.seq, i.time_ms, i.label_ms, i.label_check"
        " FROM json_each(?) j CROSS JOIN ident i ON i.key = j.value",
        (msgspec.json.encode(keys).decode(),),
    )
    return {
        key: (part, seq, time_ms, None if label_ms is None else (label_ms, check))
        for key, part, seq, time_ms, label_ms, check in found
    }


def _waiting(
    connection: sqlite3.Connection, keys: Sequence[int]
) -> dict[int, tuple[LabelState, Any]]:
    found = connection.execute(
        "SELECT o.key, o.label_ms, o.value"
        " FROM json_each(?) j CROSS JOIN orphan_label o ON o.key = j.value",
        (msgspec.json.encode(keys).decode(),),
    )
    waiting = {}
    for key, label_ms, packed in found:
        value = unpack(packed)
        waiting[key] = ((label_ms, label_check(value)), value)
    return waiting


def _keep_waiting(connection: sqlite3.Connection, rows: Sequence[tuple[int, Label, int]]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO orphan_label(key, label_ms, value, arrived_ms) VALUES (?, ?, ?, ?)",
        [(key, row.timestamp_ms, pack(row.label), now_ms) for key, row, now_ms in rows],
    )


def _join(
    connection: sqlite3.Connection, tenant: str, joined: Sequence[tuple[_Known, Label, int]]
) -> None:
    by_part: dict[int, list[tuple[int, int, Any]]] = {}
    minutes: dict[int, set[int]] = {}
    for (part, seq, time_ms, _), row, _ in joined:
        by_part.setdefault(part, []).append((seq, row.timestamp_ms, row.label))
        minutes.setdefault(part >> DAY_BITS, set()).add(time_ms // MINUTE_MS * MINUTE_MS)
    for part, members in by_part.items():
        append_labels(connection, part, members)
    connection.executemany(
        "UPDATE ident SET label_ms = ?, label_check = ? WHERE key = ?",
        [(row.timestamp_ms, label_check(row.label), key) for _, row, key in joined],
    )
    pairs = [
        (stream_by_id(connection, stream).model_id, minute)
        for stream, group in minutes.items()
        for minute in group
    ]
    touch(connection, tenant, set(pairs))


def adopt_orphans(
    connection: sqlite3.Connection,
    part: int,
    keys: Sequence[int],
    first_seq: int,
    inline: Sequence[LabelState | None],
) -> list[LabelState | None]:
    """Join labels that came before these inferences; the label state of every row after it."""
    waiting = _waiting(connection, keys)
    states = list(inline)
    members = []
    for i, key in enumerate(keys):
        if key in waiting:
            state, value = waiting[key]
            own = inline[i]
            if own is None or not beats(own, state):
                members.append((first_seq + i, state[0], value))
                states[i] = state
    connection.executemany("DELETE FROM orphan_label WHERE key = ?", [(key,) for key in waiting])
    if members:
        append_labels(connection, part, members)
    return states


def append_labels(
    connection: sqlite3.Connection,
    part: int,
    members: Sequence[tuple[int, int, Any]],
    chunk: int | None = None,
) -> None:
    """Write (seq, label time, value) rows as one block; later blocks win over earlier ones."""
    data = pack(
        [
            blocks.encode_integers(np.array([seq for seq, _, _ in members], np.int64)),
            blocks.encode_integers(np.array([time_ms for _, time_ms, _ in members], np.int64)),
            blocks.encode([value for _, _, value in members], dense=chunk is not None),
        ]
    )
    tier = sum(len(members) >= limit for limit in _TIERS)
    connection.execute(
        "INSERT INTO label_chunk(id, part, rows, tier, data) VALUES (?, ?, ?, ?, ?)",
        (chunk, part, len(members), tier, data),
    )


def overlay(connection: sqlite3.Connection, part: int) -> Overlay | None:
    """The late labels of a partition, the latest per inference; None when it has none."""
    found = connection.execute(
        "SELECT rows, data FROM label_chunk WHERE part = ? ORDER BY id", (part,)
    ).fetchall()
    return Overlay(found) if found else None


def match(found: Overlay, seqs: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows that have a late label, and where in the overlay it is."""
    positions = np.searchsorted(found.seqs, seqs)
    positions[positions == len(found.seqs)] = 0
    rows = np.flatnonzero(found.seqs[positions] == seqs)
    return rows, positions[rows]
