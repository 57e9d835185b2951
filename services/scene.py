"""Everything the causal engine may look at, read once: metrics, calls, events and error
messages."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from connectors import telemetry
from connectors.protocols import EventQuery, InferenceColumns, SeriesPoints, ServiceEdge
from connectors.selector import Matcher, Selector, select
from engines.causal import Call, Event, LogTemplate, Series
from engines.causal.inputs import Key
from engines.progress import Progress, steps, unwatched
from engines.sentence import Sentence, say
from services.burning import burn_rates
from services.errors import NotFound
from services.messages import read_messages
from services.models import Model, get_model, list_models
from services.shifts import on_minutes, shifts
from services.times import DAY_MS, MINUTE_MS, Window
from services.workspace import Workspace

NOT_CAUSES = ("ground_truth", "sample_command", "incident")
"""Events that say what went wrong rather than what was changed: reading them would be cheating."""
TRACES_PER_MODEL = 5
LABELS_DUE_MS = 15 * MINUTE_MS
"""Younger inferences are not asked for their labels where nobody knows how long labels take."""
MAX_ROWS = 20_000

COUNTED: tuple[tuple[Selector, str], ...] = (
    (select("aiobs_inferences_total"), "requests"),
    (select("aiobs_inference_errors_total"), "errors"),
    (select("aiobs_tokens_total", {"direction": "input"}), "input_tokens"),
    (select("aiobs_tokens_total", {"direction": "output"}), "output_tokens"),
    (select("aiobs_cost_total"), "cost"),
    (select("aiobs_energy_kwh_total"), "energy_kwh"),
    (select("aiobs_carbon_grams_total"), "carbon_g"),
)
"""Series of increments a minute and the metric of a model that each becomes."""

COMPUTED: tuple[tuple[Selector, str], ...] = (
    (select("aiobs_drift_score", {"kind": "data"}), "data_drift"),
    (select("aiobs_drift_score", {"kind": "prediction"}), "prediction_drift"),
    (select("aiobs_drift_score", {"kind": "concept"}), "concept_drift"),
    (select("aiobs_hallucination_risk"), "hallucination_risk"),
    (select("aiobs_grounding_score"), "grounding"),
    (select("aiobs_reliability_score", {"part": "overall"}), "reliability"),
    (select("aiobs_trust_score", {"bound": "point"}), "trust"),
)
"""Computed numbers and the metric of a model that each becomes."""


Only = tuple[Matcher, ...]
"""Conditions on the labels of series that are read."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the engine reads; keys are (service or model, metric)."""

    window: Window
    metrics: dict[Key, Series]
    topology: tuple[Call, ...]
    events: tuple[Event, ...]
    logs: tuple[LogTemplate, ...]


LABELS = "label_availability"
"""The share of inferences whose label came. Nothing that the hub observes drives it, so graphs and
models leave it out unless it is what they are about."""


def without_labels(metrics: dict[Key, Series], key: Key | None = None) -> dict[Key, Series]:
    """Return the metrics that depend on each other, and `key`."""
    return {k: series for k, series in metrics.items() if k[1] != LABELS or k == key}


def absent(key: Key) -> Sentence:
    """Return that a window holds no such metric."""
    return say(
        "reasons.no_such_metric",
        "{node} has no metric {metric} in this window",
        node=key[0],
        metric=key[1],
    )


def read_scene(ws: Workspace, window: Window, progress: Progress = unwatched) -> Scene:
    """Return the scene of a window at one-minute resolution; `progress` hears of each model."""
    models = list_models(ws)
    edges = ws.events.service_edges(window.start_ms, window.end_ms)
    minutes = _minutes(window)
    metrics = _metrics(ws, window, edges, models, None, progress)
    calls = (*_calls(edges, minutes), *_model_calls(ws, models, window))
    return Scene(window, metrics, calls, _events(ws, window), read_messages(ws, window, minutes))


def read_node(ws: Workspace, window: Window, node: str) -> dict[Key, Series]:
    """Return the metrics of one service or model, as `read_scene` does, without reading others."""
    called = ws.events.service_edges(window.start_ms, window.end_ms)
    edges = [edge for edge in called if edge.callee == node]
    models: list[Model] = []
    with suppress(NotFound):  # a service is no model
        models.append(get_model(ws, node))
    return _metrics(ws, window, edges, models, node, unwatched)


def _minutes(window: Window) -> NDArray[np.int64]:
    return np.arange(
        window.start_ms // MINUTE_MS * MINUTE_MS, window.end_ms, MINUTE_MS, dtype=np.int64
    )[:-1]  # the minute that is still filling would look like a fall


