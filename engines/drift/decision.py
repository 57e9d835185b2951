"""From p values and effects to outcomes, and from outcomes to one score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engines.drift.combine import adjust_p
from engines.drift.policy import Policy
from engines.drift.result import ColumnDrift, JointDrift, Outcome
from engines.drift.words import EFFECT_WORDS
from engines.sentence import say

RANK: dict[Outcome, int] = {
    "drift": 0,
    "detectable_but_negligible": 1,
    "no_evidence": 2,
    "insufficient_data": 3,
}


def outcome_of(p: float, level: float, effect: float, gate: float) -> Outcome:
    """Return the outcome of one test at `level`.

    Examples
    --------
    >>> outcome_of(0.001, 0.025, effect=0.01, gate=0.02)
    'detectable_but_negligible'
    """
    if p > level:
        return "no_evidence"
    return "drift" if effect >= gate else "detectable_but_negligible"


def decide(drafts: Sequence[ColumnDrift], policy: Policy, level: float) -> tuple[ColumnDrift, ...]:
    """Return the columns with q value, outcome, reason and severity, worst first."""
    tested = [draft for draft in drafts if draft.p_value is not None]
    q_values = adjust_p([draft.p_value for draft in tested if draft.p_value is not None])
    decided = [draft for draft in drafts if draft.p_value is None]
    for draft, q in zip(tested, q_values.tolist(), strict=True):
        outcome = outcome_of(q, level, draft.effect, draft.gate)
        found = draft.severity if outcome in ("drift", "detectable_but_negligible") else 0.0
        if draft.reason and outcome == "no_evidence":
            outcome = "insufficient_data"
        reason = draft.reason if outcome == "insufficient_data" else explain(draft, outcome)
        decided.append(replace(draft, q_value=q, outcome=outcome, severity=found, reason=reason))
    return tuple(
        sorted(decided, key=lambda c: (RANK[c.outcome], -c.severity, c.p_value or 0.0, c.name))
    )


def explain(column: ColumnDrift, outcome: Outcome) -> str:
    """Return the outcome as one sentence with its numbers."""
    words = EFFECT_WORDS.get(column.effect_name, column.effect_name)
    if outcome == "drift":
        return say(
            "findings.changed",
            "Changed: {effect} {size, number}, at or above the gate of {gate, number}.",
            effect=words,
            size=column.effect,
            gate=column.gate,
        )
    if outcome == "detectable_but_negligible":
        return say(
            "findings.changed_little",
            "Changed, but too little to matter: {effect} {size, number}, below the gate of "
            "{gate, number}.",
            effect=words,
            size=column.effect,
            gate=column.gate,
        )
    if column.minimum_detectable_shift_sd is not None:
        return say(
            "findings.unchanged_shift",
            "No evidence of change; a mean shift of {shift, number} sd would have been found.",
            shift=column.minimum_detectable_shift_sd,
        )
    if column.minimum_detectable_effect is not None:
        return say(
            "findings.unchanged_effect",
            "No evidence of change; an effect of {effect, number} would have been found.",
            effect=column.minimum_detectable_effect,
        )
    return say("findings.unchanged", "No evidence of change.")


def score(
    columns: Sequence[ColumnDrift],
    joint: Sequence[JointDrift],
    policy: Policy,
    weights: Mapping[str, float] | None = None,
) -> float | None:
    """Return the overall drift score in 0..1 (lower is better), ``None`` when nothing was tested.

    Notes
    -----
    ``max(M, J)``: M is the power mean of the column severities with exponent `emphasis` and the
    given weights (1 each by default), J the largest joint severity. Severities are
    ``1 - 2 ** -(effect / half)`` of effects freed of their bias, and 0 where no change was found.
    """
    tested = [c for c in columns if c.outcome != "insufficient_data"]
    probed = [j for j in joint if j.outcome != "insufficient_data"]
    if not tested and not probed:
        return None
    share = [1.0 if weights is None else max(0.0, weights.get(c.name, 0.0)) for c in tested]
    total = sum(share)
    mean = 0.0
    if total > 0:
        power = sum(w * c.severity**policy.emphasis for w, c in zip(share, tested, strict=True))
        mean = (power / total) ** (1.0 / policy.emphasis)
    return min(1.0, max([mean, *(j.severity for j in probed)]))


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome that a report shows: the first of drift, negligible, no evidence."""
    return min(outcomes, key=lambda outcome: RANK[outcome], default="insufficient_data")
