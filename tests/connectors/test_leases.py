"""Leases and claimed runs, over SQLite and a real PostgreSQL."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from connectors import leases
from connectors.records import SqlRecordBackend

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def backend(record_url: str) -> Iterator[SqlRecordBackend]:
    backend = SqlRecordBackend(record_url)
    yield backend
    backend.close()


def test_a_lease_is_held_by_one_and_renewed_by_its_owner(backend: SqlRecordBackend) -> None:
    lock = backend.lock()
    lease = lock.acquire("leader", "a", 30)
    assert lease is not None
    assert lock.acquire("leader", "b", 30) is None
    assert lock.acquire("other", "b", 30) is not None
    renewed = lock.acquire("leader", "a", 60)
    assert renewed is not None
    assert renewed.token == lease.token
    assert renewed.expires_at_ms > lease.expires_at_ms


def test_release_frees_the_name_and_the_token_grows(backend: SqlRecordBackend) -> None:
    lock = backend.lock()
    first = lock.acquire("leader", "a", 30)
    assert first is not None
    assert lock.release(first) is True
    assert lock.release(first) is False
    second = lock.acquire("leader", "b", 30)
    third = lock.acquire("leader", "b", 30)
    assert second is not None
    assert second.token == first.token + 1
    assert third is not None
    assert lock.release(first) is False, "a former holder must not free the new one's lease"
    assert lock.acquire("leader", "a", 30) is None


def test_an_expired_lease_goes_to_the_next_with_a_higher_token(backend: SqlRecordBackend) -> None:
    lock = backend.lock()
    first = lock.acquire("leader", "a", 0.05)
    assert first is not None
    time.sleep(0.1)
    assert lock.release(first) is False
    second = lock.acquire("leader", "b", 30)
    assert second is not None
    assert second.token > first.token


def _hold_for_ever(url: str, ready: Any) -> None:
    lease = SqlRecordBackend(url).lock().acquire("leader", "holder", 1.0)
    ready.put(lease.token if lease else None)
    time.sleep(600)


def test_killing_the_holder_frees_the_lease_after_its_time(record_url: str) -> None:
    backend = SqlRecordBackend(record_url)
    ready = SPAWN.Queue()
    holder = SPAWN.Process(target=_hold_for_ever, args=(record_url, ready), daemon=True)
    holder.start()
    token = ready.get(timeout=60)
    assert holder.pid is not None
    assert backend.lock().acquire("leader", "heir", 1.0) is None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    lease = None
    deadline = time.monotonic() + 10
    while lease is None and time.monotonic() < deadline:
        lease = backend.lock().acquire("leader", "heir", 1.0)
        time.sleep(0.05)
    backend.close()
    assert lease is not None
    assert lease.token == token + 1


def test_a_run_is_claimed_once_for_ever(backend: SqlRecordBackend) -> None:
    assert backend.claim_run("drift", 1_000, "a") is True
    assert backend.claim_run("drift", 1_000, "a") is False
    assert backend.claim_run("drift", 1_000, "b") is False
    assert backend.claim_run("drift", 2_000, "b") is True
    assert backend.claim_run("trust", 1_000, "b") is True


def test_forgotten_runs_cannot_be_claimed_again(backend: SqlRecordBackend) -> None:
    for at in (1_000, 2_000, 3_000):
        backend.claim_run("drift", at, "a")
    assert leases.forget_runs(backend._write, 2_500) == 2
    assert leases.forget_runs(backend._write, 2_500) == 0
    assert [backend.claim_run("drift", at, "b") for at in (1_000, 2_000, 3_000)] == [False] * 3
    assert backend.claim_run("drift", 4_000, "b") is True
    assert backend.claim_run("trust", 1_000, "b") is True


def _claim_all(url: str, owner: str, runs: int, out: Any) -> None:
    backend = SqlRecordBackend(url)
    out.put([at for at in range(runs) if backend.claim_run("job", at, owner)])


def test_processes_that_start_together_claim_500_runs_exactly_once(record_url: str) -> None:
    # No backend is opened first: the four processes also race to create the schema.
    out = SPAWN.Queue()
    workers = [
        SPAWN.Process(target=_claim_all, args=(record_url, f"w{i}", 500, out)) for i in range(4)
    ]
    for worker in workers:
        worker.start()
    claimed = [at for _ in workers for at in out.get(timeout=120)]
    for worker in workers:
        worker.join()
    assert [w.exitcode for w in workers] == [0] * 4
    assert sorted(claimed) == list(range(500))