def _metrics(
    ws: Workspace,
    window: Window,
    edges: list[ServiceEdge],
    models: list[Model],
    node: str | None,
    progress: Progress,
) -> dict[Key, Series]:
    minutes = _minutes(window)
    only = () if node is None else (Matcher("model_id", "=", node),)
    metrics = _service_metrics(edges, minutes)
    metrics |= _counted(ws, window, minutes, only)
    metrics |= _latencies(ws, window, minutes, only)
    metrics |= _computed(ws, window, minutes, only)
    metrics |= burn_rates(ws, window, minutes, node)
    for model in steps(models, progress):
        metrics |= _retrieval(ws, model, window, minutes)
        metrics |= _from_rows(ws, model, window, minutes)
    return metrics


def _on(minutes: NDArray[np.int64], at: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[
    np.float64
]:  # fmt: skip
    placed = np.zeros(len(minutes))
    index = np.searchsorted(minutes, at)
    inside = (index < len(minutes)) & (minutes[np.minimum(index, len(minutes) - 1)] == at)
    np.add.at(placed, index[inside], np.nan_to_num(values[inside]))
    return placed


def _service_metrics(edges: list[ServiceEdge], minutes: NDArray[np.int64]) -> dict[Key, Series]:
    found: dict[Key, Series] = {}
    if len(minutes) == 0:
        return found
    for service in sorted({edge.callee for edge in edges}):
        calls, errors, spent = np.zeros((3, len(minutes)))
        for edge in (edge for edge in edges if edge.callee == service):
            calls += _on(minutes, edge.minute_ms, edge.calls)
            errors += _on(minutes, edge.minute_ms, edge.errors)
            spent += _on(minutes, edge.minute_ms, edge.duration_ms)
        found[service, "requests"] = on_minutes(minutes, calls)
        found[service, "errors"] = on_minutes(minutes, errors)
        found[service, "latency_ms"] = on_minutes(minutes, _ratio(spent, calls))
    return found


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(below > 0, above / below, np.nan))


def _calls(edges: list[ServiceEdge], minutes: NDArray[np.int64]) -> Iterable[Call]:
    for edge in edges:
        if edge.caller and len(minutes):
            calls = _on(minutes, edge.minute_ms, edge.calls)
            seen = _ratio(_on(minutes, edge.minute_ms, edge.client_ms), calls) / 1_000
            served = _ratio(_on(minutes, edge.minute_ms, edge.duration_ms), calls) / 1_000
            measured = np.isfinite(seen).any() and not np.allclose(seen, served, equal_nan=True)
            yield Call(
                edge.caller,
                edge.callee,
                requests=on_minutes(minutes, calls),
                latency_caller_s=on_minutes(minutes, seen) if measured else None,
                latency_callee_s=on_minutes(minutes, served) if measured else None,
            )


def _counted(
    ws: Workspace, window: Window, minutes: NDArray[np.int64], only: Only
) -> dict[Key, Series]:
    found: dict[Key, Series] = {}
    for selector, metric in COUNTED:
        for points in _by_model(ws, _narrowed(selector, only), window, "sum"):
            model_id = points.series.label("model_id")
            found[model_id, metric] = on_minutes(
                minutes, _on(minutes, points.timestamps_ms, points.values)
            )
    return found


def _narrowed(selector: Selector, only: Only) -> Selector:
    return Selector(selector.name, selector.matchers + only)


def _by_model(
    ws: Workspace, selector: Selector, window: Window, how: Literal["sum", "avg"]
) -> list[SeriesPoints]:
    return ws.metrics.window(
        selector,
        window.start_ms,
        window.end_ms,
        MINUTE_MS,
        over_time=how,
        across=how,
        by=("model_id",),
    )


def _latencies(
    ws: Workspace, window: Window, minutes: NDArray[np.int64], only: Only
) -> dict[Key, Series]:
    name = "aiobs_inference_latency_seconds"
    totals, counts = (
        {
            p.series.label("model_id"): _on(minutes, p.timestamps_ms, p.values)
            for p in _by_model(ws, Selector(f"{name}_{part}", only), window, "sum")
        }
        for part in ("sum", "count")
    )
    return {
        (model_id, "latency_ms"): on_minutes(minutes, 1_000 * _ratio(totals[model_id], count))
        for model_id, count in counts.items()
        if model_id in totals
    }


def _computed(
    ws: Workspace, window: Window, minutes: NDArray[np.int64], only: Only
) -> dict[Key, Series]:
    """Return computed numbers; one of the minute that is still filling counts for the last whole
    minute, so that no row of the window holds it alone."""
    found: dict[Key, Series] = {}
    if len(minutes) == 0:
        return found
    for selector, metric in COMPUTED:
        for points in _by_model(ws, _narrowed(selector, only), window, "avg"):
            known = np.isfinite(points.values)
            if known.any():
                key = points.series.label("model_id"), metric
                at = np.minimum(points.timestamps_ms[known], minutes[-1])
                found[key] = Series(at / 1_000.0, points.values[known])
    return found


