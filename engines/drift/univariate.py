"""One column compared: tests, effects, detectable change and both histograms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engines.drift.chi_square import cramers_v, pool_cells
from engines.drift.combine import combine_p
from engines.drift.detectable import auc_shift_to_sd, detectable_auc_shift, detectable_v
from engines.drift.effects import (
    areas,
    bin_counts,
    debias,
    jensen_shannon,
    ks_noise,
    psi,
    spread,
)
from engines.drift.missing import missing_share
from engines.drift.pair import CategoryPair, NumericPair, cell_shares
from engines.drift.policy import Policy, severity
from engines.drift.rank_tests import mann_whitney
from engines.drift.registry import CATEGORY_TESTS, NUMERIC_TESTS
from engines.drift.result import ColumnDrift, Effects, Histogram, Kind, TestResult
from engines.sentence import say

SHOWN_BINS = 30  # equal-width cells drawn for a number
SHOWN_LABELS = 20  # categories drawn and listed; the rest is one cell


@dataclass(frozen=True, slots=True)
class Sides:
    """Rows given and rows present on both sides of one column."""

    rows_reference: int
    rows_current: int
    n: int
    m: int

    @property
    def missing(self) -> TestResult:
        """Return the missing-share test (p is 1 when a side has no rows at all)."""
        if not (self.rows_reference and self.rows_current):
            return TestResult("missing_share", 0.0, 1.0)
        return missing_share(
            self.rows_reference - self.n,
            self.rows_reference,
            self.rows_current - self.m,
            self.rows_current,
        )


def blank(name: str, kind: Kind, sides: Sides, reason: str, **known: Any) -> ColumnDrift:
    """Return a column that was not compared, with its counts and what else is `known` of it."""
    missing_reference = 1.0 - sides.n / sides.rows_reference if sides.rows_reference else 0.0
    missing_current = 1.0 - sides.m / sides.rows_current if sides.rows_current else 0.0
    return ColumnDrift(
        name=name,
        kind=kind,
        outcome="insufficient_data",
        reason=reason,
        n_reference=sides.n,
        n_current=sides.m,
        missing_reference=missing_reference,
        missing_current=missing_current,
        missing_change=missing_current - missing_reference,
        **known,
    )


def compare_numbers(
    name: str, pair: NumericPair, sides: Sides, policy: Policy, level: float
) -> ColumnDrift:
    """Return the undecided comparison of two numeric samples; few distinct values: categories."""
    if len(pair.values) <= policy.discrete_limit:
        labels = tuple(f"{value:.12g}" for value in pair.values.tolist())
        reference, current = pair.counts()
        categories = CategoryPair(pair.n, pair.m, labels, reference, current)
        ordered = mann_whitney(pair)  # few-valued numbers (ratings, counts) still have an order
        return compare_categories(name, categories, sides, policy, level, ordered)
    tests = tuple(test(pair) for test in NUMERIC_TESTS)
    distance, auc = tests[0].statistic, tests[1].statistic
    before, after = bin_counts(pair, policy.bins)
    unit, (moved, shifted) = spread(pair), areas(pair)
    effects = Effects(
        ks_distance=distance,
        auc_shift=auc - 0.5,
        wasserstein_iqr=moved / unit,
        mean_shift_iqr=shifted / unit,
        psi=psi(before, after),
        jensen_shannon=jensen_shannon(before, after),
    )
    smallest = detectable_auc_shift(pair.n, pair.m, level, policy.power)
    found = severity(debias(distance, ks_noise(pair.n, pair.m)), policy.half_ks)
    draft = blank(
        name,
        "numeric",
        sides,
        "",
        effect_name="ks_distance",
        effect=distance,
        gate=policy.ks_gate,
        effects=effects,
        severity=found,
        # A small shift delta of a normal: D = phi(0) delta and AUC - 1/2 = phi(0) delta / sqrt(2).
        minimum_detectable_effect=min(1.0, smallest * float(np.sqrt(2.0))),
        minimum_detectable_shift_sd=auc_shift_to_sd(smallest),
        histogram=draw_numbers(pair),
    )
    return with_missing(draft, tests, sides, policy)


def compare_categories(
    name: str,
    pair: CategoryPair,
    sides: Sides,
    policy: Policy,
    level: float,
    *more: TestResult,
) -> ColumnDrift:
    """Return the undecided comparison of two samples of categories, `more` tests included."""
    table = pool_cells(pair)
    tests = (*(test(table) for test in CATEGORY_TESTS), *more)
    v = cramers_v(table)
    draft = blank(
        name,
        "categorical",
        sides,
        "",
        effect_name="cramers_v",
        effect=v,
        gate=policy.v_gate,
        effects=Effects(
            cramers_v=v,
            psi=psi(table.reference, table.current),
            jensen_shannon=jensen_shannon(table.reference, table.current),
        ),
        severity=severity(v, policy.half_v),
        minimum_detectable_effect=detectable_v(pair.n, pair.m, table.cells, level, policy.power),
        histogram=_category_histogram(pair),
    )
    if table.cells == 1 and len(pair.labels) > 1:
        draft = replace(
            draft,
            reason=say(
                "reasons.reads_like_an_id",
                "Every value is too rare to compare: it reads like an id.",
            ),
        )
    return with_missing(list_changes(draft, pair), tests, sides, policy)


def list_changes(draft: ColumnDrift, pair: CategoryPair) -> ColumnDrift:
    """Return the draft with the categories seen on one side only."""
    is_new, is_gone = pair.reference == 0, pair.current == 0
    return replace(
        draft,
        new_categories=_most_frequent(pair, np.where(is_new, pair.current, 0.0)),
        vanished_categories=_most_frequent(pair, np.where(is_gone, pair.reference, 0.0)),
        new_category_share=float(pair.current[is_new].sum() / pair.m),
    )


def with_missing(
    draft: ColumnDrift, tests: tuple[TestResult, ...], sides: Sides, policy: Policy
) -> ColumnDrift:
    """Return the draft with its column p value, the missing-share test included.

    Notes
    -----
    Two separate questions, so ``p = 2 min(p values, p missing)``; when nothing is missing on
    either side there is one question only. The effect is that of the smaller p value.
    """
    missing = sides.missing
    p = combine_p([test.p_value for test in tests])
    if missing.p_value >= 1.0:
        return replace(draft, tests=(*tests, missing), p_value=p)
    column_p = min(1.0, 2.0 * min(p, missing.p_value))
    draft = replace(draft, tests=(*tests, missing), p_value=column_p)
    if missing.p_value >= p:
        return draft
    change = abs(draft.missing_change)
    return replace(
        draft,
        effect_name="missing_share",
        effect=change,
        gate=policy.missing_gate,
        severity=severity(change, policy.half_missing),
    )


def only_missing(
    name: str, kind: Kind, sides: Sides, policy: Policy, reason: str
) -> ColumnDrift | None:
    """Return a column judged by its missing share alone, or ``None`` when too thin for that."""
    draft = blank(name, kind, sides, reason)
    if min(sides.rows_reference, sides.rows_current) < policy.minimum_rows:
        return None
    missing = sides.missing
    if missing.p_value >= 1.0:
        return None
    change = abs(draft.missing_change)
    return replace(
        draft,
        tests=(missing,),
        p_value=missing.p_value,
        effect_name="missing_share",
        effect=change,
        gate=policy.missing_gate,
        severity=severity(change, policy.half_missing),
    )


def draw_numbers(pair: NumericPair) -> Histogram:
    """Return equal-width cells between the outer percentiles; the outer cells hold the tails."""
    tails = np.array([0.005, 0.995])
    first, second = pair.reference_quantiles(tails), pair.current_quantiles(tails)
    low, high = min(float(first[0]), float(second[0])), max(float(first[1]), float(second[1]))
    edges = low + np.arange(SHOWN_BINS + 1, dtype=np.float64) * ((high - low) / SHOWN_BINS)
    before, after = pair.cdf_at(edges[1:-1])
    return Histogram(
        edges=tuple(edges.tolist()),
        labels=(),
        reference=tuple(cell_shares(before).tolist()),
        current=tuple(cell_shares(after).tolist()),
    )


def _category_histogram(pair: CategoryPair) -> Histogram:
    total = pair.reference / pair.n + pair.current / pair.m
    order = np.argsort(-total, kind="stable")
    shown, rest = order[:SHOWN_LABELS], order[SHOWN_LABELS:]
    labels = [pair.labels[i] for i in shown.tolist()]
    reference = (pair.reference[shown] / pair.n).tolist()
    current = (pair.current[shown] / pair.m).tolist()
    if rest.size:
        labels.append("(other)")
        reference.append(float(pair.reference[rest].sum() / pair.n))
        current.append(float(pair.current[rest].sum() / pair.m))
    return Histogram((), tuple(labels), tuple(reference), tuple(current))


def _most_frequent(pair: CategoryPair, counts: np.ndarray) -> tuple[str, ...]:
    order = np.argsort(-counts, kind="stable")[:SHOWN_LABELS]
    return tuple(pair.labels[i] for i in order.tolist() if counts[i] > 0)
