"""Every page lays out in every language and answers its callbacks, on an empty hub and on a filled
one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

import pages
from app.scheduler import JOBS, Scheduler
from i18n import LANGUAGES, speaking
from services.workspace import Backends, Workspace

MINUTE_MS = 60_000


def fill(client: FlaskClient, backends: Backends, now_ms: int) -> None:
    """Send what a small fleet sends in two hours and run every job once."""
    rows = [
        {
            "inference_id": f"{model}-{i}",
            "model_id": model,
            "model_version": "1",
            "timestamp": (now_ms - i * MINUTE_MS // 4) / 1_000,
            "features": {"x": float(i % 17), "c": "ab"[i % 2]},
            "prediction": i % 2,
            "score": (i % 10) / 10,
            "label": i % 2,
            "latency_ms": 5.0 + i % 7,
            "cost": 0.001,
            "currency": "USD",
            "user_segment": "consumer",
            "region": "eu-west-1",
        }
        for model in ("alpha", "org/beta:v2")
        for i in range(400)
    ]
    texts: list[dict[str, Any]] = [
        {
            "inference_id": f"rag-{i}",
            "model_id": "assistant",
            "timestamp": (now_ms - i * MINUTE_MS) / 1_000,
            "prompt": "How long is the warranty?",
            "context": ["The warranty lasts 24 months. It covers the seams."],
            "output": "The warranty lasts 24 months." if i % 5 else "It lasts 60 months in Norway.",
            "output_tokens": 12,
            "latency_ms": 120.0,
        }
        for i in range(60)
    ]
    assert (
        client.post("/api/ingest/inferences", json={"inferences": [*rows, *texts]}).status_code
        == 202
    )
    scan = {"vulnerabilities": [{"id": "X-1", "component": "parser", "score": 9.8}]}
    sent = client.post("/api/security/vulnerabilities?source=scanner&subject=app", json=scan)
    assert sent.status_code == 201
    promise = {
        "name": "Answers", "model_id": "alpha", "target": 0.99,
        "indicator": {"kind": "availability"},
    }  # fmt: skip
    assert client.put("/api/slo/answers", json=promise).status_code == 200
    scheduler = Scheduler(backends)
    for job in JOBS:
        scheduler.tick(job, now_ms / 1_000)


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda p: p.name)
def test_pages_lay_out_in_every_language(page: pages.Page, workspace: Workspace) -> None:
    from services.workspace import in_workspace

    for code in LANGUAGES:
        with speaking(code), in_workspace(workspace.speaking(code)):
            assert page.module.layout() is not None


def answers(hub: Flask, scope: dict[str, str]) -> dict[str, int]:
    """Return the status of every callback that needs the scope and the clock alone."""
    client = hub.test_client()
    statuses = {}
    for name, callback in hub.extensions["aiobs_dash_outputs"]().items():
        inputs = [dict(one) for one in callback["inputs"]]
        if not {str(one["id"]) for one in inputs} <= {"scope", "tick", "path", "lang"}:
            continue
        values: dict[str, Any] = {"scope": scope, "tick": 1, "path": "/", "lang": "en"}
        body = {
            "output": name,
            "outputs": _outputs(name),
            "inputs": [one | {"value": values[str(one["id"])]} for one in inputs],
            "changedPropIds": [],
            "state": [dict(one) | {"value": None} for one in callback["state"]],
        }
        if "callback" not in callback:
            continue
        statuses[name] = client.post("/_dash-update-component", json=body).status_code
    return statuses


def _outputs(name: str) -> Any:  # Dash's own shape: an object, or a list for several
    def one(text: str) -> dict[str, Any]:
        component, prop = text.rsplit(".", 1)
        known = json.loads(component) if component.startswith("{") else component
        return {"id": known, "property": prop.split("@")[0]}

    if name.startswith(".."):
        return [one(part) for part in name.strip(".").split("...")]
    return one(name)


@pytest.mark.parametrize("model", ["", "alpha", "org/beta:v2", "assistant", "nobody"])
def test_callbacks_answer_on_a_filled_hub(
    hub: Flask, client: FlaskClient, backends: Backends, clock: list[int], model: str
) -> None:
    fill(client, backends, clock[0])
    statuses = answers(hub, {"model": model, "range": "24h", "live": "1"})
    assert statuses
    assert {name: s for name, s in statuses.items() if s not in (200, 204)} == {}


def test_callbacks_answer_on_an_empty_hub(hub: Flask) -> None:
    statuses = answers(hub, {"range": "24h", "live": "1"})
    assert {name: s for name, s in statuses.items() if s not in (200, 204)} == {}


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda p: p.name)
def test_a_document_comes_with_its_page_and_first_view(
    client: FlaskClient, page: pages.Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages.sources, "EARLY_S", 60.0)
    address = f"http://localhost{page.module.PATH}?range=6h"
    made = client.get("/_dash-layout", headers={"Referer": address}).json
    shown = json.dumps(made)
    assert f"view/{page.name}/" in shown
    stores = {
        part["props"]["id"]: part["props"].get("data")
        for part in made["props"]["children"]
        if part["type"] == "Store"
    }
    assert (stores["path"], stores["lang"]) == (page.module.PATH, "en")
    assert stores["scope"]["range"] == "6h"


def test_a_foreign_address_names_no_page(client: FlaskClient) -> None:
    made = client.get("/_dash-layout", headers={"Referer": "http://elsewhere/technical"})
    assert "view-mark" not in made.get_data(as_text=True)
