"""Rollups, traffic, series, topology, fleet, exploring and exposition, against hand counts."""

from __future__ import annotations

import numpy as np
import pytest

from connectors.protocols import EventQuery
from connectors.telemetry import MetricBatch, Series, Span
from services import explore, exposition, fleet, ingest, models, rollups, series, topology, traffic
from services.errors import Malformed, NotFound
from services.times import Window
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import HOUR_MS, MINUTE_MS, Send, scored_rows

HOUR = Window(NOW_MS - HOUR_MS, NOW_MS)


def test_traffic_sums_what_was_sent(workspace: Workspace, send: Send) -> None:
    rows = scored_rows(count=100, hours=0.9)
    for row in rows[:7]:
        row["error"] = "timeout"
    send(rows)
    found = traffic.get_request_stats(workspace, HOUR, model_id="risk")
    assert (found.requests, found.errors, found.error_rate) == (100, 7, 0.07)
    used = traffic.get_traffic_by_model(workspace, HOUR)["risk"]
    assert used.cost == {"EUR": pytest.approx(0.1)}


def test_totals_cover_the_window_and_nothing_before_it(workspace: Workspace, send: Send) -> None:
    rows = scored_rows(count=180, hours=3.0)
    for number, row in enumerate(rows):
        row["timestamp"] = (NOW_MS - (number + 1) * MINUTE_MS) / 1_000
    send(rows)
    window = Window(NOW_MS - 50 * MINUTE_MS, NOW_MS)  # starts at no multiple of its length
    assert traffic.get_request_stats(workspace, window, model_id="risk").requests == 50


def test_latency_percentiles_are_within_a_bucket_of_the_truth(
    workspace: Workspace, send: Send
) -> None:
    rows = scored_rows(count=500, hours=0.9)
    send(rows)
    found = traffic.get_request_stats(workspace, HOUR, model_id="risk").latency_ms
    truth = np.percentile([row["latency_ms"] for row in rows], [50, 95])
    assert found is not None
    assert np.allclose([found["p50"], found["p95"]], truth, rtol=0.2)


def test_a_retry_and_a_late_row_change_sums_by_what_is_new(
    workspace: Workspace, send: Send
) -> None:
    rows = scored_rows(count=50, hours=0.9)
    send(rows)
    send([*rows, rows[3] | {"inference_id": "late"}])
    assert traffic.get_request_stats(workspace, HOUR).requests == 51
    assert rollups.roll_up(workspace) == 0


def test_steps_of_a_traffic_series_add_up(workspace: Workspace, send: Send) -> None:
    send(scored_rows(count=120, hours=0.9))
    found = traffic.get_traffic_series(workspace, HOUR, 5 * MINUTE_MS, model_id="risk")
    assert found.requests.sum() == 120
    assert len(found.timestamps_ms) == len(found.latency_ms["p95"])


def test_series_of_a_selector_are_joined_or_kept_apart(workspace: Workspace) -> None:
    batch = MetricBatch(
        [Series("cpu_ratio", {"host": "a"}), Series("cpu_ratio", {"host": "b"})],
        np.array([0, 1], np.int32), np.array([NOW_MS - 90_000] * 2, np.int64), np.array([1.0, 3.0]),
    )  # fmt: skip
    ingest.write_metrics(workspace, batch)
    joined = series.read_series(workspace, ["cpu_ratio"], HOUR, agg="avg")[0]
    apart = series.read_series(workspace, ["cpu_ratio"], HOUR, by=("host",))
    assert [p.value for p in joined.points if p.value is not None] == [2.0]
    assert (joined.unit, sorted(s.labels["host"] for s in apart)) == ("1", ["a", "b"])


def test_series_refuses_what_it_cannot_answer(workspace: Workspace) -> None:
    for metrics in ([], ["x"] * 21, ["{"]):
        with pytest.raises(Malformed):
            series.read_series(workspace, metrics, HOUR)


