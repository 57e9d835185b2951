"""Simulated services and models with one known fault, a distractor, or nothing wrong at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.causal import Call

STEP_S = 60.0
Array = npt.NDArray[np.float64]
Key = tuple[str, str]


@dataclass(frozen=True)
class Scenario:
    """One case: what the engine gets, and the true cause (None when nothing is wrong).

    `beside` are metrics of the cause's node that moved with it: any of them names it.
    """

    method: str
    metrics: dict[Key, tuple[Array, Array]]
    effect: Key | None
    calls: Sequence[Call | tuple[str, str]]
    cause: tuple[str, str] | None
    onset_s: float | None = None
    before_s: float | None = None
    after_s: float | None = None
    kind: str = ""
    beside: tuple[str, ...] = ()


def simulate(seed: int, method: str, quiet: bool = False) -> Scenario:
    """`method` is the ranker that should apply: mass_balance, walk or deviation."""
    rng = np.random.default_rng([seed, len(method)])
    if method == "walk" and rng.random() < 0.6:
        return _model(rng, quiet)
    return _services(rng, method, quiet)


def _noise(rng: np.random.Generator, rows: int, scale: float) -> Array:
    """Autocorrelated, with heavy tails, as service metrics are."""
    shocks = rng.standard_t(4, rows) * scale
    memory = rng.uniform(0, 0.7)
    out = np.empty(rows)
    level = 0.0
    for i in range(rows):
        level = memory * level + shocks[i]
        out[i] = level
    return out


def _names(rng: np.random.Generator, n: int) -> list[str]:
    return [f"s{k}" for k in rng.permutation(1000)[:n]]


def _services(rng: np.random.Generator, method: str, quiet: bool) -> Scenario:
    n, rows = int(rng.integers(6, 31)), int(rng.integers(90, 241))
    if method == "deviation" and rng.random() < 0.4:  # many services, little history
        n, rows = int(rng.integers(30, 81)), int(rng.integers(16, 91))
    onset = int(rows * rng.uniform(0.6, 0.85))
    names = _names(rng, n)
    calls = [(int(rng.integers(max(0, k - 6), k)), k) for k in range(1, n)]
    calls += [
        (int(a), int(b)) for a, b in np.sort(rng.integers(0, n, (n // 4, 2)), axis=1) if a < b
    ]
    late = np.arange(rows) >= onset
    season = 1 + 0.2 * np.sin(np.arange(rows) / rows * 2 * np.pi * rng.uniform(0, 2))
    requests = [100 * rng.lognormal(0, 0.7) * season for _ in range(n)]
    requests = [rng.poisson(r).astype(float) for r in requests]
    own = [0.02 * rng.lognormal(0, 0.7) * np.exp(_noise(rng, rows, 0.08)) for _ in range(n)]
    cpu = [0.3 + _noise(rng, rows, 0.01) + 0.001 * requests[k] / 100 for k in range(n)]
    fails = [np.abs(0.002 + _noise(rng, rows, 0.0005)) for _ in range(n)]
    fault = int(rng.integers(0, n))
    errors = rng.random() < 0.4
    size = np.exp(rng.uniform(np.log(0.1 if n > 30 else 0.3), np.log(20)))
    if n > 30 and rng.random() < 0.6:  # a fault in the code, which no metric shows
        size = 0.0
    if not quiet:
        _break(rng, own, cpu, fails, fault, errors, size, late)
    if rng.random() < 0.5 and not (quiet and method == "deviation"):  # odd, and not to blame
        other = int(rng.integers(0, n))
        if other != fault:
            cpu[other] = cpu[other] + late * rng.exponential(0.05)
    return _observe(
        rng, method, quiet, names, calls, own, cpu, fails, requests, errors, fault, onset
    )


def _break(
    rng: np.random.Generator,
    own: list[Array],
    cpu: list[Array],
    fails: list[Array],
    fault: int,
    errors: bool,
    size: float,
    late: npt.NDArray[np.bool_],
) -> None:
    if errors:
        fails[fault] = fails[fault] + late * min(0.5, 0.002 * size)
        return
    own[fault] = own[fault] * (1 + late * size)
    if rng.random() < 0.5:
        cpu[fault] = cpu[fault] + late * 0.02 * size


def _observe(
    rng: np.random.Generator,
    method: str,
    quiet: bool,
    names: list[str],
    calls: list[tuple[int, int]],
    own: list[Array],
    cpu: list[Array],
    fails: list[Array],
    requests: list[Array],
    errors: bool,
    fault: int,
    onset: int,
) -> Scenario:
    n, rows = len(names), own[0].size
    latency, failed = [np.empty(0)] * n, [np.empty(0)] * n
    for k in reversed(range(n)):  # callees first
        below = sorted({b for a, b in calls if a == k})
        part = [requests[b] / (requests[b] + requests[k]) for b in below]
        latency[k] = own[k] + sum((p * latency[b] for p, b in zip(part, below, strict=True)), 0.0)
        failed[k] = fails[k] + sum((p * failed[b] for p, b in zip(part, below, strict=True)), 0.0)
    t = np.asarray(np.arange(rows) * STEP_S, dtype=np.float64)
    metric = "error_rate" if errors else "latency"
    metrics: dict[Key, tuple[Array, Array]] = {}
    for k, name in enumerate(names):
        metrics[name, "latency"] = (t, latency[k])
        metrics[name, "error_rate"] = (t, np.clip(failed[k], 0, 1))
        metrics[name, "cpu"] = (t, cpu[k])
        if method == "mass_balance":
            metrics[name, "requests"] = (t, requests[k])
    for key in list(metrics):
        if rng.random() < 0.1:
            kept = rng.random(rows) > 0.1
            metrics[key] = (t[kept], metrics[key][1][kept])
    named = [(names[a], names[b]) for a, b in calls] if method != "deviation" else []
    cause = None if quiet else (names[fault], "")
    known = onset * STEP_S if method == "deviation" else None
    effect = None if method == "deviation" else (_above(calls, fault, names), metric)
    return Scenario(method, metrics, effect, named, cause, known)


def _above(calls: list[tuple[int, int]], fault: int, names: list[str]) -> str:
    """The outermost service that is reached from the fault: where somebody notices."""
    at = fault
    while callers := sorted(a for a, b in calls if b == at):
        at = callers[0]
    return names[at]


def _model(rng: np.random.Generator, quiet: bool) -> Scenario:
    """A model with features, and a retriever it calls; drift or outage lowers its trust."""
    rows = int(rng.integers(90, 241))
    onset = int(rows * rng.uniform(0.6, 0.85))
    late = (np.arange(rows) >= onset).astype(float)
    size = 0.0 if quiet else float(np.exp(rng.uniform(np.log(0.02), np.log(0.5))))
    features = int(rng.integers(2, 12))
    drifted = int(rng.integers(0, features))
    moved = dict.fromkeys(range(features), 0.0) | {drifted: 1.0}
    if rng.random() < 0.5:  # another population: correlated features move with it
        moved = {k: rng.uniform(0.3, 1) if rng.random() < 0.4 else m for k, m in moved.items()}
    outage = rng.random() < 0.4
    t = np.asarray(np.arange(rows) * STEP_S, dtype=np.float64)

    def series(level: float, change: float, scale: float) -> tuple[Array, Array]:
        return t, level + change * late + _noise(rng, rows, scale)

    drift = 0.0 if outage else size
    gone = size if outage else 0.0
    metrics = {
        ("m", f'aiobs_feature_drift{{feature="f{k}"}}'): series(0.05, drift * moved[k], 0.01)
        for k in range(features)
    }
    metrics |= {
        ("m", 'aiobs_drift_score{kind="prediction"}'): series(0.05, 0.7 * drift, 0.01),
        ("m", "aiobs_accuracy"): series(0.9, -0.6 * drift, 0.01),
        ("m", "aiobs_grounding_score"): series(0.8, -0.8 * gone, 0.02),
        ("m", "aiobs_hallucination_risk"): series(0.1, 0.7 * gone, 0.02),
        ("m", "aiobs_trust_score"): series(0.85, -0.5 * drift - 0.5 * gone, 0.01),
        ("m", "latency"): series(1.0, 0.0, 0.05),
        ("r", "error_rate"): series(0.01, gone, 0.003),
        ("r", "latency"): series(0.1, 0.0, 0.01),
    }
    cause = ("r", "") if outage else ("m", f'aiobs_feature_drift{{feature="f{drifted}"}}')
    beside = tuple(f'aiobs_feature_drift{{feature="f{k}"}}' for k in moved if moved[k])
    effect = ("m", "aiobs_trust_score")
    return Scenario(
        "walk", metrics, effect, [("m", "r")], None if quiet else cause,
        beside=() if outage or quiet else beside,
    )  # fmt: skip
