"""Tenants: who shares this installation. Every other record belongs to exactly one."""

from __future__ import annotations

import re

import msgspec

from engines.sentence import say
from services.errors import Conflict, Invalid, NotFound
from services.identity import permitted
from services.workspace import Workspace

_KIND = "tenant"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
DEFAULT_TENANT = "default"


class Tenant(msgspec.Struct, frozen=True):
    """One customer of the installation."""

    id: str
    name: str
    created_at_ms: int


def check_tenant_id(tenant: str) -> None:
    """Raise `Invalid` unless the id is lower-case letters, digits and hyphens."""
    if _ID.fullmatch(tenant) is None:
        raise Invalid(
            say(
                "reasons.tenant_id_form",
                "a tenant id is 1 to 63 lower-case letters, digits and hyphens",
            )
        )


@permitted("platform:admin")
def create_tenant(ws: Workspace, tenant: str, *, name: str = "") -> Tenant:
    """Create a tenant; it starts empty."""
    check_tenant_id(tenant)
    if ws.installation.get(_KIND, tenant) is not None:
        raise Conflict(say("reasons.tenant_exists", "the tenant {id} exists", id=tenant))
    made = Tenant(tenant, name or tenant, ws.now_ms())
    ws.installation.put(_KIND, tenant, msgspec.to_builtins(made), expected_revision=0)
    return made


@permitted("tenant:admin")
def list_tenants(ws: Workspace) -> list[Tenant]:
    """Return the tenants that the caller administers: all for a platform administrator."""
    rows = ws.installation.list(_KIND)
    tenants = [msgspec.convert(row.body, Tenant) for row in rows]
    if "platform:admin" in ws.principal.permissions:
        return tenants
    return [t for t in tenants if t.id == ws.tenant]


def require_tenant(ws: Workspace, tenant: str) -> Tenant:
    """Return a tenant that exists; the default one is made on first use."""
    row = ws.installation.get(_KIND, tenant)
    if row is not None:
        return msgspec.convert(row.body, Tenant)
    if tenant == DEFAULT_TENANT or "platform:admin" in ws.principal.permissions:
        made = Tenant(tenant, tenant, ws.now_ms())
        ws.installation.put(_KIND, tenant, msgspec.to_builtins(made))
        return made
    raise NotFound(f"there is no tenant {tenant!r}")


@permitted("maintain:run")
def tenant_ids(ws: Workspace) -> list[str]:
    """Return every tenant's id, for the scheduler."""
    return sorted({DEFAULT_TENANT, *(row.id for row in ws.installation.list(_KIND))})
