"""Profiles are data: every page and figure they name exists, and every figure has words."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

import pages
from i18n.translate import area
from services.errors import NotFound
from services.identity import Principal
from services.profiles import (
    BY_ROLE,
    PATHS,
    PROFILES,
    choose_profile,
    current_profile,
    get_dashboard,
    get_navigation,
    list_profiles,
)
from services.times import DAY_MS, Window
from services.widgets import BY_ID, WIDGETS
from services.workspace import Backends, Workspace, in_workspace

ASKED = {
    "ml_engineer", "devops", "data_scientist", "executive", "product", "security", "compliance",
    "sustainability",
}  # fmt: skip


def send(client: FlaskClient, now_ms: int, **more: Any) -> None:
    rows = [
        {
            "inference_id": f"i{k}", "model_id": "triage", "timestamp": now_ms / 1_000 - 60 * k,
            "features": {"x": k}, "prediction": 1.0, "latency_ms": 10.0, "cost": 0.5,
            "currency": "EUR",
        } | more
        for k in range(1, 21)
    ]  # fmt: skip
    assert client.post("/api/ingest/inferences", json={"inferences": rows}).status_code == 202


def test_the_eight_profiles_are_there() -> None:
    assert {profile.id for profile in PROFILES} == ASKED


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.id)
def test_a_profile_names_known_pages_and_figures_once(profile: Any) -> None:
    assert set(profile.pages) <= set(PATHS)
    assert set(profile.widgets) <= set(BY_ID)
    assert len(set(profile.pages)) == len(profile.pages)
    assert 4 <= len(profile.widgets) <= 6


def test_paths_are_those_of_the_pages() -> None:
    real = {page.name: page.module.PATH for page in pages.PAGES}
    assert {name: PATHS[name] for name in real} == real


def test_every_figure_has_a_title_and_a_definition() -> None:
    words = area("profiles")
    missing = [w.id for w in WIDGETS if f"w_{w.id}" not in words or f"d_{w.id}" not in words]
    assert missing == []


def test_an_empty_hub_gives_reasons_instead_of_numbers(workspace: Workspace) -> None:
    now = workspace.now_ms()
    for profile in PROFILES:
        found = get_dashboard(workspace, profile.id, Window(now - DAY_MS, now))
        for widget in found.widgets:
            if widget.figure.value is None:
                assert widget.figure.reason, widget.id
            else:
                # What can be counted without a model: events, deadlines, controls.
                assert widget.figure.value == 0.0, widget.id


def test_a_dashboard_leaves_out_what_the_caller_may_not_see(backends: Backends) -> None:
    sender = backends.workspace(Principal("s", "default", ("scheduler",), "scheduler"))
    ids = {w.id for w in get_dashboard(sender, "executive", Window(0, DAY_MS)).widgets}
    assert "spend" in ids
    assert all(BY_ID[i].permission in sender.principal.permissions for i in ids)


def test_a_choice_is_remembered_for_the_caller_alone(
    backends: Backends, workspace: Workspace
) -> None:
    choose_profile(workspace, "security")
    mine = current_profile(workspace)
    assert mine is not None and mine.id == "security"
    assert [p.id for p in list_profiles(workspace) if p.is_chosen] == ["security"]
    other = backends.workspace(Principal("other", "default", ("sre",), "api_key"))
    theirs = current_profile(other)
    assert theirs is not None and theirs.id == "devops"
    choose_profile(workspace, "")
    assert current_profile(workspace) is None


def test_roles_start_with_profiles_that_exist() -> None:
    assert set(BY_ROLE.values()) <= ASKED


def test_the_profile_leads_the_navigation_and_loses_no_page(workspace: Workspace) -> None:
    with in_workspace(workspace):
        plain = [item.path for item in pages.nav_items()]
        choose_profile(workspace, "compliance")
        led = [item.path for item in pages.nav_items()]
    assert led[0] == "/compliance"
    assert sorted(led) == sorted(plain)


def test_navigation_names_only_pages_that_the_hub_has(workspace: Workspace) -> None:
    found = get_navigation(workspace, "executive", available=("incidents", "business"))
    assert [entry.page for entry in found.pages] == ["business", "incidents"]
    assert found.start == "/business"


def test_an_unknown_profile_is_not_found(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        get_navigation(workspace, "astronaut")


def test_the_routes_answer_in_the_language_asked_for(client: FlaskClient) -> None:
    found = client.get("/api/profiles/list", headers={"Accept-Language": "de"}).get_json()["data"]
    assert next(p["name"] for p in found if p["id"] == "executive") == "Leitung"
    start = client.get("/api/profiles/executive/navigation").get_json()["data"]["start"]
    assert start == "/executive"


def test_a_dashboard_shows_what_was_sent(hub: Flask, client: FlaskClient, clock: list[int]) -> None:
    from app.scheduler import JOBS, Scheduler

    send(client, clock[0])
    scheduler = Scheduler(hub.extensions["aiobs_backends"])
    for job in JOBS:
        scheduler.tick(job, clock[0] / 1_000)
    answer = client.get("/api/profiles/product/dashboard?hours=1").get_json()["data"]
    by_id = {w["id"]: w for w in answer["widgets"]}
    assert set(by_id) == {
        "requests",
        "latency_p95",
        "hallucination_risk",
        "spend",
        "open_incidents",
    }
