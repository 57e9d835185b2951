"""Sums over all models, kept as series of their own: no reader adds up the fleet at every look.

A minute in which any model's increments changed is summed anew, so late data and retries stay
exact. The minutes of the call before are summed once more: a store that shows a sample only some
time after it took it (VictoriaMetrics) is then right one call later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from connectors.selector import select
from connectors.telemetry import MetricBatch, Series
from services.identity import permitted
from services.times import MINUTE_MS
from services.workspace import Workspace

SUMMED: dict[str, tuple[str, ...]] = {
    "aiobs_inferences_total": (),
    "aiobs_inference_errors_total": (),
    "aiobs_inference_latency_seconds_bucket": ("le",),
    "aiobs_tokens_total": ("direction",),
    "aiobs_cost_total": ("currency",),
    "aiobs_energy_kwh_total": (),
    "aiobs_spend_total": ("currency", "region", "segment"),
    "aiobs_spend_inferences_total": ("method", "region", "segment"),
    "aiobs_carbon_grams_total": ("part", "region"),
    "aiobs_carbon_low_grams_total": ("region",),
    "aiobs_carbon_high_grams_total": ("region",),
    "aiobs_facility_energy_kwh_total": ("region",),
    "aiobs_water_litres_total": (),
    "aiobs_carbon_inferences_total": ("method", "region"),
}
"""The series that are summed over models, and the labels that stay."""

MAX_AGAIN = 240
"""Newest changed minutes of a call that the next one sums once more."""


def fleet_name(name: str) -> str:
    """Return the name of the sum over all models.

    >>> fleet_name("aiobs_cost_total")
    'aiobs_fleet_cost_total'
    """
    return name.replace("aiobs_", "aiobs_fleet_", 1)


def summed_name(name: str, labels: Iterable[str]) -> str:
    """Return the name of the sum over all models where that keeps the labels, else the name.

    >>> summed_name("aiobs_cost_total", ["currency"])
    'aiobs_fleet_cost_total'
    >>> summed_name("aiobs_cost_total", ["currency", "model_id"])
    'aiobs_cost_total'
    """
    kept = SUMMED.get(name)
    return fleet_name(name) if kept is not None and set(labels) <= set(kept) else name


@permitted("ingest:write")
def sum_spans(ws: Workspace, spans: Iterable[tuple[int, int]], names: Sequence[str]) -> None:
    """Write the sums of all minutes in some spans [start, end), one durable commit a span."""
    for start, end in spans:
        found = [
            (Series(fleet_name(name), tuple(points.series.labels)), points)
            for name in names
            for points in ws.metrics.window(
                select(name), start, end, MINUTE_MS, over_time="sum", across="sum", by=SUMMED[name]
            )
        ]
        if not found:
            continue
        known = [np.flatnonzero(np.isfinite(points.values)) for _, points in found]
        ws.metrics.append(
            MetricBatch(
                [series for series, _ in found],
                np.repeat(np.arange(len(found), dtype=np.int32), [len(k) for k in known]),
                np.concatenate(
                    [p.timestamps_ms[k] for (_, p), k in zip(found, known, strict=True)]
                ),
                np.concatenate([p.values[k] for (_, p), k in zip(found, known, strict=True)]),
            )
        )
