"""Discovery and effects beside tigramite, statsmodels and dowhy, on the same simulated systems.

Runs under an interpreter of its own that has the peers; none of them is needed by the product:

    python3.11 -m venv peers && peers/bin/pip install dowhy==0.14 tigramite==5.2.10.1 \\
        statsmodels==0.15.0 scikit-learn==1.9.1 msgspec
    peers/bin/python -m benchmarks.causal_peers

CPU seconds of one thread: set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import math
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.discovery_simulated import SETTINGS, Array, f1, pairs_of, system
from benchmarks.effects_simulated import NODES, ONSET, key, simulate
from benchmarks.rca_report import write
from engines.causal.granger import benjamini_hochberg, lagged_edges
from engines.impact import assess_impact, attribution, fit_model, what_if

SEEDS, SYSTEMS, RESAMPLES, ALPHA = 3, 20, 50, 0.05
Pairs = set[tuple[int, int]]


def ours(x: Array) -> Pairs:
    return pairs_of(lagged_edges(x))


def pcmci(x: Array, plus: bool = False) -> Pairs:
    """PCMCI (lagged) or PCMCI+ (also within a row), partial correlation, Benjamini-Hochberg."""
    data = importlib.import_module("tigramite.data_processing").DataFrame(x)
    test = importlib.import_module("tigramite.independence_tests.parcorr").ParCorr()
    run = importlib.import_module("tigramite.pcmci").PCMCI(data, cond_ind_test=test, verbosity=0)
    if plus:
        found = run.run_pcmciplus(tau_max=3, pc_alpha=0.01, fdr_method="fdr_bh")["graph"]
        return {(int(a), int(b)) for a, b, _ in np.argwhere(found == "-->") if a != b}
    found = run.run_pcmci(tau_min=1, tau_max=3, pc_alpha=ALPHA, fdr_method="fdr_bh")
    hits = np.argwhere(found["p_matrix"] < ALPHA)
    return {(int(a), int(b)) for a, b, lag in hits if a != b and lag > 0}


def var_granger(x: Array) -> Pairs:
    """Wald F tests of a vector autoregression of order 3, Benjamini-Hochberg over all pairs."""
    fit = importlib.import_module("statsmodels.tsa.api").VAR(x).fit(3, trend="c")
    n = x.shape[1]
    pairs = [(a, b) for a in range(n) for b in range(n) if a != b]
    p = np.array([fit.test_causality(b, a, kind="f").pvalue for a, b in pairs])
    q = benjamini_hochberg(p, p.size)
    return {pair for pair, one in zip(pairs, q, strict=True) if one < ALPHA}


DISCOVERY: dict[str, Callable[[Array], Pairs]] = {
    "ours": ours,
    "tigramite PCMCI": pcmci,
    "tigramite PCMCI+": lambda x: pcmci(x, plus=True),
    "statsmodels VAR": var_granger,
}


def distance(found: Pairs, true: Pairs) -> int:
    """Structural Hamming distance: pairs of nodes that are not joined as they should be."""
    wrong = found ^ true
    return len({frozenset(pair) for pair in wrong})


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    answer = work()
    return answer, time.process_time() - start


def discovery() -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, settings in SETTINGS.items():
        for method, find in DISCOVERY.items():
            rows = []
            for seed in range(SEEDS):
                x, truth = system(seed, **settings)
                true = {(a, b) for a, b, _ in truth}
                found, cpu = timed(partial(find, x))
                rows.append((f1(found, true), distance(found, true), cpu))
            mean = np.mean(rows, axis=0)
            result[f"{name}: {method}"] = {
                "f1": round(float(mean[0]), 3),
                "shd": round(float(mean[1]), 1),
                "cpu_s": round(float(mean[2]), 3),
            }
            print(name, method, result[f"{name}: {method}"], flush=True)
    return result


def gcm_model(edges: list[tuple[str, str]]) -> Any:
    """A structural model of dowhy.gcm with the mechanisms that the engine assumes."""
    gcm = importlib.import_module("dowhy.gcm")
    graph = importlib.import_module("networkx").DiGraph()
    graph.add_nodes_from(NAMES)
    graph.add_edges_from(edges)
    model = gcm.InvertibleStructuralCausalModel(graph)
    for name in NAMES:
        linear = gcm.AdditiveNoiseModel(gcm.ml.create_linear_regressor())
        root = gcm.EmpiricalDistribution()
        model.set_causal_mechanism(name, linear if graph.in_degree(name) else root)
    return model


NAMES = [key(k)[0] for k in range(NODES)]


def l1(parts: dict[str, float], true: Array) -> float:
    """Absolute error of a split, as a share of the true amounts."""
    missed = sum(abs(parts.get(name, 0.0) - t) for name, t in zip(NAMES, true, strict=True))
    return float(missed / np.abs(true).sum())


def read(series: Any, b: Array) -> tuple[Array, int, Any, list[tuple[str, str]]]:
    """Total effects, the last node that the first one reaches, the rows as a frame, the edges."""
    total = np.asarray(np.linalg.inv(np.eye(NODES) - b), dtype=np.float64)
    data = {name: series[key(k)][1] for k, name in enumerate(NAMES)}
    named = [(NAMES[int(c)], NAMES[int(e)]) for e, c in np.argwhere(b)]
    target = int(np.flatnonzero(total[:, 0])[-1])
    return total, target, importlib.import_module("pandas").DataFrame(data), named


def one(seed: int, memory: float) -> dict[str, float]:
    """One system: both engines' answers about the jump of its first node."""
    gcm = importlib.import_module("dowhy.gcm")
    series, b, _ = simulate(seed, np.full(NODES, memory), 4.0, at=0)
    total, target, data, named = read(series, b)
    cause, outcome, truth = NAMES[0], NAMES[target], float(total[target, 0])
    answer: dict[str, float] = {}

    model, answer["fit, ours: cpu_s"] = timed(
        lambda: fit_model(series, [((c, "value"), (e, "value")) for c, e in named])
    )
    impact, answer["effects and intervals, ours: cpu_s"] = timed(
        lambda: assess_impact(model, key(0), change=1.0, seed=seed, resamples=RESAMPLES)
    )
    mine = next(item.change for item in impact.metrics if item.key == key(target))
    answer["effect, ours: error"] = mine.value - truth
    answer["effect, ours: covered"] = mine.interval.low <= truth <= mine.interval.high

    peer = gcm_model(named)
    _, answer["fit, dowhy: cpu_s"] = timed(lambda: gcm.fit(peer, data))

    def effect() -> float:
        """Mean difference of two counterfactuals of every row: no sampling noise."""
        up, down = (
            gcm.counterfactual_samples(peer, {cause: lambda x, v=v: v}, observed_data=data)
            for v in (1.0, 0.0)
        )
        return float((up[outcome] - down[outcome]).mean())

    theirs = effect()
    answer["effect, dowhy: error"] = theirs - truth
    answer["effect: relative difference"] = abs(mine.value - theirs) / abs(theirs)
    sampled = gcm.average_causal_effect(
        peer, outcome, {cause: lambda x: x * 0 + 1}, {cause: lambda x: x * 0}, observed_data=data
    )
    answer["effect, dowhy as sampled: error"] = float(sampled) - truth

    otherwise = what_if(model, key(0), key(target), onset_s=ONSET * 60.0, seed=seed, resamples=2)
    kept = gcm.counterfactual_samples(
        peer, {cause: lambda x: otherwise.set_to}, observed_data=data.iloc[ONSET:]
    )
    scale = float(np.abs(kept[outcome]).mean())
    gap = float(np.abs(kept[outcome].to_numpy() - otherwise.instead_path).max())
    answer["counterfactual path: relative difference"] = gap / scale
    by_hand = (otherwise.set_to - data[cause][ONSET:].mean()) * truth
    answer["counterfactual, both: error"] = otherwise.difference.value - by_hand

    return answer


