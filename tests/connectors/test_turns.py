"""Threads that write to SQLite at once: each its own transaction, one commit for many."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import Conflict, Unavailable
from connectors.records import SqlRecordBackend, SqlRecordStore
from connectors.sql_engine import open_engine
from connectors.turns import MOST, Turns


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[SqlRecordBackend]:
    backend = SqlRecordBackend(f"sqlite:///{tmp_path / 'records.db'}")
    yield backend
    backend.close()


@pytest.fixture
def commits(backend: SqlRecordBackend) -> list[int]:
    """Grows with each commit."""
    seen: list[int] = []
    sa.event.listen(backend._engine, "commit", lambda _: seen.append(1))
    return seen


class Crowd:
    """Threads that queue behind one that holds the turn until all are there."""

    def __init__(self, backend: SqlRecordBackend, n: int) -> None:
        self.store: SqlRecordStore = backend.scoped("t")
        self.turns: Turns = backend._begin.__self__  # type: ignore[attr-defined]
        self.n = n
        self.ended: dict[int, str] = {}

    def write(self, number: int) -> None:
        try:
            with self.store.transaction() as transaction:
                transaction.put("k", str(number), {})
                if number % 3 == 0:
                    raise KeyError(number)
                if number % 5 == 0:
                    transaction.put("k", str(number), {}, expected_revision=9)
            self.ended[number] = "ok"
        except (KeyError, Conflict) as error:
            self.ended[number] = type(error).__name__

    def run(self) -> None:
        threads = [threading.Thread(target=self.write, args=(k,)) for k in range(1, self.n + 1)]
        with self.store.transaction() as transaction:
            transaction.put("k", "first", {})
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + 10
            while self.turns._waiting < self.n and time.monotonic() < deadline:
                time.sleep(0.001)
        for thread in threads:
            thread.join()


def stored(store: SqlRecordStore) -> set[str]:
    return {row.id for row in store.list("k", limit=1_000)}


def test_who_fails_undoes_nothing_of_the_others(
    backend: SqlRecordBackend, commits: list[int]
) -> None:
    crowd = Crowd(backend, 30)
    crowd.run()
    good = {k for k in range(1, 31) if k % 3 and k % 5}
    assert {k for k, how in crowd.ended.items() if how == "ok"} == good
    assert stored(crowd.store) == {"first", *map(str, good)}
    assert len(commits) == 1


def test_a_crowd_is_committed_in_parts(backend: SqlRecordBackend, commits: list[int]) -> None:
    crowd = Crowd(backend, MOST + 10)
    crowd.run()
    assert len(crowd.ended) == MOST + 10
    assert len(commits) == 2


def test_a_commit_that_fails_fails_for_all(
    backend: SqlRecordBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: sa.Connection) -> None:
        raise sa.exc.OperationalError("COMMIT", None, OSError("database or disk is full"))

    crowd = Crowd(backend, 0)
    errors: list[Exception] = []

    def write() -> None:
        try:
            crowd.store.put("k", "a", {})
        except Unavailable as error:
            errors.append(error)

    sa.event.listen(backend._engine, "commit", full)
    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sa.event.remove(backend._engine, "commit", full)
    assert len(errors) == 8
    assert stored(crowd.store) == set()
    crowd.store.put("k", "later", {})
    assert stored(crowd.store) == {"later"}


def test_a_transaction_that_sqlite_gave_up_is_success_for_nobody(
    backend: SqlRecordBackend,
) -> None:
    crowd = Crowd(backend, 0)
    inside, ended = threading.Event(), dict[str, str]()

    def write(name: str, gives_up: bool) -> None:
        try:
            with crowd.store.transaction() as transaction:
                transaction.put("k", name, {})
                inside.set()
                while not gives_up and crowd.turns._waiting == 0:
                    time.sleep(0.001)
                if gives_up:  # as on a full disk: the whole transaction is gone
                    transaction._connection.exec_driver_sql("ROLLBACK")
            ended[name] = "ok"
        except Unavailable:
            ended[name] = "unavailable"

    first = threading.Thread(target=write, args=("first", False))
    second = threading.Thread(target=write, args=("second", True))
    first.start()
    inside.wait(10)
    second.start()
    first.join()
    second.join()
    assert ended == {"first": "unavailable", "second": "unavailable"}
    assert stored(crowd.store) == set()
    crowd.store.put("k", "later", {})
    assert stored(crowd.store) == {"later"}


def test_who_waits_too_long_is_told_and_leaves_nobody_behind(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}").execution_options(writes=True)
    turns = Turns(engine, wait_s=0.05)
    with turns.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        told: list[str] = []

        def late() -> None:
            try:
                with turns.transaction():
                    told.append("in")
            except Unavailable as error:
                told.append(str(error))

        thread = threading.Thread(target=late)
        thread.start()
        thread.join()
        assert told == ["the record database is busy (others write)"]
    with turns.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    engine.dispose()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["ok", "fails"]), min_size=1, max_size=12))
def test_any_mix_leaves_what_was_told(
    tmp_path_factory: pytest.TempPathFactory, how: list[str]
) -> None:
    backend = SqlRecordBackend(f"sqlite:///{tmp_path_factory.mktemp('t') / 'records.db'}")
    store, told = backend.scoped("t"), set[str]()

    def write(number: int, outcome: str) -> None:
        try:
            with store.transaction() as transaction:
                transaction.put("k", str(number), {})
                if outcome == "fails":
                    raise KeyError
            told.add(str(number))
        except KeyError:
            pass

    threads = [threading.Thread(target=write, args=pair) for pair in enumerate(how)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored(store) == told == {str(k) for k, o in enumerate(how) if o == "ok"}
    backend.close()
