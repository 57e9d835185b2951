"""Degradation: how much dependence a line, one split or two take out of AR(1) residuals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.study import Row, run
from engines.degradation.changes import SPLITS, best_splits, remove_levels
from engines.degradation.noise import raw_lag_one, simulate

SERIES = 400


def without_line(values: NDArray[np.float64]) -> NDArray[np.float64]:
    steps = np.arange(values.size) - (values.size - 1) / 2
    return values - steps * float(steps @ values) / float(steps @ steps)


def measure() -> list[Row]:
    rows = []
    for n in (60, 120, 200):
        for phi in (0.0, 0.5, 0.8):
            series = simulate(phi, n, SERIES, np.random.default_rng(1))
            found = np.mean([raw_lag_one(without_line(row)) for row in series])
            case = f"line, n={n}, phi={phi}: bias times n (used {2 + 4 * phi:.1f})"
            rows.append(Row(case, float(phi - found) * n, repetitions=SERIES))
            for split in SPLITS:
                left = [remove_levels(row, best_splits(row, split.count, 5)) for row in series]
                found = np.mean([raw_lag_one(row) for row in left])
                used = split.bias + split.bias_slope * phi
                case = f"{split.count} split, n={n}, phi={phi}: bias times n (used {used:.1f})"
                rows.append(Row(case, float(phi - found) * n, repetitions=SERIES))
    return rows


if __name__ == "__main__":
    run("lag_bias", "What a fit takes out of the lag-1 coefficient of its residuals.", measure)
