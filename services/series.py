"""Any stored metric over time: what charts and ``/api/metrics/timeseries`` read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec
import numpy as np

from connectors.errors import Refused
from connectors.protocols import Aggregate, SeriesPoints
from connectors.selector import Selector, parse_selector
from services.errors import Malformed
from services.histograms import read_histogram, with_histograms
from services.identity import permitted
from services.times import DAY_MS, HOUR_MS, MINUTE_MS, Window, to_rfc3339
from services.workspace import Workspace

T = TypeVar("T")

Granularity = Literal["raw", "minute", "hour", "day"]
STEPS_MS: dict[str, int] = {"minute": MINUTE_MS, "hour": HOUR_MS, "day": DAY_MS}
MAX_METRICS = 20
MAX_POINTS = 50_000
FRESH_S, STALE_S = 60.0, 60.0
"""How long the whole steps of a window are kept, late samples or not; and for how long more they
are shown while they are read again beside the reader."""
_UNITS = (
    ("_seconds", "s"),
    ("_ms", "ms"),
    ("_bytes", "By"),
    ("_kwh_total", "kWh"),
    ("_grams_total", "g"),
    ("_ratio", "1"),
    ("_score", "1"),
    ("_total", "1"),
)


class Point(msgspec.Struct, frozen=True):
    """One value at one time; null where a bucket held nothing."""

    timestamp: str
    value: float | None


class MetricSeries(msgspec.Struct, frozen=True):
    """One metric (or one group of it) over time."""

    metric_name: str
    unit: str
    labels: dict[str, str]
    points: list[Point]


@permitted("metrics:read")
def read_series(
    ws: Workspace,
    metrics: list[str],
    window: Window,
    *,
    granularity: Granularity = "minute",
    agg: Aggregate = "avg",
    by: tuple[str, ...] = (),
) -> list[MetricSeries]:
    """Return each metric over the window; several series of a selector are joined by `agg`."""
    if not 1 <= len(metrics) <= MAX_METRICS:
        raise Malformed(f"ask for 1 to {MAX_METRICS} metrics, got {len(metrics)}")
    if granularity != "raw" and window.length_ms / STEPS_MS[granularity] > MAX_POINTS:
        raise Malformed(f"more than {MAX_POINTS} points: choose a coarser granularity")
    return [
        found
        for text in metrics
        for found in _read_one(ws, text, window, granularity=granularity, agg=agg, by=by)
    ]


@permitted("metrics:read")
def read_points(
    ws: Workspace,
    metric: str,
    window: Window,
    step_ms: int,
    *,
    agg: Aggregate = "avg",
    by: tuple[str, ...] = (),
) -> list[SeriesPoints]:
    """Return arrays for charts: the same as `read_series`, unformatted, at any step."""
    return _window(ws, selector_of(metric), window, step_ms, agg, by)


@permitted("metrics:read")
def metric_names(ws: Workspace) -> list[str]:
    """Return the names of all stored metrics; one name stands for the parts of a histogram."""
    return with_histograms(ws.metrics.names())


@permitted("metrics:read")
def kept_steps(
    ws: Workspace,
    name: str,
    kind: type[T],
    windows: tuple[Window, ...],
    step_ms: int,
    compute: Callable[[], T],
) -> T:
    """Return what `compute` makes of the whole steps of windows, made again when a step ends.

    Windows keep their place as they move: the next reader gets what was made for the step before,
    while one computation follows beside the readers.
    """
    now = ws.now_ms()
    places = [one.seen_from(now) for one in windows]
    fresh_s = min(FRESH_S, (step_ms - now % step_ms) / 1_000)
    return ws.cached(
        f"{name}/{step_ms}/{places}", kind, compute,
        fresh_s=fresh_s, stale_s=STALE_S,
    )  # fmt: skip


def _read_one(
    ws: Workspace,
    text: str,
    window: Window,
    *,
    granularity: Granularity,
    agg: Aggregate,
    by: tuple[str, ...],
) -> list[MetricSeries]:
    selector = selector_of(text)
    if granularity == "raw":
        found = ws.metrics.raw(selector, window.start_ms, window.end_ms, limit=MAX_POINTS)
    else:
        found = _window(ws, selector, window, STEPS_MS[granularity], agg, by)
    if not found:
        return [MetricSeries(text, unit_of(selector.name or ""), {}, [])]
    return [_formatted(text, selector, points) for points in found]


def _window(
    ws: Workspace,
    selector: Selector,
    window: Window,
    step_ms: int,
    agg: Aggregate,
    by: tuple[str, ...],
) -> list[SeriesPoints]:
    across: Aggregate = "sum" if agg in ("count", "increase", "rate") else agg
    found = ws.metrics.window(
        selector, window.start_ms, window.end_ms, step_ms, over_time=agg, across=across, by=by
    )
    return found or read_histogram(ws, selector, window, step_ms, agg, by)


def selector_of(text: str) -> Selector:
    """Return the selector that a text writes, or raise `Malformed` with the place of the fault."""
    try:
        return parse_selector(text)
    except Refused as error:
        raise Malformed(str(error)) from error


def _formatted(text: str, selector: Selector, points: SeriesPoints) -> MetricSeries:
    values = [
        Point(to_rfc3339(int(t)), float(v) if np.isfinite(v) else None)
        for t, v in zip(points.timestamps_ms, points.values, strict=True)
    ]
    name = points.series.name or selector.name or text
    return MetricSeries(text, unit_of(name), dict(points.series.labels), values)


def unit_of(name: str) -> str:
    """Return the unit that a metric's name states, in UCUM; "1" for counts and shares.

    >>> unit_of("aiobs_inference_latency_seconds")
    's'
    """
    return next((unit for suffix, unit in _UNITS if name.endswith(suffix)), "")


def step_for(window: Window, points: int = 240) -> int:
    """Return a step that gives about this many points: a whole number of minutes."""
    raw = window.length_ms / points
    for step in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440):
        if step * MINUTE_MS >= raw:
            return step * MINUTE_MS
    return DAY_MS
