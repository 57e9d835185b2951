"""/api/compliance: controls with their evidence, signed statements and reporting clocks."""

from __future__ import annotations

import msgspec
from flask import Response

from app.api.routing import Router, download
from services import attestations, compliance, duties, evidence_bundle
from services.attestations import Attestation
from services.duties import Duty, Regime, RunningClock
from services.times import parse_time, to_rfc3339
from services.workspace import Workspace

router = Router("compliance", "/api/compliance")
dashboard_router = Router("dashboard_compliance", "/api/dashboard")


class Sample(msgspec.Struct, frozen=True):
    """Whether the sample fleet counts; it proves nothing, so by default it does not."""

    with_sample: bool = False


class NewAttestation(msgspec.Struct, frozen=True):
    """A statement to sign; `document` says where the proof lies."""

    control_id: str
    statement: str
    document: str = ""


class Classification(msgspec.Struct, frozen=True):
    """The clock that an incident starts, or none; `aware_at` is RFC 3339."""

    regime: Regime
    clock: str = ""
    aware_at: str | None = None


class Report(msgspec.Struct, frozen=True):
    """When the authority was told; now when not said."""

    regime: Regime
    reported_at: str | None = None


@dashboard_router.route(
    "GET", "/compliance", permission="compliance:read", query=Sample,
    returns=compliance.Compliance,
)  # fmt: skip
def overview(ws: Workspace, query: Sample) -> compliance.Compliance:
    """Return coverage, the status of every control with its evidence, and the clocks that run."""
    return compliance.get_compliance(ws, with_sample=query.with_sample)


@router.route(
    "GET", "/controls/<text:control_id>", permission="compliance:read", query=Sample,
    returns=compliance.ControlView, errors=(404,),
)  # fmt: skip
def get_control(ws: Workspace, control_id: str, query: Sample) -> compliance.ControlView:
    """Return one control with its checks and evidence."""
    return compliance.get_control(ws, control_id, with_sample=query.with_sample)


@router.route(
    "GET", "/bundle.zip", permission="audit:export", query=Sample, produces="application/zip"
)
def bundle(ws: Workspace, query: Sample) -> Response:
    """Return controls, evidence, cards, definitions and the audit chain as a ZIP with the SHA-256
    of each file."""
    content = evidence_bundle.export_bundle(ws, with_sample=query.with_sample)
    name = f"aiobs-evidence-{to_rfc3339(ws.now_ms())[:10]}.zip"
    answer = download(content, "application/zip", name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.route("GET", "/attestations", permission="compliance:read", returns=list[Attestation])
def list_attestations(ws: Workspace) -> list[Attestation]:
    """Return signed statements, newest first, withdrawn ones included."""
    return attestations.list_attestations(ws)


@router.route(
    "POST", "/attestations", permission="compliance:write", body=NewAttestation,
    returns=Attestation, status=201, errors=(404, 422),
)  # fmt: skip
def attest(ws: Workspace, body: NewAttestation) -> Attestation:
    """Sign a statement for a control that no telemetry can show."""
    return attestations.attest(ws, body.control_id, body.statement, document=body.document)


@router.route(
    "DELETE", "/attestations/<text:attestation_id>", permission="compliance:write",
    returns=Attestation, errors=(404, 409),
)  # fmt: skip
def withdraw(ws: Workspace, attestation_id: str) -> Attestation:
    """Withdraw a statement; the record of it stays."""
    return attestations.withdraw_attestation(ws, attestation_id)


@router.route("GET", "/clocks", permission="compliance:read", returns=list[RunningClock])
def list_clocks(ws: Workspace) -> list[RunningClock]:
    """Return the reporting clocks, those that run out first on top."""
    return duties.list_clocks(ws)


@router.route(
    "POST", "/incidents/<text:incident_id>/classify", permission="compliance:write",
    body=Classification, returns=Duty, errors=(404, 422),
)  # fmt: skip
def classify(ws: Workspace, incident_id: str, body: Classification) -> Duty:
    """Decide which clock an incident starts; a new decision keeps the first moment of awareness."""
    aware = parse_time(body.aware_at) if body.aware_at else None
    return duties.classify_incident(
        ws, incident_id, body.regime, body.clock, aware_at_ms=aware
    )  # fmt: skip


@router.route(
    "POST", "/incidents/<text:incident_id>/report", permission="compliance:write", body=Report,
    returns=Duty, errors=(404, 409, 422),
)  # fmt: skip
def report(ws: Workspace, incident_id: str, body: Report) -> Duty:
    """Write down when the authority was told."""
    at = parse_time(body.reported_at) if body.reported_at else None
    return duties.record_report(ws, incident_id, body.regime, reported_at_ms=at)
