"""The audit chain of a tenant: entries, nodes of the tree over them, signed heads."""

from __future__ import annotations

from typing import Protocol

import msgspec


class AuditEntry(msgspec.Struct, frozen=True):
    """An entry as bytes, its hash, and what it is found by."""

    seq: int
    body: bytes
    hash: bytes
    at_ms: int
    actor: str
    action: str
    kind: str
    resource: str


class AuditHead(msgspec.Struct, frozen=True):
    """A signed checkpoint: the tree's size and root, and the note that says so."""

    size: int
    root: bytes
    note: str
    at_ms: int


class AuditQuery(msgspec.Struct, frozen=True):
    """Which entries: each field that is given must be equal, times are half-open."""

    actor: str = ""
    action: str = ""
    kind: str = ""
    resource: str = ""
    start_ms: int | None = None
    end_ms: int | None = None


class AuditLog(Protocol):
    """One tenant's chain as one transaction sees it. Nothing is ever changed or deleted."""

    def tip(self) -> tuple[int, bytes | None]:
        """How many entries there are, and the hash of the last."""
        ...

    def append(self, entry: AuditEntry, nodes: list[tuple[int, int, bytes]]) -> None:
        """Add the next entry and the (level, index, hash) it completes; raises `Conflict`."""
        ...

    def node(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree; raises `Refused` where there is none."""
        ...

    def nodes(self, level: int, first: int, limit: int) -> list[bytes]:
        """The hashes of complete subtrees of a level from `first` on, in order."""
        ...

    def get(self, seq: int) -> AuditEntry | None: ...

    def entries(self, first: int, limit: int) -> list[AuditEntry]:
        """Entries from `first` on, in order."""
        ...

    def find(
        self, query: AuditQuery, *, before: int | None = None, limit: int = 100
    ) -> list[AuditEntry]:
        """Entries below the place `before`, newest first."""
        ...

    def count(self, query: AuditQuery) -> int: ...

    def put_head(self, head: AuditHead) -> None:
        """Keep a head; one of the same size is replaced (a witness may have signed since)."""
        ...

    def head(self, at_most: int | None = None) -> AuditHead | None:
        """The newest head, or the newest of a size up to `at_most`."""
        ...

    def heads(self) -> list[AuditHead]:
        """Every head, oldest first."""
        ...
