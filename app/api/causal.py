"""/api/causal and the causal part of /api/metrics: graphs, root causes, effects."""

from __future__ import annotations

import msgspec
from flask import Response

from app.api.queries import Span, window_of
from app.api.routing import Router, download
from services import analyses, causal, impact, numbers
from services.analyses import Job
from services.causal import Graph, RootCause, Scenario
from services.causal_files import Format, export_graph
from services.errors import Malformed
from services.times import Window
from services.workspace import Workspace

router = Router("causal", "/api/causal")
metrics_router = Router("metrics_causal", "/api/metrics")


class GraphQuery(Span, frozen=True):
    """A window and, optionally, the effect that the graph is drawn for."""

    node: str | None = None
    metric: str | None = None


class FileQuery(GraphQuery, frozen=True):
    """A graph and the format of its file: node-link JSON or GraphML."""

    format: Format = "json"


class Effect(msgspec.Struct, frozen=True):
    """An effect (node and metric) or an incident."""

    node: str | None = None
    metric: str | None = None
    incident_id: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """A number and since when it is different."""

    node: str
    metric: str
    onset_ms: int


class Words(msgspec.Struct, frozen=True):
    """Words of the name of a number, and how many numbers at most."""

    search: str = ""
    limit: int = 30


def _window(ws: Workspace, query: Span) -> Window | None:
    if all(value is None for value in (query.hours, query.days, query.start, query.end)):
        return None
    return window_of(ws, query)


@router.route("GET", "/effects", permission="causal:read", returns=list[tuple[str, str]])
def effects(ws: Workspace) -> list[tuple[str, str]]:
    """Return every (node, metric) that can be asked about."""
    return causal.list_effects(ws)


@router.route("GET", "/numbers", permission="causal:read", query=Words, returns=numbers.Numbers)
def find(ws: Workspace, query: Words) -> numbers.Numbers:
    """Return the numbers of the last hours that can be asked about, found by words of their
    names."""
    return numbers.find_numbers(ws, query.search, limit=query.limit)


@router.route(
    "GET", "/graph", permission="causal:read", query=GraphQuery, returns=Graph, errors=(404,)
)
def graph(ws: Workspace, query: GraphQuery) -> Graph:
    """Return what depends on what in a window, each edge with its evidence."""
    return causal.build_graph(ws, node=query.node, metric=query.metric, window=_window(ws, query))


@router.route("GET", "/graph/file", permission="causal:read", query=FileQuery, errors=(404,))
def graph_file(ws: Workspace, query: FileQuery) -> Response:
    """Return the graph as node-link JSON or GraphML, evidence included."""
    content = export_graph(
        ws, query.format, node=query.node, metric=query.metric, window=_window(ws, query)
    )
    media = "application/json" if query.format == "json" else "application/graphml+xml"
    return download(content, media, f"causes.{query.format}")


@router.route("GET", "/jobs/<text:job_id>", permission="causal:read", returns=Job, errors=(404,))
def job(ws: Workspace, job_id: str) -> Job:
    """Return how far a long analysis is."""
    return analyses.get_job(ws, job_id)


@router.route("DELETE", "/jobs/<text:job_id>", permission="causal:read", returns=Job, errors=(404,))
def stop(ws: Workspace, job_id: str) -> Job:
    """Stop a long analysis within a moment, or forget one that ended, so that it can start anew."""
    return analyses.stop_job(ws, job_id)


@router.route(
    "POST", "/root-cause", permission="causal:read", body=Effect, returns=RootCause,
    errors=(404, 422),
)  # fmt: skip
def root_cause(ws: Workspace, body: Effect) -> RootCause:
    """Return ranked causes of an effect or an incident, or that none stands out."""
    if body.incident_id is not None:
        return causal.explain_incident(ws, body.incident_id)
    if body.node is None or body.metric is None:
        raise Malformed("send node and metric, or incident_id")
    return causal.find_root_cause(ws, body.node, body.metric)


@router.route(
    "POST", "/impact", permission="impact:read", body=impact.Question, returns=impact.Impact,
    errors=(404,),
)  # fmt: skip
def assess(ws: Workspace, body: impact.Question) -> impact.Impact:
    """Return what a change does downstream, with intervals."""
    return impact.assess_impact(ws, body)


@router.route(
    "POST", "/attribution", permission="impact:read", body=Outcome, returns=impact.Shares,
    errors=(404,),
)  # fmt: skip
def attribution(ws: Workspace, body: Outcome) -> impact.Shares:
    """Return the shares of a change that its causes have."""
    return impact.compute_attribution(ws, body.node, body.metric, body.onset_ms)


@router.route(
    "POST", "/what-if", permission="impact:read", body=impact.WhatIfQuestion,
    returns=impact.Otherwise, errors=(404,),
)  # fmt: skip
def what_if(ws: Workspace, body: impact.WhatIfQuestion) -> impact.Otherwise:
    """Return a target had a cause stayed normal, or if it were set to a value."""
    return impact.ask_what_if(ws, body)


@metrics_router.route(
    "GET", "/causal/graph/<text:scenario>", permission="causal:read", returns=Graph, errors=(404,)
)
def scenario_graph(ws: Workspace, scenario: str) -> Graph:
    """Return the graph for the reddest effect of a kind: drift_incident, cost_spike,
    latency_degradation or generic, chosen from live data."""
    try:
        chosen = msgspec.convert(scenario, Scenario)
    except msgspec.ValidationError as error:
        raise Malformed(f"unknown scenario {scenario!r}: {error}") from error
    return causal.scenario_graph(ws, chosen)


@metrics_router.route(
    "POST", "/impact/analyze", permission="impact:read", body=impact.Question,
    returns=impact.Impact, errors=(404,),
)  # fmt: skip
def analyze(ws: Workspace, body: impact.Question) -> impact.Impact:
    """Return what a change does downstream, with intervals."""
    return impact.assess_impact(ws, body)


@metrics_router.route(
    "GET", "/impact/summary", permission="impact:read", returns=list[impact.OpenImpact]
)
def summary(ws: Workspace) -> list[impact.OpenImpact]:
    """Return what each open incident does."""
    return impact.summarise_open(ws)
