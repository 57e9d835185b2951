"""Causes that only changes and messages tell: sent and read as a customer does, by public routes.

A shop of three services, `web` -> `cart` -> `db`, and the model that `web` serves; two hours of
it, the last minutes in trouble.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from services import causal, jobs
from services.scene import read_scene
from services.workspace import Workspace
from tests.conftest import NOW_MS

MINUTES, BAD, PER_MINUTE = 90, 6, 8
NOW_S = NOW_MS / 1_000
CHANGE = "cart 2.14.0 rolled out"
Json = dict[str, Any]


def attribute(key: str, value: str) -> Json:
    return {"key": key, "value": {"stringValue": value}}


def resource(service: str) -> Json:
    return {"attributes": [attribute("service.name", service)]}


class Shop:
    """What the shop sends; `slow_s` and `failing` are the trouble of its cart."""

    def __init__(self, *, slow_s: float = 0.0, failing: float = 0.0) -> None:
        self.rng = np.random.default_rng(5)
        self.slow_s, self.failing = slow_s, failing
        self.spans: dict[str, list[Json]] = {"web": [], "cart": [], "db": []}
        self.logs: dict[str, list[Json]] = {"cart": [], "db": []}
        self.rows: list[Json] = []
        for number in range(MINUTES * PER_MINUTE):
            self._request(number, NOW_S - 60 * (MINUTES - number / PER_MINUTE) + 1)

    def _request(self, number: int, at_s: float) -> None:
        is_bad = at_s >= NOW_S - 60 * BAD
        failed = is_bad and self.rng.random() < self.failing
        db = 0.02 + 0.004 * self.rng.random()
        cart = db + 0.04 + 0.01 * self.rng.random() + self.slow_s * is_bad
        web = cart + 0.05 + 0.01 * self.rng.random()
        trace = f"{number + 1:032x}"
        for depth, (name, took) in enumerate((("web", web), ("cart", cart), ("db", db))):
            self.spans[name].append({
                "traceId": trace, "spanId": f"{number * 3 + depth + 1:016x}", "name": name,
                "parentSpanId": f"{number * 3 + depth:016x}" if depth else "", "kind": 2,
                "startTimeUnixNano": str(round((at_s + 0.01 * depth) * 1e9)),
                "endTimeUnixNano": str(round((at_s + 0.01 * depth + took) * 1e9)),
                "status": {"code": 2} if failed and name != "db" else {},
            })  # fmt: skip
        self.rows.append({
            "inference_id": f"r{number}", "model_id": "recommender", "trace_id": trace,
            "timestamp": at_s, "latency_ms": 1_000 * web, "prediction": "a",
            **({"error": "KeyError"} if failed else {}),
        })  # fmt: skip
        if failed:
            self.log("cart", at_s, f"order {number} failed", 17, {"exception.type": "KeyError"})
        if number % 20 == 0:
            self.log("db", at_s, f"query took {number + 300} ms", 17, {})

    def log(self, service: str, at_s: float, text: str, severity: int, more: Json) -> None:
        self.logs[service].append({
            "timeUnixNano": str(round(at_s * 1e9)), "severityNumber": severity,
            "body": {"stringValue": text}, "attributes": [attribute(*one) for one in more.items()],
        })  # fmt: skip

    def send(self, client: FlaskClient) -> None:
        traces = [{"resource": resource(name), "scopeSpans": [{"spans": spans}]}
                  for name, spans in self.spans.items()]  # fmt: skip
        logs = [{"resource": resource(name), "scopeLogs": [{"logRecords": records}]}
                for name, records in self.logs.items()]  # fmt: skip
        for path, body in (
            ("/v1/traces", {"resourceSpans": traces}),
            ("/v1/logs", {"resourceLogs": logs}),
            ("/api/ingest/inferences", {"inferences": self.rows}),
        ):
            assert client.post(path, json=body).status_code in (200, 202)


def promise(client: FlaskClient, indicator: Json, target: float = 0.95) -> None:
    definition = {"name": "Shop answers", "indicator": indicator, "target": target,
                  "model_id": "recommender", "days": 1}  # fmt: skip
    body = {"id": "shop", "definition": definition}
    assert client.post("/api/slo", json=body).status_code == 201


def burnt(client: FlaskClient, workspace: Workspace) -> Json:
    """Run the hub's jobs; return the incident of the burning budget."""
    jobs.roll_up(workspace)
    jobs.evaluate_objectives(workspace)
    jobs.evaluate_alerts(workspace)
    jobs.explain_incidents(workspace)
    found = [i for i in client.get("/api/incidents").json["data"] if i["rule"] == "slo_burn"]
    assert len(found) == 1
    incident: Json = found[0]
    return incident


