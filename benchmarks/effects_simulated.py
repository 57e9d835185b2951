"""Coverage of effect intervals and error of attributions over simulated structural systems.

``python -m benchmarks.effects_simulated``
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.effects_bent import cells
from benchmarks.rca_report import wilson, write
from engines.impact import Estimate, Exposure, assess_impact, attribution, fit_model, what_if

Array = npt.NDArray[np.float64]
NODES, ROWS, SYSTEMS, ONSET = 12, 500, 100, 400
AHEAD = (60, 240, 1440)
"""Rows after the window whose measured excess a projection should hold."""
Key = tuple[str, str]


def key(k: int) -> Key:
    return (f"n{k:02d}", "value")


def simulate(
    seed: int, memory: Array, jump: float, at: int | None = None, rows: int = ROWS
) -> tuple[dict[Key, tuple[Array, Array]], Array, Array]:
    """Series with one noise shifted by `jump` from row 400, the true B, and all noise.

    `memory` is the autocorrelation of each node's noise, `at` the node that shifts (default: any).
    """
    rng = np.random.default_rng(seed)
    b = np.zeros((NODES, NODES))
    for effect in range(1, NODES):
        for cause in rng.choice(effect, min(effect, int(rng.integers(1, 4))), replace=False):
            b[effect, cause] = rng.uniform(0.3, 1.2) * rng.choice([-1, 1])
    noise = rng.standard_normal((rows, NODES))
    for t in range(1, rows):
        noise[t] = memory * noise[t - 1] + np.sqrt(1 - memory**2) * noise[t]
    shifted = noise.copy()
    shifted[ONSET:, rng.integers(0, NODES) if at is None else at] += jump
    values = shifted @ np.linalg.inv(np.eye(NODES) - b).T
    t_s = np.asarray(np.arange(rows) * 60.0, dtype=np.float64)
    return {key(k): (t_s, values[:, k]) for k in range(NODES)}, b, shifted


def one(seed: int, memory: Array, jump: float) -> dict[str, Any]:
    series, b, noise = simulate(seed, memory, jump)
    edges = [(key(int(c)), key(int(e))) for e, c in np.argwhere(b)]
    total = np.linalg.inv(np.eye(NODES) - b)
    start = time.process_time()
    model = fit_model(series, edges)
    hits, errors = [], []
    found = assess_impact(model, key(0), change=1.0, seed=seed)
    for item in found.metrics:
        truth = total[int(item.key[0][1:]), 0]
        hits.append(inside(item.change, truth))
        if abs(truth) > 0.05:
            errors.append(abs(item.change.value - truth) / abs(truth))
    outcome = NODES - 1
    split = attribution(model, key(outcome), ONSET * 60.0)
    true_parts = total[outcome] * (noise[ONSET:].mean(axis=0) - noise[:ONSET].mean(axis=0))
    got = {c.name: c.amount for c in split.contributions}
    scale = max(float(np.abs(true_parts).sum()), 1e-9)
    shares = [
        c.interval is not None and c.interval.low <= true_parts[k] <= c.interval.high
        for c in split.contributions
        if (k := number_of(c.name)) is not None
    ]
    l1 = sum(abs(got.get(f"n{k:02d}|value", 0.0) - true_parts[k]) for k in range(NODES)) / scale
    what_if(model, key(0), key(outcome), onset_s=ONSET * 60.0, seed=seed)
    cpu = time.process_time() - start
    refused = len(found.unmeasured)
    return {
        "hits": hits, "errors": errors, "l1": l1, "cpu": cpu, "shares": shares, "refused": refused
    }  # fmt: skip


def number_of(name: str) -> int | None:
    """The node of a part's name; None for what no cause explains."""
    return int(name[1:3]) if name.startswith("n") else None


def study(memory: Array, jump: float) -> dict[str, Any]:
    runs = [one(seed, memory, jump) for seed in range(SYSTEMS)]
    hits = [hit for run in runs for hit in run["hits"]]
    first = [run["hits"][0] for run in runs if run["hits"]]  # one per system: independent
    shares = [hit for run in runs for hit in run["shares"]]
    return {
        "systems": SYSTEMS,
        "coverage_of_nominal_90": round(float(np.mean(hits)), 3),
        "effects": len(hits),
        "effects_refused": sum(run["refused"] for run in runs),
        "coverage_of_nominal_90_of_parts": round(float(np.mean(shares)), 3),
        "parts": len(shares),
        "coverage_one_effect_per_system": round(float(np.mean(first)), 3),
        "wilson95": wilson(sum(first), len(first)),
        "median_relative_error": round(float(np.median([e for r in runs for e in r["errors"]])), 3),
        "attribution_median_l1": round(float(np.median([r["l1"] for r in runs])), 3),
        "cpu_s_per_system": round(float(np.mean([r["cpu"] for r in runs])), 3),
    }


def observed(memory: Array, jump: float) -> dict[str, Any]:
    """Coverage when the size of the change is read off the window, and of what follows."""
    found: dict[str, list[bool]] = {}
    for seed in range(SYSTEMS):
        series, b, _ = simulate(seed, memory, jump, at=0, rows=ROWS + max(AHEAD))
        edges = [(key(int(c)), key(int(e))) for e, c in np.argwhere(b)]
        total = np.linalg.inv(np.eye(NODES) - b)[:, 0]
        model = fit_model({k: (t[:ROWS], x[:ROWS]) for k, (t, x) in series.items()}, edges)
        target = int(np.flatnonzero(total)[-1])
        answer = assess_impact(
            model,
            key(0),
            onset_s=ONSET * 60.0,
            exposures=[Exposure("amount", key(target), 1 / 60, "unit")],
            horizons_s=[rows * 60.0 for rows in AHEAD],
            seed=seed,
        )
        for item in answer.metrics:
            truth = jump * total[int(item.key[0][1:])]
            found.setdefault("change", []).append(inside(item.change, truth))
        spent = answer.exposures[0]
        truth = jump * total[target] * (ROWS - ONSET)
        found.setdefault("so far", []).append(inside(spent.so_far, truth))
        for rows, (_, amount) in zip(AHEAD, spent.ahead, strict=True):
            truth = float(series[key(target)][1][ROWS : ROWS + rows].sum())
            found.setdefault(f"measured in the next {rows} rows", []).append(inside(amount, truth))
    return {name: round(float(np.mean(hits)), 3) for name, hits in found.items()}


def inside(found: Estimate, truth: float) -> bool:
    return found.interval.low <= truth <= found.interval.high


def main() -> None:
    memories = {
        "0.0": np.zeros(NODES),
        "0.5": np.full(NODES, 0.5),
        "0.9 of every third node": np.where(np.arange(NODES) % 3 == 2, 0.9, 0.0),
    }
    result: dict[str, Any] = {}
    for name, memory in memories.items():
        for jump in (0.0, 4.0):
            cell = f"noise memory {name}, jump of one noise by {jump} sd"
            result[cell] = study(memory, jump)
        for jump in (1.0, 4.0):
            cell = f"noise memory {name}, observed jump of the cause by {jump} sd"
            result[cell] = observed(memory, jump)
    write("effects_simulated", result | cells())


if __name__ == "__main__":
    main()
