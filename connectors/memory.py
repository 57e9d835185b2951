"""Cache and bus inside one process: the embedded default, and the fallback when Redis is away."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from connectors.protocols import Message, StoreHealth
from connectors.single_flight import Flight, SingleFlight

T = TypeVar("T")


@dataclass(slots=True)
class _Entry:
    value: Any
    fresh_until: float
    stale_until: float


class MemoryCache:
    """`Cache` in a bounded dictionary; the least recently read entry leaves first."""

    def __init__(
        self, *, max_entries: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_entries = max_entries
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._flights = SingleFlight()
        self._counts = {"hits": 0, "stale": 0, "computed": 0, "evicted": 0}

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
            self._fly(flight, compute, fresh_s, stale_s)

        with self._lock:
            now = self._clock()
            entry = self._live(key, now)
            if entry is None:
                # Joined under the lock: a flight that just landed has left its entry behind.
                flight, leads = self._flights.join(key)
            elif now < entry.fresh_until:
                self._counts["hits"] += 1
                return cast(T, entry.value)
        if entry is not None:
            self._counts["stale"] += 1
            self._flights.in_background(key, fly)
            return cast(T, entry.value)
        if leads:
            fly(flight)
        return cast(T, flight.wait())

    def put(
        self, key: str, value: T, kind: type[T], *, fresh_s: float, stale_s: float = 0.0
    ) -> None:
        with self._lock:
            self._store(key, value, fresh_s, stale_s)

    def get(self, key: str, kind: type[T]) -> T | None:
        with self._lock:
            entry = self._live(key, self._clock())
        return None if entry is None else cast(T, entry.value)

    def invalidate(self, prefix: str) -> None:
        with self._lock:
            self._flights.forget(prefix)
            for key in [k for k in self._entries if k.startswith(prefix)]:
                del self._entries[key]

    def health(self) -> StoreHealth:
        stats = {name: float(n) for name, n in self._counts.items()}
        return StoreHealth("cache (memory)", True, "", {**stats, "entries": len(self._entries)})

    def _fly(
        self, flight: Flight, compute: Callable[[], Any], fresh_s: float, stale_s: float
    ) -> None:
        try:
            value = compute()
        except BaseException as error:
            self._flights.land(flight)
            flight.future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        with self._lock:
            self._counts["computed"] += 1
            if self._flights.land(flight):
                self._store(flight.key, value, fresh_s, stale_s)
        flight.future.set_result(value)

    def _live(self, key: str, now: float) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry.stale_until:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry

    def _store(self, key: str, value: Any, fresh_s: float, stale_s: float) -> None:
        fresh_until = self._clock() + fresh_s
        self._entries[key] = _Entry(value, fresh_until, fresh_until + stale_s)
        self._entries.move_to_end(key)
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
            self._counts["evicted"] += 1


class MemorySubscription:
    """A bounded queue of messages; a full one drops its oldest, so a publisher never waits."""

    def __init__(self, capacity: int, on_close: Callable[[MemorySubscription], None]) -> None:
        self._queue: deque[Message] = deque(maxlen=max(1, capacity))
        self._changed = threading.Condition()
        self._on_close = on_close
        self._dropped = 0
        self._closed = False

    def push(self, message: Message) -> None:
        with self._changed:
            if self._closed:
                return
            self._dropped += len(self._queue) == self._queue.maxlen
            self._queue.append(message)
            self._changed.notify()

    def get(self, timeout_s: float) -> Message | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed, timeout_s)
            return self._queue.popleft() if self._queue and not self._closed else None

    def __iter__(self) -> Iterator[Message]:
        while not self._closed:
            message = self.get(60.0)
            if message is not None:
                yield message

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._on_close(self)

    @property
    def dropped(self) -> int:
        return self._dropped


class MemoryBus:
    """`Bus` between the threads of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers: dict[tuple[str, str], list[MemorySubscription]] = {}
        self._published = 0

    def publish(self, message: Message) -> None:
        # Pushed under the lock: two messages of one publisher reach every reader in order.
        with self._lock:
            self._published += 1
            for reader in self._readers.get((message.tenant, message.channel), ()):
                reader.push(message)

    def subscribe(
        self, tenant: str, channels: Sequence[str], *, capacity: int = 100
    ) -> MemorySubscription:
        subscription = MemorySubscription(capacity, self._remove)
        with self._lock:
            for channel in dict.fromkeys(channels):
                self._readers.setdefault((tenant, channel), []).append(subscription)
        return subscription

    def health(self) -> StoreHealth:
        with self._lock:
            readers = {id(s) for queue in self._readers.values() for s in queue}
        stats = {"subscriptions": float(len(readers)), "published": float(self._published)}
        return StoreHealth("bus (memory)", True, "", stats)

    def _remove(self, subscription: MemorySubscription) -> None:
        with self._lock:
            for place in [p for p, queue in self._readers.items() if subscription in queue]:
                self._readers[place].remove(subscription)
                if not self._readers[place]:
                    del self._readers[place]