def test_a_burning_budget_is_traced_to_the_deployment_that_made_its_service_slow(
    client: FlaskClient, workspace: Workspace
) -> None:
    Shop(slow_s=0.35).send(client)
    event = {"title": CHANGE, "event_type": "deployment", "service": "cart",
             "timestamp": NOW_S - 60 * BAD - 90}  # fmt: skip
    assert client.post("/api/ingest/events", json={"events": [event]}).status_code == 202
    promise(client, {"kind": "latency", "threshold": 250.0})

    attached = burnt(client, workspace)["root_cause"]
    assert not attached["abstained"]
    first = attached["causes"][0]
    assert (first["node"], first["metric"]) == ("cart", "latency_ms")
    assert first["chain"] == [
        "cart deployment", "cart latency_ms", "web latency_ms", "recommender latency_ms",
        "recommender burn_rate:shop",
    ]  # fmt: skip
    assert any(CHANGE in sentence for sentence in first["evidence"])
    assert any("Shop answers" in sentence for sentence in first["evidence"])
    assert attached["effect"] == ["recommender", "burn_rate:shop"]


def test_the_incidents_of_one_deployment_are_one_group_that_is_resolved_together(
    client: FlaskClient, workspace: Workspace
) -> None:
    Shop(slow_s=0.35).send(client)
    event = {"title": CHANGE, "event_type": "deployment", "service": "cart",
             "timestamp": NOW_S - 60 * BAD - 90}  # fmt: skip
    client.post("/api/ingest/events", json={"events": [event]})
    promise(client, {"kind": "latency", "threshold": 250.0})
    burnt(client, workspace)
    ids = {i["id"] for i in client.get("/api/incidents").json["data"]}
    (group,) = client.get("/api/incidents/groups?state=open&severity=critical").json["data"]
    assert {i["id"] for i in group["incidents"]} == ids and len(ids) > 1
    assert (group["cause"]["node"], group["cause"]["event_title"]) == ("cart", CHANGE)
    body = {"incident_ids": sorted(ids), "state": "resolved", "note": "rolled back"}
    changed = client.post("/api/incidents/state", json=body).json["data"]
    assert {i["state"] for i in changed} == {"resolved"}
    assert client.post("/api/incidents/state", json=body).status_code == 409
    body["incident_ids"] = []
    assert client.post("/api/incidents/state", json=body).status_code == 422


def test_a_storm_of_incidents_is_explained_from_one_reading(
    client: FlaskClient, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    Shop(failing=0.9).send(client)
    promise(client, {"kind": "availability"})
    read = []
    monkeypatch.setattr(causal, "read_scene", lambda *args: read.append(args) or read_scene(*args))
    burnt(client, workspace)
    found = client.get("/api/incidents").json["data"]
    assert len([i for i in found if i["root_cause"] is not None]) >= 2
    assert len(read) == 1


def test_a_burn_rate_can_be_asked_about_and_is_drawn_after_its_latency(
    client: FlaskClient, workspace: Workspace
) -> None:
    Shop(slow_s=0.35).send(client)
    promise(client, {"kind": "latency", "threshold": 250.0})
    burnt(client, workspace)
    effect = {"node": "recommender", "metric": "burn_rate:shop"}
    answer = client.post("/api/causal/root-cause", json=effect).json["data"]["result"]
    assert answer["causes"][0]["node"] == "cart"
    graph = client.get("/api/causal/graph", query_string=effect).json["data"]["graph"]
    into = {e["source"] for e in graph["edges"] if e["target"] == "recommender|burn_rate:shop"}
    assert "recommender|latency_ms" in into


@pytest.mark.parametrize("level", ["error", "critical"])
def test_a_new_exception_in_the_logs_is_named_as_evidence_for_its_service(
    client: FlaskClient, workspace: Workspace, level: str
) -> None:
    shop = Shop(failing=0.5)
    for record in shop.logs["cart"]:
        record["severityNumber"] = {"error": 17, "critical": 21}[level]
    shop.send(client)
    promise(client, {"kind": "availability"}, 0.99)

    first = burnt(client, workspace)["root_cause"]["causes"][0]
    assert (first["node"], first["metric"]) == ("cart", "errors")
    told = next(values for key, values in first["evidence_said"] if key == "log_template")
    assert told["template"] == "KeyError: order # failed"
    assert told["before"] == 0 and told["after"] > 5
    assert not any("query took" in sentence for sentence in first["evidence"])


def test_a_quiet_shop_has_no_cause_and_says_why(client: FlaskClient, workspace: Workspace) -> None:
    Shop().send(client)
    jobs.roll_up(workspace)
    for effect in (("web", "latency_ms"), ("recommender", "latency_ms"), ("cart", "errors")):
        body = dict(zip(("node", "metric"), effect, strict=True))
        answer = client.post("/api/causal/root-cause", json=body).json["data"]
        assert answer["result"]["abstained"] and answer["result"]["reason"]
    assert client.get("/api/metrics/impact/summary").json["data"] == []