def _from_rows(
    ws: Workspace, model: Model, window: Window, minutes: NDArray[np.int64]
) -> dict[Key, Series]:
    """Return what the newest rows of each minute say: drift, accuracy, and how many have labels."""
    if len(minutes) == 0:
        return {}
    rows = ws.events.inference_columns(
        model.model_id, window.start_ms, int(minutes[-1]) + MINUTE_MS, limit=MAX_ROWS
    )
    if len(rows) == 0:
        return {}
    return shifts(model, rows, minutes) | _label_share(model, rows, window, minutes)


def _label_share(
    model: Model, rows: InferenceColumns, window: Window, minutes: NDArray[np.int64]
) -> dict[Key, Series]:
    """Return the share of a model's inferences whose label came, up to the usual delay ago."""
    end = window.end_ms - _usual_delay_ms(rows)
    labels = rows.columns.get("label")
    if labels is None:
        return {}
    came = np.array([label is not None and label == label for label in labels], dtype=float)
    came[rows.timestamps_ms >= end] = 0.0
    if not came.any():
        return {}
    at = rows.timestamps_ms // MINUTE_MS * MINUTE_MS
    share = _ratio(_on(minutes, at, came), _on(minutes, at, np.ones(len(came))))
    due = minutes < end
    return {(model.model_id, LABELS): on_minutes(minutes[due], share[due])}


def _usual_delay_ms(rows: InferenceColumns) -> int:
    """Return after how long 95 of 100 labels had come, or a quarter of an hour if unknown."""
    came = rows.columns.get("label_timestamp_ms")
    waited = np.asarray([] if came is None else came, dtype=float)
    waited = (waited - rows.timestamps_ms)[np.isfinite(waited)] if waited.size else waited
    return LABELS_DUE_MS if waited.size == 0 else max(0, round(float(np.quantile(waited, 0.95))))


def _retrieval(
    ws: Workspace, model: Model, window: Window, minutes: NDArray[np.int64]
) -> dict[Key, Series]:
    """Return the share of a retrieval model's answers that came with a passage."""
    if model.model_type != "rag" or len(minutes) == 0:
        return {}
    rows = ws.events.inference_columns(
        model.model_id, window.start_ms, window.end_ms, columns=("context",), limit=20_000
    )
    contexts = rows.columns.get("context")
    if contexts is None or len(rows) == 0:
        return {}
    at = rows.timestamps_ms // MINUTE_MS * MINUTE_MS
    has = np.array([bool(context) for context in contexts], dtype=float)
    share = _ratio(_on(minutes, at, has), _on(minutes, at, np.ones(len(has))))
    return {(model.model_id, "retrieval_hit_rate"): on_minutes(minutes, share)}


def _model_calls(ws: Workspace, models: list[Model], window: Window) -> Iterable[Call]:
    """Say that a model depends on the service through which its requests enter."""
    for model in models:
        if model.last_seen_ms is None or window.end_ms - model.last_seen_ms > DAY_MS:
            continue
        for service in entry_services(ws, model.model_id, window):
            yield Call(model.model_id, service)


def entry_services(ws: Workspace, model_id: str, window: Window) -> list[str]:
    """Return the services at the root of the model's newest traces."""

    def read() -> list[str]:
        rows = ws.events.inference_columns(
            model_id, window.start_ms, window.end_ms, columns=("trace_id",), limit=100
        )
        traced = [trace_id for trace_id in rows.columns["trace_id"] if trace_id]
        roots = set()
        for trace_id in traced[-TRACES_PER_MODEL:]:
            roots |= {s.service for s in ws.events.trace(trace_id) if not s.parent_span_id}
        return sorted(roots)

    return ws.cached(f"entry/{model_id}", list, read, fresh_s=300, stale_s=3_600)


def _events(ws: Workspace, window: Window) -> tuple[Event, ...]:
    rows = ws.events.events(EventQuery(window.start_ms, window.end_ms, limit=500)).rows
    return tuple(
        Event(row.event_id, row.timestamp_ms / 1_000, row.event_type, target, row.title)
        for row in rows
        if row.event_type not in NOT_CAUSES
        for target in _targets(row)
    )


def _targets(row: telemetry.Event) -> list[str]:
    """Return what an event touched: the service and the model that its sender named."""
    return [name for name in (row.service, row.model_id) if name]
