"""Open findings, with when each was first seen: nothing else about them is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engines.compliance import OpenFinding
from services.workspace import Workspace

_KIND = "compliance_findings"


def since_seen(ws: Workspace, found: Sequence[OpenFinding], *, scope: str) -> list[OpenFinding]:
    """Return the findings, those of unknown age with when the hub first saw them open.

    A finding that closes is forgotten: when it opens again it is new. `scope` tells apart what is
    seen with and without the sample fleet.
    """
    with ws.records.transaction() as tx:
        row = tx.get(_KIND, scope)
        before: dict[str, int] = row.body["seen"] if row else {}
        now = {one.id: before.get(one.id, ws.now_ms()) for one in found}
        if now != before:
            tx.put(_KIND, scope, {"seen": now})
    return [f if f.since_ms is not None else replace(f, since_ms=now[f.id]) for f in found]
