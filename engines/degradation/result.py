"""What tracking a quality metric over time found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engines.result import Insufficient, Interval

Direction = Literal["higher_is_better", "lower_is_better"]
Status = Literal["degrading", "improving", "no_evidence"]


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight-line trend and whether it is more than autocorrelated noise.

    Attributes
    ----------
    slope : float
        Theil-Sen slope, units of the metric per period; positive means rising.
    interval : Interval
        Of `slope`, from the sieve bootstrap.
    p_value : float
        Mann-Kendall against stationary AR(1) noise, two-sided, 0 to 1.
    s : int
        Mann-Kendall's S: rising pairs minus falling pairs.
    autocorrelation : float
        Lag-1 coefficient of the noise used for the null, 0 to 0.95.
    level : float
        Height of the line at the last observation.
    n : int
        Points the statistic saw, after thinning.
    method : str
        Name of the statistic.
    """

    slope: float
    interval: Interval
    p_value: float
    s: int
    autocorrelation: float
    level: float
    n: int
    method: str = "Theil-Sen, Mann-Kendall by AR(1) sieve bootstrap"


@dataclass(frozen=True, slots=True)
class Season:
    """The repeating pattern that was taken out.

    Attributes
    ----------
    length_s : float
        Length of one cycle in seconds.
    cycles : float
        How many the data cover.
    profile : tuple of float
        Offset per stratum in units of the metric, first stratum at time 0 of the clock.
    """

    length_s: float
    cycles: float
    profile: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """One abrupt change of level.

    Attributes
    ----------
    time_s : float
        First observation after the change, same clock as the input.
    index : int
        Its position in the sorted finite observations.
    before, after : float
        Mean level of the segments on either side.
    size : float
        ``after - before``.
    is_worse : bool
        True when the change goes against the metric's direction.
    """

    time_s: float
    index: int
    before: float
    after: float
    size: float
    is_worse: bool


@dataclass(frozen=True, slots=True)
class Crossing:
    """When the projected line meets the objective.

    Attributes
    ----------
    threshold : float
        The objective, in units of the metric.
    is_breached : bool
        True when the level is already on the wrong side.
    in_s : float or None
        Seconds from the last observation until the line crosses; None when it never does.
    low_s, high_s : float or None
        Interval of that time; ``high_s`` None means "may never".
    level : float
        Confidence level of the interval.
    probability : float
        Share of bootstrap lines that are across within the horizon, 0 to 1.
    """

    threshold: float
    is_breached: bool
    in_s: float | None
    low_s: float | None
    high_s: float | None
    level: float
    probability: float


@dataclass(frozen=True, slots=True)
class Projection:
    """The metric at the horizon if the present trend goes on.

    Attributes
    ----------
    horizon_s : float
        Seconds after the last observation.
    value : float
        Expected value.
    interval : Interval
        Of the expected value.
    observed : Interval
        Where one observation would fall: the noise added.
    loss : float
        Change from now to the horizon against the direction of the metric; positive is worse.
    loss_interval : Interval
        Of `loss`.
    relative_loss : float or None
        `loss` over the size of the present level; None when that is zero.
    """

    horizon_s: float
    value: float
    interval: Interval
    observed: Interval
    loss: float
    loss_interval: Interval
    relative_loss: float | None


@dataclass(frozen=True, slots=True)
class Impact:
    """What the course costs from the start of the window to the horizon.

    Attributes
    ----------
    before : float
        Level at the start: of the line, or of the first segment when the course is steps.
    suffered : float
        Loss so far against the direction of the metric; positive is worse, 0 when nothing was
        shown.
    total : float
        `suffered` plus what the projection adds up to the horizon.
    interval : Interval
        Of `total`; it reaches above 0 also when nothing was shown: that much may be hidden.
    relative : float or None
        `total` over the size of `before`; None when that is zero.
    relative_interval : Interval or None
        Likewise.
    """

    before: float
    suffered: float
    total: float
    interval: Interval
    relative: float | None
    relative_interval: Interval | None


@dataclass(frozen=True, slots=True)
class Degradation:
    """Whether a quality metric gets worse, how fast, since when and until what.

    Attributes
    ----------
    status : {"degrading", "improving", "no_evidence"}
        "no_evidence" says that nothing was shown, not that nothing happens.
    direction : {"higher_is_better", "lower_is_better"}
        Of the metric.
    trend : Trend
        Over the whole window.
    rate : float
        Loss per period: the slope turned so that positive is worse.
    rate_interval : Interval
        Of `rate`.
    period_s : float
        Length of a period in seconds.
    season : Season or Insufficient or None
        None when no season was asked for.
    changes : tuple of ChangePoint
        In order of time; empty when none stands out from AR(1) noise.
    shape : {"flat", "line", "step"}
        What describes the course best; a step is projected from its last segment.
    projection : Projection
        At the horizon.
    impact : Impact
        Loss over the window and up to the horizon, the measure "relative_loss" of trust.
    crossing : Crossing or None
        None when no threshold was given.
    n : int
        Finite observations.
    start_s, end_s : float
        First and last of their times.
    """

    status: Status
    direction: Direction
    trend: Trend
    rate: float
    rate_interval: Interval
    period_s: float
    season: Season | Insufficient | None
    changes: tuple[ChangePoint, ...]
    shape: Literal["flat", "line", "step"]
    projection: Projection
    impact: Impact
    crossing: Crossing | None
    n: int
    start_s: float
    end_s: float
