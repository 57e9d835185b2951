"""Drift between two sketches: the same tests, with the sketch error counted against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engines.drift.category_sketch import pair_categories
from engines.drift.column import judge_missing
from engines.drift.compare import DEFAULT, summarise
from engines.drift.decision import decide
from engines.drift.joint import dependence_drift
from engines.drift.policy import Policy
from engines.drift.quantile_sketch import pair_sketches
from engines.drift.result import ColumnDrift, DriftReport, JointDrift
from engines.drift.sketch import TableSketch, as_category, grid_key
from engines.drift.univariate import Sides, compare_categories, compare_numbers


def compare_sketches(
    reference: TableSketch,
    current: TableSketch,
    *,
    columns: Sequence[str] | None = None,
    weights: Mapping[str, float] | None = None,
    policy: Policy = DEFAULT,
) -> DriftReport:
    """Return what changed between the rows behind two sketches.

    Parameters
    ----------
    reference, current : TableSketch
        From ``sketch_table``, ``profile_table`` or ``merge``.
    columns : sequence of str, optional
        Columns of the reference to compare; all by default.
    weights, policy
        As for ``compare``.

    Returns
    -------
    DriftReport
        As ``compare`` gives, with `method` ``sketch``. Joint drift is the correlation test alone,
        and only when both sketches carry sums over the same grid.

    Notes
    -----
    KS, Mann-Whitney and Mood are lowered by the bounds of both sketches, so an alarm here is an
    alarm on the exact data; effects are exact to the same bounds.

    Examples
    --------
    >>> import numpy as np
    >>> from engines.drift.sketch import sketch_table
    >>> rng = np.random.default_rng(0)
    >>> hours = [sketch_table({"x": rng.normal(shift, 1, 50_000)}) for shift in (0.0, 0.2)]
    >>> compare_sketches(*hours).drifted_columns
    ('x',)
    """
    names = list(reference.names if columns is None else columns)
    has_joint = (
        reference.sums is not None
        and current.sums is not None
        and grid_key(reference.grid) == grid_key(current.grid)
        and len(names) > 1
    )
    level = policy.false_discovery_rate * (1.0 - policy.joint_share * has_joint)
    per_column = level / max(1, len(names))
    drafts = [_compare_column(name, reference, current, policy, per_column) for name in names]
    joint_level = policy.false_discovery_rate * policy.joint_share
    return summarise(
        decide(drafts, policy, level),
        _compare_sums(reference, current, policy, joint_level) if has_joint else (),
        (),
        rows=(reference.rows, current.rows),
        new=tuple(n for n in current.names if n not in reference.names) if not columns else (),
        missing=tuple(name for name in names if name not in current.names),
        policy=policy,
        weights=weights,
        method="sketch",
    )


def _compare_column(
    name: str, reference: TableSketch, current: TableSketch, policy: Policy, level: float
) -> ColumnDrift:
    sides = Sides(reference.rows, current.rows, reference.present(name), current.present(name))
    is_number = name in reference.numbers and name in current.numbers
    if min(sides.n, sides.m) < policy.minimum_rows:
        kind = "numeric" if name in reference.numbers else "categorical"
        return judge_missing(name, kind, sides, policy)  # type: ignore[arg-type]
    if is_number:
        numbers = pair_sketches(reference.numbers[name], current.numbers[name])
        return compare_numbers(name, numbers, sides, policy, level)
    categories = pair_categories(as_category(reference, name), as_category(current, name))
    return compare_categories(name, categories, sides, policy, level)


def _compare_sums(
    reference: TableSketch, current: TableSketch, policy: Policy, level: float
) -> tuple[JointDrift, ...]:
    if reference.sums is None or current.sums is None or reference.grid is None:
        return ()
    names = reference.grid.names
    if len(names) < 2:
        return ()
    sizes = (int(reference.sums.rows.max()), int(current.sums.rows.max()))
    before, after = reference.sums.dependence(), current.sums.dependence()
    return tuple(dependence_drift(names, before, after, sizes, policy, level))
