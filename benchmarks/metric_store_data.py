"""Gauges and counters as services report them: the data of the metric store's benchmarks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from connectors.telemetry import MetricBatch, Series

STEP_MS = 15_000
START_MS = 1_750_032_000_000  # a boundary of eight hours
BATCH_STEPS = 240  # one hour

KINDS = ("percent", "bytes", "counter", "latency_seconds", "temperature")


def fleet(count: int) -> list[Series]:
    """Return series of five kinds in turn, on hosts of twenty services."""
    return [
        Series(
            f"bench_{KINDS[i % 5]}",
            {"service": f"s{i // 5 % 20}", "host": f"h{i // 100}", "instance": np.base_repr(i, 36)},
        )
        for i in range(count)
    ]


def batches(
    series: list[Series], steps: int, *, full_precision: bool = False
) -> Iterator[MetricBatch]:
    """Yield an hour of all series at a time; every fifth series is sampled with jitter."""
    rng = np.random.default_rng(7)
    count = len(series)
    kind = np.arange(count) % 5
    level = rng.uniform(20, 80, count)
    totals = np.zeros(count)
    index = np.repeat(np.arange(count, dtype=np.int32), BATCH_STEPS)
    jittered = np.repeat(np.arange(count) % 5 == 4, BATCH_STEPS)
    for begin in range(0, steps, BATCH_STEPS):
        walk = level[:, None] + np.cumsum(rng.normal(0, 0.3, (count, BATCH_STEPS)), axis=1)
        level = walk[:, -1]
        values = walk if full_precision else _as_reported(rng, kind, walk, totals)
        stamps = START_MS + (begin + np.tile(np.arange(BATCH_STEPS), count)) * STEP_MS
        stamps[jittered] += rng.integers(0, 20, int(jittered.sum()))
        yield MetricBatch(series, index, stamps, values.reshape(-1))


def _as_reported(
    rng: np.random.Generator,
    kind: NDArray[np.int64],
    walk: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Percent to 2 decimals, bytes by pages, whole counters, seconds to 0.1 ms, degrees to 0.1."""
    values = np.empty_like(walk)
    noise = rng.normal(0, 1.0, walk.shape)
    values[kind == 0] = np.round(walk + noise, 2)[kind == 0]
    values[kind == 1] = (np.round(walk * 5_000) * 4_096)[kind == 1]
    is_counter = kind == 2
    grown = rng.poisson(30, (int(is_counter.sum()), walk.shape[1])).cumsum(axis=1)
    values[is_counter] = totals[is_counter, None] + grown
    totals[is_counter] = values[is_counter, -1]
    values[kind == 3] = np.round(0.05 * np.exp(noise * 0.4), 4)[kind == 3]
    values[kind == 4] = np.round(walk, 1)[kind == 4]
    return values
