"""Threads that compute beside the readers; they end with the hub that they belong to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

THREADS = 2


class Workers:
    """Work by key, each at most once at a time."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="aiobs-analysis")
        self._gate = threading.Lock()
        self._at_work: dict[str, Future[None]] = {}
        self._closing = threading.Event()

    @property
    def is_closing(self) -> bool:
        """Whether the hub is about to close: whatever takes long should stop."""
        return self._closing.is_set()

    @property
    def is_busy(self) -> bool:
        """Whether any work has not ended."""
        return bool(self._at_work)

    def at_work(self, key: str) -> Future[None] | None:
        """Return the work of a key that has not ended."""
        return self._at_work.get(key)

    def start(self, key: str, announce: Callable[[], object], work: Callable[[], None]) -> bool:
        """Announce and start work; False, and neither, while this key is at work or when the hub
        is closing."""
        with self._gate:
            if key in self._at_work or self.is_closing:
                return False
            announce()
            self._at_work[key] = self._pool.submit(self._run, key, work)
            return True

    def _run(self, key: str, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            with self._gate:
                del self._at_work[key]

    def close(self) -> None:
        """Drop what waits, and return when what runs has noticed that the hub is closing."""
        with self._gate:
            self._closing.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
