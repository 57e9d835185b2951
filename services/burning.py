"""Error budgets in the causal picture: how fast each burns, and the number that it burns by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engines.causal import CausalGraph, Series
from engines.causal.inputs import Key
from engines.causal.result import CausalEdge, Evidence
from services.slo import Objective, list_objectives
from services.slo_counts import read_ledger
from services.times import MINUTE_MS, Window
from services.workspace import Workspace

BURN_RATE = "burn_rate:"
"""Metric of a model or service: how many times too fast the budget of one objective burns."""
_INDICATED = {
    "availability": "errors", "latency": "latency_ms", "trust": "trust",
    "grounding": "grounding", "drift": "data_drift", "cost_per_request": "cost",
}  # fmt: skip
"""Kind of indicator and the metric of its subject that it counts."""


def burn_rates(
    ws: Workspace, window: Window, minutes: NDArray[np.int64], node: str | None = None
) -> dict[Key, Series]:
    """Return the burn rate of every objective, or of those of one node, along a window: a value per
    step that it counts."""
    if len(minutes) == 0:
        return {}
    found: dict[Key, Series] = {}
    whole = Window(window.start_ms, int(minutes[-1]) + MINUTE_MS)
    for objective in list_objectives(ws):
        given = objective.definition
        if node not in (None, given.subject):
            continue
        ledger = read_ledger(ws, given.labels, given.indicator, whole, [])
        good, total = ledger.recent[:, 0], ledger.recent[:, 1]
        known = (total > 0) & (ledger.recent_ms <= minutes[-1])
        if known.any():
            burn = (1.0 - good[known] / total[known]) / (1.0 - given.target)
            times = ledger.recent_ms[known] / 1_000.0
            found[given.subject, BURN_RATE + objective.id] = Series(times, burn)
    return found


def defined(ws: Workspace, graph: CausalGraph) -> CausalGraph:
    """Return a graph in which each burn rate follows the number that its objective counts.

    That is so by definition: no test is needed for it, none can find another cause of a burn rate,
    and a budget drives nothing.
    """
    nodes = {n.node_id: (n.entity, n.metric) for n in graph.nodes}
    burning = {i for i, (_, metric) in nodes.items() if metric.startswith(BURN_RATE)}
    if not burning:
        return graph
    weight = {(e.source, e.target): e.weight for e in graph.edges}
    kept = tuple(e for e in graph.edges if not {e.source, e.target} & burning)
    made = []
    for objective in list_objectives(ws):
        target = f"{objective.definition.subject}|{BURN_RATE}{objective.id}"
        source = "|".join(indicated(objective) or ())
        if target in nodes and source in nodes:
            size = weight.get((source, target), 0.0)
            why = (counts(objective),)
            made.append(CausalEdge(source, target, "causes", size, 0.0, 0.999, why))
    return replace(graph, edges=(*kept, *made))


def counts(objective: Objective) -> Evidence:
    """Say what an objective counts."""
    given = objective.definition
    metric = _INDICATED.get(given.indicator.kind, given.indicator.metric)
    return Evidence(
        "objective",
        (("objective", given.name), ("node", given.subject), ("metric", metric)),
        f"The objective {given.name} counts {metric} of {given.subject}: its budget burns by that.",
    )


def objective_of(ws: Workspace, key: Key) -> Objective | None:
    """Return the objective that a burn rate is of; None for any other number."""
    if not key[1].startswith(BURN_RATE):
        return None
    slo_id = key[1].removeprefix(BURN_RATE)
    return next((o for o in list_objectives(ws) if o.id == slo_id), None)


def indicated(objective: Objective) -> Key | None:
    """Return the number that an objective counts; None for one of the user's own metrics."""
    metric = _INDICATED.get(objective.definition.indicator.kind)
    return None if metric is None else (objective.definition.subject, metric)