def test_nobody_writes_under_the_hubs_own_names(workspace: Workspace) -> None:
    batch = MetricBatch([Series("aiobs_trust_score", {}), Series("mine", {})],
                        np.array([0, 1], np.int32), np.array([NOW_MS] * 2, np.int64),
                        np.array([1.0, 2.0]))  # fmt: skip
    assert ingest.write_metrics(workspace, batch) == 1
    assert series.metric_names(workspace) == ["mine"]


def spans(*, failing: int = 0, calls: int = 40) -> list[Span]:
    rows = []
    for n in range(calls):
        start, trace = float(NOW_MS - (n + 1) * 5_000), f"{n:032x}"
        rows.append(Span(trace, "a" * 16, "GET /", "web", start, 50.0, kind="server"))
        rows.append(Span(trace, "b" * 16, "read", "store", start, 10.0, parent_span_id="a" * 16,
                         kind="server", is_error=n < failing))  # fmt: skip
    return rows


def test_topology_knows_who_calls_whom_and_who_fails(workspace: Workspace) -> None:
    ingest.write_spans(workspace, spans(failing=4))
    found = topology.get_topology(workspace, Window(NOW_MS - 10 * MINUTE_MS, NOW_MS + 1))
    health = {service.service: service for service in found.services}
    assert health["store"].health == "critical" and health["store"].error_rate == 0.1
    assert ("web", "store") in {(call.caller, call.callee) for call in found.calls}


def test_few_calls_are_not_judged(workspace: Workspace) -> None:
    ingest.write_spans(workspace, spans(failing=3, calls=3))
    found = topology.get_topology(workspace, Window(NOW_MS - 10 * MINUTE_MS, NOW_MS + 1))
    assert {service.health for service in found.services} == {"unknown"}


def test_the_overview_counts_models_and_says_what_is_sample(
    workspace: Workspace, send: Send
) -> None:
    send(scored_rows(count=300))
    send([row | {"tags": {"sample": "true"}} for row in scored_rows("toy", count=30)])
    found = fleet.get_overview(workspace)
    assert found.totals.models == 2 and found.has_sample_data
    assert {m.model_id: m.is_sample for m in found.models} == {"risk": False, "toy": True}
    assert fleet.get_segments(workspace, "risk") == ["a", "b"]


def test_an_empty_hub_has_an_overview(workspace: Workspace) -> None:
    found = fleet.get_overview(workspace)
    assert (found.totals.models, found.totals.mean_trust, found.totals.error_rate) == (
        0,
        None,
        None,
    )


def test_pages_of_rows_hold_every_row_once(workspace: Workspace, send: Send) -> None:
    send(scored_rows(count=57))
    seen: list[str] = []
    cursor = None
    while True:
        query = EventQuery(NOW_MS - 25 * HOUR_MS, NOW_MS, limit=20, cursor=cursor)
        page = explore.list_inferences(workspace, query)
        seen += [row.inference_id for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 57


def test_missing_rows_are_not_found(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        explore.get_inference(workspace, "none")
    with pytest.raises(NotFound):
        explore.get_trace(workspace, "f" * 32)


def test_exposition_totals_are_what_was_sent(workspace: Workspace, send: Send) -> None:
    send(scored_rows(count=90, hours=0.9))
    lines = exposition.expose(workspace).splitlines()
    line = next(li for li in lines if li.startswith("aiobs_inferences_total{"))
    assert 'model_id="risk"' in line and 'tenant="default"' in line
    assert float(line.split()[-1]) == 90


def test_guessed_kinds_of_a_large_fleet_grow_old_at_different_times() -> None:
    ages = [models._guessed_for_s(f"team/model-{k:04d}") for k in range(1_000)]
    assert min(ages) >= 600 and max(ages) <= 1_200
    ticks = [int(age // 15) for age in ages]
    assert max(ticks.count(tick) for tick in set(ticks)) < 100  # ten times fewer than all at once
