"""Alert rules: what each looks at, when it fires, and what it says.

A rule needs evidence (a p value below a limit that counts how often everybody looks) and size (a
ratio or a distance); one alone is either noise or trifle. Rules over the newest rows are in
`services.newest`, those over windows here. Findings become incidents in `services.incidents`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from engines.alerting import rate_jump
from engines.drift import DriftReport
from services.audit import audit_rule
from services.drift import get_drift
from services.hallucination import get_hallucination
from services.identity import permitted
from services.incidents import Finding, Incident, list_incidents, open_incidents, reconcile
from services.models import Model, list_models
from services.newest import NEWEST_RULES, Limits, read_newest
from services.security_alerts import attack_rule, leak_rule, vulnerability_rule
from services.series import read_points
from services.slo_alerts import burn_rule
from services.times import DAY_MS, HOUR_MS, MINUTE_MS, Window
from services.topology import get_topology
from services.traffic import RequestStats, get_request_stats
from services.trust import get_trust
from services.trust_policy import get_policy
from services.workspace import Workspace

NOW_MS = 10 * MINUTE_MS
QUIET_MS = 10 * MINUTE_MS
LOOKS_A_WEEK = 7 * DAY_MS // (15 * 1_000)
RULES_A_MODEL = 12
FALSE_ALARMS_A_WEEK = 1.0
"""Expected over all models and rules together when nothing is wrong: the p limit is this, divided
by the number of looks (Bonferroni). Neighbouring looks share most of their data, so that the true
number is lower."""


@permitted("alerts:read")
def list_alerts(ws: Workspace) -> list[Incident]:
    """Return what is wrong now: the incidents that are not resolved."""
    return open_incidents(ws)


@permitted("analysis:run")
def evaluate(ws: Workspace) -> list[Incident]:
    """Run every rule, bring the incidents up to date, and announce those that opened."""
    models = [model for model in list_models(ws) if _is_active(ws, model)]
    findings: dict[tuple[str, str], Finding] = {}
    for finding in _all_findings(ws, models):
        findings.setdefault((finding.rule, finding.subject), finding)
    opened = reconcile(ws, list(findings.values()), quiet_ms=QUIET_MS)
    for incident in opened:
        ws.publish("alerts", incident)
    return opened


def p_limit(models: int, tests: int = 0) -> float:
    """Return how small a p value must be when `models` are watched and a rule makes extra tests.

    >>> f"{p_limit(models=8):.1e}"
    '2.6e-07'
    """
    return FALSE_ALARMS_A_WEEK / (LOOKS_A_WEEK * max(1, models) * (RULES_A_MODEL + tests))


def evidence_limit(models: int, rows_a_week: float) -> float:
    """Return how large the evidence of single requests must be, as a logarithm.

    The same budget as `p_limit`, spent by the request and not by the look.

    >>> round(evidence_limit(models=8, rows_a_week=25_000), 1)
    14.7
    """
    return math.log(max(1.0, rows_a_week) * max(1, models) * RULES_A_MODEL / FALSE_ALARMS_A_WEEK)


def _is_active(ws: Workspace, model: Model) -> bool:
    return model.last_seen_ms is not None and ws.now_ms() - model.last_seen_ms <= DAY_MS


def _all_findings(ws: Workspace, models: list[Model]) -> Iterator[Finding]:
    explained = _with_known_change(ws)
    limits = Limits(
        lambda tests: p_limit(len(models), tests), lambda rows: evidence_limit(len(models), rows)
    )
    for model in models:
        new = read_newest(ws, model, limits)
        found = [f for rule in NEWEST_RULES for f in rule(ws, new)] if new is not None else []
        yield from found
        yield from errors_rule(ws, model, p_limit(len(models)))
        if model.model_id not in explained and not {f.rule for f in found} & CHANGES:
            yield from drift_rule(ws, model)
        yield from grounding_rule(ws, model)
        yield from trust_rule(ws, model)
        yield from leak_rule(ws, model)
        yield from attack_rule(ws, model, p_limit(len(models)))
    yield from _service_findings(ws)
    yield from burn_rule(ws)
    yield from vulnerability_rule(ws)
    yield from audit_rule(ws)


CHANGES = {"sensor_fault", "covariate_shift"}


def _with_known_change(ws: Workspace) -> set[str]:
    """Return models whose features had an incident that drift's longest window still holds."""
    since = ws.now_ms() - 2 * HOUR_MS
    return {
        i.subject
        for i in list_incidents(ws)
        if i.rule in CHANGES and i.updated_at_ms >= since and "window" not in i.evidence
    }


def _finding(
    model: Model, rule: str, severity: str, title: str, evidence: dict[str, object]
) -> Finding:
    return Finding(rule, "model", model.model_id, severity, title, evidence)  # type: ignore[arg-type]


def _day_before(window: Window) -> Window:
    return Window(window.start_ms - DAY_MS, window.start_ms)


def errors_rule(ws: Workspace, model: Model, limit: float) -> Iterator[Finding]:
    """Requests fail more often than over the day before."""
    window = Window(ws.now_ms() - NOW_MS, ws.now_ms())
    now = get_request_stats(ws, window, model_id=model.model_id)
    if now.errors == 0 or now.requests < 20:
        return
    before = get_request_stats(ws, _day_before(window), model_id=model.model_id)
    if before.requests < 100:
        return
    jump = rate_jump(now.errors, now.requests, before.errors, before.requests)
    if jump.p_value is not None and jump.p_value < limit and jump.ratio >= 3 and jump.now >= 0.02:
        severity = "critical" if jump.now >= 0.2 else "warning"
        title = f"{jump.now:.0%} of requests to {model.name} fail; {jump.before:.1%} did before"
        yield _finding(model, "errors", severity, title, _evidence(now, jump.now, jump.before))


def drift_rule(ws: Workspace, model: Model) -> Iterator[Finding]:
    """Inputs of the last hours moved: a shift too slow or too small for the newest rows."""
    found = get_drift(ws, model.model_id).result
    if found is None or not isinstance(found.data, DriftReport):
        return
    limit = LEAST_HOURS_P
    drifted = [
        c for c in found.data.columns
        if c.outcome == "drift" and c.p_value is not None and c.p_value < limit
    ]  # fmt: skip
    score = found.data.score or 0.0
    if drifted and score >= 0.25:
        names = ", ".join(c.name for c in drifted[:3])
        title = f"Inputs of {model.name} shifted: {names}"
        features = [c.name for c in drifted[:20]]
        evidence: dict[str, object] = {"features": features, "score": score, "window": "hours"}
        severity = "critical" if score >= 0.5 else "warning"
        yield _finding(model, "covariate_shift", severity, title, evidence)


LEAST_HOURS_P = 1e-7
"""A report of the last hours is new about 168 times a week: with 100 models of 6 features each
this is one false alarm in two years, and the shifts meant here are large."""


def grounding_rule(ws: Workspace, model: Model) -> Iterator[Finding]:
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


def trust_rule(ws: Workspace, model: Model) -> Iterator[Finding]:
    """Trust is below its warning limit although enough is known to say so."""
    found = get_trust(ws, model.model_id).result
    limit = get_policy(ws, model.model_type).definition.warning
    if found is not None and found.band == "critical" and found.point < limit:
        evidence: dict[str, object] = {"now": found.trust, "point": found.point}
        title = f"{model.name} cannot be trusted now: {found.trust:.2f}"
        yield _finding(model, "trust", "critical", title, evidence)


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


def _evidence(traffic: RequestStats, now: float, before: float) -> dict[str, object]:
    return {"now": now, "before": before, "n": traffic.requests}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
