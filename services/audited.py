"""The record store that a Workspace hands out: whoever changes state tells the audit chain of it.

A change and its entry are one transaction, so neither exists without the other, and no service has
to remember. Every kind of record stands in `AUDITED` or, with the reason, in `NOT_AUDITED`; a kind
in neither is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.protocols import (
    AuditEntry,
    AuditLog,
    OpenTransaction,
    Record,
    RecordStore,
)
from engines import audit as engine
from services.identity import Principal

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TOLD_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Noun:
    """How the chain speaks of a kind of record.

    `told` are fields (`a.b` inside of one) whose plain values enter an entry; nothing else of a
    record does but its digest. Of a `personal` record not even a digest that others could guess at
    does, but a keyed one; of a `large` one none. A change of `uncounted` fields alone is none.
    `chain` names the tenant whose chain is told, where it is not the caller's.
    """

    name: str
    told: tuple[str, ...] = ()
    personal: bool = False
    large: bool = False
    uncounted: frozenset[str] = frozenset()
    chain: Callable[[str, dict[str, Any]], str] | None = None


AUDITED: dict[str, Noun] = {
    "api_key": Noun("key", ("role", "revoked"), chain=lambda _, body: str(body["tenant"])),
    "attestation": Noun("attestation", ("control_id", "withdrawn_at_ms")),
    "comparison": Noun("comparison"),
    "duty": Noun("duty", ("incident_id", "regime", "clock", "reported_at_ms")),
    "incident": Noun(
        "incident",
        ("rule", "subject", "severity", "state"),
        uncounted=frozenset({"evidence", "updated_at_ms", "title", "root_cause"}),
    ),
    "model": Noun("model", ("model_type", "risk_class")),
    "model_card": Noun("model_card"),
    "policy": Noun("policy"),
    "reference": Noun("reference"),
    "slo": Noun(
        "slo",
        (
            "definition.indicator.kind",
            "definition.target",
            "definition.model_id",
            "definition.service",
        ),
    ),
    "subject_request": Noun("subject_request", ("kind", "outcome"), personal=True),
    "tenant": Noun("tenant", chain=lambda id, _: id),
    "trust_policy": Noun("trust_policy", ("version",)),
    "view": Noun("view"),
    "vulnerability_scan": Noun(
        "vulnerability_scan", ("source", "subject", "scans", "scanned_at_ms"), large=True
    ),
}
NOT_AUDITED: dict[str, str] = {
    "audit_verified": "what the newest check of the chain found",
    "audit_witness": "what the witness last said; its line stands under the checkpoint",
    "backcast": "which past hours were computed",
    "compliance_findings": "when a derived finding was first seen",
    "increment_cursor": "how far a job has read",
    "judge_answer": "a cache of answers",
    "judge_spent": "what was spent today",
    "key_addresses": "keyed hashes of where keys are used, noted each hour",
    "preference": "which dashboard a person opens first",
    "refreshed": "when a job last ran",
    "rollup_cursor": "how far a job has read",
    "security": "counts of a scan",
    "security_cursor": "how far a job has read",
    "service_calls": "how far a job has read",
    "sketch": "a summary of stored rows",
    "sketch_cursor": "how far a job has read",
    "sketch_grid": "a summary of stored rows",
    "slo_revision": "the history of an objective, told as its change",
    "trust_policy_version": "the history of a policy, told as its change",
}


@dataclass(frozen=True, slots=True)
class Teller:
    """Who changes state, for whose tenant, when; makes entries and appends them."""

    principal: Principal
    clock: Callable[[], int]
    sign: Callable[[bytes], str]

    def append(
        self,
        log: AuditLog,
        tenant: str,
        action: str,
        kind: str,
        resource: str,
        details: dict[str, Any],
        outcome: engine.Outcome = "ok",
    ) -> AuditEntry:
        """Append the next entry to a chain that no other writer can reach meanwhile."""
        now = self.clock()
        seq, last = log.tip()
        actor = self.principal
        body = engine.entry(
            id=_ulid(now),
            seq=seq,
            timestamp=timestamp(now),
            tenant=tenant,
            actor={"id": actor.id, "type": actor.method, "roles": list(actor.roles)},
            action=action,
            resource={"kind": kind, "id": resource},
            outcome=outcome,
            details=details,
            previous=last.hex() if last else engine.FIRST,
        )
        made = AuditEntry(
            seq, body, bytes.fromhex(engine.entry_hash(body)), now, actor.id, action, kind,
            resource,
        )  # fmt: skip
        log.append(made, engine.completed(seq, engine.leaf_hash(body), log.node))
        return made


class AuditedStore:
    """`RecordStore` whose changes of state are told to the audit chain."""

    def __init__(self, store: RecordStore, tenant: str, teller: Teller) -> None:
        self._store = store
        self._tenant = tenant
        self._teller = teller
        self.get = store.get
        self.list = store.list
        self.put_blob = store.put_blob
        self.get_blob = store.get_blob
        self.delete_blob = store.delete_blob
        self.read_chain = store.read_chain

    @contextmanager
    def transaction(self) -> Iterator[AuditedTransaction]:
        with self._store.transaction() as transaction:
            yield AuditedTransaction(transaction, self._tenant, self._teller)

    def put(
        self, kind: str, id: str, body: dict[str, Any], *, expected_revision: int | None = None
    ) -> Record:
        if _noun(kind) is None:
            return self._store.put(kind, id, body, expected_revision=expected_revision)
        with self.transaction() as transaction:
            return transaction.put(kind, id, body, expected_revision=expected_revision)

    def delete(self, kind: str, id: str) -> bool:
        if _noun(kind) is None:
            return self._store.delete(kind, id)
        with self.transaction() as transaction:
            return transaction.delete(kind, id)


class AuditedTransaction:
    """`OpenTransaction` whose changes of state are told to the audit chain."""

    def __init__(self, transaction: OpenTransaction, tenant: str, teller: Teller) -> None:
        self._transaction = transaction
        self._tenant = tenant
        self._teller = teller
        self.get = transaction.get
        self.list = transaction.list
        self.chain = transaction.chain

    def put(
        self, kind: str, id: str, body: dict[str, Any], *, expected_revision: int | None = None
    ) -> Record:
        noun = _noun(kind)
        before = self.get(kind, id) if noun else None
        made = self._transaction.put(kind, id, body, expected_revision=expected_revision)
        if noun:
            changed = _changed(before.body if before else {}, made.body, noun)
            if before is None or changed:
                action = "updated" if before else "created"
                self._tell(noun, action, made, before, changed if before else None)
        return made

    def delete(self, kind: str, id: str) -> bool:
        noun = _noun(kind)
        before = self.get(kind, id) if noun else None
        gone = self._transaction.delete(kind, id)
        if noun and gone and before is not None:
            self._tell(noun, "deleted", before, None, None)
        return gone

    def _tell(
        self,
        noun: Noun,
        action: str,
        made: Record,
        before: Record | None,
        changed: list[str] | None,
    ) -> None:
        tenant = noun.chain(made.id, made.body) if noun.chain else self._tenant
        details: dict[str, Any] = {"revision": made.revision}
        if noun.personal:
            details["commitment"] = self._teller.sign(digest_of(made.body).encode())
        elif not noun.large:
            details["digest"] = digest_of(made.body)
        if changed is not None:
            details["changed"] = changed
        if told := _told(made.body, noun):
            details["now"] = told
        if before is not None and (told := _told(before.body, noun)):
            details["before"] = told
        self._teller.append(
            self._transaction.chain(tenant), tenant, f"{noun.name}.{action}", made.kind, made.id,
            details,
        )  # fmt: skip


def _noun(kind: str) -> Noun | None:
    noun = AUDITED.get(kind)
    if noun is None and kind not in NOT_AUDITED:
        raise LookupError(f"services.audited does not say whether {kind!r} is audited")
    return noun


def _changed(before: dict[str, Any], now: dict[str, Any], noun: Noun) -> list[str]:
    names = (before.keys() | now.keys()) - noun.uncounted
    return sorted(name for name in names if before.get(name) != now.get(name))


def _told(body: dict[str, Any], noun: Noun) -> dict[str, Any]:
    """Return plain values that may be told; a fraction is told as text: entries hold none."""
    told: dict[str, Any] = {}
    for path in noun.told:
        value: Any = body
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, bool | int):
            told[path] = value
        elif isinstance(value, str | float) and value != "":
            told[path] = str(value)[:_TOLD_LENGTH]
    return told


def digest_of(body: dict[str, Any]) -> str:
    """Return the digest of a record; whole numbers beyond 2**53 enter it as text."""
    return engine.digest(_small(body))


def _small(value: Any) -> Any:  # JSON
    if isinstance(value, dict):
        return {key: _small(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_small(inner) for inner in value]
    return str(value) if isinstance(value, int) and abs(value) >= 2**53 else value


def timestamp(at_ms: int) -> str:
    """Return a moment as entries write it."""
    return f"{datetime.fromtimestamp(at_ms / 1_000, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _ulid(at_ms: int) -> str:
    """Return a ULID: 48 bits of time, 80 of chance, in Crockford's base 32."""
    number = at_ms << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
