"""One SQLite file: durable group commits, snapshot reads, and errors in the connectors' words."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from connectors.errors import ConnectorError, Refused, Unavailable

T = TypeVar("T")

_BUSY_TIMEOUT_S = 15.0
_JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024
_CHECKPOINT_PAGES = 8_000  # keys land on random pages: fewer checkpoints write each page once
_READER_CACHE_KIB = 4_096  # one per thread; blocks are read once, the system keeps them
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_TRY_LATER = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
}


def translate(error: sqlite3.Error, path: Path) -> Exception:
    """What a caller should see; programming errors pass through unchanged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED:
        return Refused(
            f"{path.name} is damaged ({error}); stop the hub, move {path} away or restore a copy"
        )
    if code in _TRY_LATER:
        return Unavailable(f"{path.name} cannot be used now: {error}")
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return Unavailable(f"{path.name} is closed")
    return error


class _Ticket(Generic[T]):
    """A write that waits for its commit."""

    __slots__ = ("done", "error", "job", "result")

    def __init__(self, job: Callable[[sqlite3.Connection], T]) -> None:
        self.job = job
        self.result: T | None = None
        self.error: BaseException | None = None
        self.done = False


class Database:
    """Writes of all threads share commits; every read sees one snapshot.

    A write returns once its transaction is on disk (`synchronous=FULL`). Threads that arrive while
    a commit is under way join the next one, so they share its fsync; each keeps its own savepoint.
    """

    def __init__(self, path: Path, schema: str, *, cache_mib: int = 16) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._local = threading.local()
        self._queue: list[_Ticket[Any]] = []
        self._queue_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._closed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._connect(cache_mib * 1_024)
            self._create(schema)
        except sqlite3.Error as error:
            raise translate(error, path) from error
        except OSError as error:
            raise Unavailable(f"{path} cannot be opened: {error}") from error

    def _connect(self, cache_kib: int) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        # auto_vacuum only takes effect on a new file, before its first table.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA journal_size_limit={_JOURNAL_LIMIT_BYTES}")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA cache_size=-{cache_kib}")
        connection.execute("PRAGMA temp_store=MEMORY")
        return connection

    def _create(self, schema: str) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            for statement in schema.split(";"):
                if statement.strip():
                    self._writer.execute(statement)
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise

    def write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run `job` in a durable transaction, shared with the other threads that wait."""
        ticket: _Ticket[T] = _Ticket(job)
        with self._queue_lock:
            self._queue.append(ticket)
        with self._write_lock:
            if not ticket.done:
                with self._queue_lock:
                    tickets, self._queue = self._queue, []
                self._commit(tickets)
        if ticket.error is not None:
            raise ticket.error
        return ticket.result  # type: ignore[return-value]  # T may itself include None

    def _commit(self, tickets: list[_Ticket[Any]]) -> None:
        try:
            if self._closed:
                raise Unavailable(f"{self.path.name} is closed")
            self._writer.execute("BEGIN IMMEDIATE")
            for ticket in tickets:
                self._attempt(ticket)
            self._writer.execute("COMMIT")
        except BaseException as error:
            self._abandon()
            shown = translate(error, self.path) if isinstance(error, sqlite3.Error) else error
            for ticket in tickets:
                ticket.error = ticket.error or shown
            if not isinstance(error, Exception):
                raise
        finally:
            for ticket in tickets:
                ticket.done = True

    def _attempt(self, ticket: _Ticket[Any]) -> None:
        writer = self._writer
        writer.execute("SAVEPOINT job")
        try:
            ticket.result = ticket.job(writer)
        except Exception as error:
            # A full disk makes SQLite roll the whole transaction back: then all tickets fail.
            if not writer.in_transaction:
                raise
            writer.execute("ROLLBACK TO job")
            ticket.error = (
                translate(error, self.path) if isinstance(error, sqlite3.Error) else error
            )
        writer.execute("RELEASE job")

    def _abandon(self) -> None:
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.Error:
            pass  # the original error says what went wrong

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection inside one snapshot; nested reads of a thread share it."""
        outer = getattr(self._local, "connection", None)
        if outer is not None:
            yield outer
            return
        connection = self._reader()
        try:
            connection.execute("BEGIN")
            self._local.connection = connection
            yield connection
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        finally:
            self._local.connection = None
            self._give_back(connection)

    def _reader(self) -> sqlite3.Connection:
        """An idle read connection: there are as many as reads ran at the same time."""
        if self._closed:
            raise Unavailable(f"{self.path.name} is closed")
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            connection = self._connect(_READER_CACHE_KIB)
            connection.execute("PRAGMA query_only=ON")
            return connection
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    def _give_back(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            connection.close()
            return
        self._idle.append(connection)
        if self._closed:
            connection.close()

    def tidy(self, pages: int) -> None:
        """Empty the journal, and return up to `pages` free pages to the file system."""
        try:
            with self._write_lock:
                if self._closed:
                    return
                self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                (free,) = self._writer.execute("PRAGMA freelist_count").fetchone()
                (pages_now,) = self._writer.execute("PRAGMA page_count").fetchone()
                if free > 16 + pages_now // 16:  # a few stay for the next writes
                    # `execute` would stop after the first page: this pragma frees one per step.
                    self._writer.executescript(f"PRAGMA incremental_vacuum({pages})")
                    self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            shown = translate(error, self.path)
            if not isinstance(shown, ConnectorError):
                raise
            # Another process writes: space comes back at a later step.

    def size_bytes(self) -> int:
        """Bytes on disk, journal included."""
        journal = self.path.with_name(self.path.name + "-wal")
        return sum(file.stat().st_size for file in (self.path, journal) if file.exists())

    def close(self) -> None:
        """Close the connections; later calls raise `Unavailable`."""
        with self._write_lock:
            self._closed = True
            self._writer.close()
            while self._idle:
                self._idle.pop().close()
