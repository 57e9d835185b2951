"""What the scheduler runs, one function a job; each is a list of service calls."""

from __future__ import annotations

import logging
from functools import partial

import msgspec

from services import (
    alerts,
    audit,
    backcast,
    causal,
    data_health,
    degradation,
    drift,
    footprints,
    hallucination,
    reliability,
    rollups,
    security_scan,
    sides,
    sketches,
    slo,
    slo_counts,
    spend,
    trust,
)
from services.audit_witness import ask_witness
from services.errors import AIOBSError
from services.fleet import get_overview
from services.identity import permitted
from services.models import Model, get_model, list_models
from services.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from services.workspace import Workspace

log = logging.getLogger("aiobs.jobs")


@permitted("analysis:run")
def roll_up(ws: Workspace) -> int:
    """Bring the hub's own series up to date."""
    return rollups.roll_up(ws)


@permitted("analysis:run")
def update_sketches(ws: Workspace) -> int:
    """Bring the summaries of inputs up to date."""
    return sketches.update_sketches(ws)


@permitted("analysis:run")
def track_usage(ws: Workspace) -> int:
    """Bring the series of carbon and spending up to date."""
    return footprints.track_carbon(ws) + spend.track_spend(ws)


@permitted("analysis:run")
def evaluate_objectives(ws: Workspace) -> int:
    """Bring the calls of services up to date and compute every objective; how many."""
    slo_counts.track_services(ws)
    return slo.evaluate(ws)


@permitted("analysis:run")
def scan_security(ws: Workspace) -> int:
    """Scan the prompts and outputs that came since the last time; how many findings they have."""
    return security_scan.scan_security(ws)


@permitted("maintain:run")
def sign_audit(ws: Workspace) -> int:
    """Sign the audit chain where it has grown since the last signed head; how many heads."""
    return int(audit.sign_head(ws))


@permitted("maintain:run")
def witness_audit(ws: Workspace) -> int:
    """Have the newest signed head cosigned by the witness, where there is one; up to which size."""
    return ask_witness(ws).cosigned


@permitted("maintain:run")
def verify_audit(ws: Workspace) -> int:
    """Check the audit chain from its first entry on, once an hour; how many entries."""
    last = audit.newest_check(ws)
    if last is not None and last.checked and ws.now_ms() - last.checked_at_ms < HOUR_MS:
        return 0
    return audit.verify_by_itself(ws).checked


@permitted("analysis:run")
def refresh_models(ws: Workspace) -> int:
    """Recompute every model that received anything since its last refresh; how many."""
    done = 0
    for model in list_models(ws):
        if _is_due(ws, model):
            refresh_model(ws, model.model_id)
            done += 1
    return done


@permitted("analysis:run")
def refresh_model(ws: Workspace, model_id: str) -> None:
    """Recompute all families of one model, trust last because it is made of the others."""
    recent = sides.read_recent(ws, model_id)
    for compute in (
        partial(drift.detect_drift, recent=recent),
        partial(reliability.analyze_reliability, recent=recent),
        hallucination.detect_hallucination,
        degradation.track_degradation,
        data_health.check_data_health,
    ):
        try:
            compute(ws, model_id)
        except AIOBSError as error:
            log.warning("a result of %s: %s", model_id, error)
    answer = trust.compute_trust_score(ws, model_id)
    number = answer.result.trust if answer.result else None
    ws.publish("cognitive", {"model_id": model_id, "trust": number})
    rows = get_model(ws, model_id).inferences
    ws.records.put("refreshed", model_id, {"at_ms": ws.now_ms(), "rows": rows})


@permitted("analysis:run")
def evaluate_alerts(ws: Workspace) -> int:
    """Run the alert rules; how many incidents opened."""
    return len(alerts.evaluate(ws))


@permitted("analysis:run")
def explain_incidents(ws: Workspace) -> int:
    """Look for the causes of open incidents; how many were explained."""
    return causal.explain_open_incidents(ws)


@permitted("analysis:run")
def fill_gaps(ws: Workspace) -> int:
    """Compute past hours that nobody computed."""
    return backcast.fill_gaps(ws)


@permitted("metrics:read")
def push_metrics(ws: Workspace) -> None:
    """Send the fleet's numbers to those who listen."""
    ws.publish("metrics", msgspec.to_builtins(get_overview(ws, listed=0).totals))


MANY_ROWS = 200
SOON_MS, LATE_MS = 55 * SECOND_MS, 10 * MINUTE_MS
"""Many new rows make a model due at the next tick, any new row after a minute; labels alone, which
bring no rows, after ten. Alerts do not wait for this: they read the newest rows themselves."""


def _is_due(ws: Workspace, model: Model) -> bool:
    now = ws.now_ms()
    if model.last_seen_ms is None or now - model.last_seen_ms > DAY_MS:
        return False
    refreshed = ws.records.get("refreshed", model.model_id)
    if refreshed is None:
        return True
    new, age_ms = model.inferences - refreshed.body.get("rows", 0), now - refreshed.body["at_ms"]
    return bool(new >= MANY_ROWS or (new > 0 and age_ms >= SOON_MS) or age_ms >= LATE_MS)
