"""What a check of data finds, column by column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engines.result import Insufficient, Interval

ColumnKind = Literal["numeric", "category"]
Problem = Literal[
    "missing", "out_of_range", "new_categories", "type_change", "vanished", "appeared", "constant"
]
PROBLEMS: tuple[Problem, ...] = (
    "vanished", "type_change", "missing", "out_of_range", "new_categories", "constant", "appeared",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of one column.

    Attributes
    ----------
    column, problem : str
        What is wrong where.
    share : float
        Share of current rows concerned, 0 to 1.
    interval : Interval or None
        Its Wilson interval; None for problems of the schema.
    expected : float
        The share that the reference leads to expect.
    p_value : float or None
        Adjusted over all columns (Holm); None for problems of the schema, which need no test.
    detail : tuple of str
        The values or types that are meant, at most eight.
    """

    column: str
    problem: Problem
    share: float
    interval: Interval | None
    expected: float
    p_value: float | None
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnQuality:
    """Shares of one column now and before; NaN-free: None where there is nothing to compare."""

    name: str
    kind: ColumnKind
    n_reference: int
    n_current: int
    missing: float
    missing_before: float
    out_of_range: float | None
    new_categories: float | None


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Columns in order of name, and what is wrong, worst first.

    `clean_share` is the share of cells that are neither missing beyond their reference share, nor
    out of range, nor of a new category: 1 is best.
    """

    columns: tuple[ColumnQuality, ...]
    findings: tuple[Finding, ...]
    clean_share: float
    n_reference: int
    n_current: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long ago the last row came, against the gaps seen before.

    `p_value` is at most 1 / (gaps + 1) when the silence is longer than every gap.
    """

    state: Literal["fresh", "late", "stale"]
    age_s: float
    usual_gap_s: float
    longest_gap_s: float
    p_value: float
    n_gaps: int


FreshnessAnswer = Freshness | Insufficient
