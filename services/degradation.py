"""Whether a model's quality gets worse, how fast, since when and until what."""

from __future__ import annotations

import numpy as np

from engines import degradation as engine
from engines.degradation import Degradation
from engines.result import Insufficient
from engines.sentence import say
from services.computed import Computed, attempt, latest, remember
from services.history import keep, store_numbers
from services.identity import permitted
from services.models import ModelType, get_model
from services.quality import Quality, read_quality
from services.slo import list_objectives
from services.workspace import Workspace

DegradationAnswer = Computed[Degradation]
DAY_S = 86_400.0
MIN_SEASONS = 3
"""Days that must be covered before a daily rhythm is taken out."""


@permitted("models:read")
def get_degradation(ws: Workspace, model_id: str) -> DegradationAnswer:
    """Return the latest trend of the model's quality."""
    model = get_model(ws, model_id)
    return latest(
        ws,
        "degradation",
        model_id,
        DegradationAnswer,
        lambda: _compute(ws, model_id, model.model_type),
    )


@permitted("models:read")
def get_quality(ws: Workspace, model_id: str, days: float = 7) -> Quality:
    """Return the quality series behind the trend."""
    return read_quality(ws, model_id, get_model(ws, model_id).model_type, days)


@permitted("analysis:run")
def track_degradation(ws: Workspace, model_id: str) -> DegradationAnswer:
    """Compute the trend now, keep it and return it."""
    answer = _compute(ws, model_id, get_model(ws, model_id).model_type)
    if answer.result is not None:
        numbers = [("aiobs_degradation_rate", {"metric": answer.method}, answer.result.rate)]
        store_numbers(ws, model_id, answer.computed_at_ms, numbers)
        keep(ws, "degradation", model_id, answer.computed_at_ms, answer)
    return remember(ws, "degradation", model_id, answer, DegradationAnswer)


def _compute(ws: Workspace, model_id: str, model_type: ModelType) -> DegradationAnswer:
    quality = read_quality(ws, model_id, model_type)
    threshold = _objective(ws, model_id, quality.metric)
    result, insufficient = attempt(lambda: _track(quality, threshold))
    return Computed(
        model_id=model_id,
        computed_at_ms=ws.now_ms(),
        window=quality.window,
        reference=None,
        n_reference=0,
        n_current=int(quality.counts.sum()),
        method=quality.metric,
        result=result,
        insufficient=insufficient,
    )


def _objective(ws: Workspace, model_id: str, metric: str) -> float | None:
    """Return the threshold that an objective sets this metric; of several, the one met first."""
    limits = [
        o.definition.indicator.threshold
        for o in list_objectives(ws)
        if o.definition.model_id == model_id and o.definition.indicator.kind == metric
    ]
    return max((limit for limit in limits if limit is not None), default=None)


def _track(quality: Quality, threshold: float | None) -> Degradation | Insufficient:
    if not quality.known.any():
        reason = {
            "grounding": say(
                "reasons.no_output_checked",
                "no output of this model could be checked against its passages yet",
            ),
        }.get(
            quality.metric,
            say("reasons.no_labels", "no labels have arrived for this model's predictions"),
        )
        return Insufficient(reason)
    known = quality.known
    covered_s = float(np.ptp(quality.timestamps_ms[known])) / 1_000
    return engine.track(
        quality.timestamps_ms[known] / 1_000,
        quality.values[known],
        direction=quality.direction,
        period_s=DAY_S,
        threshold=threshold,
        horizon_s=DAY_S,
        season_s=DAY_S if covered_s >= MIN_SEASONS * DAY_S else None,
    )
