"""The security of a fleet's texts and doors: findings, rates, risk, guardrails, response times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from connectors.protocols import EventQuery, Page
from connectors.selector import select
from engines import security as engine
from engines.result import Insufficient, Interval
from engines.security import Count, Kind, Risk, Scan
from services.access import AccessTotals, get_access
from services.errors import Invalid
from services.explore import list_events, list_logs
from services.identity import permitted
from services.incidents import list_incidents
from services.models import list_models
from services.security_events import verdict_of
from services.security_late import FINDINGS, LEAKED_BOTH, SCANNED
from services.security_scan import KIND, StoredFinding
from services.times import MINUTE_MS, Window
from services.workspace import Workspace

MAX_FINDINGS = 500
MAX_TO_SCAN = 100
_READ_DOCUMENTS = 2_000
MAX_EVENTS_READ = 10_000
"""Events, and as many log lines, that are counted at most: the newest ones."""
_PAGE = 1_000


class Attempts(msgspec.Struct, frozen=True):
    """Attacks of one kind in prompts: how many texts, and how many of them were answered.

    `success_rate` is allowed / (allowed + blocked); None without attempts.
    """

    blocked: int
    allowed: int
    success_rate: float | None
    interval: Interval | None


class Leaks(msgspec.Struct, frozen=True):
    """Outputs with values that their prompts did not hold, and such outputs per thousand: one that
    holds personal data and a secret counts in both and once in the rate."""

    personal_data: int
    secrets: int
    echoed: int
    outputs: int
    per_1000: float | None
    interval: Interval | None


class Guardrails(msgspec.Struct, frozen=True):
    """Verdicts that users' guardrails sent as security events or logs.

    `is_partial` where a window holds more of either than are read: older ones are not counted.
    """

    blocked: int
    allowed: int
    flagged: int
    latency_ms: dict[str, float] | None  # p50, p95
    by_name: dict[str, int]
    is_partial: bool


class Response(msgspec.Struct, frozen=True):
    """How long incidents took to be seen and to be over, in seconds, with their counts."""

    detect_s: float | None
    n_detected: int
    resolve_s: float | None
    n_resolved: int
    open: int


class SecurityView(msgspec.Struct, frozen=True):
    """Everything that the security page says of a window."""

    window: Window
    computed_at_ms: int
    prompts: int
    outputs: int
    injection: Attempts
    jailbreak: Attempts
    leaks: Leaks
    personal_data_in: int
    guardrails: Guardrails
    access: AccessTotals
    response: Response
    risk: Risk | None
    insufficient: Insufficient | None


class ToScan(msgspec.Struct, frozen=True):
    """A text to scan now."""

    text: str


@permitted("security:read")
def scan_texts(ws: Workspace, items: list[ToScan]) -> list[Scan]:
    """Scan texts that a caller hands in; nothing of them is stored or returned."""
    if not 1 <= len(items) <= MAX_TO_SCAN:
        raise Invalid(f"send 1 to {MAX_TO_SCAN} texts, got {len(items)}")
    return [engine.scan(item.text) for item in items]


@permitted("security:read")
def list_findings(
    ws: Workspace,
    window: Window,
    *,
    model_id: str | None = None,
    kind: Kind | None = None,
    limit: int = 100,
) -> list[StoredFinding]:
    """Return findings, newest first; masked excerpts only with `content:read`."""
    if not 1 <= limit <= MAX_FINDINGS:
        raise Invalid(f"limit is 1 to {MAX_FINDINGS}, got {limit}")
    ids = [model_id] if model_id else [model.model_id for model in list_models(ws)]
    start = window.start_ms // MINUTE_MS * MINUTE_MS
    found = [
        one
        for name in ids
        for document in ws.events.analyses(KIND, name, start, window.end_ms, limit=_READ_DOCUMENTS)
        for one in msgspec.json.decode(document.body, type=list[StoredFinding])
        if window.start_ms <= one.at_ms < window.end_ms and (kind is None or one.kind == kind)
    ]
    found.sort(key=lambda f: (-f.at_ms, f.inference_id, f.start))
    if "content:read" in ws.principal.permissions:
        return found[:limit]
    return [replace(one, excerpt="") for one in found[:limit]]


@permitted("security:read")
def get_security(ws: Workspace, window: Window, *, model_id: str | None = None) -> SecurityView:
    """Return attempts, leaks, refusals, guardrail verdicts, response times and the risk of them."""
    counts = _counts(ws, window, model_id)
    scanned = _scanned(ws, window, model_id)
    prompts, outputs = scanned.get("prompt", 0), scanned.get("output", 0)
    access = get_access(ws, window)
    leaks = _leaks(counts, outputs, _leaked_both(ws, window, model_id))
    injection = _attempts(counts, "prompt_injection")
    jailbreak = _attempts(counts, "jailbreak")
    personal_in = _sum(counts, kind="personal_data", direction="prompt")
    refused = access.unauthenticated + access.forbidden + access.throttled
    parts = {
        "secrets_out": Count(leaks.secrets, outputs),
        "personal_data_out": Count(leaks.personal_data, outputs),
        "injection_allowed": Count(injection.allowed, prompts),
        "jailbreak_allowed": Count(jailbreak.allowed, prompts),
        "personal_data_in": Count(personal_in, prompts),
    }
    if model_id is None:  # the hub's doors belong to no model
        parts["denied_access"] = Count(refused, access.requests)
    safe = {name: Count(min(c.events, c.exposures), c.exposures) for name, c in parts.items()}
    answer = engine.assess_risk(safe)
    return SecurityView(
        window=window, computed_at_ms=ws.now_ms(), prompts=prompts, outputs=outputs,
        injection=injection, jailbreak=jailbreak, leaks=leaks, personal_data_in=personal_in,
        guardrails=get_guardrails(ws, window, model_id=model_id), access=access,
        response=get_response_times(ws, window, model_id=model_id),
        risk=answer if isinstance(answer, Risk) else None,
        insufficient=answer if isinstance(answer, Insufficient) else None,
    )  # fmt: skip


Counts = dict[tuple[str, str, str, str], int]  # kind, direction, outcome, severity


def _counts(ws: Workspace, window: Window, model_id: str | None) -> Counts:
    by = ("kind", "direction", "outcome", "severity")
    labels = {"model_id": model_id} if model_id else {}
    found = ws.metrics.window(
        select(FINDINGS, labels), window.start_ms, window.end_ms, window.length_ms,
        over_time="sum", across="sum", by=by,
    )  # fmt: skip
    made: Counts = {}
    for points in found:
        kind, direction, outcome, severity = (points.series.label(name) for name in by)
        made[kind, direction, outcome, severity] = int(np.nansum(points.values))
    return made


def _scanned(ws: Workspace, window: Window, model_id: str | None) -> dict[str, int]:
    labels = {"model_id": model_id} if model_id else {}
    found = ws.metrics.window(
        select(SCANNED, labels), window.start_ms, window.end_ms, window.length_ms,
        over_time="sum", across="sum", by=("direction",),
    )  # fmt: skip
    return {p.series.label("direction"): int(np.nansum(p.values)) for p in found}


def _sum(counts: Counts, **wanted: str) -> int:
    names = ("kind", "direction", "outcome", "severity")
    return sum(
        n
        for key, n in counts.items()
        if all(dict(zip(names, key, strict=True))[name] == value for name, value in wanted.items())
    )


def _attempts(counts: Counts, kind: str) -> Attempts:
    blocked = _sum(counts, kind=kind, direction="prompt", outcome="blocked")
    allowed = _sum(counts, kind=kind, direction="prompt", outcome="allowed")
    n = blocked + allowed
    interval = engine.wilson(allowed, n, 0.95) if n else None
    return Attempts(blocked, allowed, allowed / n if n else None, interval)


def _leaked_both(ws: Workspace, window: Window, model_id: str | None) -> int:
    labels = {"model_id": model_id} if model_id else {}
    found = ws.metrics.window(
        select(LEAKED_BOTH, labels), window.start_ms, window.end_ms, window.length_ms,
        over_time="sum", across="sum",
    )  # fmt: skip
    return int(sum(np.nansum(points.values) for points in found))


def _leaks(counts: Counts, outputs: int, both: int) -> Leaks:
    """Return leaks; `both` answers leaked of either kind, and are one leak each of the rate."""

    def leaked(kind: str) -> int:
        out = _sum(counts, kind=kind, direction="output")
        return out - _sum(counts, kind=kind, direction="output", outcome="prompt")

    personal, secrets = leaked("personal_data"), leaked("secret")
    leaking = personal + secrets - both
    echoed = _sum(counts, direction="output", outcome="prompt")
    if not outputs:
        return Leaks(personal, secrets, echoed, 0, None, None)
    wilson = engine.wilson(min(leaking, outputs), outputs, 0.95)
    interval = Interval(wilson.low * 1_000, wilson.high * 1_000, wilson.level)
    return Leaks(personal, secrets, echoed, outputs, 1_000 * leaking / outputs, interval)


@permitted("security:read")
def get_guardrails(ws: Workspace, window: Window, *, model_id: str | None = None) -> Guardrails:
    """Return verdicts sent as events of type security, or as logs that name a guardrail."""
    asked = EventQuery(window.start_ms, window.end_ms, model_id=model_id)
    events, more = _read_all(ws, list_events, replace(asked, kind="security"))
    logs, more_logs = _read_all(ws, list_logs, replace(asked, text="guardrail"))
    rows: list[dict[str, Any]] = [row.attributes for row in (*events, *logs)]
    verdicts = {"blocked": 0, "allowed": 0, "flagged": 0}
    names: dict[str, int] = {}
    taken: list[float] = []
    for row in rows:
        verdict = verdict_of(row)
        if verdict is None:
            continue
        verdicts[verdict] += 1
        name = str(row.get("guardrail", ""))[:80]
        names[name] = names.get(name, 0) + 1
        latency = row.get("latency_ms")
        if isinstance(latency, int | float) and latency >= 0:
            taken.append(float(latency))
    percentiles = None
    if taken:
        p50, p95 = np.percentile(taken, [50, 95])
        percentiles = {"p50": float(p50), "p95": float(p95)}
    return Guardrails(
        **verdicts, latency_ms=percentiles, by_name=names, is_partial=more or more_logs
    )


def _read_all(
    ws: Workspace, read: Callable[[Workspace, EventQuery], Page], query: EventQuery
) -> tuple[list[Any], bool]:
    """Return the newest rows, page by page, and whether there are more."""
    rows: list[Any] = []
    query = replace(query, limit=_PAGE)
    while len(rows) < MAX_EVENTS_READ:
        page = read(ws, query)
        rows += page.rows
        if page.cursor is None:
            return rows, False
        query = replace(query, cursor=page.cursor)
    return rows, True


@permitted("incidents:read")
def get_response_times(ws: Workspace, window: Window, *, model_id: str | None = None) -> Response:
    """Return mean time to detect and to resolve of incidents opened in a window.

    An incident's beginning is known only where somebody sent an event of type incident for the same
    model or service that contains or shortly precedes its opening.
    """
    opened = [
        i for i in list_incidents(ws, limit=10_000)
        if window.start_ms <= i.opened_at_ms < window.end_ms and model_id in (None, i.subject)
    ]  # fmt: skip
    query = EventQuery(window.start_ms - window.length_ms, window.end_ms, kind="incident")
    began, _ = _read_all(ws, list_events, query)
    waits = []
    for incident in opened:
        starts = [
            e.timestamp_ms
            for e in began
            if incident.subject in (e.model_id, e.service)
            and e.timestamp_ms <= incident.opened_at_ms
            <= (e.end_ms or e.timestamp_ms) + 30 * MINUTE_MS
        ]  # fmt: skip
        if starts:
            waits.append((incident.opened_at_ms - max(starts)) / 1_000)
    took = [
        (i.resolved_at_ms - i.opened_at_ms) / 1_000 for i in opened if i.resolved_at_ms is not None
    ]
    return Response(
        float(np.mean(waits)) if waits else None, len(waits),
        float(np.mean(took)) if took else None, len(took),
        sum(i.state != "resolved" for i in opened),
    )  # fmt: skip
