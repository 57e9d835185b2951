"""Since when a number is red, where an alert already said that it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engines.causal import Series
from engines.causal.anomaly import Floors, deviations, normal_range
from engines.causal.inputs import Key
from engines.causal.onset import THRESHOLD
from engines.causal.roles import role_of
from services.scene import Scene
from services.times import MINUTE_MS

SEARCH_MS = 12 * MINUTE_MS
"""Alerts look at the ten minutes before them; a trouble they report began there or just before."""
LEAST_ROWS = 8
HALF_A_COUNT = 0.5


def with_resolution(metrics: Mapping[Key, Series]) -> dict[Key, Series]:
    """Return the metrics with counts that never moved known to half a unit, as any count is.

    A service that never failed has a spread of zero, and no deviation can be put in units of zero.
    Every other minute of such a count is raised by half, so that one failure stays within three
    deviations and five do not.
    """
    return {key: _resolved(key, series) for key, series in metrics.items()}


def _resolved(key: Key, series: Series) -> Series:
    if key[1] != "errors" or len(series.values) < LEAST_ROWS:
        return series
    low, high = np.nanpercentile(series.values, [10, 75]) if _any(series) else (0.0, 1.0)
    if high > low:
        return series
    raised = series.values + HALF_A_COUNT * (np.arange(len(series.values)) % 2)
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
    normal = normal_range(before[:, None], np.empty((0, 1)), sign, Floors())
    high = deviations(after[:, None], normal, sign)[:, 0] >= THRESHOLD
    for row in np.flatnonzero(high):
        if high[row:].mean() >= 0.5:
            return float(series.times_s[recent & known][row])
    return None
