"""Test results put into words: the three families of edges between metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engines.causal.granger import LaggedEdges, benjamini_hochberg
from engines.causal.inputs import Key
from engines.causal.result import CausalEdge, EdgeKind, Evidence
from engines.causal.roles import role_of
from engines.causal.timeline import node_id

UNTESTED = 0.5
"""Confidence of a known dependency that the data neither confirm nor deny."""
MOST = 0.999
"""No test makes an edge certain."""
Rule = tuple[Key, Key, str]
"""Cause, effect, and where it is known from: ``call`` or ``rule``."""


@dataclass(frozen=True, slots=True)
class Tested:
    """Series that could be tested, with what the tests found."""

    keys: tuple[Key, ...]
    found: LaggedEdges | None
    correlated: tuple[tuple[int, int, float, float], ...]
    left_out: tuple[tuple[str, str], ...]


def known_edges(rules: Sequence[Rule], tested: Tested, q: float) -> list[CausalEdge]:
    """Return an edge per known dependency: causes where a test confirms it, else contributes."""
    at = {key: j for j, key in enumerate(tested.keys)}
    known = tested.found.known if tested.found else {}
    pairs = [(at.get(cause, -1), at.get(effect, -1)) for cause, effect, _ in rules]
    seen = [pair for pair in pairs if pair in known]
    adjusted = benjamini_hochberg(np.array([known[pair][1] for pair in seen]), len(seen))
    q_of = dict(zip(seen, adjusted.tolist(), strict=True))
    return [
        _known_edge(rule, known.get(pair, (0.0, 1.0))[0], q_of.get(pair), q)
        for rule, pair in zip(rules, pairs, strict=True)
    ]


def _known_edge(rule: Rule, weight: float, q_value: float | None, q: float) -> CausalEdge:
    cause, effect, origin = rule
    text = f"{effect[0]} calls {cause[0]}, so its {effect[1]} depends on {cause[1]} there."
    if origin == "rule":
        text = f"Within {cause[0]}, {role_of(effect[1]).kind} depends on {role_of(cause[1]).kind}."
    reasons = [Evidence(origin, (("cause", node_id(cause)), ("effect", node_id(effect))), text)]
    confirmed = q_value is not None and q_value < q
    if q_value is not None:
        verb = "confirms" if confirmed else "does not confirm"
        numbers = (("q", q_value), ("effect", weight))
        text = (
            f"A same-interval t test {verb} it (q = {q_value:.2g}, effect {weight:.2f} sd per sd)."
        )
        reasons.append(Evidence("same_interval_test", numbers, text))
    kind: EdgeKind = "causes" if confirmed else "contributes"
    confidence = 1.0 - (q_value or 0.0) if confirmed else UNTESTED
    return CausalEdge(
        node_id(cause),
        node_id(effect),
        kind,
        float(np.clip(weight, -1, 1)),
        0.0,
        min(confidence, MOST),
        tuple(reasons),
    )


def lagged_causes(tested: Tested, step_s: float) -> list[CausalEdge]:
    """Return an edge per significant lagged influence."""
    found = tested.found
    if found is None:
        return []
    edges = []
    for k in range(found.source.size):
        cause, effect = tested.keys[found.source[k]], tested.keys[found.target[k]]
        lag_s, q_value = float(found.lag[k]) * step_s, float(found.q[k])
        reason = Evidence(
            "granger",
            (("q", q_value), ("effect", float(found.effect[k])), ("lag_s", lag_s)),
            f"The past of {cause[1]} on {cause[0]} predicts {effect[1]} on {effect[0]} beyond its "
            f"own past, strongest {lag_s:g} s ahead (block F test, q = {q_value:.2g}, "
            f"effect {found.effect[k]:.2f} sd per sd).",
        )
        weight = float(np.clip(found.effect[k], -1, 1))
        confidence = min(1.0 - q_value, MOST)
        edges.append(
            CausalEdge(
                node_id(cause), node_id(effect), "causes", weight, lag_s, confidence, (reason,)
            )
        )
    return edges


def correlated_pairs(tested: Tested) -> list[CausalEdge]:
    """Return an undirected edge per pair whose residuals move together."""
    edges = []
    for i, j, strength, q_value in tested.correlated:
        a, b = sorted((tested.keys[i], tested.keys[j]))
        reason = Evidence(
            "residual_correlation",
            (("q", q_value), ("correlation", strength)),
            f"What the tests leave of {a[1]} on {a[0]} and {b[1]} on {b[0]} moves together "
            f"(partial correlation {strength:.2f}, q = {q_value:.2g}); the direction is unknown.",
        )
        edges.append(
            CausalEdge(
                node_id(a),
                node_id(b),
                "correlates",
                strength,
                0.0,
                min(1 - q_value, MOST),
                (reason,),
            )
        )
    return edges
