"""Fit the confidence maps on simulated faults, and measure them on other seeds.

``python -m benchmarks.rca_calibration`` writes ``engines/causal/calibration.json`` and the report.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.rca_pods import simulate_pods
from benchmarks.rca_report import ROOT, write
from benchmarks.rca_simulator import Scenario, simulate
from engines.causal import RootCauseResult, find_root_cause
from engines.causal.confidence import Calibration, calibrated

METHODS = ("mass_balance", "walk", "deviation", "deviation+recent")
FIT_SEEDS, TEST_SEEDS, QUIET_SEEDS = range(400), range(10_000, 10_300), range(20_000, 20_200)
QUIET_EVERY = 5
KNOTS = 16
GROUP = 20
"""Suspects behind the first whose mean is one point of their map: true causes are rare there, and a
single lucky one must not stand for a range."""
EMPTY = Calibration({}, "none")


def pose(seed: int, method: str, quiet: bool = False) -> Scenario:
    """A case of the kind on which the map of `method` is used."""
    if "+" in method:
        return simulate_pods(seed, quiet=quiet)
    return simulate(seed, method, quiet=quiet)


def answer(case: Scenario, calibration: Calibration | None) -> RootCauseResult:
    return find_root_cause(
        case.metrics,
        case.effect,
        topology=case.calls,
        onset_s=case.onset_s,
        before_s=case.before_s,
        after_s=case.after_s,
        calibration=calibration,
    )


def is_true(case: Scenario, node: str, metric: str) -> bool:
    if case.cause is None or case.cause[0] != node:
        return False
    return case.cause[1] in ("", metric) or metric in case.beside


def examples(method: str, seeds: range) -> dict[str, list[tuple[float, bool]]]:
    """(raw confidence, truth) of every suspect of every case with a moved effect."""
    found_in: dict[str, list[tuple[float, bool]]] = {"first": [], "rest": []}
    for seed in seeds:
        case = pose(seed, method, quiet=seed % QUIET_EVERY == 0)
        found = answer(case, EMPTY)
        if found.onset_s is None or found.method.split("+")[0] != method.split("+")[0]:
            continue
        for cause in found.causes:  # without a map the confidence is the raw one
            place = "first" if cause.rank == 1 else "rest"
            found_in[place].append((cause.confidence, is_true(case, cause.node, cause.metric)))
    return found_in


def isotonic(pairs: list[tuple[float, bool]], group: int = 1) -> dict[str, list[float]]:
    from sklearn.isotonic import IsotonicRegression

    raw, truth = np.array(sorted(pairs), dtype=float).T
    groups = max(1, raw.size // group)
    means = [[float(part.mean()) for part in np.array_split(x, groups)] for x in (raw, truth)]
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(*means)
    at = np.unique(np.quantile(raw, np.linspace(0, 1, KNOTS)).round(3))
    at = np.unique(np.concatenate([[0.0], at, [1.0]]))
    level = np.clip(fitted.predict(at), 0.001, 0.99)
    level[0] = 0.001  # who has no score is no cause
    return {"raw": at.tolist(), "probability": level.round(3).tolist()}


def calibration_error(
    confidence: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_], bins: int = 10
) -> float:
    """Expected calibration error over equal-width bins."""
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        (bin_of == b).mean() * abs(confidence[bin_of == b].mean() - truth[bin_of == b].mean())
        for b in range(bins)
        if (bin_of == b).any()
    ]
    return float(sum(gaps))


def measure(method: str, calibration: Calibration) -> dict[str, Any]:
    confidence, truth, named, right, moved = [], [], 0, 0, 0
    for seed in TEST_SEEDS:
        case = pose(seed, method)
        found = answer(case, calibration)
        if found.onset_s is None:
            continue
        moved += 1
        best = found.causes[0]
        confidence.append(best.confidence)
        truth.append(is_true(case, best.node, best.metric))
        named += not found.abstained
        right += truth[-1] and not found.abstained
    quiet = [answer(pose(seed, method, quiet=True), calibration) for seed in QUIET_SEEDS]
    return {
        "n_with_moved_effect": moved,
        "top1": round(float(np.mean(truth)), 3),
        "ece_of_first": round(calibration_error(np.array(confidence), np.array(truth)), 3),
        "named": named,
        "named_and_right": right,
        "quiet_n": len(quiet),
        "quiet_named": sum(not found.abstained for found in quiet),
    }


def main() -> None:
    maps = {
        f"{method}/{place}": isotonic(pairs, GROUP if place == "rest" else 1)
        for method in METHODS
        for place, pairs in examples(method, FIT_SEEDS).items()
    }
    source = "isotonic regression on simulated faults, python -m benchmarks.rca_calibration"
    path = ROOT / "engines" / "causal" / "calibration.json"
    path.write_text(json.dumps({"source": source, "maps": maps}) + "\n")
    fitted = Calibration(
        {m: (tuple(v["raw"]), tuple(v["probability"])) for m, v in maps.items()}, source
    )
    assert calibrated([1.0], METHODS[0], fitted)
    write("rca_calibration", {method: measure(method, fitted) for method in METHODS})


if __name__ == "__main__":
    main()
