"""/api/models: the catalogue, each result in full, and reference data sets."""

from __future__ import annotations

from typing import Annotated

import msgspec
from flask import request

from app.api.queries import Span, window_of
from app.api.routing import Router, read_body
from engines.drift import DriftReport
from services import (
    comparison,
    degradation,
    drift,
    hallucination,
    models,
    reference,
    reliability,
)
from services.computed import Computed
from services.workspace import Workspace

router = Router("models", "/api/models")


class Search(msgspec.Struct, frozen=True):
    """What an id or a name holds, and how many models to return at most (0: all)."""

    search: str = ""
    limit: Annotated[int, msgspec.Meta(ge=0)] = 0


@router.route("GET", "", permission="models:read", query=Search, returns=list[models.Model])
def list_models(ws: Workspace, query: Search) -> list[models.Model]:
    """Return every model, or those found: that sent inferences or were registered."""
    return models.find_models(ws, query.search, query.limit)


@router.route(
    "GET", "/<text:model_id>", permission="models:read", returns=models.Model, errors=(404,)
)
def get_model(ws: Workspace, model_id: str) -> models.Model:
    """Return one model with its versions."""
    return models.get_model(ws, model_id)


@router.route(
    "PUT", "/<text:model_id>", permission="models:write", body=models.Registration,
    returns=models.Model, errors=(422,),
)  # fmt: skip
def register(ws: Workspace, model_id: str, body: models.Registration) -> models.Model:
    """Say what a model is: name, type, owner, purpose, latency objective."""
    return models.register_model(ws, model_id, body)


@router.route(
    "GET", "/<text:model_id>/drift", permission="models:read", returns=drift.DriftAnswer,
    errors=(404,),
)  # fmt: skip
def get_drift(ws: Workspace, model_id: str) -> drift.DriftAnswer:
    """Return drift per column and test."""
    return drift.get_drift(ws, model_id)


class WindowQuery(Span, frozen=True):
    """A window, and what it is compared with."""

    against: drift.Reference = "rolling"


@router.route(
    "GET", "/<text:model_id>/drift/window", permission="models:read", query=WindowQuery,
    returns=Computed[DriftReport], errors=(404,),
)  # fmt: skip
def compare_windows(ws: Workspace, model_id: str, query: WindowQuery) -> Computed[DriftReport]:
    """Return drift of any window against the one before, the same hours of past weeks, or the
    previous version, from kept summaries."""
    window = window_of(ws, query)
    return drift.compare_windows(ws, model_id, window, against=query.against)


@router.route(
    "GET", "/<text:model_id>/comparison", permission="models:read",
    returns=comparison.Comparison, errors=(404,),
)  # fmt: skip
def get_comparison(ws: Workspace, model_id: str) -> comparison.Comparison:
    """Return what the model's present is compared with, and in which segments."""
    return comparison.get_comparison(ws, model_id)


@router.route(
    "PUT", "/<text:model_id>/comparison", permission="models:write", body=comparison.Comparison,
    returns=comparison.Comparison, errors=(404, 422),
)  # fmt: skip
def set_comparison(
    ws: Workspace, model_id: str, body: comparison.Comparison
) -> comparison.Comparison:
    """Choose the reference (uploaded, rolling, seasonal, previous version, fixed hours), the
    present by hours or by rows, and the segments."""
    return comparison.set_comparison(ws, model_id, body)


@router.route(
    "GET", "/<text:model_id>/reliability", permission="models:read",
    returns=reliability.ReliabilityAnswer, errors=(404,),
)  # fmt: skip
def get_reliability(ws: Workspace, model_id: str) -> reliability.ReliabilityAnswer:
    """Return calibration, stability, uncertainty and outliers."""
    return reliability.get_reliability(ws, model_id)


@router.route(
    "GET", "/<text:model_id>/hallucination", permission="content:read",
    returns=hallucination.HallucinationAnswer, errors=(404,),
)  # fmt: skip
def get_hallucination(ws: Workspace, model_id: str) -> hallucination.HallucinationAnswer:
    """Return grounding and risk with the riskiest outputs, marked."""
    return hallucination.get_hallucination_examples(ws, model_id)


@router.route(
    "GET", "/<text:model_id>/degradation", permission="models:read",
    returns=degradation.DegradationAnswer, errors=(404,),
)  # fmt: skip
def get_degradation(ws: Workspace, model_id: str) -> degradation.DegradationAnswer:
    """Return the trend of quality, its changes and projection."""
    return degradation.get_degradation(ws, model_id)


@router.route(
    "GET", "/<text:model_id>/reference", permission="models:read",
    returns=reference.ReferenceInfo, errors=(404,),
)  # fmt: skip
def get_reference(ws: Workspace, model_id: str) -> reference.ReferenceInfo:
    """Return what is known of the uploaded reference."""
    return reference.get_reference(ws, model_id)


@router.route(
    "PUT", "/<text:model_id>/reference", permission="models:write",
    body="text/csv, application/x-ndjson or application/vnd.apache.parquet",
    returns=reference.ReferenceInfo, errors=(413, 415, 422),
)  # fmt: skip
def put_reference(ws: Workspace, model_id: str) -> reference.ReferenceInfo:
    """Upload the data set that the model is compared with from now on."""
    return reference.put_reference(ws, model_id, read_body(), request.mimetype)
