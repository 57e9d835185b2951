"""Reliability: bias and coverage of the debiased calibration error, beside the plug-in one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.study import Row, run
from engines.reliability import bin_scores, calibration_error

Floats = NDArray[np.float64]
REPETITIONS = 1_000

SCORES: dict[str, tuple[float, float]] = {
    "uniform scores": (1.0, 1.0),
    "extreme scores, Beta(0.5, 0.5)": (0.5, 0.5),
    "rare positives, Beta(1, 9)": (1.0, 9.0),
}


def honest(scores: Floats) -> Floats:
    return scores


def squared(scores: Floats) -> Floats:
    return scores**2


def timid(scores: Floats) -> Floats:
    return 0.25 + 0.5 * scores


def study(
    n: int, shape: tuple[float, float], rate: Callable[[Floats], Floats], level: float
) -> tuple[float, float, float, float]:
    """Mean debiased error, mean plug-in error, coverage, and mean width of the interval."""
    errors, plugs, hits, widths = [], [], 0, []
    for seed in range(REPETITIONS):
        rng = np.random.default_rng(seed)
        scores = rng.beta(*shape, n)
        truth_rate = rate(scores)
        labels = (rng.uniform(size=n) < truth_rate).astype(float)
        binned = bin_scores(scores, labels)
        found = calibration_error(binned, level)
        ends = np.cumsum(binned.sizes)[:-1]
        gap = np.split((scores - truth_rate)[np.argsort(scores, kind="stable")], ends)
        square = sum(part.size * part.mean() ** 2 for part in gap) / n
        truth = float(np.sqrt(square))
        errors.append(found.ece - truth)
        plugs.append(found.plug_in)
        hits += found.interval.low - 1e-12 <= truth <= found.interval.high
        widths.append(found.interval.high - found.interval.low)
    return (
        float(np.mean(errors)),
        float(np.mean(plugs)),
        hits / REPETITIONS,
        float(np.mean(widths)),
    )


def measure() -> list[Row]:
    rows = []
    for name, shape in SCORES.items():
        for n in (500, 2_000, 20_000):
            bias, plug, covered, width = study(n, shape, honest, 0.9)
            bound = 0.005
            case = f"perfect, {name}, n={n}"
            rows.append(Row(f"{case}: bias", bias, -bound, bound, REPETITIONS))
            rows.append(Row(f"{case}: plug-in ECE, for comparison", plug, None, None, REPETITIONS))
            rows.append(Row(f"{case}: 90 % interval covers", covered, 0.85, 0.95, REPETITIONS))
            rows.append(Row(f"{case}: mean width", width, None, None, REPETITIONS))
    for label, rate in (("true rate p^2", squared), ("true rate 1/4 + p/2", timid)):
        for n in (500, 2_000):
            bias, _, covered, _ = study(n, (1.0, 1.0), rate, 0.9)
            rows.append(Row(f"{label}, n={n}: bias", bias, None, None, REPETITIONS))
            case = f"{label}, n={n}: 90 % interval covers"
            rows.append(Row(case, covered, 0.85, 0.95, REPETITIONS))
    _, _, covered, _ = study(500, (1.0, 1.0), honest, 0.95)
    case = "perfect, uniform scores, n=500: 95 % interval covers"
    rows.append(Row(case, covered, 0.92, 0.98, REPETITIONS))
    return rows


if __name__ == "__main__":
    run(
        "calibration", "The calibration error of a perfect model is zero within its noise.", measure
    )
