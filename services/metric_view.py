"""One metric as a person explores it: found by words, cut by a label, its largest series first."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols import Aggregate, SeriesPoints
from connectors.selector import Selector, select
from services.aligned import aggregate_of
from services.errors import Malformed
from services.histograms import list_series
from services.identity import permitted
from services.series import kept_steps, metric_names, read_points, selector_of, unit_of
from services.times import DAY_MS, MINUTE_MS, Window
from services.workspace import Workspace

Aggregation = Aggregate
"""For pages: they do not import connectors."""
TOP = 8
MAX_SERIES = 10_000
MAX_STEPS = 2_000
EACH = "*"
"""In place of a label: every series by itself."""
_HUB = (
    "aiobs_inferences_total", "aiobs_inference_errors_total", "aiobs_inference_latency_seconds",
    "aiobs_tokens_total", "aiobs_cost_total", "aiobs_energy_kwh_total", "aiobs_trust_score",
    "aiobs_drift_score", "aiobs_hallucination_risk", "aiobs_grounding_score",
    "aiobs_reliability_score", "aiobs_degradation_rate",
)  # fmt: skip
_MINUTES = (1, 5, 15, 60, 360, 1_440)
_Floats = NDArray[np.float64]
_FOLDS: dict[str, Callable[..., Any]] = {  # a mean of means or of percentiles would be neither
    "sum": np.nansum, "count": np.nansum, "increase": np.nansum, "rate": np.nansum,
    "min": np.nanmin, "max": np.nanmax,
}  # fmt: skip


class MetricInfo(msgspec.Struct, frozen=True):
    """A stored metric: its unit by its name ("" unknown), and how many series it has."""

    name: str
    unit: str
    series: int


class MetricPage(msgspec.Struct, frozen=True):
    """Metrics in order of name, how many match, and the cursor that continues."""

    rows: list[MetricInfo]
    total: int
    cursor: str | None


class Curve(msgspec.Struct, frozen=True):
    """One line; `before` is its mean over the window compared with."""

    labels: dict[str, str]
    values: _Floats
    before: float | None = None

    @property
    def mean(self) -> float:
        """The mean of its known steps."""
        return float(np.nanmean(self.values))


class MetricView(msgspec.Struct, frozen=True):
    """A metric over a window, the largest series first.

    `rest` joins the series beyond them where their aggregate allows it; `earlier` is the single
    line over the window compared with, on the same steps.
    """

    computed_at_ms: int
    window: Window
    step_ms: int
    agg: Aggregate
    unit: str
    starts_ms: NDArray[np.int64]
    curves: list[Curve]
    folded: int
    rest: _Floats | None
    earlier: _Floats | None
    labels: list[str]  # to cut by
    series: int


@permitted("metrics:read")
def list_metrics(
    ws: Workspace, text: str = "", *, limit: int = 30, cursor: str | None = None
) -> MetricPage:
    """Return metrics whose name holds every word of `text`."""
    if not 1 <= limit <= 200:
        raise Malformed(f"limit is 1 to 200, got {limit}")
    words = text.lower().split()
    found = [name for name in metric_names(ws) if all(word in name.lower() for word in words)]
    rest = [name for name in found if cursor is None or name > cursor]
    rows = [
        MetricInfo(name, unit_of(name), len(list_series(ws, select(name), MAX_SERIES)))
        for name in rest[:limit]
    ]
    return MetricPage(rows, len(found), rest[limit - 1] if len(rest) > limit else None)


@permitted("metrics:read")
def view_metric(
    ws: Workspace,
    metric: str,
    window: Window,
    *,
    agg: Aggregate | None = None,
    by: str = "",
    step_ms: int | None = None,
    before: Window | None = None,
) -> MetricView:
    """Return a metric or selector over a window, cut by a label; too fine a step is widened."""
    selector = selector_of(metric)
    step = fitting_step(window, step_ms)
    chosen = agg or aggregate_of(ws, metric)
    return kept_steps(
        ws,
        f"metric-view/{metric}/{chosen}/{by}",
        MetricView,
        (window, before) if before else (window,),
        step,
        lambda: _view(ws, metric, selector, window, step, chosen, by, before),
    )


def _view(
    ws: Workspace,
    metric: str,
    selector: Selector,
    window: Window,
    step: int,
    chosen: Aggregate,
    by: str,
    before: Window | None,
) -> MetricView:
    known = list_series(ws, selector, MAX_SERIES)
    labels = sorted({label for series in known for label, _ in series.labels})
    cut = tuple(labels) if by == EACH else ((by,) if by else ())
    found = _known(_over(read_points(ws, metric, window, step, agg=chosen, by=cut), window, step))
    found.sort(key=lambda one: -float(np.nansum(np.abs(one.values))))
    earlier: list[SeriesPoints] = []
    if before is not None:
        read = read_points(ws, metric, before, step, agg=chosen, by=cut)
        earlier = _known(_over(read, before, step))
    means = {one.series.labels: float(np.nanmean(one.values)) for one in earlier}
    return MetricView(
        computed_at_ms=ws.now_ms(),
        window=window,
        step_ms=step,
        agg=chosen,
        unit=unit_of(selector.name or ""),
        starts_ms=found[0].timestamps_ms if found else np.empty(0, np.int64),
        curves=[
            Curve(dict(one.series.labels), one.values, means.get(one.series.labels))
            for one in found[:TOP]
        ],
        folded=max(0, len(found) - TOP),
        rest=_fold(found[TOP:], chosen),
        earlier=_same_steps(earlier, found) if not cut else None,
        labels=labels,
        series=len(known),
    )


def fitting_step(window: Window, step_ms: int | None) -> int:
    """Return the step asked for, or the next wider one that keeps a window readable.

    >>> fitting_step(Window(0, DAY_MS), None) // MINUTE_MS
    5
    >>> fitting_step(Window(0, 30 * DAY_MS), MINUTE_MS) // MINUTE_MS
    60
    """
    most = 300 if step_ms is None else MAX_STEPS
    for minutes in _MINUTES:
        step = minutes * MINUTE_MS
        if step >= (step_ms or 0) and window.length_ms / step <= most:
            return step
    return DAY_MS


def _over(found: list[SeriesPoints], window: Window, step_ms: int) -> list[SeriesPoints]:
    """Return the steps that lie inside the window: an unfinished one would look like a fall."""
    kept = []
    for one in found:
        starts = one.timestamps_ms
        inside = (starts >= window.start_ms) & (starts + step_ms <= window.end_ms)
        if not inside.any():
            inside = np.ones(len(starts), dtype=bool)
        kept.append(SeriesPoints(one.series, starts[inside], one.values[inside]))
    return kept


def _known(found: list[SeriesPoints]) -> list[SeriesPoints]:
    return [one for one in found if np.isfinite(one.values).any()]


def _fold(rest: list[SeriesPoints], agg: Aggregate) -> _Floats | None:
    fold = _FOLDS.get(agg)
    if not rest or fold is None:
        return None
    table = np.array([one.values for one in rest])
    empty = ~np.isfinite(table).any(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a step that no series has, set below
        folded: _Floats = fold(table, axis=0)
    folded[empty] = np.nan
    return folded


def _same_steps(earlier: list[SeriesPoints], now: list[SeriesPoints]) -> _Floats | None:
    if not earlier or not now:
        return None
    values = np.full(len(now[0].values), np.nan)
    part = earlier[0].values[: len(values)]
    values[: len(part)] = part
    return values


@permitted("metrics:read")
def narrow(ws: Workspace, metric: str, model_id: str) -> str:
    """Return the selector with a model's condition, where the metric knows models and names none.

    A metric without the label `model_id` is everybody's: it stays as it is.
    """
    selector = selector_of(metric)
    if not model_id or any(m.label == "model_id" for m in selector.matchers):
        return metric
    known = list_series(ws, selector, MAX_SERIES)
    if not any(series.label("model_id") for series in known):
        return metric
    value = model_id.replace("\\", "\\\\").replace('"', '\\"')
    head, brace, rest = metric.strip().partition("{")
    inside = rest.rstrip().removesuffix("}").strip().rstrip(",") if brace else ""
    return f'{head}{{{inside}{"," if inside else ""}model_id="{value}"}}'


@permitted("metrics:read")
def usual_metrics(ws: Workspace, model_id: str = "", *, most: int = 12) -> list[str]:
    """Return what a first look compares: a model's own numbers, or what services measure."""
    stored = set(metric_names(ws))
    own = [name for name in _HUB if name in stored]
    if model_id:
        found = [narrow(ws, name, model_id) for name in own]
        return [text for text in found if text not in stored][:most]
    others = sorted(n for n in stored if not n.startswith("aiobs_") and not n.endswith("_sum"))
    return (others[: max(most // 2, most - len(own))] + own)[:most]
