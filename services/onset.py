"""Since when a number is red, where an alert already said that it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engines.causal import Series
from engines.causal.anomaly import Floors, deviations, normal_range
from engines.causal.inputs import Key
from engines.causal.onset import THRESHOLD
from engines.causal.roles import role_of
from services.burning import BURN_RATE
from services.scene import Scene
from services.times import MINUTE_MS

SEARCH_MS = 12 * MINUTE_MS
"""Alerts look at the ten minutes before them; a trouble they report began there or just before."""
LEAST_ROWS = 5
RESOLUTION: dict[str, float] = {
    "errors": 0.5, "data_drift": 0.02, "prediction_drift": 0.02, "concept_drift": 0.02,
    "hallucination_risk": 0.02,
}  # fmt: skip
"""To how much a number is known at best: counts to half a unit, scores from 0 to 1 to 0.02."""
BURN_RESOLUTION = 0.5
"""A budget that burns half as fast as it may is as good as one that does not burn."""


def with_resolution(metrics: Mapping[Key, Series]) -> dict[Key, Series]:
    """Return the metrics; a number that never moved is known to its resolution, no better.

    A service that never failed has a spread of zero, and no deviation can be put in units of zero.
    Every other sample of such a number is raised by its resolution, so that one failure stays
    within three deviations and two do not.
    """
    return {key: _resolved(key, series) for key, series in metrics.items()}


def _resolved(key: Key, series: Series) -> Series:
    is_burn = key[1].startswith(BURN_RATE)
    step = BURN_RESOLUTION if is_burn else RESOLUTION.get(key[1])
    if step is None or not _any(series):
        return series
    low, high = np.nanpercentile(series.values, [10, 75])
    first = series.values[np.isfinite(series.values)][: max(3, len(series.values) // 2)]
    if high > low and np.ptp(first) > 0:
        return series
    raised = series.values + step * (np.arange(len(series.values)) % 2)
    return Series(series.times_s, raised)


def _any(series: Series) -> bool:
    return bool(np.isfinite(series.values).any())


def onset_of_alert(scene: Scene, key: Key, alerted_ms: int) -> float | None:
    """Return the first minute out of range around an alert, in Unix seconds; None without one."""
    series = with_resolution({key: scene.metrics[key]}).get(key) if key in scene.metrics else None
    if series is None:
        return None
    recent = series.times_s * 1_000 >= alerted_ms - SEARCH_MS
    known = np.isfinite(series.values)
    before, after = series.values[~recent & known], series.values[recent & known]
    if len(before) < LEAST_ROWS or len(after) == 0:
        return None
    sign = np.array([float(role_of(key[1]).worse)])
    normal = normal_range(before[:, None], np.empty((0, 1)), sign, Floors(min_rows=LEAST_ROWS))
    high = deviations(after[:, None], normal, sign)[:, 0] >= THRESHOLD
    for row in np.flatnonzero(high):
        if high[row:].mean() >= 0.5:
            return float(series.times_s[recent & known][row])
    return None
