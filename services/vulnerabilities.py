"""Open vulnerabilities by severity and age, and how long fixing one takes."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from engines import security as engine
from engines.result import Insufficient
from engines.security import GRADES, Grade, TimeToFix
from services.errors import Invalid, Malformed
from services.identity import permitted
from services.times import DAY_MS
from services.vulnerability_scans import KEPT_MS, Ledger, Vulnerability, read_ledgers
from services.workspace import Workspace

MAX_LISTED = 1_000
MAX_OLDEST = 10
TREND_MS = 90 * DAY_MS
_TREND_STEPS = 60
_FRESH_S = 60.0

State = Literal["open", "fixed", "dismissed"]
Order = Literal["age", "severity", "score"]


class Listed(msgspec.Struct, frozen=True):
    """A vulnerability with the system it is in; `age_days` runs to now, or to its end."""

    source: str
    subject: str
    age_days: float
    is_overdue: bool
    vulnerability: Vulnerability


class VulnerabilityPage(msgspec.Struct, frozen=True):
    """A page of vulnerabilities; `total` counts all that match."""

    rows: list[Listed]
    total: int
    next_cursor: str | None


class System(msgspec.Struct, frozen=True):
    """A system that is scanned, and when."""

    scan_id: str
    source: str
    subject: str
    first_scan_ms: int
    scanned_at_ms: int
    scans: int
    open: int


class Trend(msgspec.Struct, frozen=True):
    """How many were open at each moment, by severity; begins with the first scan of all."""

    at_ms: list[int]
    open: dict[Grade, list[float]]


class VulnerabilityView(msgspec.Struct, frozen=True):
    """Everything that the security page says of vulnerabilities, over all systems.

    `by_age` has a row per severity (`severities`) and a column per band of age (`borders_days`).
    Overdue are critical ones open for more than 15 days and high ones for more than 30.
    """

    computed_at_ms: int
    systems: list[System]
    severities: list[Grade]
    borders_days: list[float]
    by_age: list[list[int]]
    open: int
    overdue: int
    dismissed: int
    first_in_line: list[Listed]
    time_to_fix: TimeToFix | None
    insufficient: Insufficient | None
    trend: Trend


@permitted("security:read")
def get_vulnerabilities(ws: Workspace) -> VulnerabilityView:
    """Return open vulnerabilities by severity and age, the first to fix, time to fix and trend."""
    return ws.cached("vulnerabilities/view", VulnerabilityView, lambda: _view(ws), fresh_s=_FRESH_S)


@permitted("security:read")
def list_vulnerabilities(
    ws: Workspace,
    *,
    state: State | None = "open",
    severity: Grade | None = None,
    source: str | None = None,
    subject: str | None = None,
    text: str = "",
    sort: Order = "severity",
    limit: int = 100,
    cursor: str | None = None,
) -> VulnerabilityPage:
    """Return vulnerabilities that match, the worst, oldest or highest scored first."""
    if not 1 <= limit <= MAX_LISTED:
        raise Invalid(f"limit is 1 to {MAX_LISTED}, got {limit}")
    begin = _offset(cursor)
    now, wanted = ws.now_ms(), text.casefold()
    found = [
        listed
        for _, ledger in read_ledgers(ws)
        if source in (None, ledger.source) and subject in (None, ledger.subject)
        for row in ledger.rows
        if not row.is_gone and state in (None, row.state) and severity in (None, row.severity)
        if not wanted or wanted in f"{row.id} {row.component} {row.title}".casefold()
        for listed in (_listed(ledger, row, now),)
    ]
    found.sort(key=_ORDERS[sort])
    end = begin + limit
    return VulnerabilityPage(found[begin:end], len(found), str(end) if end < len(found) else None)


@permitted("security:read")
def list_critical(ws: Workspace) -> dict[str, list[str]]:
    """Return the systems of each open critical vulnerability, by its id; read after each scan."""

    def read() -> dict[str, list[str]]:
        found: dict[str, set[str]] = {}
        for _, ledger in read_ledgers(ws):
            for row in ledger.rows:
                if row.state == "open" and row.severity == "critical":
                    found.setdefault(row.id, set()).add(ledger.subject)
        return {name: sorted(found[name]) for name in sorted(found)}

    return ws.cached("vulnerabilities/critical", dict[str, list[str]], read, fresh_s=_FRESH_S)


class VulnerableSystem(msgspec.Struct, frozen=True):
    """A system with open vulnerabilities: the worst severity and since when it has one of it."""

    source: str
    subject: str
    severity: Grade
    since_ms: int
    is_overdue: bool
    ids: tuple[str, ...]


@permitted("security:read")
def list_vulnerable(ws: Workspace) -> list[VulnerableSystem]:
    """Return the systems with open vulnerabilities; read after each scan."""
    return ws.cached(
        "vulnerabilities/systems", list[VulnerableSystem], lambda: _vulnerable(ws), fresh_s=_FRESH_S
    )


def _vulnerable(ws: Workspace) -> list[VulnerableSystem]:
    made, now = [], ws.now_ms()
    for _, ledger in read_ledgers(ws):
        live = [_listed(ledger, row, now) for row in ledger.rows if row.state == "open"]
        if live:
            live.sort(key=_by_severity)
            worst = live[0].vulnerability.severity
            rows = [one.vulnerability for one in live]
            since = min(row.first_seen_ms for row in rows if row.severity == worst)
            late = any(one.is_overdue for one in live)
            ids = tuple(dict.fromkeys(row.id for row in rows))[:MAX_OLDEST]
            made.append(VulnerableSystem(ledger.source, ledger.subject, worst, since, late, ids))
    return made


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 9:
        raise Malformed("cursor is what the page before gave as next_cursor")
    return int(cursor)


def _view(ws: Workspace) -> VulnerabilityView:
    now = ws.now_ms()
    ledgers = read_ledgers(ws)
    every = [_listed(ledger, row, now) for _, ledger in ledgers for row in ledger.rows]
    live = [one for one in every if one.vulnerability.state == "open"]
    ages = np.array([one.age_days for one in live])
    table = engine.count_by_age([one.vulnerability.severity for one in live], ages)
    answer = _time_to_fix(every, now)
    return VulnerabilityView(
        computed_at_ms=now, systems=[_system(name, ledger) for name, ledger in ledgers],
        severities=list(GRADES), borders_days=list(engine.AGE_BORDERS_DAYS),
        by_age=table.tolist(), open=len(live), overdue=sum(one.is_overdue for one in live),
        dismissed=sum(
            one.vulnerability.state == "dismissed" and one.vulnerability.is_active for one in every
        ),
        first_in_line=sorted(live, key=_ORDERS["severity"])[:MAX_OLDEST],
        time_to_fix=answer if isinstance(answer, TimeToFix) else None,
        insufficient=answer if isinstance(answer, Insufficient) else None,
        trend=_trend([ledger for _, ledger in ledgers], now),
    )  # fmt: skip


def _time_to_fix(every: list[Listed], now_ms: int) -> TimeToFix | Insufficient:
    """Fixed cases are forgotten after a while: the open ones that are older are known from then."""
    since = now_ms - KEPT_MS
    rows = [one.vulnerability for one in every]
    chosen = [
        (one.age_days, row.state == "fixed", max(0, since - row.first_seen_ms) / DAY_MS)
        for one, row in zip(every, rows, strict=True)
        if row.state == "open" or (row.state == "fixed" and (row.closed_ms or 0) > since)
    ]
    return engine.estimate_time_to_fix(
        np.array([days for days, _, _ in chosen]),
        np.array([is_fixed for _, is_fixed, _ in chosen], dtype=np.bool_),
        known_from=np.array([known for _, _, known in chosen]),
    )


def _listed(ledger: Ledger, row: Vulnerability, now_ms: int) -> Listed:
    end = now_ms if row.state == "open" else row.closed_ms or row.last_seen_ms
    age = max(0, end - row.first_seen_ms) / DAY_MS
    overdue = row.state == "open" and engine.is_overdue(row.severity, age)
    return Listed(ledger.source, ledger.subject, age, overdue, row)


def _system(name: str, ledger: Ledger) -> System:
    return System(
        name, ledger.source, ledger.subject, ledger.first_scan_ms, ledger.scanned_at_ms,
        ledger.scans, sum(row.state == "open" for row in ledger.rows),
    )  # fmt: skip


def _trend(ledgers: list[Ledger], now_ms: int) -> Trend:
    first = min((ledger.first_scan_ms for ledger in ledgers), default=now_ms)
    at = np.linspace(max(first, now_ms - TREND_MS), now_ms, _TREND_STEPS).astype(np.int64)
    times = at.tolist()
    rows = [row for ledger in ledgers for row in ledger.rows]
    made: dict[Grade, list[float]] = {}
    for grade in GRADES:
        mine = [row for row in rows if row.severity == grade]
        pauses = [pause for row in mine for pause in row.pauses]
        opened = [row.first_seen_ms for row in mine] + [end for _, end in pauses]
        closed = [row.closed_ms for row in mine if row.closed_ms is not None]
        closed += [start for start, _ in pauses]
        made[grade] = engine.count_open(opened, closed, times).tolist()
    return Trend(times, made)


def _by_severity(one: Listed) -> tuple[object, ...]:
    row = one.vulnerability
    return GRADES.index(row.severity), not one.is_overdue, *_by_age(one)


def _by_age(one: Listed) -> tuple[object, ...]:
    row = one.vulnerability
    return -one.age_days, row.id, one.subject, one.source, row.component, row.place


def _by_score(one: Listed) -> tuple[object, ...]:
    score = one.vulnerability.score
    return 1.0 if score is None else -score, *_by_age(one)


_ORDERS = {"severity": _by_severity, "age": _by_age, "score": _by_score}
