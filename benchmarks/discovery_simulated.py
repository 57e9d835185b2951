"""Lagged discovery on simulated systems: F1 and CPU time at 20 nodes, and at 100 to 5,000.

``python -m benchmarks.discovery_simulated [largest]``
"""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.rca_report import write
from engines.causal.granger import LaggedEdges, lagged_edges

Array = npt.NDArray[np.float64]
Edge = tuple[int, int, int]
SETTINGS: dict[str, dict[str, Any]] = {
    "lagged, Gaussian": {},
    "lagged, Laplace, AR .6-.95": {"memory": (0.6, 0.95), "laplace": True},
    "half contemporaneous": {"same_row": 0.5},
}


def system(
    seed: int,
    n: int = 20,
    edges: int = 40,
    rows: int = 1000,
    memory: tuple[float, float] = (0.1, 0.5),
    laplace: bool = False,
    same_row: float = 0.0,
) -> tuple[Array, list[Edge]]:
    """A random acyclic linear system: rows, and its (cause, effect, lag) triples."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    pairs = [(int(order[a]), int(order[b])) for a in range(n) for b in range(a + 1, n)]
    chosen = [pairs[k] for k in rng.choice(len(pairs), edges, replace=False)]
    own = rng.uniform(*memory, n)
    size = rng.uniform(0.25, 0.6, edges) * rng.choice([-1, 1], edges)
    lag = [0 if rng.random() < same_row else int(rng.integers(1, 4)) for _ in chosen]
    noise = rng.laplace(size=(rows + 100, n)) if laplace else rng.standard_normal((rows + 100, n))
    x = np.zeros((rows + 100, n))
    at = {int(node): k for k, node in enumerate(order)}
    ranked = sorted(range(edges), key=lambda k: at[chosen[k][0]])
    for t in range(3, rows + 100):
        x[t] = own * x[t - 1] + noise[t]
        for k in ranked:  # causes in order, so that same-row values are complete when passed on
            cause, effect = chosen[k]
            x[t, effect] += size[k] * x[t - lag[k], cause]
    return x[100:], [(*pair, step) for pair, step in zip(chosen, lag, strict=True)]


def pairs_of(found: LaggedEdges) -> set[tuple[int, int]]:
    return set(zip(found.source.tolist(), found.target.tolist(), strict=True))


def f1(found: set[tuple[int, int]], true: set[tuple[int, int]]) -> float:
    return 2 * len(found & true) / max(len(found) + len(true), 1)


def small(settings: dict[str, Any], seeds: int = 10) -> dict[str, Any]:
    alone, given, cpu = [], [], []
    for seed in range(seeds):
        x, truth = system(seed, **settings)
        true = {(a, b) for a, b, _ in truth}
        start = time.process_time()
        found = lagged_edges(x)
        cpu.append(time.process_time() - start)
        alone.append(f1(pairs_of(found), true))
        known: dict[int, list[int]] = {}
        for cause, effect, lag in truth:
            if lag == 0:
                known.setdefault(effect, []).append(cause)
        topology = {(a, b) for a, b, lag in truth if lag == 0}
        given.append(f1(pairs_of(lagged_edges(x, known=known)) | topology, true))
    return {
        "seeds": seeds,
        "f1": round(float(np.mean(alone)), 3),
        "f1_sd": round(float(np.std(alone)), 3),
        "f1_topology_given_for_same_row": round(float(np.mean(given)), 3),
        "cpu_s": round(float(np.mean(cpu)), 3),
    }


def large(n: int, rows: int = 1440) -> dict[str, Any]:
    """Independent blocks of 100 metrics with 200 lag-1 influences each, one day at one minute."""
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(0)
    true: set[tuple[int, int]] = set()
    for block in range(n // 100):
        drawn = np.sort(rng.integers(0, 100, (200, 2)), axis=1) + 100 * block
        true |= {(int(a), int(b)) for a, b in drawn if a != b}
    cause, effect = np.array(sorted(true)).T
    weights = csr_matrix((rng.uniform(0.25, 0.5, cause.size), (effect, cause)), shape=(n, n))
    x = np.zeros((rows, n))
    noise = rng.standard_normal((rows, n))
    for t in range(1, rows):
        x[t] = 0.3 * x[t - 1] + weights @ x[t - 1] + noise[t]
    start = time.process_time()
    found = lagged_edges(x)
    cpu = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "f1": round(f1(pairs_of(found), true), 3),
        "cpu_s": round(cpu, 2),
        "peak_mb_of_process": round(peak),
    }


def main() -> None:
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    result: dict[str, Any] = {name: small(settings) for name, settings in SETTINGS.items()}
    for n in (100, 1000, 5000):
        if n <= largest:
            result[f"{n} series, 1,440 rows"] = large(n)
    write("discovery_simulated", result)


if __name__ == "__main__":
    main()
