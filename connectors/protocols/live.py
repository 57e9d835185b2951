"""What processes share while they run: the cache and the bus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

import msgspec

from connectors.protocols.health import StoreHealth

T = TypeVar("T")


class Cache(Protocol):
    """Results by key, computed by one caller at a time."""

    def get_or_compute(
        self,
        key: str,
        kind: type[T],
        compute: Callable[[], T],
        *,
        fresh_s: float,
        stale_s: float = 0.0,
    ) -> T:
        """The cached value while fresh; while stale, the old value and ONE background refresh;
        otherwise ONE caller computes (across threads, and across processes on a shared cache) and
        the others wait for it. An exception of `compute` reaches every waiter, uncached."""
        ...

    def put(
        self, key: str, value: T, kind: type[T], *, fresh_s: float, stale_s: float = 0.0
    ) -> None: ...

    def get(self, key: str, kind: type[T]) -> T | None: ...

    def invalidate(self, prefix: str) -> None: ...

    def health(self) -> StoreHealth: ...


class Message(msgspec.Struct, frozen=True):
    """What travels on the bus: JSON bytes for one tenant's channel."""

    tenant: str
    channel: str
    data: bytes


class Subscription(Protocol):
    """A bounded queue that drops its oldest message when its reader is slow."""

    def __iter__(self) -> Iterator[Message]: ...

    def get(self, timeout_s: float) -> Message | None: ...

    def close(self) -> None: ...

    @property
    def dropped(self) -> int: ...


class Bus(Protocol):
    """Publish and subscribe, at most once, in order per publisher."""

    def publish(self, message: Message) -> None: ...

    def subscribe(
        self, tenant: str, channels: Sequence[str], *, capacity: int = 100
    ) -> Subscription: ...

    def health(self) -> StoreHealth: ...
