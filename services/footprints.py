"""Writes the footprint of inferences as series a minute: carbon with its range, energy, water."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from connectors.selector import select
from engines import sustainability
from engines.sustainability import METHODS, Requests
from services.carbon_policy import CarbonPolicy, get_carbon_policy
from services.identity import permitted
from services.increments import Increments, as_floats, as_names, follow, tag_is
from services.times import HOUR_MS
from services.workspace import Workspace

CARBON = "aiobs_carbon_grams_total"
CARBON_LOW = "aiobs_carbon_low_grams_total"
CARBON_HIGH = "aiobs_carbon_high_grams_total"
ENERGY = "aiobs_facility_energy_kwh_total"
WATER = "aiobs_water_litres_total"
COUNTED = "aiobs_carbon_inferences_total"
INTENSITY = "grid_intensity_g_per_kwh"
"""What a tenant sends to say what a region's electricity emits hour by hour (label `region`)."""

_SERIES = (CARBON, CARBON_LOW, CARBON_HIGH, ENERGY, WATER, COUNTED)
_COLUMNS = ("energy_kwh", "output_tokens", "latency_ms", "region", "user_segment", "tags")


@permitted("ingest:write")
def track_carbon(ws: Workspace) -> int:
    """Bring the carbon series up to date; how many minutes were rewritten."""
    policy = get_carbon_policy(ws)
    make = partial(_increments, ws, policy)
    return follow(ws, "carbon", make, columns=_COLUMNS, series=_SERIES, basis=policy.basis())


def _increments(
    ws: Workspace, policy: CarbonPolicy, model_id: str, rows: InferenceColumns
) -> Increments:
    size = len(rows)
    regions = as_names(rows.columns["region"], size)
    tags = rows.columns["tags"]
    requests = Requests(
        energy_kwh=as_floats(rows.columns["energy_kwh"]),
        is_measured=tag_is(tags, "energy_source", "measured"),
        output_tokens=as_floats(rows.columns["output_tokens"]),
        latency_s=as_floats(rows.columns["latency_ms"]) / 1_000,
        g_per_kwh=_intensities(ws, policy, regions, rows.timestamps_ms),
    )
    found = sustainability.assess(requests, policy.site(), policy.size(model_id))
    made = Increments(
        model_id,
        rows,
        {
            "version": as_names(rows.versions, size),
            "region": regions,
            "segment": as_names(rows.columns["user_segment"], size),
            "method": np.array([METHODS[m] for m in found.method], dtype=object),
        },
    )
    embodied = found.embodied_g
    made.add(CARBON, found.usage_g.central, {"part": "usage"})
    made.add(CARBON, embodied.central, {"part": "embodied"})
    made.add(CARBON_LOW, found.usage_g.low + np.nan_to_num(embodied.low))
    made.add(CARBON_HIGH, found.usage_g.high + np.nan_to_num(embodied.high))
    made.add(ENERGY, found.energy_kwh.central)
    made.add(WATER, found.water_l)
    made.add(COUNTED, np.ones(size))
    return made


def _intensities(
    ws: Workspace,
    policy: CarbonPolicy,
    regions: NDArray[np.object_],
    times_ms: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the intensity at the place and hour of each row: the hourly series, else a year's."""
    grams = np.empty(len(regions))
    for region in sorted(set(regions.tolist())):
        here = regions == region
        grams[here] = sustainability.look_up(region, policy.intensity).g_per_kwh
        hourly = hourly_intensity(ws, region, int(times_ms[0]), int(times_ms[-1]) + 1)
        hours = times_ms[here] // HOUR_MS
        known = np.array([hourly.get(int(h), np.nan) for h in hours])
        grams[here] = np.where(np.isfinite(known), known, grams[here])
    return grams


@permitted("carbon:read")
def hourly_intensity(ws: Workspace, region: str, start_ms: int, end_ms: int) -> dict[int, float]:
    """Return what was sent of a region's intensity, by number of the hour since the epoch."""
    selector = select(INTENSITY, {"region": region})
    found = ws.metrics.window(selector, start_ms, end_ms, HOUR_MS, over_time="avg", across="avg")
    return {
        int(t) // HOUR_MS: float(v)
        for points in found
        for t, v in zip(points.timestamps_ms, points.values, strict=True)
        if np.isfinite(v)
    }
