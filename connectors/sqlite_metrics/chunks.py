"""Compacted samples: one row per series and time slot, keyed so that a slot lies together.

`raw` holds the samples of eight hours, `minute` and `span` their one-minute cells (counts and sums,
apart from minima, maxima and last values, which fewer questions need), `hour` two days of one-hour
cells. `minute` and `span` are a function of the raw row with the same key.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('compacted_id', 0), ('kept_from_ms', 0), ('damaged', 0);
CREATE TABLE IF NOT EXISTS raw (
    key INTEGER PRIMARY KEY, n INTEGER NOT NULL,
    last_ms INTEGER NOT NULL, last_value REAL NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS minute (
    key INTEGER PRIMARY KEY, head BLOB NOT NULL, counts BLOB NOT NULL, sums BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS span (
    key INTEGER PRIMARY KEY, head BLOB NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS hour (
    key INTEGER PRIMARY KEY, last_ms INTEGER NOT NULL, last_value REAL NOT NULL, body BLOB NOT NULL
);
"""
HOUR_MS = 3_600_000
RAW_SLOT_MS = 8 * HOUR_MS
HOUR_SLOT_MS = 48 * HOUR_MS
SLOT_MS = {
    "raw": RAW_SLOT_MS,
    "minute": RAW_SLOT_MS,
    "span": RAW_SLOT_MS,
    "hour": HOUR_SLOT_MS,
}
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
    return _meta(chunks, "compacted_id")


def kept_from_ms(chunks: sqlite3.Connection) -> int:
    """Return the time before which samples were deleted; a multiple of the raw slot."""
    return _meta(chunks, "kept_from_ms")


def damaged(chunks: sqlite3.Connection) -> int:
    """Return how many log frames and chunks compaction found unreadable."""
    return _meta(chunks, "damaged")


def _meta(chunks: sqlite3.Connection, key: str) -> int:
    (value,) = chunks.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return int(value)


def slots_between(chunks: sqlite3.Connection, table: str, start_ms: int, end_ms: int) -> list[int]:
    """Return the slots that hold rows and overlap [start, end), ascending."""
    slot_ms = SLOT_MS[table]
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
) -> list[tuple[Any, ...]]:
    """Return (key, columns...) of the given series, which are ascending, in one slot."""
    if not len(sids):
        return []
    keys = (sids + key_of(slot, 0)).tolist()
    select_columns = f"SELECT key, {columns} FROM {table} WHERE key "
    if keys[-1] - keys[0] < 2 * len(keys):  # nearly all in between: reading on beats looking up
        rows = chunks.execute(select_columns + "BETWEEN ? AND ?", (keys[0], keys[-1])).fetchall()
        wanted = set(keys)
        return [row for row in rows if row[0] in wanted]
    if len(keys) == 1:
        return chunks.execute(select_columns + "= ?", keys).fetchall()
    listed = msgspec.json.encode(keys).decode()
    return chunks.execute(
        select_columns + "IN (SELECT value FROM json_each(?)) ORDER BY key", (listed,)
    ).fetchall()
