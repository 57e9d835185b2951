"""What objectives count: good and all events, or good slices of time, from stored series."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols import Aggregate
from connectors.selector import Selector, parse_selector, select
from connectors.telemetry import MetricBatch, Series
from engines.slo import Counts, without
from services.identity import permitted
from services.rollups import LATENCY_BOUNDS_S
from services.times import DAY_MS, HOUR_MS, MINUTE_MS, Window
from services.workspace import Workspace

Kind = Literal[
    "availability", "latency", "trust", "grounding", "drift", "cost_per_request", "metric"
]
SLICE_MS = 5 * MINUTE_MS
"""A slice of time is good or bad as a whole: scores are renewed about once a minute."""
FINE_MS, COARSE_MS = MINUTE_MS, 30 * MINUTE_MS
RECENT_MS = 6 * HOUR_MS
"""Windows up to six hours are counted by the minute, longer ones by the half hour."""
CALLS, FAILED = "aiobs_service_calls_total", "aiobs_service_errors_total"
_CURSOR = "service_calls"
_LATE_MS = 15 * MINUTE_MS
_FIRST_MS = 30 * DAY_MS
_DEEP_EVERY_MS = 10 * MINUTE_MS
_SCORES = {
    "trust": ("aiobs_trust_score", {"bound": ""}),
    "grounding": ("aiobs_grounding_score", {}),
    "drift": ("aiobs_drift_score", {"kind": "data"}),
}
IS_BETTER_BELOW: frozenset[str] = frozenset({"latency", "drift", "cost_per_request"})


class Indicator(msgspec.Struct, frozen=True):
    """What makes an event or a slice of time good.

    `threshold`: milliseconds for latency, a score from 0 to 1 for trust, grounding and drift, an
    amount for cost per request, any number for a metric. `metric` is a selector such as
    ``queue_depth{queue="a"}``; it is good on the side `good_when` of the threshold.
    """

    kind: Kind
    threshold: float | None = None
    metric: str = ""
    good_when: Literal["above", "below"] = "above"


@dataclass(frozen=True, slots=True)
class Ledger:
    """Good and all events a step, recent ones finely."""

    end_ms: int
    recent_ms: NDArray[np.int64]
    recent: NDArray[np.float64]  # (steps, 2): good, total
    past_ms: NDArray[np.int64]
    past: NDArray[np.float64]

    def count(self, seconds: int) -> Counts:
        """Return the counts of the last seconds."""
        start = self.end_ms - seconds * 1_000
        if seconds * 1_000 <= RECENT_MS:
            return _counts(self.recent[self.recent_ms >= start])
        return _counts(self.past[self.past_ms >= start])

    def whole(self) -> Counts:
        """Return the counts of the period."""
        return _counts(self.past)


def _counts(rows: NDArray[np.float64]) -> Counts:
    good, total = rows.sum(axis=0) if len(rows) else (0.0, 0.0)
    return Counts(float(good), float(total))


def latency_bound_ms(threshold_ms: float) -> float | None:
    """Return the histogram's bound that is counted: the nearest by ratio; None outside of all.

    >>> latency_bound_ms(250.0)
    256.0
    """
    bounds = [bound * 1_000 for bound in LATENCY_BOUNDS_S]
    if not bounds[0] <= threshold_ms <= bounds[-1]:
        return None
    nearest: float = min(bounds, key=lambda bound: abs(math.log(bound / threshold_ms)))
    return round(nearest, 3)


def read_ledger(
    ws: Workspace,
    subject: dict[str, str],
    indicator: Indicator,
    period: Window,
    excluded: list[tuple[int, int]],
) -> Ledger:
    """Return what an objective counts over its period; excluded time is left out."""
    end = min(period.end_ms, ws.now_ms())
    recent = Window(max(period.start_ms, end - RECENT_MS), end)
    fine = FINE_MS if indicator.kind in ("availability", "latency") else SLICE_MS
    parts = [
        _without(*_read(ws, subject, indicator, window, step), step, excluded)
        for window, step in ((recent, fine), (Window(period.start_ms, end), COARSE_MS))
    ]
    return Ledger(end, *parts[0], *parts[1])


def _without(
    times: NDArray[np.int64], rows: NDArray[np.float64], step: int, excluded: list[tuple[int, int]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Keep steps that lie outside of the exclusions for their greater part."""
    if not excluded or not len(times):
        return times, rows
    open_ms = np.array([sum(b - a for a, b in without((t, t + step), excluded)) for t in times])
    kept = open_ms > step / 2
    return times[kept], rows[kept]


