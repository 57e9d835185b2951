"""Traffic of models: requests, errors, latency, tokens and cost over a window, from the rollups."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols import SeriesPoints
from connectors.selector import Selector, select
from services.identity import permitted
from services.rollups import LATENCY_BOUNDS_S
from services.series import step_for
from services.times import DAY_MS, MINUTE_MS, Window
from services.workspace import Workspace

LATENCY = "aiobs_inference_latency_seconds"


class Traffic(msgspec.Struct, frozen=True):
    """What passed in a window. Rates are None without requests; latency without measurements."""

    window: Window
    requests: int
    errors: int
    requests_per_s: float
    error_rate: float | None
    latency_ms: dict[str, float] | None  # p50, p95, p99
    input_tokens: int
    output_tokens: int
    cost: dict[str, float]  # per currency
    energy_kwh: float | None

    @classmethod
    def none(cls, window: Window) -> Traffic:
        """Return the traffic of a window in which nothing was watched."""
        return cls(window, 0, 0, 0.0, None, None, 0, 0, {}, None)


class TrafficSeries(msgspec.Struct, frozen=True):
    """The same over time, one value a step; NaN where nothing is known."""

    window: Window
    step_ms: int
    timestamps_ms: NDArray[np.int64]
    requests: NDArray[np.float64]
    errors: NDArray[np.float64]
    latency_ms: dict[str, NDArray[np.float64]]  # p50, p95, p99


@permitted("metrics:read")
def get_traffic(
    ws: Workspace, window: Window, *, model_id: str | None = None, version: str | None = None
) -> Traffic:
    """Return totals and percentiles of one model, or of the whole fleet."""
    labels = _labels(model_id, version)
    requests = _total(ws, "aiobs_inferences_total", labels, window)
    errors = _total(ws, "aiobs_inference_errors_total", labels, window)
    buckets = _bucket_counts(ws, labels, window, _total_step(window))
    energy = _sum_series(ws, "aiobs_energy_kwh_total", labels, window)
    return Traffic(
        window=window,
        requests=int(requests),
        errors=int(errors),
        requests_per_s=requests / (window.length_ms / 1_000),
        error_rate=errors / requests if requests else None,
        latency_ms=buckets.percentiles() if buckets is not None else None,
        input_tokens=int(_total(ws, "aiobs_tokens_total", labels | {"direction": "input"}, window)),
        output_tokens=int(
            _total(ws, "aiobs_tokens_total", labels | {"direction": "output"}, window)
        ),
        cost=_by_label(ws, "aiobs_cost_total", labels, window, "currency"),
        energy_kwh=_nansum(energy[0].values) if energy else None,
    )


@permitted("metrics:read")
def get_traffic_series(
    ws: Workspace,
    window: Window,
    step_ms: int,
    *,
    model_id: str | None = None,
    version: str | None = None,
) -> TrafficSeries:
    """Return requests, errors and latency percentiles per step."""
    labels = _labels(model_id, version)
    requests = _per_step(ws, "aiobs_inferences_total", labels, window, step_ms)
    errors = _per_step(ws, "aiobs_inference_errors_total", labels, window, step_ms)
    buckets = _bucket_counts(ws, labels, window, step_ms)
    grid = requests[0]
    latency = {
        name: _on_grid(grid, buckets.timestamps_ms, buckets.percentile(q))
        if buckets is not None
        else np.full(len(grid), np.nan)
        for name, q in PERCENTILES.items()
    }
    return TrafficSeries(window, step_ms, grid, requests[1], errors[1], latency)


PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class _Buckets:
    timestamps_ms: NDArray[np.int64]
    counts: NDArray[np.float64]  # (steps, bounds + 1)

    def percentile(self, q: float) -> NDArray[np.float64]:
        """Return milliseconds a step: linear inside the bucket that holds the quantile."""
        totals = self.counts.sum(axis=1)
        cumulative = self.counts.cumsum(axis=1)
        target = q * totals
        at = (cumulative < target[:, None]).sum(axis=1)
        at = np.minimum(at, len(LATENCY_BOUNDS_S))
        upper = np.array([*LATENCY_BOUNDS_S, LATENCY_BOUNDS_S[-1]])[at]
        lower = np.array([0.0, *LATENCY_BOUNDS_S])[at]
        rows = np.arange(len(at))
        inside = self.counts[rows, at]
        before = cumulative[rows, at] - inside
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(inside > 0, (target - before) / inside, 0.0)
        value = (lower + (upper - lower) * np.clip(share, 0, 1)) * 1_000
        return np.where(totals > 0, value, np.nan)

    def percentiles(self) -> dict[str, float] | None:
        """Return the percentiles of all steps together, None without measurements."""
        together = _Buckets(self.timestamps_ms[:1], self.counts.sum(axis=0, keepdims=True))
        if not together.counts.any():
            return None
        return {name: float(together.percentile(q)[0]) for name, q in PERCENTILES.items()}


def _labels(model_id: str | None, version: str | None) -> dict[str, str]:
    chosen = {"model_id": model_id, "version": version}
    return {name: value for name, value in chosen.items() if value is not None}


def _sum_series(
    ws: Workspace, name: str, labels: dict[str, str], window: Window, by: tuple[str, ...] = ()
) -> list[SeriesPoints]:
    return _grid(ws, select(name, labels), window, _total_step(window), by)


def _total_step(window: Window) -> int:
    """Return the step of a total: the store widens a window to whole steps, so it must be short."""
    return MINUTE_MS if window.length_ms <= 2 * DAY_MS else step_for(window)


def _grid(
    ws: Workspace, selector: Selector, window: Window, step_ms: int, by: tuple[str, ...] = ()
) -> list[SeriesPoints]:
    return ws.metrics.window(
        selector, window.start_ms, window.end_ms, step_ms, over_time="sum", across="sum", by=by
    )


def _nansum(values: NDArray[np.float64]) -> float:
    return float(np.nansum(values)) if len(values) else 0.0


def _total(ws: Workspace, name: str, labels: dict[str, str], window: Window) -> float:
    return sum(_nansum(points.values) for points in _sum_series(ws, name, labels, window))


def _by_label(
    ws: Workspace, name: str, labels: dict[str, str], window: Window, label: str
) -> dict[str, float]:
    found = _sum_series(ws, name, labels, window, by=(label,))
    return {points.series.label(label): _nansum(points.values) for points in found}


def _per_step(
    ws: Workspace, name: str, labels: dict[str, str], window: Window, step_ms: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    start = window.start_ms // step_ms * step_ms
    grid = np.arange(start, window.end_ms, step_ms, dtype=np.int64)
    found = _grid(ws, select(name, labels), window, step_ms)
    if not found:
        return grid, np.zeros(len(grid))
    values = _on_grid(grid, found[0].timestamps_ms, found[0].values)
    return grid, np.nan_to_num(values)


def _on_grid(
    grid: NDArray[np.int64], times: NDArray[np.int64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    placed = np.full(len(grid), np.nan)
    if len(grid) == 0 or len(times) == 0:
        return placed
    at = np.searchsorted(grid, times)
    valid = (at < len(grid)) & (grid[np.minimum(at, len(grid) - 1)] == times)
    placed[at[valid]] = values[valid]
    return placed


def _bucket_counts(
    ws: Workspace, labels: dict[str, str], window: Window, step_ms: int
) -> _Buckets | None:
    found = _grid(ws, select(f"{LATENCY}_bucket", labels), window, step_ms, by=("le",))
    if not found:
        return None
    times = np.unique(np.concatenate([points.timestamps_ms for points in found]))
    counts = np.zeros((len(times), len(LATENCY_BOUNDS_S) + 1))
    column_of = {f"{bound:g}": k for k, bound in enumerate(LATENCY_BOUNDS_S)}
    column_of["+Inf"] = len(LATENCY_BOUNDS_S)
    for points in found:
        column = column_of.get(points.series.label("le"))
        if column is not None:
            rows = np.searchsorted(times, points.timestamps_ms)
            counts[rows, column] += np.nan_to_num(points.values)
    return _Buckets(times, counts)
