"""A metric explored: found by words, cut, folded and compared, against hand counts."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from flask.testing import FlaskClient

from connectors.memory import MemoryCache
from connectors.telemetry import Log, MetricBatch, Series
from services import explore, metric_view
from services.errors import Malformed
from services.times import HOUR_MS, MINUTE_MS, Window
from services.workspace import Backends, Workspace
from tests.conftest import NOW_MS, admin

HOUR = Window(NOW_MS - HOUR_MS, NOW_MS)


def put(ws: Workspace, name: str, values: list[float], end_ms: int = NOW_MS, **labels: str) -> None:
    """Store one value a minute, the last of them in the minute before the end."""
    times = [end_ms - (len(values) - i) * MINUTE_MS for i in range(len(values))]
    series = [Series(name, tuple(sorted(labels.items())))]
    ws.metrics.append(MetricBatch(
        series, np.zeros(len(values), np.int32), np.array(times, np.int64), np.array(values)
    ))  # fmt: skip


def test_metrics_are_found_by_words_and_paged(workspace: Workspace) -> None:
    for i in range(7):
        put(workspace, f"app_queue_{i}", [1.0], host="a")
    put(workspace, "app_queue_0", [1.0], host="b")
    put(workspace, "other_ms", [1.0])
    first = metric_view.list_metrics(workspace, "QUEUE app", limit=5)
    assert (first.total, [row.series for row in first.rows]) == (7, [2, 1, 1, 1, 1])
    rest = metric_view.list_metrics(workspace, "queue", limit=5, cursor=first.cursor)
    assert [row.name for row in rest.rows] == ["app_queue_5", "app_queue_6"]
    assert rest.cursor is None
    assert metric_view.list_metrics(workspace, "other").rows[0].unit == "ms"


@pytest.mark.parametrize(("agg", "rest"), [("sum", 1.0 + 2.0), ("max", 2.0), ("min", 1.0)])
def test_series_beyond_the_largest_are_joined(workspace: Workspace, agg: str, rest: float) -> None:
    for host in range(1, 11):
        put(workspace, "depth", [float(host)] * 60, host=f"h{host}")
    found = metric_view.view_metric(workspace, "depth", HOUR, agg=agg, by="host", step_ms=MINUTE_MS)  # type: ignore[arg-type]
    assert [curve.labels["host"] for curve in found.curves[:2]] == ["h10", "h9"]
    assert found.folded == 2 and found.rest is not None
    assert set(found.rest[np.isfinite(found.rest)]) == {rest}


def test_means_are_not_joined(workspace: Workspace) -> None:
    for host in range(10):
        put(workspace, "depth", [1.0] * 60, host=f"h{host}")
    found = metric_view.view_metric(workspace, "depth", HOUR, agg="avg", by="host")
    assert found.folded == 2 and found.rest is None


def test_the_earlier_window_lies_on_the_same_steps(workspace: Workspace) -> None:
    put(workspace, "depth", [1.0] * 60 + [3.0] * 60)
    found = metric_view.view_metric(
        workspace, "depth", HOUR, step_ms=MINUTE_MS, before=HOUR.before()
    )
    assert (found.curves[0].mean, found.curves[0].before) == (3.0, 1.0)
    assert found.earlier is not None and set(found.earlier[1:-1]) == {1.0}


def test_each_series_stands_by_itself(workspace: Workspace) -> None:
    for zone in "ab":
        for host in "xy":
            put(workspace, "depth", [1.0], zone=zone, host=host)
    found = metric_view.view_metric(workspace, "depth", HOUR, by=metric_view.EACH)
    assert len(found.curves) == found.series == 4 and found.labels == ["host", "zone"]


@pytest.mark.parametrize(
    ("metric", "narrowed"),
    [
        ("calls", 'calls{model_id="m\\"1"}'),
        ('calls{zone="a"}', 'calls{zone="a",model_id="m\\"1"}'),
        ("calls{}", 'calls{model_id="m\\"1"}'),
        ('calls{model_id="x"}', 'calls{model_id="x"}'),
        ("plain", "plain"),
    ],
)
def test_the_chosen_model_narrows_what_knows_models(
    workspace: Workspace, metric: str, narrowed: str
) -> None:
    put(workspace, "calls", [1.0], model_id='m"1', zone="a")
    put(workspace, "plain", [1.0])
    assert metric_view.narrow(workspace, metric, 'm"1') == narrowed
    assert len(metric_view.view_metric(workspace, narrowed, HOUR).curves) == (
        0 if metric == 'calls{model_id="x"}' else 1
    )


def test_a_bad_question_is_refused(workspace: Workspace) -> None:
    with pytest.raises(Malformed, match="expected"):
        metric_view.view_metric(workspace, "a b c", HOUR)
    with pytest.raises(Malformed):
        metric_view.list_metrics(workspace, limit=0)


def test_the_routes_answer(client: FlaskClient, workspace: Workspace) -> None:
    put(workspace, "depth", [1.0])
    rows = client.get("/api/explore/metrics?text=dep").get_json()["data"]["rows"]
    assert rows == [{"name": "depth", "unit": "", "series": 1}]
    workspace.events.add_logs([
        Log("a", NOW_MS - 1_000, "x", "error", "shop"), Log("b", NOW_MS - 2_000, "y", "info", "web")
    ])  # fmt: skip
    counted = client.get("/api/explore/log-counts?hours=1&step_s=60&service=shop").get_json()
    assert {k: sum(v) for k, v in counted["data"]["counts"].items()} == {"error": 1}
    assert client.get("/api/explore/log-counts?hours=1&step_s=0").status_code == 400
    assert explore.log_services(workspace, HOUR) == ["shop", "web"]


def test_whole_steps_are_read_once_and_again_when_a_step_ends(
    backends: Backends, clock: list[int]
) -> None:
    kept = replace(backends, cache=MemoryCache(clock=lambda: clock[0] / 1_000))
    ws = kept.workspace(admin())

    def newest() -> float:
        now = ws.now_ms()
        view = metric_view.view_metric(ws, "depth", Window(now - HOUR_MS, now), step_ms=MINUTE_MS)
        return float(view.curves[0].values[-1])

    put(ws, "depth", [1.0])
    assert newest() == 1.0
    put(ws, "depth", [2.0], end_ms=NOW_MS + MINUTE_MS)
    clock[0] += 20_000
    assert newest() == 1.0  # the minute of 2 is not over
    clock[0] += 41_000
    assert newest() == 1.0  # shown once more, while it is read again
    for _ in range(1_000):
        if newest() == 2.0:
            break
        time.sleep(0.01)
    assert newest() == 2.0
    fixed = Window(NOW_MS - HOUR_MS, NOW_MS)
    assert metric_view.view_metric(ws, "depth", fixed, step_ms=MINUTE_MS).curves[0].mean == 1.0
