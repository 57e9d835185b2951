"""Counts what was answered to whom, and slows down those who guess.

A request only adds to a dictionary; a thread hands the sums to `services.access` every ten seconds.
Nothing secret is kept: a key that nobody owns has no name here, and of the addresses that a key is
used from only a keyed hash leaves the memory.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from services.access import Knock, Reason, record_access
from services.identity import Principal
from services.key_misuse import record_addresses
from services.tenants import DEFAULT_TENANT
from services.workspace import Backends

log = logging.getLogger("aiobs.access")

FLUSH_S = 10.0
MAX_ADDRESSES = 20_000
NOTE_AGAIN_MS = 3_600_000


@dataclass(slots=True)
class AccessRecorder:
    """Sums of this process, by tenant, key, status and reason."""

    backends: Backends
    instance: str = field(default_factory=lambda: socket.gethostname()[:40])
    _counts: dict[str, Counter[Knock]] = field(default_factory=dict)
    _addresses: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    _noted: dict[tuple[str, str], int] = field(default_factory=dict)
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

    def note_address(self, tenant: str, key_id: str, address: str) -> None:
        """Note where a key is used from; an address that was noted within the hour costs a look."""
        now = self.backends.clock()
        with self._lock:
            if self._noted.get((key_id, address), -NOTE_AGAIN_MS) > now - NOTE_AGAIN_MS:
                return
            if len(self._noted) > MAX_ADDRESSES:
                self._noted.clear()
            self._noted[key_id, address] = now
        hashed = self.backends.sign(f"address {network_of(address)}".encode())[:24]
        with self._lock:
            self._addresses.setdefault(tenant, {}).setdefault(key_id, set()).add(hashed)

    def flush(self) -> None:
        """Store what was counted; what cannot be stored now is added to the next time."""
        with self._lock:
            taken, self._counts = self._counts, {}
            addresses, self._addresses = self._addresses, {}
        self._flush_addresses(addresses)
        for tenant, counts in taken.items():
            principal = Principal("access", tenant, ("scheduler",), "scheduler", "access recorder")
            ws = self.backends.workspace(principal)
            try:
                record_access(ws, counts, ws.now_ms(), instance=self.instance)
            except Exception:  # the recorder must outlive whatever a store raises
                log.warning("access counts of %s wait for the store", tenant, exc_info=True)
                with self._lock:
                    self._counts.setdefault(tenant, Counter()).update(counts)

    def _flush_addresses(self, taken: dict[str, dict[str, set[str]]]) -> None:
        for tenant, used in taken.items():
            principal = Principal("access", tenant, ("scheduler",), "scheduler", "access recorder")
            ws = self.backends.workspace(principal)
            try:
                record_addresses(ws, used, ws.now_ms())
            except Exception:  # the recorder must outlive whatever a store raises
                log.warning("addresses of the keys of %s are lost", tenant, exc_info=True)

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


def network_of(address: str) -> str:
    """Return what stands for an address: of IPv6 its /64, which one household or server keeps.

    >>> network_of("2001:db8:1:2:aaaa::1"), network_of("192.0.2.7")
    ('2001:db8:1:2::', '192.0.2.7')
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_address(int(parsed) >> 64 << 64)) if int(parsed) >> 64 else str(parsed)


def tenant_of(principal: Principal | None) -> str:
    """Return whose counts an answer belongs to; strangers knock at the default tenant's door."""
    return principal.tenant if principal is not None else DEFAULT_TENANT
