"""Simulated pods: processor contention, slow wires, and code that breaks, seen from metrics alone.

``python -m benchmarks.rca_pods`` ranks them from processor, memory, network, latency and workload,
eight minutes before and four after, as :mod:`benchmarks.rca_nezha` does with real ones.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.rca_report import Outcome, summary, write
from benchmarks.rca_simulator import STEP_S, Array, Key, Scenario
from engines.causal import Call, Series, find_root_cause

BEFORE_ROWS, AFTER_ROWS = 8, 4
SEEDS = range(40_000, 40_150)
CODE = ("return", "exception")
KINDS = ("cpu_contention", *CODE)
Edge = tuple[int, int, float]
"""Caller, callee, calls per request."""


@dataclass(frozen=True)
class Fault:
    """`kind` at service `where` for four rows; `size` is the share of the work that it changes."""

    kind: str
    where: int
    start: int
    size: float

    def on(self, rows: int) -> Array:
        at = np.arange(rows)
        return ((at >= self.start) & (at < self.start + AFTER_ROWS)).astype(float)


def simulate_pods(seed: int, wired: bool = False, quiet: bool = False) -> Scenario:
    """Requests flow down a call graph; each costs processor time and bytes; a fault changes both.

    A ``return`` does a part 1 - size of the work and of the calls below, an ``exception`` adds a
    stack trace and loses that part of the calls, ``cpu_contention`` burns beside the requests,
    ``network_delay`` slows every call of a pod. Three pods in ten are idle. In every second case
    earlier faults follow each other every eight minutes. With `wired`, calls are measured at both
    ends.
    """
    rng = np.random.default_rng([seed, 4 + wired])
    n, rows = int(rng.integers(8, 51)), int(rng.integers(40, 421))
    onset = rows - AFTER_ROWS
    kinds = (*KINDS, "network_delay") if wired else KINDS
    edges = [(int(rng.integers(max(0, k - 6), k)), k, rng.uniform(0.1, 0.5)) for k in range(1, n)]
    idle = rng.random(n) < 0.3
    idle[int(rng.integers(0, n))] = False
    starts = range(onset - 8, 10, -8)[:20] if rng.random() < 0.5 else []
    faults = [_fault(rng, kinds, np.arange(n), start) for start in starts]
    last = _fault(rng, kinds, np.flatnonzero(~idle), onset)
    faults += [] if quiet else [last]
    requests = _requests(rng, rows, edges, idle, faults)
    names = [f"s{k}" for k in rng.permutation(1000)[:n]]
    t = np.asarray(np.arange(rows) * STEP_S, dtype=np.float64)
    pods = [_pod(rng, requests[k], [f for f in faults if f.where == k]) for k in range(n)]
    calls = _measured(rng, t, names, edges, pods, faults) if wired else []
    metrics: dict[Key, tuple[Array, Array]] = {
        (name, metric): (t, values)
        for name, pod in zip(names, pods, strict=True)
        for metric, values in pod.items()
    }
    cause = None if quiet else (names[last.where], "")
    span = (BEFORE_ROWS * STEP_S, AFTER_ROWS * STEP_S)
    return Scenario("deviation", metrics, None, calls, cause, float(t[onset]), *span, last.kind)


def _fault(
    rng: np.random.Generator, kinds: Sequence[str], where: npt.NDArray[np.intp], start: int
) -> Fault:
    kind = kinds[int(rng.integers(0, len(kinds)))]
    return Fault(kind, int(rng.choice(where)), start, float(rng.uniform(0.2, 1.0)))


def _requests(
    rng: np.random.Generator,
    rows: int,
    edges: Sequence[Edge],
    idle: npt.NDArray[np.bool_],
    faults: Sequence[Fault],
) -> list[Array]:
    """Counts per minute: what each service gets from its callers, and some from outside."""
    season = 1 + 0.3 * np.sin(np.arange(rows) / 90 + rng.uniform(0, 6))
    rate = [season * (0.0 if still else 20 * rng.lognormal(0, 1)) for still in idle]
    for caller, callee, ratio in edges:
        kept = np.ones(rows)
        for fault in faults:
            if fault.where == caller and fault.kind in CODE:
                kept = kept * (1 - fault.size * fault.on(rows))
        if not idle[callee]:
            rate[callee] = rate[callee] + ratio * rate[caller] * kept
    return [rng.poisson(r).astype(float) for r in rate]


def _pod(rng: np.random.Generator, requests: Array, faults: Sequence[Fault]) -> dict[str, Array]:
    """Background load with rare bursts (Pareto), plus the work of the requests."""
    rows = requests.size
    work, sent, burn = np.ones(rows), np.ones(rows), np.zeros(rows)
    for fault in faults:
        part = fault.size * fault.on(rows)
        if fault.kind == "return":
            work, sent = work * (1 - part), sent * (1 - 0.8 * part)
        if fault.kind == "exception":
            work, sent = work * (1 + 0.3 * part), sent * (1 - 0.5 * part)
        if fault.kind == "cpu_contention":
            burn = burn + 500 * part
    share = rng.uniform(0, 0.1)
    bursts = np.where(rng.random(rows) < share, rng.pareto(1.5, rows), 0.0)
    idle = 2 * rng.lognormal(0, 0.5) * (1 + 0.1 * np.abs(rng.standard_t(3, rows)) + bursts)
    each = 0.2 * rng.lognormal(0, 0.7) * rng.gamma(20, 1 / 20, rows)
    received = 200 * rng.lognormal(0, 0.5) * rng.gamma(30, 1 / 30, rows)
    replied = 1500 * rng.lognormal(0, 0.5) * rng.gamma(30, 1 / 30, rows)
    telemetry = 50_000 * rng.lognormal(0, 0.5) * rng.gamma(15, 1 / 15, rows)
    latency = 0.05 * rng.lognormal(0, 1) * np.exp(0.3 * rng.standard_t(4, rows)) * work
    return {
        "cpu_usage": idle + each * work * requests + burn,
        "memory_usage": 400 + np.cumsum(0.05 * rng.standard_t(3, rows)),
        "network_receive_bytes": 1500 + received * requests,
        "network_transmit_bytes": telemetry + replied * sent * requests,
        "syscall_write": np.where(rng.random(rows) < share, 50 * rng.pareto(1.0, rows), 0.0),
        "server_latency_p90": np.where(requests > 0, latency * (1 + burn / 200), np.nan),
        "workload_ops": requests / 60,
    }


def _measured(
    rng: np.random.Generator,
    t: Array,
    names: Sequence[str],
    edges: Sequence[Edge],
    pods: Sequence[dict[str, Array]],
    faults: Sequence[Fault],
) -> list[Call]:
    calls = []
    for caller, callee, _ in edges:
        served = pods[callee]["server_latency_p90"]
        wire = 0.001 * rng.gamma(4, 1 / 4, t.size)
        for fault in faults:
            if fault.kind == "network_delay" and fault.where in (caller, callee):
                wire = wire + 0.3 * fault.size * fault.on(t.size)
        ends = Series(t, served + wire), Series(t, served)
        calls.append(Call(names[caller], names[callee], None, *ends))
    return calls


def run(wired: bool) -> dict[str, Any]:
    outcomes, named = [], 0
    for seed in SEEDS:
        for quiet in (False, True):
            case = simulate_pods(seed, wired, quiet)
            start = time.process_time()
            found = find_root_cause(
                case.metrics,
                topology=case.calls,
                onset_s=case.onset_s,
                before_s=case.before_s,
                after_s=case.after_s,
                step_s=STEP_S,
            )
            cpu = time.process_time() - start
            named += quiet and not found.abstained
            if case.cause:
                nodes = [cause.node for cause in found.causes]
                rank = nodes.index(case.cause[0]) + 1
                best = found.causes[0].confidence
                outcomes.append(Outcome(case.kind, rank, found.abstained, best, cpu))
    return {**summary(outcomes), "quiet": {"n": len(SEEDS), "named": named}}


def main() -> None:
    write("rca_pods", {"metrics alone": run(False), "calls measured": run(True)})


if __name__ == "__main__":
    main()
