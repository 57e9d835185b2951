"""/api/slo: objectives, their error budgets and their revisions."""

from __future__ import annotations

import msgspec

from app.api.routing import Router
from services import slo as service
from services.slo import Definition, Objective, SloStatus
from services.workspace import Workspace

router = Router("slo", "/api/slo")


class OfModel(msgspec.Struct, frozen=True):
    """Whose objectives."""

    model_id: str = ""


class NewObjective(msgspec.Struct, frozen=True):
    """An id and what is promised."""

    id: str
    definition: Definition


class Removed(msgspec.Struct, frozen=True):
    """What was deleted."""

    id: str


@router.route("GET", "", permission="slo:read", query=OfModel, returns=list[SloStatus])
def list_objectives(ws: Workspace, query: OfModel) -> list[SloStatus]:
    """Return every objective with its error budget, burn rates and alerts, the worst first."""
    return service.list_error_budgets(ws, query.model_id)


@router.route(
    "POST", "", permission="slo:write", body=NewObjective, returns=Objective, status=201,
    errors=(409, 422),
)  # fmt: skip
def define(ws: Workspace, body: NewObjective) -> Objective:
    """Define an objective; `warnings` name alert rules that could never fire as planned."""
    return service.define(ws, body.id, body.definition, is_new=True)


@router.route(
    "GET", "/<text:slo_id>", permission="slo:read", returns=SloStatus, errors=(404,)
)  # fmt: skip
def get_error_budget(ws: Workspace, slo_id: str) -> SloStatus:
    """Return one objective with its error budget, burn rates, alerts and timeline."""
    return service.get_error_budget(ws, slo_id)


@router.route(
    "PUT", "/<text:slo_id>", permission="slo:write", body=Definition, returns=Objective,
    errors=(422,),
)  # fmt: skip
def change(ws: Workspace, slo_id: str, body: Definition) -> Objective:
    """Define or change an objective; every change is a new revision."""
    return service.define(ws, slo_id, body)


@router.route("DELETE", "/<text:slo_id>", permission="slo:write", returns=Removed, errors=(404,))
def remove(ws: Workspace, slo_id: str) -> Removed:
    """Delete an objective; its revisions stay readable."""
    service.remove(ws, slo_id)
    return Removed(slo_id)


@router.route(
    "GET", "/<text:slo_id>/revisions", permission="slo:read", returns=list[Objective],
    errors=(404,),
)  # fmt: skip
def revisions(ws: Workspace, slo_id: str) -> list[Objective]:
    """Return every revision, newest first."""
    return service.list_revisions(ws, slo_id)
