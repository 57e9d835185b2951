"""What a leader and an auditor see first: plans with their state, controls by framework."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from components.live import View
from components.scope import parse
from engines.compliance import load_catalogue
from i18n import LANGUAGES, speaking
from i18n.translate import area
from pages import compliance, executive, incidents
from services.business_policy import BusinessPolicy, MoneyBudget, set_business_policy
from services.incidents import Finding, change_state, reconcile
from services.workspace import Workspace


def parts_of(page: Any, ws: Workspace, query: str = "") -> dict[str, str]:
    view = View()
    page.fill(ws, parse(query), view)
    parts = json.loads(view.to_json())[1:]
    return {n["index"]: json.dumps(body) for n, body in parts if n["type"] != "panel-foot"}


def test_a_leader_without_a_plan_is_told_how_to_set_one(workspace: Workspace) -> None:
    shown = parts_of(executive, workspace)["executive-plans"]
    assert "PUT /api/business/policy" in shown and "PUT /api/sustainability/policy" in shown


def test_a_plan_is_shown_with_how_much_of_the_period_is_over(workspace: Workspace) -> None:
    set_business_policy(workspace, BusinessPolicy(budget=MoneyBudget(100.0)))
    shown = parts_of(executive, workspace)["executive-plans"]
    assert "kpi-executive-plan-business" in shown
    assert "of the period is over" in shown  # the clock of tests stands in the first of January


def test_controls_that_all_say_the_same_take_one_line_a_framework(workspace: Workspace) -> None:
    shown = parts_of(compliance, workspace)["compliance-all"]
    assert shown.count('"open": false') == 5
    opened = parts_of(compliance, workspace, "detail=gap")["compliance-all"]
    assert opened.count('"open": true') == 5


def test_every_control_says_what_it_asks_in_every_language() -> None:
    asked = {
        c.id.replace("-", "_").replace(".", "_"): c.requirement for c in load_catalogue().controls
    }
    texts = area("requirements")
    assert {key: texts[key]["en"] for key in texts} == asked
    assert all(len({*one.values()}) == len(LANGUAGES) for one in texts.values())


def test_a_chosen_control_is_told_in_the_language_of_the_reader(workspace: Workspace) -> None:
    with speaking("de"):
        shown = parts_of(compliance, workspace, "focus=AIA-19-1")["compliance-chosen"]
    assert "mindestens sechs Monate" in shown
    assert "at least six months" not in shown


def test_a_resolved_incident_says_that_its_condition_holds_on(
    workspace: Workspace, clock: list[int]
) -> None:
    slow = Finding("latency", "model", "risk", "warning", "risk is slow", {"now": 2.0, "before": 1})
    opened = reconcile(workspace, [slow], quiet_ms=600_000)[0]
    change_state(workspace, opened.id, "resolved")
    query = urlencode({"focus": urlencode({"incident": opened.id})})
    assert "last found" not in parts_of(incidents, workspace, query)["incidents-one"]
    clock[0] += 60_000
    reconcile(workspace, [slow], quiet_ms=600_000)
    assert "last found" in parts_of(incidents, workspace, query)["incidents-one"]


def test_the_time_to_resolve_says_why_it_is_not_known(
    workspace: Workspace, clock: list[int]
) -> None:
    slow = Finding("latency", "model", "risk", "warning", "risk is slow", {"now": 2.0, "before": 1})
    assert "Nothing went wrong" in parts_of(incidents, workspace)["incidents-mean_time"]
    reconcile(workspace, [slow], quiet_ms=600_000)
    clock[0] += 1_000
    assert "has ended yet" in parts_of(incidents, workspace)["incidents-mean_time"]


def test_a_leader_is_told_which_hour_risks_and_services_are_of(workspace: Workspace) -> None:
    view = View()
    executive.fill(workspace, parse("range=7d"), view)
    feet = {
        place["index"]: json.dumps(body)
        for place, body in json.loads(view.to_json())[1:]
        if place["type"] == "panel-foot"
    }
    assert "Last 7 days" in feet["executive-story"]
    for name in ("executive-risks", "executive-services"):
        assert "Last hour" in feet[name] and "Last 7 days" not in feet[name]
