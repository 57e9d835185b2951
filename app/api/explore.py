"""/api/explore: rows of telemetry, newest first."""

from __future__ import annotations

from typing import Literal

import msgspec

from app.api.queries import Rows, rows_of, window_of
from app.api.queries import Span as WindowQuery
from app.api.routing import Router
from connectors.protocols import Page, TraceQuery
from connectors.telemetry import Inference, Span
from services import explore, metric_view
from services.workspace import Workspace

router = Router("explore", "/api/explore")


class Names(msgspec.Struct, frozen=True):
    """Words of a metric's name, and a page of what they find."""

    text: str = ""
    limit: int = 30
    cursor: str | None = None


class LogSteps(WindowQuery, frozen=True):
    """A window in steps, of all services or of one."""

    step_s: int = 300
    service: str | None = None


@router.route(
    "GET", "/metrics", permission="metrics:read", query=Names, returns=metric_view.MetricPage
)
def metrics(ws: Workspace, query: Names) -> metric_view.MetricPage:
    """Return stored metrics with unit and number of series; `text` searches words of the name."""
    return metric_view.list_metrics(ws, query.text, limit=query.limit, cursor=query.cursor)


@router.route(
    "GET", "/log-counts", permission="logs:read", query=LogSteps, returns=explore.LogCounts
)
def log_counts(ws: Workspace, query: LogSteps) -> explore.LogCounts:
    """Return how many log lines each level had per step of `step_s` seconds."""
    window = window_of(ws, query)
    return explore.count_logs(ws, window, query.step_s * 1_000, service=query.service)


class Traces(WindowQuery, frozen=True):
    """A window with filters of traces and a page of them."""

    service: str | None = None
    model_id: str | None = None
    only_errors: bool = False
    min_duration_ms: float | None = None
    order: Literal["newest", "slowest"] = "newest"
    limit: int = 100
    cursor: str | None = None


@router.route("GET", "/inferences", permission="events:read", query=Rows, returns=Page)
def inferences(ws: Workspace, query: Rows) -> Page:
    """Return inferences; texts and features only with content:read."""
    return explore.list_inferences(ws, rows_of(ws, query))


@router.route(
    "GET", "/inferences/<text:inference_id>", permission="content:read", returns=Inference,
    errors=(404,),
)  # fmt: skip
def inference(ws: Workspace, inference_id: str) -> Inference:
    """Return one inference with everything it carries."""
    return explore.get_inference(ws, inference_id)


@router.route("GET", "/logs", permission="logs:read", query=Rows, returns=Page)
def logs(ws: Workspace, query: Rows) -> Page:
    """Return log lines; `kind` is the level, `text` searches words."""
    return explore.list_logs(ws, rows_of(ws, query))


@router.route("GET", "/spans", permission="events:read", query=Rows, returns=Page)
def spans(ws: Workspace, query: Rows) -> Page:
    """Return spans; `kind` is the span's name."""
    return explore.list_spans(ws, rows_of(ws, query))


@router.route("GET", "/traces", permission="events:read", query=Traces, returns=Page)
def traces(ws: Workspace, query: Traces) -> Page:
    """Return traces in one line each; `order` is newest or slowest first."""
    window = window_of(ws, query)
    asked = TraceQuery(
        window.start_ms, window.end_ms, query.service, query.model_id, query.only_errors,
        query.min_duration_ms, query.order, query.limit, query.cursor,
    )  # fmt: skip
    return explore.list_traces(ws, asked)


@router.route(
    "GET", "/traces/<text:trace_id>", permission="events:read", returns=list[Span], errors=(404,)
)
def trace(ws: Workspace, trace_id: str) -> list[Span]:
    """Return all spans of a trace in order of start."""
    return explore.get_trace(ws, trace_id)


@router.route("GET", "/events", permission="events:read", query=Rows, returns=Page)
def events(ws: Workspace, query: Rows) -> Page:
    """Return deployments, changes, incidents and other events; `kind` is the event type."""
    return explore.list_events(ws, rows_of(ws, query))
