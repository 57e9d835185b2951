"""When did a model's inputs, predictions and accuracy move: each minute's newest rows.

The drift scores that the hub computes look at hours and say how far; a search for a cause needs to
know when, within a minute or two. These series look at a dozen rows at a time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from engines.causal import Series
from engines.causal.inputs import Key
from engines.drift.running import running_distance
from services.models import Model
from services.quality import same
from services.times import MINUTE_MS

FEW = 12
"""Rows that a minute looks at when it brought fewer itself; `services.newest` needs as many."""
MOST_A_MINUTE = 200
LEAST_REFERENCE = 60
MOST_FEATURES = 6
"""Features shown a model, those that moved most: a drawing of every feature is no help."""
FEATURE = "feature:"
DRIFT = "feature_drift:"


def shifts(model: Model, rows: InferenceColumns, minutes: NDArray[np.int64]) -> dict[Key, Series]:
    """Return per minute the drift of features and predictions, and the accuracy where labels came.

    `data_drift` is the largest distance of any feature. The first half of the window is normal.
    """
    middle = int(np.searchsorted(rows.timestamps_ms, (minutes[0] + minutes[-1]) // 2))
    found: dict[Key, Series] = {}
    if middle < LEAST_REFERENCE:
        return found
    name = model.model_id
    drifts = _features(rows, minutes, middle)
    if drifts:
        most = np.fmax.reduce([series.values for series in drifts.values()])
        found[name, "data_drift"] = on_minutes(minutes, most)
        ranked = sorted(drifts, key=lambda f: (-_peak(drifts[f]), f))[:MOST_FEATURES]
        found |= {(name, f"{DRIFT}{feature}"): drifts[feature] for feature in ranked}
    output = _output(rows)
    if output is not None:
        found[name, "prediction_drift"] = _distance(rows, output, minutes, middle)
    accuracy = _accuracy(model, rows, minutes)
    if accuracy is not None:
        found[name, "accuracy"] = accuracy
    return found


def _features(rows: InferenceColumns, minutes: NDArray[np.int64], middle: int) -> dict[str, Series]:
    return {
        column.removeprefix(FEATURE): _distance(rows, values, minutes, middle)
        for column, values in sorted(rows.columns.items())
        if column.startswith(FEATURE)
    }


def _output(rows: InferenceColumns) -> NDArray[Any] | None:
    """Return scores where the model gives them, else predictions; None without either."""
    for name in ("score", "prediction"):
        values = rows.columns.get(name)
        if values is not None and any(v is not None and v == v for v in values[:1_000].tolist()):
            return values
    return None


def _distance(
    rows: InferenceColumns, values: NDArray[Any], minutes: NDArray[np.int64], middle: int
) -> Series:
    starts, ends = _slices(rows.timestamps_ms, minutes)
    return on_minutes(minutes, running_distance(values[:middle], _plain(values), starts, ends))


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    return values if values.dtype == object else np.asarray(values, dtype=np.float64)


def _slices(
    times_ms: NDArray[np.int64], minutes: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return for each minute the rows it looks at: its own, and older ones to make a dozen.

    A minute that brought nothing looks at nothing: what is not known did not stay the same.
    """
    ends = np.searchsorted(times_ms, minutes + MINUTE_MS)
    begins = np.searchsorted(times_ms, minutes)
    starts = np.clip(np.minimum(begins, ends - FEW), 0, None)
    starts = np.maximum(starts, ends - MOST_A_MINUTE)
    is_empty = (begins == ends) | (ends - starts < FEW)
    return np.where(is_empty, ends, starts), ends


def _accuracy(model: Model, rows: InferenceColumns, minutes: NDArray[np.int64]) -> Series | None:
    """Return the share of right predictions among the newest labelled rows of each minute."""
    label, said = rows.columns.get("label"), rows.columns.get("prediction")
    if label is None or said is None or model.model_type == "regression":
        return None
    pairs = zip(label.tolist(), said.tolist(), strict=True)
    known = [a is not None and a == a and b is not None and b == b for a, b in pairs]
    chosen = np.flatnonzero(known)
    if chosen.size < LEAST_REFERENCE:
        return None
    right = np.array([same(label[i], said[i]) for i in chosen.tolist()], dtype=np.float64)
    starts, ends = _slices(rows.timestamps_ms[chosen], minutes)
    total = np.concatenate([[0.0], np.cumsum(right)])
    count = (ends - starts).astype(np.float64)
    share = np.full(len(minutes), np.nan)
    share[count > 0] = ((total[ends] - total[starts])[count > 0]) / count[count > 0]
    return on_minutes(minutes, share)


def _peak(series: Series) -> float:
    """The third largest value: one odd minute does not make a feature one that moved."""
    known = np.sort(series.values[np.isfinite(series.values)])
    return float(known[-3]) if known.size >= 3 else 0.0


def on_minutes(minutes: NDArray[np.int64], values: NDArray[np.float64]) -> Series:
    """Return a series of whole minutes."""
    return Series(_seconds(minutes.tobytes()), values)


@lru_cache(maxsize=8)
def _seconds(minutes: bytes) -> NDArray[np.float64]:
    """Return minutes as seconds: one array for all series of a scene, which is then looked at
    once."""
    return np.asarray(np.frombuffer(minutes, dtype=np.int64) / 1_000.0)
