"""What is open, worst first, and how old the evidence of the controls is."""

from __future__ import annotations

from typing import Any

from dash import html

from components import states
from components.panel import moment
from components.status import mark
from components.tables import Column, meter, meters, table
from components.theme import Status
from engines.compliance import AgeBand, OpenFinding
from engines.result import Insufficient
from i18n import number
from pages import sources
from pages.compliance_words import PATH, focus_link, span, title_of, words
from services.compliance import Compliance
from services.incidents import get_incident
from services.workspace import Workspace

SEVERITY: dict[str, Status] = {"critical": "bad", "high": "bad", "medium": "warn", "low": "none"}
_SHOWN = 8


def ages_of(found: Compliance) -> Any:
    """Return how many controls have evidence of which age, one bar a band."""
    total = len(found.controls)
    dated = sum(band.in_date + band.too_old for band in found.ages)
    if not dated:
        return Insufficient(words("age_none"))
    edges = [span(band.below_ms) for band in found.ages if band.below_ms is not None]
    # Isolated: beside right-to-left words the sign would change sides.
    labels = [*(f"\u2066< {edge}\u2069" for edge in edges), f"\u2066≥ {edges[-1]}\u2069"]
    rows = [_bar(label, b, total) for label, b in zip(labels, found.ages, strict=True)]
    none = total - dated
    return meters([*rows, meter(words("age_none"), none / total, number(none), status="none")])


def _bar(label: str, band: AgeBand, total: int) -> list[Any]:
    n = band.in_date + band.too_old
    shown = number(n)
    if band.too_old:
        shown = f"{shown} · {words('n_too_old', n=band.too_old)}"
    return meter(label, n / total, shown, status="warn" if band.too_old else "good")


def findings_of(ws: Workspace, found: Compliance) -> Any:
    """Return what is open, worst first, each with why, its owner and since when."""
    if not found.models:
        return Insufficient(words("why_no_models"))
    if not found.findings:
        return states.calm(words("no_findings"), words("no_findings_hint"))
    columns = [
        Column("severity", words("severity"), "node"),
        Column("what", words("finding"), "node"),
        Column("why", words("why"), "node"),
        Column("owner", words("owner"), "node"),
        Column("since", words("since"), "node"),
    ]
    rows = [_finding_row(ws, one) for one in found.findings[:_SHOWN]]
    shown = table(columns, rows, caption=words("findings"), total=len(found.findings))
    return html.Div([_counts(found), shown])


def _counts(found: Compliance) -> html.P:
    marks = [
        mark(SEVERITY[name] if n else "none", f"{words(f'sev_{name}')} {number(n)}")
        for name, n in found.findings_by_severity.items()
    ]
    return html.P(marks, className="pill-row")


def _finding_row(ws: Workspace, one: OpenFinding) -> dict[str, Any]:
    if one.kind == "control":
        link = html.A(title_of(one.subject), href=f"{PATH}?focus={one.subject}")
    elif one.kind == "model_card":
        link = html.A(words("finding_card", name=one.subject), href=focus_link("card", one.subject))
    elif one.kind == "vulnerability":
        link = html.A(words("finding_vulnerable", name=one.subject), href="/security")
    else:
        incident = get_incident(ws, one.subject)
        page = f"{PATH}?focus=incident/{one.subject}"
        href = page if one.kind == "report" else sources.incident_link(incident)
        link = html.A(sources.incident_title(incident), href=href)
    return {
        "severity": mark(SEVERITY[one.severity], words(f"sev_{one.severity}")),
        "what": link,
        "why": words(f"why_{one.why}"),
        "owner": html.Bdi(", ".join(one.owners)) if one.owners else words("no_owner"),
        "since": moment(one.since_ms) if one.since_ms is not None else "–",
    }
