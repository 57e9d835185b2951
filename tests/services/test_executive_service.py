"""The executive's view says only what is stored, and names who acts."""

from __future__ import annotations

from flask.testing import FlaskClient

from services.executive import KPIS, MAX_RISKS, get_executive
from services.history import store_numbers
from services.incidents import Finding, change_state, reconcile
from services.models import Registration, register_model
from services.profiles import get_dashboard
from services.times import DAY_MS, HOUR_MS, Window
from services.trust import read_fleet_trust
from services.workspace import Workspace


def window(ws: Workspace) -> Window:
    return Window(ws.now_ms() - DAY_MS, ws.now_ms() + 1)


def send(client: FlaskClient, now_ms: int, *model_ids: str) -> None:
    rows = [
        {"inference_id": f"{m}-{k}", "model_id": m, "timestamp": now_ms / 1_000 - 60 * k}
        for m in model_ids
        for k in range(1, 4)
    ]
    assert client.post("/api/ingest/inferences", json={"inferences": rows}).status_code == 202


def finding(subject: str, severity: str, rule: str = "errors") -> Finding:
    evidence = {"now": 0.5, "before": 0.01}
    return Finding(rule, "model", subject, severity, "Requests fail", evidence)  # type: ignore[arg-type]


def test_an_empty_hub_has_no_score_no_risk_and_no_story(workspace: Workspace) -> None:
    found = get_executive(workspace, window(workspace))
    assert found.health is None and found.insufficient is not None
    assert (found.risks, found.story) == ([], [])


def test_risks_are_the_worst_first_with_their_owner(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, clock[0], "a", "b", "c", "d")
    register_model(workspace, "b", Registration(owner="Radiology"))
    found = [finding("a", "warning"), finding("b", "critical"), finding("b", "warning", "latency")]
    reconcile(
        workspace, [*found, finding("c", "warning"), finding("d", "warning")], quiet_ms=DAY_MS
    )
    risks = get_executive(workspace, window(workspace)).risks
    assert len(risks) == MAX_RISKS
    assert (risks[0].subject, risks[0].severity, risks[0].owner) == ("b", "critical", "Radiology")
    assert risks[1].owner == ""


def test_the_story_counts_incidents_and_their_time_to_resolve(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, clock[0], "a")
    incident = reconcile(workspace, [finding("a", "critical")], quiet_ms=DAY_MS)[0]
    clock[0] += HOUR_MS
    change_state(workspace, incident.id, "resolved")
    story = {s.key: s for s in get_executive(workspace, window(workspace)).story}
    assert story["incidents_timed"].values == {
        "opened": 1, "resolved": 1, "open": 0.0, "time": 3_600.0,
    }  # fmt: skip


def test_the_story_names_a_cause_only_when_one_is_on_record(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    from services.incidents import attach_root_cause

    send(client, clock[0], "a")
    incident = reconcile(workspace, [finding("a", "critical")], quiet_ms=DAY_MS)[0]
    assert "cause" not in {s.key for s in get_executive(workspace, window(workspace)).story}
    cause = {"abstained": False, "causes": [
        {"node": "feature-store", "metric": "latency_ms", "confidence": 0.9}
    ]}  # fmt: skip
    attach_root_cause(workspace, incident.id, cause)
    told = {s.key: s for s in get_executive(workspace, window(workspace)).story}["cause"]
    assert told.values["cause"] == "feature-store"
    assert told.incident is not None and told.incident.id == incident.id


def test_figures_that_were_read_before_tell_the_same_story(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client, clock[0], "a", "b")
    reconcile(workspace, [finding("a", "critical")], quiet_ms=DAY_MS)
    shown = get_dashboard(workspace, "executive", window(workspace))
    figures = {widget.id: widget.figure for widget in shown.widgets}
    assert set(KPIS) <= set(figures)
    found = get_executive(workspace, window(workspace), figures=figures)
    assert found.story == get_executive(workspace, window(workspace)).story != []


def test_trust_of_the_fleet_is_the_mean_of_its_models(workspace: Workspace) -> None:
    now, step = workspace.now_ms(), HOUR_MS
    for model_id, value in (("a", 0.5), ("b", 1.0)):
        numbers = [("aiobs_trust_score", {}, value), ("aiobs_trust_score", {"bound": "point"}, 0)]
        store_numbers(workspace, model_id, now - 2 * HOUR_MS, numbers)
    found = read_fleet_trust(workspace, window(workspace), step)
    assert [v for v in found.values if v is not None] == [0.75]
    assert len(found.timestamps_ms) == len(found.values)
