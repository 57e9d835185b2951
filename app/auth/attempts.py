"""Counts what was answered to whom, and slows down those who guess.

A request only adds to a dictionary; a thread hands the sums to `services.access` every ten seconds.
Nothing secret is kept: a key that nobody owns has no name here, and addresses stay in memory.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from services.access import Knock, Reason, record_access
from services.identity import Principal
from services.tenants import DEFAULT_TENANT
from services.workspace import Backends

log = logging.getLogger("aiobs.access")

FLUSH_S = 10.0
MAX_ADDRESSES = 20_000


@dataclass(slots=True)
class AccessRecorder:
    """Sums of this process, by tenant, key, status and reason."""

    backends: Backends
    instance: str = field(default_factory=lambda: socket.gethostname()[:40])
    _counts: dict[str, Counter[Knock]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def count(self, tenant: str, key_id: str, status: int, reason: Reason) -> None:
        """Add one answer; starts the thread that stores the sums at the first one."""
        with self._lock:
            self._counts.setdefault(tenant, Counter())[Knock(key_id, status, reason)] += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="aiobs-access", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Store what was counted; what cannot be stored now is added to the next time."""
        with self._lock:
            taken, self._counts = self._counts, {}
        for tenant, counts in taken.items():
            principal = Principal("access", tenant, ("scheduler",), "scheduler", "access recorder")
            ws = self.backends.workspace(principal)
            try:
                record_access(ws, counts, ws.now_ms(), instance=self.instance)
            except Exception:  # the recorder must outlive whatever a store raises
                log.warning("access counts of %s wait for the store", tenant, exc_info=True)
                with self._lock:
                    self._counts.setdefault(tenant, Counter()).update(counts)

    def close(self) -> None:
        """Stop the thread and store the rest."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self.flush()

    def _loop(self) -> None:
        while not self._stop.wait(FLUSH_S):
            self.flush()


@dataclass(slots=True)
class Throttle:
    """Failed sign-ins by address and key: too many in a while, and the answer is 429.

    An address that fails `per_key` times for one key gets no answer for that key, not even to the
    right secret; one that fails `per_address` times gets no answer to wrong ones, so that people
    behind one proxy do not lock each other out. In memory: each process counts for itself.
    """

    clock_ms: Callable[[], int]
    per_key: int = 5
    per_address: int = 20
    window_ms: int = 300_000
    _failed: dict[tuple[str, str], deque[int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_s(self, address: str, key_id: str) -> int:
        """Return how long this address must wait before it may try this key again; 0 to go on."""
        return self._wait(("key", f"{address} {key_id}"), self.per_key) if key_id else 0

    def fail(self, address: str, key_id: str) -> int:
        """Note a failure; return how long to wait when it was one too many, else 0."""
        waits = [self._note(("address", address), self.per_address)]
        if key_id:
            waits.append(self._note(("key", f"{address} {key_id}"), self.per_key))
        return max(waits)

    def _note(self, who: tuple[str, str], limit: int) -> int:
        with self._lock:
            if len(self._failed) > MAX_ADDRESSES:
                self._failed.clear()
            times = self._failed.setdefault(who, deque(maxlen=limit + 1))
            times.append(self.clock_ms())
        return self._wait(who, limit + 1)

    def _wait(self, who: tuple[str, str], limit: int) -> int:
        now = self.clock_ms()
        with self._lock:
            times = self._failed.get(who)
            while times and times[0] <= now - self.window_ms:
                times.popleft()
            if not times or len(times) < limit:
                return 0
            return max(1, -(-(times[-limit] + self.window_ms - now) // 1_000))


def tenant_of(principal: Principal | None) -> str:
    """Return whose counts an answer belongs to; strangers knock at the default tenant's door."""
    return principal.tenant if principal is not None else DEFAULT_TENANT
