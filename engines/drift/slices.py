"""Which segment moved: every value of a column compared as a table of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from engines.drift.columns import take_rows
from engines.drift.combine import adjust_p
from engines.drift.decision import RANK
from engines.drift.policy import Policy
from engines.drift.result import ColumnDrift, DriftReport, SliceDrift
from engines.errors import EngineError
from engines.sentence import say

LARGEST = 10  # values per column compared, by rows on both sides
LEAST_ROWS = 50  # rows per side below which a segment is not compared


def compare_slices(
    before: Mapping[str, Any],  # Any: Series or array
    after: Mapping[str, Any],
    slice_by: Sequence[str],
    compare: Callable[[Mapping[str, Any], Mapping[str, Any]], DriftReport],
    policy: Policy,
) -> tuple[SliceDrift, ...]:
    """Return one comparison per segment, worst first.

    Parameters
    ----------
    slice_by : sequence of str
        Columns whose most frequent values are the segments.
    compare : callable
        Compares two tables column by column, without the joint tests.

    Notes
    -----
    H0 per segment: no column changed inside it. The smallest q value of its columns is its p value
    (valid: BH controls the chance of any rejection under H0), and BH over all segments follows.
    """
    unknown = [name for name in slice_by if name not in before or name not in after]
    if unknown:
        raise EngineError(f"slice columns not in both tables: {unknown[:5]}")
    found = [
        _compare_slice(before, after, name, value, compare, policy)
        for name in slice_by
        for value in _values(before[name], after[name])
    ]
    tested = [s for s in found if s.p_value is not None]
    q_values = adjust_p([s.p_value for s in tested if s.p_value is not None]).tolist()
    decided = [s for s in found if s.p_value is None]
    for one, q in zip(tested, q_values, strict=True):
        if q > policy.false_discovery_rate:
            reason = say("findings.segment_unchanged", "No evidence of change inside this segment.")
            one = replace(one, outcome="no_evidence", drifted=(), score=0.0, reason=reason)
        decided.append(replace(one, q_value=q))
    return tuple(sorted(decided, key=lambda s: (RANK[s.outcome], -s.score, s.column, s.value)))


def _values(before: Any, after: Any) -> list[Any]:
    import pandas as pd

    both = pd.concat([pd.Series(side).astype(object) for side in (before, after)])
    return list(both.value_counts().index[:LARGEST])


def _compare_slice(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    name: str,
    value: Any,
    compare: Callable[[Mapping[str, Any], Mapping[str, Any]], DriftReport],
    policy: Policy,
) -> SliceDrift:
    masks = [np.asarray(table[name] == value, dtype=np.bool_) for table in (before, after)]
    n, m = (int(mask.sum()) for mask in masks)
    shares = [float(mask.mean()) if len(mask) else 0.0 for mask in masks]
    if min(n, m) < LEAST_ROWS:
        reason = say(
            "reasons.rows_each_side",
            "needs {needed, number} rows on each side, got {before, number} and {now, number}",
            needed=LEAST_ROWS,
            before=n,
            now=m,
        )
        return SliceDrift(
            name, str(value), "insufficient_data", reason, n, m, shares[0], shares[1], 0.0
        )
    parts = [
        {other: take_rows(table[other], mask) for other in table if other != name}
        for table, mask in zip((before, after), masks, strict=True)
    ]
    report = compare(parts[0], parts[1])
    return SliceDrift(
        column=name,
        value=str(value),
        outcome=report.status,
        reason=report.summary,
        n_reference=n,
        n_current=m,
        share_reference=shares[0],
        share_current=shares[1],
        score=report.score or 0.0,
        p_value=_smallest(report.columns),
        drifted=report.drifted_columns,
    )


def _smallest(columns: Sequence[ColumnDrift]) -> float | None:
    return min((c.q_value for c in columns if c.q_value is not None), default=None)
