"""Rows of telemetry for people: inferences, logs, traces and events, newest first."""

from __future__ import annotations

import msgspec

from connectors.protocols import EventQuery, Page, ServiceEdge, TraceQuery
from connectors.telemetry import Event, Inference, Span
from services.errors import Malformed, NotFound
from services.identity import permitted
from services.times import Window
from services.workspace import Workspace

MAX_ROWS = 1_000
InferenceRow = Inference
"""The type of a row, for pages: they do not import connectors."""
_CONTENT = ("prompt", "context", "output", "samples", "features")


@permitted("events:read")
def list_inferences(ws: Workspace, query: EventQuery) -> Page:
    """Return inferences; without `content:read` their texts and features are left out."""
    page = ws.events.inferences(_checked(query))
    if "content:read" in ws.principal.permissions:
        return page
    return msgspec.structs.replace(page, rows=[_bare(row) for row in page.rows])


@permitted("events:read")
def recent_inferences(
    ws: Workspace, model_id: str, window: Window, *, text: str | None = None, limit: int = 50
) -> list[Inference]:
    """Return the newest inferences of a model, optionally those that hold all words of `text`."""
    query = EventQuery(window.start_ms, window.end_ms, model_id=model_id, text=text, limit=limit)
    return list(list_inferences(ws, query).rows)


@permitted("events:read")
def recent_events(ws: Workspace, window: Window, *, limit: int = 200) -> list[Event]:
    """Return the newest events of a window."""
    return list(list_events(ws, EventQuery(window.start_ms, window.end_ms, limit=limit)).rows)


@permitted("content:read")
def get_inference(ws: Workspace, inference_id: str) -> Inference:
    """Return one inference with everything it carries."""
    found = ws.events.inference(inference_id)
    if found is None:
        raise NotFound(f"there is no inference {inference_id!r}")
    return found


@permitted("logs:read")
def list_logs(ws: Workspace, query: EventQuery) -> Page:
    """Return log lines."""
    return ws.events.logs(_checked(query))


@permitted("events:read")
def list_spans(ws: Workspace, query: EventQuery) -> Page:
    """Return spans."""
    return ws.events.spans(_checked(query))


@permitted("events:read")
def list_traces(ws: Workspace, query: TraceQuery) -> Page:
    """Return traces in one line each, newest or slowest first."""
    if not 1 <= query.limit <= MAX_ROWS:
        raise Malformed(f"limit is 1 to {MAX_ROWS}, got {query.limit}")
    if query.min_duration_ms is not None and not query.min_duration_ms >= 0:
        raise Malformed(f"min_duration_ms is 0 or more, got {query.min_duration_ms}")
    return ws.events.traces(query)


@permitted("events:read")
def get_trace(ws: Workspace, trace_id: str) -> list[Span]:
    """Return all spans of a trace in order of start."""
    spans = ws.events.trace(trace_id)
    if not spans:
        raise NotFound(f"there is no trace {trace_id!r}")
    return spans


@permitted("events:read")
def list_events(ws: Workspace, query: EventQuery) -> Page:
    """Return deployments, changes, incidents and other events."""
    return ws.events.events(_checked(query))


@permitted("events:read")
def service_edges(ws: Workspace, window: Window) -> list[ServiceEdge]:
    """Return who called whom, per minute."""
    return ws.events.service_edges(window.start_ms, window.end_ms)


def _checked(query: EventQuery) -> EventQuery:
    if not 1 <= query.limit <= MAX_ROWS:
        raise Malformed(f"limit is 1 to {MAX_ROWS}, got {query.limit}")
    return query


def _bare(row: Inference) -> Inference:
    return msgspec.structs.replace(row, **dict.fromkeys(_CONTENT))
