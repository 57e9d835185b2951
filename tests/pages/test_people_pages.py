"""What a leader and an auditor see first: plans with their state, controls by framework."""

from __future__ import annotations

import json
from typing import Any

from components.live import View
from components.scope import parse
from pages import compliance, executive
from services.business_policy import BusinessPolicy, MoneyBudget, set_business_policy
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
