"""What pages compare with and which steps they draw."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from components.scope import Scope
from i18n import speaking, t
from pages import settings, sources, technical_events
from services import rollups
from services.identity import Principal
from services.times import HOUR_MS
from services.workspace import Backends, Workspace, in_workspace
from tests.conftest import NOW_MS


def send(client: FlaskClient, hours_ago: list[float]) -> None:
    rows = [
        {"inference_id": f"i{h}", "model_id": "m", "timestamp": (NOW_MS - h * HOUR_MS) / 1_000}
        for h in hours_ago
    ]
    assert client.post("/api/ingest/inferences", json={"inferences": rows}).status_code == 202


@pytest.mark.parametrize(("first", "requests"), [(1.5, 0), (2.5, 1)])
def test_a_window_that_was_not_watched_from_its_start_is_not_compared_with(
    client: FlaskClient, workspace: Workspace, first: float, requests: int
) -> None:
    send(client, [0.5, 1.2, first])
    while rollups.roll_up(workspace):
        pass
    assert sources.earlier_traffic(workspace, Scope(range="1h")).requests == requests


def test_a_model_is_compared_with_its_own_past(client: FlaskClient, workspace: Workspace) -> None:
    send(client, [2.5, 1.2])
    found = sources.earlier_traffic(workspace, Scope(range="1h"), model_id="other")
    assert found.requests == 0 and found.error_rate is None


def test_the_unfinished_step_is_not_drawn() -> None:
    assert sources.finished([0, 10, 20], 10, 25) == 2
    assert sources.finished([0], 10, 5) == 1


def test_readers_of_one_role_share_no_page_that_says_who_they_are(backends: Backends) -> None:
    shown = {}
    for who in ("Ann", "Bob"):
        reader = backends.workspace(Principal(f"key-{who}", "default", ("viewer",), "api_key", who))
        with in_workspace(reader):
            shown[who] = sources.answer("settings", settings.fill, {})
    assert "Ann" in shown["Ann"] and "Bob" not in shown["Ann"]
    assert "Bob" in shown["Bob"] and "Ann" not in shown["Bob"]


@pytest.mark.parametrize("name", [name for name, _ in technical_events.WATCHED])
def test_every_metric_that_is_watched_for_anomalies_has_a_name(name: str) -> None:
    with speaking("en"):
        assert t(f"causal_graph.m_{name}")
