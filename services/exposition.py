"""The hub's computed numbers as Prometheus text."""

from __future__ import annotations

from connectors.exposition import write_exposition
from connectors.selector import Selector, parse_selector
from services.identity import permitted
from services.times import DAY_MS, HOUR_MS, Window
from services.workspace import Workspace

GAUGES = (
    "aiobs_trust_score",
    "aiobs_drift_score",
    "aiobs_feature_drift",
    "aiobs_reliability_score",
    "aiobs_hallucination_risk",
    "aiobs_grounding_score",
    "aiobs_degradation_rate",
    "aiobs_sound_data_share",
    "aiobs_data_problems",
    "aiobs_fairness_disparities",
)
COUNTERS = (
    "aiobs_inferences_total",
    "aiobs_inference_errors_total",
    "aiobs_tokens_total",
    "aiobs_cost_total",
    "aiobs_energy_kwh_total",
)
KEPT_DAYS = 400


@permitted("metrics:read")
def expose(ws: Workspace) -> str:
    """Return the latest gauges, and counters as totals over everything kept."""
    return ws.cached("exposition", str, lambda: _expose(ws), fresh_s=10, stale_s=60)


def _expose(ws: Workspace) -> str:
    now = ws.now_ms()
    rows: list[tuple[str, str, dict[str, str], float]] = []
    for name in GAUGES:
        for points in ws.metrics.latest(Selector(name), since_ms=now - 2 * HOUR_MS):
            labels = dict(points.series.labels) | {"tenant": ws.tenant}
            rows.append((name, "gauge", labels, float(points.values[-1])))
    window = Window(now - KEPT_DAYS * DAY_MS, now)
    for name in COUNTERS:
        rows += [(name, "counter", labels, value) for labels, value in _totals(ws, name, window)]
    return write_exposition(rows)


def _totals(ws: Workspace, name: str, window: Window) -> list[tuple[dict[str, str], float]]:
    selector = parse_selector(name)
    found = ws.metrics.window(selector, window.start_ms, window.end_ms, DAY_MS, over_time="sum")
    totals = []
    for points in found:
        known = points.values[points.values == points.values]
        totals.append((dict(points.series.labels) | {"tenant": ws.tenant}, float(known.sum())))
    return totals
