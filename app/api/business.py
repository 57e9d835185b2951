"""/api/dashboard/costs and /api/business: spending, budget, value and prices."""

from __future__ import annotations

from typing import Any

import msgspec

from app.api.queries import Part, choice_of, window_of
from app.api.routing import Router
from engines import business
from services import budgets, business_policy, costs, value
from services.workspace import Workspace

dashboard_router = Router("dashboard_costs", "/api/dashboard")
router = Router("business", "/api/business")


class Prices(msgspec.Struct, frozen=True):
    """The pinned price table, and the tenant's own prices that go before it."""

    version: str
    date: str
    currency: str
    unit: str
    source: str
    models: list[dict[str, Any]]  # JSON lines of the table
    own: dict[str, business_policy.OwnPrice]


@dashboard_router.route("GET", "/costs", permission="costs:read", query=Part, returns=costs.Costs)
def get_costs(ws: Workspace, query: Part) -> costs.Costs:
    """Return what a window cost, per unit of work, and by model, segment, region and version."""
    return costs.get_costs(ws, window_of(ws, query), choice_of(query))


@router.route("GET", "/budget", permission="costs:read", returns=budgets.SpendTrack)
def get_budget(ws: Workspace) -> budgets.SpendTrack:
    """Return spending of the running period with a forecast of the rest and its interval."""
    return budgets.get_spend_track(ws)


@router.route("GET", "/anomalies", permission="costs:read", query=Part, returns=budgets.Surprises)
def get_anomalies(ws: Workspace, query: Part) -> budgets.Surprises:
    """Return hours whose cost stands out, with the models and segments behind them."""
    return budgets.get_surprises(ws, window_of(ws, query), choice_of(query))


@router.route("GET", "/value", permission="costs:read", query=Part, returns=value.Value)
def get_value(ws: Workspace, query: Part) -> value.Value:
    """Return outcomes with intervals, lifts between versions, and return on investment."""
    return value.get_value(ws, window_of(ws, query), choice_of(query))


@router.route(
    "GET", "/losses", permission="costs:read", query=Part, returns=list[value.IncidentLoss]
)
def get_losses(ws: Workspace, query: Part) -> list[value.IncidentLoss]:
    """Return what incidents of models cost in outcomes and money."""
    return value.get_losses(ws, window_of(ws, query), choice_of(query))


@router.route("GET", "/prices", permission="costs:read", returns=Prices)
def get_prices(ws: Workspace) -> Prices:
    """Return prices of tokens with their date and source."""
    table = business.load_prices()
    own = business_policy.get_business_policy(ws).prices
    names = ("version", "date", "currency", "unit", "source", "models")
    return Prices(**{name: table[name] for name in names}, own=own)


@router.route("GET", "/policy", permission="costs:read", returns=business_policy.BusinessPolicy)
def get_policy(ws: Workspace) -> business_policy.BusinessPolicy:
    """Return the tenant's prices, budget and value metrics."""
    return business_policy.get_business_policy(ws)


@router.route(
    "PUT", "/policy", permission="costs:write", body=business_policy.BusinessPolicy,
    returns=business_policy.BusinessPolicy, errors=(422,),
)  # fmt: skip
def put_policy(
    ws: Workspace, body: business_policy.BusinessPolicy
) -> business_policy.BusinessPolicy:
    """Replace prices, budget and value metrics; kept history is priced anew from them."""
    return business_policy.set_business_policy(ws, body)
