"""Histograms read by one name: percentiles and means against hand counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.telemetry import MetricBatch, Series
from services import metric_view
from services.histograms import percentiles
from services.series import metric_names, read_points
from services.times import HOUR_MS, MINUTE_MS, Window
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import Send

HOUR = Window(NOW_MS - HOUR_MS, NOW_MS)
BOUNDS = np.array([0.1, 0.2, 0.5, np.inf])


def export(ws: Workspace, at_ms: int, counts: list[float], **labels: str) -> None:
    """Store the buckets .1, .2 and +Inf with sum and count of one export."""
    series = [Series("wait_seconds_bucket", {**labels, "le": le}) for le in ("0.1", "0.2", "+Inf")]
    series += [Series("wait_seconds_sum", labels), Series("wait_seconds_count", labels)]
    values = np.array([*counts, counts[-1] * 0.15, counts[-1]])
    ws.metrics.append(
        MetricBatch(series, np.arange(5, dtype=np.int32), np.full(5, at_ms, np.int64), values)
    )


def values(ws: Workspace, agg: str, by: tuple[str, ...] = ()) -> dict[str, list[float]]:
    found = read_points(ws, "wait_seconds", HOUR, HOUR_MS, agg=agg, by=by)  # type: ignore[arg-type]
    return {
        points.series.label("host"): [v for v in points.values.tolist() if np.isfinite(v)]
        for points in found
    }


@pytest.mark.parametrize("temporality", ["", "delta"])
def test_a_histogram_is_read_by_its_own_name(workspace: Workspace, temporality: str) -> None:
    """Thirty below .1 and ten up to .2: half below .0667, 95 of 100 below .18, .15 on average."""
    labels = {"host": "a"} | ({"temporality": temporality} if temporality else {})
    exports = [[15.0, 20.0, 20.0]] * 2 if temporality else [[0.0] * 3, [30.0, 40.0, 40.0]]
    for k, counts in enumerate(exports):
        export(workspace, NOW_MS - (30 - 10 * k) * MINUTE_MS, counts, **labels)
    assert metric_names(workspace) == ["wait_seconds"]
    assert values(workspace, "p50") == {"": [pytest.approx(0.1 * 20 / 30)]}
    assert values(workspace, "p95", ("host",)) == {"a": [pytest.approx(0.1 + 0.1 * 8 / 10)]}
    assert values(workspace, "avg") == {"": [pytest.approx(0.15)]}
    assert values(workspace, "count") == {"": [40.0]}
    assert values(workspace, "min") == {}


def test_the_latency_that_the_hub_counts_is_a_histogram_as_well(
    workspace: Workspace, send: Send
) -> None:
    """The hub counts each bucket by itself; bounds are a factor of the root of 2 apart."""
    send(
        [
            {
                "inference_id": f"i{i}", "model_id": "m", "prediction": 1,
                "timestamp": NOW_MS / 1_000 - 600, "latency_ms": 400.0 if i < 2 else 20.0,
            }
            for i in range(20)
        ]
    )  # fmt: skip
    name = "aiobs_inference_latency_seconds"
    assert name in metric_names(workspace) and f"{name}_bucket" not in metric_names(workspace)
    [found] = metric_view.view_metric(workspace, name, HOUR, by="model_id").curves
    assert found.labels == {"model_id": "m"}
    [slow] = found.values[np.isfinite(found.values)]
    assert slow == pytest.approx(0.4, rel=0.19)
    mean = metric_view.view_metric(workspace, name, HOUR, agg="avg").curves[0].mean
    assert mean == pytest.approx((2 * 0.4 + 18 * 0.02) / 20)
    narrowed = metric_view.narrow(workspace, name, "m")
    assert metric_view.view_metric(workspace, narrowed, HOUR).curves


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4), st.floats(0.01, 0.99))
def test_a_percentile_lies_in_the_bucket_that_holds_it(counts: list[int], q: float) -> None:
    total = np.cumsum(counts)
    found = percentiles(q, BOUNDS, total[None, :].astype(float))[0]
    if total[-1] == 0:
        assert np.isnan(found)
        return
    at = int(np.searchsorted(total, q * total[-1]))
    upper = BOUNDS[at] if at < 3 else 0.5
    lower = (0.0, 0.1, 0.2, 0.5)[at]
    assert lower - 1e-12 <= found <= upper + 1e-12
