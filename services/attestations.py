"""Attestations: what a person signed for a control that no telemetry can show."""

from __future__ import annotations

import hashlib

import msgspec

from engines.compliance import load_catalogue
from engines.sentence import say
from services.errors import Conflict, Invalid, NotFound
from services.identity import permitted
from services.workspace import Workspace

_KIND = "attestation"
MAX_WORDS = 2_000


class Attestation(msgspec.Struct, frozen=True):
    """One signed statement; it is never edited, only withdrawn.

    `seal` is the hub's keyed hash over the statement: a record that was changed behind the hub's
    back no longer counts.
    """

    id: str
    control_id: str
    statement: str
    document: str
    signed_by: str
    signed_name: str
    signed_at_ms: int
    seal: str
    withdrawn_at_ms: int | None = None
    withdrawn_by: str = ""


@permitted("compliance:write")
def attest(ws: Workspace, control_id: str, statement: str, *, document: str = "") -> Attestation:
    """Sign a statement for a control; `document` says where the proof lies (a link or a hash)."""
    control = load_catalogue().control(control_id)
    if control is None:
        raise NotFound(f"there is no control {control_id!r}")
    if not control.can_be_attested:
        raise Invalid(
            say(
                "reasons.control_is_computed",
                "{control} is computed from evidence; a statement cannot stand for it",
                control=control_id,
            )
        )
    statement = statement.strip()
    if not 10 <= len(statement) <= MAX_WORDS or len(document) > 500:
        raise Invalid(
            say(
                "reasons.statement_size",
                "a statement has 10 to {most, number} characters, a document at most 500",
                most=MAX_WORDS,
            )
        )
    now = ws.now_ms()
    name = f"{control_id}|{ws.principal.id}|{now}|{statement}"
    made = Attestation(
        id=hashlib.sha256(name.encode()).hexdigest()[:16],
        control_id=control_id,
        statement=statement,
        document=document.strip(),
        signed_by=ws.principal.id,
        signed_name=ws.principal.name,
        signed_at_ms=now,
        seal="",
    )
    sealed = msgspec.structs.replace(made, seal=_seal(ws, made))
    ws.records.put(_KIND, sealed.id, msgspec.to_builtins(sealed), expected_revision=0)
    ws.cache.invalidate(f"{ws.tenant}/compliance/")
    return sealed


@permitted("compliance:write")
def withdraw_attestation(ws: Workspace, attestation_id: str) -> Attestation:
    """Withdraw a statement; the record of it stays."""
    row = ws.records.get(_KIND, attestation_id)
    if row is None:
        raise NotFound(f"there is no attestation {attestation_id!r}")
    found = msgspec.convert(row.body, Attestation)
    if found.withdrawn_at_ms is not None:
        raise Conflict(say("reasons.already_withdrawn", "the attestation is withdrawn already"))
    gone = msgspec.structs.replace(found, withdrawn_at_ms=ws.now_ms(), withdrawn_by=ws.principal.id)
    ws.records.put(_KIND, gone.id, msgspec.to_builtins(gone), expected_revision=row.revision)
    ws.cache.invalidate(f"{ws.tenant}/compliance/")
    return gone


@permitted("compliance:read")
def list_attestations(ws: Workspace) -> list[Attestation]:
    """Return every statement, newest first, withdrawn ones included."""
    rows = [msgspec.convert(r.body, Attestation) for r in ws.records.list(_KIND, limit=10_000)]
    return sorted(rows, key=lambda a: -a.signed_at_ms)


@permitted("compliance:read")
def valid_attestations(ws: Workspace) -> list[Attestation]:
    """Return the statements that count: not withdrawn, and with the seal that the hub put on."""
    return [
        a for a in list_attestations(ws) if a.withdrawn_at_ms is None and a.seal == _seal(ws, a)
    ]


def _seal(ws: Workspace, made: Attestation) -> str:
    plain = (
        "attestation", ws.tenant, made.id, made.control_id, made.statement, made.document,
        made.signed_by, made.signed_name, made.signed_at_ms,
    )  # fmt: skip
    return ws.sign(msgspec.json.encode(plain))
