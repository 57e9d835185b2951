"""Moves samples from the log into chunks and their rollups; drops deleted and expired rows."""

from __future__ import annotations

import sqlite3
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.sqlite_metrics import chunks as store
from connectors.sqlite_metrics.cells import (
    HOUR_CELLS,
    hour_key,
    hour_planes,
    minute_rows,
    pack_hours,
    unpack_hours,
)
from connectors.sqlite_metrics.codec import (
    Damaged,
    Floats,
    Ints,
    decimals,
    decode_samples,
    encode_samples,
)
from connectors.sqlite_metrics.log import Frame
from connectors.sqlite_metrics.tail import last_writes

_ROWS_AT_ONCE = 1_000


def merge_frames(chunks: sqlite3.Connection, frames: list[Frame], live: Ints) -> None:
    """Write the frames' samples of living series into their chunks, inside a transaction."""
    sids = np.concatenate([f.sids for f in frames]).astype(np.int64)
    stamps = np.concatenate([f.timestamps_ms for f in frames])
    values = np.concatenate([f.values for f in frames])
    keys = (stamps // store.RAW_SLOT_MS << 32) | sids
    alive = np.isin(sids, live)
    merged = last_writes(keys[alive], stamps[alive], values[alive])
    if len(merged):
        edges = np.flatnonzero(np.diff(merged.rows)) + 1
        bounds = [0, *edges.tolist(), len(merged)]
        writer = _ChunkWriter(chunks)
        for start, end in zip(bounds[:-1], bounds[1:], strict=True):
            part = slice(start, end)
            key = int(merged.rows[start])
            writer.merge(key, merged.timestamps_ms[part], merged.values[part])
        writer.flush()
    count_damaged(chunks, sum(f.is_damaged for f in frames))
    chunks.execute("UPDATE meta SET value = ? WHERE key = 'compacted_id'", (frames[-1].id,))


def count_damaged(chunks: sqlite3.Connection, more: int) -> None:
    if more:
        chunks.execute("UPDATE meta SET value = value + ? WHERE key = 'damaged'", (more,))


class _ChunkWriter:
    """Merges samples into chunks and collects the rows to write."""

    def __init__(self, chunks: sqlite3.Connection) -> None:
        self._chunks = chunks
        self._raw: list[tuple[Any, ...]] = []
        self._minute: list[tuple[Any, ...]] = []
        self._span: list[tuple[Any, ...]] = []
        self._spanless: list[tuple[int]] = []
        self._hour: dict[int, tuple[int, float, NDArray[np.float64]]] = {}

    def merge(self, key: int, stamps: Ints, values: Floats) -> None:
        row = self._chunks.execute("SELECT body FROM raw WHERE key = ?", (key,)).fetchone()
        if row is not None:
            try:
                stamps, values = _merge_series(*decode_samples(row[0]), stamps, values)
            except Damaged:  # keep what is new, or compaction would stop here for ever
                count_damaged(self._chunks, 1)
        exact = decimals(values)
        body = encode_samples(stamps, values, exact)
        last_ms, last_value = int(stamps[-1]), float(values[-1])
        self._raw.append((key, len(values), last_ms, last_value, body))
        minute, span = minute_rows(key, stamps, values, exact)
        self._minute.append(minute)
        if span is not None:
            self._span.append(span)
        elif row is not None:
            self._spanless.append((key,))
        self._merge_hours(key, last_ms, last_value, hour_planes(key, stamps, values))
        if len(self._raw) >= _ROWS_AT_ONCE:
            self.flush()

    def _merge_hours(
        self, key: int, last_ms: int, last_value: float, planes: NDArray[np.float64]
    ) -> None:
        slot, first = hour_key(key)
        row_key = store.key_of(slot, store.sid_of(key))
        row = self._hour.get(row_key)
        if row is None:
            row = self._stored_hours(row_key)
        all_planes = row[2]
        all_planes[:, first : first + planes.shape[1]] = planes
        if row[0] > last_ms:
            last_ms, last_value = row[0], row[1]
        self._hour[row_key] = (last_ms, last_value, all_planes)

    def _stored_hours(self, row_key: int) -> tuple[int, float, NDArray[np.float64]]:
        row = self._chunks.execute(
            "SELECT last_ms, last_value, body FROM hour WHERE key = ?", (row_key,)
        ).fetchone()
        if row is None:
            return -(2**62), 0.0, np.zeros((7, HOUR_CELLS))
        planes = np.frombuffer(unpack_hours(row[2])).reshape(7, HOUR_CELLS)
        return row[0], row[1], planes.copy()

    def flush(self) -> None:
        write = self._chunks.executemany
        write("INSERT OR REPLACE INTO raw VALUES (?,?,?,?,?)", self._raw)
        write("INSERT OR REPLACE INTO minute VALUES (?,?,?,?)", self._minute)
        write("INSERT OR REPLACE INTO span VALUES (?,?,?)", self._span)
        write("DELETE FROM span WHERE key = ?", self._spanless)
        hours = ((key, ms, v, pack_hours(planes)) for key, (ms, v, planes) in self._hour.items())
        write("INSERT OR REPLACE INTO hour VALUES (?,?,?,?)", hours)
        for pending in (self._raw, self._minute, self._span, self._spanless, self._hour):
            pending.clear()


def _merge_series(
    old_stamps: Ints, old_values: Floats, stamps: Ints, values: Floats
) -> tuple[Ints, Floats]:
    """Return the union of two ascending runs of one series; the second wins where both have one."""
    all_stamps = np.concatenate((old_stamps, stamps))
    all_values = np.concatenate((old_values, values))
    merged = last_writes(np.zeros(len(all_stamps), np.int64), all_stamps, all_values)
    return merged.timestamps_ms, merged.values


def remove_before(chunks: sqlite3.Connection, before_ms: int) -> None:
    """Delete the slots that end at or before a time, inside a transaction."""
    for table, slot_ms in store.SLOT_MS.items():
        first_kept = store.key_of(before_ms // slot_ms, 0)
        chunks.execute(f"DELETE FROM {table} WHERE key < ?", (first_kept,))
    kept_from_ms = before_ms // store.RAW_SLOT_MS * store.RAW_SLOT_MS
    chunks.execute(
        "UPDATE meta SET value = ?1 WHERE key = 'kept_from_ms' AND value < ?1", (kept_from_ms,)
    )


def remove_series(chunks: sqlite3.Connection, sids: list[int]) -> None:
    """Delete all rows of some series, inside a transaction."""
    for table in store.SLOT_MS:
        for slot in store.slots_between(chunks, table, -(2**60), 2**60):
            keys = [(store.key_of(slot, sid),) for sid in sids]
            chunks.executemany(f"DELETE FROM {table} WHERE key = ?", keys)
