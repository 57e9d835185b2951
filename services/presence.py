"""Who listens in real time."""

from __future__ import annotations

from services.identity import permitted
from services.workspace import Workspace


@permitted("metrics:read")
def realtime_stats(ws: Workspace, counted: dict[str, int]) -> dict[str, int]:
    """Return the counts of this process's WebSocket clients, for those who may read metrics."""
    return dict(counted)
