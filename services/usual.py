"""What is usual for a model: its last day in a few numbers, for alert rules to compare with."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from engines import drift as engine
from services.incidents import list_incidents
from services.models import Model
from services.sides import MAX_READ_ROWS
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


MARKS = (0.98, 0.999)
"""Quantiles behind the evidence of single requests. The upper one makes each count for more; the
lower one is left when an incident that nobody noticed hides the upper."""
CHANGES = (
    "latency", "errors", "cost", "retrieval_outage", "label_delay", "sensor_fault",
    "covariate_shift",
)  # fmt: skip
"""Rules whose incidents say that a model's rows are not as usual."""
BEFORE_MS = 5 * MINUTE_MS
"""How long an incident may have lasted before it was noticed."""


class Mark(msgspec.Struct, frozen=True):
    """A value, and how many rows of the day lie above it."""

    value: float
    above: int


class Level(msgspec.Struct, frozen=True):
    """The middle and the high marks of a number, over so many rows that have it."""

    median: float
    high: float
    rows: int
    marks: tuple[Mark, ...]


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
    """Return the day before the last half hour, incidents left out; read every ten minutes."""
    key = f"usual/{model.model_id}"
    return ws.cached(key, Usual, lambda: _read(ws, model), fresh_s=KEPT_S, stale_s=KEPT_S)


def _read(ws: Workspace, model: Model) -> Usual:
    end = ws.now_ms() - RECENT_MS
    wrong = _incident_spans(ws, model.model_id)
    rows = _outside(
        ws.events.inference_columns(model.model_id, end - DAY_MS, end, limit=MAX_READ_ROWS), wrong
    )
    answers = 0
    without_context = 0
    if model.model_type == "rag":
        read = _outside(read_contexts(ws, model.model_id, end - DAY_MS, MAX_CONTEXTS), wrong)
        answers, without_context = len(read), int((~is_present(read.columns["context"])).sum())
    delay_ms, old_enough, unlabelled = _labels(rows, end)
    features = feature_columns(rows, np.ones(len(rows), dtype=bool))
    profile = engine.to_bytes(engine.profile_table(features)) if features else None
    errors = rows.columns.get("error")
    return Usual(
        rows=len(rows),
        errors=0 if errors is None else int(is_present(errors).sum()),
        latency_ms=_level(rows.columns.get("latency_ms")),
        cost=_level(rows.columns.get("cost")),
        answers=answers,
        without_context=without_context,
        label_delay_ms=delay_ms,
        old_enough=old_enough,
        unlabelled=unlabelled,
        profile=profile,
    )


def _incident_spans(ws: Workspace, model_id: str) -> list[tuple[int, int]]:
    """Return when the model's rows were known not to be as usual."""
    return [
        (i.opened_at_ms - BEFORE_MS, i.updated_at_ms if i.resolved_at_ms else ws.now_ms())
        for i in list_incidents(ws, limit=1_000)
        if i.subject == model_id and i.rule in CHANGES
    ]


def _outside(rows: InferenceColumns, spans: list[tuple[int, int]]) -> InferenceColumns:
    """Return the rows outside some spans; all of them when fewer than half would be left, since
    what lasts that long has become usual."""
    kept = np.ones(len(rows), dtype=bool)
    for start_ms, end_ms in spans:
        kept &= (rows.timestamps_ms < start_ms) | (rows.timestamps_ms >= end_ms)
    if kept.all() or kept.sum() < len(rows) / 2:
        return rows
    return InferenceColumns(
        rows.inference_ids[kept],
        rows.timestamps_ms[kept],
        rows.versions[kept],
        {name: values[kept] for name, values in rows.columns.items()},
    )


def read_contexts(ws: Workspace, model_id: str, start_ms: int, limit: int) -> InferenceColumns:
    """Return the newest rows since a moment with their passages: long texts, hence read alone."""
    return ws.events.inference_columns(
        model_id, start_ms, ws.now_ms(), columns=("context",), limit=limit
    )


def is_present(values: NDArray[Any]) -> NDArray[np.bool_]:  # float64 or object
    """Return which values are neither missing nor empty."""
    return np.array([value == value and bool(value) for value in values.tolist()], dtype=bool)


def _level(values: NDArray[Any] | None) -> Level | None:
    known = np.asarray([] if values is None else values, dtype=float)
    known = known[np.isfinite(known)]
    if known.size == 0:
        return None
    middle, high, *upper = (float(q) for q in np.quantile(known, [0.5, HIGH, *MARKS]))
    marks = tuple(Mark(value, int((known > value).sum())) for value in upper)
    return Level(middle, high, len(known), marks)


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
