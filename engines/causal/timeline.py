"""Events and metrics as vertices, and the events placed before what they may explain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from engines.causal.evidence import known_lead
from engines.causal.inputs import Event, Key
from engines.causal.result import CausalEdge, CausalNode, Evidence, NodeKind
from engines.causal.roles import role_of
from engines.causal.triggers import CHANGES

OUTCOMES = ("trust", "slo", "cost", "carbon")
"""Kinds of metric that people are answerable for."""
DECISIONS = ("prediction_drift",)
"""Kinds of metric that describe what a model decides."""


def node_id(key: Key) -> str:
    """Return the id of a metric's vertex."""
    return f"{key[0]}|{key[1]}"


def event_id(event: Event) -> str:
    """Return the id of an event's vertex."""
    return f"event|{event.event_id}"


def metric_nodes(
    keys: Sequence[Key], scores: Mapping[Key, tuple[float, float | None]], effect: Key | None
) -> list[CausalNode]:
    """Return one vertex per metric; the effect itself is an outcome."""
    return [
        CausalNode(
            node_id(key),
            "outcome" if key == effect else _kind(key),
            key[0],
            key[1],
            f"{key[1]} of {key[0]}",
            *scores.get(key, (0.0, None)),
        )
        for key in keys
    ]


def event_nodes(events: Sequence[Event]) -> list[CausalNode]:
    """Return one vertex per event."""
    return [
        CausalNode(
            event_id(event),
            "event",
            event.target,
            event.kind,
            event.title or f"{event.kind} of {event.target}",
            0.0,
            event.time_s,
        )
        for event in events
    ]


def event_edges(
    events: Sequence[Event],
    scores: Mapping[Key, tuple[float, float | None]],
    lookback_s: float,
    step_s: float,
    threshold: float,
) -> list[CausalEdge]:
    """Return an edge from each change to every metric of its target that moved soon after.

    Notes
    -----
    Order in time is not proof: the edges are ``contributes``. Confidence is the probability that a
    change does not fall this close before the onset by chance, ``exp(-rate x gap)`` with the rate
    of one change per `lookback_s`, the longest gap considered.
    """
    edges = []
    for key, (score, onset_s) in sorted(scores.items()):
        if onset_s is None or score < math.log1p(threshold):
            continue
        for event in sorted(events, key=lambda e: e.event_id):
            gap = onset_s - event.time_s
            if event.target != key[0] or event.kind not in CHANGES:
                continue
            if -step_s <= gap <= lookback_s:
                edges.append(_event_edge(event, key, max(gap, 0.0), lookback_s, step_s))
    return edges


def _event_edge(event: Event, key: Key, gap: float, lookback_s: float, step_s: float) -> CausalEdge:
    confidence = math.exp(-gap / lookback_s)
    reason = Evidence(
        "event_before_onset",
        (
            ("event_id", event.event_id),
            ("title", event.title),
            ("lead_s", gap),
            ("step_s", step_s),
        ),
        f"{event.kind} {event.title or event.event_id} came {known_lead(gap, step_s)} before "
        f"{key[1]} of {key[0]} left its normal range.",
    )
    return CausalEdge(
        event_id(event), node_id(key), "contributes", 0.0, gap, min(confidence, 0.999), (reason,)
    )


def _kind(key: Key) -> NodeKind:
    kind = role_of(key[1]).kind
    return "outcome" if kind in OUTCOMES else "decision" if kind in DECISIONS else "metric"
