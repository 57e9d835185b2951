"""/api/hallucination: check outputs that a caller hands in."""

from __future__ import annotations

from app.api.routing import Router
from engines.hallucination import HallucinationResult
from services import hallucination
from services.workspace import Workspace

router = Router("hallucination", "/api/hallucination")


@router.route(
    "POST", "/analyze", permission="content:read",
    body=hallucination.ToAnalyze | list[hallucination.ToAnalyze],
    returns=HallucinationResult | list[HallucinationResult], errors=(422,),
)  # fmt: skip
def analyze(
    ws: Workspace, body: hallucination.ToAnalyze | list[hallucination.ToAnalyze]
) -> HallucinationResult | list[HallucinationResult]:
    """Return risk, grounding and a verdict per sentence, for one output or for many."""
    if isinstance(body, list):
        return hallucination.analyze_outputs(ws, body)
    return hallucination.analyze_outputs(ws, [body])[0]
