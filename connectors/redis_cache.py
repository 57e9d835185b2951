"""Results shared by several processes through Redis; without Redis, each answers from memory."""

from __future__ import annotations

import secrets
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from connectors import codec
from connectors.errors import Unavailable
from connectors.memory import MemoryCache
from connectors.protocols import StoreHealth
from connectors.redis_link import RedisLink
from connectors.single_flight import Flight, SingleFlight

T = TypeVar("T")

_MAX_MISSED = 1_000
_POLL_S = (0.005, 0.05)
_FRESH = struct.Struct("<q")

# Invalidation drops the lock too, so a holder that lost it must not store what it computed.
_STORE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
"""
_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end"
_DROP = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class RedisCache:
    """`Cache` on Redis: one computation per key over all processes, under a renewed lock."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "aiobs",
        lock_s: float = 10.0,
        timeout_s: float = 1.0,
        retry_s: float = 1.0,
    ) -> None:
        self._link = RedisLink(url, timeout_s=timeout_s, retry_s=retry_s)
        self._link.on_return.append(self._catch_up)
        self._prefix = prefix
        self._lock_s = lock_s
        self._flights = SingleFlight()
        self._local = MemoryCache()
        self._missed: set[str] = set()
        client = self._link.client
        self._store_script = client.register_script(_STORE)
        self._renew_script = client.register_script(_RENEW)
        self._drop_script = client.register_script(_DROP)

    def get_or_compute(
        self,
        key: str,
        kind: type[T],
        compute: Callable[[], T],
        *,
        fresh_s: float,
        stale_s: float = 0.0,
    ) -> T:
        def fly(flight: Flight) -> None:
            self._fly(flight, lambda: self._shared(key, kind, compute, fresh_s, stale_s))

        try:
            found = self._read(key, kind)
        except Unavailable:
            return self._local.get_or_compute(key, kind, compute, fresh_s=fresh_s, stale_s=stale_s)
        if found is not None:
            value, is_fresh = found
            if not is_fresh:
                self._flights.in_background(key, fly)
            return value
        flight, leads = self._flights.join(key)
        if leads:
            fly(flight)
        return cast(T, flight.wait())

    def put(
        self, key: str, value: T, kind: type[T], *, fresh_s: float, stale_s: float = 0.0
    ) -> None:
        data, keep_ms = _frame(value, fresh_s, stale_s)
        try:
            self._link.call(lambda client: client.set(self._value(key), data, px=keep_ms))
        except Unavailable:
            self._local.put(key, value, kind, fresh_s=fresh_s, stale_s=stale_s)

    def get(self, key: str, kind: type[T]) -> T | None:
        try:
            found = self._read(key, kind)
        except Unavailable:
            return self._local.get(key, kind)
        return None if found is None else found[0]

    def invalidate(self, prefix: str) -> None:
        self._flights.forget(prefix)
        self._local.invalidate(prefix)
        try:
            self._link.call(lambda client: self._unlink(client, prefix))
        except Unavailable:
            # Other processes' values outlive the outage: drop them when Redis is back.
            self._missed.add(prefix if len(self._missed) < _MAX_MISSED else "")

    def health(self) -> StoreHealth:
        trouble = self._link.trouble()
        detail = f"{trouble}; answering from local memory" if trouble else ""
        return StoreHealth("cache (redis)", not trouble, detail, self._local.health().stats)

    def close(self) -> None:
        self._link.close()

    def _value(self, key: str) -> str:
        return f"{self._prefix}:value:{key}"

    def _lock(self, key: str) -> str:
        return f"{self._prefix}:lock:{key}"

    def _read(self, key: str, kind: type[T]) -> tuple[T, bool] | None:
        data = self._link.call(lambda client: client.get(self._value(key)))
        if data is None:
            return None
        try:
            (fresh_until_ms,) = _FRESH.unpack_from(data)
            return codec.decode(data[_FRESH.size :], kind), time.time() * 1000 < fresh_until_ms
        except (ValueError, struct.error):
            return None  # written by another version of the hub: computed again

    def _fly(self, flight: Flight, work: Callable[[], object]) -> None:
        try:
            value = work()
        except BaseException as error:
            self._flights.land(flight)
            flight.future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        self._flights.land(flight)
        flight.future.set_result(value)

    def _shared(
        self, key: str, kind: type[T], compute: Callable[[], T], fresh_s: float, stale_s: float
    ) -> T:
        token = secrets.token_hex(8)
        pause_s = _POLL_S[0]
        try:
            while not self._link.call(
                lambda client: client.set(
                    self._lock(key), token, nx=True, px=int(self._lock_s * 1000)
                )
            ):
                time.sleep(pause_s)
                pause_s = min(pause_s * 1.5, _POLL_S[1])
                found = self._read(key, kind)
                if found is not None:  # fresh, or stale while another process refreshes it
                    return found[0]
            found = self._read(key, kind)
            if found is not None and found[1]:
                self._release(key, token)
                return found[0]
        except Unavailable:
            return self._local.get_or_compute(key, kind, compute, fresh_s=fresh_s, stale_s=stale_s)
        return self._computed(key, kind, token, compute, fresh_s, stale_s)

    def _computed(
        self,
        key: str,
        kind: type[T],
        token: str,
        compute: Callable[[], T],
        fresh_s: float,
        stale_s: float,
    ) -> T:
        try:
            with self._kept_alive(key, token):
                value = compute()
            data, keep_ms = _frame(value, fresh_s, stale_s)
        except BaseException:
            self._release(key, token)
            raise
        keys = [self._value(key), self._lock(key)]
        arguments: list[str | bytes | int] = [token, data, keep_ms]
        try:
            self._link.call(lambda _: self._store_script(keys=keys, args=arguments))
        except Unavailable:
            self._local.put(key, value, kind, fresh_s=fresh_s, stale_s=stale_s)
        return value

    @contextmanager
    def _kept_alive(self, key: str, token: str) -> Iterator[None]:
        done = threading.Event()

        def renew() -> None:
            arguments: list[str | bytes | int] = [token, int(self._lock_s * 1000)]
            while not done.wait(self._lock_s / 3):
                try:
                    self._link.call(
                        lambda _: self._renew_script(keys=[self._lock(key)], args=arguments)
                    )
                except Unavailable:
                    continue

        threading.Thread(target=renew, name="cache-lock", daemon=True).start()
        try:
            yield
        finally:
            done.set()

    def _release(self, key: str, token: str) -> None:
        try:
            self._link.call(lambda _: self._drop_script(keys=[self._lock(key)], args=[token]))
        except Unavailable:
            return  # the lock expires by itself

    def _catch_up(self) -> None:
        for prefix in list(self._missed):
            self._unlink(self._link.client, prefix)
            self._missed.discard(prefix)
        self._local.invalidate("")

    def _unlink(self, client: Any, prefix: str) -> None:  # redis.Redis, untyped in its answers
        escaped = "".join(f"\\{c}" if c in "*?[]\\^-" else c for c in prefix)
        for name in (self._value(""), self._lock("")):
            batch: list[bytes] = []
            for found in client.scan_iter(match=f"{name}{escaped}*", count=1_000):
                batch.append(found)
                if len(batch) == 1_000:
                    client.unlink(*batch)
                    batch = []
            if batch:
                client.unlink(*batch)


def _frame(value: object, fresh_s: float, stale_s: float) -> tuple[bytes, int]:
    fresh_until_ms = int((time.time() + fresh_s) * 1000)
    keep_ms = max(1, int((fresh_s + stale_s) * 1000))
    return _FRESH.pack(fresh_until_ms) + codec.encode(value), keep_ms
