"""/api/reports: each page as a PDF document."""

from __future__ import annotations

import msgspec
from flask import Response

from app.api.routing import Router, download
from components import scope as scopes
from components.report_document import assets
from connectors.pdf import write_pdf
from pages import report
from services.reports import get_report
from services.times import to_rfc3339
from services.workspace import Workspace

router = Router("reports", "/api/reports")


class ScopeQuery(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the page's address says: every filter of the page applies to its report."""

    tenant: str = ""
    model: str = ""
    version: str = ""
    segment: str = ""
    range: str = ""
    start: str = msgspec.field(default="", name="from")
    end: str = msgspec.field(default="", name="to")
    compare: str = ""
    focus: str = ""
    detail: str = ""
    lang: str = ""
    live: str = ""
    refresh: str = ""
    theme: str = ""


@router.route("GET", "", permission="metrics:read", returns=list[str])
def names(_ws: Workspace) -> list[str]:
    """Return the pages that have a report."""
    return list(report.reports())


@router.route(
    "GET", "/<text:page>.pdf", permission="metrics:read", query=ScopeQuery,
    produces="application/pdf", errors=(404,),
)  # fmt: skip
def page_report(ws: Workspace, page: str, query: ScopeQuery) -> Response:
    """Return a page with its filters as PDF: cover, figures, tables, definitions."""
    scope = scopes.parse(msgspec.to_builtins(query))
    content = get_report(
        ws, page, scope.to_query(), lambda: write_pdf(report.compose(ws, page, scope), assets())
    )
    day = to_rfc3339(ws.now_ms())[:10]
    answer = download(content, "application/pdf", f"aiobs-{page}-{day}.pdf")
    answer.headers["Cache-Control"] = "no-store"
    return answer
