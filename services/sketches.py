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
from engines.errors import EngineError
from services.identity import permitted
from services.models import get_model
from services.times import DAY_MS, MINUTE_MS, Window
from services.workspace import Workspace

BUCKET_MS = 10 * MINUTE_MS
FEATURE = "feature:"
_KIND = "sketch"
_CURSOR = "sketch_cursor"
_MAX_BUCKETS = 40_000


@permitted("ingest:write")
def update_sketches(ws: Workspace) -> int:
    """Summarise the buckets that received inferences since the last call; how many."""
    record = ws.records.get(_CURSOR, "inferences")
    cursor = int(record.body["cursor"]) if record else 0
    touched, after = ws.events.touched_minutes(cursor)
    buckets = sorted({(model, minute // BUCKET_MS * BUCKET_MS) for model, minute in touched})
    for model_id, start in buckets:
        _summarise(ws, model_id, start)
    if after != cursor:
        ws.records.put(_CURSOR, "inferences", {"cursor": after})
    return len(buckets)


def _summarise(ws: Workspace, model_id: str, start_ms: int) -> None:
    rows = ws.events.inference_columns(model_id, start_ms, start_ms + BUCKET_MS)
    for version in sorted(set(rows.versions.tolist())):
        table = _table(rows, rows.versions == version)
        if table:
            body = engine.to_bytes(engine.sketch_table(table))
            ws.events.put_analysis(Analysis(_KIND, _subject(model_id, version), start_ms, body))


def _table(rows: InferenceColumns, chosen: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Return features under their own names and predictions under theirs."""
    kept = {
        name.removeprefix(FEATURE): values[chosen]
        for name, values in rows.columns.items()
        if name.startswith((FEATURE, "score")) or name == "prediction"
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
    found = [
        engine.from_bytes(analysis.body)
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
