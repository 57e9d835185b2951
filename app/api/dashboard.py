"""/api/dashboard: the fleet for programs."""

from __future__ import annotations

from app.api.queries import Span, window_of
from app.api.routing import Router
from services import data_health, fleet, slo, topology
from services.workspace import Workspace

router = Router("dashboard", "/api/dashboard")


@router.route("GET", "/overview", permission="metrics:read", query=Span, returns=fleet.Overview)
def overview(ws: Workspace, query: Span) -> fleet.Overview:
    """Return every model and service with its state, and the open incidents."""
    return fleet.get_overview(ws, window_of(ws, query, 1.0), listed=None)


@router.route(
    "GET",
    "/services",
    permission="metrics:read",
    query=Span,
    returns=list[topology.ServiceHealth],
)
def services(ws: Workspace, query: Span) -> list[topology.ServiceHealth]:
    """Return the health of every service seen in spans."""
    return topology.get_topology(ws, window_of(ws, query, 1.0)).services


@router.route("GET", "/topology", permission="metrics:read", query=Span, returns=topology.Topology)
def calls(ws: Workspace, query: Span) -> topology.Topology:
    """Return services and the calls between them."""
    return topology.get_topology(ws, window_of(ws, query, 1.0))


@router.route("GET", "/slo", permission="slo:read", returns=slo.SloSummary)
def objectives(ws: Workspace) -> slo.SloSummary:
    """Return how many objectives hold, and each with its budget, burn and alerts, worst first."""
    return slo.summarise(ws)


@router.route("GET", "/data-health", permission="models:read", returns=list[data_health.DataHealth])
def data(ws: Workspace) -> list[data_health.DataHealth]:
    """Return the share of sound data, problems and fairness of every model, worst first."""
    return data_health.list_data_health(ws)
