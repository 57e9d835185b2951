"""SQLite connections: how they are opened, pooled for readers, and how their errors are told."""

from __future__ import annotations

import queue
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.errors import Unavailable

PAGE_BYTES = 16_384
BUSY_TIMEOUT_S = 15.0
_WAL_BYTES = 32 << 20  # what the write-ahead file shrinks to after a large transaction


def open_database(path: Path) -> sqlite3.Connection:
    """Return a connection in WAL mode whose commits are synced to disk."""
    with translated():
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        _enter_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")
    return connection


def _enter_wal(connection: sqlite3.Connection) -> None:
    # The switch of a fresh file to WAL does not wait for the busy timeout: retry it by hand.
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what SQLite raises into `Unavailable`: full, locked, unreadable or damaged."""
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(f"the metric store cannot be used now: {error}") from error


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Run a transaction that holds the write lock and takes effect as a whole or not at all."""
    with translated():
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def shrink(connection: sqlite3.Connection, *, slack_pages: int, most_pages: int) -> None:
    """Give free pages beyond a slack back to the file system, a bounded number at a time."""
    with translated():
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        surplus = min(free - slack_pages, most_pages)
        if surplus > 0:
            # Not `execute`: it steps a statement without columns once, which frees one page.
            connection.executescript(f"PRAGMA incremental_vacuum({surplus})")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


class Readers:
    """Connections for reading, handed out one per caller and kept open between calls."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection inside one read transaction: all its queries see the same state."""
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = open_database(self._path)
        try:
            with translated():
                connection.execute("BEGIN")
                try:
                    yield connection
                finally:
                    if connection.in_transaction:
                        connection.execute("COMMIT")
        finally:
            self._idle.put(connection)

    def close(self) -> None:
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return
