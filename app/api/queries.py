"""Query parameters that many routes share."""

from __future__ import annotations

import msgspec

from connectors.protocols import EventQuery
from services.sums import Choice
from services.times import Window, choose_window
from services.workspace import Workspace


class Span(msgspec.Struct, frozen=True):
    """A window: ``start`` and ``end`` (RFC 3339), or the last ``hours`` or ``days``."""

    hours: float | None = None
    days: float | None = None
    start: str | None = None
    end: str | None = None


class Part(Span, frozen=True):
    """A window and which part of the telemetry."""

    model_id: str = ""
    version: str = ""
    segment: str = ""


class Rows(Span, frozen=True):
    """A window with filters and a page of it."""

    model_id: str | None = None
    version: str | None = None
    service: str | None = None
    kind: str | None = None
    trace_id: str | None = None
    text: str | None = None
    only_errors: bool = False
    limit: int = 100
    cursor: str | None = None


def window_of(ws: Workspace, query: Span, default_hours: float = 24.0) -> Window:
    """Return the window that a query names."""
    return choose_window(
        ws.now_ms(),
        hours=query.hours,
        days=query.days,
        start=query.start,
        end=query.end,
        default_hours=default_hours,
    )


def choice_of(query: Part) -> Choice:
    """Return the part of the telemetry that a query names."""
    return Choice(query.model_id, query.version, query.segment)


def rows_of(ws: Workspace, query: Rows) -> EventQuery:
    """Return the store's question for a page of rows."""
    window = window_of(ws, query)
    return EventQuery(
        start_ms=window.start_ms,
        end_ms=window.end_ms,
        model_id=query.model_id,
        version=query.version,
        service=query.service,
        kind=query.kind,
        trace_id=query.trace_id,
        text=query.text,
        only_errors=query.only_errors,
        limit=query.limit,
        cursor=query.cursor,
    )
