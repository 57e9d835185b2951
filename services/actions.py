"""What to do about one trouble, the largest expected effect first."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from engines import impact
from engines.causal.inputs import Key
from engines.causal.result import Evidence, RankedCause, RootCauseResult
from engines.causal.roles import role_of
from engines.impact import Attribution, Estimate, StructuralModel
from engines.progress import Progress, steps, unwatched
from services.impact import attempt
from services.scene import LABELS, Scene

SUSPECTS = 4
"""Suspects for which an action is proposed; further down confidence is next to nothing."""
LEAST_CONFIDENCE = 0.05

ActionKind = Literal[
    "roll_back", "restore_speed", "stop_failures", "check_inputs", "restore_retrieval",
    "cap_spending", "restore_labels", "restore",
]  # fmt: skip
_BY_ROLE: dict[str, ActionKind] = {
    "latency": "restore_speed", "errors": "stop_failures", "error_rate": "stop_failures",
    "feature_drift": "check_inputs", "data_drift": "check_inputs",
    "prediction_drift": "check_inputs",
    "retrieval": "restore_retrieval", "tokens": "cap_spending", "cost": "cap_spending",
}  # fmt: skip


class Action(msgspec.Struct, frozen=True):
    """Something to do, with the change of the effect that the model expects of it.

    `expected` is the mean change of the effect while the cause is back to normal; `recovers` is its
    share of what the effect moved; both are None where the structural model does not reach the
    effect from there.
    """

    kind: ActionKind
    node: str
    metric: str
    event_id: str | None
    event_title: str
    confidence: float
    expected: Estimate | None
    recovers: float | None
    evidence: tuple[Evidence, ...]


def recommend(
    scene: Scene,
    model: StructuralModel,
    effect: Key,
    result: RootCauseResult,
    shares: Attribution | None,
    progress: Progress = unwatched,
) -> tuple[Action, ...]:
    """Return what to do, the largest expected effect first.

    The expected effect of acting on a suspect is the counterfactual without it; it counts as much
    as the suspect is likely to be the cause.
    """
    onset_s = result.onset_s or scene.window.end_ms / 1_000
    moved = shares.change if shares else None
    found = [
        _action(scene, model, effect, onset_s, moved, cause)
        for cause in steps(result.causes[:SUSPECTS], progress)
        if cause.confidence >= LEAST_CONFIDENCE
    ]
    return tuple(sorted(found, key=_worth))


def _worth(action: Action) -> tuple[float, float]:
    gain = action.recovers if action.recovers is not None else 0.0
    return -max(gain, 0.0) * action.confidence, -action.confidence


def _action(
    scene: Scene,
    model: StructuralModel,
    effect: Key,
    onset_s: float,
    moved: float | None,
    cause: RankedCause,
) -> Action:
    key = (cause.node, cause.metric)
    answer, _ = attempt(lambda: impact.what_if(model, key, effect, onset_s=onset_s))
    event = next((e for e in scene.events if e.event_id == cause.event_id), None)
    expected = answer.difference if answer else None
    recovers = None
    if expected is not None and moved and math.isfinite(expected.value):
        recovers = min(1.0, max(0.0, -expected.value / moved))
    kind: ActionKind = "roll_back" if event else _BY_ROLE.get(role_of(key[1]).kind, "restore")
    if key[1] == LABELS:
        kind = "restore_labels"
    return Action(
        kind=kind,
        node=cause.node,
        metric=cause.metric,
        event_id=cause.event_id,
        event_title=event.title if event else "",
        confidence=cause.confidence,
        expected=expected,
        recovers=recovers,
        evidence=cause.evidence,
    )
