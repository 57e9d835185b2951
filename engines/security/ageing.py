"""Vulnerabilities over time: how old the open ones are, and how long closing one takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError
from engines.result import Insufficient
from engines.security.cvss import GRADES, Grade
from engines.sentence import say

AGE_BORDERS_DAYS: tuple[float, ...] = (7.0, 30.0, 90.0)
DEADLINES_DAYS: Mapping[Grade, float] = {"critical": 15.0, "high": 30.0}
"""Calendar days that CISA's Binding Operational Directive 19-02 (2019) gives to remediate."""
MIN_FIXED = 5
"""Fewer fixes than this give no median: judgement."""

Days = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TimeToFix:
    """Median days from first seen to fixed, its interval, and what it was estimated from.

    `n_open` are the cases still open; they count as "longer than their age so far". An end of the
    interval is None where the data do not reach it.
    """

    median_days: float
    low_days: float
    high_days: float | None
    level: float
    n_fixed: int
    n_open: int


def count_by_age(
    grades: Sequence[Grade], ages_days: Days, *, borders: Sequence[float] = AGE_BORDERS_DAYS
) -> NDArray[np.int64]:
    """Return how many of each grade are in each band of age.

    Parameters
    ----------
    grades : sequence of str
        One of `GRADES` per case.
    ages_days : ndarray of shape (cases,)
        Age in days, 0 or more.
    borders : sequence of float
        Ascending; a case on a border belongs to the older band.

    Returns
    -------
    ndarray of shape (len(GRADES), len(borders) + 1)

    Raises
    ------
    EngineError
        When shapes do not fit or borders do not ascend.

    Examples
    --------
    >>> count_by_age(["high", "high", "low"], np.array([1.0, 7.0, 400.0]))[1].tolist()
    [1, 1, 0, 0]
    """
    if len(grades) != len(ages_days):
        raise EngineError(f"{len(grades)} grades for {len(ages_days)} ages")
    if any(low >= high for low, high in pairwise(borders)):
        raise EngineError(f"borders must ascend, got {list(borders)}")
    counts = np.zeros((len(GRADES), len(borders) + 1), dtype=np.int64)
    rows = np.array([GRADES.index(grade) for grade in grades], dtype=np.int64)
    bands = np.searchsorted(borders, ages_days, side="right").astype(np.int64)
    np.add.at(counts, (rows, bands), 1)
    return counts


def is_overdue(
    grade: Grade, age_days: float, deadlines: Mapping[Grade, float] = DEADLINES_DAYS
) -> bool:
    """Return whether a case of a grade is older than its deadline; some grades have none.

    Examples
    --------
    >>> is_overdue("critical", 15.1), is_overdue("low", 500.0)
    (True, False)

    References
    ----------
    CISA (2019), Binding Operational Directive 19-02.
    """
    return grade in deadlines and age_days > deadlines[grade]


def count_open(opened_ms: Sequence[int], closed_ms: Sequence[int], at_ms: Sequence[int]) -> Days:
    """Return how many cases were open at each moment.

    Parameters
    ----------
    opened_ms : sequence of int
        When each case was first seen.
    closed_ms : sequence of int
        When each closed case was closed; any order, at most as many as were opened.
    at_ms : sequence of int
        Ascending moments. A case is open from its first moment, and closed at its last.

    Returns
    -------
    ndarray of shape (moments,)

    Examples
    --------
    >>> count_open([0, 10], [20], [0, 15, 20]).tolist()
    [1.0, 2.0, 1.0]
    """
    begun = np.searchsorted(np.sort(np.asarray(opened_ms, dtype=np.int64)), at_ms, side="right")
    ended = np.searchsorted(np.sort(np.asarray(closed_ms, dtype=np.int64)), at_ms, side="right")
    return (begun - ended).astype(np.float64)


