"""Compacted samples: one row per series and four hours, keyed so that a time slot lies together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('compacted_id', 0);
CREATE TABLE IF NOT EXISTS raw (
    key INTEGER PRIMARY KEY, n INTEGER NOT NULL,
    last_ms INTEGER NOT NULL, last_value REAL NOT NULL, body BLOB NOT NULL
);
"""
RAW_SLOT_MS = 4 * 3_600_000
_SID_BITS = 32
_LAST_SLOT = 2**30  # keys stay within 63 bits


def key_of(slot: int, sid: int) -> int:
    return (slot << _SID_BITS) | sid


def sid_of(key: int) -> int:
    return key & ((1 << _SID_BITS) - 1)


def slot_of(key: int) -> int:
    return key >> _SID_BITS


def compacted_id(chunks: sqlite3.Connection) -> int:
    """Return the last log frame whose samples are in the chunks."""
    (value,) = chunks.execute("SELECT value FROM meta WHERE key = 'compacted_id'").fetchone()
    return int(value)


def slots_between(
    chunks: sqlite3.Connection, table: str, start_ms: int, end_ms: int, slot_ms: int
) -> list[int]:
    """Return the slots that hold rows and overlap [start, end), ascending."""
    slots: list[int] = []
    key = key_of(max(start_ms // slot_ms, -_LAST_SLOT), 0)
    stop = key_of(min(-(-end_ms // slot_ms), _LAST_SLOT), 0)
    while True:
        row = chunks.execute(
            f"SELECT key FROM {table} WHERE key >= ? AND key < ? ORDER BY key LIMIT 1", (key, stop)
        ).fetchone()
        if row is None:
            return slots
        slots.append(slot_of(row[0]))
        key = key_of(slots[-1] + 1, 0)


def rows_of_slot(
    chunks: sqlite3.Connection, table: str, columns: str, slot: int, sids: NDArray[np.int64]
) -> Iterator[tuple[Any, ...]]:
    """Yield (key, columns...) of the given series, which are ascending, in one slot."""
    if not len(sids):
        return
    first, last = key_of(slot, int(sids[0])), key_of(slot, int(sids[-1]))
    if len(sids) > 16 and int(sids[-1] - sids[0]) < 4 * len(sids):
        wanted = set((sids + key_of(slot, 0)).tolist())
        for row in chunks.execute(
            f"SELECT key, {columns} FROM {table} WHERE key BETWEEN ? AND ?", (first, last)
        ):
            if row[0] in wanted:
                yield row
        return
    statement = f"SELECT key, {columns} FROM {table} WHERE key = ?"
    for key in (sids + key_of(slot, 0)).tolist():
        yield from chunks.execute(statement, (key,))
