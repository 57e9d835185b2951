"""/api/hallucination: check outputs that a caller hands in."""

from __future__ import annotations

import msgspec

from app.api.routing import Router
from engines.hallucination import HallucinationResult
from services import hallucination
from services.workspace import Workspace

router = Router("hallucination", "/api/hallucination")


class Many(msgspec.Struct, frozen=True):
    """Several outputs to check in one call."""

    items: list[hallucination.ToAnalyze]


@router.route(
    "POST", "/analyze", permission="content:read", body=hallucination.ToAnalyze | Many,
    returns=HallucinationResult | list[HallucinationResult], errors=(422,),
)  # fmt: skip
def analyze(
    ws: Workspace, body: hallucination.ToAnalyze | Many
) -> HallucinationResult | list[HallucinationResult]:
    """Return risk, grounding and a verdict per sentence, for one output or for many."""
    if isinstance(body, Many):
        return hallucination.analyze_outputs(ws, body.items)
    return hallucination.analyze_outputs(ws, [body])[0]
