"""Why no cause is named: nothing moved, quiet times look as bad, or chance explains the leader."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engines.causal.anomaly import chance_records
from engines.causal.report import Ranked
from engines.causal.result import RankedCause
from engines.causal.score import Case
from engines.sentence import Value, say

LOOK_ELSEWHERE = 0.25
"""The largest of m deviations grows as m^(1/4) where tails fall as Student's t with 4 degrees."""


def abstention(case: Case, ranked: Sequence[Ranked], causes: Sequence[RankedCause]) -> str:
    """Return why no cause is named, or nothing where the first of `causes` is."""
    scene, settings = case.scene, case.settings
    if not causes:
        return say(
            "reasons.no_metric_near",
            "no metric of the effect's node or of anything it depends on was measured",
        )
    rate = scene.onset.false_alarm
    quiet = scene.onset.row is None or scene.onset.z < settings.threshold
    if case.effect is not None and quiet and rate is None:
        values: dict[str, Value] = {
            "metric": case.effect[1], "node": case.effect[0], "z": scene.onset.z,
            "threshold": settings.threshold,
        }  # fmt: skip
        if scene.onset.z >= settings.threshold:
            return say(
                "reasons.effect_left_briefly",
                "{metric} of {node} left its normal range for moments only (largest deviation "
                "{z, number}, threshold {threshold, number})",
                **values,
            )
        return say(
            "reasons.effect_stayed_normal",
            "{metric} of {node} stayed in its normal range (largest deviation {z, number}, "
            "threshold {threshold, number})",
            **values,
        )
    if rate is not None and rate > settings.max_false_alarm:
        return say(
            "reasons.quiet_windows_as_bad",
            "{rate, percent} of quiet windows of the history look at least as bad as this one "
            "(limit {limit, percent})",
            rate=rate,
            limit=settings.max_false_alarm,
        )
    best = causes[0]
    if case.effect is None and (reason := _elsewhere(case, ranked[0])):
        return reason
    if best.score <= 0 or best.confidence < settings.min_confidence:
        return say(
            "reasons.no_suspect_stands_out",
            "no suspect stands out: the best, {node}, has confidence {confidence, number} (limit "
            "{limit, number})",
            node=best.node,
            confidence=best.confidence,
            limit=settings.min_confidence,
        )
    return ""


def chance_rivals(case: Case, ranked: Sequence[Ranked]) -> float:
    """How many metrics would by chance stand out as much as the leader, where all were searched.

    The larger of two estimates: by size, with the tails of Student's t with 4 degrees; by rank,
    which is all that a short history can say, unless a wire or a message tells the same.
    """
    if case.effect is not None or not ranked:
        return 0.0
    z = _size(case, ranked[0])
    by_size = (_needed(case) / z) ** (1 / LOOK_ELSEWHERE) if z > 0 else np.inf
    records = 0.0 if _has_witness(case, ranked[0]) else _records(case)
    return float(min(max(by_size, records), 1e6))


def _size(case: Case, leader: Ranked) -> float:
    """Return the deviation of the leader, in the scale by which chance is judged."""
    z, normal, column = float(np.expm1(leader.score)), case.scene.normal, leader.suspect.column
    if column is None or _has_witness(case, leader) or not normal.scale[column] > 0:
        return z
    return z * float(normal.scale[column] / normal.chance[column])


def _has_witness(case: Case, leader: Ranked) -> bool:
    """Whether a message, or the calls of the leader, tell the same as its metrics."""
    return leader.messages is not None or leader.suspect.wire > case.settings.threshold / 2


def _needed(case: Case) -> float:
    metrics = int((case.scene.normal.scale > 0).sum())
    searched = max(metrics + len(case.wires), 1)
    return float(case.settings.threshold * searched**LOOK_ELSEWHERE)


def _records(case: Case) -> float:
    metrics = int((case.scene.normal.scale > 0).sum())
    return chance_records(metrics, case.scene.history.shape[0], case.scene.after.shape[0])


def _elsewhere(case: Case, best: Ranked) -> str:
    """Why the best of many metrics may be chance, or nothing when it is not."""
    scene = case.scene
    metrics = int((scene.normal.scale > 0).sum())
    needed = _needed(case)
    size = _size(case, best)
    if size < needed:
        return say(
            "reasons.deviation_by_chance",
            "the largest deviation, {size, number} on {node}, is what {metrics, number} quiet "
            "metrics reach by chance (limit {limit, number})",
            size=size,
            node=best.suspect.unit[0],
            metrics=metrics,
            limit=float(needed),
        )
    records = _records(case)
    if records >= 1.0 and not _has_witness(case, best):
        return say(
            "reasons.few_normal_rows",
            "{rows, number} normal rows are too few to search {metrics, number} metrics: about "
            "{records, number} of them would look new by chance",
            rows=scene.history.shape[0],
            metrics=metrics,
            records=float(records),
        )
    return ""
