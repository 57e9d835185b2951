"""Alert rules: what each looks at, when it fires, and what it says.

A rule needs evidence (a small p value or a large z) and size (a ratio); one alone is either noise
or trifle. Findings become incidents in `services.incidents`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from engines.alerting import level_jump, rate_jump
from engines.drift import ColumnDrift, DriftReport
from engines.errors import InsufficientData
from services.drift import get_drift
from services.hallucination import get_hallucination
from services.identity import permitted
from services.incidents import Finding, Incident, open_incidents, reconcile
from services.models import Model, list_models
from services.series import read_points
from services.times import DAY_MS, HOUR_MS, MINUTE_MS, Window
from services.topology import get_topology
from services.traffic import Traffic, get_traffic
from services.trust import get_trust
from services.workspace import Workspace

NOW_MS = 10 * MINUTE_MS
QUIET_MS = 10 * MINUTE_MS
P_LIMIT = 1e-5
"""At one look each 15 s over 100 models this is about one false alarm a week per rule and model
set,
since neighbouring looks share most of their data."""
Z_LIMIT = 6.0


@permitted("alerts:read")
def list_alerts(ws: Workspace) -> list[Incident]:
    """Return what is wrong now: the incidents that are not resolved."""
    return open_incidents(ws)


@permitted("analysis:run")
def evaluate(ws: Workspace) -> list[Incident]:
    """Run every rule, bring the incidents up to date, and announce those that opened."""
    findings = [f for model in list_models(ws) for f in _model_findings(ws, model)]
    findings += list(_service_findings(ws))
    opened = reconcile(ws, findings, quiet_ms=QUIET_MS)
    for incident in opened:
        ws.publish("alerts", incident)
    return opened


Rule = Callable[[Workspace, Model, Window], Iterator[Finding]]


def _model_findings(ws: Workspace, model: Model) -> list[Finding]:
    now = ws.now_ms()
    if model.last_seen_ms is None or now - model.last_seen_ms > DAY_MS:
        return []
    window = Window(now - NOW_MS, now)
    return [finding for rule in RULES for finding in rule(ws, model, window)]


def _finding(
    model: Model, rule: str, severity: str, title: str, evidence: dict[str, object]
) -> Finding:
    return Finding(rule, "model", model.model_id, severity, title, evidence)  # type: ignore[arg-type]


def _day_before(window: Window) -> Window:
    return Window(window.start_ms - DAY_MS, window.start_ms)


def errors_rule(ws: Workspace, model: Model, window: Window) -> Iterator[Finding]:
    """Requests fail more often than over the day before."""
    now = get_traffic(ws, window, model_id=model.model_id)
    before = get_traffic(ws, _day_before(window), model_id=model.model_id)
    if now.requests < 20 or before.requests < 100:
        return
    jump = rate_jump(now.errors, now.requests, before.errors, before.requests)
    if jump.p_value is not None and jump.p_value < P_LIMIT and jump.ratio >= 3 and jump.now >= 0.02:
        severity = "critical" if jump.now >= 0.2 else "warning"
        title = f"{jump.now:.0%} of requests to {model.name} fail; {jump.before:.1%} did before"
        yield _finding(model, "errors", severity, title, _evidence(now, jump.now, jump.before))


def latency_rule(ws: Workspace, model: Model, window: Window) -> Iterator[Finding]:
    """The 95th percentile of latency stands out from the day before."""
    now = get_traffic(ws, window, model_id=model.model_id)
    before = get_traffic(ws, _day_before(window), model_id=model.model_id)
    if now.latency_ms is None or before.latency_ms is None or now.requests < 30:
        return
    ratio = now.latency_ms["p95"] / max(before.latency_ms["p95"], 1e-9)
    if ratio >= 2 and now.latency_ms["p50"] > 1.2 * before.latency_ms["p50"]:
        severity = "critical" if ratio >= 5 else "warning"
        title = f"{model.name} answers {ratio:.1f} times slower than the day before (p95)"
        yield _finding(
            model,
            "latency",
            severity,
            title,
            _evidence(now, now.latency_ms["p95"], before.latency_ms["p95"]),
        )


def cost_rule(ws: Workspace, model: Model, window: Window) -> Iterator[Finding]:
    """Cost per ten minutes stands out from the day before."""
    history = read_points(
        ws,
        f'aiobs_cost_total{{model_id="{_quoted(model.model_id)}"}}',
        Window(window.start_ms - DAY_MS, window.end_ms),
        NOW_MS,
        agg="sum",
    )
    if not history or len(history[0].values) < 3:
        return
    complete = history[0].values[:-1]
    try:
        jump = level_jump(float(complete[-1]), complete[:-1], floor_share=0.2)
    except InsufficientData:
        return
    if jump.z is not None and jump.z >= Z_LIMIT and jump.ratio >= 2.5:
        title = f"{model.name} costs {jump.ratio:.1f} times its usual amount"
        evidence: dict[str, object] = {"now": jump.now, "before": jump.before, "z": jump.z}
        yield _finding(model, "cost", "warning", title, evidence)


def drift_rule(ws: Workspace, model: Model, _window: Window) -> Iterator[Finding]:
    """Features changed: a fault where values vanish or freeze, otherwise a shift."""
    found = get_drift(ws, model.model_id).result
    if found is None or not isinstance(found.data, DriftReport):
        return
    drifted = [c for c in found.data.columns if c.outcome == "drift"]
    broken = [c for c in drifted if _looks_broken(c)]
    if broken:
        names = ", ".join(c.name for c in broken[:3])
        title = f"Features of {model.name} look broken: {names}"
        evidence: dict[str, object] = {"features": [c.name for c in broken], "score": found.overall}
        yield _finding(model, "sensor_fault", "critical", title, evidence)
    elif drifted and (found.data.score or 0.0) >= 0.25:
        names = ", ".join(c.name for c in drifted[:3])
        title = f"Inputs of {model.name} shifted: {names}"
        evidence = {"features": [c.name for c in drifted[:20]], "score": found.data.score}
        severity = "critical" if (found.data.score or 0.0) >= 0.5 else "warning"
        yield _finding(model, "covariate_shift", severity, title, evidence)


def _looks_broken(column: ColumnDrift) -> bool:
    """Values went missing, or most current rows share one cell that few reference rows had."""
    if column.missing_change >= 0.1:
        return True
    cells = column.histogram
    if cells is None or column.kind != "numeric" or not cells.current:
        return False
    gain = np.asarray(cells.current) - np.asarray(cells.reference)
    return bool(gain.max() >= 0.5)


def grounding_rule(ws: Workspace, model: Model, _window: Window) -> Iterator[Finding]:
    """Outputs are supported by their passages less than the day before."""
    if model.model_type not in ("llm", "rag"):
        return
    found = get_hallucination(ws, model.model_id).result
    now = ws.now_ms()
    past = read_points(
        ws,
        f'aiobs_hallucination_risk{{model_id="{_quoted(model.model_id)}"}}',
        Window(now - DAY_MS, now - HOUR_MS),
        HOUR_MS,
    )
    known = past[0].values[np.isfinite(past[0].values)] if past else np.array([])
    if found is None or len(known) < 2:
        return
    before = float(np.median(known))
    if found.risk_interval.low > before + 0.05 and found.hallucination_risk > 1.25 * before:
        title = f"Outputs of {model.name} are less supported: risk {found.hallucination_risk:.2f}"
        evidence: dict[str, object] = {"now": found.hallucination_risk, "before": before}
        yield _finding(model, "hallucination", "warning", title, evidence)


def retrieval_rule(ws: Workspace, model: Model, window: Window) -> Iterator[Finding]:
    """Answers come without any passage: retrieval does not deliver."""
    if model.model_type != "rag":
        return
    empty_now, n_now = _without_context(ws, model.model_id, window)
    before = Window(window.start_ms - 6 * HOUR_MS, window.start_ms)
    empty_before, n_before = _without_context(ws, model.model_id, before)
    if n_now < 5 or n_before < 20:
        return
    jump = rate_jump(empty_now, n_now, empty_before, n_before)
    if jump.p_value is not None and jump.p_value < P_LIMIT and jump.now >= 0.2:
        title = f"{jump.now:.0%} of answers of {model.name} come without any passage"
        evidence: dict[str, object] = {"now": jump.now, "before": jump.before, "n": n_now}
        yield _finding(model, "retrieval_outage", "critical", title, evidence)


def _without_context(ws: Workspace, model_id: str, window: Window) -> tuple[int, int]:
    rows = ws.events.inference_columns(
        model_id, window.start_ms, window.end_ms, columns=("context", "output"), limit=2_000
    )
    contexts = rows.columns.get("context")
    if contexts is None:
        return len(rows), len(rows)
    return sum(not context for context in contexts), len(rows)


def labels_rule(ws: Workspace, model: Model, window: Window) -> Iterator[Finding]:
    """Labels that used to arrive in time do not any more."""
    now = window.end_ms
    recent = _labelled(ws, model.model_id, Window(now - HOUR_MS, now - 20 * MINUTE_MS))
    past = _labelled(ws, model.model_id, Window(now - DAY_MS, now - HOUR_MS))
    if recent[1] < 30 or past[1] < 100 or past[0] / past[1] < 0.3:
        return
    missing_now, missing_before = recent[1] - recent[0], past[1] - past[0]
    jump = rate_jump(missing_now, recent[1], missing_before, past[1])
    if jump.p_value is not None and jump.p_value < P_LIMIT and jump.now - jump.before >= 0.3:
        usual, arrived = 1 - jump.before, 1 - jump.now
        title = f"Labels of {model.name} are late: {arrived:.0%} came, usually {usual:.0%} do"
        evidence: dict[str, object] = {"now": arrived, "before": usual}
        yield _finding(model, "label_delay", "warning", title, evidence)


def _labelled(ws: Workspace, model_id: str, window: Window) -> tuple[int, int]:
    rows = ws.events.inference_columns(
        model_id, window.start_ms, window.end_ms, columns=("label",), limit=5_000
    )
    labels = rows.columns.get("label")
    if labels is None:
        return 0, len(rows)
    return sum(label is not None and label == label for label in labels), len(rows)


def trust_rule(ws: Workspace, model: Model, _window: Window) -> Iterator[Finding]:
    """Trust is below its warning limit although enough is known to say so."""
    found = get_trust(ws, model.model_id).result
    if found is not None and found.band == "critical" and found.point < 0.6:
        evidence: dict[str, object] = {"now": found.trust, "point": found.point}
        title = f"{model.name} cannot be trusted now: {found.trust:.2f}"
        yield _finding(model, "trust", "critical", title, evidence)


RULES: tuple[Rule, ...] = (
    errors_rule,
    latency_rule,
    cost_rule,
    drift_rule,
    grounding_rule,
    retrieval_rule,
    labels_rule,
    trust_rule,
)


def _service_findings(ws: Workspace) -> Iterator[Finding]:
    now = ws.now_ms()
    for service in get_topology(ws, Window(now - NOW_MS, now)).services:
        if service.health == "critical":
            yield Finding(
                rule="service",
                subject_kind="service",
                subject=service.service,
                severity="critical",
                title=f"{service.service}: {service.reason}",
                evidence={"error_rate": service.error_rate, "mean_ms": service.mean_ms},
            )


def _evidence(traffic: Traffic, now: float, before: float) -> dict[str, object]:
    return {"now": now, "before": before, "n": traffic.requests}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
