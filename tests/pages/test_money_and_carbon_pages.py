"""The sustainability and business pages: full with data, honest without, in every language."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from components.live import View
from components.scope import parse
from i18n import LANGUAGES, speaking
from pages import business, executive, sustainability
from services.footprints import track_carbon
from services.spend import track_spend
from services.workspace import Workspace
from tests.conftest import NOW_MS

PAGES = (business, sustainability)


def view_of(page: Any, ws: Workspace, query: str = "") -> str:
    view = View()
    page.fill(ws, parse(query), view)
    return view.to_json()


@pytest.fixture
def busy(client: FlaskClient, workspace: Workspace) -> Workspace:
    rows = [
        {
            "inference_id": f"i{n}", "model_id": "m", "model_version": str(1 + n // 60),
            "timestamp": NOW_MS / 1000 - 60 - n * 600, "region": "FRA", "cost": 0.5,
            "energy_kwh": 0.001, "latency_ms": 20.0, "prompt": "Why?", "output": "So.",
            "output_tokens": 5, "trace_id": f"t{n}", "user_segment": "consumer",
        }
        for n in range(120)
    ]  # fmt: skip
    at = NOW_MS / 1000 - 600
    labels = {"model_id": "m", "version": "1"}
    metrics = [
        {"name": name, "value": value, "timestamp": at, "labels": labels}
        for name, value in (("conversion_total", 30), ("conversion_trials_total", 100))
    ]
    for kind, sent in (("inferences", rows), ("metrics", metrics)):
        assert client.post(f"/api/ingest/{kind}", json={kind: sent}).status_code == 202
    track_carbon(workspace)
    track_spend(workspace)
    return workspace


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.PATH)
def test_an_empty_hub_shows_no_number(workspace: Workspace, page: Any) -> None:
    shown = view_of(page, workspace)
    assert "kpi-none" in shown
    assert "python -m app demo" in shown


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.PATH)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_busy_hub_fills_every_place_in_every_language(
    busy: Workspace, page: Any, language: str
) -> None:
    with speaking(language):
        parts = json.loads(view_of(page, busy, "range=24h"))[1:]
        page.layout()
    assert all(children is not None for _, children in parts)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.PATH)
@pytest.mark.parametrize("minutes", [5, 25, 61, 125, 300])
def test_a_hub_in_its_first_hours_fills_every_place(
    client: FlaskClient, workspace: Workspace, clock: list[int], page: Any, minutes: int
) -> None:
    """Twenty past the hour: the first whole hours of spend and carbon are one, two or none."""
    clock[0] = NOW_MS + 20 * 60_000
    rows = [
        {
            "inference_id": f"i{n}", "model_id": f"m{n % 2}", "prediction": 1, "cost": 0.01,
            "timestamp": clock[0] / 1_000 - 60 * n - 5, "energy_kwh": 0.001, "region": "FRA",
        }
        for n in range(minutes)
    ]  # fmt: skip
    assert client.post("/api/ingest/inferences", json={"inferences": rows}).status_code == 202
    track_carbon(workspace)
    track_spend(workspace)
    parts = json.loads(view_of(page, workspace, "range=24h"))[1:]
    assert all(children is not None for _, children in parts)
    assert f"n = {minutes}" in json.dumps(parts)


def test_costs_stand_on_the_page_with_their_currency(busy: Workspace) -> None:
    shown = view_of(business, busy, "range=12h")
    assert "$36.00" in shown  # 72 inferences in 12 hours, half a dollar each
    assert "30%" in shown


def test_a_model_that_does_not_exist_has_no_carbon(busy: Workspace) -> None:
    assert "kpi-none" in view_of(sustainability, busy, "model=nobody")


def test_money_over_time_names_what_was_deployed(client: FlaskClient, busy: Workspace) -> None:
    event = {"title": "m 2 is out", "event_type": "deployment", "model_id": "m",
             "timestamp": NOW_MS / 1000 - 3_600}  # fmt: skip
    assert client.post("/api/ingest/events", json={"events": [event]}).status_code == 202
    for page, chart in (
        (business, "biz-time-chart"), (business, "biz-forecast-chart"),
        (executive, "executive-spend-chart"),
    ):  # fmt: skip
        shown = view_of(page, busy, "range=12h")
        drawn = shown[shown.index(f'"{chart}"') :].partition('"className":"chart-frame"')[0]
        assert "m 2 is out" in drawn, chart
