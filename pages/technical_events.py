"""What stood out on the technical page: anomalies beside deployments, and where requests fail."""

from __future__ import annotations

from typing import Any

from dash import html

from components import charts, states
from components.address import choice, link, packed
from components.charts import Mark, Run
from components.charts.timeline import height
from components.live import View
from components.panel import Provenance, moment
from components.scope import Scope
from components.tables import Column, table
from engines.result import Insufficient
from i18n import date_time, duration, number, t
from pages import sources
from pages.model_evidence import words
from services.anomalies import AnomaliesAnswer, MetricAnomaly, find_metric_anomalies
from services.failures import Failures, list_failures
from services.fleet_sums import SUMMED, fleet_name
from services.times import Window
from services.workspace import Workspace

TRUST = "aiobs_trust_score"
WATCHED = (
    ("requests", "aiobs_inferences_total"),
    ("errors", "aiobs_inference_errors_total"),
    ("latency_ms", "aiobs_inference_latency_seconds"),
    ("tokens", "aiobs_tokens_total"),
    ("cost", "aiobs_cost_total"),
    ("trust", TRUST),
    ("hallucination_risk", "aiobs_hallucination_risk"),
)
"""Name of the metric in the catalogue, and the series that is watched of a model."""
PANELS = ("anomalies", "failures")
MAX_PLACES = 8


def fill(ws: Workspace, scope: Scope, window: Window, marks: list[Mark], view: View) -> None:
    """Put anomalies and failing traces of the model, or of the fleet, into their panels."""
    names = {_watched(series, scope.model): name for name, series in WATCHED}
    found = find_metric_anomalies(ws, list(names), window)
    source = Provenance(
        scope.describe(), len(found.series), computed_at_ms=found.computed_at_ms,
        method=found.method,
    )  # fmt: skip
    view.panel("technical-anomalies", _anomalies(found, names, marks), source, height=200)
    failures = list_failures(ws, window, scope.model)
    source = Provenance(scope.describe(), failures.traces, computed_at_ms=failures.computed_at_ms)
    view.panel("technical-failures", _failures(failures), source, height=200)


def _watched(series: str, model_id: str) -> str:
    """Return what is watched of a series: the model's own, else the fleet's sum, else them all; of
    trust, the score without the point that it bounds."""
    labels = ['bound=""'] if series == TRUST else []
    if model_id:
        labels.append(f'model_id="{sources.quoted(model_id)}"')
    elif series in SUMMED or f"{series}_bucket" in SUMMED:
        return fleet_name(series)
    return f"{series}{{{','.join(labels)}}}" if labels else series


def _anomalies(found: AnomaliesAnswer, names: dict[str, str], marks: list[Mark]) -> Any:
    judged = [one for one in found.series if one.insufficient is None]
    if not judged:
        lacks = [one.insufficient for one in found.series if one.insufficient is not None]
        return lacks[0] if lacks else Insufficient(t("unified.no_history"))
    named = {one.metric_name: t(f"causal_graph.m_{names[one.metric_name]}") for one in judged}
    rows = list(dict.fromkeys(named.values()))
    runs = [
        Run(
            rows.index(named[one.metric_name]), run.start_ms, run.end_ms,
            _sentence(named[one.metric_name], run, one.unit),
        )
        for one in judged for run in one.anomalies
    ]  # fmt: skip
    if not runs:
        hint = words("no_anomalies_hint", n=number(len(judged)))
        return states.calm(words("no_anomalies"), hint)
    figure = charts.timeline(
        rows, runs, window_ms=(found.window.start_ms, found.window.end_ms), marks=marks
    )
    return charts.graph(
        "technical-anomalies-chart", figure, label=words("anomalies_definition"),
        height=height(len(rows)),
        choices={
            name: link("/explore", focus=packed(metric=metric))
            for metric, name in named.items()
        },
    )  # fmt: skip


def _sentence(name: str, run: MetricAnomaly, unit: str) -> str:
    return words(
        "anomaly", metric=name, value=_told(run.value, unit), expected=_told(run.expected, unit),
        when=date_time(run.peak_ms),
    )  # fmt: skip


def _told(value: float, unit: str) -> str:
    return duration(value) if unit == "s" else number(value)


def _failures(found: Failures) -> Any:
    if not found.places:
        return states.calm(words("no_failures"), words("no_failures_hint"))
    columns = [
        Column("where", words("where"), "node"),
        Column("message", words("message"), "node"),
        Column("traces", words("traces"), "number"),
        Column("newest", words("newest"), "node"),
        Column("took", words("took"), "number", "ms"),
    ]
    rows = [
        {
            "where": choice(
                f"{place.service} · {place.span}", sources.service_link(place.service, failed=True)
            ),
            "message": html.Span(place.message or "–", dir="auto"),
            "traces": float(place.traces),
            "newest": html.Span(
                [moment(place.newest_ms), html.Br(), sources.trace_link(place.trace_id)]
            ),
            "took": place.duration_ms,
        }
        for place in found.places
    ]
    return table(columns, rows, caption=words("failures"), limit=MAX_PLACES)
