"""The incidents page: those of one cause in one row, what opens it, and what can be decided."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from components.address import packed
from components.live import View
from components.scope import Scope
from connectors.telemetry import Inference
from i18n import speaking
from pages import focus, incidents, sources, unified
from services.incident_groups import Causes
from services.incidents import Incident, change_states
from services.workspace import Workspace, in_workspace


def put(ws: Workspace, name: str, severity: str, event: str | None = "pool", **more: Any) -> None:
    now = ws.now_ms() - 1_000
    first = {"node": "db", "metric": "latency_ms", "confidence": 0.9, "event_id": event,
             "chain": ["db latency_ms", f"{name} latency_ms"], "evidence": [], "against": [],
             "evidence_said": [], "against_said": []}  # fmt: skip
    cause = {"abstained": False, "reason": "", "causes": [first]} if event else None
    made = Incident(name, "latency", "model", name, severity, "open", name,  # type: ignore[arg-type]
                    {"now": 2.0, "before": 1.0}, now, now, None, cause)  # fmt: skip
    ws.records.put("incident", name, msgspec.to_builtins(msgspec.structs.replace(made, **more)))


def shown(ws: Workspace, **scope: str) -> dict[str, str]:
    view = View()
    with speaking("en"), in_workspace(ws):
        incidents.fill(ws, Scope(**scope), view)
    places = json.loads(view.to_json())[1:]
    return {
        place["index"]: json.dumps(body, ensure_ascii=False)
        for place, body in places
        if place["type"] in ("panel-body", "slot")
    }


@pytest.fixture
def troubled(workspace: Workspace) -> Workspace:
    put(workspace, "mild", "warning")
    put(workspace, "bad", "critical")
    put(workspace, "alone", "warning", event=None)
    return workspace


def test_incidents_of_one_cause_are_one_row_that_names_the_worst(troubled: Workspace) -> None:
    listed = shown(troubled)["incidents-list"]
    assert "2 incidents: bad, mild" in listed
    assert "bad answers in" not in listed and "alone answers in" in listed
    assert "Acknowledge all 2" in listed and "Latency of db, confidence 90%" in listed


def test_a_group_opens_by_the_address_of_any_of_its_members(troubled: Workspace) -> None:
    for member in ("mild", "bad"):
        listed = shown(troubled, detail=packed(group=member))["incidents-list"]
        assert "bad answers in" in listed and "mild answers in" in listed


def test_the_filter_by_model_shows_the_whole_group_and_so_its_worst(troubled: Workspace) -> None:
    listed = shown(troubled, model="mild")["incidents-list"]
    assert "2 incidents: bad, mild" in listed and "alone" not in listed


def test_what_is_first_in_line_is_told_unless_another_is_asked_for(troubled: Workspace) -> None:
    assert "bad answers in" in shown(troubled)["incidents-one"]
    one = shown(troubled, focus=packed(incident="mild"))["incidents-one"]
    assert "mild answers in" in one and "1 other incident has the same cause" in one


def test_a_resolved_group_comes_after_what_is_open(workspace: Workspace) -> None:
    for name in ("over", "too"):
        put(workspace, name, "critical", state="resolved", resolved_at_ms=workspace.now_ms())
    put(workspace, "open", "info", event="other")
    listed = shown(workspace)["incidents-list"]
    assert listed.index("open answers in") < listed.index("2 incidents: ")


def test_counts_say_how_many_causes_and_what_is_unexplained(troubled: Workspace) -> None:
    assert "3 incidents, 1 cause" in shown(troubled)["incidents-open"]
    with speaking("en"), in_workspace(troubled):
        assert "3 incidents, 1 cause · 1 without a named cause" in str(focus.trouble(troubled))
        assert sources.causes_words(Causes(2, 0, 2)) == "2 incidents, no cause named yet"
        assert sources.causes_words(Causes(3, 1, 0)) == "3 incidents, 1 cause"


def test_every_button_is_known_by_a_name_of_its_own(troubled: Workspace) -> None:
    put(troubled, "over", "critical", state="resolved", resolved_at_ms=troubled.now_ms())
    places = shown(troubled, detail=packed(group="mild"), focus=packed(incident="mild"))
    text = places["incidents-list"] + places["incidents-one"]
    ids = re.findall(r'"index": "([^"]+)"', text)
    assert len(ids) == len(set(ids)) > 6
    assert "Open (2/3)" in places["incidents-list"]
    assert not any("over" in one for one in ids)


def test_a_number_that_moved_by_itself_is_no_cause_of_anything(workspace: Workspace) -> None:
    put(workspace, "alone", "warning")
    body = workspace.records.get("incident", "alone")
    assert body is not None
    first = body.body["root_cause"]["causes"][0]
    cause = {**body.body["root_cause"], "effect": ["alone", "latency_ms"],
             "causes": [{**first, "node": "alone", "event_id": None}]}  # fmt: skip
    workspace.records.put("incident", "alone", {**body.body, "root_cause": cause})
    places = shown(workspace)
    assert "It moved by itself" in places["incidents-list"]
    assert "1 incident, no cause named yet" in places["incidents-open"]


def test_the_fleet_page_names_a_group_once_and_leads_to_it(troubled: Workspace) -> None:
    view = View()
    with speaking("en"), in_workspace(troubled):
        send = [{"inference_id": "1", "model_id": "bad", "timestamp_ms": troubled.now_ms()}]
        troubled.events.add_inferences(msgspec.convert(send, list[Inference]))
        unified.fill(troubled, Scope(), view)
    said = view.to_json()
    assert "2 incidents: bad, mild" in said and "3 incidents, 1 cause" in said
    assert "group%3D" in said and "mild answers in" not in said


def test_a_decision_about_a_group_is_told_with_how_many_it_was_about(troubled: Workspace) -> None:
    for names, text in ((["mild"], "mild answers"), (["mild", "bad"], "and 1 more of the same")):
        with speaking("en"), in_workspace(troubled):
            told = incidents._done(change_states(troubled, names, "acknowledged"), "acknowledged")
        assert told["title"] == "Acknowledged" and text in told["text"]


def test_one_that_went_and_came_again_keeps_its_title(workspace: Workspace) -> None:
    now = workspace.now_ms()
    put(workspace, "m", "warning")
    put(workspace, "n", "warning", subject="m", state="resolved", resolved_at_ms=now)
    assert "p95; the day before in 1 ms (× 2)" in shown(workspace)["incidents-list"]
