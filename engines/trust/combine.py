"""The weighted geometric mean of uncertain scores, its interval, and what each score did to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from engines.errors import EngineError
from engines.result import Interval

FLOOR = 0.01
"""Scores below this count as this: the logarithm of zero would hide every other part."""

_GRID = 2.0**40


@dataclass(frozen=True, slots=True)
class Combined:
    """Geometric mean of several scores.

    Attributes
    ----------
    point : float
        Weighted geometric mean, 0 to 1.
    interval : Interval
        Two-sided interval.
    lost : tuple of float
        Per score, its share of ``1 - point``; they add up without rounding error.
    uncertain : tuple of float
        Per score, its share of ``point - interval.low``; likewise.
    """

    point: float
    interval: Interval
    lost: tuple[float, ...]
    uncertain: tuple[float, ...]


def combine(
    scores: Sequence[float],
    intervals: Sequence[Interval],
    weights: Sequence[float],
    *,
    level: float = 0.9,
    correlation: float = 0.0,
) -> Combined:
    """Return the weighted geometric mean of `scores` with an interval and exact contributions.

    Parameters
    ----------
    scores : sequence of float
        0 to 1, higher is better.
    intervals : sequence of Interval
        Around each score; another level than `level` is rescaled in log space as for a normal.
    weights : sequence of float
        Above zero, any sum.
    level : float
        Confidence level of the result, in (0, 1).
    correlation : float
        Common correlation between the errors of the scores, 0 to 1.

    Returns
    -------
    Combined
        Higher is better.

    Raises
    ------
    EngineError
        When lengths differ, a score leaves 0..1, or an interval does not contain its score.

    Notes
    -----
    ``T = prod(s_i ** w_i)`` with ``sum(w_i) = 1``. In log space this is a sum, so
    ``w_i * ln(s_i)`` is each part's exact Shapley value; it is mapped to points as its share of
    ``ln(T)`` times ``1 - T``. The interval is MOVER: with ``d_i = w_i * (ln s_i - ln l_i)`` the
    lower end is ``ln T - sqrt(d' R d)``, R having ones and `correlation`; the upper end likewise.
    By Cauchy-Schwarz ``(R d)_i <= sqrt(d' R d)``, so both ends never fall when a score or an end
    of its interval rises. It breaks when errors are more correlated than stated.

    Points are rounded to multiples of 2**-40, which makes every sum of them exact.

    Examples
    --------
    >>> exact = [Interval(s, s, 0.9) for s in (1.0, 0.25)]
    >>> combine([1.0, 0.25], exact, [1, 1]).point
    0.5

    References
    ----------
    Zou and Donner (2008), Construction of confidence limits about effect measures: a general
    approach, Statistics in Medicine 27, 1693-1702, doi:10.1002/sim.3095.
    Shapley (1953), A value for n-person games.
    """
    _check(scores, intervals, weights, level, correlation)
    total = math.fsum(weights)
    shares = [weight / total for weight in weights]
    logs = [_log(score) for score in scores]
    terms = [share * log for share, log in zip(shares, logs, strict=True)]
    log_point = math.fsum(terms)
    z_wanted = _z(level)
    down, up = [], []
    for share, log, interval in zip(shares, logs, intervals, strict=True):
        scale = share * z_wanted / _z(interval.level)
        down.append(scale * max(0.0, log - _log(interval.low)))
        up.append(scale * max(0.0, min(0.0, _log(interval.high)) - log))
    below, pulls = _spread(down, correlation)
    above, _ = _spread(up, correlation)
    lost = _split(1.0 - math.exp(log_point), terms)
    point = 1.0 - math.fsum(lost)
    uncertain = _split(point - math.exp(log_point - below), pulls)
    low = point - math.fsum(uncertain)
    high = min(1.0, max(point, math.exp(log_point + above)))
    return Combined(point, Interval(low, high, level), lost, uncertain)


def split_points(points: float, shares: Sequence[float]) -> tuple[float, ...]:
    """Return `points` divided in proportion to `shares`, on a grid where sums are exact."""
    return _split(points, shares)


def _split(points: float, shares: Sequence[float]) -> tuple[float, ...]:
    total = math.fsum(shares)
    if total == 0 or points <= 0:
        return (0.0,) * len(shares)
    return tuple(round(points * share / total * _GRID) / _GRID for share in shares)


def _spread(distances: Sequence[float], correlation: float) -> tuple[float, list[float]]:
    """Return ``sqrt(d' R d)`` and each distance's share of the square."""
    total = math.fsum(distances)
    pulls = [d * ((1.0 - correlation) * d + correlation * total) for d in distances]
    return math.sqrt(math.fsum(pulls)), pulls


def _log(score: float) -> float:
    return math.log(max(score, FLOOR))


def _z(level: float) -> float:
    return NormalDist().inv_cdf(0.5 + level / 2.0)


def _check(
    scores: Sequence[float],
    intervals: Sequence[Interval],
    weights: Sequence[float],
    level: float,
    correlation: float,
) -> None:
    if not scores or not len(scores) == len(intervals) == len(weights):
        raise EngineError(
            f"combine needs as many scores, intervals and weights, "
            f"got {len(scores)}, {len(intervals)} and {len(weights)}"
        )
    if not (0 < level < 1 and 0 <= correlation <= 1):
        raise EngineError(f"level {level} or correlation {correlation} is out of range")
    if not all(0 < weight < math.inf for weight in weights):
        raise EngineError(f"weights must be above 0, got {list(weights)}")
    for score, interval in zip(scores, intervals, strict=True):
        if not 0 <= interval.low <= score <= interval.high <= 1:
            raise EngineError(
                f"need 0 <= low <= score <= high <= 1, got {interval.low}, {score}, {interval.high}"
            )
        if not 0 < interval.level < 1:
            raise EngineError(f"interval level must be in (0, 1), got {interval.level}")
