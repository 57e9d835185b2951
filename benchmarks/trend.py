"""Degradation: false alarms and power of the trend and of the change points under AR(1) noise."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.study import Row, run
from engines.degradation import Degradation, find_changes, fit_line, track
from engines.degradation.noise import simulate

N = 60
SERIES = 1_000
SHORT = 400
RESAMPLES = 199
LEVEL = 0.9


def trend(phi: float, slope: float) -> tuple[float, float]:
    """Share of series with p <= 0.05, and share of slope intervals that hold the slope."""
    times = np.arange(N, dtype=float)
    rng = np.random.default_rng(1)
    alarms = covered = 0
    for row in simulate(phi, N, SERIES, np.random.default_rng(20)) + slope * times:
        line = fit_line(times, row, resamples=RESAMPLES, rng=rng)
        low, high = np.quantile(line.slopes, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        alarms += line.p_value <= 0.05
        covered += bool(low <= slope <= high)
    return alarms / SERIES, covered / SERIES


def changes(phi: float, size: float, n: int = N) -> tuple[float, float]:
    """Share of series with any change point, and with one within three of the true place."""
    place = n * 7 // 12
    step = np.where(np.arange(n) >= place, size, 0.0)
    rng = np.random.default_rng(2)
    any_found = near = 0
    for row in simulate(phi, n, SHORT, np.random.default_rng(21)) + step:
        found = find_changes(row, false_alarm=0.05, resamples=RESAMPLES, rng=rng)
        any_found += bool(found)
        near += any(abs(index - place) <= 3 for index in found)
    return any_found / SHORT, near / SHORT


def whole(phi: float, slope: float) -> float:
    """Share of series that `track` calls degrading or improving."""
    times = np.arange(N, dtype=float)
    rows = simulate(phi, N, SHORT, np.random.default_rng(22)) + slope * times
    answers = [track(times, row, resamples=RESAMPLES, seed=i) for i, row in enumerate(rows)]
    named = [a for a in answers if isinstance(a, Degradation) and a.status != "no_evidence"]
    return len(named) / SHORT


def measure() -> list[Row]:
    rows = []
    for phi, slope, low, high in (
        (0.0, 0.0, None, 0.07),
        (0.5, 0.0, None, 0.07),
        (0.8, 0.0, None, 0.11),
        (0.5, 0.03, 0.6, None),
        (0.0, 0.03, 0.95, None),
    ):
        share, covered = trend(phi, slope)
        what = "power" if slope else "false alarms"
        rows.append(Row(f"trend {what}, AR {phi}, slope {slope}", share, low, high, SERIES))
        name = f"90 % interval of the slope covers, AR {phi}, slope {slope}"
        rows.append(Row(name, covered, None, None, SERIES))
    for phi in (0.0, 0.5, 0.8):
        share, _ = changes(phi, 0.0)
        rows.append(Row(f"change points, false alarms, AR {phi}", share, None, 0.07, SHORT))
    for phi, size in ((0.0, 2.0), (0.5, 2.0), (0.5, 3.0)):
        _, near = changes(phi, size)
        case = f"change of {size:g} sd found within 3, AR {phi}"
        rows.append(Row(case, near, None, None, SHORT))
    for phi in (0.0, 0.5):
        case = f"track names a direction, stationary AR {phi}"
        rows.append(Row(case, whole(phi, 0.0), None, 0.12, SHORT))
    start = time.process_time()
    for seed in range(20):
        track(np.arange(float(N)), np.random.default_rng(seed).normal(size=N), seed=seed)
    cost = 1_000 * (time.process_time() - start) / 20
    rows.append(Row("CPU ms for one track of 60 values", cost, repetitions=20))
    return rows


if __name__ == "__main__":
    run("trend", "Trends and changes are rarely seen where there are none.", measure)
