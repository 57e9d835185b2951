"""/api/security: attacks, leaks, access and risk."""

from __future__ import annotations

import msgspec

from app.api.queries import Span, window_of
from app.api.routing import Router
from engines.security import Kind, Scan
from services import access, key_misuse, security, security_events
from services.security_scan import StoredFinding
from services.workspace import Workspace

router = Router("security", "/api/security")


class Scope(Span, frozen=True):
    """A window and, optionally, one model."""

    model_id: str | None = None


class FindingQuery(Scope, frozen=True):
    """Which findings to list."""

    kind: Kind | None = None
    limit: int = 100


@router.route(
    "GET", "/overview", permission="security:read", query=Scope, returns=security.SecurityView
)
def overview(ws: Workspace, query: Scope) -> security.SecurityView:
    """Return attempts, leaks, refusals, guardrail verdicts, response times and risk."""
    return security.get_security(ws, window_of(ws, query), model_id=query.model_id)


@router.route(
    "GET", "/findings", permission="security:read", query=FindingQuery,
    returns=list[StoredFinding], errors=(422,),
)  # fmt: skip
def findings(ws: Workspace, query: FindingQuery) -> list[StoredFinding]:
    """Return findings, newest first; masked excerpts only with content:read."""
    return security.list_findings(
        ws, window_of(ws, query), model_id=query.model_id, kind=query.kind, limit=query.limit
    )


class EventsQuery(Scope, frozen=True):
    """Which events to list."""

    limit: int = 100


@router.route(
    "GET", "/events", permission="security:read", query=EventsQuery,
    returns=list[security_events.SecurityEvent], errors=(422,),
)  # fmt: skip
def events(ws: Workspace, query: EventsQuery) -> list[security_events.SecurityEvent]:
    """Return events of type security and log lines that name a guardrail or security."""
    return security_events.list_security_events(
        ws, window_of(ws, query), model_id=query.model_id, limit=query.limit
    )


@router.route("GET", "/access", permission="security:read", query=Span, returns=access.AccessTotals)
def access_totals(ws: Workspace, query: Span) -> access.AccessTotals:
    """Return requests answered and refused, by reason and key."""
    return access.get_access(ws, window_of(ws, query))


class UnusualAccess(msgspec.Struct, frozen=True):
    """Requests per key and hour, and hours that stand out."""

    map: access.AccessMap


@router.route("GET", "/access/map", permission="security:read", query=Span, returns=UnusualAccess)
def access_map(ws: Workspace, query: Span) -> UnusualAccess:
    """Return requests per key and hour with the hours that a key's own past does not explain."""
    return UnusualAccess(access.get_access_map(ws, window_of(ws, query)))


@router.route(
    "GET", "/keys", permission="security:read", query=Span, returns=key_misuse.KeyMisuseView
)  # fmt: skip
def keys(ws: Workspace, query: Span) -> key_misuse.KeyMisuseView:
    """Return revoked keys in use and what a key's own past does not explain."""
    return key_misuse.get_key_misuse(ws, window_of(ws, query))


@router.route(
    "POST", "/scan", permission="security:read", body=security.ToScan | list[security.ToScan],
    returns=Scan | list[Scan], errors=(422,),
)  # fmt: skip
def scan(ws: Workspace, body: security.ToScan | list[security.ToScan]) -> Scan | list[Scan]:
    """Scan one text or many now; nothing of them is stored or given back."""
    if isinstance(body, list):
        return security.scan_texts(ws, body)
    return security.scan_texts(ws, [body])[0]
