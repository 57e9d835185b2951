"""The front function: two tables in, one report out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engines.drift.column import compare_column
from engines.drift.columns import (
    as_columns,
    is_numeric_dtype,
)
from engines.drift.decision import decide, score, worst
from engines.drift.joint import joint_tests
from engines.drift.policy import Policy
from engines.drift.result import ColumnDrift, DriftReport, JointDrift, Kind, SliceDrift
from engines.drift.slices import compare_slices
from engines.drift.words import JOINT_WORDS
from engines.errors import EngineError
from engines.sentence import say

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

DEFAULT = Policy()


def compare(
    reference: pd.DataFrame | Mapping[str, NDArray[np.generic]],
    current: pd.DataFrame | Mapping[str, NDArray[np.generic]],
    *,
    columns: Sequence[str] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    weights: Mapping[str, float] | None = None,
    joint: bool = True,
    slice_by: Sequence[str] = (),
    policy: Policy = DEFAULT,
    seed: int = 0,
) -> DriftReport:
    """Return what changed between two tables, with evidence and size for every column.

    Parameters
    ----------
    reference, current : DataFrame or mapping of name to array
        Columns of numbers, strings, booleans, categories, long texts, or vectors (2-D arrays or a
        column of equally long lists). Null, NaN and infinite values count as missing. Any length;
        not changed.
    columns : sequence of str, optional
        Columns to compare; by default every column of the reference.
    kinds : mapping, optional
        Overrides what a column is taken for (``numeric``, ``categorical``, ``text``, ...).
    weights : mapping, optional
        Importance per column (0 upwards) in the overall score; missing names weigh 0. Outcomes do
        not depend on it.
    joint : bool
        Whether to test dependence between columns and to run the domain classifier.
    slice_by : sequence of str
        Categorical columns whose values are compared as segments of their own.
    policy : Policy
        Error budget, gates and sizes.
    seed : int
        Seeds the row samples of the joint, text and embedding tests.

    Returns
    -------
    DriftReport
        Outcome per column, joint test and slice; score in 0..1, lower is better.

    Raises
    ------
    EngineError
        When a table is not a table, its columns differ in length, or a name is unknown.

    Notes
    -----
    H0 of the report: both tables are samples of one distribution with independent rows. Then the
    chance of any ``drift`` is at most `policy.false_discovery_rate` (Benjamini-Hochberg over the
    columns at one half of it, the joint tests share the other half). Rows that depend on each
    other (one user, many rows; autocorrelated streams) raise it. A column absent from the current
    table counts as missing in every row. With many rows everything is detectable, so a change
    below its gate is reported as ``detectable_but_negligible``.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> before = {"age": rng.normal(40, 9, 5000), "plan": rng.choice(["free", "pro"], 5000)}
    >>> after = {"age": rng.normal(43, 9, 5000), "plan": rng.choice(["free", "pro"], 5000)}
    >>> report = compare(before, after)
    >>> report.drifted_columns, report.column("plan").outcome
    (('age',), 'no_evidence')

    References
    ----------
    Rabanser, Guennemann, Lipton (2019), Failing loudly: an empirical study of methods for
    detecting dataset shift, NeurIPS 32.
    """
    before, rows_before = as_columns(reference)
    after, rows_after = as_columns(current)
    names = list(before) if columns is None else [str(name) for name in columns]
    unknown = [name for name in names if name not in before]
    if unknown:
        raise EngineError(f"columns not in the reference: {unknown[:5]}")
    has_joint = joint and len(names) > 1
    level = policy.false_discovery_rate * (1.0 - policy.joint_share * has_joint)
    per_column = level / max(1, len(names))
    drafts = [
        compare_column(
            name, before[name], after.get(name), rows_after, kinds, policy, per_column, seed
        )
        for name in names
    ]
    joint_level = policy.false_discovery_rate * policy.joint_share
    moved = (
        joint_tests(before, after, _joint_kinds(drafts, before, after), policy, joint_level, seed)
        if has_joint
        else ()
    )
    segments = _slices(before, after, names, slice_by, kinds, policy) if slice_by else ()
    return summarise(
        decide(drafts, policy, level),
        moved,
        segments,
        rows=(rows_before, rows_after),
        new=tuple(name for name in after if name not in before) if columns is None else (),
        missing=tuple(name for name in names if name not in after),
        policy=policy,
        weights=weights,
        method="exact",
    )


def _joint_kinds(
    drafts: Sequence[ColumnDrift], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Kind]:
    """Return the kinds of the columns that could be compared; few-valued numbers stay numbers."""
    kinds: dict[str, Kind] = {}
    for draft in drafts:
        if draft.p_value is None or draft.reason or draft.name not in after:
            continue
        is_number = all(is_numeric_dtype(side[draft.name]) for side in (before, after))
        kinds[draft.name] = "numeric" if is_number and draft.kind != "embedding" else draft.kind
    return kinds


def _slices(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    names: Sequence[str],
    slice_by: Sequence[str],
    kinds: Mapping[str, Kind] | None,
    policy: Policy,
) -> tuple[SliceDrift, ...]:
    def compare_parts(one: Mapping[str, Any], other: Mapping[str, Any]) -> DriftReport:
        within = [name for name in names if name in one]
        return compare(one, other, columns=within, kinds=kinds, joint=False, policy=policy)

    return compare_slices(before, after, slice_by, compare_parts, policy)


def summarise(
    columns: tuple[ColumnDrift, ...],
    joint: tuple[JointDrift, ...],
    slices: tuple[SliceDrift, ...],
    *,
    rows: tuple[int, int],
    new: tuple[str, ...],
    missing: tuple[str, ...],
    policy: Policy,
    weights: Mapping[str, float] | None,
    method: str,
) -> DriftReport:
    """Return the report over decided columns, joint tests and slices."""
    outcomes = [c.outcome for c in columns] + [j.outcome for j in joint]
    drifted = tuple(c.name for c in columns if c.outcome == "drift")
    return DriftReport(
        status=worst(outcomes),
        score=score(columns, joint, policy, weights),
        summary=_sentence(columns, joint, rows),
        columns=columns,
        joint=joint,
        slices=slices,
        drifted_columns=drifted,
        new_columns=new,
        missing_columns=missing,
        n_reference=rows[0],
        n_current=rows[1],
        false_discovery_rate=policy.false_discovery_rate,
        method=method,
    )


def _sentence(
    columns: tuple[ColumnDrift, ...], joint: tuple[JointDrift, ...], rows: tuple[int, int]
) -> str:
    drifted = [c.name for c in columns if c.outcome == "drift"]
    tested = sum(c.outcome != "insufficient_data" for c in columns)
    moved = tuple(JOINT_WORDS.get(j.name, j.name) for j in joint if j.outcome == "drift")
    if drifted:
        names: str | tuple[str, ...] = tuple(drifted[:3])
        if len(drifted) > 3:
            names = say("findings.and_others", "{names} and others", names=tuple(drifted[:3]))
        also = (
            say("findings.also_found_by", "; also found by: {tests}", tests=moved) if moved else ""
        )
        return say(
            "findings.columns_drifted",
            "{n, number} of {tested, plural, one {# column} other {# columns}} drifted "
            "({names}){also}; {now, plural, one {# row} other {# rows}} against {before, number}.",
            n=len(drifted),
            tested=tested,
            names=names,
            also=also,
            now=rows[1],
            before=rows[0],
        )
    if moved:
        return say(
            "findings.joint_drifted",
            "No single column drifted, but {tests} did; "
            "{now, plural, one {# row} other {# rows}} against {before, number}.",
            tests=moved,
            now=rows[1],
            before=rows[0],
        )
    if not tested:
        return say(
            "findings.nothing_compared",
            "Nothing could be compared: {now, plural, one {# row} other {# rows}} against "
            "{before, number}.",
            now=rows[1],
            before=rows[0],
        )
    return say(
        "findings.no_drift",
        "No drift found in {tested, plural, one {# column} other {# columns}}; "
        "{now, plural, one {# row} other {# rows}} against {before, number}.",
        tested=tested,
        now=rows[1],
        before=rows[0],
    )
