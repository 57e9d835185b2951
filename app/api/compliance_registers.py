"""/api/compliance: registers that people keep: model cards, and requests of data subjects."""

from __future__ import annotations

import msgspec
from flask import Response

from app.api.routing import Router, download
from services import model_cards, subject_requests
from services.model_cards import CardDocument, CardText, CardView
from services.subject_requests import Outcome, RequestKind, RunningRequest
from services.times import parse_time
from services.workspace import Workspace

router = Router("compliance_registers", "/api/compliance")


class NewRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request; `reference` names nobody, `received_at` is RFC 3339, now when not said."""

    reference: str
    kind: RequestKind
    received_at: str | None = None
    time_zone: str = "UTC"


class Extension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why two more months are needed, and when the person was told."""

    reason: str
    told_at: str | None = None


class Completion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a request was answered, and when."""

    outcome: Outcome
    completed_at: str | None = None


@router.route("GET", "/model-cards", permission="compliance:read", returns=list[CardView])
def list_cards(ws: Workspace) -> list[CardView]:
    """Return every model with its card or the lack of one, and when the next review is due."""
    return model_cards.list_cards(ws)


@router.route(
    "GET", "/model-cards/<text:model_id>", permission="compliance:read", returns=CardView,
    errors=(404,),
)  # fmt: skip
def get_card(ws: Workspace, model_id: str) -> CardView:
    """Return one model with its card."""
    return model_cards.get_card(ws, model_id)


@router.route(
    "PUT", "/model-cards/<text:model_id>", permission="cards:write", body=CardText,
    returns=CardView, errors=(404, 422),
)  # fmt: skip
def write_card(ws: Workspace, model_id: str, body: CardText) -> CardView:
    """Write a model's card; who writes it has reviewed it."""
    return model_cards.write_card(ws, model_id, body)


@router.route(
    "POST", "/model-cards/<text:model_id>/review", permission="cards:write", returns=CardView,
    errors=(404, 409),
)  # fmt: skip
def review_card(ws: Workspace, model_id: str) -> CardView:
    """Say that a card was reviewed and still holds."""
    return model_cards.review_card(ws, model_id)


@router.route(
    "GET", "/model-cards/<text:model_id>/export.json", permission="compliance:read",
    returns=CardDocument, errors=(404,),
)  # fmt: skip
def export_card(ws: Workspace, model_id: str) -> CardDocument:
    """Return a card by the sections of Mitchell et al. (2019), with the hub's own figures."""
    return model_cards.export_card(ws, model_id)


@router.route(
    "GET", "/model-cards/<text:model_id>/export.md", permission="compliance:read",
    produces="text/markdown", errors=(404,),
)  # fmt: skip
def export_markdown(ws: Workspace, model_id: str) -> Response:
    """Return the same as Markdown."""
    return download(model_cards.export_markdown(ws, model_id), "text/markdown", "model-card.md")


@router.route("GET", "/requests", permission="requests:read", returns=list[RunningRequest])
def list_requests(ws: Workspace) -> list[RunningRequest]:
    """Return the requests of data subjects, those due first on top."""
    return subject_requests.list_requests(ws)


@router.route(
    "POST", "/requests", permission="requests:write", body=NewRequest, returns=RunningRequest,
    status=201, errors=(409, 422),
)  # fmt: skip
def record_request(ws: Workspace, body: NewRequest) -> RunningRequest:
    """Put a request on record, by a reference that names nobody."""
    at = parse_time(body.received_at) if body.received_at else None
    return subject_requests.record_request(
        ws, body.reference, body.kind, received_at_ms=at, time_zone=body.time_zone
    )


@router.route(
    "GET", "/requests/<text:request_id>", permission="requests:read", returns=RunningRequest,
    errors=(404,),
)  # fmt: skip
def get_request(ws: Workspace, request_id: str) -> RunningRequest:
    """Return one request with its clock and its history."""
    return subject_requests.get_request(ws, request_id)


@router.route(
    "POST", "/requests/<text:request_id>/extend", permission="requests:write", body=Extension,
    returns=RunningRequest, errors=(404, 409, 422),
)  # fmt: skip
def extend_request(ws: Workspace, request_id: str, body: Extension) -> RunningRequest:
    """Write down that the person was told, within the first month, why two more are needed."""
    at = parse_time(body.told_at) if body.told_at else None
    return subject_requests.extend_request(ws, request_id, body.reason, told_at_ms=at)


@router.route(
    "POST", "/requests/<text:request_id>/complete", permission="requests:write", body=Completion,
    returns=RunningRequest, errors=(404, 409, 422),
)  # fmt: skip
def complete_request(ws: Workspace, request_id: str, body: Completion) -> RunningRequest:
    """Write down how and when a request was answered."""
    at = parse_time(body.completed_at) if body.completed_at else None
    return subject_requests.complete_request(ws, request_id, body.outcome, completed_at_ms=at)
