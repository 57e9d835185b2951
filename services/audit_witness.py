"""The witness of the audit chain: asked to cosign each new checkpoint; what it said is kept.

The hub and whoever holds its key can write any history. What the witness remembers is beyond them:
when it refuses to go on from there, the history was rewritten or cut short.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from connectors.protocols import AuditHead, CosignAnswer, Witness
from engines.audit import consistency_path, cosigned_at
from services.errors import Unavailable
from services.identity import permitted
from services.workspace import Workspace

_KIND, _ID = "audit_witness", "newest"
Refusal = Literal["", "rewritten", "shorter"]


class Witnessing(msgspec.Struct, frozen=True):
    """What the witness last said of this chain; `remembers` is the size that it answered with
    where it remembers more entries than there are."""

    asked_at_ms: int | None = None
    cosigned: int = 0
    cosigned_at_ms: int | None = None
    refusal: Refusal = ""
    remembers: int | None = None


@permitted("maintain:run")
def ask_witness(ws: Workspace) -> Witnessing:
    """Have the newest checkpoint cosigned where it is not yet; nothing without a witness."""
    known = read_witnessing(ws)
    with ws.records.read_chain() as chain:
        head = chain.head()
    if ws.witness is None or head is None or (head.size == known.cosigned and not known.refusal):
        return known
    answer = _ask(ws, ws.witness, head, known.cosigned)
    now = ws.now_ms()
    if answer.lines:
        note = head.note + answer.lines
        at_s = cosigned_at(note, ws.witness.key)
        if at_s is None:
            raise Unavailable("the witness answers with another key than the one that is set")
        with ws.records.transaction() as transaction:
            transaction.chain(ws.tenant).put_head(msgspec.structs.replace(head, note=note))
            said = Witnessing(now, head.size, at_s * 1_000)
            transaction.put(_KIND, _ID, msgspec.to_builtins(said))
        return said
    said = msgspec.structs.replace(
        known,
        asked_at_ms=now,
        refusal="rewritten" if answer.remembers is None else "shorter",
        remembers=answer.remembers,
    )
    ws.records.put(_KIND, _ID, msgspec.to_builtins(said))
    return said


def read_witnessing(ws: Workspace) -> Witnessing:
    """Return what the witness last said; for services, which say who may know."""
    row = ws.records.get(_KIND, _ID)
    return Witnessing() if row is None else msgspec.convert(row.body, Witnessing)


def _ask(ws: Workspace, witness: Witness, head: AuditHead, old: int) -> CosignAnswer:
    """Ask from the size that was cosigned last; once more from another that it remembers."""
    old = min(old, head.size)  # a chain that was cut short asks too: the answer says so
    answer = witness.cosign(old, _path(ws, old, head.size), head.note)
    there = answer.remembers
    if there is None or there > head.size or there == old:
        return answer
    return witness.cosign(there, _path(ws, there, head.size), head.note)


def _path(ws: Workspace, old: int, size: int) -> list[bytes]:
    if not 0 < old < size:
        return []
    with ws.records.read_chain() as chain:
        return consistency_path(old, size, chain.node)
