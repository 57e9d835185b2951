"""How this hub runs: what its settings chose and how its dependencies are."""

from __future__ import annotations

import msgspec

from connectors.protocols import StoreHealth
from services.identity import permitted
from services.workspace import Workspace


class RunningView(msgspec.Struct, frozen=True):
    """Who may call, and how long telemetry is kept."""

    auth: str
    retention_days: int


@permitted("profile:read")
def get_running(ws: Workspace) -> RunningView:
    """Return what the settings chose, as far as a reader may know it."""
    return RunningView(ws.running.auth, ws.running.retention_days)


@permitted("metrics:read")
def get_dependencies(ws: Workspace) -> list[StoreHealth]:
    """Return the state of every store, cache and bus that the hub runs on."""
    return ws.running.health()
