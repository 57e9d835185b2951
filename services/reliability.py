"""Whether a model's answers can be relied on: calibration, stability, uncertainty, outliers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from engines import reliability as engine
from engines.reliability import Reliability
from engines.result import Insufficient
from engines.sentence import say
from services.computed import Computed, attempt, latest, remember
from services.history import keep, store_numbers
from services.identity import permitted
from services.models import Model, get_model
from services.quality import class_name, score_outcomes
from services.sides import Recent, Sides, choose_sides, read_recent
from services.stability import asked_again
from services.times import DAY_MS, Window
from services.workspace import Workspace

ReliabilityAnswer = Computed[Reliability]

_LABEL_DAYS = 2
_MAX_LABELLED = 20_000
_MIN_FEATURE_SHARE = 0.9
_SCORE = "score:"
_COLUMNS = ("score", "label", "prediction", "interval:low", "interval:high", "user_segment")


@permitted("models:read")
def get_reliability(ws: Workspace, model_id: str) -> ReliabilityAnswer:
    """Return the latest reliability result with every part."""
    model = get_model(ws, model_id)
    return latest(ws, "reliability", model_id, ReliabilityAnswer, lambda: _compute(ws, model))


@permitted("analysis:run")
def analyze_reliability(
    ws: Workspace, model_id: str, *, recent: Recent | None = None
) -> ReliabilityAnswer:
    """Compute reliability now, keep it and its history, and return it."""
    answer = _compute(ws, get_model(ws, model_id), recent)
    if answer.result is not None:
        numbers = [
            ("aiobs_reliability_score", {"part": name}, part.score)
            for name in (*engine.PARTS, "overall")
            if not isinstance(part := getattr(answer.result, name), Insufficient)
        ]
        store_numbers(ws, model_id, answer.computed_at_ms, numbers)
        keep(ws, "reliability", model_id, answer.computed_at_ms, answer)
    return remember(ws, "reliability", model_id, answer, ReliabilityAnswer)


def _compute(ws: Workspace, model: Model, recent: Recent | None = None) -> ReliabilityAnswer:
    end = ws.now_ms()
    window = Window(end - _LABEL_DAYS * DAY_MS, end)
    recent = recent or read_recent(ws, model.model_id)
    labelled = recent.part(window.start_ms, window.end_ms, _MAX_LABELLED)
    sides = choose_sides(ws, model.model_id, recent)
    result, insufficient = attempt(lambda: _analyze(model, labelled, sides))
    return Computed(
        model_id=model.model_id,
        computed_at_ms=ws.now_ms(),
        window=window,
        reference=sides.reference_window,
        n_reference=sides.n_reference,
        n_current=len(labelled),
        method=say(
            "methods.reliability",
            "calibration and coverage on labelled rows; outliers against the reference",
        ),
        result=result,
        insufficient=insufficient,
    )


def _analyze(model: Model, rows: InferenceColumns, sides: Sides) -> Reliability | Insufficient:
    if len(rows) == 0:
        return Insufficient(
            say("reasons.silent_two_days", "the model sent nothing in the last two days")
        )
    inputs: dict[str, Any] = {"features": _numeric_features(sides)}  # engine's keyword arguments
    expected = ["ood_detection"] if inputs["features"] is not None else []
    if model.model_type in ("classification", "regression"):
        is_number = model.model_type == "regression"
        inputs["repeats"], inputs["versions"] = asked_again(rows, is_number=is_number)
    if inputs.get("repeats") is not None or inputs.get("versions") is not None:
        expected.append("stability")
    if model.model_type == "regression":
        inputs["intervals"] = _intervals(rows)
        expected.append("uncertainty")
    elif model.model_type == "classification":
        inputs |= _scored(rows, model.positive_class)
        expected += ["calibration", "uncertainty"]
    if not expected:
        return Insufficient(
            say(
                "reasons.texts_have_no_calibration",
                "texts have no calibration here: see grounding and hallucination risk",
            )
        )
    return engine.analyze(**inputs, expected=expected)


def _scored(rows: InferenceColumns, positive: str | None) -> dict[str, Any]:
    """Return scores, labels and segments of labelled rows, as the engine names them."""
    label = rows.columns.get("label")
    if label is None:
        return {}
    known = np.array([value is not None and value == value for value in label], dtype=bool)
    per_class = {k.removeprefix(_SCORE): v for k, v in rows.columns.items() if k.startswith(_SCORE)}
    names = np.array([class_name(value) for value in label[known].tolist()], dtype=object)
    segments = rows.columns.get("user_segment")
    chosen: dict[str, Any] = {}
    if segments is not None and any(segments[known]):
        chosen["segments"] = [value or "none" for value in segments[known]]
    if per_class:
        classes = sorted(per_class)
        matrix = np.column_stack([np.asarray(per_class[c], dtype=float)[known] for c in classes])
        labels = np.array([name if name in per_class else None for name in names], dtype=object)
        return chosen | {"scores": matrix, "labels": labels, "classes": classes}
    outcomes = score_outcomes(rows, positive)
    if outcomes is None:
        return {}
    scores = np.asarray(rows.columns["score"], dtype=float)[known]
    came = [None if np.isnan(outcome) else int(outcome) for outcome in outcomes[known]]
    return chosen | {"scores": scores, "labels": np.array(came, dtype=object)}


def _intervals(rows: InferenceColumns) -> engine.Intervals | None:
    needed = [rows.columns.get(name) for name in ("interval:low", "interval:high", "label")]
    if any(column is None for column in needed):
        return None
    low, high, truth = (np.asarray(column, dtype=float) for column in needed)
    known = np.isfinite(low) & np.isfinite(high) & np.isfinite(truth)
    return engine.Intervals(low[known], high[known], truth[known]) if known.any() else None


def _numeric_features(sides: Sides) -> engine.Features | None:
    """Return complete rows of the numeric features that both sides have."""
    names = [
        name
        for name, values in sides.current.items()
        if name.startswith("feature:")
        and _is_numeric(values)
        and name in sides.reference
        and _is_numeric(sides.reference[name])
    ]
    if not names:
        return None
    reference, current = (
        np.column_stack([np.asarray(side[name], dtype=float) for name in names])
        for side in (sides.reference, sides.current)
    )
    reference, current = (m[np.isfinite(m).all(axis=1)] for m in (reference, current))
    if min(len(reference), len(current)) == 0:
        return None
    return engine.Features(reference, current)


def _is_numeric(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "fiub" and bool(
        np.isfinite(np.asarray(values, dtype=float)).mean() >= _MIN_FEATURE_SHARE
    )
