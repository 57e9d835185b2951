"""/api/trust: what trust scores are made of, and every version of it."""

from __future__ import annotations

from app.api.routing import Router
from services import trust_policy as service
from services.trust_policy import PolicyDefinition, PolicyVersion
from services.workspace import Workspace

router = Router("trust", "/api/trust")


@router.route("GET", "/policies", permission="trust:read", returns=list[PolicyVersion])
def list_policies(ws: Workspace) -> list[PolicyVersion]:
    """Return the trust policy in use for every kind of model."""
    return service.list_policies(ws)


@router.route(
    "GET", "/policies/<text:model_type>", permission="trust:read", returns=PolicyVersion,
    errors=(404,),
)  # fmt: skip
def get_policy(ws: Workspace, model_type: str) -> PolicyVersion:
    """Return the trust policy of a kind of model: the tenant's own, else the shipped one."""
    return service.get_policy(ws, model_type)


@router.route(
    "PUT", "/policies/<text:model_type>", permission="policy:write", body=PolicyDefinition,
    returns=PolicyVersion, errors=(404, 422),
)  # fmt: skip
def set_policy(ws: Workspace, model_type: str, body: PolicyDefinition) -> PolicyVersion:
    """Put another trust policy to use; every change is a new version."""
    return service.set_policy(ws, model_type, body)


@router.route(
    "DELETE", "/policies/<text:model_type>", permission="policy:write", returns=PolicyVersion,
    errors=(404,),
)  # fmt: skip
def restore_policy(ws: Workspace, model_type: str) -> PolicyVersion:
    """Put the shipped trust policy back to use; own versions stay readable."""
    return service.restore_policy(ws, model_type)


@router.route(
    "GET", "/policies/<text:model_type>/versions", permission="trust:read",
    returns=list[PolicyVersion], errors=(404,),
)  # fmt: skip
def list_versions(ws: Workspace, model_type: str) -> list[PolicyVersion]:
    """Return every trust policy that was in use, newest first, with who changed it and when."""
    return service.list_versions(ws, model_type)
