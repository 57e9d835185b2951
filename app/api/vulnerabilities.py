"""/api/security/vulnerabilities: scans come in, open vulnerabilities go out."""

from __future__ import annotations

import msgspec
from flask import request

from app.api.routing import Router, read_body
from engines.security import Grade
from services import vulnerabilities as service
from services import vulnerability_scans as scans
from services.errors import UnsupportedMedia
from services.workspace import Workspace

router = Router("vulnerabilities", "/api/security/vulnerabilities")
_MEDIA = (
    "", "application/json", "application/vnd.cyclonedx+json", "application/sarif+json",
)  # fmt: skip


class ScanQuery(msgspec.Struct, frozen=True):
    """Who scanned what and when; what the report itself says is taken where these are empty."""

    source: str = ""
    subject: str = ""
    scanned_at: str = ""
    complete: bool = True


class VulnerabilityQuery(msgspec.Struct, frozen=True):
    """Which vulnerabilities to list, and in which order."""

    state: service.State | None = "open"
    severity: Grade | None = None
    source: str | None = None
    subject: str | None = None
    text: str = ""
    sort: service.Order = "severity"
    limit: int = 100
    cursor: str | None = None


class Forgotten(msgspec.Struct, frozen=True):
    """What was deleted."""

    scan_id: str


@router.route(
    "POST", "", permission="ingest:write", query=ScanQuery,
    body="application/json, application/vnd.cyclonedx+json or application/sarif+json",
    returns=scans.ScanReceipt, status=201, errors=(409, 413, 415, 422),
)  # fmt: skip
def record_scan(ws: Workspace, query: ScanQuery) -> scans.ScanReceipt:
    """Take a scanner's report: CycloneDX, SARIF 2.1.0, OSV-Scanner's JSON or a plain list."""
    if request.mimetype not in _MEDIA:
        raise UnsupportedMedia(f"send application/json, not {request.mimetype}")
    return scans.record_scan(
        ws, read_body(), source=query.source, subject=query.subject, scanned_at=query.scanned_at,
        is_complete=query.complete,
    )  # fmt: skip


@router.route(
    "GET", "", permission="security:read", query=VulnerabilityQuery,
    returns=service.VulnerabilityPage, errors=(422,),
)  # fmt: skip
def list_vulnerabilities(ws: Workspace, query: VulnerabilityQuery) -> service.VulnerabilityPage:
    """Return vulnerabilities, the worst first; filter by state, severity, source, subject, text."""
    return service.list_vulnerabilities(
        ws, state=query.state, severity=query.severity, source=query.source,
        subject=query.subject, text=query.text, sort=query.sort, limit=query.limit,
        cursor=query.cursor,
    )  # fmt: skip


@router.route(
    "GET", "/summary", permission="security:read", returns=service.VulnerabilityView
)  # fmt: skip
def get_summary(ws: Workspace) -> service.VulnerabilityView:
    """Return open vulnerabilities by severity and age, time to fix, trend and scanned systems."""
    return service.get_vulnerabilities(ws)


@router.route(
    "DELETE", "/systems/<text:scan_id>", permission="tenant:admin", returns=Forgotten,
    errors=(404,),
)  # fmt: skip
def forget_scan(ws: Workspace, scan_id: str) -> Forgotten:
    """Delete what is known of a system that is no more; nothing of it counts as fixed."""
    scans.forget_scan(ws, scan_id)
    return Forgotten(scan_id)