def estimate_time_to_fix(
    days: Days, is_fixed: NDArray[np.bool_], *, known_from: Days | None = None, level: float = 0.95
) -> TimeToFix | Insufficient:
    """Return the median time to fix with its interval; open cases count as not yet fixed.

    Parameters
    ----------
    days : ndarray of shape (cases,)
        Days from first seen to fixed, or to now for open ones; 0 or more.
    is_fixed : ndarray of bool, shape (cases,)
        False for cases that are still open (right-censored).
    known_from : ndarray of shape (cases,), optional
        Age in days from which on a case would be known however it ended (left truncation), below
        its time; 0 for all when not given. Where fixed cases are forgotten after a while, an old
        open one is only there because nobody fixed it before.
    level : float
        Confidence level of the interval.

    Returns
    -------
    TimeToFix or Insufficient
        Lower is better.

    Raises
    ------
    EngineError
        When shapes differ or a time is negative.

    Notes
    -----
    The Kaplan-Meier estimate: a median of the fixed ones alone would look better the longer the
    hard ones stay open. The median is the first time at which no more than half are still open;
    the interval holds the times whose log(-log) interval of Greenwood's variance contains 0.5
    (Brookmeyer and Crowley). What breaks it: cases that were closed for another reason, and cases
    that existed long before the first scan, whose time starts when they were first seen. A case is
    at risk at the times after `known_from` up to its own.

    Examples
    --------
    >>> found = estimate_time_to_fix(np.array([1.0, 2, 3, 4, 5, 6]), np.ones(6, bool))
    >>> found.median_days
    3.0

    References
    ----------
    Kaplan and Meier (1958), JASA 53; Brookmeyer and Crowley (1982), Biometrics 38.
    """
    if days.shape != is_fixed.shape:
        raise EngineError(f"{days.shape} times for {is_fixed.shape} marks")
    begun = np.zeros(days.shape) if known_from is None else known_from
    if np.any(days < 0) or np.any((begun >= days) & (begun > 0)):
        raise EngineError("a time is 0 or more days, and above the age it is known from")
    n_fixed = int(is_fixed.sum())
    if n_fixed < MIN_FIXED:
        return Insufficient(
            say(
                "reasons.few_fixed",
                "a time to fix needs {needed, number} fixed vulnerabilities, got {got, number}",
                needed=MIN_FIXED, got=n_fixed,
            ),
            MIN_FIXED, n_fixed,
        )  # fmt: skip
    times, alive, low, high = _survival(days, is_fixed, begun, level)
    median = _first(times, alive <= 0.5)
    if median is None:
        return Insufficient(
            say(
                "reasons.most_open",
                "fewer than half of the vulnerabilities are fixed so far, so no median is known",
            )
        )
    start = _first(times, low <= 0.5)
    return TimeToFix(
        median, median if start is None else start, _first(times, high <= 0.5), level,
        n_fixed, len(days) - n_fixed,
    )  # fmt: skip


def _survival(
    days: Days, is_fixed: NDArray[np.bool_], begun: Days, level: float
) -> tuple[Days, Days, Days, Days]:
    from scipy.stats import norm

    times, events = np.unique(days[is_fixed], return_counts=True)
    late = np.sort(begun[begun > 0])
    at_risk = len(days) - np.searchsorted(np.sort(days), times, side="left")
    at_risk -= len(late) - np.searchsorted(late, times, side="left")
    alive = np.cumprod(1 - events / at_risk).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(events / (at_risk * (at_risk - events)))) / np.log(alive)
        z = float(norm.ppf(0.5 + level / 2))
        low: Days = alive ** np.exp(-z * spread)
        high: Days = alive ** np.exp(z * spread)
    # Nobody is left: the estimate is 0 and its variance is not defined.
    gone = alive <= 0
    low[gone], high[gone] = 0.0, np.nan
    return times, alive, low, high


def _first(times: Days, reached: NDArray[np.bool_]) -> float | None:
    at = np.flatnonzero(reached)
    return float(times[at[0]]) if len(at) else None
