"""Where the audit chain stands: how long it is, who answers for it, when it was checked last."""

from __future__ import annotations

import msgspec

from engines.compliance import ChainFacts
from services.audit import Verification, newest_check
from services.audit_witness import Witnessing, read_witnessing
from services.identity import permitted
from services.workspace import Workspace


class Standing(msgspec.Struct, frozen=True):
    """The chain at a glance; `signed` is the size of the newest checkpoint."""

    size: int
    began_ms: int | None
    signed: int
    signed_at_ms: int | None
    check: Verification | None
    has_witness: bool
    witness: Witnessing


@permitted("audit:read")
def get_standing(ws: Workspace) -> Standing:
    """Return where this tenant's chain stands."""
    return _standing(ws)


@permitted("compliance:read")
def read_chain_facts(ws: Workspace) -> ChainFacts:
    """Return what controls may look at: numbers and times, no entry."""
    found = _standing(ws)
    check = found.check
    return ChainFacts(
        size=found.size,
        began_ms=found.began_ms,
        verified=check.checked if check else 0,
        verified_at_ms=check.checked_at_ms if check else None,
        is_whole=check.is_whole if check else False,
        cosigned=found.witness.cosigned,
        cosigned_at_ms=found.witness.cosigned_at_ms,
        is_refused=bool(found.witness.refusal),
    )


def _standing(ws: Workspace) -> Standing:
    with ws.records.read_chain() as chain:
        size, head, first = chain.tip()[0], chain.head(), chain.get(0)
    return Standing(
        size=size,
        began_ms=first.at_ms if first else None,
        signed=head.size if head else 0,
        signed_at_ms=head.at_ms if head else None,
        check=newest_check(ws),
        has_witness=ws.witness is not None,
        witness=read_witnessing(ws),
    )
