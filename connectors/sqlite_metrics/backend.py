"""The embedded metric backend: opens tenants' stores and does the housekeeping of all."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from connectors.errors import Unavailable
from connectors.protocols import StoreHealth
from connectors.sqlite_metrics import chunks as chunk_table
from connectors.sqlite_metrics.catalogue import Catalogue
from connectors.sqlite_metrics.compaction import merge_frames, remove_before, remove_series
from connectors.sqlite_metrics.database import Readers, open_database, shrink, translated, writing
from connectors.sqlite_metrics.log import AppendLog, read_frames
from connectors.sqlite_metrics.store import SqliteMetricStore
from connectors.sqlite_metrics.tail import Tail

_DAY_MS = 86_400_000
_STEP_SAMPLES = 1_000_000
_STEP_SECONDS = 1.0  # no further step is begun after this long
_VACUUM_PAGES = 2_000  # 32 MiB at most per step
_SLACK_PAGES = 16


def _wall_clock() -> int:
    return time.time_ns() // 1_000_000


class SqliteMetricBackend:
    """Metrics of all tenants in two SQLite files of one folder.

    Any number of processes may open the folder, to read and to write. One of them, at a time, does
    the work of `maintain`: the others return at once.
    """

    def __init__(
        self,
        folder: Path,
        *,
        retention_days: float = 90.0,
        compact_after_s: float = 600.0,
        compact_after_samples: int = 500_000,
        clock: Callable[[], int] = _wall_clock,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._retention_ms = int(retention_days * _DAY_MS)
        self._compact_after_ms = int(compact_after_s * 1_000)
        self._compact_after_samples = compact_after_samples
        self._folder = folder
        self._catalogue = Catalogue()
        self._tail = Tail()
        self._log = AppendLog(folder / "head.sqlite3", self._catalogue, clock)
        self._chunks = open_database(folder / "chunks.sqlite3")
        with translated():
            self._chunks.executescript(chunk_table.SCHEMA)
            self._chunks.execute("PRAGMA busy_timeout=100")
        self._chunk_readers = Readers(folder / "chunks.sqlite3")
        self._maintaining = threading.Lock()

    def scoped(self, tenant: str) -> SqliteMetricStore:
        return SqliteMetricStore(
            tenant, self._log, self._catalogue, self._tail, self._chunk_readers
        )

    def maintain(self, now_ms: int) -> None:
        """One bounded step: compact if enough waits or it waits long, then delete and shrink."""
        if not self._maintaining.acquire(blocking=False):
            return
        try:
            begun = time.monotonic()
            while (
                self._is_due(now_ms)
                and self._compact_step()
                and time.monotonic() - begun < _STEP_SECONDS
            ):
                pass
            self._purge(now_ms)
        finally:
            self._maintaining.release()

    def compact(self) -> None:
        """Compact all that is in the log now, whatever its size and age."""
        with self._maintaining:
            while self._compact_step():
                pass

    def health(self) -> StoreHealth:
        try:
            with self._log.readers.snapshot() as head:
                waiting, frames = head.execute("SELECT total(n), count(*) FROM log").fetchone()
                (series,) = head.execute("SELECT count(*) FROM series").fetchone()
            with self._chunk_readers.snapshot() as chunks:
                damaged = chunk_table.damaged(chunks)
        except Unavailable as error:
            return StoreHealth("sqlite metrics", False, str(error))
        stats = {
            "series": float(series),
            "log_samples": float(waiting),
            "log_frames": float(frames),
            "damaged": float(damaged),
            "disk_bytes": float(sum(f.stat().st_size for f in self._folder.glob("*.sqlite3*"))),
        }
        return StoreHealth("sqlite metrics", True, stats=stats)

    def close(self) -> None:
        with self._maintaining:
            self._log.close()
            self._chunk_readers.close()
            self._chunks.close()

    def _is_due(self, now_ms: int) -> bool:
        with self._log.readers.snapshot() as head:
            waiting, oldest = head.execute("SELECT total(n), min(at_ms) FROM log").fetchone()
        if oldest is None:
            return False
        return bool(
            waiting >= self._compact_after_samples or now_ms - oldest >= self._compact_after_ms
        )

    def _compact_step(self) -> bool:
        """Move the oldest frames to chunks; whether there was anything to move."""
        try:
            with writing(self._chunks) as chunks:
                done_id = chunk_table.compacted_id(chunks)
                with self._log.readers.snapshot() as head:
                    self._catalogue.refresh(head)
                    frames = read_frames(head, done_id, _STEP_SAMPLES)
                if frames:
                    merge_frames(chunks, frames, self._catalogue.live())
                    done_id = frames[-1].id
        except Unavailable as error:
            if _is_busy(error):  # another process is at it
                return False
            raise
        self._log.remove_up_to(done_id)
        return bool(frames)

    def _purge(self, now_ms: int) -> None:
        with self._log.readers.snapshot() as head:
            dropped = [sid for (sid,) in head.execute("SELECT sid FROM dropped LIMIT 1000")]
        before_ms = now_ms - self._retention_ms
        try:
            with writing(self._chunks) as chunks:
                remove_before(chunks, before_ms)
                if dropped:
                    remove_series(chunks, dropped)
            shrink(self._chunks, slack_pages=_SLACK_PAGES, most_pages=_VACUUM_PAGES)
        except Unavailable as error:
            if _is_busy(error):
                return
            raise
        if dropped:
            self._log.forget_dropped(dropped)


def _is_busy(error: Unavailable) -> bool:
    cause = error.__cause__
    return (
        isinstance(cause, sqlite3.OperationalError)
        and cause.sqlite_errorcode == sqlite3.SQLITE_BUSY
    )
