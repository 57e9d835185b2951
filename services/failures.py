"""Where requests fail: failing traces gathered by the span in which the failure began."""

from __future__ import annotations

import msgspec

from connectors.protocols import EventQuery
from connectors.telemetry import Span
from services.explore import list_inferences, list_spans
from services.identity import permitted
from services.times import Window
from services.workspace import Workspace

MAX_TRACES = 40
"""Newest failing traces that are read; what fails often is among them."""
_READ_SPANS = 500


class Failure(msgspec.Struct, frozen=True):
    """One place where requests fail, with its newest trace as an example."""

    service: str
    span: str
    message: str
    traces: int
    newest_ms: int
    trace_id: str
    duration_ms: float | None  # of the example, from its first span to its last


class Failures(msgspec.Struct, frozen=True):
    """Places of failure, the most frequent first, among the newest failing traces."""

    computed_at_ms: int
    window: Window
    traces: int
    places: list[Failure]


@permitted("events:read")
def list_failures(ws: Workspace, window: Window, model_id: str = "") -> Failures:
    """Return where the newest failing traces of the fleet, or of a model's requests, failed."""
    key = f"failures/{model_id}/{window.seen_from(ws.now_ms())}"
    return ws.cached(key, Failures, lambda: _compute(ws, window, model_id), fresh_s=15, stale_s=60)


def _compute(ws: Workspace, window: Window, model_id: str) -> Failures:
    ids = _failed_requests(ws, window, model_id) if model_id else _failed_spans(ws, window)
    places: dict[tuple[str, str], Failure] = {}
    for trace_id in ids:
        spans = ws.events.trace(trace_id)
        origin = _origin(spans)
        if origin is None:
            continue
        key = (origin.service, origin.name)
        known = places.get(key)
        # Traces come newest first: the first one stands as the example.
        places[key] = (
            msgspec.structs.replace(known, traces=known.traces + 1)
            if known
            else _place(origin, trace_id, spans)
        )
    order = sorted(places.values(), key=lambda p: (-p.traces, -p.newest_ms, p.service, p.span))
    return Failures(ws.now_ms(), window, sum(p.traces for p in order), order)


def _failed_requests(ws: Workspace, window: Window, model_id: str) -> list[str]:
    query = EventQuery(
        window.start_ms, window.end_ms, model_id=model_id, only_errors=True, limit=MAX_TRACES
    )
    rows = list_inferences(ws, query).rows
    return list(dict.fromkeys(row.trace_id for row in rows if row.trace_id))


def _failed_spans(ws: Workspace, window: Window) -> list[str]:
    query = EventQuery(window.start_ms, window.end_ms, only_errors=True, limit=_READ_SPANS)
    spans = list_spans(ws, query).rows
    return list(dict.fromkeys(span.trace_id for span in spans))[:MAX_TRACES]


def _origin(spans: list[Span]) -> Span | None:
    """Return the failing span that no failing span lies under: the failure began there."""
    failing = [span for span in spans if span.is_error]
    parents = {span.parent_span_id for span in failing}
    leaves = [span for span in failing if span.span_id not in parents]
    return min(leaves, key=lambda s: s.start_ms, default=None)


def _place(origin: Span, trace_id: str, spans: list[Span]) -> Failure:
    end = max(span.start_ms + span.duration_ms for span in spans)
    taken = end - min(span.start_ms for span in spans)
    return Failure(
        origin.service, origin.name, origin.status_message, 1, int(origin.start_ms), trace_id, taken
    )
