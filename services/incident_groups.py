"""Incidents of one cause, told as one trouble.

A group never says less than its members: it is as severe as its worst open one, and open while
one of them is. Two incidents that name different events are never in one group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from engines.causal.inputs import Key
from services.causal import effect_of
from services.identity import permitted
from services.incidents import RANK, Incident, Severity, State, list_incidents, open_incidents
from services.times import MINUTE_MS
from services.workspace import Workspace

APART_MS = 30 * MINUTE_MS
"""A number named again as a cause later than this after the last incident ended is another
trouble: three times the quiet time that ends an incident, so that one that flaps stays one."""


class Cause(msgspec.Struct, frozen=True):
    """What incidents are traced to; the confidence is the highest of theirs.

    `is_itself` where their own number moved and nothing that it depends on did: no cause is known.
    """

    node: str
    metric: str
    event_id: str | None
    event_title: str
    confidence: float
    is_itself: bool = False


class IncidentGroup(msgspec.Struct, frozen=True):
    """Incidents of one cause, the open, worst and oldest first; or one that shares it with none.

    `id` is that of the first incident, `severity` the worst of those that are not resolved, and
    `effects` are the numbers that went wrong.
    """

    id: str
    cause: Cause | None
    severity: Severity
    state: State
    opened_at_ms: int
    updated_at_ms: int
    resolved_at_ms: int | None
    by_severity: dict[Severity, int]
    subjects: tuple[str, ...]
    effects: tuple[Key, ...]
    incidents: tuple[Incident, ...]


class Causes(msgspec.Struct, frozen=True):
    """How many incidents there are, how many causes they are traced to, and how many to none."""

    incidents: int
    causes: int
    unexplained: int


@permitted("incidents:read")
def list_groups(
    ws: Workspace,
    *,
    state: State | None = None,
    severity: Severity | None = None,
    limit: int = 200,
) -> list[IncidentGroup]:
    """Return incidents by cause: open ones first, then the worst, then the newest.

    `state` is the group's, `severity` that of any member.
    """
    found = [
        group
        for group in group_by_cause(list_incidents(ws, limit=10_000))
        if state in (None, group.state)
        and (severity is None or any(i.severity == severity for i in group.incidents))
    ]
    return found[:limit]


@permitted("incidents:read")
def group_of(ws: Workspace, incident_id: str) -> IncidentGroup | None:
    """Return the group that an incident is in."""
    groups = group_by_cause(list_incidents(ws, limit=10_000))
    return next((g for g in groups if any(i.id == incident_id for i in g.incidents)), None)


@permitted("incidents:read")
def count_open_causes(ws: Workspace) -> Causes:
    """Return how many causes the open incidents are traced to."""
    return count_causes(open_incidents(ws))


def count_causes(incidents: Sequence[Incident]) -> Causes:
    """Return how many causes some incidents are traced to."""
    groups = group_by_cause(incidents)
    named = sum(group.cause is not None and not group.cause.is_itself for group in groups)
    return Causes(len(incidents), named, len(groups) - named)


def cause_key(incident: Incident) -> str | Key | None:
    """Return what an incident is traced to: an event, or else a number; None where nothing is
    named."""
    first = _first(incident)
    if first is None:
        return None
    return _event_id(first) or (first["node"], first["metric"])


def group_by_cause(incidents: Iterable[Incident]) -> list[IncidentGroup]:
    """Return incidents by cause: open ones first, then the worst, then the newest."""
    troubles = _Troubles()
    for incident in sorted(incidents, key=lambda i: (i.opened_at_ms, i.id)):
        troubles.add(incident)
    return sorted((_told(one.members) for one in troubles.found()), key=urgency)


def urgency(group: IncidentGroup) -> tuple[bool, int, int, str]:
    """Return the key that sorts open groups first, then the worst, then the newest."""
    return group.state == "resolved", RANK[group.severity], -group.opened_at_ms, group.id


@dataclass(slots=True, eq=False)
class _Trouble:
    """Incidents found to be of one cause so far; one that was merged lives on in `into`."""

    event_id: str | None = None
    members: list[Incident] = field(default_factory=list)
    ends_ms: float = 0.0
    into: _Trouble | None = None

    def itself(self) -> _Trouble:
        """Return the trouble that this one became a part of."""
        one = self
        while one.into is not None:
            one = one.into
        return one


@dataclass(slots=True)
class _Troubles:
    """Merges incidents in the order in which they opened.

    An incident is where its cause is: its event, else its number, else the number that it is
    about. Whatever is on the chain of another at the same time is one trouble with it.
    """

    all: list[_Trouble] = field(default_factory=list)
    by_event: dict[str, _Trouble] = field(default_factory=dict)
    placed: dict[Key, list[_Trouble]] = field(default_factory=dict)  # by where each begins
    chained: dict[Key, list[_Trouble]] = field(default_factory=dict)  # by what each runs through

    def add(self, incident: Incident) -> None:
        """Put an incident to those of its cause."""
        first = _first(incident)
        event_id = _event_id(first)
        one = _Trouble(event_id, [incident], incident.resolved_at_ms or float("inf"))
        self.all.append(one)
        if event_id is not None:
            self._merge(self.by_event.setdefault(event_id, one), one)
        place = (first["node"], first["metric"]) if first else effect_of(incident)
        if place is not None and event_id is None:
            for other in self._live(self.chained, place, incident.opened_at_ms):
                self._merge(other, one)
            self.placed.setdefault(place, []).append(one)
        for step in _chain(first):
            for other in self._live(self.placed, step, incident.opened_at_ms):
                self._merge(other, one)
            self.chained.setdefault(step, []).append(one)

    def found(self) -> list[_Trouble]:
        """Return the troubles that were not merged into others."""
        return [one for one in self.all if one.into is None]

    def _live(self, index: dict[Key, list[_Trouble]], at: Key, now_ms: int) -> list[_Trouble]:
        """Return those at a number that are not over, newest first; what is over stays so."""
        kept = {
            id(t): t
            for one in index.get(at, ())
            if (t := one.itself()).ends_ms + APART_MS >= now_ms
        }
        index[at] = list(kept.values())
        return index[at][::-1]

    def _merge(self, one: _Trouble, other: _Trouble) -> None:
        one, other = one.itself(), other.itself()
        if one is other or (one.event_id and other.event_id and one.event_id != other.event_id):
            return
        one.members += other.members
        one.event_id = one.event_id or other.event_id
        one.ends_ms = max(one.ends_ms, other.ends_ms)
        other.into = one


def _first(incident: Incident) -> dict[str, Any] | None:  # JSON
    kept = incident.root_cause
    if kept is None or kept["abstained"] or not kept["causes"]:
        return None
    first: dict[str, Any] = kept["causes"][0]
    return first


def _event_id(first: dict[str, Any] | None) -> str | None:  # JSON
    found = first.get("event_id") if first else None
    return str(found) if found else None


def _chain(first: dict[str, Any] | None) -> list[Key]:  # JSON
    """Return the numbers that a named cause runs through, its own first."""
    if first is None:
        return []
    steps = [step.rpartition(" ") for step in first.get("chain", ())]
    return list(dict.fromkeys([(first["node"], first["metric"]), *((n, m) for n, _, m in steps)]))


def _told(members: list[Incident]) -> IncidentGroup:
    active = [i for i in members if i.state != "resolved"]
    judged = active or members
    state: State = "resolved"
    if active:
        state = "open" if any(i.state == "open" for i in active) else "acknowledged"
    counts: dict[Severity, int] = {}
    for one in sorted(judged, key=lambda i: RANK[i.severity]):
        counts[one.severity] = counts.get(one.severity, 0) + 1
    ended = [i.resolved_at_ms for i in members if i.resolved_at_ms is not None]
    listed = sorted(members, key=_first_in_line)
    return IncidentGroup(
        id=min(members, key=_age).id,
        cause=_cause(listed),
        severity=min((i.severity for i in judged), key=RANK.__getitem__),
        state=state,
        opened_at_ms=min(i.opened_at_ms for i in members),
        updated_at_ms=max(i.updated_at_ms for i in members),
        resolved_at_ms=None if active else max(ended, default=None),
        by_severity=counts,
        subjects=tuple(dict.fromkeys(i.subject for i in listed)),
        effects=tuple(dict.fromkeys(key for i in listed if (key := effect_of(i)) is not None)),
        incidents=tuple(listed),
    )


def _first_in_line(incident: Incident) -> tuple[bool, int, bool, int, str]:
    """Return what sorts the members of a group as `services.diagnosis.first_of` chooses."""
    is_over, is_unnamed = incident.state == "resolved", _first(incident) is None
    return is_over, RANK[incident.severity], is_unnamed, incident.opened_at_ms, incident.id


def _age(incident: Incident) -> tuple[int, str]:
    return incident.opened_at_ms, incident.id


def _cause(members: list[Incident]) -> Cause | None:
    """Return the cause of a group: one with its event before one without, then the surest."""
    named = [first for i in members if (first := _first(i)) is not None]
    if not named:
        return None
    best = max(named, key=lambda first: (_event_id(first) is not None, first["confidence"]))
    place, event_id = (best["node"], best["metric"]), _event_id(best)
    is_itself = event_id is None and all(effect_of(i) == place for i in members)
    return Cause(*place, event_id, _event_title(best), best["confidence"], is_itself)


def _event_title(first: dict[str, Any]) -> str:  # JSON
    for key, values in first.get("evidence_said", ()):
        if key == "event_before_onset" and values.get("title"):
            return str(values["title"])
    return ""
