"""Messages between processes over Redis pub/sub; without Redis, between the threads of one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import redis

from connectors.errors import Unavailable
from connectors.memory import MemoryBus, MemorySubscription
from connectors.protocols import Message, StoreHealth
from connectors.redis_link import RedisLink

_log = logging.getLogger(__name__)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode
_POLL_S = 0.5


class RedisBus:
    """`Bus` on one Redis channel; a listener thread hands messages to this process's readers."""

    def __init__(
        self, url: str, *, prefix: str = "aiobs", timeout_s: float = 1.0, retry_s: float = 0.5
    ) -> None:
        self._link = RedisLink(url, timeout_s=timeout_s, retry_s=retry_s)
        self._name = f"{prefix}:bus"
        self._local = MemoryBus()
        self._listening = threading.Event()
        self._closed = threading.Event()
        self._retry_s = retry_s
        self._thread: threading.Thread | None = None
        self._start = threading.Lock()

    def publish(self, message: Message) -> None:
        heard = self._listening.is_set()
        try:
            self._link.call(lambda client: client.publish(self._name, _encode(message)))
        except Unavailable:
            heard = False
        if not heard:
            # Nothing comes back over Redis: this process's own readers still get it.
            self._local.publish(message)

    def subscribe(
        self, tenant: str, channels: Sequence[str], *, capacity: int = 100
    ) -> MemorySubscription:
        subscription = self._local.subscribe(tenant, channels, capacity=capacity)
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="bus", daemon=True)
                self._thread.start()
                self._listening.wait(2.0)
        return subscription

    def health(self) -> StoreHealth:
        trouble = self._link.trouble()
        detail = f"{trouble}; messages stay within this process" if trouble else ""
        return StoreHealth("bus (redis)", not trouble, detail, self._local.health().stats)

    def close(self) -> None:
        self._closed.set()
        if self._thread is not None:
            self._thread.join(5.0)
        self._link.close()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                with self._link.client.pubsub() as pubsub:  # type: ignore[no-untyped-call]
                    pubsub.subscribe(self._name)
                    self._drain(pubsub)
            except (redis.RedisError, OSError) as error:
                if self._listening.is_set():
                    _log.warning("bus lost Redis: %s", type(error).__name__)
            self._listening.clear()
            self._closed.wait(self._retry_s)

    def _drain(self, pubsub: Any) -> None:  # redis.client.PubSub, untyped in its answers
        while not self._closed.is_set():
            found = pubsub.get_message(timeout=_POLL_S)
            if found is None:
                continue
            if found["type"] == "subscribe":
                self._listening.set()
            elif found["type"] == "message":
                try:
                    self._local.publish(_decode(found["data"]))
                except msgspec.DecodeError:
                    _log.warning("bus skipped a message that is not one of ours")
