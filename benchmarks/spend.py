"""Forecasts cover, quiet spending stays quiet, peaks are found: measured on made series.

Run: python -m benchmarks.spend
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import facts
from engines import business

RESULT = Path(__file__).parent / "results" / "spend.json"
LEVEL = 0.9
RUNS = {"short": 200, "seasonal": 60, "quiet": 300}


def spending(hours: int, seed: int, *, shape: float = 100.0) -> NDArray[np.float64]:
    """Return hourly cost with a daily rhythm and multiplicative noise (gamma, mean 1)."""
    at = np.arange(hours)
    rhythm = 10 + 4 * np.sin(at / 24 * 2 * np.pi)
    return rhythm * np.random.default_rng(seed).gamma(shape, 1 / shape, hours)


def coverage(history: int, horizon: int, runs: int) -> float:
    """Return the share of sums over the horizon that their 90 % interval held."""
    hits = 0
    for seed in range(runs):
        series = spending(history + horizon, seed)
        found = business.forecast(series[:history], horizon, level=LEVEL).total_interval
        hits += found.low <= float(series[history:].sum()) <= found.high
    return hits / runs


def false_runs(hours: int, runs: int) -> float:
    """Return how many peaks per day were reported where there was none."""
    found = sum(len(business.find_spend_anomalies(spending(hours, s))) for s in range(runs))
    return found / runs / (hours / 24)


def found_share(hours: int, factor: float, runs: int) -> float:
    """Return the share of single hours, made dearer by a factor, that were found."""
    hits = 0
    for seed in range(runs):
        series = spending(hours, seed)
        at = 6 + seed % (hours - 12)
        series[at] *= factor
        hits += any(a.start <= at < a.end for a in business.find_spend_anomalies(series))
    return hits / runs


def main() -> None:
    """Measure, print a table, and keep it."""
    started = time.process_time()
    rows = {
        "90 % interval of 2 days, from 24 h": coverage(24, 48, RUNS["short"]),
        "90 % interval of 7 days, from 48 h": coverage(48, 168, RUNS["short"]),
        "90 % interval of 7 days, from 7 days": coverage(168, 168, RUNS["seasonal"]),
        "90 % interval of 14 days, from 14 days": coverage(336, 336, RUNS["seasonal"]),
        "false peaks a day, 24 h": false_runs(24, RUNS["quiet"]),
        "false peaks a day, 7 days": false_runs(168, RUNS["quiet"]),
        "hours x 1.5 found, 24 h": found_share(24, 1.5, RUNS["quiet"]),
        "hours x 2 found, 24 h": found_share(24, 2.0, RUNS["quiet"]),
        "hours x 1.5 found, 7 days": found_share(168, 1.5, RUNS["quiet"]),
        "hours x 2 found, 7 days": found_share(168, 2.0, RUNS["quiet"]),
    }
    for name, value in rows.items():
        print(f"{name:42} {value:.3f}")
    kept = {"machine": facts(), "cpu_s": round(time.process_time() - started, 1), "rows": rows}
    RESULT.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
