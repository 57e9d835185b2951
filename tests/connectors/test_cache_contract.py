"""What every cache must do, in memory and on a real Redis."""

from __future__ import annotations

import contextvars
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from connectors.errors import Refused
from connectors.memory import MemoryCache
from connectors.protocols import Cache
from connectors.redis_cache import RedisCache

SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Score:
    value: float
    history: Any = None


@pytest.fixture(params=["memory", "redis"])
def cache(request: pytest.FixtureRequest) -> Iterator[Cache]:
    if request.param == "memory":
        yield MemoryCache()
        return
    opened = RedisCache(request.getfixturevalue("redis_server").url)
    yield opened
    opened.close()


def _wait(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Counter:
    def __init__(self, delay_s: float = 0.0) -> None:
        self.calls = 0
        self.delay_s = delay_s
        self._lock = threading.Lock()

    def __call__(self) -> Score:
        with self._lock:
            self.calls += 1
            n = self.calls
        time.sleep(self.delay_s)
        return Score(float(n))


def test_a_fresh_value_is_computed_once(cache: Cache) -> None:
    compute = Counter()
    values = [cache.get_or_compute("k", Score, compute, fresh_s=60) for _ in range(3)]
    assert values == [Score(1.0)] * 3
    assert compute.calls == 1


def test_32_cold_readers_cause_one_computation(cache: Cache) -> None:
    compute = Counter(delay_s=0.1)
    with ThreadPoolExecutor(32) as pool:
        tasks = [
            pool.submit(cache.get_or_compute, "k", Score, compute, fresh_s=60) for _ in range(32)
        ]
        assert {task.result().value for task in tasks} == {1.0}
    assert compute.calls == 1


def test_an_expired_value_is_computed_again(cache: Cache) -> None:
    compute = Counter()
    cache.get_or_compute("k", Score, compute, fresh_s=0.05)
    time.sleep(0.1)
    assert cache.get_or_compute("k", Score, compute, fresh_s=60) == Score(2.0)


def test_a_stale_value_is_served_at_once_while_one_refresh_runs(cache: Cache) -> None:
    compute = Counter(delay_s=0.3)
    cache.put("k", Score(0.0), Score, fresh_s=0.01, stale_s=60)
    time.sleep(0.05)
    with ThreadPoolExecutor(16) as pool:
        tasks = [
            pool.submit(cache.get_or_compute, "k", Score, compute, fresh_s=60, stale_s=60)
            for _ in range(16)
        ]
        assert {task.result().value for task in tasks} == {0.0}
    _wait(lambda: cache.get("k", Score) == Score(1.0))
    assert compute.calls == 1


def test_a_failed_refresh_keeps_the_stale_value_and_is_not_hammered(
    cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def fail() -> Score:
        calls.append(1)
        raise ZeroDivisionError

    cache.put("k", Score(0.0), Score, fresh_s=0.01, stale_s=60)
    time.sleep(0.05)
    for _ in range(20):
        assert cache.get_or_compute("k", Score, fail, fresh_s=60, stale_s=60) == Score(0.0)
        time.sleep(0.01)
    assert len(calls) == 1
    assert "refresh of k failed" in caplog.text


def test_an_exception_reaches_every_waiter_and_is_not_cached(cache: Cache) -> None:
    def fail() -> Score:
        time.sleep(0.1)
        raise ZeroDivisionError("no data")

    with ThreadPoolExecutor(8) as pool:
        tasks = [pool.submit(cache.get_or_compute, "k", Score, fail, fresh_s=60) for _ in range(8)]
        assert {type(task.exception()) for task in tasks} == {ZeroDivisionError}
    assert cache.get_or_compute("k", Score, lambda: Score(5.0), fresh_s=60) == Score(5.0)


def test_put_get_and_absent(cache: Cache) -> None:
    assert cache.get("k", Score) is None
    cache.put("k", Score(1.0, np.arange(3.0)), Score, fresh_s=60)
    found = cache.get("k", Score)
    assert found is not None
    np.testing.assert_array_equal(found.history, [0.0, 1.0, 2.0])


@pytest.mark.parametrize("prefix", ["t*/", "a[b]?^-\\", "käse:"])
def test_invalidate_drops_exactly_the_prefix(cache: Cache, prefix: str) -> None:
    for key in (f"{prefix}1", f"{prefix}2", "tx/1", f"x{prefix}1"):
        cache.put(key, Score(1.0), Score, fresh_s=60)
    cache.invalidate(prefix)
    assert [cache.get(f"{prefix}{i}", Score) for i in (1, 2)] == [None, None]
    assert cache.get("tx/1", Score) == Score(1.0)
    assert cache.get(f"x{prefix}1", Score) == Score(1.0)


def test_a_computation_overtaken_by_invalidate_is_not_kept(cache: Cache) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow() -> Score:
        started.set()
        go_on.wait(10)
        return Score(1.0)

    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(cache.get_or_compute, "k", Score, slow, fresh_s=60)
        started.wait(10)
        cache.invalidate("k")
        assert cache.get_or_compute("k", Score, lambda: Score(2.0), fresh_s=60) == Score(2.0)
        go_on.set()
        assert task.result() == Score(1.0)
    assert cache.get("k", Score) == Score(2.0)


def test_a_computation_that_asks_for_itself_is_an_error(cache: Cache) -> None:
    def again() -> Score:
        return cache.get_or_compute("k", Score, again, fresh_s=60)

    with pytest.raises(RuntimeError, match="asks for itself"):
        cache.get_or_compute("k", Score, again, fresh_s=60)


def test_the_background_refresh_sees_the_callers_context(cache: Cache) -> None:
    tenant = contextvars.ContextVar("tenant", default="nobody")
    tenant.set("acme")
    seen: list[str] = []

    def compute() -> Score:
        seen.append(tenant.get())
        return Score(1.0)

    cache.put("k", Score(0.0), Score, fresh_s=0.01, stale_s=60)
    time.sleep(0.05)
    cache.get_or_compute("k", Score, compute, fresh_s=60, stale_s=60)
    _wait(lambda: bool(seen))
    assert seen == ["acme"]


def test_health_names_the_cache(cache: Cache) -> None:
    assert cache.health().ok
    assert "cache" in cache.health().name


def test_memory_is_bounded_and_drops_the_least_recently_read() -> None:
    cache = MemoryCache(max_entries=3)
    for key in "abc":
        cache.put(key, 1, int, fresh_s=60)
    cache.get("a", int)
    cache.put("d", 1, int, fresh_s=60)
    assert [cache.get(key, int) for key in "abcd"] == [1, None, 1, 1]


def _compute_in_process(url: str, start: Any, out: Any) -> None:
    cache = RedisCache(url)
    calls: list[int] = []

    def compute() -> Score:
        calls.append(1)
        time.sleep(0.5)
        return Score(float(os.getpid()))

    start.wait()
    value = cache.get_or_compute("k", Score, compute, fresh_s=60)
    out.put((value.value, len(calls)))


def test_processes_share_one_computation(redis_server: Any) -> None:
    # The class travels by module name: what spawn imports is not what pytest imported.
    start, out = SPAWN.Barrier(4), SPAWN.Queue()
    workers = [
        SPAWN.Process(target=_compute_in_process, args=(redis_server.url, start, out))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    answers = [out.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert sum(calls for _, calls in answers) == 1
    assert len({value for value, _ in answers}) == 1


def _die_computing(url: str, started: Any) -> None:
    def compute() -> Score:
        started.set()
        time.sleep(600)
        return Score(0.0)

    RedisCache(url, lock_s=0.6).get_or_compute("k", Score, compute, fresh_s=60)


def test_a_computation_is_taken_over_when_its_process_dies(redis_server: Any) -> None:
    cache = RedisCache(redis_server.url, lock_s=0.6)
    started = SPAWN.Event()
    worker = SPAWN.Process(target=_die_computing, args=(redis_server.url, started), daemon=True)
    worker.start()
    assert started.wait(60)
    time.sleep(1.0)  # longer than the lock: the holder keeps it alive
    assert cache._link.client.exists("aiobs:lock:k") == 1
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert cache.get_or_compute("k", Score, lambda: Score(7.0), fresh_s=60) == Score(7.0)
    cache.close()


def test_without_redis_the_cache_answers_says_so_and_comes_back(redis_server: Any) -> None:
    cache = RedisCache(redis_server.url, retry_s=0.2)
    cache.put("old", Score(1.0), Score, fresh_s=60)
    redis_server.stop()
    compute = Counter()
    values = [cache.get_or_compute("k", Score, compute, fresh_s=60) for _ in range(3)]
    assert values == [Score(1.0)] * 3
    assert compute.calls == 1
    assert cache.get("k", Score) == Score(1.0)
    health = cache.health()
    assert not health.ok
    assert "Redis does not answer" in health.detail
    redis_server.start()
    _wait(lambda: cache.health().ok)
    cache.put("k", Score(9.0), Score, fresh_s=60)
    other = RedisCache(redis_server.url)
    assert other.get("k", Score) == Score(9.0)
    other.close()
    cache.close()


def test_what_was_invalidated_during_an_outage_stays_invalid(redis_server: Any) -> None:
    cache = RedisCache(redis_server.url, retry_s=0.2, timeout_s=0.2)
    cache.put("a/1", Score(1.0), Score, fresh_s=60)
    cache.put("b/1", Score(1.0), Score, fresh_s=60)
    pid = redis_server.pid
    os.kill(pid, signal.SIGSTOP)  # alive but silent: its memory survives the outage
    try:
        cache.invalidate("a/")
    finally:
        os.kill(pid, signal.SIGCONT)
    _wait(lambda: cache.health().ok)
    assert cache.get("a/1", Score) is None
    assert cache.get("b/1", Score) == Score(1.0)
    cache.close()


def test_redis_starting_later_is_found(redis_server: Any) -> None:
    redis_server.stop()
    cache = RedisCache(redis_server.url, retry_s=0.1)
    assert cache.get_or_compute("k", Score, lambda: Score(1.0), fresh_s=60) == Score(1.0)
    redis_server.start()
    _wait(lambda: cache.health().ok)
    cache.close()


def test_a_value_of_another_version_is_computed_again(redis_server: Any) -> None:
    cache = RedisCache(redis_server.url)
    for junk in (b"", b"junk", b"x" * 100):
        cache._link.client.set("aiobs:value:k", junk)
        assert cache.get("k", Score) is None
    assert cache.get_or_compute("k", Score, lambda: Score(1.0), fresh_s=60) == Score(1.0)
    cache.close()


def test_a_malformed_redis_url_is_refused() -> None:
    with pytest.raises(Refused):
        RedisCache("nonsense")
