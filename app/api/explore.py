"""/api/explore: rows of telemetry, newest first."""

from __future__ import annotations

from app.api.queries import Rows, rows_of
from app.api.routing import Router
from connectors.protocols import Page
from connectors.telemetry import Inference, Span
from services import explore
from services.workspace import Workspace

router = Router("explore", "/api/explore")


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
