"""Objectives on the executive and the technical page: their figures in every language."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from components.live import View
from components.scope import parse
from i18n import LANGUAGES, speaking
from pages import executive, technical
from services import slo
from services.jobs import roll_up
from services.slo import Definition
from services.slo_counts import Indicator
from services.workspace import Workspace
from tests.conftest import NOW_MS


def slot(page: object, ws: Workspace, name: str, query: str = "") -> str:
    """Return what a page put into one of its places, as JSON."""
    view = View()
    page.fill(ws, parse(query), view)  # type: ignore[attr-defined]
    found = [children for place, children in json.loads(view.to_json())[1:] if name in str(place)]
    assert found, name
    return json.dumps(found[0], ensure_ascii=False)


@pytest.fixture
def promised(client: FlaskClient, workspace: Workspace) -> Workspace:
    rows = [
        {"inference_id": f"i{n}", "model_id": "m", "timestamp": NOW_MS / 1_000 - 30 - n * 10,
         "latency_ms": 20.0, **({"error": "timeout"} if n % 50 == 0 else {})}
        for n in range(300)
    ]  # fmt: skip
    assert client.post("/api/ingest/inferences", json={"inferences": rows}).status_code == 202
    roll_up(workspace)
    slo.define(workspace, "answers", Definition(
        name="Prompt answers", model_id="m", target=0.9, indicator=Indicator("availability")
    ))  # fmt: skip
    return workspace


@pytest.mark.parametrize("language", LANGUAGES)
def test_burn_and_what_is_left_are_told_in_every_language(
    promised: Workspace, language: str
) -> None:
    with speaking(language):
        shown = slot(technical, promised, "technical-burn")
    assert "\u2068Prompt answers\u2069" in shown  # keeps its direction in Arabic
    assert not any(name in shown for name in ("{objective}", "{six}", "{left}"))


def test_two_per_cent_of_failures_where_ten_are_allowed_burn_a_fifth(promised: Workspace) -> None:
    # 6 of 300 fail: an error ratio of 0.02 where 0.1 is allowed burns 0.2 and leaves 80 %.
    shown = slot(technical, promised, "technical-burn")
    assert "0.2" in shown and "80%" in shown


def test_a_model_without_objective_says_so(promised: Workspace, client: FlaskClient) -> None:
    row = {"inference_id": "o", "model_id": "other", "timestamp": NOW_MS / 1_000 - 5}
    assert client.post("/api/ingest/inferences", json={"inferences": [row]}).status_code == 202
    assert "no objective" in slot(technical, promised, "technical-burn", "model=other")


def test_the_executive_reads_how_many_objectives_hold(promised: Workspace) -> None:
    shown = slot(executive, promised, "executive-slo_attainment")
    assert "100%" in shown and "1 of 1 hold" in shown
