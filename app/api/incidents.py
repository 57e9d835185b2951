"""/api/alerts and /api/incidents: what is wrong now, and what was."""

from __future__ import annotations

from typing import Literal

import msgspec

from app.api.routing import Router
from services import alerts
from services import incident_groups as groups
from services import incidents as service
from services.incident_groups import IncidentGroup
from services.incidents import Incident
from services.workspace import Workspace

alerts_router = Router("alerts", "/api/alerts")
router = Router("incidents", "/api/incidents")


class Filter(msgspec.Struct, frozen=True):
    """Which incidents to list."""

    state: Literal["open", "acknowledged", "resolved"] | None = None
    limit: int = 200


class GroupFilter(msgspec.Struct, frozen=True):
    """Which groups to list."""

    state: Literal["open", "acknowledged", "resolved"] | None = None
    severity: Literal["critical", "warning", "info"] | None = None
    limit: int = 200


class Change(msgspec.Struct, frozen=True):
    """A new state and why."""

    state: Literal["acknowledged", "resolved"]
    note: str = ""


class Changes(msgspec.Struct, frozen=True):
    """A new state of several incidents, such as the members of a group, and why."""

    incident_ids: list[str]
    state: Literal["acknowledged", "resolved"]
    note: str = ""


@alerts_router.route("GET", "", permission="alerts:read", returns=list[Incident])
def list_alerts(ws: Workspace) -> list[Incident]:
    """Return incidents that are not resolved, worst first."""
    return alerts.list_alerts(ws)


@router.route("GET", "", permission="incidents:read", query=Filter, returns=list[Incident])
def list_incidents(ws: Workspace, query: Filter) -> list[Incident]:
    """Return incidents, newest first."""
    return service.list_incidents(ws, state=query.state, limit=query.limit)


@router.route(
    "GET", "/groups", permission="incidents:read", query=GroupFilter, returns=list[IncidentGroup]
)
def list_groups(ws: Workspace, query: GroupFilter) -> list[IncidentGroup]:
    """Return incidents by cause: open ones first, then the worst, then the newest."""
    return groups.list_groups(ws, state=query.state, severity=query.severity, limit=query.limit)


@router.route(
    "POST", "/state", permission="incidents:write", body=Changes, returns=list[Incident],
    errors=(404, 409),
)  # fmt: skip
def change_states(ws: Workspace, body: Changes) -> list[Incident]:
    """Acknowledge or resolve incidents together, such as the members of a group."""
    return service.change_states(ws, body.incident_ids, body.state, note=body.note)


@router.route(
    "GET", "/<text:incident_id>", permission="incidents:read", returns=Incident, errors=(404,)
)
def get_incident(ws: Workspace, incident_id: str) -> Incident:
    """Return one incident with its evidence and history."""
    return service.get_incident(ws, incident_id)


@router.route(
    "POST", "/<text:incident_id>/state", permission="incidents:write", body=Change,
    returns=Incident, errors=(404, 409),
)  # fmt: skip
def change_state(ws: Workspace, incident_id: str, body: Change) -> Incident:
    """Acknowledge or resolve an incident."""
    return service.change_state(ws, incident_id, body.state, note=body.note)
