"""Model cards and requests of data subjects on the real stores, through the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from engines.compliance import SECTIONS
from pages.compliance_evidence import findings_of
from services.compliance import get_compliance, get_control
from services.errors import Conflict, Forbidden, Invalid
from services.identity import Principal
from services.model_cards import CardText, list_cards, write_card
from services.model_cards import _line as written
from services.models import Registration, register_model
from services.subject_requests import (
    complete_request,
    extend_request,
    list_requests,
    record_request,
)
from services.vulnerability_scans import record_scan
from services.workspace import Backends, Workspace

DAY_MS = 86_400_000
CARD = {"intended_use": "Second opinion", "owner": "Radiology", "limits": "Adults only"}


def send(client: FlaskClient, clock: list[int], version: str = "1") -> None:
    rows = [
        {
            "inference_id": f"triage-{version}-{k}", "model_id": "triage",
            "model_version": version, "timestamp": clock[0] / 1_000 - k, "prediction": 1.0,
        }
        for k in range(20)
    ]  # fmt: skip
    assert client.post("/api/ingest/inferences", json={"inferences": rows}).status_code == 202


def status(ws: Workspace) -> str:
    return next(c.state.status for c in list_cards(ws) if c.model_id == "triage")


def card_findings(ws: Workspace) -> dict[str, tuple[str, str]]:
    ws.cache.invalidate("default/compliance/")
    found = get_compliance(ws).findings
    return {f.subject: (f.severity, f.why) for f in found if f.kind == "model_card"}


def test_a_card_is_missing_then_current_then_due_then_overdue(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, clock)
    assert status(workspace) == "missing"
    assert client.put("/api/compliance/model-cards/triage", json=CARD).status_code == 200
    assert status(workspace) == "current"
    clock[0] += 340 * DAY_MS
    assert status(workspace) == "due"
    clock[0] += 25 * DAY_MS
    assert status(workspace) == "overdue"
    assert client.post("/api/compliance/model-cards/triage/review").status_code == 200
    assert status(workspace) == "current"


def test_a_new_version_outdates_the_card(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, clock)
    write_card(workspace, "triage", CardText(**CARD))
    clock[0] += DAY_MS
    send(client, clock, "2")
    assert status(workspace) == "outdated"


def test_an_overdue_erasure_contradicts_its_control(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, clock)
    record_request(workspace, "R-1", "erasure", received_at_ms=clock[0] - 40 * DAY_MS)
    record_request(workspace, "SAMPLE-9", "erasure", received_at_ms=clock[0] - 40 * DAY_MS)
    (erasure, _) = get_control(workspace, "GDPR-17-1").found.checks
    assert (erasure.outcome, len(erasure.against)) == ("fails", 1)


def test_systems_with_vulnerabilities_are_findings_for_those_who_may_read_security(
    client: FlaskClient, backends: Backends, workspace: Workspace, clock: list[int]
) -> None:
    send(client, clock)
    body = b'{"vulnerabilities": [{"id": "A", "component": "x", "score": 9.8}]}'
    record_scan(workspace, body, source="s", subject="app")
    record_scan(workspace, body, source="sample-scanner", subject="sample/app")
    viewer = backends.workspace(Principal("v", "default", ("viewer",), "v", "key"))
    found = {f.id: f for f in get_compliance(workspace).findings if f.kind == "vulnerability"}
    assert list(found) == ["vulnerability/app"]
    assert (found["vulnerability/app"].severity, found["vulnerability/app"].why) == (
        "critical", "vulnerable",
    )  # fmt: skip
    seen = get_compliance(viewer)
    assert not [f for f in seen.findings if f.kind == "vulnerability"]
    more = get_compliance(workspace).findings_by_severity["critical"]
    assert more == seen.findings_by_severity["critical"] + 1
    assert "app" in json.dumps(findings_of(workspace, get_compliance(workspace)).to_plotly_json(),
                               default=str)  # fmt: skip


def test_a_model_in_service_without_a_card_is_a_finding(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, clock)
    assert card_findings(workspace) == {"triage": ("medium", "card_missing")}
    register_model(workspace, "triage", Registration(risk_class="high"))
    assert card_findings(workspace) == {"triage": ("high", "card_missing")}
    write_card(workspace, "triage", CardText(**CARD))
    assert card_findings(workspace) == {}


def test_the_export_has_every_section_and_the_hubs_own_figures(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, clock)
    write_card(workspace, "triage", CardText(**CARD))
    found = client.get("/api/compliance/model-cards/triage/export.json").get_json()["data"]
    assert sorted(found["sections"]) == sorted(SECTIONS)
    drift = found["sections"]["Quantitative Analyses"]["Drift"]
    assert drift["status"] == "insufficient_data" and drift["reason"]
    assert set(drift["window"]) == {"start", "end"}
    text = client.get("/api/compliance/model-cards/triage/export.md")
    assert text.mimetype == "text/markdown"
    assert "- **Limits**: Adults only" in text.text
    assert "- **Drift**: insufficient data" in text.text


def test_a_figure_is_written_with_its_interval_and_a_zero_without_a_sign() -> None:
    about = {"window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}, "n": 9}
    span = {"low": 0.5, "high": 0.75}
    assert written(about | {"value": 0.625, "interval": span}) == (
        "0.625 [0.5, 0.75] (2026-01-01T00:00Z to 2026-01-02T00:00Z, n = 9)"
    )
    assert written(about | {"value": -0.0}).startswith("0 (")
    assert written(about | {"value": {"calibration_gap": 0.1}}).startswith(
        "calibration gap differs by 0.1 ("
    )


@pytest.mark.parametrize(
    "wrong", [{"limits": " "}, {"owner": "x" * 501}, {"review_days": 0}, {"review_days": 1_096}]
)
def test_a_card_that_says_too_little_is_refused(
    client: FlaskClient, clock: list[int], wrong: dict[str, Any]
) -> None:
    send(client, clock)
    answer = client.put("/api/compliance/model-cards/triage", json=CARD | wrong)
    assert answer.status_code == 422


def test_a_card_of_no_model_and_a_review_of_no_card_are_refused(
    client: FlaskClient, clock: list[int]
) -> None:
    assert client.put("/api/compliance/model-cards/nobody", json=CARD).status_code == 404
    send(client, clock)
    assert client.post("/api/compliance/model-cards/triage/review").status_code == 409


def test_a_request_runs_one_calendar_month_and_three_when_extended(workspace: Workspace) -> None:
    received = 1_764_540_000_000  # 30 November 2025, 22:00 UTC
    made = record_request(workspace, "R-1", "access", received_at_ms=received)
    assert str(made.clock.last_day) == "2025-12-30"
    told = received + 10 * DAY_MS
    longer = extend_request(workspace, made.request.id, "Many systems", told_at_ms=told)
    assert str(longer.clock.last_day) == "2026-02-28"


def test_an_extension_told_after_the_first_month_is_refused(workspace: Workspace) -> None:
    made = record_request(workspace, "R-1", "erasure", received_at_ms=1_764_540_000_000)
    with pytest.raises(Conflict, match="within the first month"):
        extend_request(workspace, made.request.id, "Many systems")


def test_every_change_of_a_request_says_who_and_when(workspace: Workspace) -> None:
    made = record_request(workspace, "R-1", "erasure")
    extend_request(workspace, made.request.id, "Many systems")
    done = complete_request(workspace, made.request.id, "fulfilled")
    assert [n.text for n in done.request.history] == [
        "recorded: erasure", "extended by two months", "completed: fulfilled",
    ]  # fmt: skip
    assert {n.actor for n in done.request.history} == {workspace.principal.id}
    with pytest.raises(Conflict, match="answered already"):
        complete_request(workspace, made.request.id, "refused")


@pytest.mark.parametrize("reference", ["", "jane doe", "jane@example.org", "x" * 65])
def test_a_reference_that_could_name_a_person_is_refused(
    workspace: Workspace, reference: str
) -> None:
    with pytest.raises(Invalid, match="names nobody"):
        record_request(workspace, reference, "access")


def test_the_same_reference_is_recorded_once(client: FlaskClient) -> None:
    body = {"reference": "R-1", "kind": "portability"}
    assert client.post("/api/compliance/requests", json=body).status_code == 201
    assert client.post("/api/compliance/requests", json=body).status_code == 409


def test_a_time_zone_or_a_moment_that_makes_no_sense_is_refused(client: FlaskClient) -> None:
    body = {"reference": "R-1", "kind": "access"}
    for wrong in ({"time_zone": "Mars/Olympus"}, {"received_at": "2999-01-01T00:00:00Z"}):
        assert client.post("/api/compliance/requests", json=body | wrong).status_code == 422


def test_requests_need_their_own_permission_and_stay_in_their_tenant(backends: Backends) -> None:
    def of(role: str, tenant: str = "default") -> Workspace:
        return backends.workspace(Principal("p", tenant, (role,), "api_key"))

    record_request(of("compliance_officer"), "R-1", "access")
    with pytest.raises(Forbidden):
        list_requests(of("viewer"))
    with pytest.raises(Forbidden):
        record_request(of("auditor"), "R-2", "access")
    assert len(list_requests(of("auditor"))) == 1
    assert list_requests(of("auditor", "acme")) == []
