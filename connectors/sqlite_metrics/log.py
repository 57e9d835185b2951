"""The append log: batches become durable here, many callers per sync, and wait for compaction.

The log and the series dictionary share one file, so a batch and its new series appear together.
Chunks live in another file: compaction never holds the lock that appends need.
"""

from __future__ import annotations

import sqlite3
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.errors import ConnectorError, Refused, Unavailable
from connectors.sqlite_metrics.catalogue import SCHEMA, Catalogue
from connectors.sqlite_metrics.database import Readers, open_database, shrink, translated, writing
from connectors.telemetry import MetricBatch, Series

_LOG_SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    n INTEGER NOT NULL, at_ms INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS log_size ON log (n, at_ms);
"""
_CHECKPOINT_PAGES = 1_024  # 16 MiB: fewer, longer syncs of the main file than the default
_SLACK_PAGES = 4_096  # 64 MiB kept for the frames to come
_MIXED, _ONE_TIME = 0, 1


class Frame(msgspec.Struct, frozen=True):
    """The samples of one commit, in the order in which they were sent."""

    id: int
    sids: NDArray[np.int32]
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    is_damaged: bool = False


class _Waiting:
    """One caller's batch on its way to disk; `turn` is held until it is done or must lead."""

    __slots__ = ("batch", "done", "error", "tenant", "turn")

    def __init__(self, tenant: str, batch: MetricBatch) -> None:
        self.tenant = tenant
        self.batch = batch
        self.done = False
        self.error: Exception | None = None
        self.turn = threading.Lock()
        self.turn.acquire()


class AppendLog:
    """Writes batches, group by group; reads frames back."""

    def __init__(self, path: Path, catalogue: Catalogue, clock: Callable[[], int]) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._writer = open_database(path)
        self._writer.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        with translated():
            self._writer.executescript(SCHEMA + _LOG_SCHEMA)
        self.readers = Readers(path)
        self._committing = threading.Lock()
        self._queueing = threading.Lock()
        self._queue: list[_Waiting] = []
        self._is_led = False

    def append(self, tenant: str, batch: MetricBatch) -> None:
        """Return when the batch is on disk: one caller commits for all who wait, then the next."""
        mine = _Waiting(tenant, batch)
        with self._queueing:
            self._queue.append(mine)
            leads, self._is_led = not self._is_led, True
        if not leads:
            mine.turn.acquire()
        if not mine.done:
            self._lead()
        if mine.error is not None:
            raise mine.error

    def _lead(self) -> None:
        with self._committing:
            with self._queueing:
                group, self._queue = self._queue, []
            try:
                self._commit(group)
            finally:
                with self._queueing:
                    if self._queue:
                        self._queue[0].turn.release()
                    else:
                        self._is_led = False
                for waiting in group:
                    if not waiting.done:  # the leader was interrupted
                        waiting.error = Unavailable("the commit was interrupted")
                        waiting.done = True
                    waiting.turn.release()

    def _commit(self, group: list[_Waiting]) -> None:
        error: Exception | None = None
        try:
            with writing(self._writer) as head:
                self._catalogue.refresh(head)
                sids = [
                    self._catalogue.resolve(head, w.tenant, w.batch.series)[w.batch.index]
                    for w in group
                ]
                stamps = [w.batch.timestamps_ms for w in group]
                values = [w.batch.values for w in group]
                n, body = _encode(_joined(sids), _joined(stamps), _joined(values))
                head.execute(
                    "INSERT INTO log (n, at_ms, crc, body) VALUES (?, ?, ?, ?)",
                    (n, self._clock(), zlib.crc32(body), body),
                )
        except ConnectorError as unavailable:
            error = unavailable
        except Exception as unexpected:
            if len(group) > 1:  # one batch is at fault: the others must not suffer for it
                for waiting in group:
                    self._commit([waiting])
                return
            error = unexpected
        for waiting in group:
            waiting.error = error
            waiting.done = True

    def remove_up_to(self, last_id: int) -> None:
        """Drop frames that compaction has made durable elsewhere, and give space back."""
        with self._committing:
            with writing(self._writer) as head:
                head.execute("DELETE FROM log WHERE id <= ?", (last_id,))
            shrink(self._writer, slack_pages=_SLACK_PAGES, most_pages=_SLACK_PAGES)

    def delete_series(self, tenant: str, sids: list[int]) -> int:
        """Forget series; their chunks are removed by the next maintenance."""
        with self._committing, writing(self._writer) as head:
            deleted = 0
            for sid in sids:
                deleted += head.execute(
                    "DELETE FROM series WHERE sid = ? AND tenant = ?", (sid, tenant)
                ).rowcount
                head.execute("INSERT OR IGNORE INTO dropped VALUES (?)", (sid,))
            head.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
        return deleted

    def delete_named(self, tenant: str, series: list[Series]) -> None:
        """Forget series by name, where the samples themselves live elsewhere."""
        with self.readers.snapshot() as head:
            self._catalogue.refresh(head)
        sids = self._catalogue.numbers(tenant, series)
        self.delete_series(tenant, sids)
        self.forget_dropped(sids)

    def waiting(self) -> int:
        """Return how many samples are in the log."""
        with self.readers.snapshot() as head:
            (waiting,) = head.execute("SELECT total(n) FROM log").fetchone()
        return int(waiting)

    def forget_dropped(self, sids: list[int]) -> None:
        with self._committing, writing(self._writer) as head:
            head.executemany("DELETE FROM dropped WHERE sid = ?", [(sid,) for sid in sids])

    def close(self) -> None:
        with self._committing:
            self._writer.close()
        self.readers.close()


