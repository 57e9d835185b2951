"""Registers on the compliance page: who sees them, and how a clock is said."""

from __future__ import annotations

import json

import pytest

from components.live import View
from components.scope import parse
from i18n import LANGUAGES, speaking
from pages import compliance
from pages.compliance_cards import review_days
from services.errors import Invalid
from services.identity import Principal
from services.model_cards import CardText, write_card
from services.models import Registration, register_model
from services.subject_requests import record_request
from services.workspace import Backends, Workspace

DAY_MS = 86_400_000


def parts_of(ws: Workspace, query: str = "") -> dict[str, str]:
    view = View()
    compliance.fill(ws, parse(query), view)
    parts = json.loads(view.to_json())[1:]
    return {n["index"]: json.dumps(body) for n, body in parts if n["type"] != "panel-foot"}


def test_a_request_says_how_many_days_are_left_and_then_how_many_over(
    workspace: Workspace, clock: list[int]
) -> None:
    record_request(workspace, "R-1", "access", received_at_ms=clock[0])  # 1 January 2026
    assert "31 days left" in parts_of(workspace)["compliance-requests"]
    clock[0] += 31 * DAY_MS
    assert "Due today" in parts_of(workspace)["compliance-requests"]
    clock[0] += DAY_MS
    assert "1 day overdue" in parts_of(workspace)["compliance-requests"]


def test_who_may_not_see_requests_gets_none_of_them(backends: Backends) -> None:
    def of(role: str) -> Workspace:
        return backends.workspace(Principal("p", "default", (role,), "api_key"))

    record_request(of("compliance_officer"), "CASE-77", "erasure")
    assert "CASE-77" not in json.dumps(parts_of(of("viewer")))
    assert "CASE-77" in json.dumps(parts_of(of("auditor")))
    assert "bundle.zip" not in json.dumps(parts_of(of("viewer")))
    assert "bundle.zip" in json.dumps(parts_of(of("auditor")))


def test_a_chosen_card_is_read_and_a_model_without_one_says_so(workspace: Workspace) -> None:
    register_model(workspace, "org/triage", Registration())
    shown = parts_of(workspace, "focus=card/org/triage")
    assert "The model has no card" in shown["compliance-chosen"]
    assert "No card" in shown["compliance-cards"]
    assert "model-cards/org%2Ftriage/export.md" in shown["compliance-cards"]
    write_card(workspace, "org/triage", CardText("Second opinion", "Radiology", "Adults only"))
    shown = parts_of(workspace, "focus=card/org/triage")
    assert "Adults only" in shown["compliance-chosen"]


def test_an_address_of_what_is_gone_leaves_the_page_as_it_is(workspace: Workspace) -> None:
    for focus in ("incident/gone", "card/gone", "request/gone", "gone"):
        shown = parts_of(workspace, f"focus={focus}")
        assert shown["compliance-chosen"] == "null"
        assert "compliance-all" in shown


def test_days_of_a_review_are_a_year_or_what_was_typed() -> None:
    assert [review_days(typed) for typed in ("", " ", "0", "30,0")] == [365, 365, 0, 30]
    for typed in ("soon", "nan", "inf"):
        with pytest.raises(Invalid):
            review_days(typed)


def test_the_registers_are_told_in_every_language(workspace: Workspace) -> None:
    record_request(workspace, "R-1", "access")
    register_model(workspace, "triage", Registration())
    said = set()
    for code in LANGUAGES:
        with speaking(code):
            shown = parts_of(workspace)
            said.add(shown["compliance-requests"])
            said.add(shown["compliance-cards"])
    assert len(said) == 2 * len(LANGUAGES)
