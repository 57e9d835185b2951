"""Traffic of models: requests, errors, latency, tokens and cost over a window, from the rollups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols import SeriesPoints
from connectors.selector import select
from services.fleet_sums import fleet_name
from services.histograms import percentiles
from services.identity import permitted
from services.rollups import LATENCY_BOUNDS_S
from services.sums import read_totals
from services.times import Window
from services.workspace import Workspace

LATENCY = "aiobs_inference_latency_seconds"


class RequestStats(msgspec.Struct, frozen=True):
    """Rate, errors and duration of a window's requests. Rates are None without requests; latency
    without measurements."""

    window: Window
    requests: int
    errors: int
    requests_per_s: float
    error_rate: float | None
    latency_ms: dict[str, float] | None  # p50, p95, p99

    @property
    def latency_p95_ms(self) -> float | None:
        """The time within which 95 % were answered."""
        return self.latency_ms["p95"] if self.latency_ms else None

    @classmethod
    def none(cls, window: Window) -> Self:
        """Return what a window holds in which nothing was watched."""
        return cls(window, 0, 0, 0.0, None, None)


class Traffic(RequestStats, frozen=True):
    """What passed in a window, with what it used."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: dict[str, float] = {}  # per currency
    energy_kwh: float | None = None


class TrafficSeries(msgspec.Struct, frozen=True):
    """The same over time, one value a step; NaN where nothing is known."""

    window: Window
    step_ms: int
    timestamps_ms: NDArray[np.int64]
    requests: NDArray[np.float64]
    errors: NDArray[np.float64]
    latency_ms: dict[str, NDArray[np.float64]]  # p50, p95, p99


@permitted("metrics:read")
def get_request_stats(
    ws: Workspace, window: Window, *, model_id: str | None = None, version: str | None = None
) -> RequestStats:
    """Return rate, errors and latency of one model, or of the whole fleet."""
    labels = _labels(model_id, version)

    def read(name: str, *more: str) -> _Totals:
        return read_totals(ws, name, window, more, labels=labels)

    return _read_requests(read, window, by=()).get("", RequestStats.none(window))


@permitted("metrics:read")
def get_traffic_by_model(
    ws: Workspace, window: Window, models: Sequence[str] | None = None
) -> dict[str, Traffic]:
    """Return the same with what was used, for each model that sent anything, in one read a metric;
    None means all."""
    by = ("model_id",)

    def read(name: str, *more: str) -> _Totals:
        return read_totals(ws, name, window, (*by, *more), models=models)

    tokens = _split(read("aiobs_tokens_total", "direction"), by)
    cost = _split(read("aiobs_cost_total", "currency"), by)
    energy = read("aiobs_energy_kwh_total")
    made = {}
    for name, stats in _read_requests(read, window, by).items():
        used = tokens.get(name, {})
        made[name] = Traffic(
            **msgspec.structs.asdict(stats),
            input_tokens=int(used.get("input", 0.0)),
            output_tokens=int(used.get("output", 0.0)),
            cost=cost.get(name, {}),
            energy_kwh=energy.get((name,)),
        )
    return made


_Totals = dict[tuple[str, ...], float]


def _read_requests(
    read: Callable[..., _Totals], window: Window, by: tuple[str, ...]
) -> dict[str, RequestStats]:
    """Return requests by the first label of `by`, or all of them under ""."""
    errors = read("aiobs_inference_errors_total")
    buckets = _split(read(f"{LATENCY}_bucket", "le"), by)
    made = {}
    for key, sent in read("aiobs_inferences_total").items():
        name = key[0] if by else ""
        failed = errors.get(key, 0.0)
        made[name] = RequestStats(
            window=window,
            requests=int(sent),
            errors=int(failed),
            requests_per_s=sent / (window.length_ms / 1_000),
            error_rate=failed / sent if sent else None,
            latency_ms=_percentiles(buckets.get(name, {})),
        )
    return made


def _split(found: _Totals, by: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Return totals by the first label of `by`, then by the last label."""
    parts: dict[str, dict[str, float]] = {}
    for key, value in found.items():
        parts.setdefault(key[0] if by else "", {})[key[-1]] = value
    return parts


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
_COLUMN_OF = {f"{bound:g}": k for k, bound in enumerate(LATENCY_BOUNDS_S)} | {
    "+Inf": len(LATENCY_BOUNDS_S)
}


@dataclass(frozen=True, slots=True)
class _Buckets:
    timestamps_ms: NDArray[np.int64]
    counts: NDArray[np.float64]  # (steps, bounds + 1)

    def percentile(self, q: float) -> NDArray[np.float64]:
        """Return milliseconds a step: linear inside the bucket that holds the quantile."""
        bounds = np.array([*LATENCY_BOUNDS_S, np.inf])
        return percentiles(q, bounds, self.counts.cumsum(axis=1)) * 1_000


def _percentiles(counts: dict[str, float]) -> dict[str, float] | None:
    """Return the percentiles of counts by upper bound, None without measurements."""
    row = np.zeros((1, len(LATENCY_BOUNDS_S) + 1))
    for bound, count in counts.items():
        if bound in _COLUMN_OF:
            row[0, _COLUMN_OF[bound]] += count
    if not row.any():
        return None
    together = _Buckets(np.zeros(1, dtype=np.int64), row)
    return {name: float(together.percentile(q)[0]) for name, q in PERCENTILES.items()}


def _labels(model_id: str | None, version: str | None) -> dict[str, str]:
    chosen = {"model_id": model_id, "version": version}
    return {name: value for name, value in chosen.items() if value is not None}


def _grid(
    ws: Workspace,
    name: str,
    labels: dict[str, str],
    window: Window,
    step_ms: int,
    by: tuple[str, ...] = (),
) -> list[SeriesPoints]:
    selector = select(name if labels else fleet_name(name), labels)
    return ws.metrics.window(
        selector, window.start_ms, window.end_ms, step_ms, over_time="sum", across="sum", by=by
    )


def _per_step(
    ws: Workspace, name: str, labels: dict[str, str], window: Window, step_ms: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    start = window.start_ms // step_ms * step_ms
    grid = np.arange(start, window.end_ms, step_ms, dtype=np.int64)
    found = _grid(ws, name, labels, window, step_ms)
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
    found = _grid(ws, f"{LATENCY}_bucket", labels, window, step_ms, by=("le",))
    if not found:
        return None
    times = np.unique(np.concatenate([points.timestamps_ms for points in found]))
    counts = np.zeros((len(times), len(LATENCY_BOUNDS_S) + 1))
    for points in found:
        column = _COLUMN_OF.get(points.series.label("le"))
        if column is not None:
            rows = np.searchsorted(times, points.timestamps_ms)
            counts[rows, column] += np.nan_to_num(points.values)
    return _Buckets(times, counts)
