"""/api/realtime: the state of the WebSocket."""

from __future__ import annotations

from flask import current_app

from app.api.routing import Router
from services import presence
from services.workspace import Workspace

router = Router("realtime", "/api/realtime")


@router.route("GET", "/stats", permission="metrics:read", returns=dict[str, int])
def stats(ws: Workspace) -> dict[str, int]:
    """Return how many WebSocket clients this process serves, and messages sent and dropped."""
    return presence.realtime_stats(ws, current_app.extensions["aiobs_realtime"].stats())
