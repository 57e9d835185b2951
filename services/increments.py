"""Turns inferences into per-minute increments: one cursor a kind, late data and retries included.

A sample at minute m is what happened in [m, m + 60 s), so a late inference rewrites its own minute.
When the `basis` of a kind changes (a price, an intensity), its series are dropped and written anew
from everything that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from connectors.selector import select
from connectors.telemetry import MetricBatch, Series
from services.fleet_sums import MAX_AGAIN, fleet_name, sum_spans
from services.identity import permitted
from services.times import DAY_MS, MINUTE_MS
from services.workspace import Workspace

_CURSOR = "increment_cursor"
_JOIN_MS = 60 * MINUTE_MS
_BLANK = "unknown"
"""What stands for a version, region or segment that was not sent."""

Make = Callable[[str, InferenceColumns], "Increments"]


@permitted("ingest:write")
def follow(
    ws: Workspace,
    kind: str,
    make: Make,
    *,
    columns: Sequence[str],
    series: Sequence[str],
    basis: str,
) -> int:
    """Rewrite the minutes that received inferences since the last call; how many.

    `make` returns the increments of one model's rows; `series` are the names that it writes, each
    of which is summed over all models.
    """
    record = ws.records.get(_CURSOR, kind)
    basis = f"{basis}/fleet"  # a hub that has no sums yet writes everything anew
    known: dict[str, Any] = record.body if record and record.body["basis"] == basis else {}
    if record is not None and not known:
        for name in series:
            ws.metrics.delete(select(name))
            ws.metrics.delete(select(fleet_name(name)))
    touched, after = ws.events.touched_minutes(int(known.get("cursor", 0)))
    again = [int(minute) for minute in known.get("again", ())]
    if known and not touched and not again:
        return 0
    minutes: dict[str, list[int]] = {}
    for model_id, minute in touched:
        minutes.setdefault(model_id, []).append(minute)
    for model_id, wanted in minutes.items():
        for start, end in join_minutes(sorted(set(wanted))):
            rows = ws.events.inference_columns(model_id, start, end, columns=columns)
            made = make(model_id, rows) if len(rows) else None
            if made is not None and made.series:
                ws.metrics.append(made.batch())
    changed = sorted({minute for _, minute in touched})
    sum_spans(ws, join_minutes(sorted({*changed, *again})), series)
    ws.records.put(_CURSOR, kind, {"cursor": after, "basis": basis, "again": changed[-MAX_AGAIN:]})
    return len(touched)


def join_minutes(minutes: list[int]) -> list[tuple[int, int]]:
    """Join minutes that lie close together, so that a back-fill is read once and not by the
    minute; at most a day each."""
    spans: list[tuple[int, int]] = []
    for minute in minutes:
        near = spans and minute - spans[-1][1] <= _JOIN_MS and minute - spans[-1][0] < DAY_MS
        if near:
            spans[-1] = (spans[-1][0], minute + MINUTE_MS)
        else:
            spans.append((minute, minute + MINUTE_MS))
    return spans


def as_floats(values: NDArray[Any]) -> NDArray[np.float64]:  # float64, or object with None
    """Return a column as floats, NaN for missing."""
    return np.asarray(values, dtype=np.float64)


def as_names(values: NDArray[Any], size: int) -> NDArray[np.object_]:
    """Return a text column with a word for what is missing."""
    if len(values) != size:
        return np.full(size, _BLANK, dtype=object)
    return np.array([str(v) if v else _BLANK for v in values], dtype=object)


def tag_is(tags: NDArray[Any], name: str, value: str) -> NDArray[np.bool_]:
    """Return which rows carry a tag with this value."""
    return np.array([isinstance(t, dict) and t.get(name) == value for t in tags], dtype=bool)


class Increments:
    """Collects sums per minute and labels: one durable commit a model and span."""

    def __init__(
        self, model_id: str, rows: InferenceColumns, by: dict[str, NDArray[np.object_]]
    ) -> None:
        """Group rows by minute and by the columns of `by`, which become labels."""
        self.series: list[Series] = []
        self._index: list[NDArray[np.int32]] = []
        self._times: list[NDArray[np.int64]] = []
        self._values: list[NDArray[np.float64]] = []
        minute = rows.timestamps_ms // MINUTE_MS * MINUTE_MS
        self._minutes, at = np.unique(minute, return_inverse=True)
        self._at = at.astype(np.int64)
        keys = list(zip(*by.values(), strict=True)) if by else [()] * len(rows)
        order = {key: i for i, key in enumerate(sorted(set(keys)))}
        self._group = np.array([order[key] for key in keys], dtype=np.int64)
        sample = bool(len(rows)) and bool(tag_is(rows.columns["tags"][-1:], "sample", "true")[0])
        self._labels = [
            {"model_id": model_id}
            | dict(zip(by, key, strict=True))
            | ({"sample": "true"} if sample else {})
            for key in order
        ]

    def add(
        self, name: str, weights: NDArray[np.float64], labels: dict[str, str] | None = None
    ) -> None:
        """Add the sums of `weights` as a series per group; NaN counts for nothing.

        A minute in which a group has no known weight gets no sample, so unknown is not zero.
        """
        known = np.isfinite(weights)
        if not known.any():
            return
        width = len(self._labels)
        cell = self._at[known] * width + self._group[known]
        size = len(self._minutes) * width
        sums = np.bincount(cell, weights[known], minlength=size).reshape(-1, width)
        present = np.bincount(cell, minlength=size).reshape(-1, width) > 0
        for group in np.flatnonzero(present.any(axis=0)).tolist():
            here = present[:, group]
            self._index.append(np.full(int(here.sum()), len(self.series), dtype=np.int32))
            self.series.append(Series(name, self._labels[group] | (labels or {})))
            self._times.append(self._minutes[here])
            self._values.append(sums[here, group].astype(np.float64))

    def batch(self) -> MetricBatch:
        """Return everything as one batch."""
        return MetricBatch(
            self.series,
            np.concatenate(self._index),
            np.concatenate(self._times),
            np.concatenate(self._values),
        )
