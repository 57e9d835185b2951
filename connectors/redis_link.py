"""A connection to Redis that fails fast while Redis is away and comes back by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from connectors.errors import Refused, Unavailable

R = TypeVar("R")


class RedisLink:
    """Runs commands; after a failure one caller per `retry_s` tries, the rest fail at once."""

    def __init__(self, url: str, *, timeout_s: float = 1.0, retry_s: float = 1.0) -> None:
        try:
            # One immediate retry: after a restart of Redis every pooled connection is dead once.
            self.client: redis.Redis = redis.Redis.from_url(
                url,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=Retry(NoBackoff(), 1),
                health_check_interval=10,
            )
        except ValueError as error:
            raise Refused("a Redis URL looks like redis://host:6379/0 or unix:///path") from error
        self._retry_s = retry_s
        self._lock = threading.Lock()
        self._down_since: float | None = None
        self._retry_at = 0.0
        self._reason = ""
        self.on_return: list[Callable[[], None]] = []

    def call(self, command: Callable[[Any], R]) -> R:
        """Run a command; `Unavailable` when Redis does not answer or did not a moment ago."""
        with self._lock:
            now = time.monotonic()
            was_down = self._down_since is not None
            if was_down and now < self._retry_at:
                raise Unavailable(self._reason)
            self._retry_at = now + self._retry_s
        try:
            if was_down:
                self.client.ping()
                for act in self.on_return:
                    act()
            answer = command(self.client)
        except redis.RedisError as error:
            self._mark_down(error)
            raise Unavailable(self._reason) from error
        with self._lock:
            self._down_since = None
        return answer

    def trouble(self) -> str:
        """Why Redis cannot be used now, or an empty text; asks Redis when it should be up."""
        try:
            self.call(lambda client: client.ping())
        except Unavailable as error:
            since = self._down_since
            seconds = 0.0 if since is None else time.monotonic() - since
            return f"{error}, for {seconds:.0f} s"
        return ""

    def _mark_down(self, error: redis.RedisError) -> None:
        with self._lock:
            self._reason = f"Redis does not answer ({type(error).__name__})"
            if self._down_since is None:
                self._down_since = time.monotonic()
            self._retry_at = time.monotonic() + self._retry_s

    def close(self) -> None:
        self.client.close()
