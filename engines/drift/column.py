"""One column of two tables: read it as what it is, then compare it as that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engines.drift.columns import (
    infer_kind,
    read_categories,
    read_numbers,
    read_texts,
    read_vectors,
)
from engines.drift.embedding import compare_vectors
from engines.drift.pair import CategoryPair, NumericPair
from engines.drift.policy import Policy
from engines.drift.result import ColumnDrift, Kind
from engines.drift.text import compare_texts
from engines.drift.univariate import (
    Sides,
    blank,
    compare_categories,
    compare_numbers,
    only_missing,
)
from engines.sentence import say


def compare_column(
    name: str,
    before: Any,  # Any: Series or array
    after: Any,
    rows_after: int,
    kinds: Mapping[str, Kind] | None,
    policy: Policy,
    level: float,
    seed: int,
) -> ColumnDrift:
    """Return the undecided comparison of one column.

    A column whose kind differs between the sides is compared as categories; one that is absent
    from the current table (`after` is ``None``) as missing in all `rows_after` rows.
    """
    kind_before = (kinds or {}).get(name) or infer_kind(before)
    if after is None:
        sides = Sides(len(before), rows_after, _present(before), 0)
        return judge_missing(name, kind_before, sides, policy)
    kind_after = (kinds or {}).get(name) or infer_kind(after)
    kind = kind_before or kind_after or "categorical"
    if kind_before and kind_after and kind_before != kind_after:
        kind = "categorical"
    return COMPARERS[kind](name, before, after, policy, level, seed)


def _present(values: Any) -> int:  # Any: Series or array
    import pandas as pd

    missing = pd.isna(values)
    return int(len(values) - (missing.any(axis=1) if missing.ndim == 2 else missing).sum())


def judge_missing(name: str, kind: Kind | None, sides: Sides, policy: Policy) -> ColumnDrift:
    """Return the verdict on a column with too few present rows on one side."""
    reason = say(
        "reasons.present_rows_each_side",
        "needs {needed, number} rows that are not missing on each side, got {before, number} and "
        "{now, number}",
        needed=policy.minimum_rows,
        before=sides.n,
        now=sides.m,
    )
    kind = kind or "categorical"
    return only_missing(name, kind, sides, policy, reason) or blank(name, kind, sides, reason)


def _numeric(
    name: str, before: Any, after: Any, policy: Policy, level: float, seed: int
) -> ColumnDrift:
    first, second = read_numbers(before), read_numbers(after)
    sides = Sides(len(before), len(after), len(first), len(second))
    if min(sides.n, sides.m) < policy.minimum_rows:
        return judge_missing(name, "numeric", sides, policy)
    return compare_numbers(name, NumericPair.of_samples(first, second), sides, policy, level)


def _categorical(
    name: str, before: Any, after: Any, policy: Policy, level: float, seed: int
) -> ColumnDrift:
    pair = CategoryPair.of_counts(read_categories(before), read_categories(after))
    sides = Sides(len(before), len(after), pair.n, pair.m)
    if min(sides.n, sides.m) < policy.minimum_rows:
        return judge_missing(name, "categorical", sides, policy)
    return compare_categories(name, pair, sides, policy, level)


def _time(
    name: str, before: Any, after: Any, policy: Policy, level: float, seed: int
) -> ColumnDrift:
    sides = Sides(len(before), len(after), _present(before), _present(after))
    reason = say(
        "reasons.times_move_on",
        "Times always move on; compare a feature of them, such as the hour of the day.",
    )
    return only_missing(name, "time", sides, policy, reason) or blank(name, "time", sides, reason)


def _text(
    name: str, before: Any, after: Any, policy: Policy, level: float, seed: int
) -> ColumnDrift:
    first, second = read_texts(before), read_texts(after)
    sides = Sides(len(before), len(after), len(first), len(second))
    if min(sides.n, sides.m) < policy.minimum_rows:
        return judge_missing(name, "text", sides, policy)
    return compare_texts(name, first, second, sides, policy, level, seed)


def _embedding(
    name: str, before: Any, after: Any, policy: Policy, level: float, seed: int
) -> ColumnDrift:
    first, second = read_vectors(before), read_vectors(after)
    sides = Sides(len(before), len(after), len(first), len(second))
    if min(sides.n, sides.m) < policy.minimum_rows:
        return judge_missing(name, "embedding", sides, policy)
    return compare_vectors(name, first, second, sides, policy, level, seed)


COMPARERS: dict[Kind, Callable[[str, Any, Any, Policy, float, int], ColumnDrift]] = {
    "numeric": _numeric,
    "categorical": _categorical,
    "text": _text,
    "embedding": _embedding,
    "time": _time,
}
