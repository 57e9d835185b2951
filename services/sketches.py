"""Mergeable summaries of a model's inputs, kept as inferences arrive.

One summary per model, version and ten minutes. Drift of any window against any other then costs a
merge of summaries and not a read of rows; a late inference rewrites the summary of its own bucket.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from connectors.telemetry import Analysis
from engines import drift as engine
from engines.drift import TableSketch
from engines.drift.score_sums import ScoreGrid
from engines.errors import EngineError
from services.identity import permitted
from services.models import get_model
from services.times import DAY_MS, HOUR_MS, MINUTE_MS, Window
from services.workspace import Workspace

BUCKET_MS = 10 * MINUTE_MS
FEATURE = "feature:"
_KIND = "sketch"
_CURSOR = "sketch_cursor"
_GRID = "sketch_grid"
_MAX_BUCKETS = 40_000
_AT_ONCE_MS = 6 * HOUR_MS
"""Span of buckets that one read serves."""
GRID_ROWS, LEAST_GRID_ROWS = 5_000, 200
"""Newest rows behind a model's score map, and how many it takes: 65 quantiles, three rows each."""


@permitted("ingest:write")
def update_sketches(ws: Workspace) -> int:
    """Summarise the buckets that received inferences since the last call; how many."""
    record = ws.records.get(_CURSOR, "inferences")
    cursor = int(record.body["cursor"]) if record else 0
    touched, after = ws.events.touched_minutes(cursor)
    buckets = sorted({(model, minute // BUCKET_MS * BUCKET_MS) for model, minute in touched})
    for model_id in sorted({model for model, _ in buckets}):
        _summarise(ws, model_id, [start for model, start in buckets if model == model_id])
    if after != cursor:
        ws.records.put(_CURSOR, "inferences", {"cursor": after})
    return len(buckets)


def _summarise(ws: Workspace, model_id: str, starts: list[int]) -> None:
    """Summarise buckets in order of time, several in one read: a back-fill touches hundreds."""
    grid = _grid(ws, model_id)
    for part in _spans(starts):
        rows = ws.events.inference_columns(model_id, part[0], part[-1] + BUCKET_MS)
        bucket = rows.timestamps_ms // BUCKET_MS * BUCKET_MS
        for start in part:
            _put_bucket(ws, model_id, rows, bucket == start, start, grid)


def _spans(starts: list[int]) -> list[list[int]]:
    spans: list[list[int]] = []
    for start in starts:
        if spans and start - spans[-1][0] < _AT_ONCE_MS:
            spans[-1].append(start)
        else:
            spans.append([start])
    return spans


def _put_bucket(
    ws: Workspace,
    model_id: str,
    rows: InferenceColumns,
    inside: NDArray[np.bool_],
    start_ms: int,
    grid: ScoreGrid | None,
) -> None:
    for version in sorted(set(rows.versions[inside].tolist())):
        table = feature_columns(rows, inside & (rows.versions == version), with_outputs=True)
        if table:
            # One grid a model is kept apart: within each summary it would be most of its bytes.
            body = engine.to_bytes(engine.sketch_table(table, grid=grid), with_grid=False)
            ws.events.put_analysis(Analysis(_KIND, _subject(model_id, version), start_ms, body))


def _grid(ws: Workspace, model_id: str) -> ScoreGrid | None:
    """Return the model's score map, fixed by its first rows: sums over one map can be joined.

    None while the model has sent too little to fix one, and for models without features.
    """
    key = f"sketch_grid/{model_id}"
    body = ws.cached(key, bytes, lambda: _fix_grid(ws, model_id), fresh_s=600, stale_s=600)
    return engine.from_bytes(body).grid if body else None


def _fix_grid(ws: Workspace, model_id: str) -> bytes:
    kept = ws.records.get_blob(_GRID, model_id)
    if kept is not None:
        return kept
    now = ws.now_ms()
    rows = ws.events.inference_columns(model_id, now - DAY_MS, now, limit=GRID_ROWS)
    features = feature_columns(rows, np.ones(len(rows), dtype=bool))
    if len(rows) < LEAST_GRID_ROWS or not features:
        return b""
    body = engine.to_bytes(engine.profile_table(features))
    ws.records.put_blob(_GRID, model_id, body)
    return body


def feature_columns(
    rows: InferenceColumns, chosen: NDArray[np.bool_], *, with_outputs: bool = False
) -> dict[str, NDArray[Any]]:
    """Return features under their own names; with outputs, predictions and scores too."""
    kept = {
        name.removeprefix(FEATURE): values[chosen]
        for name, values in rows.columns.items()
        if name.startswith(FEATURE)
        or (with_outputs and (name.startswith("score") or name == "prediction"))
    }
    return {name: values for name, values in kept.items() if len(values)}


def _subject(model_id: str, version: str) -> str:
    return f"{model_id}\n{version}"


@permitted("models:read")
def merged_sketch(
    ws: Workspace, model_id: str, window: Window, *, version: str | None = None
) -> TableSketch | None:
    """Return the summary of a window, widened to whole buckets; None where nothing was sent."""
    versions = [version] if version is not None else _versions(ws, model_id)
    start = window.start_ms // BUCKET_MS * BUCKET_MS
    grid = _grid(ws, model_id)
    found = [
        engine.from_bytes(analysis.body, grid=grid)
        for name in versions
        for analysis in ws.events.analyses(
            _KIND, _subject(model_id, name), start, window.end_ms, limit=_MAX_BUCKETS
        )
    ]
    return _merge(found)


def _versions(ws: Workspace, model_id: str) -> list[str]:
    return [version.version for version in get_model(ws, model_id).versions]


def _merge(sketches: Iterable[TableSketch]) -> TableSketch | None:
    parts = list(sketches)
    if not parts:
        return None
    try:
        return engine.merge(parts)
    except EngineError:
        # A column changed its kind along the way: keep the newest kind, and say less.
        newest = parts[0].names
        return engine.merge([part for part in parts if part.names == newest])


@permitted("models:read")
def seasonal_sketch(
    ws: Workspace, model_id: str, window: Window, *, weeks: int = 3, version: str | None = None
) -> TableSketch | None:
    """Return the summary of the same hours of the weeks before."""
    parts = [
        merged_sketch(
            ws,
            model_id,
            Window(window.start_ms - k * 7 * DAY_MS, window.end_ms - k * 7 * DAY_MS),
            version=version,
        )
        for k in range(1, weeks + 1)
    ]
    return _merge([part for part in parts if part is not None])
