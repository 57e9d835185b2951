"""Inferences become the hub's own series: requests, errors, latency, tokens, cost and energy a
minute.

The value of a ``_total`` series at minute m is what happened in [m, m + 60 s): an increment, so
that a late inference or a retry only rewrites its own minute, and a sum over any window is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from connectors.telemetry import MetricBatch, Series
from services.fleet_sums import MAX_AGAIN, sum_spans
from services.identity import permitted
from services.increments import join_minutes
from services.times import MINUTE_MS
from services.workspace import Workspace

LATENCY_BOUNDS_S = tuple(round(0.001 * 2 ** (k / 2), 6) for k in range(35))
"""Upper bounds from 1 ms to 131 s, two a factor of 2: a quantile is at most 19 % off within a
bucket."""

_COLUMNS = (
    "error", "latency_ms", "input_tokens", "output_tokens", "cost", "currency", "energy_kwh",
    "tags",
)  # fmt: skip
_SUMMED = (
    "aiobs_inferences_total", "aiobs_inference_errors_total",
    "aiobs_inference_latency_seconds_bucket", "aiobs_tokens_total", "aiobs_cost_total",
    "aiobs_energy_kwh_total",
)  # fmt: skip
"""What is summed over models too."""
_CURSOR = "rollup_cursor"
_BASIS = "fleet"
"""Names what is written; where it is another, everything that is kept is rolled up anew."""


@permitted("ingest:write")
def roll_up(ws: Workspace) -> int:
    """Rewrite the minutes that received inferences since the last call; how many."""
    record = ws.records.get(_CURSOR, "inferences")
    kept = record.body if record and record.body.get("basis") == _BASIS else {}
    touched, after = ws.events.touched_minutes(int(kept.get("cursor", 0)))
    again = [int(minute) for minute in kept.get("again", ())]
    if not touched and not again:
        return 0
    minutes: dict[str, list[int]] = {}
    for model_id, minute in touched:
        minutes.setdefault(model_id, []).append(minute)
    for model_id, wanted in minutes.items():
        for start, end in join_minutes(sorted(set(wanted))):
            _roll_model(ws, model_id, start, end)
    changed = sorted({minute for _, minute in touched})
    sum_spans(ws, join_minutes(sorted({*changed, *again})), _SUMMED)
    ws.records.put(
        _CURSOR,
        "inferences",
        {"cursor": after, "basis": _BASIS, "again": changed[-MAX_AGAIN:]},
    )
    return len(touched)


def _roll_model(ws: Workspace, model_id: str, start_ms: int, end_ms: int) -> None:
    rows = ws.events.inference_columns(model_id, start_ms, end_ms, columns=_COLUMNS)
    if len(rows) == 0:
        return
    batch = minute_series(model_id, rows)
    ws.metrics.append(batch)


def minute_series(model_id: str, rows: InferenceColumns) -> MetricBatch:
    """Return the increments of every minute and version present in the rows."""
    builder = _Builder()
    for version in sorted(set(rows.versions.tolist())):
        chosen = rows.versions == version
        labels = {"model_id": model_id, "version": version}
        if _is_sample(rows, chosen):
            labels["sample"] = "true"
        _add_version(builder, labels, rows, chosen)
    return builder.batch()


def _is_sample(rows: InferenceColumns, chosen: NDArray[np.bool_]) -> bool:
    tags = rows.columns["tags"][chosen]
    return any(isinstance(tag, dict) and tag.get("sample") == "true" for tag in tags[-1:])


def _add_version(
    builder: _Builder, labels: dict[str, str], rows: InferenceColumns, chosen: NDArray[np.bool_]
) -> None:
    minutes, slot = np.unique(
        rows.timestamps_ms[chosen] // MINUTE_MS * MINUTE_MS, return_inverse=True
    )

    def total(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        clean = np.nan_to_num(weights, nan=0.0)
        return np.bincount(slot, weights=clean, minlength=len(minutes)).astype(np.float64)

    column = {name: rows.columns[name][chosen] for name in _COLUMNS}
    failed = np.array([bool(e) for e in column["error"]], dtype=np.float64)
    builder.add("aiobs_inferences_total", labels, minutes, total(np.ones(len(slot))))
    builder.add("aiobs_inference_errors_total", labels, minutes, total(failed))
    for direction in ("input", "output"):
        tokens = _float(column[f"{direction}_tokens"])
        if np.isfinite(tokens).any():
            with_direction = labels | {"direction": direction}
            builder.add("aiobs_tokens_total", with_direction, minutes, total(tokens))
    energy = _float(column["energy_kwh"])
    if np.isfinite(energy).any():
        builder.add("aiobs_energy_kwh_total", labels, minutes, total(energy))
    _add_cost(builder, labels, minutes, slot, column)
    _add_latency(builder, labels, minutes, slot, _float(column["latency_ms"]) / 1_000)


def _add_cost(
    builder: _Builder,
    labels: dict[str, str],
    minutes: NDArray[np.int64],
    slot: NDArray[np.intp],
    column: dict[str, NDArray[Any]],  # float64 or object, as the store returns them
) -> None:
    cost = np.nan_to_num(_float(column["cost"]), nan=0.0)
    if not cost.any():
        return
    currencies = np.array([c or "USD" for c in column["currency"]], dtype=object)
    for currency in sorted(set(currencies.tolist())):
        weights = np.where(currencies == currency, cost, 0.0)
        spent = np.bincount(slot, weights, minlength=len(minutes)).astype(np.float64)
        builder.add("aiobs_cost_total", labels | {"currency": currency}, minutes, spent)


def _add_latency(
    builder: _Builder,
    labels: dict[str, str],
    minutes: NDArray[np.int64],
    slot: NDArray[np.intp],
    seconds: NDArray[np.float64],
) -> None:
    measured = np.isfinite(seconds)
    if not measured.any():
        return
    name = "aiobs_inference_latency_seconds"
    slot, seconds = slot[measured], seconds[measured]
    size = len(minutes)
    counts = np.bincount(slot, minlength=size).astype(np.float64)
    builder.add(f"{name}_count", labels, minutes, counts)
    sums = np.bincount(slot, seconds, minlength=size).astype(np.float64)
    builder.add(f"{name}_sum", labels, minutes, sums)
    bucket = np.searchsorted(LATENCY_BOUNDS_S, seconds)
    table = np.zeros((size, len(LATENCY_BOUNDS_S) + 1))
    np.add.at(table, (slot, bucket), 1.0)
    for k, bound in enumerate((*LATENCY_BOUNDS_S, np.inf)):
        le = "+Inf" if np.isinf(bound) else f"{bound:g}"
        if table[:, k].any():
            builder.add(f"{name}_bucket", labels | {"le": le}, minutes, table[:, k])


def _float(values: NDArray[Any]) -> NDArray[np.float64]:  # float64, or object with None
    return np.asarray(values, dtype=np.float64)


class _Builder:
    """Collects series columns into one batch: one durable commit a model."""

    def __init__(self) -> None:
        self.series: list[Series] = []
        self.index: list[NDArray[np.int32]] = []
        self.times: list[NDArray[np.int64]] = []
        self.values: list[NDArray[np.float64]] = []

    def add(
        self,
        name: str,
        labels: dict[str, str],
        minutes: NDArray[np.int64],
        values: NDArray[np.float64],
    ) -> None:
        self.index.append(np.full(len(minutes), len(self.series), dtype=np.int32))
        self.series.append(Series(name, labels))
        self.times.append(minutes)
        self.values.append(values)

    def batch(self) -> MetricBatch:
        return MetricBatch(
            self.series,
            np.concatenate(self.index),
            np.concatenate(self.times),
            np.concatenate(self.values),
        )