def shares(seed: int, memory: float) -> dict[str, float]:
    """One system: how both divide the change of the last effect among the nodes."""
    gcm = importlib.import_module("dowhy.gcm")
    series, b, noise = simulate(seed, np.full(NODES, memory), 4.0, at=0)
    total, target, data, named = read(series, b)
    model = fit_model(series, [((c, "value"), (e, "value")) for c, e in named])
    answer: dict[str, float] = {}
    late = np.arange(len(data)) >= ONSET
    true = total[target] * (noise[late].mean(axis=0) - noise[~late].mean(axis=0))
    split, answer["attribution, ours: cpu_s"] = timed(
        lambda: attribution(model, key(target), ONSET * 60.0)
    )
    parts = {part.name.split("|")[0]: part.amount for part in split.contributions}
    answer["attribution, ours: l1"] = l1(parts, true)
    theirs, answer["attribution, dowhy: cpu_s"] = timed(
        lambda: gcm.distribution_change(
            gcm_model(named),
            data[~late],
            data[late],
            NAMES[target],
            difference_estimation_func=lambda old, new: float(np.mean(new) - np.mean(old)),
            independence_test=gcm.regression_based,
            conditional_independence_test=gcm.regression_based,
            # By default a test decides which mechanisms changed; it misses roots.
            mechanism_change_test_significance_level=1.0,
        )
    )
    answer["attribution, dowhy: l1"] = l1({k: float(v) for k, v in theirs.items()}, true)
    answer["attribution, dowhy: sum less change"] = abs(sum(theirs.values()) - split.change)
    return answer


