"""/api/models/{model_id}/data-quality, freshness and fairness: what a model is given, and to whom
it gives."""

from __future__ import annotations

import msgspec

from app.api.routing import Router
from services import data_quality, fairness
from services.workspace import Workspace

router = Router("data_quality", "/api/models")


class Grouping(msgspec.Struct, frozen=True):
    """What people are grouped by: user_segment, region or feature:<name>."""

    by: str = "user_segment"


@router.route(
    "GET", "/<text:model_id>/data-quality", permission="models:read",
    returns=data_quality.DataQualityAnswer, errors=(404,),
)  # fmt: skip
def get_data_quality(ws: Workspace, model_id: str) -> data_quality.DataQualityAnswer:
    """Return missing, out-of-range and new values and schema changes of a model's inputs."""
    return data_quality.get_data_quality(ws, model_id)


@router.route(
    "GET", "/<text:model_id>/freshness", permission="models:read",
    returns=data_quality.FreshnessResult, errors=(404,),
)  # fmt: skip
def get_freshness(ws: Workspace, model_id: str) -> data_quality.FreshnessResult:
    """Return how long a model has been silent, against the gaps before."""
    return data_quality.get_freshness(ws, model_id)


@router.route(
    "GET", "/<text:model_id>/fairness", permission="models:read", query=Grouping,
    returns=fairness.FairnessAnswer, errors=(404,),
)  # fmt: skip
def get_fairness(ws: Workspace, model_id: str, query: Grouping) -> fairness.FairnessAnswer:
    """Return selection, equal opportunity and calibration by group, with intervals."""
    return fairness.get_fairness(ws, model_id, query.by)
