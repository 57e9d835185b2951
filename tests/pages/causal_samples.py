"""Diagnoses that tests of the causal and impact pages look at."""

from __future__ import annotations

import msgspec
import numpy as np

from engines.causal import Event, Series, find_root_cause
from engines.causal.result import CausalEdge, CausalGraph, CausalNode, Evidence
from services.causal import Graph, RootCause
from services.diagnosis import (
    Diagnosis,
    Level,
)
from services.times import Window


def fleet(n: int) -> Diagnosis:
    """Services of five numbers each, every service called by the one before."""
    metrics = ("latency_ms", "errors", "requests", "cost", "trust")
    nodes = tuple(
        CausalNode(f"service-{i // 5}|{metrics[i % 5]}", "metric", f"service-{i // 5}",
                   metrics[i % 5], "x", float(i % 7), 1_767_261_000.0 if i % 7 > 2 else None)
        for i in range(n)
    )  # fmt: skip
    why = (Evidence("granger", (("q", 0.01), ("effect", 0.4), ("lag_s", 60.0)), "because"),)
    edges = tuple(
        CausalEdge(nodes[i].node_id, nodes[i - step].node_id, "causes", 0.5, 60.0, 0.99, why)
        for i in range(n)
        for step in (1, 5, 10)
        if i >= step
    )
    graph = CausalGraph(nodes, edges, 180, 60.0, (0.0, 1.0), 0, ())
    window = Window(1_767_254_400_000, 1_767_261_600_000)
    levels = tuple(Level(node.node_id, 10.0, 20.0) for node in nodes)
    drawn = Graph("service-0", "latency_ms", 0, window, graph, None)
    return Diagnosis(None, "service-0", "latency_ms", window, None, 0, None, drawn, levels)


def caused() -> Diagnosis:
    """A number whose cause is named, twenty minutes long."""
    rng = np.random.default_rng(3)
    times = 1_767_254_400.0 + 60.0 * np.arange(80)
    late = np.where(np.arange(80) >= 60, 200.0, 0.0)
    metrics = {
        (n, "latency_ms"): Series(times, 20 + late + rng.standard_normal(80))
        for n in ("service-0", "service-1")
    }
    event = Event("pool", times[60] - 30, "config_change", "service-1", "Pool cut")
    result = find_root_cause(
        metrics, ("service-0", "latency_ms"), topology=[("service-0", "service-1")],
        events=[event], onset_s=times[60],
    )  # fmt: skip
    assert result.cause is not None and result.cause.event_id == "pool"
    found = fleet(10)
    causes = RootCause("service-0", "latency_ms", 0, found.window, result, None)
    return msgspec.structs.replace(found, causes=causes, onset_ms=1_767_258_000_000)
