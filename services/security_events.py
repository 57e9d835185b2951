"""Security events that systems sent themselves: as events of type security, or in their logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from connectors.protocols import EventQuery
from connectors.telemetry import Log
from services.errors import Invalid
from services.explore import list_events, list_logs
from services.identity import permitted
from services.times import Window
from services.workspace import Workspace

MAX_EVENTS = 500
_IN_LOGS = ("guardrail", "security")
Verdict = Literal["blocked", "allowed", "flagged"]
_VERDICTS: dict[str, Verdict] = {
    "blocked": "blocked", "block": "blocked", "denied": "blocked", "deny": "blocked",
    "refused": "blocked", "redacted": "blocked", "masked": "blocked",
    "allowed": "allowed", "allow": "allowed", "passed": "allowed", "pass": "allowed",
    "flagged": "flagged", "flag": "flagged", "warn": "flagged",
}  # fmt: skip


class SecurityEvent(msgspec.Struct, frozen=True):
    """One event in the sender's words; `severity` is its severity, or the level of its log line."""

    at_ms: int
    title: str
    severity: str
    verdict: Verdict | None
    origin: Literal["event", "log"]
    service: str
    model_id: str | None
    trace_id: str | None


def verdict_of(attributes: Mapping[str, Any]) -> Verdict | None:
    """Return what a guardrail decided, from the attribute `verdict` or `action`.

    >>> verdict_of({"action": "Deny"}), verdict_of({"verdict": 7})
    ('blocked', None)
    """
    return _VERDICTS.get(str(attributes.get("verdict", attributes.get("action", ""))).lower())


@permitted("security:read")
def list_security_events(
    ws: Workspace, window: Window, *, model_id: str | None = None, limit: int = 100
) -> list[SecurityEvent]:
    """Return events of type security and log lines that name a guardrail or security, newest
    first."""
    if not 1 <= limit <= MAX_EVENTS:
        raise Invalid(f"limit is 1 to {MAX_EVENTS}, got {limit}")
    query = EventQuery(
        window.start_ms, window.end_ms, kind="security", model_id=model_id, limit=limit
    )
    found = [
        SecurityEvent(
            event.timestamp_ms, event.title, event.severity, verdict_of(event.attributes), "event",
            event.service or "", event.model_id, None,
        )
        for event in list_events(ws, query).rows
    ]  # fmt: skip
    lines: dict[str, Log] = {}
    for word in _IN_LOGS:
        asked = EventQuery(
            window.start_ms, window.end_ms, text=word, model_id=model_id, limit=limit
        )
        lines |= {line.log_id: line for line in list_logs(ws, asked).rows}
    found += [
        SecurityEvent(
            line.timestamp_ms, line.message, line.level, verdict_of(line.attributes), "log",
            line.service, line.model_id, line.trace_id,
        )
        for line in lines.values()
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.at_ms, one.title))[:limit]
