"""One entry of the audit chain as it says, and whether it is found by that."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.protocols import AuditEntry
from engines import audit as engine
from services.audited import timestamp


class Entry(msgspec.Struct, frozen=True):
    """An entry as it was written, with its own hash."""

    seq: int
    id: str
    timestamp: str
    actor: dict[str, Any]  # id, type, roles
    action: str
    resource: dict[str, str]  # kind, id
    outcome: engine.Outcome
    details: dict[str, Any]  # JSON
    previous_hash: str
    hash: str


class _Actor(msgspec.Struct, frozen=True):
    id: str
    type: str
    roles: list[str]


class _Resource(msgspec.Struct, frozen=True):
    kind: str
    id: str


class _Body(msgspec.Struct, frozen=True):
    """What the bytes of an entry say."""

    id: str
    timestamp: str
    actor: _Actor
    action: str
    resource: _Resource
    outcome: engine.Outcome
    details: dict[str, Any]  # JSON
    previousHash: str


def read_entry(row: AuditEntry) -> Entry:
    """Return an entry as it says; one that was made unreadable, as far as it is found."""
    said = _read(row.body) or _Body(
        "", timestamp(row.at_ms), _Actor(row.actor, "", []), row.action,
        _Resource(row.kind, row.resource), "failed", {}, "",
    )  # fmt: skip
    return Entry(
        row.seq, said.id, said.timestamp, msgspec.to_builtins(said.actor), said.action,
        msgspec.to_builtins(said.resource), said.outcome, said.details, said.previousHash,
        row.hash.hex(),
    )  # fmt: skip


def is_indexed(row: AuditEntry) -> bool:
    """Return whether the columns that an entry is found by are what it says."""
    said = _read(row.body)
    return said is not None and (
        row.hash.hex() == engine.entry_hash(row.body)
        and (row.actor, row.action) == (said.actor.id, said.action)
        and (row.kind, row.resource) == (said.resource.kind, said.resource.id)
        and timestamp(row.at_ms) == said.timestamp
    )


def _read(body: bytes) -> _Body | None:
    try:
        return msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, ValueError):
        return None
