"""Incidents: what an alert opened, who looks after it, and how it ended."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from connectors.protocols import RecordTransaction
from engines.sentence import say
from services.errors import Conflict, Invalid, NotFound
from services.identity import permitted
from services.sentences import kept, recalled
from services.times import HOUR_MS
from services.workspace import Workspace

_KIND = "incident"
Severity = Literal["info", "warning", "critical"]
State = Literal["open", "acknowledged", "resolved"]
SubjectKind = Literal["model", "service", "vulnerability", "audit"]


CONDITION_GONE = "the condition went away"
"""Note of an incident that ended by itself."""
AGAIN_MS = 4 * HOUR_MS
"""After a person resolved an incident, its condition is held back this long while it stays as it
was: the interval at which Prometheus' Alertmanager repeats an alert when nobody set another."""
RANK: dict[Severity, int] = {"critical": 0, "warning": 1, "info": 2}
MOST_CHANGED = 1_000
"""Incidents that change state in one transaction."""


class Note(msgspec.Struct, frozen=True):
    """One entry of an incident's history."""

    at_ms: int
    actor: str
    text: str


class Incident(msgspec.Struct, frozen=True):
    """Something that went wrong, from its first sign to its end.

    `updated_at_ms` is when it was last found or changed: above `resolved_at_ms` where its condition
    held on after a person resolved it.
    """

    id: str
    rule: str
    subject_kind: SubjectKind
    subject: str
    severity: Severity
    state: State
    title: str
    evidence: dict[str, Any]  # JSON: the numbers that opened it
    opened_at_ms: int
    updated_at_ms: int
    resolved_at_ms: int | None = None
    root_cause: dict[str, Any] | None = None  # JSON of the causal result
    notes: tuple[Note, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """A rule that fires now: what `reconcile` turns into incidents."""

    rule: str
    subject_kind: SubjectKind
    subject: str
    severity: Severity
    title: str
    evidence: dict[str, Any]  # JSON


@permitted("incidents:read")
def list_incidents(
    ws: Workspace, *, state: State | None = None, limit: int = 200
) -> list[Incident]:
    """Return incidents, newest first."""
    where: dict[str, str] | None = {"state": state} if state else None
    found = [_read(row.body) for row in ws.records.list(_KIND, where=where, limit=10_000)]
    return sorted(found, key=lambda i: -i.opened_at_ms)[:limit]


@permitted("incidents:read")
def open_incidents(ws: Workspace) -> list[Incident]:
    """Return incidents that are not resolved, worst and newest first."""
    return still_open(list_incidents(ws, limit=10_000))


def still_open(incidents: list[Incident]) -> list[Incident]:
    """Return those of some incidents that are not resolved, worst and newest first."""
    found = [i for i in incidents if i.state != "resolved"]
    return sorted(found, key=lambda i: (RANK[i.severity], -i.opened_at_ms))


@permitted("incidents:read")
def get_incident(ws: Workspace, incident_id: str) -> Incident:
    """Return one incident."""
    return _found(ws.records, incident_id)


@permitted("incidents:write")
def change_state(ws: Workspace, incident_id: str, state: State, *, note: str = "") -> Incident:
    """Acknowledge or resolve an incident; a resolved one stays resolved."""
    return change_states(ws, [incident_id], state, note=note)[0]


@permitted("incidents:write")
def change_states(
    ws: Workspace, incident_ids: Sequence[str], state: State, *, note: str = ""
) -> list[Incident]:
    """Acknowledge or resolve incidents together: all that are named and none besides, so that one
    that joins their group meanwhile stays open. What is resolved already stays as it is."""
    ids = list(dict.fromkeys(incident_ids))
    if not 1 <= len(ids) <= MOST_CHANGED:
        raise Invalid(
            say(
                "reasons.incidents_at_once",
                "name 1 to {most, number} incidents, got {n, number}",
                most=MOST_CHANGED,
                n=len(ids),
            )
        )
    text = f"{state}: {note}" if note else state
    with ws.records.transaction() as tx:
        found = [_found(tx, one) for one in ids]
        if all(i.state == "resolved" for i in found):
            raise Conflict(
                say(
                    "reasons.incident_is_resolved",
                    "the incident is resolved; a new finding opens a new one",
                )
            )
        return [
            i if i.state == "resolved" else _write(ws, tx, _moved(ws, i, state, text))
            for i in found
        ]


@permitted("analysis:run")
def attach_root_cause(ws: Workspace, incident_id: str, cause: dict[str, Any]) -> Incident:
    """Keep what the causal engine found with the incident."""
    incident = get_incident(ws, incident_id)
    changed = msgspec.structs.replace(incident, root_cause=cause, updated_at_ms=ws.now_ms())
    return _write(ws, ws.records, changed)


@permitted("analysis:run")
def reconcile(ws: Workspace, findings: list[Finding], *, quiet_ms: int) -> list[Incident]:
    """Open incidents for new findings, refresh those that persist, resolve those gone quiet.

    One open incident per rule and subject; those opened now are returned. What a person resolved
    opens again only when it was quiet since, is worse, or still holds after `AGAIN_MS`.
    """
    now = ws.now_ms()
    opened: list[Incident] = []
    with ws.records.transaction() as tx:
        rows = [_read(row.body) for row in tx.list(_KIND, limit=10_000)]
        rows.sort(key=lambda i: i.opened_at_ms)
        active = {_key(i.rule, i.subject): i for i in rows if i.state != "resolved"}
        held = {_key(i.rule, i.subject): i for i in rows if _is_held(i, now, quiet_ms)}
        for finding in findings:
            key = _key(finding.rule, finding.subject)
            known, before = active.pop(key, None), held.get(key)
            if known is not None:
                _write(ws, tx, _refreshed(known, finding, now))
            elif before is not None and RANK[finding.severity] >= RANK[before.severity]:
                _write(ws, tx, msgspec.structs.replace(before, updated_at_ms=now))
            else:
                opened.append(_write(ws, tx, _opened(finding, now)))
        for incident in active.values():
            if now - incident.updated_at_ms >= quiet_ms:
                _write(ws, tx, _moved(ws, incident, "resolved", CONDITION_GONE))
    return opened


def _is_held(incident: Incident, now: int, quiet_ms: int) -> bool:
    """Whether a person resolved it lately, and its condition has not been quiet since."""
    if incident.resolved_at_ms is None or incident.notes[-1].text == CONDITION_GONE:
        return False
    return now - incident.updated_at_ms < quiet_ms and now - incident.resolved_at_ms < AGAIN_MS


def _key(rule: str, subject: str) -> tuple[str, str]:
    return rule, subject


def _opened(finding: Finding, now: int) -> Incident:
    name = f"{finding.rule}|{finding.subject}|{now}"
    return Incident(
        id=hashlib.sha256(name.encode()).hexdigest()[:16],
        rule=finding.rule,
        subject_kind=finding.subject_kind,
        subject=finding.subject,
        severity=finding.severity,
        state="open",
        title=finding.title,
        evidence=finding.evidence,
        opened_at_ms=now,
        updated_at_ms=now,
    )


def _refreshed(known: Incident, finding: Finding, now: int) -> Incident:
    return msgspec.structs.replace(
        known, severity=finding.severity, evidence=finding.evidence, updated_at_ms=now
    )


def _moved(ws: Workspace, incident: Incident, state: State, text: str) -> Incident:
    now = ws.now_ms()
    note = Note(now, ws.principal.id, text)
    return msgspec.structs.replace(
        incident,
        state=state,
        updated_at_ms=now,
        resolved_at_ms=now if state == "resolved" else None,
        notes=(*incident.notes, note),
    )


def _found(records: RecordTransaction, incident_id: str) -> Incident:
    row = records.get(_KIND, incident_id)
    if row is None:
        raise NotFound(say("reasons.no_such_incident", "there is no incident {id}", id=incident_id))
    return _read(row.body)


def _write(ws: Workspace, records: RecordTransaction, incident: Incident) -> Incident:
    records.put(_KIND, incident.id, msgspec.to_builtins(incident, enc_hook=kept))
    return incident


def _read(body: dict[str, Any]) -> Incident:  # JSON
    return msgspec.convert(recalled(body), Incident)
