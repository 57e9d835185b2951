"""Concept drift: whether scores still mean what they meant, with labels and without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from engines import drift as engine
from engines.drift import ConceptDrift, DetectorState, PerformanceEstimate
from engines.result import Insufficient
from engines.sentence import say
from services.models import Model
from services.quality import class_name, score_outcomes
from services.sides import Recent
from services.times import HOUR_MS
from services.workspace import Workspace

CURRENT_MS = 2 * HOUR_MS

Floats = NDArray[np.float64]


class Concept(msgspec.Struct, frozen=True):
    """What labels say of the meaning of scores, what can be said without them, and when errors
    rose.

    `score` is 0..1, lower is better: the change of the label at equal scores.
    """

    labelled: ConceptDrift | Insufficient
    estimate: PerformanceEstimate | Insufficient
    alarms_ms: tuple[int, ...]
    score: float | None


@dataclass(frozen=True, slots=True)
class _Judged:
    """Rows as the engine wants them: a score, whether it came true, and whether it was wrong."""

    times_ms: NDArray[np.int64]
    score: Floats
    label: Floats
    error: Floats
    threshold: float


def read_concept(ws: Workspace, model: Model, recent: Recent) -> Concept | Insufficient:
    """Return concept drift of the last two hours against the two days before."""
    end, rows = ws.now_ms(), recent.rows
    judged = _judge(rows, model)
    if isinstance(judged, Insufficient):
        return judged
    now = judged.times_ms >= end - CURRENT_MS
    labelled = engine.compare_concept(
        judged.score[~now], judged.label[~now], judged.score[now], judged.label[now]
    )
    effect = labelled.effect if labelled.outcome == "drift" else 0.0
    known = labelled.outcome != "insufficient_data"
    return Concept(
        labelled=labelled if known else Insufficient(labelled.reason),
        estimate=_estimate(judged, now),
        alarms_ms=_watch(ws, model.model_id, judged, end),
        score=min(1.0, effect / _scale(judged)) if known else None,
    )


def _judge(rows: InferenceColumns, model: Model) -> _Judged | Insufficient:
    if model.model_type in ("llm", "rag"):
        return Insufficient(
            say("reasons.texts_have_no_classes", "outputs are texts: see hallucination risk")
        )
    label = rows.columns.get("label")
    if label is None or len(rows) == 0:
        return Insufficient(
            say(
                "reasons.no_labels_for_concept",
                "no labels have arrived to test the meaning of scores",
            )
        )
    if model.model_type == "regression":
        return _regression(rows, label)
    per_class = {k[6:]: np.asarray(v, float) for k, v in rows.columns.items() if k[:6] == "score:"}
    if per_class:
        return _many_classes(rows, label, per_class)
    score = rows.columns.get("score")
    if score is None:
        return Insufficient(say("reasons.no_scores", "the model sends no scores"))
    truth = score_outcomes(rows, model.positive_class)
    if truth is None:
        return Insufficient(
            say(
                "reasons.no_positive_class",
                "say which class the score speaks of: register `positive_class`",
            )
        )
    values = np.asarray(score, dtype=float)
    error = np.where(np.isnan(truth), np.nan, ((values >= 0.5) != (truth > 0.5)).astype(float))
    return _Judged(rows.timestamps_ms, values, truth, error, 0.5)


def _many_classes(
    rows: InferenceColumns, label: NDArray[Any], per_class: dict[str, Floats]
) -> _Judged:
    """Take the probability of the predicted class as score, and whether it was right as label."""
    names = np.array(sorted(per_class), dtype=object)
    matrix = np.column_stack([per_class[name] for name in names])
    has = np.isfinite(matrix).any(axis=1)
    top = np.where(has, np.nan_to_num(matrix, nan=-1).argmax(axis=1), 0)
    score = np.where(has, matrix[np.arange(len(rows)), top], np.nan)
    known = np.array([v is not None and v == v for v in label], dtype=bool)
    right = np.full(len(rows), np.nan)
    right[known] = [
        class_name(v) == names[t] for v, t in zip(label[known], top[known], strict=True)
    ]
    return _Judged(rows.timestamps_ms, score, right, 1 - right, -np.inf)


def _regression(rows: InferenceColumns, label: NDArray[Any]) -> _Judged | Insufficient:
    prediction = rows.columns.get("prediction")
    if prediction is None:
        return Insufficient(say("reasons.no_predictions", "the model sends no predictions"))
    truth, said = np.asarray(label, dtype=float), np.asarray(prediction, dtype=float)
    return _Judged(rows.timestamps_ms, said, truth, np.abs(truth - said), np.nan)


def _estimate(judged: _Judged, now: NDArray[np.bool_]) -> PerformanceEstimate | Insufficient:
    if np.isnan(judged.threshold):
        return Insufficient(
            say(
                "reasons.estimate_classifiers_only",
                "performance without labels is estimated for classifiers only",
            )
        )
    return engine.estimate_performance(
        judged.score[~now],
        judged.label[~now],
        judged.score[now],
        current_label=judged.label[now],
        threshold=judged.threshold,
    )


class _Watched(msgspec.Struct, frozen=True):
    """The detector at a moment, and the alarms until then."""

    state: DetectorState
    alarms_ms: tuple[int, ...]


def _watch(ws: Workspace, model_id: str, judged: _Judged, end_ms: int) -> tuple[int, ...]:
    """Return when the online detector found that errors rose.

    Rows before the current window are watched once an hour and the detector goes on from there;
    labels that come later than that window count at the next hour.
    """
    known = np.isfinite(judged.error)
    times, errors = judged.times_ms[known], judged.error[known]
    split_ms = (end_ms - CURRENT_MS) // HOUR_MS * HOUR_MS
    old = times < split_ms
    start = _Watched(DetectorState(), ())
    past = ws.cached(
        f"watched/{model_id}/{split_ms}",
        _Watched,
        lambda: _go_on(start, times[old], errors[old]),
        fresh_s=2 * HOUR_MS / 1_000,
    )
    return _go_on(past, times[~old], errors[~old]).alarms_ms


def _go_on(past: _Watched, times_ms: NDArray[np.int64], errors: NDArray[np.float64]) -> _Watched:
    seen = past.state.seen
    state, alarms = engine.watch(past.state, errors.tolist())
    found = [int(times_ms[min(alarm.index - seen, len(times_ms) - 1)]) for alarm in alarms]
    return _Watched(state, (*past.alarms_ms, *found))


def _scale(judged: _Judged) -> float:
    """Return the spread of the label: 1 for classes, its standard deviation for numbers."""
    if not np.isnan(judged.threshold):
        return 1.0
    return max(float(np.nanstd(judged.label)), 1e-12)
