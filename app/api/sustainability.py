"""/api/dashboard/carbon and /api/sustainability: carbon, what would make it less, the policy."""

from __future__ import annotations

import msgspec

from app.api.queries import Part, choice_of, window_of
from app.api.routing import Router
from engines import sustainability
from engines.sustainability import Intensity
from services import carbon, carbon_policy, savings
from services.workspace import Workspace

dashboard_router = Router("dashboard_carbon", "/api/dashboard")
router = Router("sustainability", "/api/sustainability")


class Grid(msgspec.Struct, frozen=True):
    """The pinned table of grid intensities."""

    version: str
    date: str
    source: str
    unit: str
    regions: dict[str, Intensity]


@dashboard_router.route(
    "GET", "/carbon", permission="carbon:read", query=Part, returns=carbon.Carbon
)
def get_carbon(ws: Workspace, query: Part) -> carbon.Carbon:
    """Return carbon with its range, energy, water and SCI, by model, region and hour."""
    return carbon.get_carbon(ws, window_of(ws, query), choice_of(query))


@router.route("GET", "/savings", permission="carbon:read", query=Part, returns=savings.Savings)
def get_savings(ws: Workspace, query: Part) -> savings.Savings:
    """Return what would have emitted less, with computed savings, and what cannot be said."""
    return savings.get_savings(ws, window_of(ws, query), choice_of(query))


@router.route("GET", "/budget", permission="carbon:read", returns=carbon.CarbonTrack)
def get_budget(ws: Workspace) -> carbon.CarbonTrack:
    """Return how the carbon budget stands and where it ends."""
    return carbon.get_carbon_budget(ws)


@router.route("GET", "/grid", permission="carbon:read", returns=Grid)
def get_grid(ws: Workspace) -> Grid:
    """Return the carbon intensity of every cloud region as the tenant's carbon is computed."""
    own = carbon_policy.get_carbon_policy(ws).intensity
    table = sustainability.load_table()
    regions = {r: sustainability.look_up(r, own) for r in sorted({*table["regions"], *own})}
    return Grid(table["version"], table["date"], table["source"], table["unit"], regions)


@router.route("GET", "/policy", permission="carbon:read", returns=carbon_policy.CarbonPolicy)
def get_policy(ws: Workspace) -> carbon_policy.CarbonPolicy:
    """Return what the tenant said of its electricity, facilities, models and carbon budget."""
    return carbon_policy.get_carbon_policy(ws)


@router.route(
    "PUT", "/policy", permission="carbon:write", body=carbon_policy.CarbonPolicy,
    returns=carbon_policy.CarbonPolicy, errors=(422,),
)  # fmt: skip
def put_policy(ws: Workspace, body: carbon_policy.CarbonPolicy) -> carbon_policy.CarbonPolicy:
    """Replace the carbon policy; kept history is computed anew from it."""
    return carbon_policy.set_carbon_policy(ws, body)
