"""What the hub can show of itself for compliance: facts from the registry, telemetry and records.

Models of the sample fleet are left out, with their incidents: sample data prove nothing.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.selector import select
from engines.compliance import (
    AttestationFacts,
    CardState,
    DutyFacts,
    Facts,
    IncidentFacts,
    ModelFacts,
)
from services.attestations import valid_attestations
from services.audit_standing import read_chain_facts
from services.carbon import count_known
from services.duties import list_duties
from services.identity import permitted
from services.incidents import Incident, list_incidents
from services.model_cards import list_cards
from services.models import Model, list_models
from services.subject_requests import read_request_facts
from services.times import DAY_MS, MINUTE_MS, Window
from services.workspace import Workspace

LOOKED_AT = 200
"""Newest inferences of a model whose fields are looked at."""
PAST_MS = 30 * DAY_MS
_GRID_MS = 5 * MINUTE_MS


class _Kept(msgspec.Struct):
    """The part of a stored answer that says whether it came to a result."""

    computed_at_ms: int
    result: msgspec.Raw = msgspec.Raw(b"null")


@permitted("compliance:read")
def gather_facts(ws: Workspace, *, with_sample: bool = False) -> Facts:
    """Return everything the compliance rules may look at; the sample fleet only when asked."""
    everyone = list_models(ws)
    chosen = [m for m in everyone if with_sample or not m.is_sample]
    incidents = _real_incidents(ws, everyone, chosen)
    kept = {i.id for i in incidents}
    now = ws.now_ms()
    cards = {view.model_id: view.state for view in list_cards(ws)}
    energy = count_known(ws, Window(now - PAST_MS, now))
    return Facts(
        models=tuple(
            _model(ws, model, cards[model.model_id], *energy.get(model.model_id, (0, 0)))
            for model in chosen
        ),
        incidents=tuple(_incident(i) for i in incidents),
        duties=tuple(
            DutyFacts(d.incident_id, d.regime, d.clock, d.aware_at_ms, d.reported_at_ms)
            for d in list_duties(ws)
            if d.incident_id in kept
        ),
        attestations=tuple(
            AttestationFacts(a.id, a.control_id, a.signed_at_ms) for a in valid_attestations(ws)
        ),
        requests=read_request_facts(ws, with_sample=with_sample),
        retention_days=ws.running.retention_days,
        access_controlled=ws.running.auth == "keys",
        longest_silence_ms=_longest_silence(ws, chosen),
        chain=read_chain_facts(ws),
        running_since_ms=min((r.created_at_ms for r in ws.records.list("model")), default=None),
    )


def _real_incidents(ws: Workspace, everyone: list[Model], chosen: list[Model]) -> list[Incident]:
    """Leave out what happened to models that are left out; services belong to those that stay.
    Vulnerabilities and a broken audit chain are no incidents of an AI system."""
    ids = {model.model_id for model in chosen}
    known = {model.model_id for model in everyone}
    return [
        i
        for i in list_incidents(ws, limit=10_000)
        if i.subject_kind in ("model", "service")
        and (i.subject in ids or (i.subject not in known and ids))
    ]


def _incident(incident: Incident) -> IncidentFacts:
    seen = [note.at_ms for note in incident.notes if note.text.startswith("acknowledged")]
    cause = incident.root_cause
    return IncidentFacts(
        incident.id,
        incident.rule,
        incident.severity,
        incident.opened_at_ms,
        seen[0] if seen else None,
        incident.resolved_at_ms,
        cause is not None and not cause.get("abstained", False),
        incident.subject,
    )


def _model(
    ws: Workspace, model: Model, card: CardState, requests: int, with_energy: int
) -> ModelFacts:
    rows, traceable = _traceable(ws, model)
    return ModelFacts(
        model_id=model.model_id,
        is_registered=model.status == "registered",
        owner=model.owner,
        purpose=model.purpose,
        risk_class=model.risk_class,
        is_generative=model.model_type in ("llm", "rag"),
        has_objective=model.objective_latency_ms is not None,
        last_seen_ms=model.last_seen_ms,
        drift_at_ms=_newest(ws, "drift", model.model_id),
        quality_at_ms=_newest(ws, "reliability", model.model_id),
        grounding_at_ms=_newest(ws, "hallucination", model.model_id),
        rows=rows,
        traceable_rows=traceable,
        requests=requests,
        requests_with_energy=with_energy,
        card=card.status,
        card_due_ms=card.due_at_ms,
    )


def _newest(ws: Workspace, kind: str, model_id: str) -> int | None:
    """Return when the newest analysis that came to a result was made."""
    now = ws.now_ms()
    for analysis in ws.events.analyses(kind, model_id, now - 400 * DAY_MS, now + 1, limit=5):
        found = msgspec.json.decode(analysis.body, type=_Kept)
        if bytes(found.result) != b"null":
            return found.computed_at_ms
    return None


def _traceable(ws: Workspace, model: Model) -> tuple[int, int]:
    """Return how many of the newest inferences were looked at, and how many can be traced."""
    if model.last_seen_ms is None:
        return 0, 0
    end = model.last_seen_ms + 1
    names = ("prediction", "score", "output", "prompt")
    found = ws.events.inference_columns(
        model.model_id, end - DAY_MS, end, columns=None, limit=LOOKED_AT
    )
    texts = ws.events.inference_columns(
        model.model_id, end - DAY_MS, end, columns=names, limit=LOOKED_AT
    )
    n = len(found)
    said_in = _any_given(n, [v for k, v in found.columns.items() if k.startswith("feature:")])
    said_in |= _any_given(n, [texts.columns[k] for k in ("prompt",) if k in texts.columns])
    said_out = _any_given(n, [texts.columns[k] for k in names[:3] if k in texts.columns])
    versioned = np.array([bool(v) for v in found.versions], dtype=bool)
    return n, int((said_in & said_out & versioned).sum())


def _any_given(n: int, columns: list[NDArray[Any]]) -> NDArray[np.bool_]:
    given = np.zeros(n, dtype=bool)
    for values in columns:
        if len(values) == n:
            given |= np.array([v is not None and v == v and v != "" for v in values], dtype=bool)
    return given


def _longest_silence(ws: Workspace, chosen: list[Model]) -> int | None:
    """Return the longest time in 30 days without an inference of any of the models."""
    starts = [m.first_seen_ms for m in chosen if m.first_seen_ms is not None]
    if not starts:
        return None
    now = ws.now_ms()
    start = max(now - PAST_MS, min(starts))
    ids = {model.model_id for model in chosen}
    found = ws.metrics.window(
        select("aiobs_inferences_total"), start, now, _GRID_MS, over_time="sum", across="sum",
        by=("model_id",),
    )  # fmt: skip
    seen = [
        points.timestamps_ms[np.nan_to_num(points.values) > 0]
        for points in found
        if points.series.label("model_id") in ids
    ]
    if not seen:
        return None
    times = np.unique(np.concatenate([*seen, np.array([start, now], dtype=np.int64)]))
    # A bucket of five minutes is silent only when it holds nothing at all.
    return max(0, int(np.diff(times).max()) - _GRID_MS)


def digest(facts: Facts) -> str:
    """Return a short fingerprint of the facts that an evaluation was made from."""
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:16]
