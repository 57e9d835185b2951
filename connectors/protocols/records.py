"""Documents of state, leases and claimed runs: what is asked of a record store."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec

from connectors.protocols.audit import AuditLog
from connectors.protocols.health import StoreHealth


class Record(msgspec.Struct, frozen=True):
    """A document of state: `revision` starts at 1 and grows by one with each write."""

    kind: str
    id: str
    revision: int
    body: dict[str, Any]  # JSON
    created_at_ms: int
    updated_at_ms: int


class RecordTransaction(Protocol):
    """Reads and writes that take effect together or not at all."""

    def get(self, kind: str, id: str) -> Record | None: ...

    def put(
        self, kind: str, id: str, body: dict[str, Any], *, expected_revision: int | None = None
    ) -> Record:
        """Write; 0 expects absence, n expects revision n, None overwrites. Raises `Conflict`."""
        ...

    def delete(self, kind: str, id: str) -> bool: ...

    def list(
        self,
        kind: str,
        *,
        where: dict[str, str] | None = None,
        limit: int = 1_000,
        after_id: str | None = None,
    ) -> list[Record]:
        """Records in order of id; `where` compares top-level text fields of the body."""
        ...


class OpenTransaction(RecordTransaction, Protocol):
    """A transaction that may also tell an audit chain what it does."""

    def chain(self, tenant: str) -> AuditLog:
        """A tenant's chain inside this transaction; no other writer appends to it meanwhile."""
        ...


class RecordStore(RecordTransaction, Protocol):
    """State of one tenant: each single call is its own transaction."""

    def transaction(self) -> AbstractContextManager[OpenTransaction]: ...

    def read_chain(self) -> AbstractContextManager[AuditLog]:
        """The tenant's audit chain as it is now, the same until the block ends."""
        ...

    def put_blob(self, kind: str, id: str, content: bytes) -> None: ...

    def get_blob(self, kind: str, id: str) -> bytes | None: ...

    def delete_blob(self, kind: str, id: str) -> bool: ...


class Lease(msgspec.Struct, frozen=True):
    """A right held until `expires_at_ms`; `token` grows with every grant of the name (fencing)."""

    name: str
    owner: str
    token: int
    expires_at_ms: int


class Lock(Protocol):
    """Leases by name, across processes."""

    def acquire(self, name: str, owner: str, ttl_s: float) -> Lease | None:
        """The lease, renewed when `owner` holds it; None while somebody else does."""
        ...

    def release(self, lease: Lease) -> bool: ...


class RecordBackend(Protocol):
    """Opens per-tenant record stores; tenant ``""`` is the installation itself (tenants, keys)."""

    def scoped(self, tenant: str) -> RecordStore: ...

    def lock(self) -> Lock: ...

    def claim_run(self, job: str, scheduled_at_ms: int, owner: str) -> bool:
        """True for exactly one caller per (job, scheduled_at), over all processes and for ever."""
        ...

    def health(self) -> StoreHealth: ...

    def close(self) -> None: ...
