"""Who asks and what they may do: principals, roles, a permission on every service function."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Literal, ParamSpec, TypeVar

import msgspec

from engines.sentence import say
from services.errors import Forbidden

if TYPE_CHECKING:
    from services.workspace import Workspace

P = ParamSpec("P")
R = TypeVar("R")

_READ = frozenset(
    {
        "metrics:read", "models:read", "events:read", "logs:read", "content:read", "trust:read",
        "causal:read", "impact:read", "slo:read", "alerts:read", "incidents:read", "costs:read",
        "carbon:read", "security:read", "compliance:read", "profile:read",
    }
)  # fmt: skip
_ADMIN = frozenset({"tenant:admin", "keys:admin", "members:admin", "policy:write"})

ROLES: dict[str, frozenset[str]] = {
    "viewer": _READ - {"content:read", "security:read"},
    "analyst": _READ | {"views:share"},
    "ml_engineer": _READ
    | {
        "models:write", "analysis:run", "events:write", "policy:write", "cards:write",
        "views:share",
    },
    "sre": _READ
    | {
        "slo:write", "alerts:write", "incidents:write", "analysis:run", "events:write",
        "views:share",
    },
    "compliance_officer": _READ
    | {
        "audit:read", "audit:export", "compliance:write", "cards:write", "requests:read",
        "requests:write", "views:share",
    },
    "auditor": _READ | {"audit:read", "audit:export", "requests:read"},
    "sustainability_lead": _READ | {"carbon:write", "views:share"},
    "sender": frozenset(
        {"ingest:write", "models:read", "models:write", "events:read", "events:write"}
    ),
    "tenant_admin": _READ
    | _ADMIN
    | {
        "ingest:write", "models:write", "analysis:run", "events:write", "slo:write", "alerts:write",
        "incidents:write", "audit:read", "audit:export", "compliance:write", "cards:write",
        "requests:read", "requests:write", "carbon:write", "costs:write", "views:share",
    },
    "scheduler": _READ | {"analysis:run", "ingest:write", "maintain:run"},
}  # fmt: skip
ROLES["platform_admin"] = ROLES["tenant_admin"] | {"platform:admin", "maintain:run"}
"""`scheduler` is the hub's own principal for jobs; keys cannot be given it."""

GRANTABLE = tuple(sorted(set(ROLES) - {"scheduler"}))
PERMISSIONS = frozenset().union(*ROLES.values())


class Principal(msgspec.Struct, frozen=True):
    """An authenticated caller: a key, a session, the local user or the scheduler."""

    id: str
    tenant: str
    roles: tuple[str, ...]
    method: Literal["local", "api_key", "session", "scheduler"]
    name: str = ""

    @property
    def permissions(self) -> frozenset[str]:
        """What the roles allow together; an unknown role allows nothing."""
        return frozenset().union(*(ROLES.get(role, frozenset()) for role in self.roles))


def permitted(
    permission: str,
) -> Callable[[Callable[Concatenate[Workspace, P], R]], Callable[Concatenate[Workspace, P], R]]:
    """Refuse the call with `Forbidden` unless the workspace's principal holds `permission`.

    The permission is on the service, not on the route: Dash sends every callback to one URL.
    """
    if permission not in PERMISSIONS:
        raise ValueError(f"no role holds the permission {permission!r}")

    def declare(
        function: Callable[Concatenate[Workspace, P], R],
    ) -> Callable[Concatenate[Workspace, P], R]:
        @wraps(function)
        def guarded(ws: Workspace, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if permission not in ws.principal.permissions:
                raise Forbidden(
                    say(
                        "reasons.needs_permission",
                        "this needs the permission {permission}",
                        permission=permission,
                    ),
                    permission=permission,
                )
            return function(ws, *args, **kwargs)

        guarded.__permission__ = permission  # type: ignore[attr-defined]
        return guarded

    return declare
