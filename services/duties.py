"""Reporting duties: which clock an incident started, who decided so, and when it was reported."""

from __future__ import annotations

from typing import Literal

import msgspec

from engines.compliance import load_catalogue, read_clock
from engines.sentence import say
from services.errors import Conflict, Invalid, NotFound
from services.identity import permitted
from services.incidents import Note, get_incident
from services.times import MINUTE_MS
from services.workspace import Workspace

_KIND = "duty"
Regime = Literal["ai_act", "gdpr"]


class Duty(msgspec.Struct, frozen=True):
    """One decision on one incident under one law; `clock` is empty where no clock runs."""

    id: str
    incident_id: str
    regime: Regime
    clock: str
    aware_at_ms: int
    reported_at_ms: int | None = None
    history: tuple[Note, ...] = ()


class RunningClock(msgspec.Struct, frozen=True):
    """A duty with how far its clock has run; `used` above 1 is late."""

    duty: Duty
    incident_title: str
    deadline_ms: int
    used: float
    status: Literal["running", "warning", "late", "met", "met_late"]


@permitted("compliance:write")
def classify_incident(
    ws: Workspace,
    incident_id: str,
    regime: Regime,
    clock: str = "",
    *,
    aware_at_ms: int | None = None,
) -> Duty:
    """Decide which clock an incident starts, or that none runs (empty).

    A new decision keeps the first moment of awareness, unless an earlier one comes to light.
    """
    incident = get_incident(ws, incident_id)
    if clock and (known := load_catalogue().clocks.get(clock)) is None:
        raise Invalid(f"{clock!r} is not one of {', '.join(load_catalogue().clocks)}")
    if clock and known is not None and known.regime != regime:
        raise Invalid(f"{clock} belongs to {known.regime}, not to {regime}")
    aware = incident.opened_at_ms if aware_at_ms is None else aware_at_ms
    if aware > ws.now_ms() + MINUTE_MS:
        raise Invalid(
            say("reasons.aware_in_future", "nobody can be aware of an incident in the future")
        )
    row = ws.records.get(_KIND, f"{incident_id}.{regime}")
    before = msgspec.convert(row.body, Duty) if row else None
    made = Duty(
        id=f"{incident_id}.{regime}",
        incident_id=incident_id,
        regime=regime,
        clock=clock,
        aware_at_ms=min(aware, before.aware_at_ms) if before else aware,
        reported_at_ms=before.reported_at_ms if before else None,
        history=(
            *(before.history if before else ()),
            Note(ws.now_ms(), ws.principal.id, f"classified: {clock or 'no clock'}"),
        ),
    )
    return _write(ws, made, row.revision if row else 0)


@permitted("compliance:write")
def record_report(
    ws: Workspace, incident_id: str, regime: Regime, *, reported_at_ms: int | None = None
) -> Duty:
    """Write down when the authority was told; it can be said once."""
    row = ws.records.get(_KIND, f"{incident_id}.{regime}")
    if row is None:
        raise NotFound(f"the incident {incident_id!r} was not classified under {regime}")
    duty = msgspec.convert(row.body, Duty)
    if not duty.clock:
        raise Conflict(
            say(
                "reasons.no_clock", "no clock runs for this incident, so there is nothing to report"
            )
        )
    if duty.reported_at_ms is not None:
        raise Conflict(say("reasons.already_reported", "the report is on record already"))
    at = ws.now_ms() if reported_at_ms is None else reported_at_ms
    if not duty.aware_at_ms <= at <= ws.now_ms() + MINUTE_MS:
        raise Invalid(say("reasons.report_between", "a report lies between awareness and now"))
    note = Note(ws.now_ms(), ws.principal.id, "reported")
    made = msgspec.structs.replace(duty, reported_at_ms=at, history=(*duty.history, note))
    return _write(ws, made, row.revision)


@permitted("compliance:read")
def list_duties(ws: Workspace) -> list[Duty]:
    """Return every decision, newest awareness first."""
    rows = [msgspec.convert(r.body, Duty) for r in ws.records.list(_KIND, limit=10_000)]
    return sorted(rows, key=lambda d: -d.aware_at_ms)


@permitted("compliance:read")
def list_clocks(ws: Workspace) -> list[RunningClock]:
    """Return the clocks that were started, those that run out first on top."""
    clocks = load_catalogue().clocks
    made = []
    for duty in list_duties(ws):
        if not duty.clock:
            continue
        state = read_clock(
            clocks[duty.clock], duty.aware_at_ms, ws.now_ms(), reported_at_ms=duty.reported_at_ms
        )
        title = get_incident(ws, duty.incident_id).title
        made.append(RunningClock(duty, title, state.deadline_ms, state.used, state.status))
    return sorted(made, key=lambda c: (c.duty.reported_at_ms is not None, c.deadline_ms))


def _write(ws: Workspace, duty: Duty, revision: int) -> Duty:
    ws.records.put(_KIND, duty.id, msgspec.to_builtins(duty), expected_revision=revision)
    ws.cache.invalidate(f"{ws.tenant}/compliance/")
    return duty
