"""The maps from a measured quantity to a part score: all of them, and only here.

Every map has the same shape and two anchors in the unit of the quantity. The score falls
linearly from 1 at zero to 0.8 at `healthy`, linearly to 0.6 at `warning`, and beyond that as
``0.6 * warning / x``: twice the warning value halves the score. So a part is in the band that
its own quantity says, and no quantity, however large, reaches 0.

====================  =========  =========  ====================================================
measure               healthy    warning    reason
====================  =========  =========  ====================================================
drift_effect          0.080      0.197      KS distance of normals 0.2 and 0.5 sd apart, Cohen's
                                            small and medium effect: ``2 * Phi(d / 2) - 1``
ece                   0.05       0.10       stated probability wrong by 5 and 10 points
hallucination_risk    0.10       0.30       share of statements without support; policy choice
error_rate            0.01       0.05       99 % and 95 % of calls succeed; policy choice
latency_ratio         1.0        2.0        95th percentile over its objective
coverage_shortfall    0.05       0.10       intervals miss 5 and 10 points more than stated
ood_excess            0.05       0.15       rows outside the reference beyond the nominal share
relative_loss         0.05       0.10       projected loss of a quality metric over the horizon
disagreement          0.05       0.15       share of identical inputs answered differently
====================  =========  =========  ====================================================

Anchors marked as a policy choice have no better source than judgement: a policy may replace any.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType

from engines.errors import EngineError
from engines.result import Interval
from engines.trust.result import Part

HEALTHY = 0.8
WARNING = 0.6


@dataclass(frozen=True, slots=True)
class Anchors:
    """The values of a quantity at which its part scores 0.8 and 0.6.

    Attributes
    ----------
    healthy, warning : float
        In the unit of the quantity, ``0 < healthy < warning``.
    """

    healthy: float
    warning: float

    def __post_init__(self) -> None:
        if not 0 < self.healthy < self.warning < math.inf:
            raise EngineError(
                f"anchors need 0 < healthy < warning, got {self.healthy} and {self.warning}"
            )


MEASURES = MappingProxyType(
    {
        "drift_effect": Anchors(0.080, 0.197),
        "ece": Anchors(0.05, 0.10),
        "hallucination_risk": Anchors(0.10, 0.30),
        "error_rate": Anchors(0.01, 0.05),
        "latency_ratio": Anchors(1.0, 2.0),
        "coverage_shortfall": Anchors(0.05, 0.10),
        "ood_excess": Anchors(0.05, 0.15),
        "relative_loss": Anchors(0.05, 0.10),
        "disagreement": Anchors(0.05, 0.15),
    }
)


def grade(value: float, anchors: Anchors) -> float:
    """Return the score in (0, 1] of a quantity of which less is better.

    Parameters
    ----------
    value : float
        The quantity; zero and below score 1.
    anchors : Anchors
        Where the score is 0.8 and 0.6.

    Returns
    -------
    float
        Continuous and never increasing in `value`.

    Raises
    ------
    EngineError
        When `value` is not a number.

    Examples
    --------
    >>> [round(grade(x, Anchors(0.05, 0.1)), 3) for x in (0.0, 0.05, 0.1, 0.2)]
    [1.0, 0.8, 0.6, 0.3]
    """
    if math.isnan(value):
        raise EngineError("a quantity to grade must be a number, got NaN")
    if value <= 0:
        return 1.0
    if value <= anchors.healthy:
        return 1.0 - (1.0 - HEALTHY) * value / anchors.healthy
    if value <= anchors.warning:
        share = (value - anchors.healthy) / (anchors.warning - anchors.healthy)
        return HEALTHY - (HEALTHY - WARNING) * share
    return WARNING * anchors.warning / value


def part(
    measure: str,
    value: float,
    interval: Interval | None = None,
    n: int | None = None,
    *,
    anchors: Anchors | None = None,
) -> Part:
    """Return the part score of a measured quantity, its interval mapped along.

    Parameters
    ----------
    measure : str
        A key of `MEASURES`, or any name when `anchors` are given.
    value : float
        The quantity in its unit, less is better.
    interval : Interval, optional
        Interval of the quantity; the map is monotone, so its ends keep their level.
    n : int, optional
        Observations behind it.
    anchors : Anchors, optional
        Replaces the table's.

    Returns
    -------
    Part
        Score 0 to 1, higher is better.

    Raises
    ------
    EngineError
        When the measure is unknown and no anchors are given.

    Examples
    --------
    >>> part("ece", 0.05, Interval(0.02, 0.1, 0.9), 800).interval
    Interval(low=0.6, high=0.92, level=0.9)

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, chapter 2.
    """
    if anchors is None:
        if measure not in MEASURES:
            raise EngineError(f"no map for {measure!r}; known: {', '.join(sorted(MEASURES))}")
        anchors = MEASURES[measure]
    mapped = None
    if interval is not None:
        low, high = grade(interval.high, anchors), grade(interval.low, anchors)
        mapped = Interval(round(low, 12), round(high, 12), interval.level)
    return Part(round(grade(value, anchors), 12), mapped, n, measure, value)
