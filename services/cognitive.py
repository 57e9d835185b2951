"""All of a model's cognitive health in one answer: what ``/api/metrics/cognitive`` shows."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from typing import Any

import msgspec

from engines.drift import DriftReport
from engines.result import Insufficient
from engines.sentence import say
from services.computed import Computed
from services.degradation import get_degradation
from services.drift import get_drift
from services.hallucination import get_hallucination
from services.identity import permitted
from services.reliability import get_reliability
from services.times import to_rfc3339
from services.trust import get_trust
from services.workspace import Workspace

Part = dict[str, Any]  # JSON: a number with its circumstances, or insufficient_data with a reason


class Cognitive(msgspec.Struct, frozen=True):
    """Drift, reliability, hallucination, degradation and trust of one model."""

    model_id: str
    drift: Part
    reliability: Part
    hallucination: Part
    degradation: Part
    trust: Part


class TrustView(msgspec.Struct, frozen=True):
    """The trust part alone."""

    model_id: str
    trust: Part


@permitted("trust:read")
def get_cognitive(ws: Workspace, model_id: str) -> Cognitive:
    """Return the latest of every family; what is not known says why."""
    return Cognitive(
        model_id=model_id,
        drift=_drift(get_drift(ws, model_id)),
        reliability=_reliability(get_reliability(ws, model_id)),
        hallucination=_hallucination(get_hallucination(ws, model_id)),
        degradation=_degradation(get_degradation(ws, model_id)),
        trust=trust_part(get_trust(ws, model_id)),
    )


def circumstances(answer: Computed[Any]) -> Part:
    """Return when, over which window, from how many rows and how a result was made."""
    return {
        "computed_at": to_rfc3339(answer.computed_at_ms),
        "window": {
            "start": to_rfc3339(answer.window.start_ms),
            "end": to_rfc3339(answer.window.end_ms),
        },
        "n": answer.n_current,
        "n_reference": answer.n_reference,
        "method": answer.method,
    }


def nothing(answer: Computed[Any]) -> Part:
    """Return the part that stands for a missing result."""
    lack = answer.insufficient or Insufficient(say("reasons.not_computed", "not computed yet"))
    return _lacking(lack) | circumstances(answer)


def _lacking(lack: Insufficient) -> Part:
    return {
        "status": lack.status,
        "reason": lack.reason,
        "reason_key": lack.reason_key,
        "reason_values": lack.reason_values,
    }


def _value(part: object, number: float | None) -> Part:
    if isinstance(part, Insufficient):
        return _lacking(part)
    return {"score": number}


def _drift(answer: Computed[Any]) -> Part:
    found = answer.result
    if found is None:
        return nothing(answer)
    both = {
        f"{name}_drift": _value(report, report.score if isinstance(report, DriftReport) else None)
        for name, report in (("data", found.data), ("prediction", found.prediction))
    }
    concept = _value(found.concept, getattr(found.concept, "score", None))
    return both | {
        "concept_drift": concept,
        "overall": found.overall,
        "status": found.status,
    } | circumstances(answer)  # fmt: skip


def _reliability(answer: Computed[Any]) -> Part:
    found = answer.result
    if found is None:
        return nothing(answer)
    parts = {
        name: _value(part := getattr(found, name), getattr(part, "score", None))
        for name in ("calibration", "stability", "uncertainty", "ood_detection")
    }
    overall = found.overall
    if isinstance(overall, Insufficient):
        return parts | nothing(answer) | _lacking(overall) | {"overall": None}
    return (
        parts
        | {"overall": overall.score, "interval": _plain(overall.interval)}
        | circumstances(answer)
    )


def _hallucination(answer: Computed[Any]) -> Part:
    found = answer.result
    if found is None:
        return nothing(answer) | {
            "risk_level": "insufficient_data", "grounding_score": None, "factuality_index": None,
        }  # fmt: skip
    return {
        "risk_level": found.risk_level,
        "hallucination_risk": found.hallucination_risk,
        "interval": _plain(found.risk_interval),
        "grounding_score": found.grounding_score,
        "factuality_index": found.factuality_index,
    } | circumstances(answer)


def _degradation(answer: Computed[Any]) -> Part:
    found = answer.result
    if found is None:
        return nothing(answer)
    return {
        "metric": answer.method,
        "trend": found.status,
        "rate_of_change": found.rate,
        "rate_interval": _plain(found.rate_interval),
        "period_s": found.period_s,
        "projected_impact": _plain(found.projection),
        "changes": [_plain(change) for change in found.changes],
    } | circumstances(answer)


def trust_part(answer: Computed[Any]) -> Part:
    """Return trust as the API shows it: the bound that decisions use is `overall`."""
    found = answer.result
    if found is None:
        return nothing(answer)
    return {
        "overall": found.trust,
        "point": found.point,
        "interval": _plain(found.interval),
        "band": found.band,
        "components": [_plain(component) for component in found.components],
        "missing": list(found.missing),
        "capped_by": found.capped_by,
        "known_weight": found.known_weight,
        "policy": {"name": found.policy, "version": found.version},
        "explanation": found.sentence,
    } | circumstances(answer)


def _plain(value: object) -> Any:  # JSON
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value
