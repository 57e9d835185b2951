"""The joint tests of a report: correlations, other dependence, and the domain classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.drift.classifier import separate
from engines.drift.columns import take_rows
from engines.drift.combine import adjust_p
from engines.drift.decision import outcome_of
from engines.drift.dependence import (
    LEAST_ROWS,
    Dependence,
    PairShift,
    compare_dependence,
    measure_dependence,
)
from engines.drift.pair import Floats
from engines.drift.policy import Policy, severity
from engines.drift.result import Driver, JointDrift, Kind, Outcome
from engines.drift.words import TOO_LITTLE
from engines.sentence import say

LISTED = 10  # pairs or columns named as drivers
# Shares of the joint error budget: most for the change that occurs most, correlation.
SHARES = {"correlation": 0.5, "dependence": 0.25, "domain_classifier": 0.25}
FOLDED = 100  # numeric columns up to which folded scores are tested: pairs grow with the square
CELLS = 600_000  # numbers per side in the dependence test, at least 2,000 rows
LEAST_CLASSIFIER_ROWS = 100  # 50 per side are left to test on


@dataclass(frozen=True, slots=True)
class Side:
    """Sampled rows of one side: numeric columns as they are, categories as codes."""

    numeric: list[Floats]
    coded: list[Floats]


def joint_tests(
    before: Mapping[str, Any],  # Any: Series or array
    after: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    policy: Policy,
    level: float,
    seed: int,
) -> tuple[JointDrift, ...]:
    """Return the joint tests over the columns present on both sides.

    Parameters
    ----------
    before, after : mapping of name to values
        The tables, rows aligned across columns.
    kinds : mapping
        Kind per column; numeric ones enter all tests, categorical ones the classifier.
    level : float
        Chance of any joint alarm when nothing changed; split as in `SHARES`.
    """
    numeric = [name for name, kind in kinds.items() if kind == "numeric"]
    coded = [name for name, kind in kinds.items() if kind == "categorical"]
    if len(numeric) + len(coded) < 2:
        return ()
    rng = np.random.default_rng(seed)
    size = min(policy.joint_rows, max(2_000, CELLS // max(1, len(numeric))))
    sides = _sample(before, after, numeric, coded, size, rng)
    sizes = tuple(len((side.numeric + side.coded)[0]) for side in sides)
    results: list[JointDrift] = []
    if len(numeric) > 1:
        results += dependence_drift(
            numeric,
            measure_dependence(sides[0].numeric, folded=len(numeric) <= FOLDED),
            measure_dependence(sides[1].numeric, folded=len(numeric) <= FOLDED),
            (sizes[0], sizes[1]),
            policy,
            level,
        )
    results.append(_classifier(numeric + coded, sides, policy, level, seed))
    return tuple(results)


def _sample(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    numeric: Sequence[str],
    coded: Sequence[str],
    size: int,
    rng: np.random.Generator,
) -> tuple[Side, Side]:
    picked = []
    for table in (before, after):
        total = len(table[(numeric or coded)[0]])
        rows = rng.permutation(total)[:size] if total > size else np.arange(total)
        picked.append({name: take_rows(table[name], rows) for name in (*numeric, *coded)})
    sides = [Side([_floats(side[name]) for name in numeric], []) for side in picked]
    for name in coded:
        codes = _codes(picked[0][name], picked[1][name])
        sides[0].coded.append(codes[0])
        sides[1].coded.append(codes[1])
    return sides[0], sides[1]


def _floats(values: Any) -> Floats:
    import pandas as pd

    series = pd.to_numeric(pd.Series(values), errors="coerce")
    array: Floats = series.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    array[~np.isfinite(array)] = np.nan
    return array


def _codes(before: Any, after: Any) -> tuple[Floats, Floats]:
    """Return categories of both sides as frequency ranks, so that trees can split on them."""
    import pandas as pd

    labels = [pd.Series(side).astype(object) for side in (before, after)]
    codes, _ = pd.factorize(pd.concat(labels, ignore_index=True))
    frequency = np.bincount(codes[codes >= 0], minlength=1)
    rank = np.empty(len(frequency))
    rank[np.argsort(-frequency, kind="stable")] = np.arange(len(frequency))
    ranked = np.where(codes >= 0, rank[np.maximum(codes, 0)], np.nan)
    return ranked[: len(before)], ranked[len(before) :]


def dependence_drift(
    names: Sequence[str],
    before: Dependence,
    after: Dependence,
    rows: tuple[int, int],
    policy: Policy,
    level: float,
) -> list[JointDrift]:
    """Return the correlation test and the test of dependence beyond correlation.

    Without folded scores (`Dependence` over p columns only), just the first, with the whole level.
    """
    results = []
    has_folded = len(before.correlation) > len(names)
    for name, folded in (("correlation", False), ("dependence", True))[: 1 + has_folded]:
        if min(rows) < LEAST_ROWS:
            reason = say(
                "reasons.rows_each_side",
                "needs {needed, number} rows on each side, got {before, number} and {now, number}",
                needed=LEAST_ROWS,
                before=rows[0],
                now=rows[1],
            )
            results.append(JointDrift(name, "insufficient_data", reason, *rows))
            continue
        pairs = compare_dependence(before, after, columns=len(names), folded=folded)
        share = SHARES[name] if has_folded else 1.0
        results.append(_judge_pairs(name, names, pairs, rows, policy, level * share))
    return results


def _judge_pairs(
    name: str,
    names: Sequence[str],
    pairs: PairShift,
    rows: tuple[int, int],
    policy: Policy,
    level: float,
) -> JointDrift:
    q = adjust_p(pairs.p_values)
    rejected = np.flatnonzero(q <= level)
    change = np.abs(pairs.current - pairs.reference)
    effect = float(change[rejected].max()) if rejected.size else float(change.max(initial=0.0))
    p = float(q.min(initial=1.0))
    outcome = outcome_of(p, level, effect, policy.correlation_gate)
    strongest = rejected[np.argsort(-change[rejected])][:LISTED]
    total = float(change[rejected].sum()) or 1.0
    drivers = tuple(
        Driver(
            (names[int(pairs.first[i])], names[int(pairs.second[i])]),
            float(change[i]) / total,
            float(pairs.reference[i]),
            float(pairs.current[i]),
        )
        for i in strongest
    )
    return JointDrift(
        name=name,
        outcome=outcome,
        reason=_pair_sentence(name, outcome, drivers, len(rejected), len(pairs.p_values)),
        n_reference=rows[0],
        n_current=rows[1],
        statistic=effect,
        p_value=p,
        effect_name="correlation",
        effect=effect,
        gate=policy.correlation_gate,
        severity=severity(effect, policy.half_correlation) if drivers else 0.0,
        drivers=drivers,
    )


def _pair_sentence(
    name: str, outcome: Outcome, drivers: tuple[Driver, ...], rejected: int, tested: int
) -> str:
    if not drivers:
        return say(
            "findings.pairs_unchanged",
            "No evidence that any of {tested, number} pairs depends differently.",
            tested=tested,
        )
    top = drivers[0]
    values: dict[str, str | float] = {
        "n": rejected,
        "tested": tested,
        "first": top.columns[0],
        "second": top.columns[1],
        "before": top.reference or 0.0,
        "now": top.current or 0.0,
        "small": "" if outcome == "drift" else TOO_LITTLE,
    }
    if name == "correlation":
        return say(
            "findings.correlations_changed",
            "{n, number} of {tested, number} pairs changed their correlation, most {first} with "
            "{second}: {before, number} to {now, number}{small}.",
            **values,
        )
    return say(
        "findings.dependences_changed",
        "{n, number} of {tested, number} pairs changed their dependence beyond correlation, most "
        "{first} with {second}: {before, number} to {now, number}{small}.",
        **values,
    )


def _classifier(
    names: Sequence[str], sides: tuple[Side, Side], policy: Policy, level: float, seed: int
) -> JointDrift:
    name = "domain_classifier"
    matrices = [
        np.column_stack([c[: policy.classifier_rows] for c in side.numeric + side.coded])
        for side in sides
    ]
    n, m = len(matrices[0]), len(matrices[1])
    if min(n, m) < LEAST_CLASSIFIER_ROWS:
        reason = say(
            "reasons.rows_each_side",
            "needs {needed, number} rows on each side, got {before, number} and {now, number}",
            needed=LEAST_CLASSIFIER_ROWS,
            before=n,
            now=m,
        )
        return JointDrift(name, "insufficient_data", reason, n, m)
    level *= SHARES[name]
    found = separate(matrices[0], matrices[1], seed=seed, explain_below=level)
    effect = max(0.0, found.auc - 0.5)
    outcome = outcome_of(found.p_value, level, effect, policy.auc_gate)
    total = float(found.importance.sum()) or 1.0
    order = np.argsort(-found.importance, kind="stable")[:LISTED]
    drivers = tuple(
        Driver((names[int(i)],), float(found.importance[i]) / total)
        for i in order
        if found.importance[i] > 0
    )
    is_found = outcome != "no_evidence"
    return JointDrift(
        name=name,
        outcome=outcome,
        reason=_classifier_sentence(is_found, found.auc, drivers),
        n_reference=n,
        n_current=m,
        statistic=found.auc,
        p_value=found.p_value,
        effect_name="auc_shift",
        effect=effect,
        gate=policy.auc_gate,
        severity=severity(effect, policy.half_auc) if is_found else 0.0,
        drivers=drivers,
    )


def _classifier_sentence(is_found: bool, auc: float, drivers: tuple[Driver, ...]) -> str:
    if not is_found:
        return say(
            "findings.sides_alike", "No evidence that a classifier can tell the two sides apart."
        )
    if not drivers:
        return say(
            "findings.sides_told_apart",
            "A classifier tells the two sides apart with held-out AUC {auc, number}.",
            auc=auc,
        )
    return say(
        "findings.sides_told_apart_by",
        "A classifier tells the two sides apart with held-out AUC {auc, number}, most by {column}.",
        auc=auc,
        column=drivers[0].columns[0],
    )
