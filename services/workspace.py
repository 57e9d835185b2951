"""The Workspace: what a service may touch for one principal; its stores know only its tenant."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec

from connectors.protocols import (
    Bus,
    Cache,
    EventBackend,
    EventStore,
    JudgeModel,
    Message,
    MetricBackend,
    MetricStore,
    RecordBackend,
    RecordStore,
    StoreHealth,
    Witness,
)
from engines.audit import Signer
from services.audited import AuditedStore, Teller
from services.errors import Unauthenticated
from services.identity import Principal
from services.sentences import english
from services.workers import Workers

T = TypeVar("T")


def now_ms() -> int:
    """Return the wall clock in epoch milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Running:
    """How this hub runs, as far as a service may say so: what the settings chose."""

    auth: str = "local"
    retention_days: int = 0
    health: Callable[[], list[StoreHealth]] = list


@dataclass(frozen=True, slots=True)
class Judging:
    """The language model that judges undecided sentences, and what each tenant may spend a day."""

    model: JudgeModel
    daily_calls: int
    daily_characters: int


@dataclass(frozen=True, slots=True)
class Backends:
    """Everything the factory opened, by protocol; services never see it, only workspaces."""

    metrics: MetricBackend
    events: EventBackend
    records: RecordBackend
    cache: Cache
    bus: Bus
    sign: Callable[[bytes], str]
    checkpoints: Callable[[str], Signer]
    clock: Callable[[], int] = now_ms
    auth: str = "local"
    retention_days: int = 0
    judging: Judging | None = None
    witness: Witness | None = None
    workers: Workers = field(default_factory=Workers)

    def workspace(self, principal: Principal, *, locale: str = "en") -> Workspace:
        """Return the workspace of a principal, scoped to its tenant."""
        teller = Teller(principal, self.clock, self.sign)
        return Workspace(
            principal=principal,
            locale=locale,
            clock=self.clock,
            metrics=self.metrics.scoped(principal.tenant),
            events=self.events.scoped(principal.tenant),
            records=AuditedStore(self.records.scoped(principal.tenant), principal.tenant, teller),
            installation=AuditedStore(self.records.scoped(""), principal.tenant, teller),
            cache=self.cache,
            bus=self.bus,
            sign=self.sign,
            checkpoints=self.checkpoints,
            running=Running(self.auth, self.retention_days, self.health),
            judging=self.judging,
            witness=self.witness,
            workers=self.workers,
        )

    def health(self) -> list[StoreHealth]:
        """Return the state of every dependency."""
        parts = (self.metrics, self.events, self.records, self.cache, self.bus)
        return [part.health() for part in parts]

    def close(self) -> None:
        """Let analyses that run come to an end, then flush and close the stores they read."""
        self.workers.close()
        for part in (self.metrics, self.events, self.records):
            part.close()


@dataclass(frozen=True, slots=True)
class Workspace:
    """One principal's view of the hub.

    `installation` holds what belongs to no tenant (tenants, keys); only `services.tenants` and
    `services.keys` read it. `sign` is an HMAC with the installation's secret; `checkpoints` gives
    the key that signs the heads of a tenant's audit chain.
    """

    principal: Principal
    locale: str
    clock: Callable[[], int]
    metrics: MetricStore
    events: EventStore
    records: RecordStore
    installation: RecordStore
    cache: Cache
    bus: Bus
    sign: Callable[[bytes], str]
    checkpoints: Callable[[str], Signer]
    workers: Workers
    running: Running = Running()
    judging: Judging | None = None
    witness: Witness | None = None

    @property
    def tenant(self) -> str:
        """The tenant of the principal: the only one this workspace can reach."""
        return self.principal.tenant

    def now_ms(self) -> int:
        """Return the time in epoch milliseconds; tests set the clock."""
        return self.clock()

    def cached(
        self,
        key: str,
        kind: type[T],
        compute: Callable[[], T],
        *,
        fresh_s: float,
        stale_s: float = 0.0,
    ) -> T:
        """Return the cached result of this tenant, or compute it once for all who ask."""
        return self.cache.get_or_compute(
            f"{self.tenant}/{key}", kind, compute, fresh_s=fresh_s, stale_s=stale_s
        )

    def publish(self, channel: str, data: object) -> None:
        """Tell this tenant's listeners; `data` is anything msgspec can encode."""
        self.bus.publish(Message(self.tenant, channel, msgspec.json.encode(data, enc_hook=english)))

    def speaking(self, locale: str) -> Workspace:
        """Return the same workspace in another language."""
        return replace(self, locale=locale)


_current: ContextVar[Workspace] = ContextVar("aiobs_workspace")


def current_workspace() -> Workspace:
    """Return the workspace that the guard chose for this request or job."""
    try:
        return _current.get()
    except LookupError:
        raise Unauthenticated("no workspace: the request did not pass the guard") from None


def enter_workspace(ws: Workspace) -> Token[Workspace]:
    """Make `ws` the current workspace; for the guard, which leaves it in another function."""
    return _current.set(ws)


def leave_workspace(token: Token[Workspace]) -> None:
    """Undo `enter_workspace`."""
    _current.reset(token)


@contextmanager
def in_workspace(ws: Workspace) -> Iterator[Workspace]:
    """Make `ws` the current workspace inside the block."""
    token = enter_workspace(ws)
    try:
        yield ws
    finally:
        leave_workspace(token)
