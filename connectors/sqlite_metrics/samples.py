"""Raw samples of chosen series: chunks and tail as one, sorted, the last write winning."""

from __future__ import annotations

import sqlite3

import numpy as np
from numpy.typing import NDArray

from connectors.errors import TooMuch
from connectors.sqlite_metrics import chunks as store
from connectors.sqlite_metrics.codec import decode_samples
from connectors.sqlite_metrics.tail import EMPTY, Samples, TailView, last_writes

Ints = NDArray[np.int64]
_END_OF_TIME = 2**62


def read_samples(
    chunks: sqlite3.Connection,
    tail: TailView,
    sids: Ints,
    start_ms: int,
    end_ms: int,
    *,
    limit: int | None = None,
) -> Samples:
    """Return the samples in [start, end) of series by ascending number; rows follow `sids`."""
    fresh = tail.read(sids, start_ms, end_ms, store.compacted_id(chunks))
    stored = _read_chunks(chunks, sids, start_ms, end_ms, limit)
    if not len(fresh):
        both = stored
    elif not len(stored):
        both = fresh
    else:
        both = last_writes(
            np.concatenate((stored.rows, fresh.rows)),
            np.concatenate((stored.timestamps_ms, fresh.timestamps_ms)),
            np.concatenate((stored.values, fresh.values)),
        )
    if limit is not None and len(both) > limit:
        raise TooMuch(
            f"more than {limit} samples in this window: ask for less time or fewer series"
        )
    return both


def read_latest(chunks: sqlite3.Connection, tail: TailView, sids: Ints, since_ms: int) -> Samples:
    """Return the newest sample of each series at or after a time, without decoding chunks."""
    stamps = np.full(len(sids), since_ms - 1)
    values = np.zeros(len(sids))
    for slot in store.slots_between(chunks, "raw", since_ms, _END_OF_TIME):
        rows = list(store.rows_of_slot(chunks, "raw", "last_ms, last_value", slot, sids))
        keys = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        at = np.searchsorted(sids, keys - store.key_of(slot, 0))
        stamps[at] = np.fromiter((row[1] for row in rows), np.int64, len(rows))
        values[at] = np.fromiter((row[2] for row in rows), np.float64, len(rows))
    fresh = tail.read(sids, since_ms, _END_OF_TIME, store.compacted_id(chunks))
    newest = fresh.where(np.append(fresh.rows[1:] != fresh.rows[:-1], True)[: len(fresh)])
    newer = newest.where(newest.timestamps_ms >= stamps[newest.rows])
    stamps[newer.rows] = newer.timestamps_ms
    values[newer.rows] = newer.values
    return Samples(np.arange(len(sids)), stamps, values).where(stamps >= since_ms)


def exceeds(chunks: sqlite3.Connection, sids: Ints, start_ms: int, end_ms: int, limit: int) -> bool:
    """Whether the chunks that overlap a window hold more samples than a limit."""
    total = 0
    for slot in store.slots_between(chunks, "raw", start_ms, end_ms):
        total += sum(n for _, n in store.rows_of_slot(chunks, "raw", "n", slot, sids))
        if total > limit:
            return True
    return False


def _read_chunks(
    chunks: sqlite3.Connection, sids: Ints, start_ms: int, end_ms: int, limit: int | None
) -> Samples:
    bodies: list[list[bytes]] = [[] for _ in range(len(sids))]
    total = 0
    row_of = {sid: row for row, sid in enumerate(sids.tolist())}
    for slot in store.slots_between(chunks, "raw", start_ms, end_ms):
        slot_start = slot * store.RAW_SLOT_MS
        is_inside = slot_start >= start_ms and slot_start + store.RAW_SLOT_MS <= end_ms
        for key, n, body in store.rows_of_slot(chunks, "raw", "n, body", slot, sids):
            bodies[row_of[store.sid_of(key)]].append(body)
            total += n if is_inside else 0
            if limit is not None and total > limit:
                raise TooMuch(f"more than {limit} samples in this window: ask for less")
    rows: list[int] = []
    parts = []
    for row, chunk_bodies in enumerate(bodies):
        for body in chunk_bodies:
            parts.append(decode_samples(body))
            rows.append(row)
    if not parts:
        return EMPTY
    samples = Samples(
        np.repeat(np.array(rows, np.int64), [len(p[0]) for p in parts]),
        np.concatenate([p[0] for p in parts]),
        np.concatenate([p[1] for p in parts]),
    )
    stamps = samples.timestamps_ms
    return samples.where((stamps >= start_ms) & (stamps < end_ms))
