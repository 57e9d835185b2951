"""Stated uncertainty: do intervals and conformal sets contain the truth as often as promised."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engines.errors import EngineError, InsufficientData
from engines.reliability.calibration_error import Floats
from engines.reliability.proportion import wilson
from engines.reliability.result import Coverage, Uncertainty
from engines.result import Interval
from engines.sentence import say
from engines.trust.maps import part

MIN_ROWS = 30
"""Under 30 rows a promise of 90 % leaves fewer than three expected misses."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Prediction intervals and what happened.

    Attributes
    ----------
    lower, upper : array_like of float, shape (n,)
        Ends of each interval.
    outcomes : array_like of float, shape (n,)
        The truth; rows with a NaN are left out.
    nominal : float
        Promised coverage, in (0, 1).
    n_calibration : int, optional
        Rows that a split conformal method was calibrated on; makes the test exact.
    segments : array_like of str, shape (n,), optional
        Segment of each row.
    """

    lower: ArrayLike
    upper: ArrayLike
    outcomes: ArrayLike
    nominal: float = 0.9
    n_calibration: int | None = None
    segments: ArrayLike | None = None


def coverage_p(hits: int, n: int, nominal: float, n_calibration: int | None = None) -> float:
    """Return the two-sided p value of `hits` of `n` when `nominal` is kept.

    Parameters
    ----------
    hits, n : int
        Intervals that contained the truth, and all.
    nominal : float
        Promised coverage in (0, 1).
    n_calibration : int, optional
        Rows of a split conformal calibration.

    Returns
    -------
    float
        Twice the smaller tail, at most 1.

    Raises
    ------
    InsufficientData
        When the calibration is too small for the promise.

    Notes
    -----
    H0: calibration and new rows are exchangeable. Then hits follow BetaBinomial(n, k, n_c + 1 -
    k) with ``k = ceil((n_c + 1) nominal)``; without a calibration size, Binomial(n, nominal).

    Examples
    --------
    >>> round(coverage_p(80, 100, 0.9), 4), round(coverage_p(80, 100, 0.9, 50), 2)
    (0.004, 0.09)

    References
    ----------
    Vovk (2012), Conditional validity of inductive conformal predictors, ACML.
    """
    from scipy.stats import betabinom, binom

    if n_calibration is None:
        law = binom(n, nominal)
    else:
        k = _rank(n_calibration, nominal)
        law = betabinom(n, k, n_calibration + 1 - k)
    return min(1.0, 2.0 * min(float(law.cdf(hits)), float(law.sf(hits - 1))))


def interval_uncertainty(given: Intervals, *, level: float = 0.9) -> Uncertainty:
    """Return whether prediction intervals keep their promise, their width and their score.

    Parameters
    ----------
    given : Intervals
        Ends, outcomes and promise.
    level : float
        Confidence level of the interval of the coverage, in (0, 1).

    Returns
    -------
    Uncertainty

    Raises
    ------
    InsufficientData
        With fewer than 30 complete rows.
    EngineError
        When an interval ends before it starts.

    Notes
    -----
    Interval score ``(u - l) + 2 / a * (l - y if y < l) + 2 / a * (y - u if y > u)``, ``a`` being
    ``1 - nominal``: it rewards narrow intervals and fines misses, lower is better.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=1000)
    >>> found = interval_uncertainty(Intervals(np.full(1000, -1.645), np.full(1000, 1.645), y))
    >>> found.coverage.share, found.score
    (0.914, 1.0)

    References
    ----------
    Gneiting and Raftery (2007), Strictly proper scoring rules, prediction, and estimation, JASA
    102, doi:10.1198/016214506000001437.
    """
    if not 0 < given.nominal < 1:
        raise EngineError(f"nominal coverage must be in (0, 1), got {given.nominal}")
    columns = [np.asarray(c, dtype=float) for c in (given.lower, given.upper, given.outcomes)]
    if columns[0].ndim != 1 or any(c.shape != columns[0].shape for c in columns):
        raise EngineError("lower, upper and outcomes must be equal columns")
    kept = np.logical_and.reduce([np.isfinite(c) for c in columns])
    lower, upper, outcomes = (c[kept] for c in columns)
    if np.any(lower > upper):
        raise EngineError("an interval ends before it starts")
    inside = (lower <= outcomes) & (outcomes <= upper)
    segments = None if given.segments is None else np.asarray(given.segments)[kept]
    penalty = np.maximum(lower - outcomes, 0) + np.maximum(outcomes - upper, 0)
    width = upper - lower
    return _summary(
        inside,
        segments,
        given.nominal,
        given.n_calibration,
        level,
        mean_width=float(width.mean()) if width.size else 0.0,
        interval_score=float((width + 2 / (1 - given.nominal) * penalty).mean())
        if width.size
        else 0.0,
        kind="interval",
    )


def set_uncertainty(
    probabilities: Floats,
    labels: NDArray[np.int64],
    *,
    calibration: tuple[Floats, NDArray[np.int64]] | None = None,
    nominal: float = 0.9,
    segments: NDArray[np.generic] | None = None,
    level: float = 0.9,
) -> Uncertainty:
    """Return whether conformal sets made from class probabilities contain the true class.

    Parameters
    ----------
    probabilities : array of float, shape (n, k)
        Per class, in order of time.
    labels : array of int, shape (n,)
        Position of the true class.
    calibration : (array, array), optional
        Former probabilities and labels; without them the first half of the rows.
    nominal : float
        Promised coverage in (0, 1).
    segments : array of str, shape (n,), optional
        Segment of each row.
    level : float
        Confidence level of the interval of the coverage, in (0, 1).

    Returns
    -------
    Uncertainty

    Raises
    ------
    InsufficientData
        With fewer than 30 rows to calibrate on or to test.

    Notes
    -----
    Split conformal with nonconformity ``1 - p(true class)``: the set holds each class within the
    k-th smallest calibration value, ``k = ceil((n_c + 1) nominal)``. Coverage below the promise
    says that the later rows are not like the earlier ones; the set size says how sure the model
    can afford to be. Equal probabilities make sets cover more than promised.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.dirichlet([1, 1, 1], 1000)
    >>> y = np.array([rng.choice(3, p=row) for row in p])
    >>> found = set_uncertainty(p, y)
    >>> found.coverage.n, found.coverage.p_value > 0.05
    (500, True)

    References
    ----------
    Sadinle, Lei and Wasserman (2019), Least ambiguous set-valued classifiers with bounded error
    levels, JASA 114.
    """
    if calibration is None:
        half = labels.size // 2
        calibration = (probabilities[:half], labels[:half])
        probabilities, labels = probabilities[half:], labels[half:]
        segments = None if segments is None else segments[half:]
    former, truths = calibration
    n_calibration = truths.size
    if n_calibration < MIN_ROWS:
        raise InsufficientData(
            say(
                "reasons.sets_need_rows",
                "conformal sets need {needed, number} rows to calibrate on, got {got, number}",
                needed=MIN_ROWS,
                got=int(n_calibration),
            ),
            needed=MIN_ROWS,
            got=int(n_calibration),
        )
    strange = np.sort(1.0 - former[np.arange(n_calibration), truths])
    limit = float(strange[_rank(n_calibration, nominal) - 1])
    members = (1.0 - probabilities) <= limit
    inside = members[np.arange(labels.size), labels]
    return _summary(
        inside,
        segments,
        nominal,
        n_calibration,
        level,
        mean_width=float(members.sum(axis=1).mean()) if labels.size else 0.0,
        interval_score=None,
        kind="conformal_set",
    )


def _rank(n_calibration: int, nominal: float) -> int:
    k = math.ceil((n_calibration + 1) * nominal - 1e-9)
    if k > n_calibration:
        raise InsufficientData(
            say(
                "reasons.promise_needs_rows",
                "a promise of {level, percent} needs {needed, number} calibration rows, got "
                "{got, number}",
                level=nominal,
                needed=math.ceil(nominal / (1 - nominal)),
                got=n_calibration,
            )
        )
    return k


def _summary(
    inside: NDArray[np.bool_],
    segments: NDArray[np.generic] | None,
    nominal: float,
    n_calibration: int | None,
    level: float,
    *,
    mean_width: float,
    interval_score: float | None,
    kind: str,
) -> Uncertainty:
    if inside.size < MIN_ROWS:
        raise InsufficientData(
            say(
                "reasons.coverage_needs_rows",
                "coverage needs {needed, number} rows with an outcome, got {got, number}",
                needed=MIN_ROWS,
                got=inside.size,
            ),
            needed=MIN_ROWS,
            got=int(inside.size),
        )

    def covered(name: str, rows: NDArray[np.bool_]) -> Coverage:
        hits, n = int(rows.sum()), int(rows.size)
        p_value = coverage_p(hits, n, nominal, n_calibration)
        return Coverage(name, hits / n, wilson(hits, n, level), nominal, p_value, hits, n)

    whole = covered("all", inside)
    names = [] if segments is None else np.unique(segments).tolist()
    pieces = [(str(name), inside[segments == name]) for name in names]
    short = Interval(nominal - whole.interval.high, nominal - whole.interval.low, level)
    graded = part("coverage_shortfall", nominal - whole.share, short, whole.n)
    return Uncertainty(
        coverage=whole,
        segments=tuple(covered(name, rows) for name, rows in pieces if rows.size >= MIN_ROWS),
        mean_width=mean_width,
        interval_score=interval_score,
        score=graded.score,
        interval=graded.interval or whole.interval,
        n=whole.n,
        kind=kind,
        method="binomial" if n_calibration is None else "beta-binomial",
    )
