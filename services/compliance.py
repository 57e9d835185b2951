"""Compliance: the status of every control, computed from evidence each time, stored never."""

from __future__ import annotations

import msgspec

from engines.compliance import (
    AgeBand,
    ControlStatus,
    Coverage,
    EvidenceAge,
    Facts,
    OpenFinding,
    SystemFacts,
    add_vulnerable,
    count_severities,
    cover,
    evaluate,
    evidence_age,
    find_open,
    load_catalogue,
    spread_ages,
)
from services.duties import RunningClock, list_clocks
from services.errors import NotFound
from services.facts import digest, gather_facts
from services.findings import since_seen
from services.identity import permitted
from services.incidents import open_incidents
from services.models import list_models
from services.vulnerabilities import list_vulnerable
from services.vulnerability_scans import SAMPLE_SOURCE
from services.workspace import Workspace

FRESH_S, STALE_S = 60.0, 600.0


class ControlView(msgspec.Struct, frozen=True):
    """A control of the catalogue with the status that the evidence gives it."""

    id: str
    framework: str
    framework_name: str
    ref: str
    title: str
    requirement: str
    applies: str
    max_age_days: int
    can_be_attested: bool
    found: ControlStatus
    age: EvidenceAge


class Compliance(msgspec.Struct, frozen=True):
    """What the compliance page shows: coverage, every control, the clocks that run."""

    computed_at_ms: int
    catalogue_version: str
    notice: str
    facts_digest: str
    includes_sample: bool
    models: int
    sample_models: int
    coverage: Coverage
    frameworks: list[Coverage]
    controls: list[ControlView]
    ages: tuple[AgeBand, ...]
    findings: list[OpenFinding]
    findings_by_severity: dict[str, int]
    clocks: list[RunningClock]
    unjudged_incidents: list[str]


@permitted("compliance:read")
def get_compliance(ws: Workspace, *, with_sample: bool = False) -> Compliance:
    """Return every control's status; the sample fleet is left out unless asked for."""
    found = ws.cached(
        f"compliance/{int(with_sample)}",
        Compliance,
        lambda: _derive(ws, gather_facts(ws, with_sample=with_sample), with_sample),
        fresh_s=FRESH_S,
        stale_s=STALE_S,
    )
    return _with_vulnerabilities(ws, found)


@permitted("compliance:read")
def get_control(ws: Workspace, control_id: str, *, with_sample: bool = False) -> ControlView:
    """Return one control with its checks and the ids of its evidence."""
    found = get_compliance(ws, with_sample=with_sample)
    for control in found.controls:
        if control.id == control_id:
            return control
    raise NotFound(f"there is no control {control_id!r}")


@permitted("compliance:read")
def derive_compliance(ws: Workspace, *, with_sample: bool = False) -> tuple[Compliance, Facts]:
    """Return every control's status as of now, with the facts that it follows from."""
    facts = gather_facts(ws, with_sample=with_sample)
    return _with_vulnerabilities(ws, _derive(ws, facts, with_sample)), facts


def _with_vulnerabilities(ws: Workspace, found: Compliance) -> Compliance:
    """Add what scans found, for those who may read security; the cached answer is everybody's."""
    if "security:read" not in ws.principal.permissions or not found.models:
        return found
    systems = [
        SystemFacts(
            one.subject, "low" if one.severity == "unknown" else one.severity, one.since_ms,
            one.is_overdue, one.ids,
        )
        for one in list_vulnerable(ws)
        if found.includes_sample or one.source != SAMPLE_SOURCE
    ]  # fmt: skip
    findings = list(add_vulnerable(found.findings, systems))
    return msgspec.structs.replace(
        found, findings=findings, findings_by_severity=count_severities(findings)
    )


def _derive(ws: Workspace, facts: Facts, with_sample: bool) -> Compliance:
    catalogue = load_catalogue()
    statuses = evaluate(facts, ws.now_ms())
    ages = [evidence_age(c, s) for c, s in zip(catalogue.controls, statuses, strict=True)]
    scope = "sample" if with_sample else "own"
    findings = since_seen(ws, find_open(facts, statuses, ws.now_ms()), scope=scope)
    judged = {duty.incident_id for duty in facts.duties if duty.regime == "ai_act"}
    known = {incident.incident_id for incident in facts.incidents}
    return Compliance(
        computed_at_ms=ws.now_ms(),
        catalogue_version=catalogue.version,
        notice=catalogue.notice,
        facts_digest=digest(facts),
        includes_sample=with_sample,
        models=len(facts.models),
        sample_models=sum(model.is_sample for model in list_models(ws)),
        coverage=cover(statuses),
        frameworks=[cover(statuses, framework=name) for name in catalogue.frameworks],
        controls=[
            ControlView(
                c.id, c.framework, catalogue.frameworks[c.framework], c.ref, c.title,
                c.requirement, c.applies, c.max_age_days, c.can_be_attested, status, age,
            )
            for c, status, age in zip(catalogue.controls, statuses, ages, strict=True)
        ],
        ages=spread_ages(ages),
        findings=findings,
        findings_by_severity=count_severities(findings),
        clocks=list_clocks(ws),
        unjudged_incidents=[
            i.id
            for i in open_incidents(ws)
            if i.severity == "critical" and i.id in known and i.id not in judged
        ],
    )  # fmt: skip
