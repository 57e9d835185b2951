"""What happened in a window, for the charts to mark: deployments, changes, incidents."""

from __future__ import annotations

from connectors.protocols import EventQuery
from connectors.telemetry import Event
from services.explore import list_events
from services.identity import permitted
from services.times import Window
from services.workspace import Workspace

MARKED = ("deployment", "config_change", "data_change", "incident", "security")
MAX_MARKS = 40


@permitted("events:read")
def list_marks(ws: Workspace, window: Window, model_id: str = "") -> list[Event]:
    """Return the events that explain a curve, newest first; those of other models are left out."""
    rows: list[Event] = []
    for kind in MARKED:
        query = EventQuery(window.start_ms, window.end_ms, kind=kind, limit=MAX_MARKS)
        rows += list_events(ws, query).rows
    mine = [event for event in rows if not model_id or event.model_id in (None, model_id)]
    return sorted(mine, key=lambda event: -event.timestamp_ms)[:MAX_MARKS]
