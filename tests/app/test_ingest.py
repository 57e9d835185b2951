"""The ingest routes with the clients that people use."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connectors import protobuf_wire as wire
from connectors.protocols import EventQuery
from connectors.selector import select
from services.workspace import Workspace
from tests.serving import Server, serve

HOUR_MS = 3_600_000


def post(client: FlaskClient, kind: str, rows: list[dict[str, Any]]) -> Any:
    return client.post(f"/api/ingest/{kind}", json={kind: rows})


def test_valid_items_beside_bad_ones_are_stored_and_the_bad_are_named(
    client: FlaskClient, workspace: Workspace
) -> None:
    rows = [
        {"name": "queue_depth", "value": 3.0, "labels": {"service": "a"}},
        {"name": "queue depth", "value": 3.0},
        {"name": "queue_depth", "value": "many"},
    ]
    answer = post(client, "metrics", rows)
    assert answer.status_code == 202
    assert answer.json["data"]["accepted"] == 1
    assert [r["index"] for r in answer.json["data"]["rejected"]] == [1, 2]
    found = workspace.metrics.latest(select("queue_depth"), since_ms=0)
    assert [p.values.tolist() for p in found] == [[3.0]]


def test_a_body_without_any_valid_item_gets_422_with_every_reason(client: FlaskClient) -> None:
    answer = post(client, "inferences", [{"model_id": "m"}, {"inference_id": "1"}])
    assert answer.status_code == 422
    assert len(answer.json["details"]["items"]) == 2


def test_sending_the_same_body_twice_changes_nothing(
    client: FlaskClient, workspace: Workspace
) -> None:
    rows = [{"inference_id": "1", "model_id": "m", "timestamp": workspace.now_ms(), "score": 0.5}]
    for _ in range(2):
        assert post(client, "inferences", rows).status_code == 202
    now = workspace.now_ms()
    assert len(workspace.events.inference_columns("m", now - HOUR_MS, now + HOUR_MS)) == 1


def test_ndjson_and_gzip_are_read(client: FlaskClient, workspace: Workspace) -> None:
    lines = b"\n".join(
        json.dumps({"inference_id": str(i), "model_id": "m", "prediction": i}).encode()
        for i in range(3)
    )
    answer = client.post(
        "/api/ingest/inferences",
        data=gzip.compress(lines),
        headers={"Content-Encoding": "gzip", "Content-Type": "application/x-ndjson"},
    )
    assert answer.json is not None and answer.json["data"]["accepted"] == 3


@pytest.mark.parametrize(
    ("data", "headers", "status"),
    [
        (b"{", {"Content-Type": "application/json"}, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"not gzip", {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 400),
        (b"{}", {"Content-Type": "application/json", "Content-Encoding": "br"}, 415),
        (gzip.compress(b" " * 40_000_000), {"Content-Type": "application/json",
                                            "Content-Encoding": "gzip"}, 413),
    ],
)  # fmt: skip
def test_malformed_bodies_get_the_documented_error(
    client: FlaskClient, data: bytes, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/api/ingest/metrics", data=data, headers=headers)
    assert answer.status_code == status
    assert answer.json is not None and answer.json["success"] is False


@pytest.mark.parametrize("kind", ["application/json", "application/x-protobuf"])
def test_senders_of_otlp_read_why_in_the_form_of_their_protocol(
    locked_hub: Flask, make_key: Callable[[str, str], str], kind: str
) -> None:
    client = locked_hub.test_client()
    for headers, status in (({"X-API-Key": make_key("acme", "sender")}, 400), ({}, 401)):
        answer = client.post("/v1/traces", data=b"\xff", content_type=kind, headers=headers)
        assert (answer.status_code, answer.mimetype) == (status, kind)
        if kind == "application/json":
            message = answer.json["message"]  # type: ignore[index]
        else:
            ((number, _, said),) = wire.read_fields(answer.data)
            message = wire.text(said) if number == 2 else ""  # of google.rpc.Status
        assert message and "{" not in message


def test_nobody_may_write_the_hubs_own_series(client: FlaskClient, workspace: Workspace) -> None:
    answer = post(client, "metrics", [{"name": "aiobs_trust_score", "value": 1.0}])
    assert answer.status_code == 422
    assert workspace.metrics.names() == []


def test_remote_write_2_is_refused_by_media_type(client: FlaskClient) -> None:
    kind = "application/x-protobuf;proto=io.prometheus.write.v2.Request"
    answer = client.post("/api/v1/write", data=b"", headers={"Content-Type": kind})
    assert answer.status_code == 415


@pytest.fixture
def server(hub: Flask, clock: list[int]) -> Iterator[Server]:
    clock[0] = int(time.time() * 1_000)  # real clients send the real time
    with serve(hub) as running:
        yield running


def test_the_opentelemetry_sdk_is_understood(server: Server, workspace: Workspace) -> None:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    resource = Resource.create({"service.name": "checkout"})
    tracing = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{server.url}/v1/traces", compression=Compression.Gzip)
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    with tracing.get_tracer("t").start_as_current_span("chat") as span:
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "org/name:v2",
                "gen_ai.usage.input_tokens": 12,
                "gen_ai.usage.output_tokens": 34,
            }
        )
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{server.url}/v1/metrics"))
    metering = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    metering.get_meter("t").create_counter("orders").add(5)
    metering.force_flush()
    tracing.shutdown()
    metering.shutdown()

    now = workspace.now_ms()
    query = EventQuery(start_ms=now - HOUR_MS, end_ms=now + HOUR_MS)
    assert [s.service for s in workspace.events.spans(query).rows] == ["checkout"]
    model = next(m for m in workspace.events.models_seen() if m.model_id == "org/name:v2")
    assert model.count == 1
    assert any("orders" in name for name in workspace.metrics.names())


def test_a_real_prometheus_writes_to_the_hub(
    server: Server, workspace: Workspace, tmp_path: Path
) -> None:
    from tests.serving import prometheus

    with prometheus(tmp_path, scrape=server.url, write_to=f"{server.url}/api/v1/write"):
        deadline = time.monotonic() + 30
        while not workspace.metrics.series(select("up")):
            assert time.monotonic() < deadline, "Prometheus wrote nothing within 30 s"
            time.sleep(0.2)
    assert workspace.metrics.series(select("up"))[0].label("job") == "hub"
