"""Data and prediction drift of a model: its present against its reference."""

from __future__ import annotations

from typing import Any

import msgspec
from numpy.typing import NDArray

from engines import drift as engine
from engines.drift import DriftReport
from engines.result import Insufficient
from services.computed import Computed, attempt, latest, remember
from services.history import keep, store_numbers
from services.identity import permitted
from services.models import get_model
from services.reference import Sides, choose_sides
from services.workspace import Workspace

FEATURE = "feature:"
MIN_ROWS = 50


class ModelDrift(msgspec.Struct, frozen=True):
    """Drift of what goes in (data) and of what comes out (prediction)."""

    data: DriftReport | Insufficient
    prediction: DriftReport | Insufficient
    overall: float | None
    status: str
    concept: Insufficient = Insufficient("no labels have arrived to test the meaning of scores")


DriftAnswer = Computed[ModelDrift]


@permitted("models:read")
def get_drift(ws: Workspace, model_id: str) -> DriftAnswer:
    """Return the latest drift result with every column and test."""
    get_model(ws, model_id)
    return latest(ws, "drift", model_id, DriftAnswer, lambda: _compute(ws, model_id))


@permitted("analysis:run")
def detect_drift(ws: Workspace, model_id: str) -> DriftAnswer:
    """Compute drift now, keep it and its history, and return it."""
    answer = _compute(ws, model_id)
    _record(ws, model_id, answer)
    return remember(ws, "drift", model_id, answer, DriftAnswer)


def _compute(ws: Workspace, model_id: str) -> DriftAnswer:
    sides = choose_sides(ws, model_id)
    result, insufficient = attempt(lambda: _compare(sides))
    return Computed(
        model_id=model_id,
        computed_at_ms=ws.now_ms(),
        window=sides.current_window,
        reference=sides.reference_window,
        n_reference=sides.n_reference,
        n_current=len(sides.current_rows),
        method=sides.method,
        result=result,
        insufficient=insufficient,
    )


def _compare(sides: Sides) -> ModelDrift | Insufficient:
    smaller = min(sides.n_reference, len(sides.current_rows))
    if smaller < MIN_ROWS:
        return Insufficient(
            f"drift needs {MIN_ROWS} rows on each side, got {sides.n_reference} in the reference "
            f"and {len(sides.current_rows)} now",
            needed=MIN_ROWS,
            got=smaller,
        )
    data = _report(
        _features(sides.reference), _features(sides.current), "the model sends no features"
    )
    prediction = _report(
        _predictions(sides.reference), _predictions(sides.current), "no predictions are sent"
    )
    reports = [part for part in (data, prediction) if isinstance(part, DriftReport)]
    scores = [report.score for report in reports if report.score is not None]
    if not scores:
        return Insufficient("the model sends neither features nor predictions to compare")
    order = ("drift", "detectable_but_negligible", "no_evidence", "insufficient_data")
    status = min((report.status for report in reports), key=order.index)
    return ModelDrift(data, prediction, max(scores), status)


def _report(
    reference: dict[str, NDArray[Any]], current: dict[str, NDArray[Any]], reason: str
) -> DriftReport | Insufficient:
    if not reference or not current:
        return Insufficient(reason)
    return engine.compare(reference, current, joint=len(reference) > 1)


def _features(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {k.removeprefix(FEATURE): v for k, v in columns.items() if k.startswith(FEATURE)}


def _predictions(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    chosen = {
        name: values
        for name, values in columns.items()
        if name in ("prediction", "score") or name.startswith("score:")
    }
    return {name: values for name, values in chosen.items() if _has_values(values)}


def _has_values(values: NDArray[Any]) -> bool:  # float64 or object
    return any(value is not None and value == value for value in values[:1_000])


def _record(ws: Workspace, model_id: str, answer: DriftAnswer) -> None:
    found = answer.result
    if found is None:
        return
    numbers: list[tuple[str, dict[str, str], float]] = []
    for kind, report in (("data", found.data), ("prediction", found.prediction)):
        if isinstance(report, DriftReport) and report.score is not None:
            numbers.append(("aiobs_drift_score", {"kind": kind}, report.score))
    if isinstance(found.data, DriftReport):
        for column in found.data.columns[:200]:
            if column.outcome != "insufficient_data":
                numbers.append(("aiobs_feature_drift", {"feature": column.name}, column.effect))
    store_numbers(ws, model_id, answer.computed_at_ms, numbers)
    keep(ws, "drift", model_id, answer.computed_at_ms, answer)