def interval(seed: int, memory: float) -> dict[str, float]:
    """Whether dowhy's bootstrap interval of an effect holds the truth, and what it costs."""
    gcm = importlib.import_module("dowhy.gcm")
    series, b, _ = simulate(seed, np.full(NODES, memory), 4.0, at=0)
    total, target, data, named = read(series, b)
    peer = gcm_model(named)

    def effect() -> dict[str, float]:
        gcm.fit(peer, data.sample(frac=1.0, replace=True))
        up, down = (
            gcm.counterfactual_samples(peer, {NAMES[0]: lambda x, v=v: v}, observed_data=data[:2])
            for v in (1.0, 0.0)
        )
        return {"effect": float((up - down)[NAMES[target]].mean())}

    (_, found), cpu = timed(
        lambda: gcm.confidence_intervals(
            effect, confidence_level=0.9, num_bootstrap_resamples=RESAMPLES
        )
    )
    low, high = np.ravel(found["effect"])
    return {
        "effect, dowhy: covered": float(low <= total[target, 0] <= high),
        "effect interval, dowhy: cpu_s": cpu,
    }


def summary(part: Callable[[int, float], dict[str, float]], memory: float) -> dict[str, Any]:
    """Every number of `part` over the systems."""
    rows = [part(seed, memory) for seed in range(SYSTEMS)]
    cell: dict[str, Any] = {}
    for name in rows[0]:
        values = np.array([float(row[name]) for row in rows])
        if name.endswith("error"):
            error = values.std() / math.sqrt(SYSTEMS)
            cell[f"{name}: bias, its standard error"] = [rounded(values.mean()), rounded(error)]
            cell[f"{name}: median absolute"] = rounded(np.median(np.abs(values)))
        elif name.endswith(("difference", "change")):
            ends = (np.median(values), values.max())
            cell[f"{name}: median, largest"] = [float(f"{end:.1e}") for end in ends]
        else:
            cell[name] = rounded(np.median(values) if name.endswith("l1") else values.mean())
    return cell


def rounded(value: Any) -> float:  # a number of NumPy
    return round(float(value), 4)


def impacts() -> dict[str, Any]:
    gcm = importlib.import_module("dowhy.gcm")
    gcm.config.disable_progress_bars()
    gcm.config.set_default_n_jobs(1)
    result: dict[str, Any] = {"systems": SYSTEMS}
    for memory in (0.0, 0.5):
        np.random.seed(0)  # dowhy draws from the global state
        parts = (one, shares, interval)
        cell = {k: v for part in parts for k, v in summary(part, memory).items()}
        result[f"noise memory {memory}"] = cell
        print(cell, flush=True)
    return result


def main() -> None:
    try:
        versions = {
            name: importlib.metadata.version(name) for name in ("dowhy", "tigramite", "statsmodels")
        }
    except importlib.metadata.PackageNotFoundError as error:
        raise SystemExit(
            f"{error.name} is not installed; see the first lines of this file"
        ) from None
    warnings.simplefilter("ignore")
    effects = impacts()
    write("causal_peers", {"versions": versions, "effects": effects, "discovery": discovery()})


if __name__ == "__main__":
    main()
