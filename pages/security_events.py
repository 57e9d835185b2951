"""Security: what systems reported themselves, in their own words, with a way to the request."""

from __future__ import annotations

from typing import Any

from dash import html

from components import states
from components.address import link, packed
from components.panel import moment
from components.status import mark, pill
from components.tables import Column, table
from components.theme import Status
from pages.security_panels import words
from pages.sources import trace_link
from services.security_events import SecurityEvent

PANEL = ("security_events", 12, 240, "security_events_definition")
SHOWN = 12
COMMAND = (
    "curl -X POST http://127.0.0.1:8000/api/ingest/events -H 'Content-Type: application/json' -d "
    '\'{"events":[{"title":"prompt refused","event_type":"security","model_id":"my-model",'
    '"guardrail":"pii","verdict":"blocked","latency_ms":12}]}\''
)
_LONGEST = 160
_STATUS: dict[str, Status] = {
    "critical": "bad", "fatal": "bad", "error": "bad", "high": "bad", "warning": "warn",
    "warn": "warn", "medium": "warn",
}  # fmt: skip
_VERDICT: dict[str, Status] = {"blocked": "good", "allowed": "bad", "flagged": "warn"}


def events(found: list[SecurityEvent]) -> Any:
    """Return the newest events as a table, or how to send the first one."""
    if not found:
        return states.empty(words("no_events"), hint=words("no_events_hint"), command=COMMAND)
    columns = [
        Column("when", words("when"), "node"),
        Column("severity", words("severity"), "node"),
        Column("title", words("event_title"), "node"),
        Column("result", words("result"), "node"),
        Column("where", words("system"), "node"),
        Column("request", words("event_request"), "node"),
    ]
    rows = [_row(one) for one in found[:SHOWN]]
    return table(columns, rows, caption=words("security_events"), total=len(found))


def _row(one: SecurityEvent) -> dict[str, Any]:
    title = one.title if len(one.title) <= _LONGEST else f"{one.title[: _LONGEST - 1]}…"
    result = pill(_VERDICT[one.verdict], words(f"verdict_{one.verdict}")) if one.verdict else "–"
    return {
        "when": moment(one.at_ms),
        "severity": mark(_STATUS.get(one.severity.lower(), "none"), _severity(one.severity)),
        "title": html.Span(title, dir="auto", className="notranslate"),
        "result": result,
        "where": html.Bdi(" · ".join(name for name in (one.service, one.model_id or "") if name)),
        "request": trace_link(one.trace_id) if one.trace_id else _logs(one),
    }


def _severity(word: str) -> Any:
    """The sender's own word: its scale is not the hub's."""
    return html.Bdi(word, className="notranslate")


def _logs(one: SecurityEvent) -> Any:
    if one.origin != "log" or not one.service:
        return "–"
    address = link("/logs", focus=packed(service=one.service, text=one.title[:60]))
    return html.A(words("event_logs"), href=address)
