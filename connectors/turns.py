"""Threads of one process write to SQLite in turn, and share a commit where several wait.

SQLite has one writer, and who finds it busy sleeps and tries again: of dozens of threads some
starve until they are refused. Here they stand in a queue. Each commit waits for the disk, so those
that queue write into one transaction, each behind a savepoint of its own, and one commit makes all
of them durable. Nobody is told of success before that.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from connectors.errors import Unavailable

MOST = 64
"""Transactions that share a commit: the first of them waits for the last."""


class _Group:
    """Transactions that are committed together, and how that ended."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.size = 0
        self.is_lost = False
        self.error: Exception | None = Unavailable("the record database cannot store now")
        self.ended = threading.Event()


class Turns:
    """The queue of one process before a SQLite database."""

    def __init__(self, write: sa.Engine, wait_s: float) -> None:
        self._write = write
        self._wait_s = wait_s
        self._turn = threading.Lock()
        self._count = threading.Lock()
        self._waiting = 0
        self._group: _Group | None = None

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A transaction of the caller's own; durable when the block has ended."""
        group = self._enter()
        try:
            with _savepoint(group):
                yield group.connection
        finally:
            self._leave(group)
        group.ended.wait()
        if group.error is not None:
            raise group.error

    def _enter(self) -> _Group:
        self._take_turn()
        try:
            if self._group is None:
                connection = self._write.connect()
                connection.begin()
                self._group = _Group(connection)
        except BaseException:
            self._turn.release()
            raise
        self._group.size += 1
        return self._group

    def _take_turn(self) -> None:
        with self._count:
            self._waiting += 1
        is_mine = self._turn.acquire(timeout=self._wait_s)
        with self._count:
            self._waiting -= 1
            # Whoever just left counted on the one who waited: it must not go away unless somebody
            # else is there.
            is_mine = is_mine or self._turn.acquire(blocking=False)
        if not is_mine:
            raise Unavailable("the record database is busy (others write)")

    def _leave(self, group: _Group) -> None:
        """Commit as the last of the group, or leave that to the next in the queue."""
        with self._count:
            if self._waiting and group.size < MOST and not group.is_lost:
                self._turn.release()
                return
        self._group = None
        try:
            if not group.is_lost:
                group.connection.commit()
                group.error = None
        except Exception as error:
            group.error = error
        finally:
            self._end(group)

    def _end(self, group: _Group) -> None:
        try:
            if group.error is not None:
                group.connection.invalidate()  # with what is open in it, which closing undoes
            group.connection.close()
        finally:
            self._turn.release()
            group.ended.set()


@contextmanager
def _savepoint(group: _Group) -> Iterator[None]:
    run = group.connection.exec_driver_sql
    run("SAVEPOINT turn")
    try:
        yield
    except BaseException:
        try:
            run("ROLLBACK TO turn")
            run("RELEASE turn")
        except sa.exc.DBAPIError:
            # SQLite gives up the whole transaction where a disk is full or fails: all are lost.
            group.is_lost = True
        raise
    try:
        run("RELEASE turn")
    except sa.exc.DBAPIError:
        group.is_lost = True
        raise
