"""Entries of the audit chain: a closed schema with one canonical form of bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal

import rfc8785

from engines.errors import EngineError

FIRST = "0" * 64
"""`previousHash` of the first entry."""
FIELDS = (
    "id", "seq", "timestamp", "tenant", "actor", "action", "resource", "outcome", "details",
    "previousHash",
)  # fmt: skip
Outcome = Literal["ok", "refused", "failed"]


def entry(
    *,
    id: str,
    seq: int,
    timestamp: str,
    tenant: str,
    actor: Mapping[str, Any],
    action: str,
    resource: Mapping[str, str],
    outcome: Outcome,
    details: Mapping[str, Any],
    previous: str,
) -> bytes:
    """Return the bytes of an entry: JSON in the canonical form of RFC 8785.

    Parameters
    ----------
    id : str
        ULID: sorts by time.
    seq : int
        Place in the chain, from 0.
    timestamp : str
        UTC with microseconds, e.g. ``"2026-01-01T10:00:00.000000Z"``.
    tenant, action : str
        Whose chain; what was done, as noun and past participle: ``"slo.updated"``.
    actor, resource : mapping
        ``id``, ``type`` and ``roles`` of who did it; ``kind`` and ``id`` of what it was done to.
    outcome : str
        ``"ok"``, ``"refused"`` or ``"failed"``.
    details : mapping
        Text, whole numbers, truth values, null, lists and mappings of these.
    previous : str
        Hash of the entry before, `FIRST` for the first.

    Raises
    ------
    EngineError
        A fraction, a whole number of 2**53 or more, or a key that is not ASCII.

    Examples
    --------
    >>> made = entry(
    ...     id="01KDX1Q9G0AAAAAAAAAAAAAAAA", seq=0, timestamp="2026-01-01T10:00:00.000000Z",
    ...     tenant="default", actor={"id": "k1", "type": "api_key", "roles": ["sre"]},
    ...     action="slo.created", resource={"kind": "slo", "id": "a"}, outcome="ok",
    ...     details={"revision": 1}, previous=FIRST,
    ... )
    >>> made[:49]
    b'{"action":"slo.created","actor":{"id":"k1","roles'
    """
    body = {
        "id": id, "seq": seq, "timestamp": timestamp, "tenant": tenant, "actor": dict(actor),
        "action": action, "resource": dict(resource), "outcome": outcome,
        "details": dict(details), "previousHash": previous,
    }  # fmt: skip
    _check(body)
    # In the closed schema the standard encoder writes the canonical bytes, ten times as fast.
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def entry_hash(body: bytes) -> str:
    """Return the hash that the next entry carries as `previousHash`."""
    return sha256(body).hexdigest()


def digest(document: object) -> str:
    """Return the SHA-256 of any JSON document in canonical form, fractions included.

    Raises
    ------
    EngineError
        No JSON: NaN, an infinity, a whole number of 2**53 or more.

    Examples
    --------
    >>> digest({"b": 1.0, "a": "x"}) == digest({"a": "x", "b": 1})
    True
    """
    try:
        return sha256(rfc8785.dumps(document)).hexdigest()  # type: ignore[arg-type]
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise EngineError(f"no canonical JSON: {error}") from error


def _check(value: object) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise EngineError(f"keys of an audit entry are ASCII text, got {key!r}")
            _check(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check(inner)
    elif isinstance(value, int):
        if abs(value) >= 2**53:
            raise EngineError(f"whole numbers of an audit entry stay below 2**53, got {value}")
    elif isinstance(value, str):
        if not value.isascii() and value.encode(errors="replace").decode() != value:
            raise EngineError("text of an audit entry is Unicode without lone surrogates")
    elif value is not None:
        raise EngineError(f"an audit entry holds no {type(value).__name__}")
