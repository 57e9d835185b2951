"""The quality of a model over time, as one series: accuracy, absolute error, or grounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from connectors.selector import select
from services.models import ModelType
from services.times import DAY_MS, HOUR_MS, MINUTE_MS, Window
from services.workspace import Workspace

_MIN_ROWS = 5
_COLUMNS = ("prediction", "label")


@dataclass(frozen=True, slots=True)
class Quality:
    """A quality metric per step, NaN where nothing is known, and which way is better."""

    metric: str
    direction: Literal["higher_is_better", "lower_is_better"]
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    window: Window

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which steps have a value."""
        return np.isfinite(self.values)


def read_quality(ws: Workspace, model_id: str, model_type: ModelType, days: float = 7) -> Quality:
    """Return the quality of the last days: hourly, or by the quarter hour when history is short."""
    end = ws.now_ms()
    window = Window(end - round(days * DAY_MS), end)
    if model_type in ("llm", "rag"):
        return _grounding(ws, model_id, window)
    rows = ws.events.inference_columns(
        model_id, window.start_ms, window.end_ms, columns=_COLUMNS, limit=200_000
    )
    return quality_of(rows, model_type, window)


def quality_of(rows: InferenceColumns, model_type: ModelType, window: Window) -> Quality:
    """Return accuracy (share right) or mean absolute error of labelled rows, per step."""
    name = "mean_absolute_error" if model_type == "regression" else "accuracy"
    label, prediction = rows.columns.get("label"), rows.columns.get("prediction")
    known = np.zeros(len(rows), dtype=bool)
    if label is not None and prediction is not None:
        known = np.array(
            [a is not None and a == a and b is not None and b == b for a, b in zip(
                label, prediction, strict=True)], dtype=bool)  # fmt: skip
    times = rows.timestamps_ms[known]
    if label is None or prediction is None or len(times) == 0:
        return _nothing(name, window)
    score = _score(label[known].tolist(), prediction[known].tolist(), model_type)
    history = int(times[-1] - times[0])
    step = HOUR_MS if history > 2 * DAY_MS else 15 * MINUTE_MS
    grid, slot = np.unique(times // step * step, return_inverse=True)
    counts = np.bincount(slot)
    values = np.bincount(slot, weights=score) / counts
    values[counts < _MIN_ROWS] = np.nan
    direction: Literal["higher_is_better", "lower_is_better"] = (
        "lower_is_better" if model_type == "regression" else "higher_is_better"
    )
    return Quality(name, direction, grid, values, counts, window)


def _score(
    labels: list[object], predictions: list[object], model_type: ModelType
) -> NDArray[np.float64]:
    if model_type == "regression":
        truth = np.asarray(labels, dtype=np.float64)
        return np.abs(truth - np.asarray(predictions, dtype=np.float64))
    return np.array([same(a, b) for a, b in zip(labels, predictions, strict=True)], dtype=float)


def same(a: object, b: object) -> bool:
    """Whether a label and a prediction name the same class: 1, 1.0, true and "1" do."""
    if a == b:
        return True
    return class_name(a) == class_name(b)


def class_name(value: object) -> str:
    """Return one spelling for a class: 1, 1.0 and True are ``"1"``.

    >>> class_name(1.0), class_name(True), class_name("cat")
    ('1', '1', 'cat')
    """
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _grounding(ws: Workspace, model_id: str, window: Window) -> Quality:
    selector = select("aiobs_grounding_score", {"model_id": model_id})
    found = ws.metrics.window(
        selector, window.start_ms, window.end_ms, 15 * MINUTE_MS, over_time="avg", across="avg"
    )
    if not found:
        return _nothing("grounding", window)
    points = found[0]
    counts = np.isfinite(points.values).astype(np.int64)
    return Quality(
        "grounding", "higher_is_better", points.timestamps_ms, points.values, counts, window
    )


def _nothing(name: str, window: Window) -> Quality:
    empty = np.array([], dtype=np.int64)
    return Quality(name, "higher_is_better", empty, np.array([]), empty, window)


def score_outcomes(rows: InferenceColumns, positive: str | None) -> NDArray[np.float64] | None:
    """Return whether what a single score speaks of came true: 1, 0, or NaN without a label.

    A score is the probability of the positive class: the one registered, "1" where labels are 0 and
    1, else the class that is predicted when the score is above one half. Scores that are never
    below one half speak of the predicted class, whichever it is. None when nothing decides.
    """
    label, score = rows.columns.get("label"), rows.columns.get("score")
    if label is None or score is None:
        return None
    truth = [None if v is None or v != v else class_name(v) for v in label.tolist()]
    said = [
        None if v is None or v != v else class_name(v)
        for v in rows.columns.get("prediction", np.full(len(rows), None)).tolist()
    ]
    if positive is None:
        positive = _positive_class(truth, said, np.asarray(score, dtype=np.float64))
    if positive is None and np.nanmin(score, initial=1.0) < 0.5:
        return None
    meant = said if positive is None else [positive] * len(truth)
    return np.array(
        [np.nan if a is None or b is None else float(a == b) for a, b in zip(
            truth, meant, strict=True)])  # fmt: skip


def _positive_class(
    truth: list[str | None], said: list[str | None], score: NDArray[np.float64]
) -> str | None:
    if {name for name in truth if name is not None} <= {"0", "1"}:
        return "1"
    high = [name for name, s in zip(said, score, strict=True) if name is not None and s > 0.5]
    low = [name for name, s in zip(said, score, strict=True) if name is not None and s < 0.5]
    if not high or not low:
        return None
    common = max(sorted(set(high)), key=high.count)
    return common if low.count(common) < len(low) / 2 else None
