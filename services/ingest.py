"""Takes telemetry in: stored durably under the caller's tenant, then announced on the bus."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from connectors.protocols import Added
from connectors.telemetry import Event, Inference, Label, Log, MetricBatch, Span
from services.identity import permitted
from services.workspace import Workspace

OWN_PREFIX = "aiobs_"
"""Series that the hub computes: nobody may send a number under their names."""


@permitted("ingest:write")
def write_metrics(ws: Workspace, batch: MetricBatch) -> int:
    """Store samples; those under the hub's own names are left out. How many were left out."""
    kept = without_own_series(batch)
    if len(kept):
        ws.metrics.append(kept)
    return len(batch) - len(kept)


@permitted("ingest:write")
def write_inferences(ws: Workspace, rows: Sequence[Inference]) -> Added:
    """Store inferences; one already known by its id is a duplicate and not counted twice."""
    return ws.events.add_inferences(rows) if rows else Added(0, 0)


@permitted("ingest:write")
def write_labels(ws: Workspace, rows: Sequence[Label]) -> Added:
    """Store ground truth for inferences, which may come later than their labels."""
    return ws.events.add_labels(rows) if rows else Added(0, 0)


@permitted("ingest:write")
def write_logs(ws: Workspace, rows: Sequence[Log]) -> Added:
    """Store log lines."""
    return ws.events.add_logs(rows) if rows else Added(0, 0)


@permitted("ingest:write")
def write_spans(ws: Workspace, rows: Sequence[Span]) -> Added:
    """Store spans."""
    return ws.events.add_spans(rows) if rows else Added(0, 0)


@permitted("ingest:write")
def write_events(ws: Workspace, rows: Sequence[Event]) -> Added:
    """Store events and tell those who listen."""
    if not rows:
        return Added(0, 0)
    added = ws.events.add_events(rows)
    if added.stored:
        ws.publish("events", {"events": [_summary(row) for row in rows[:50]]})
    return added


def without_own_series(batch: MetricBatch) -> MetricBatch:
    """Return the batch without samples of series whose names belong to the hub."""
    is_own = np.array([s.name.startswith(OWN_PREFIX) for s in batch.series], dtype=bool)
    if not is_own.any():
        return batch
    place = np.cumsum(~is_own) - 1  # where a series lies once the hub's own are gone
    keep = ~is_own[batch.index]
    return MetricBatch(
        [series for series, own in zip(batch.series, is_own, strict=True) if not own],
        place[batch.index[keep]].astype(np.int32),
        batch.timestamps_ms[keep],
        batch.values[keep],
    )


def _summary(row: Event) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(row)
    plain.pop("attributes", None)
    return plain
