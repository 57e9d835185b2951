"""/api/admin: tenants and keys."""

from __future__ import annotations

import msgspec

from app.api.routing import Router
from services import keys, tenants
from services.workspace import Workspace

router = Router("admin", "/api/admin")


class NewTenant(msgspec.Struct, frozen=True):
    """A tenant to create."""

    id: str
    name: str = ""


class KeyRequest(msgspec.Struct, frozen=True):
    """A key to create; `tenant` other than one's own needs platform:admin."""

    role: str
    name: str = ""
    tenant: str | None = None


@router.route("GET", "/tenants", permission="tenant:admin", returns=list[tenants.Tenant])
def list_tenants(ws: Workspace) -> list[tenants.Tenant]:
    """Return the tenants that the caller administers."""
    return tenants.list_tenants(ws)


@router.route(
    "POST", "/tenants", permission="platform:admin", body=NewTenant, returns=tenants.Tenant,
    status=201, errors=(409, 422),
)  # fmt: skip
def create_tenant(ws: Workspace, body: NewTenant) -> tenants.Tenant:
    """Create a tenant; it starts empty."""
    return tenants.create_tenant(ws, body.id, name=body.name)


@router.route("GET", "/keys", permission="keys:admin", returns=list[keys.KeyInfo])
def list_keys(ws: Workspace) -> list[keys.KeyInfo]:
    """Return the tenant's keys, without anything secret."""
    return keys.list_keys(ws)


@router.route(
    "POST", "/keys", permission="keys:admin", body=KeyRequest, returns=keys.NewKey, status=201,
    errors=(422,),
)  # fmt: skip
def create_key(ws: Workspace, body: KeyRequest) -> keys.NewKey:
    """Create a key; the answer is the only time its secret is shown."""
    return keys.create_key(ws, body.role, name=body.name, tenant=body.tenant)


@router.route(
    "DELETE", "/keys/<text:key_id>", permission="keys:admin", returns=keys.KeyInfo, errors=(404,)
)
def revoke_key(ws: Workspace, key_id: str) -> keys.KeyInfo:
    """Make a key useless from now on."""
    return keys.revoke_key(ws, key_id)
