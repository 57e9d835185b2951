"""Metrics on one grid of steps: what comparisons between them, and with their own past, read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import Aggregate
from services.errors import Malformed
from services.identity import permitted
from services.series import metric_names, read_points, unit_of
from services.times import DAY_MS, HOUR_MS, MINUTE_MS, Window
from services.workspace import Workspace

MAX_SERIES = 60
MAX_STEPS = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Series on one grid; `values` has a row a step and a column a series, NaN where unknown."""

    window: Window
    step_ms: int
    starts_ms: NDArray[np.int64]
    names: list[str]
    labels: list[dict[str, str]]
    units: list[str]
    values: NDArray[np.float64]
    left_out: int  # series beyond the limit

    @property
    def season(self) -> int | None:
        """Steps a day, None where a step is a day or does not divide one."""
        return DAY_MS // self.step_ms if self.step_ms < DAY_MS else None


@permitted("metrics:read")
def read_aligned(
    ws: Workspace, metrics: list[str], window: Window, step_ms: int, *, by: tuple[str, ...] = ()
) -> Aligned:
    """Return metrics (all that are stored, when none is named) over a window, step by step.

    Increments of the hub's own counters are summed and a minute without them is zero; counters of
    others are turned into increases; everything else is averaged.
    """
    steps = window.length_ms // step_ms
    if not 1 <= steps <= MAX_STEPS:
        raise Malformed(f"a window of {steps} steps: choose one of 1 to {MAX_STEPS}")
    whole = Window(-(-window.start_ms // step_ms) * step_ms, window.end_ms // step_ms * step_ms)
    grid = np.arange(whole.start_ms, whole.end_ms, step_ms, dtype=np.int64)
    chosen = metrics or [name for name in metric_names(ws) if not name.endswith("_sum")]
    names: list[str] = []
    labels: list[dict[str, str]] = []
    columns: list[NDArray[np.float64]] = []
    left_out = 0
    for text in chosen:
        for points in read_points(ws, text, whole, step_ms, agg=aggregate_of(ws, text), by=by):
            if len(columns) == MAX_SERIES:
                left_out += 1
                continue
            names.append(text)
            labels.append(dict(points.series.labels))
            columns.append(_placed(grid, points.timestamps_ms, points.values, text))
    table = np.column_stack(columns) if columns else np.empty((len(grid), 0))
    units = [unit_of(_bare(name)) for name in names]
    return Aligned(whole, step_ms, grid, names, labels, units, table, left_out)


def choose_step(window: Window) -> int:
    """Return a step that gives a few hundred steps and divides a day.

    >>> choose_step(Window(0, DAY_MS)) // MINUTE_MS, choose_step(Window(0, 14 * DAY_MS)) // HOUR_MS
    (5, 1)
    """
    for step in (MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS):
        if window.length_ms / step <= 400:
            return step
    return DAY_MS


@permitted("metrics:read")
def aggregate_of(ws: Workspace, metric: str) -> Aggregate:
    """Return how samples of a metric become one value a step; of a histogram, its slow end."""
    return "p95" if f"{_bare(metric)}_bucket" in ws.metrics.names() else plain_aggregate(metric)


def plain_aggregate(metric: str) -> Aggregate:
    """Return how samples of a metric that is no histogram become one value a step.

    >>> plain_aggregate("aiobs_inferences_total"), plain_aggregate('http_requests_total{job="a"}')
    ('sum', 'increase')
    """
    name = _bare(metric)
    if name.startswith("aiobs_") and name.endswith(("_total", "_count")):
        return "sum"
    return "increase" if name.endswith(("_total", "_count")) else "avg"


def _bare(metric: str) -> str:
    return metric.split("{", 1)[0].strip()


def _placed(
    grid: NDArray[np.int64], times: NDArray[np.int64], values: NDArray[np.float64], metric: str
) -> NDArray[np.float64]:
    placed = np.full(len(grid), np.nan)
    at = np.searchsorted(grid, times)
    inside = (at < len(grid)) & (grid[np.minimum(at, len(grid) - 1)] == times)
    placed[at[inside]] = values[inside]
    if plain_aggregate(metric) == "sum":
        # Before the first sample nothing is known; after it, no sample means no request.
        first = int(np.isfinite(placed).argmax())
        placed[first:] = np.nan_to_num(placed[first:])
    return placed
