"""Requests of data subjects: what was asked, by when it must be answered, when it was.

The register holds no personal data: a request is known by a reference that means something only
where the person is known.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal

import msgspec

from engines.compliance import RequestClock, RequestFacts, read_request
from engines.errors import EngineError
from engines.sentence import say
from services.bodies import as_body
from services.errors import Conflict, Invalid, NotFound
from services.identity import permitted
from services.incidents import Note
from services.times import MINUTE_MS
from services.workspace import Workspace

_KIND = "subject_request"
SAMPLE = "SAMPLE-"
"""How references of the sample fleet begin; no person stands behind any."""
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
RequestKind = Literal[
    "access", "erasure", "rectification", "portability", "objection", "restriction"
]
Outcome = Literal["fulfilled", "refused", "withdrawn"]


class SubjectRequest(msgspec.Struct, frozen=True):
    """One request; its history says who changed what and when."""

    id: str
    reference: str
    kind: RequestKind
    received_at_ms: int
    time_zone: str
    recorded_by: str
    extended_at_ms: int | None = None
    extension_reason: str = ""
    completed_at_ms: int | None = None
    outcome: Outcome | None = None
    history: tuple[Note, ...] = ()


class RunningRequest(msgspec.Struct, frozen=True):
    """A request with how far its time has run."""

    request: SubjectRequest
    clock: RequestClock


@permitted("requests:read")
def list_requests(ws: Workspace) -> list[RunningRequest]:
    """Return every request, unanswered ones first, those due first on top."""
    rows = [msgspec.convert(r.body, SubjectRequest) for r in ws.records.list(_KIND, limit=10_000)]
    found = [_running(ws, one) for one in rows]
    return sorted(
        found, key=lambda r: (r.request.completed_at_ms is not None, r.clock.last_day, r.request.id)
    )


@permitted("compliance:read")
def read_request_facts(ws: Workspace, *, with_sample: bool = False) -> tuple[RequestFacts, ...]:
    """Return what controls rest on: no reference, only the id, the kind and the clock."""
    rows = [msgspec.convert(r.body, SubjectRequest) for r in ws.records.list(_KIND, limit=10_000)]
    return tuple(
        RequestFacts(one.id, one.kind, _running(ws, one).clock.status, one.completed_at_ms)
        for one in rows
        if with_sample or not one.reference.startswith(SAMPLE)
    )


@permitted("requests:read")
def get_request(ws: Workspace, request_id: str) -> RunningRequest:
    """Return one request with its clock."""
    return _running(ws, _stored(ws, request_id)[0])


@permitted("requests:write")
def record_request(
    ws: Workspace,
    reference: str,
    kind: RequestKind,
    *,
    received_at_ms: int | None = None,
    time_zone: str = "UTC",
) -> RunningRequest:
    """Put a request on record; `reference` must not name anybody."""
    reference = reference.strip()
    if not _REFERENCE.fullmatch(reference):
        raise Invalid(
            say(
                "reasons.request_reference",
                "a reference is 1 to 64 letters, digits and . _ / -, and names nobody",
            )
        )
    now = ws.now_ms()
    received = now if received_at_ms is None else received_at_ms
    if received > now + MINUTE_MS:
        raise Invalid(say("reasons.request_future", "a request cannot arrive in the future"))
    try:
        read_request(received, now, time_zone=time_zone)
    except (EngineError, OverflowError, OSError, ValueError) as error:
        raise Invalid(str(error)) from error
    made = SubjectRequest(
        id=hashlib.sha256(reference.encode()).hexdigest()[:16],
        reference=reference,
        kind=kind,
        received_at_ms=received,
        time_zone=time_zone,
        recorded_by=ws.principal.id,
        history=(Note(now, ws.principal.id, f"recorded: {kind}"),),
    )
    if ws.records.get(_KIND, made.id) is not None:
        raise Conflict(
            say(
                "reasons.request_known", "the request {reference} is on record already",
                reference=reference,
            )
        )  # fmt: skip
    return _write(ws, made, 0)


@permitted("requests:write")
def extend_request(
    ws: Workspace, request_id: str, reason: str, *, told_at_ms: int | None = None
) -> RunningRequest:
    """Write down that the person was told, within the first month, why two more are needed."""
    found, revision = _open(ws, request_id)
    if found.extended_at_ms is not None:
        raise Conflict(say("reasons.request_extended", "the time was extended already, once"))
    if not 3 <= len(reason.strip()) <= 500:
        raise Invalid(say("reasons.extension_reason", "a reason has 3 to 500 characters"))
    told = _moment(ws, found, told_at_ms)
    in_time = read_request(found.received_at_ms, told, time_zone=found.time_zone)
    if in_time.status == "late":
        raise Conflict(
            say(
                "reasons.extension_late",
                "the person must be told of an extension within the first month",
            )
        )
    note = Note(ws.now_ms(), ws.principal.id, "extended by two months")
    made = msgspec.structs.replace(
        found, extended_at_ms=told, extension_reason=reason.strip(), history=(*found.history, note)
    )
    return _write(ws, made, revision)


@permitted("requests:write")
def complete_request(
    ws: Workspace, request_id: str, outcome: Outcome, *, completed_at_ms: int | None = None
) -> RunningRequest:
    """Write down how and when a request was answered; it can be said once."""
    found, revision = _open(ws, request_id)
    at = _moment(ws, found, completed_at_ms)
    note = Note(ws.now_ms(), ws.principal.id, f"completed: {outcome}")
    made = msgspec.structs.replace(
        found, completed_at_ms=at, outcome=outcome, history=(*found.history, note)
    )
    return _write(ws, made, revision)


def _moment(ws: Workspace, found: SubjectRequest, at_ms: int | None) -> int:
    at = ws.now_ms() if at_ms is None else at_ms
    if not found.received_at_ms <= at <= ws.now_ms() + MINUTE_MS:
        raise Invalid(say("reasons.request_between", "this lies between the request and now"))
    return at


def _open(ws: Workspace, request_id: str) -> tuple[SubjectRequest, int]:
    found, revision = _stored(ws, request_id)
    if found.completed_at_ms is not None:
        raise Conflict(say("reasons.request_answered", "the request is answered already"))
    return found, revision


def _stored(ws: Workspace, request_id: str) -> tuple[SubjectRequest, int]:
    row = ws.records.get(_KIND, request_id)
    if row is None:
        raise NotFound(say("reasons.no_such_request", "there is no request {id}", id=request_id))
    return msgspec.convert(row.body, SubjectRequest), row.revision


def _running(ws: Workspace, one: SubjectRequest) -> RunningRequest:
    clock = read_request(
        one.received_at_ms, ws.now_ms(), is_extended=one.extended_at_ms is not None,
        completed_at_ms=one.completed_at_ms, time_zone=one.time_zone,
    )  # fmt: skip
    return RunningRequest(one, clock)


def _write(ws: Workspace, made: SubjectRequest, revision: int) -> RunningRequest:
    ws.records.put(_KIND, made.id, as_body(made), expected_revision=revision)
    return _running(ws, made)