def finite_batch(batch: MetricBatch) -> MetricBatch:
    """Return the batch without NaN and infinities, or raise `Refused` if it contradicts itself.

    Prometheus marks the end of a series by a NaN, and one value that is not finite would spoil
    every average it takes part in.
    """
    index = batch.index
    lengths = {len(index), len(batch.timestamps_ms), len(batch.values)}
    if len(lengths) > 1:
        raise Refused(f"columns of a batch need one length, got {sorted(lengths)}")
    if len(index) and not (0 <= int(index.min()) and int(index.max()) < len(batch.series)):
        raise Refused(f"a batch of {len(batch.series)} series names series outside it")
    finite = np.isfinite(batch.values)
    if finite.all():
        return batch
    return MetricBatch(
        batch.series, index[finite], batch.timestamps_ms[finite], batch.values[finite]
    )


def read_frames(head: sqlite3.Connection, after_id: int, most_samples: int | None) -> list[Frame]:
    """Return the frames after an id in order; at least one, then up to `most_samples`."""
    frames: list[Frame] = []
    total = 0
    rows = head.execute("SELECT id, n, crc, body FROM log WHERE id > ? ORDER BY id", (after_id,))
    for id, n, crc, body in rows:
        total += n
        if frames and most_samples is not None and total > most_samples:
            break
        if zlib.crc32(body) == crc:
            frames.append(_decode(id, n, body))
        else:  # a damaged page: what it held is lost, what stands beside it is not
            lost = _decode(id, 0, bytes([_MIXED]))
            frames.append(msgspec.structs.replace(lost, is_damaged=True))
    rows.close()
    return frames


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _encode(
    sids: NDArray[np.int32], stamps: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[int, bytes]:
    one_time = len(stamps) > 0 and bool((stamps == stamps[0]).all())
    kept = stamps[:1] if one_time else stamps
    mode = bytes([_ONE_TIME if one_time else _MIXED])
    return len(values), b"".join((mode, sids.tobytes(), kept.tobytes(), values.tobytes()))


def _decode(id: int, n: int, body: bytes) -> Frame:
    sids = np.frombuffer(body, np.int32, n, 1)
    if body[0] == _ONE_TIME:
        stamps = np.full(n, np.frombuffer(body, np.int64, 1, 1 + 4 * n)[0])
        values = np.frombuffer(body, np.float64, n, 9 + 4 * n)
    else:
        stamps = np.frombuffer(body, np.int64, n, 1 + 4 * n)
        values = np.frombuffer(body, np.float64, n, 1 + 12 * n)
    return Frame(id, sids, stamps, values)
