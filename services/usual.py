"""What is usual for a model: its last day in a few numbers, for alert rules to compare with."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from engines import drift as engine
from services.models import Model
from services.reference import MAX_READ_ROWS
from services.sketches import feature_columns
from services.times import DAY_MS, MINUTE_MS
from services.workspace import Workspace

RECENT_MS = 30 * MINUTE_MS
"""What is newer is not usual yet: it may be the trouble itself."""
KEPT_S = 600.0
MAX_CONTEXTS = 2_000
HIGH = 0.95
"""A value above this quantile of the last day is called high. Higher, and the incident of half an
hour a day before would hide the next one."""


class Level(msgspec.Struct, frozen=True):
    """The middle and the high mark of a number."""

    median: float
    high: float


class Usual(msgspec.Struct, frozen=True):
    """One day of a model. Counts are rows; a level is None where nothing was measured."""

    rows: int
    errors: int
    latency_ms: Level | None
    cost: Level | None
    answers: int  # rows whose passages were looked at; text models only
    without_context: int  # of them
    label_delay_ms: float | None  # 95 of 100 labels came within this time
    old_enough: int  # rows that were old enough to have a label
    unlabelled: int  # of them
    profile: bytes | None  # `TableSketch` of the features


def read_usual(ws: Workspace, model: Model) -> Usual:
    """Return the day before the last half hour, read again every ten minutes."""
    key = f"usual/{model.model_id}"
    return ws.cached(key, Usual, lambda: _read(ws, model), fresh_s=KEPT_S, stale_s=KEPT_S)


def _read(ws: Workspace, model: Model) -> Usual:
    end = ws.now_ms() - RECENT_MS
    rows = ws.events.inference_columns(model.model_id, end - DAY_MS, end, limit=MAX_READ_ROWS)
    contexts = np.array([])
    if model.model_type == "rag":
        contexts = read_contexts(ws, model.model_id, end - DAY_MS, MAX_CONTEXTS)
    delay_ms, old_enough, unlabelled = _labels(rows, end)
    features = feature_columns(rows, np.ones(len(rows), dtype=bool))
    profile = engine.to_bytes(engine.profile_table(features)) if features else None
    return Usual(
        rows=len(rows),
        errors=count_present(rows.columns.get("error")),
        latency_ms=_level(rows.columns.get("latency_ms")),
        cost=_level(rows.columns.get("cost")),
        answers=len(contexts),
        without_context=len(contexts) - count_present(contexts),
        label_delay_ms=delay_ms,
        old_enough=old_enough,
        unlabelled=unlabelled,
        profile=profile,
    )


def read_contexts(ws: Workspace, model_id: str, start_ms: int, limit: int) -> NDArray[Any]:
    """Return the passages of the newest rows since a moment: long texts, hence read alone."""
    end = ws.now_ms()
    rows = ws.events.inference_columns(model_id, start_ms, end, columns=("context",), limit=limit)
    return rows.columns["context"]


def count_present(values: NDArray[Any] | None) -> int:  # float64 or object
    """Return how many values are neither missing nor empty."""
    if values is None:
        return 0
    return sum(value == value and bool(value) for value in values.tolist())


def _level(values: NDArray[Any] | None) -> Level | None:
    known = np.asarray([] if values is None else values, dtype=float)
    known = known[np.isfinite(known)]
    if known.size == 0:
        return None
    middle, high = (float(q) for q in np.quantile(known, [0.5, HIGH]))
    return Level(middle, high)


def _labels(rows: InferenceColumns, end_ms: int) -> tuple[float | None, int, int]:
    """Return how long labels take, and how many of the rows that waited so long have none."""
    came = rows.columns.get("label_timestamp_ms")
    if came is None:
        return None, 0, 0
    waited = np.asarray(came, dtype=float) - rows.timestamps_ms
    known = np.isfinite(waited)
    if not known.any():
        return None, 0, 0
    delay_ms = float(np.quantile(waited[known], 0.95))
    old = rows.timestamps_ms < end_ms - delay_ms
    return delay_ms, int(old.sum()), int((old & ~known).sum())
