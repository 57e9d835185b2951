"""Rows of telemetry for people: inferences, logs, traces and events, newest first."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols import EventQuery, Page, ServiceEdge, TraceHead, TraceQuery
from connectors.telemetry import Event, Inference, Log, Span
from services.errors import Malformed, NotFound
from services.identity import permitted
from services.times import MAX_WINDOW_MS, MINUTE_MS, Window
from services.workspace import Workspace

MAX_ROWS = 1_000
InferenceRow = Inference
LogRow = Log
TraceRow = TraceHead
RowsAsked = EventQuery
TracesAsked = TraceQuery
"""Types of rows and questions, for pages: they do not import connectors."""
_CONTENT = ("prompt", "context", "output", "samples", "features")
_SPAN_CONTENT = (
    "gen_ai.input.", "gen_ai.output.", "gen_ai.prompt", "gen_ai.completion", "gen_ai.system_instr",
    "gen_ai.tool.call.", "gen_ai.tool.definitions", "llm.input_messages", "llm.output_messages",
    "llm.prompts", "llm.prompt_template", "input.value", "output.value", "retrieval.documents",
    "reranker.", "embedding.embeddings", "langfuse.observation.input",
    "langfuse.observation.output",
)  # fmt: skip
"""Attributes that hold what people wrote or were answered, by the beginning of their names."""


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


@permitted("logs:read")
def get_log(ws: Workspace, log_id: str, timestamp_ms: int) -> Log | None:
    """Return one line by its id and its time, which finds it without an index of its own."""
    query = EventQuery(timestamp_ms, timestamp_ms + 1, limit=MAX_ROWS)
    return next((row for row in ws.events.logs(query).rows if row.log_id == log_id), None)


class LogCounts(msgspec.Struct, frozen=True):
    """Lines per step and level; the first step begins at `start_ms`."""

    start_ms: int
    step_ms: int
    counts: dict[str, list[int]]


@permitted("logs:read")
def count_logs(
    ws: Workspace, window: Window, step_ms: int, *, service: str | None = None
) -> LogCounts:
    """Return how many lines each level had over time, in all or of one service."""
    start = window.start_ms // MINUTE_MS * MINUTE_MS
    if not 1 <= step_ms <= MAX_WINDOW_MS or (window.end_ms - start) / step_ms > MAX_ROWS:
        raise Malformed(f"a histogram has 1 to {MAX_ROWS} steps: choose a wider step")
    found = ws.events.log_counts(start, window.end_ms, step_ms, service=service)
    return LogCounts(start, step_ms, {level: _list(n) for level, n in sorted(found.items())})


@permitted("logs:read")
def log_services(ws: Workspace, window: Window) -> list[str]:
    """Return the services that wrote lines in a window, those with most lines first."""
    start = window.start_ms // MINUTE_MS * MINUTE_MS
    step = window.end_ms - start + MINUTE_MS
    found = ws.events.log_counts(start, window.end_ms, step // MINUTE_MS * MINUTE_MS, by="service")
    return sorted((name for name in found if name), key=lambda name: -int(found[name].sum()))


def _list(counts: NDArray[np.int64]) -> list[int]:
    return [int(n) for n in counts]


@permitted("events:read")
def list_spans(ws: Workspace, query: EventQuery) -> Page:
    """Return spans; without `content:read` prompts and answers are left out of them."""
    page = ws.events.spans(_checked(query))
    return msgspec.structs.replace(page, rows=_readable(ws, page.rows))


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
    """Return all spans of a trace in order of start, without texts as `list_spans`."""
    spans = ws.events.trace(trace_id)
    if not spans:
        raise NotFound(f"there is no trace {trace_id!r}")
    return _readable(ws, spans)


@permitted("events:read")
def list_events(ws: Workspace, query: EventQuery) -> Page:
    """Return deployments, changes, incidents and other events."""
    return ws.events.events(_checked(query))


@permitted("events:read")
def service_edges(ws: Workspace, window: Window) -> list[ServiceEdge]:
    """Return who called whom, per minute."""
    return ws.events.service_edges(window.start_ms, window.end_ms)


@permitted("events:read")
def trace_services(ws: Workspace, window: Window) -> list[str]:
    """Return the services that answered calls in a window, those with most calls first."""
    calls: dict[str, float] = {}
    for edge in ws.events.service_edges(window.start_ms, window.end_ms, step_ms=None):
        calls[edge.callee] = calls.get(edge.callee, 0.0) + float(edge.calls.sum())
    return sorted(filter(None, calls), key=lambda name: -calls[name])


def _checked(query: EventQuery) -> EventQuery:
    if not 1 <= query.limit <= MAX_ROWS:
        raise Malformed(f"limit is 1 to {MAX_ROWS}, got {query.limit}")
    return query


def _bare(row: Inference) -> Inference:
    return msgspec.structs.replace(row, **dict.fromkeys(_CONTENT))


def _readable(ws: Workspace, spans: list[Span]) -> list[Span]:
    if "content:read" in ws.principal.permissions:
        return spans
    return [_without_texts(span) for span in spans]


def _without_texts(span: Span) -> Span:
    events = tuple(
        msgspec.structs.replace(one, attributes=_no_texts(one.attributes)) for one in span.events
    )
    return msgspec.structs.replace(span, attributes=_no_texts(span.attributes), events=events)


def _no_texts(attributes: dict[str, Any]) -> dict[str, Any]:  # any JSON a sender attached
    return {k: v for k, v in attributes.items() if not k.startswith(_SPAN_CONTENT)}
