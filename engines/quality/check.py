"""Checks current data against a reference: missing, out of range, new categories, schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError, InsufficientData
from engines.quality.result import PROBLEMS, ColumnKind, ColumnQuality, Finding, QualityReport
from engines.reliability.proportion import wilson
from engines.sentence import say

MIN_ROWS = 30
Column = NDArray[Any]  # float64 with NaN, or objects with None


@dataclass(frozen=True, slots=True)
class Policy:
    """When a difference is a finding: `alpha` over all tests together, and the least share."""

    alpha: float = 0.01
    min_share: float = 0.01
    level: float = 0.95


def check(
    reference: Mapping[str, Column], current: Mapping[str, Column], *, policy: Policy | None = None
) -> QualityReport:
    """Return what is wrong with current data.

    Parameters
    ----------
    reference, current : mapping of str to array
        Columns; numeric as float64 with NaN for missing, others as objects with None for missing.
    policy : Policy
        Limits.

    Returns
    -------
    QualityReport

    Raises
    ------
    InsufficientData
        With fewer than `MIN_ROWS` rows on either side.
    EngineError
        Without any column.

    Notes
    -----
    Missing: Fisher's exact test, one-sided (more than before). Out of range: under H0 that all rows
    are exchangeable, the number of new rows outside the range of n old ones is beta-binomial with
    parameters 2 and n - 1 whatever the distribution; `expected` is 2 / (n + 1). New categories: the
    chance of an unseen one is estimated by the share of categories seen once (Good 1953) and tested
    as a binomial with the upper Wilson end of that share. Holm's adjustment holds over all tests.
    A column is constant when at least `MIN_ROWS` current rows hold one value and the reference had
    ten or more. What breaks it: a trend, which leaves the range by itself; rows that repeat.

    Examples
    --------
    >>> old, new = np.arange(100.0), np.r_[np.arange(90.0), [500.0] * 10]
    >>> [(f.column, f.problem, f.share) for f in check({"x": old}, {"x": new}).findings]
    [('x', 'out_of_range', 0.1)]

    References
    ----------
    Good (1953), The population frequencies of species, Biometrika 40. Fisher (1935), The design of
    experiments. Wilks (1941), Determination of sample sizes for setting tolerance limits, AMS 12.
    """
    chosen = policy or Policy()
    if not reference and not current:
        raise EngineError("there is no column to check")
    n_reference = max((len(v) for v in reference.values()), default=0)
    n_current = max((len(v) for v in current.values()), default=0)
    if n_reference < MIN_ROWS:
        reason = say(
            "reasons.check_needs_reference",
            "a check needs {needed, number} reference rows, got {got, number}",
            needed=MIN_ROWS,
            got=n_reference,
        )
        raise InsufficientData(reason, needed=MIN_ROWS, got=n_reference)
    if n_current < MIN_ROWS:
        reason = say(
            "reasons.check_needs_current",
            "a check needs {needed, number} current rows, got {got, number}",
            needed=MIN_ROWS,
            got=n_current,
        )
        raise InsufficientData(reason, needed=MIN_ROWS, got=n_current)
    columns: list[ColumnQuality] = []
    found: list[Finding] = []
    for name in sorted(set(reference) | set(current)):
        if name not in current or name not in reference:
            found.append(_schema(name, "appeared" if name in current else "vanished"))
            continue
        column, problems = _check_column(name, reference[name], current[name], chosen)
        columns.append(column)
        found += problems
    kept = [f for f in _adjusted(found) if _is_finding(f, chosen)]
    kept.sort(key=lambda f: (PROBLEMS.index(f.problem), -f.share, f.column))
    bad = [max(0.0, c.missing - c.missing_before) + (c.out_of_range or 0.0)
           + (c.new_categories or 0.0) for c in columns]  # fmt: skip
    clean = 1.0 - float(np.mean(np.minimum(bad, 1.0))) if bad else 0.0
    return QualityReport(tuple(columns), tuple(kept), clean, n_reference, n_current)


def _schema(name: str, problem: Any, detail: tuple[str, ...] = ()) -> Finding:
    return Finding(name, problem, 1.0, None, 0.0, None, detail)


def _check_column(
    name: str, old: Column, new: Column, policy: Policy
) -> tuple[ColumnQuality, list[Finding]]:
    old_gone, new_gone = _missing(old), _missing(new)
    old_kind, new_kind = _kind(old, old_gone), _kind(new, new_gone)
    found = [_more_missing(name, old_gone, new_gone, policy)]
    shares: dict[str, float | None] = {"out_of_range": None, "new_categories": None}
    known_old, known_new = old[~old_gone], new[~new_gone]
    if len(known_old) and len(known_new):
        if old_kind != new_kind:
            found.append(_schema(name, "type_change", (old_kind, new_kind)))
        else:
            test = _ranges if old_kind == "numeric" else _categories
            finding = test(name, known_old, known_new, policy)
            shares[finding.problem] = finding.share
            found.append(finding)
            found += _constant(name, known_old, known_new)
    column = ColumnQuality(
        name, old_kind, len(old), len(new), float(new_gone.mean()), float(old_gone.mean()),
        shares["out_of_range"], shares["new_categories"],
    )  # fmt: skip
    return column, found


def _missing(values: Column) -> NDArray[np.bool_]:
    if values.dtype.kind in "fiub":
        return np.isnan(values.astype(np.float64))
    return np.array([v is None or v != v for v in values], dtype=bool)


def _kind(values: Column, gone: NDArray[np.bool_]) -> ColumnKind:
    if values.dtype.kind in "fiu":
        return "numeric"
    known = values[~gone]
    numbers = sum(isinstance(v, int | float) and not isinstance(v, bool) for v in known[:500])
    return "numeric" if len(known) and numbers > 0.9 * len(known[:500]) else "category"


def _more_missing(
    name: str, old: NDArray[np.bool_], new: NDArray[np.bool_], policy: Policy
) -> Finding:
    from scipy.stats import hypergeom

    hits, before = int(new.sum()), int(old.sum())
    p = float(hypergeom.sf(hits - 1, len(new) + len(old), hits + before, len(new)))
    interval = wilson(hits, len(new), policy.level)
    return Finding(name, "missing", hits / len(new), interval, before / len(old), p)


def _ranges(name: str, old: Column, new: Column, policy: Policy) -> Finding:
    from scipy.stats import betabinom

    numbers = np.array([v if isinstance(v, int | float) else np.nan for v in new], dtype=np.float64)
    past = np.array([v if isinstance(v, int | float) else np.nan for v in old], dtype=np.float64)
    low, high = float(np.nanmin(past)), float(np.nanmax(past))
    outside = (numbers < low) | (numbers > high)
    hits, n = int(outside.sum()), len(new)
    p = float(betabinom.sf(hits - 1, n, 2, max(1, len(old) - 1)))
    worst = sorted(numbers[outside].tolist(), key=lambda v: -max(low - v, v - high))[:3]
    detail = (f"{low:g} … {high:g}", *(f"{v:g}" for v in worst))
    interval = wilson(hits, n, policy.level)
    return Finding(name, "out_of_range", hits / n, interval, 2 / (len(old) + 1), p, detail)


def _categories(name: str, old: Column, new: Column, policy: Policy) -> Finding:
    from scipy.stats import binom

    values, counts = np.unique(np.array([str(v) for v in old]), return_counts=True)
    once = int((counts == 1).sum())
    known = set(values.tolist())
    strange = [str(v) for v in new if str(v) not in known]
    hits, n = len(strange), len(new)
    unseen = wilson(once, len(old), policy.level).high
    p = float(binom.sf(hits - 1, n, unseen))
    detail = tuple(dict.fromkeys(s[:60] for s in strange))[:8]
    interval = wilson(hits, n, policy.level)
    return Finding(name, "new_categories", hits / n, interval, once / len(old), p, detail)


def _constant(name: str, old: Column, new: Column) -> list[Finding]:
    first = new[0]
    if len(new) < MIN_ROWS or any(v != first for v in new) or len({str(v) for v in old}) < 10:
        return []
    return [_schema(name, "constant", (str(first)[:60],))]


def _adjusted(found: list[Finding]) -> list[Finding]:
    """Return the findings with Holm's p values; those without a test as they are."""
    tested = sorted((f for f in found if f.p_value is not None), key=lambda f: f.p_value or 0.0)
    largest, made = 0.0, [f for f in found if f.p_value is None]
    for i, finding in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - i) * (finding.p_value or 0.0)))
        made.append(replace(finding, p_value=largest))
    return made


def _is_finding(finding: Finding, policy: Policy) -> bool:
    if finding.p_value is None:
        return True
    more = finding.share - finding.expected
    return finding.p_value <= policy.alpha and more >= policy.min_share
