"""API keys: shown once, stored as a keyed hash, looked up by their public id."""

from __future__ import annotations

import secrets
import string

import msgspec

from connectors.protocols import RecordStore
from services.errors import Forbidden, Invalid, NotFound
from services.identity import GRANTABLE, Principal, permitted
from services.tenants import check_tenant_id, require_tenant
from services.workspace import Workspace

_KIND = "api_key"
_ALPHABET = string.ascii_letters + string.digits


class KeyInfo(msgspec.Struct, frozen=True):
    """What may be shown of a key."""

    id: str
    tenant: str
    role: str
    name: str
    created_at_ms: int
    revoked: bool


class NewKey(msgspec.Struct, frozen=True):
    """A key at the only moment when its secret is known."""

    key: str
    info: KeyInfo


@permitted("keys:admin")
def create_key(ws: Workspace, role: str, *, name: str = "", tenant: str | None = None) -> NewKey:
    """Create a key for a role of this tenant; another tenant needs `platform:admin`."""
    tenant = ws.tenant if tenant is None else tenant
    check_tenant_id(tenant)
    if tenant != ws.tenant and "platform:admin" not in ws.principal.permissions:
        raise Forbidden("a key for another tenant needs the permission platform:admin")
    if role not in GRANTABLE:
        raise Invalid(f"{role!r} is not a role; choose one of {', '.join(GRANTABLE)}")
    if role == "platform_admin" and "platform:admin" not in ws.principal.permissions:
        raise Forbidden("only a platform administrator can create a platform administrator's key")
    require_tenant(ws, tenant)
    key_id = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(43))
    info = KeyInfo(key_id, tenant, role, name, ws.now_ms(), revoked=False)
    body = msgspec.to_builtins(info) | {"hash": ws.sign(secret.encode())}
    ws.installation.put(_KIND, key_id, body, expected_revision=0)
    return NewKey(f"aiobs_{key_id}.{secret}", info)


@permitted("keys:admin")
def list_keys(ws: Workspace) -> list[KeyInfo]:
    """Return this tenant's keys, without anything secret."""
    rows = ws.installation.list(_KIND, where={"tenant": ws.tenant})
    return [msgspec.convert(row.body, KeyInfo) for row in rows]


@permitted("keys:admin")
def revoke_key(ws: Workspace, key_id: str) -> KeyInfo:
    """Make a key of this tenant useless from now on."""
    row = ws.installation.get(_KIND, key_id)
    if row is None or row.body["tenant"] != ws.tenant:
        raise NotFound(f"there is no key {key_id!r}")
    body = row.body | {"revoked": True}
    ws.installation.put(_KIND, key_id, body, expected_revision=row.revision)
    return msgspec.convert(body, KeyInfo)


def parse_key(presented: str) -> tuple[str, str] | None:
    """Return (id, secret) of a well-formed key, or None."""
    prefix, _, rest = presented.strip().partition("_")
    key_id, _, secret = rest.partition(".")
    well_formed = prefix == "aiobs" and len(key_id) == 8 and len(secret) == 43
    return (key_id, secret) if well_formed and presented.isascii() else None


def find_key(
    installation: RecordStore, key_id: str, *, revoked: bool = False
) -> tuple[Principal, str] | None:
    """Return the principal and secret hash of a key that is not revoked; for the guard.

    With `revoked`, of one that is: to know whose it was when it still comes.
    """
    row = installation.get(_KIND, key_id)
    if row is None or bool(row.body["revoked"]) != revoked:
        return None
    body = row.body
    principal = Principal(key_id, body["tenant"], (body["role"],), "api_key", body["name"])
    return principal, body["hash"]
