"""Systems on which a line is wrong: numbers that end at nothing, curves, and causes without effect.

Support of ``python -m benchmarks.effects_simulated``; runs alone as
``python -m benchmarks.effects_bent``, which prints its cells.
"""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.errors import InsufficientData
from engines.impact import WhatIf, assess_impact, fit_model, what_if, with_trees

Array = npt.NDArray[np.float64]
Key = tuple[str, str]
SYSTEMS, ROWS, ONSET = 100, 400, 350
TIMES = np.asarray(np.arange(ROWS) * 60.0, dtype=np.float64)
LATE = np.arange(ROWS) >= ONSET
LATENCY, ERRORS = ("store", "latency_ms"), ("web", "errors")
FEATURES = [("model", f"feature_drift:x{k}") for k in range(3)]
DRIFT = ("model", "data_drift")


def failing(seed: int) -> tuple[dict[Key, tuple[Array, Array]], float]:
    """Failures that begin above 100 ms, and how many come without the slowness of row 350 on."""
    rng = np.random.default_rng(seed)
    usual = 60 + rng.exponential(10, ROWS)
    latency = usual + 150 * LATE
    rate = 0.3 + 0.05 * np.maximum(0.0, latency - 100)
    errors = rng.poisson(rate).astype(np.float64)
    return {LATENCY: (TIMES, latency), ERRORS: (TIMES, errors)}, 0.3


def drifting(seed: int) -> tuple[dict[Key, tuple[Array, Array]], float]:
    """The drift of a model, the largest of its features, and what it is without the first one's."""
    rng = np.random.default_rng(seed)
    features = np.abs(0.1 + 0.05 * rng.standard_normal((ROWS, 3)))
    moved = features.copy()
    moved[LATE, 0] += 0.15
    noise = 0.005 * rng.standard_normal(ROWS)
    other = moved.copy()
    other[LATE, 0] = np.median(features[~LATE, 0])
    series = {key: (TIMES, moved[:, k]) for k, key in enumerate(FEATURES)}
    series[DRIFT] = (TIMES, moved.max(axis=1) + noise)
    return series, float((other.max(axis=1) + noise)[LATE].mean())


def weak(seed: int, rows: int = ROWS) -> tuple[dict[Key, tuple[Array, Array]], Array]:
    """Six causes whose effects on one number range from none to a tenth of its noise."""
    rng = np.random.default_rng(seed)
    effects = np.array([0.0, 0.0, 0.02, 0.05, 0.1, 0.1])
    x = rng.standard_normal((rows, 6))
    y = x @ effects + rng.standard_normal(rows)
    times = np.asarray(np.arange(rows) * 60.0, dtype=np.float64)
    series = {(f"c{k}", "value"): (times, x[:, k]) for k in range(6)}
    return series | {("y", "value"): (times, y)}, effects


def ends_of(answer: WhatIf) -> tuple[float, ...]:
    ends = answer.difference.interval
    low, high = answer.actual + ends.low, answer.actual + ends.high
    return answer.instead, low, high, *answer.instead_path, *answer.low


def bounded() -> dict[str, Any]:
    errors, hits, below, means = [], [], 0, 0
    for seed in range(SYSTEMS):
        series, truth = failing(seed)
        model = fit_model(series, [(LATENCY, ERRORS)])
        answer = what_if(model, LATENCY, ERRORS, onset_s=ONSET * 60.0, seed=seed)
        below += min(ends_of(answer)) < -1e-9
        means += answer.instead < -1e-9
        ends = answer.difference.interval
        errors.append(abs(answer.instead - truth))
        hits.append(ends.low <= truth - answer.actual <= ends.high)
    return {
        "systems": SYSTEMS,
        "means_below_nothing": means,
        "answers_with_a_path_or_an_end_below_nothing": below,
        "mean_error_in_failures_a_minute": round(float(np.mean(errors)), 3),
        "coverage_of_nominal_90": float(np.mean(hits)),
    }


def curved() -> dict[str, Any]:
    found: dict[str, Any] = {"systems": SYSTEMS}
    for name in ("line", "trees where they do better"):
        errors, hits, used, spent = [], [], 0, 0.0
        for seed in range(SYSTEMS):
            series, truth = drifting(seed)
            model = fit_model(series, [(key, DRIFT) for key in FEATURES])
            start = time.process_time()
            if name != "line":
                model = with_trees(model, FEATURES[0], DRIFT)
            spent += time.process_time() - start
            used += any(equation.boosted is not None for equation in model.equations)
            answer = what_if(model, FEATURES[0], DRIFT, onset_s=ONSET * 60.0, seed=seed)
            ends, real = answer.difference.interval, truth - answer.actual
            errors.append(abs(answer.difference.value - real) / abs(real))
            hits.append(ends.low <= real <= ends.high)
        found[name] = {
            "median_relative_error": round(float(np.median(errors)), 3),
            "coverage_of_nominal_90": float(np.mean(hits)),
            "systems_with_trees": used,
            "cpu_s_per_equation": round(spent / SYSTEMS, 3),
        }
    return found


def faint(rows: int) -> dict[str, Any]:
    told, held, refused, wrong = 0, [], 0, 0
    for seed in range(SYSTEMS):
        series, effects = weak(seed, rows)
        model = fit_model(series, [((f"c{k}", "value"), ("y", "value")) for k in range(6)])
        for k, truth in enumerate(effects):
            try:
                found = assess_impact(model, (f"c{k}", "value"), change=1.0, seed=seed)
            except InsufficientData:
                refused += 1
                continue
            if not found.metrics:
                refused += 1
                continue
            told += 1
            ends = found.metrics[0].change.interval
            held.append(ends.low <= truth <= ends.high)
            wrong += int(truth == 0 and not ends.low <= 0 <= ends.high)
    return {
        "systems": SYSTEMS, "rows": rows, "effects_told": told, "effects_not_told": refused,
        "coverage_of_nominal_90_of_those_told": round(float(np.mean(held)), 3),
        "effects_of_nothing_said_to_be_some": wrong,
    }  # fmt: skip


def cells() -> dict[str, Any]:
    return {
        "failures that begin at a threshold, cause taken back": bounded(),
        "largest of three features, cause taken back": curved(),
        "effects of at most a tenth of the noise, 100 rows": faint(100),
        "effects of at most a tenth of the noise, 400 rows": faint(400),
    }


if __name__ == "__main__":
    print(json.dumps(cells(), indent=1))
