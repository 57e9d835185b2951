"""Moves samples from the log into chunks, and drops what is deleted or past its retention."""

from __future__ import annotations

import sqlite3

import numpy as np
from numpy.typing import NDArray

from connectors.sqlite_metrics import chunks as store
from connectors.sqlite_metrics.codec import decode_samples, encode_samples
from connectors.sqlite_metrics.log import Frame
from connectors.sqlite_metrics.tail import last_writes

Ints = NDArray[np.int64]


def merge_frames(chunks: sqlite3.Connection, frames: list[Frame], live: Ints) -> None:
    """Write the frames' samples of living series into their chunks, inside a transaction."""
    sids = np.concatenate([f.sids for f in frames]).astype(np.int64)
    stamps = np.concatenate([f.timestamps_ms for f in frames])
    values = np.concatenate([f.values for f in frames])
    keys = (stamps // store.RAW_SLOT_MS << 32) | sids
    alive = np.isin(sids, live)
    merged = last_writes(keys[alive], stamps[alive], values[alive])
    edges = np.flatnonzero(np.diff(merged.rows)) + 1
    starts = np.concatenate(([0], edges)).tolist()
    ends = np.concatenate((edges, [len(merged)])).tolist()
    if len(merged):
        chunks.executemany(
            "INSERT OR REPLACE INTO raw VALUES (?, ?, ?, ?, ?)",
            (
                _merge_chunk(
                    chunks,
                    int(merged.rows[start]),
                    merged.timestamps_ms[start:end],
                    merged.values[start:end],
                )
                for start, end in zip(starts, ends, strict=True)
            ),
        )
    chunks.execute("UPDATE meta SET value = ? WHERE key = 'compacted_id'", (frames[-1].id,))


def _merge_chunk(
    chunks: sqlite3.Connection, key: int, stamps: Ints, values: NDArray[np.float64]
) -> tuple[int, int, int, float, bytes]:
    row = chunks.execute("SELECT body FROM raw WHERE key = ?", (key,)).fetchone()
    if row is not None:
        old_stamps, old_values = decode_samples(row[0])
        stamps, values = merge_series(old_stamps, old_values, stamps, values)
    body = encode_samples(stamps, values)
    return key, len(values), int(stamps[-1]), float(values[-1]), body


def merge_series(
    old_stamps: Ints,
    old_values: NDArray[np.float64],
    stamps: Ints,
    values: NDArray[np.float64],
) -> tuple[Ints, NDArray[np.float64]]:
    """Return the union of two ascending runs of one series; the second wins where both have one."""
    all_stamps = np.concatenate((old_stamps, stamps))
    all_values = np.concatenate((old_values, values))
    if not len(old_stamps) or not len(stamps) or stamps[0] > old_stamps[-1]:
        return all_stamps, all_values
    merged = last_writes(np.zeros(len(all_stamps), np.int64), all_stamps, all_values)
    return merged.timestamps_ms, merged.values


def remove_before(chunks: sqlite3.Connection, table: str, slot_ms: int, before_ms: int) -> None:
    """Delete the slots that end at or before a time, inside a transaction."""
    chunks.execute(f"DELETE FROM {table} WHERE key < ?", (store.key_of(before_ms // slot_ms, 0),))


def remove_series(chunks: sqlite3.Connection, table: str, slot_ms: int, sids: list[int]) -> None:
    """Delete all rows of some series, inside a transaction."""
    for slot in store.slots_between(chunks, table, -(2**52), 2**52, slot_ms):
        keys = [(store.key_of(slot, sid),) for sid in sids]
        chunks.executemany(f"DELETE FROM {table} WHERE key = ?", keys)
