"""One computation per key at a time: the first caller leads, the others wait for its outcome."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any

_log = logging.getLogger(__name__)
_MAX_BACKGROUND = 4
_RETRY_S = 1.0
_MAX_REMEMBERED = 1_000


class Flight:
    """A computation under way and everybody's claim to its outcome."""

    __slots__ = ("future", "key", "thread_id")

    def __init__(self, key: str) -> None:
        self.key = key
        self.thread_id = threading.get_ident()
        self.future: Future[Any] = Future()

    def wait(self) -> Any:  # the type is the caller's
        if not self.future.done() and self.thread_id == threading.get_ident():
            raise RuntimeError(f"the computation of {self.key!r} asks for itself")
        return self.future.result()


class SingleFlight:
    """Flights by key. `land` says whether the flight was still wanted when it ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, Flight] = {}
        self._failed_at: dict[str, float] = {}
        self._slots = threading.BoundedSemaphore(_MAX_BACKGROUND)

    def join(self, key: str) -> tuple[Flight, bool]:
        """The flight of a key, and whether the caller has to fly it."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = Flight(key)
            return flight, True

    def land(self, flight: Flight) -> bool:
        with self._lock:
            if self._flights.get(flight.key) is not flight:
                return False
            del self._flights[flight.key]
            return True

    def forget(self, prefix: str) -> None:
        """Let flights under a prefix end unheard: the next caller starts anew."""
        with self._lock:
            for key in [k for k in self._flights if k.startswith(prefix)]:
                del self._flights[key]

    def in_background(self, key: str, fly: Callable[[Flight], None]) -> None:
        """Start a flight unless one is under way or failed a moment ago.

        The caller's context variables travel along.
        """
        if time.monotonic() < self._failed_at.get(key, float("-inf")) + _RETRY_S:
            return
        flight, leads = self.join(key)
        if not leads:
            return
        if not self._slots.acquire(blocking=False):
            self.land(flight)  # too many already; the next reader asks again
            return
        context = copy_context()

        def run() -> None:
            flight.thread_id = threading.get_ident()
            try:
                context.run(fly, flight)
                self._note(key, flight.future.exception())
            finally:
                self._slots.release()

        threading.Thread(target=run, name="cache-refresh", daemon=True).start()

    def _note(self, key: str, error: BaseException | None) -> None:
        with self._lock:
            self._failed_at.pop(key, None)
            if error is None:
                return
            if len(self._failed_at) >= _MAX_REMEMBERED:
                self._failed_at.clear()
            self._failed_at[key] = time.monotonic()
        _log.warning("refresh of %s failed: %s", key, error)
