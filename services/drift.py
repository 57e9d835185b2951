"""Data and prediction drift of a model: its present against its reference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from engines import drift as engine
from engines.drift import ConceptDrift, DriftReport, TableSketch
from engines.drift.result import Kind
from engines.result import Insufficient
from engines.sentence import say
from services.computed import Computed, attempt, latest, remember
from services.concept import Concept, read_concept
from services.history import keep, store_numbers
from services.identity import permitted
from services.models import Model, get_model
from services.quality import class_name
from services.sides import (
    Columns,
    Recent,
    Sides,
    choose_sides,
    read_recent,
    with_long_columns,
)
from services.sketches import merged_sketch, seasonal_sketch
from services.times import Window
from services.workspace import Workspace

FEATURE = "feature:"
MIN_ROWS = 50
_KINDS: dict[str, Kind] = {"prompt": "text", "output": "text"}
"""Texts are compared as texts however often they repeat: as categories they would be shown whole,
also to those who may not read them."""


class ModelDrift(msgspec.Struct, frozen=True):
    """Drift of what goes in (data) and of what comes out (prediction)."""

    data: DriftReport | Insufficient
    prediction: DriftReport | Insufficient
    overall: float | None
    status: str
    concept: Concept | Insufficient


DriftAnswer = Computed[ModelDrift]


@permitted("models:read")
def get_drift(ws: Workspace, model_id: str) -> DriftAnswer:
    """Return the latest drift result with every column and test."""
    model = get_model(ws, model_id)
    return latest(ws, "drift", model_id, DriftAnswer, lambda: _compute(ws, model))


@permitted("analysis:run")
def detect_drift(ws: Workspace, model_id: str, *, recent: Recent | None = None) -> DriftAnswer:
    """Compute drift now, keep it and its history, and return it."""
    answer = _compute(ws, get_model(ws, model_id), recent)
    _record(ws, model_id, answer)
    return remember(ws, "drift", model_id, answer, DriftAnswer)


def _compute(ws: Workspace, model: Model, recent: Recent | None = None) -> DriftAnswer:
    recent = recent or read_recent(ws, model.model_id)
    sides = with_long_columns(ws, model.model_id, choose_sides(ws, model.model_id, recent))
    concept = read_concept(ws, model, recent)
    result, insufficient = attempt(lambda: _compare(sides, concept))
    return Computed(
        model_id=model.model_id,
        computed_at_ms=ws.now_ms(),
        window=sides.current_window,
        reference=sides.reference_window,
        n_reference=sides.n_reference,
        n_current=len(sides.current_rows),
        method=sides.method,
        result=result,
        insufficient=insufficient,
    )


def _compare(sides: Sides, concept: Concept | Insufficient) -> ModelDrift | Insufficient:
    if sides.lack:
        return Insufficient(sides.lack)
    smaller = min(sides.n_reference, len(sides.current_rows))
    if smaller < MIN_ROWS:
        return Insufficient(
            say(
                "reasons.few_drift_rows",
                "drift needs {needed, number} rows on each side, "
                "got {before, number} in the reference and {now, number} now",
                needed=MIN_ROWS,
                before=sides.n_reference,
                now=len(sides.current_rows),
            ),
            needed=MIN_ROWS,
            got=smaller,
        )
    data = _report(
        _features(sides.reference),
        _features(sides.current),
        say("reasons.no_features_sent", "the model sends no features"),
        _segments(sides),
    )
    prediction = _report(
        _predictions(sides.reference),
        _predictions(sides.current),
        say("reasons.no_predictions", "the model sends no predictions"),
    )
    return _together(data, prediction, concept)


def _together(
    data: DriftReport | Insufficient,
    prediction: DriftReport | Insufficient,
    concept: Concept | Insufficient,
) -> ModelDrift | Insufficient:
    reports = [part for part in (data, prediction) if isinstance(part, DriftReport)]
    scores = [report.score for report in reports if report.score is not None]
    outcomes = [report.status for report in reports]
    if isinstance(concept, Concept) and isinstance(concept.labelled, ConceptDrift):
        scores.append(concept.score or 0.0)
        outcomes.append(concept.labelled.outcome)
    if not scores:
        return Insufficient(
            say(
                "reasons.nothing_to_compare",
                "the model sends neither features nor predictions to compare",
            )
        )
    return ModelDrift(data, prediction, max(scores), min(outcomes, key=ORDER.index), concept)


ORDER = ("drift", "detectable_but_negligible", "no_evidence", "insufficient_data")
"""Outcomes, worst first."""


def _report(
    reference: Columns,
    current: Columns,
    reason: str,
    segments: tuple[Columns, Columns] = ({}, {}),
) -> DriftReport | Insufficient:
    if not reference or not current:
        return Insufficient(reason)
    report = engine.compare(
        reference | segments[0],
        current | segments[1],
        columns=list(reference),
        kinds=_KINDS,
        joint=len(reference) > 1,
        slice_by=list(segments[0]),
    )
    return replace(report, new_columns=tuple(name for name in current if name not in reference))


def _segments(sides: Sides) -> tuple[Columns, Columns]:
    """Return the columns that cut both sides into segments, named apart from the features."""
    names = [name for name in sides.segments if name in sides.reference and name in sides.current]
    shown = {name: f"segment {name}" for name in names if name.startswith(FEATURE)}
    one, other = (
        {shown.get(name, name): _as_labels(side[name]) for name in names}
        for side in (sides.reference, sides.current)
    )
    return one, other


def _as_labels(values: NDArray[Any]) -> NDArray[Any]:  # float64 or object
    return np.array([None if v is None or v != v else class_name(v) for v in values], dtype=object)


def _features(columns: Columns) -> Columns:
    """Return what goes in: features under their own names, prompts, embeddings."""
    own = {k.removeprefix(FEATURE): v for k, v in columns.items() if k.startswith(FEATURE)}
    return _sent(columns, ("prompt", "embedding")) | own


def _predictions(columns: Columns) -> Columns:
    """Return what comes out: classes or numbers, scores, texts."""
    scores = (name for name in columns if name.startswith("score:"))
    return _sent(columns, ("prediction", "score", "output", *scores))


def _sent(columns: Columns, names: Iterable[str]) -> Columns:
    return {n: columns[n] for n in names if n in columns and _has_values(columns[n])}


def _has_values(values: NDArray[Any]) -> bool:  # float64 or object
    return any(value is not None and value == value for value in values[:1_000])


def _record(ws: Workspace, model_id: str, answer: DriftAnswer) -> None:
    found = answer.result
    if found is None:
        return
    numbers: list[tuple[str, dict[str, str], float]] = []
    parts = {"data": found.data, "prediction": found.prediction, "concept": found.concept}
    for kind, part in parts.items():
        score = getattr(part, "score", None)
        if score is not None:
            numbers.append(("aiobs_drift_score", {"kind": kind}, score))
    if isinstance(found.data, DriftReport):
        for column in found.data.columns[:200]:
            if column.outcome != "insufficient_data":
                numbers.append(("aiobs_feature_drift", {"feature": column.name}, column.effect))
    store_numbers(ws, model_id, answer.computed_at_ms, numbers)
    keep(ws, "drift", model_id, answer.computed_at_ms, answer)


Reference = Literal["rolling", "seasonal", "previous_version"]


@permitted("models:read")
def compare_windows(
    ws: Workspace, model_id: str, window: Window, *, against: Reference = "rolling"
) -> Computed[DriftReport]:
    """Return drift of any window against another, from the summaries that were kept."""
    model = get_model(ws, model_id)
    now = merged_sketch(ws, model_id, window)
    reference_window: Window | None = window.before()
    if against == "seasonal":
        reference, reference_window = seasonal_sketch(ws, model_id, window), None
    elif against == "previous_version":
        reference, now, reference_window = _versions_of(ws, model, window)
    else:
        reference = merged_sketch(ws, model_id, window.before())
    result, insufficient = attempt(lambda: _compare_sketches(reference, now, against))
    return Computed(
        model_id=model_id,
        computed_at_ms=ws.now_ms(),
        window=window,
        reference=reference_window,
        n_reference=reference.rows if reference else 0,
        n_current=now.rows if now else 0,
        method=say("methods.sketches", "sketches, {against}", against=_AGAINST[against]),
        result=result,
        insufficient=insufficient,
    )


def _versions_of(
    ws: Workspace, model: Model, window: Window
) -> tuple[TableSketch | None, TableSketch | None, Window | None]:
    """Return the former version's last window of equal length, and the present version's."""
    if len(model.versions) < 2:
        return None, None, None
    present, former = sorted(model.versions, key=lambda v: -v.first_seen_ms)[:2]
    end = former.last_seen_ms + 1
    before = Window(end - window.length_ms, end)
    return (
        merged_sketch(ws, model.model_id, before, version=former.version),
        merged_sketch(ws, model.model_id, window, version=present.version),
        before,
    )


_AGAINST = {
    "rolling": say("words.against_rolling", "rolling"),
    "seasonal": say("words.against_seasonal", "seasonal"),
    "previous_version": say("words.against_previous_version", "previous version"),
}


def _compare_sketches(
    reference: TableSketch | None, now: TableSketch | None, against: Reference
) -> DriftReport | Insufficient:
    if now is None and (reference is not None or against != "previous_version"):
        return Insufficient(say("reasons.silent", "the model sent nothing in this window"))
    if reference is None or now is None:
        return Insufficient(
            {
                "rolling": say(
                    "reasons.silent_before", "the model sent nothing in the window before"
                ),
                "seasonal": say(
                    "reasons.silent_three_weeks",
                    "the model sent nothing in the same hours of the last three weeks",
                ),
                "previous_version": say(
                    "reasons.one_version", "the model has had one version only"
                ),
            }[against]
        )
    return engine.compare_sketches(reference, now)
