"""Reliability: coverage tests and outlier flags stay inside their bands, outliers are found."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.study import Row, run
from engines.reliability import (
    Features,
    Intervals,
    interval_uncertainty,
    ood_detection,
    set_uncertainty,
)
from engines.reliability.ood import Distance

Floats = NDArray[np.float64]
REPETITIONS = 400


def conformal_intervals(n_calibration: int, broken: float) -> tuple[float, float]:
    """Share of tests with p <= 0.05, and mean coverage, of split conformal regression."""
    rejected, shares = 0, []
    for seed in range(REPETITIONS):
        rng = np.random.default_rng(seed)
        off = np.sort(np.abs(rng.standard_t(3, n_calibration)))
        radius = off[int(np.ceil((n_calibration + 1) * 0.9)) - 1]
        outcomes = broken * rng.standard_t(3, 300)
        ends = np.full(300, radius)
        given = Intervals(-ends, ends, outcomes, 0.9, n_calibration)
        found = interval_uncertainty(given).coverage
        rejected += found.p_value <= 0.05
        shares.append(found.share)
    return rejected / REPETITIONS, float(np.mean(shares))


def conformal_sets() -> float:
    """Share of tests with p <= 0.05 on exchangeable rows."""
    rejected = 0
    for seed in range(REPETITIONS):
        rng = np.random.default_rng(seed)
        p = rng.dirichlet([1, 1, 1, 1], 400)
        y = (rng.uniform(size=(400, 1)) > p.cumsum(axis=1)).sum(axis=1)
        rejected += set_uncertainty(p, np.minimum(y, 3)).coverage.p_value <= 0.05
    return rejected / REPETITIONS


def outliers(distance: Distance, share: float, shift: float) -> tuple[float, float, float]:
    """Share of alarms at 0.05, mean excess, and share of intervals that hold the true excess."""
    alarms, excesses, covered = 0, [], 0
    for seed in range(REPETITIONS):
        rng = np.random.default_rng(seed)
        mix = rng.standard_normal((6, 6))
        reference, current = rng.standard_t(5, (400, 6)) @ mix, rng.standard_t(5, (200, 6)) @ mix
        strange = int(rng.binomial(200, share))
        current[:strange] += shift * np.abs(reference).max(axis=0)
        found = ood_detection(Features(reference, current), distance=distance, seed=seed)
        alarms += found.p_value <= 0.05
        excesses.append(found.excess)
        truth = share * 0.95
        covered += found.excess_interval.low <= truth <= found.excess_interval.high
    return alarms / REPETITIONS, float(np.mean(excesses)), covered / REPETITIONS


def digits(distance: Distance) -> float:
    """AUROC of digits 8 and 9 as outliers to digits 0 to 7, scikit-learn's data."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.data))
    rows, known = data.data[order], data.target[order] < 8
    given = Features(rows[known][:1_000], rows[known][1_000:], rows[~known])
    return ood_detection(given, distance=distance).auroc


def measure() -> list[Row]:
    rows = []
    for n in (50, 200, 1_000):
        rejected, share = conformal_intervals(n, 1.0)
        case = f"conformal intervals, {n} calibration rows"
        rows.append(Row(f"{case}: rejected at 0.05", rejected, None, 0.07, REPETITIONS))
        rows.append(Row(f"{case}: mean coverage", share, 0.895, 0.925, REPETITIONS))
    rejected, _ = conformal_intervals(200, 1.5)
    rows.append(
        Row("residuals 1.5 times wider: rejected at 0.05", rejected, 0.9, None, REPETITIONS)
    )
    rows.append(Row("conformal sets: rejected at 0.05", conformal_sets(), None, 0.07, REPETITIONS))
    kinds: tuple[Distance, ...] = ("mahalanobis", "neighbours")
    for distance in kinds:
        alarms, excess, covered = outliers(distance, 0.0, 0.0)
        rows.append(Row(f"{distance}, no outliers: alarms", alarms, None, 0.07, REPETITIONS))
        rows.append(Row(f"{distance}, no outliers: mean excess", excess, -0.01, 0.01, REPETITIONS))
        case = f"{distance}, no outliers: interval of the excess covers"
        rows.append(Row(case, covered, 0.85, 0.97, REPETITIONS))
        alarms, excess, covered = outliers(distance, 0.1, 1.0)
        rows.append(Row(f"{distance}, 10 % outliers: alarms", alarms, 0.9, None, REPETITIONS))
        rows.append(Row(f"{distance}, 10 % outliers: mean excess", excess, repetitions=REPETITIONS))
        case = f"{distance}, 10 % outliers: interval of the excess covers"
        rows.append(Row(case, covered, 0.85, 0.97, REPETITIONS))
        rows.append(Row(f"{distance}, digits 8 and 9 unseen: AUROC", digits(distance)))
    rng = np.random.default_rng(0)
    given = Features(rng.normal(size=(5_000, 30)), rng.normal(size=(20_000, 30)))
    start = time.process_time()
    ood_detection(given)
    rows.append(Row("CPU s, mahalanobis, 20,000 rows of 30 columns", time.process_time() - start))
    return rows


if __name__ == "__main__":
    run("conformal", "Coverage tests and outlier flags hold their level.", measure)
