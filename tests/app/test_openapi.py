"""The OpenAPI document: valid, complete, and true of what routes answer."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from app.api import ROUTERS
from app.api.openapi import document
from tests.conftest import NOW_MS

HTTP = {"get", "put", "post", "delete"}


def spec() -> dict[str, Any]:
    return document(ROUTERS)


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in spec()["paths"].items()
        for method, operation in methods.items()
    ]


def references(node: Any) -> set[str]:  # JSON
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(references(value) for value in node))
    return set()


def test_every_schema_is_valid_json_schema() -> None:
    for name, schema in spec()["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert schema, name


def test_every_reference_leads_somewhere() -> None:
    found = spec()
    known = {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
    assert references(found["paths"]) | references(found["components"]) <= known


def test_every_operation_says_what_openapi_asks_for() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))
    for path, method, operation in operations():
        assert method in HTTP
        named = set(re.findall(r"{(\w+)}", path))
        given = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert named == given, path
        assert operation["summary"].endswith("."), path
        assert {"401", "403", "503"} <= set(operation["responses"]), path
        assert operation["x-permission"], path


def test_every_api_route_of_the_server_is_described(hub: Flask) -> None:
    described = {path for path, _, _ in operations()}
    served = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule))
        for rule in hub.url_map.iter_rules()
        if str(rule).startswith(("/api/", "/v1/")) and rule.endpoint[:9] != "no_route_"
    }
    assert served - described <= {"/api/openapi.json", "/api/docs"}


def fill(client: FlaskClient) -> None:
    rows = [
        {"inference_id": f"m-{n}", "model_id": "m", "model_version": "1", "latency_ms": 9.0 + n % 7,
         "timestamp": NOW_MS / 1_000 - 100 * n - 1, "prediction": n % 2, "score": 0.3 + n % 2 / 3,
         "label": (n // 3) % 2, "features": {"x": float(n % 13), "c": "ab"[n % 2]}, "cost": 0.1,
         "trace_id": f"{n:032x}"}
        for n in range(600)
    ]  # fmt: skip
    assert client.post("/api/ingest/inferences", json={"inferences": rows}).status_code == 202
    event = {"title": "deployed", "event_type": "deployment", "model_id": "m"}
    assert client.post("/api/ingest/events", json={"events": [event]}).status_code == 202
    log = {"message": "hello", "level": "info"}
    assert client.post("/api/ingest/logs", json={"logs": [log]}).status_code == 202


QUERIES = {"/api/metrics/timeseries": "?metrics=aiobs_inferences_total&hours=2"}


def test_answers_of_a_walk_are_what_the_document_says(client: FlaskClient) -> None:
    fill(client)
    found = spec()
    walked, wrong = 0, []
    for path, method, operation in operations():
        if method != "get":
            continue
        address = re.sub(r"{\w*lang\w*}", "de", path).replace("{inference_id}", "m-5")
        address = re.sub(r"{\w+}", quote("m", safe=""), address) + QUERIES.get(path, "")
        answer = client.get(address)
        described = operation["responses"].get(str(answer.status_code))
        if described is None:
            wrong.append(f"{path}: status {answer.status_code} is not described")
            continue
        schema = described.get("content", {}).get("application/json", {}).get("schema")
        if schema is None or answer.mimetype != "application/json":
            continue
        whole = {"components": found["components"], **schema}
        errors = list(Draft202012Validator(whole).iter_errors(answer.json))
        wrong += [f"{path}: {'/'.join(map(str, e.path))}: {e.message[:120]}" for e in errors[:2]]
        walked += answer.status_code == 200
    assert wrong == [], "\n".join(wrong)
    assert walked >= 20


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs"])
def test_the_document_and_its_reader_are_served(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200
