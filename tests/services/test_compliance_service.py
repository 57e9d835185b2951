"""Compliance on the real stores: nothing passes without evidence, samples do not count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from connectors.telemetry import Analysis
from services.attestations import attest, list_attestations, valid_attestations
from services.compliance import get_compliance, get_control
from services.duties import classify_incident, list_clocks, record_report
from services.errors import Conflict, Forbidden, Invalid
from services.identity import Principal
from services.incidents import Finding, change_state, reconcile
from services.models import Registration, register_model
from services.workspace import Backends, Workspace

NOW_MS = 1_767_261_600_000
HOUR_MS = 3_600_000


def send(client: FlaskClient, model_id: str, clock: list[int], **more: Any) -> None:
    rows = [
        {
            "inference_id": f"{model_id}-{k}", "model_id": model_id, "model_version": "1",
            "timestamp": clock[0] / 1_000 - 60 * k, "features": {"x": k}, "prediction": 1.0,
        } | more
        for k in range(20)
    ]  # fmt: skip
    answer = client.post("/api/ingest/inferences", json={"inferences": rows})
    assert answer.status_code == 202, answer.text


def opened(ws: Workspace, subject: str = "triage", severity: str = "critical") -> str:
    finding = Finding("errors", "model", subject, severity, "Requests fail", {})  # type: ignore[arg-type]
    return reconcile(ws, [finding], quiet_ms=HOUR_MS)[0].id


def test_an_empty_hub_has_only_gaps(workspace: Workspace) -> None:
    found = get_compliance(workspace)
    assert found.coverage.counts["gap"] == found.coverage.total
    assert found.coverage.share == 0.0


def test_a_registered_model_gives_evidence_and_a_sample_gives_none(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, "toy", clock, tags={"sample": "true"})
    send(client, "triage", clock)
    register_model(workspace, "triage", Registration(owner="Radiology", risk_class="high"))
    found = get_control(workspace, "NIST-GOVERN-2.1").found
    assert found.status == "pass"
    assert found.checks[0].evidence == ("model/triage",)
    seen = get_compliance(workspace, with_sample=True)
    assert (seen.includes_sample, seen.models) == (True, 2)


def test_records_with_version_input_and_output_can_be_traced(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, "triage", clock)
    register_model(workspace, "triage", Registration(risk_class="high"))
    check = get_control(workspace, "AIA-12-2").found.checks[0]
    assert (check.outcome, check.met, check.total) == ("holds", 20, 20)


def test_records_without_an_output_cannot_be_traced(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, "triage", clock, prediction=None)
    register_model(workspace, "triage", Registration(risk_class="high"))
    assert get_control(workspace, "AIA-12-2").found.status == "gap"


def test_only_an_analysis_that_came_to_a_result_is_evidence(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, "triage", clock)
    thin = b'{"computed_at_ms": 5, "result": null}'
    workspace.events.put_analysis(Analysis("drift", "triage", clock[0] - 10, thin))
    assert get_control(workspace, "NIST-MEASURE-2.4").found.checks[1].outcome == "unknown"
    workspace.cache.invalidate("default/compliance/")
    good = b'{"computed_at_ms": 7, "result": {"status": "stable"}}'
    workspace.events.put_analysis(Analysis("drift", "triage", clock[0] - 9, good))
    check = get_control(workspace, "NIST-MEASURE-2.4").found.checks[1]
    assert (check.outcome, check.observed_at_ms) == ("holds", 7)


def test_a_statement_counts_until_it_is_withdrawn(
    client: FlaskClient, workspace: Workspace
) -> None:
    body = {"control_id": "ISO-A.2.2", "statement": "The board approved the AI policy, revision 4."}
    made = client.post("/api/compliance/attestations", json=body)
    assert made.status_code == 201
    assert get_control(workspace, "ISO-A.2.2").found.status == "attested"
    made_id = made.get_json()["data"]["id"]
    assert client.delete(f"/api/compliance/attestations/{made_id}").status_code == 200
    assert get_control(workspace, "ISO-A.2.2").found.status == "gap"
    assert len(list_attestations(workspace)) == 1


def test_a_statement_changed_behind_the_hub_does_not_count(workspace: Workspace) -> None:
    made = attest(workspace, "ISO-A.2.2", "The policy is approved.")
    forged = msgspec.structs.replace(made, statement="The policy is perfect.")
    workspace.records.put("attestation", made.id, msgspec.to_builtins(forged))
    assert valid_attestations(workspace) == []


def test_a_computed_control_cannot_be_attested(workspace: Workspace) -> None:
    with pytest.raises(Invalid, match="computed from evidence"):
        attest(workspace, "AIA-26-2", "We keep the logs, believe us.")


def test_signing_needs_the_permission(backends: Backends) -> None:
    viewer = backends.workspace(Principal("v", "default", ("viewer",), "api_key"))
    with pytest.raises(Forbidden):
        attest(viewer, "ISO-A.2.2", "The policy is approved.")


def test_another_tenant_sees_neither_statements_nor_clocks(backends: Backends) -> None:
    def of(tenant: str) -> Workspace:
        return backends.workspace(Principal("p", tenant, ("platform_admin", "scheduler"), "local"))

    attest(of("default"), "ISO-A.2.2", "The policy is approved.")
    classify_incident(of("default"), opened(of("default")), "gdpr", "GDPR33_BREACH")
    assert list_attestations(of("acme")) == []
    assert list_clocks(of("acme")) == []


def test_a_clock_runs_from_the_first_awareness_whatever_the_class(
    workspace: Workspace, clock: list[int]
) -> None:
    incident = opened(workspace)
    classify_incident(workspace, incident, "ai_act", "AIA73_GENERAL")
    clock[0] += 72 * HOUR_MS
    assert list_clocks(workspace)[0].status == "running"
    classify_incident(workspace, incident, "ai_act", "AIA73_WIDESPREAD", aware_at_ms=clock[0])
    assert list_clocks(workspace)[0].status == "late"


def test_a_report_stops_the_clock_once(workspace: Workspace, clock: list[int]) -> None:
    incident = opened(workspace)
    classify_incident(workspace, incident, "gdpr", "GDPR33_BREACH")
    clock[0] += 10 * HOUR_MS
    record_report(workspace, incident, "gdpr")
    clock[0] += 100 * HOUR_MS
    assert list_clocks(workspace)[0].status == "met"
    with pytest.raises(Conflict, match="on record already"):
        record_report(workspace, incident, "gdpr")


def test_a_clock_of_another_law_is_refused(workspace: Workspace) -> None:
    with pytest.raises(Invalid, match="belongs to gdpr"):
        classify_incident(workspace, opened(workspace), "ai_act", "GDPR33_BREACH")


def test_an_incident_without_a_decision_is_listed(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, "triage", clock)
    incident = opened(workspace)
    assert get_compliance(workspace).unjudged_incidents == [incident]
    classify_incident(workspace, incident, "ai_act")
    assert get_compliance(workspace).unjudged_incidents == []


def test_incidents_acknowledged_before_they_end_are_triaged(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, "triage", clock)
    incident = opened(workspace)
    change_state(workspace, incident, "acknowledged")
    change_state(workspace, incident, "resolved")
    checks = get_control(workspace, "NIST-MANAGE-4.3").found.checks
    assert (checks[0].rule, checks[0].outcome) == ("incidents_triaged", "holds")


def test_retention_of_six_months_is_read_from_the_settings(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, "triage", clock)
    assert get_control(workspace, "AIA-26-2").found.status == "gap"
    workspace.cache.invalidate("default/compliance/")
    kept = replace(workspace, running=replace(workspace.running, retention_days=200))
    assert get_control(kept, "AIA-26-2").found.status == "pass"


def test_the_dashboard_route_answers_with_the_notice(client: FlaskClient) -> None:
    found = client.get("/api/dashboard/compliance").get_json()["data"]
    assert "not legal advice" in found["notice"]
    assert found["controls"][0]["found"]["status"] == "gap"


def test_a_finding_keeps_when_it_was_first_seen_until_it_closes(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    def since() -> int | None:
        workspace.cache.invalidate("default/compliance/")
        found = {f.id: f.since_ms for f in get_compliance(workspace).findings}
        return found.get("control/NIST-GOVERN-2.1")

    send(client, "triage", clock)
    first = clock[0]
    assert since() == first
    clock[0] += HOUR_MS
    assert since() == first
    register_model(workspace, "triage", Registration(owner="Radiology"))
    assert since() is None
    register_model(workspace, "triage", Registration())
    assert since() == first + HOUR_MS
