"""Moments at which a metric was not what its own level, time of day and noise foretell."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from engines import series as engine
from engines.result import Insufficient
from engines.sentence import say
from engines.series.result import Floats
from services.aligned import MAX_STEPS, Aligned, choose_step, read_aligned
from services.computed import attempt
from services.identity import permitted
from services.times import DAY_MS, Window
from services.workspace import Workspace

METHOD = say(
    "methods.anomalies",
    "seasonal and rolling medians, Student t noise, Bonferroni over steps and series",
)
ALPHA = 0.05
LEAST_SHARE = 0.05
"""A metric that strays by less than a twentieth of what was expected is nobody's business."""
FAILED_OF = {
    "aiobs_inference_errors_total": "aiobs_inferences_total",
    "aiobs_fleet_inference_errors_total": "aiobs_fleet_inferences_total",
    "aiobs_service_errors_total": "aiobs_service_calls_total",
}
"""Counts that are a part of another count: as many more of it are expected as there are of that."""
LEARNING = 3
"""Windows of past, at least, from which the expectation is learnt; at least a week of it."""


class MetricAnomaly(msgspec.Struct, frozen=True):
    """A run of steps outside of what was expected; value and expected are those at the peak."""

    start_ms: int
    end_ms: int
    peak_ms: int
    side: Literal["above", "below"]
    value: float
    expected: float
    score: float  # robust standard deviations
    p_value: float


class WatchedSeries(msgspec.Struct, frozen=True):
    """One series with its anomalies in the window, or why it cannot be judged."""

    metric_name: str
    labels: dict[str, str]
    unit: str
    n: int
    season_ms: int | None
    transform: str
    limit: float | None  # robust standard deviations
    anomalies: list[MetricAnomaly]
    insufficient: Insufficient | None


class Expectation(msgspec.Struct, frozen=True):
    """What one series was and should have been, step by step; null where unknown."""

    timestamps_ms: list[int]
    values: list[float | None]
    expected: list[float | None]
    low: list[float | None]
    high: list[float | None]


class AnomaliesAnswer(msgspec.Struct, frozen=True):
    """Every series asked for, the one farthest from expected first."""

    computed_at_ms: int
    window: Window
    learnt_from: Window
    step_ms: int
    method: str
    alpha: float
    series: list[WatchedSeries]
    expectations: list[Expectation]  # in the order of `series`; empty unless asked for
    series_left_out: int


@permitted("metrics:read")
def find_metric_anomalies(
    ws: Workspace,
    metrics: list[str],
    window: Window,
    *,
    step_ms: int | None = None,
    by: tuple[str, ...] = (),
    with_expectations: bool = False,
) -> AnomaliesAnswer:
    """Return the anomalies of metrics in a window, learnt from a week or more up to its end.

    `ALPHA` is the chance of one or more false anomalies over all series together. A window up to
    now is computed anew each minute for whoever looks next; what was found before shows meanwhile.
    """
    past = max(LEARNING * window.length_ms, 7 * DAY_MS)
    step = step_ms or max(choose_step(window), choose_step(Window(0, past // 2)))
    past = max(window.length_ms, min(past, MAX_STEPS * step))
    learnt = Window(window.end_ms - past, window.end_ms)
    key = f"anomalies/{window.seen_from(ws.now_ms())}/{step}/{sorted(metrics)}/{by}"
    return ws.cached(
        f"{key}/{with_expectations}",
        AnomaliesAnswer,
        lambda: _compute(ws, metrics, learnt, step, by, window, with_expectations),
        fresh_s=60, stale_s=600,
    )  # fmt: skip


def _compute(
    ws: Workspace,
    metrics: list[str],
    learnt: Window,
    step_ms: int,
    by: tuple[str, ...],
    window: Window,
    with_expectations: bool,
) -> AnomaliesAnswer:
    table = read_aligned(ws, metrics, learnt, step_ms, by=by)
    alpha = ALPHA / max(1, len(table.names))
    tried = _tried(ws, table, learnt, by)
    rows = [_watch(table, c, tried[c], window, alpha) for c in range(len(table.names))]
    rows.sort(key=lambda row: -max((abs(a.score) for a in row[0].anomalies), default=0.0))
    return AnomaliesAnswer(
        computed_at_ms=ws.now_ms(),
        window=window,
        learnt_from=table.window,
        step_ms=table.step_ms,
        method=METHOD,
        alpha=ALPHA,
        series=[row[0] for row in rows],
        expectations=[row[1] for row in rows] if with_expectations else [],
        series_left_out=table.left_out,
    )


def _tried(
    ws: Workspace, table: Aligned, learnt: Window, by: tuple[str, ...]
) -> list[Floats | None]:
    """Return what each column is a part of, where it is a part of something."""
    wholes = [_whole_of(name) for name in table.names]
    asked = sorted({whole for whole in wholes if whole})
    if not asked:
        return [None] * len(wholes)
    read = read_aligned(ws, asked, learnt, table.step_ms, by=by)
    columns = {
        (name, tuple(labels.items())): read.values[:, c]
        for c, (name, labels) in enumerate(zip(read.names, read.labels, strict=True))
    }
    return [
        columns.get((whole, tuple(labels.items()))) if whole else None
        for whole, labels in zip(wholes, table.labels, strict=True)
    ]


def _whole_of(metric: str) -> str | None:
    """Return the selector of what a metric is a part of, with the same conditions.

    >>> _whole_of('aiobs_inference_errors_total{model_id="a"}')
    'aiobs_inferences_total{model_id="a"}'
    """
    name, brace, conditions = metric.partition("{")
    whole = FAILED_OF.get(name.strip())
    return f"{whole}{brace}{conditions}" if whole else None


def _judge(
    values: Floats, tried: Floats | None, season: int | None, alpha: float
) -> engine.Anomalies:
    """Return the anomalies of a series; of events that are rare or a part of others by counting."""
    if tried is not None:
        return engine.find_count_anomalies(values, tried, alpha=alpha, least_share=LEAST_SHARE)
    try:
        return engine.find_anomalies(values, season=season, alpha=alpha, least_share=LEAST_SHARE)
    except engine.Flat:
        known = values[np.isfinite(values)]
        if (known < 0).any() or (known != np.round(known)).any():
            raise
        return engine.find_count_anomalies(values, alpha=alpha, least_share=LEAST_SHARE)


def _watch(
    table: Aligned, column: int, tried: Floats | None, window: Window, alpha: float
) -> tuple[WatchedSeries, Expectation]:
    values = table.values[:, column]
    found, lack = attempt(lambda: _judge(values, tried, table.season, alpha))
    starts, step = table.starts_ms, table.step_ms
    runs = [
        MetricAnomaly(
            int(starts[r.start]), int(starts[r.end - 1]) + step, int(starts[r.peak]), r.side,
            r.value, r.expected, r.score, r.p_value,
        )
        for r in (found.runs if found else ())
    ]  # fmt: skip
    watched = WatchedSeries(
        metric_name=table.names[column],
        labels=table.labels[column],
        unit=table.units[column],
        n=int(np.isfinite(values).sum()),
        season_ms=found.season * step if found and found.season else None,
        transform=found.transform if found else "",
        limit=found.limit if found else None,
        anomalies=[run for run in runs if run.end_ms > window.start_ms],
        insufficient=lack,
    )
    inside = starts >= window.start_ms
    nothing = np.full(len(values), np.nan)
    expected, low, high = (found.expected, found.low, found.high) if found else (nothing,) * 3
    lines = [_plain(line[inside]) for line in (values, expected, low, high)]
    return watched, Expectation(starts[inside].tolist(), *lines)


def _plain(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]
