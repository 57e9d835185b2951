"""Correlation and anomalies over stored metrics, through the public routes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from connectors.telemetry import MetricBatch, Series
from services.aligned import read_aligned
from services.times import HOUR_MS, Window
from services.workspace import Workspace

HOURS = 24 * 14


@pytest.fixture
def now_s(clock: list[int]) -> float:
    return clock[0] / 1_000


def send(client: FlaskClient, name: str, values: Any, now_s: float) -> None:
    start = now_s - len(values) * 3600
    rows = [
        {"name": name, "value": float(v), "timestamp": start + i * 3600}
        for i, v in enumerate(values)
    ]
    assert client.post("/api/ingest/metrics", json={"metrics": rows}).status_code == 202


def get(client: FlaskClient, path: str, **query: Any) -> Any:
    answer = client.get(path, query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.get_json()["data"]


def test_a_leading_metric_is_named_with_its_lag(client: FlaskClient, now_s: float) -> None:
    rng = np.random.default_rng(0)
    load = rng.normal(100, 10, HOURS)
    send(client, "queue_depth", load, now_s)
    send(client, "latency_ms", np.r_[100, load[:-1]] + rng.normal(0, 3, HOURS), now_s)
    send(client, "room_temperature", rng.normal(20, 1, HOURS), now_s)
    found = get(
        client, "/api/metrics/correlation", days=13, granularity="hour",
        metrics="queue_depth,latency_ms,room_temperature",
    )  # fmt: skip
    best = found["pairs"][0]
    assert (best["first"], best["second"], best["lag_ms"]) == (0, 1, HOUR_MS)
    assert [pair["is_related"] for pair in found["pairs"]] == [True, False, False]
    assert found["matrix"][0][0] == 1.0


def test_without_names_every_stored_metric_takes_part(client: FlaskClient, now_s: float) -> None:
    for seed, name in enumerate(("a", "b", "still")):
        rng = np.random.default_rng(seed)
        send(client, name, np.zeros(HOURS) if name == "still" else rng.normal(size=HOURS), now_s)
    found = get(client, "/api/metrics/correlation", days=13, granularity="hour")
    lacking = {s["metric_name"] for s in found["series"] if s["insufficient"]}
    assert {"a", "b"}.isdisjoint(lacking)
    assert "still" in lacking


def test_an_empty_hub_says_what_is_missing(client: FlaskClient) -> None:
    found = get(client, "/api/metrics/correlation")
    assert found["insufficient"]["status"] == "insufficient_data"
    assert get(client, "/api/metrics/anomalies")["series"] == []


def test_a_spike_is_reported_with_what_was_expected(client: FlaskClient, now_s: float) -> None:
    hours = np.arange(HOURS)
    load = 100 + 30 * np.sin(hours / 24 * 2 * np.pi) + np.random.default_rng(1).normal(0, 2, HOURS)
    load[-5] += 60
    send(client, "load", load, now_s)
    query = {"metrics": "load", "hours": 24, "granularity": "hour", "expectations": "true"}
    found = get(client, "/api/metrics/anomalies", **query)
    [run] = found["series"][0]["anomalies"]
    assert run["start_ms"] == round(now_s * 1_000) - 5 * HOUR_MS
    assert run["value"] - run["expected"] == pytest.approx(60, abs=8)
    assert found["series"][0]["season_ms"] == 24 * HOUR_MS
    expectation = found["expectations"][0]
    assert len(expectation["values"]) == len(expectation["low"]) == 24


def test_minutes_without_requests_are_zero_after_the_first(
    workspace: Workspace, now_s: float
) -> None:
    end = round(now_s * 1_000)
    times = np.array([end - 5 * HOUR_MS, end - 2 * HOUR_MS])
    series = [Series("aiobs_inferences_total", {"model_id": "m"})]
    batch = MetricBatch(series, np.zeros(2, dtype=np.int32), times, np.full(2, 5.0))
    workspace.metrics.append(batch)
    window = Window(end - 6 * HOUR_MS, end)
    table = read_aligned(workspace, ["aiobs_inferences_total"], window, HOUR_MS)
    np.testing.assert_array_equal(table.values[:, 0], [np.nan, 5, 0, 0, 5, 0])


def test_too_many_steps_are_refused(client: FlaskClient) -> None:
    query = {"days": 30, "granularity": "minute"}
    assert client.get("/api/metrics/correlation", query_string=query).status_code == 400


def test_errors_are_judged_out_of_the_requests_they_are_of(
    client: FlaskClient, workspace: Workspace, now_s: float
) -> None:
    """A quiet day with an error now and then, one hour of them, and a rush that fails as usual."""
    end = round(now_s * 1_000)
    times = np.arange(end - 96 * 15 * 60_000, end, 15 * 60_000)
    requests = np.full(96, 700.0)
    errors = np.tile([1.0, 0.0, 0.0, 0.0], 24)
    errors[40:44] = 35
    requests[80], errors[80] = 14_000, 6
    labels = {"model_id": "m"}
    series = [Series("aiobs_inferences_total", labels)]
    series += [Series("aiobs_inference_errors_total", labels)]
    rows = np.repeat(np.arange(2, dtype=np.int32), 96)
    values = np.r_[requests, errors]
    workspace.metrics.append(MetricBatch(series, rows, np.r_[times, times], values))
    query = {"metrics": 'aiobs_inference_errors_total{model_id="m"}', "hours": 24}
    [found] = get(client, "/api/metrics/anomalies", **query)["series"]
    assert [run["value"] for run in found["anomalies"]] == [35.0]
    start = found["anomalies"][0]["start_ms"]
    assert abs(start - int(times[40])) < 15 * 60_000