def _read(
    ws: Workspace, subject: dict[str, str], indicator: Indicator, window: Window, step: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    if indicator.kind == "availability":
        names = (CALLS, FAILED) if "service" in subject else _INFERENCES
        total, failed = (_sums(ws, select(n, subject), window, step) for n in names)
        return _joined({at: n - failed.get(at, 0.0) for at, n in total.items()}, total)
    if indicator.kind == "latency":
        return _latency(ws, subject, indicator.threshold or 0.0, window, step)
    return _slices(ws, subject, indicator, window, step)


_INFERENCES = ("aiobs_inferences_total", "aiobs_inference_errors_total")
Steps = dict[int, float]


def _sums(
    ws: Workspace, selector: Selector, window: Window, step: int, over_time: Aggregate = "sum"
) -> Steps:
    across: Aggregate = "sum" if over_time == "sum" else "avg"
    found = ws.metrics.window(
        selector, window.start_ms, window.end_ms, step, over_time=over_time, across=across
    )
    if not found:
        return {}
    known = np.isfinite(found[0].values)
    times, values = found[0].timestamps_ms[known], found[0].values[known]
    return dict(zip(times.tolist(), values.tolist(), strict=True))


def _joined(good: Steps, total: Steps) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return steps in order, and (good, total) of each."""
    times = sorted(total)
    rows = np.array([(good.get(at, 0.0), total[at]) for at in times]).reshape(-1, 2)
    return np.array(times, dtype=np.int64), rows


def _latency(
    ws: Workspace, subject: dict[str, str], threshold_ms: float, window: Window, step: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    found = ws.metrics.window(
        select("aiobs_inference_latency_seconds_bucket", subject), window.start_ms, window.end_ms,
        step, over_time="sum", across="sum", by=("le",),
    )  # fmt: skip
    bound = (latency_bound_ms(threshold_ms) or 0.0) / 1_000
    total: Steps = {}
    good: Steps = {}
    for points in found:
        le = points.series.label("le")
        is_good = le != "+Inf" and float(le) <= bound * (1 + 1e-9)
        for at, value in zip(points.timestamps_ms.tolist(), points.values.tolist(), strict=True):
            if np.isfinite(value):
                total[at] = total.get(at, 0.0) + value
                good[at] = good.get(at, 0.0) + (value if is_good else 0.0)
    return _joined(good, total)


def _slices(
    ws: Workspace, subject: dict[str, str], indicator: Indicator, window: Window, step: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Judge slices of five minutes, then sum them to the step that was asked for."""
    values = _slice_values(ws, subject, indicator, window)
    below = (
        indicator.good_when == "below"
        if indicator.kind == "metric"
        else indicator.kind in IS_BETTER_BELOW
    )
    limit = indicator.threshold or 0.0
    good: Steps = {}
    total: Steps = {}
    for at, value in values.items():
        bucket = at // step * step
        total[bucket] = total.get(bucket, 0.0) + 1.0
        is_good = value <= limit if below else value >= limit
        good[bucket] = good.get(bucket, 0.0) + float(is_good)
    return _joined(good, total)


def _slice_values(
    ws: Workspace, subject: dict[str, str], indicator: Indicator, window: Window
) -> Steps:
    if indicator.kind == "metric":
        return _sums(ws, parse_selector(indicator.metric), window, SLICE_MS, "avg")
    if indicator.kind == "cost_per_request":
        cost = _sums(ws, select("aiobs_cost_total", subject), window, SLICE_MS)
        requests = _sums(ws, select(_INFERENCES[0], subject), window, SLICE_MS)
        return {at: cost.get(at, 0.0) / n for at, n in requests.items() if n > 0}
    name, labels = _SCORES[indicator.kind]
    return _sums(ws, select(name, labels | subject), window, SLICE_MS, "avg")


@permitted("ingest:write")
def track_services(ws: Workspace) -> int:
    """Turn the calls seen in spans into series a minute; how many minutes were written.

    Spans arrive late, and back-fills later still: the last quarter of an hour is written anew each
    time, the last day every ten minutes.
    """
    now = ws.now_ms()
    record = ws.records.get(_CURSOR, "spans")
    until, deep = (record.body["until_ms"], record.body.get("deep_ms", 0)) if record else (0, 0)
    is_deep = now - deep >= _DEEP_EVERY_MS
    start = max(min(until - _LATE_MS, now - DAY_MS if is_deep else now), now - _FIRST_MS)
    batch = _calls_of(ws, start // MINUTE_MS * MINUTE_MS, now)
    if len(batch.values):
        ws.metrics.append(batch)
    ws.records.put(_CURSOR, "spans", {"until_ms": now, "deep_ms": now if is_deep else deep})
    return len(batch.values) // 2


def _calls_of(ws: Workspace, start_ms: int, end_ms: int) -> MetricBatch:
    sums: dict[tuple[str, str, int], float] = {}
    for edge in ws.events.service_edges(start_ms, end_ms):
        for name, values in ((CALLS, edge.calls), (FAILED, edge.errors)):
            for at, value in zip(edge.minute_ms.tolist(), values.tolist(), strict=True):
                key = (name, edge.callee, at)
                sums[key] = sums.get(key, 0.0) + value
    names = sorted({key[:2] for key in sums})
    index = {name: i for i, name in enumerate(names)}
    return MetricBatch(
        [Series(name, {"service": service}) for name, service in names],
        np.array([index[key[:2]] for key in sums], dtype=np.int32),
        np.array([key[2] for key in sums], dtype=np.int64),
        np.array(list(sums.values()), dtype=np.float64),
    )
