"""Tracking of a quality metric: trend, season, changes, projection, in one answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from engines.degradation.changes import find_changes, remove_levels
from engines.degradation.course import MIN_POINTS, Course, prepare
from engines.degradation.noise import Floats, lag_one
from engines.degradation.projection import cross, project, sum_up
from engines.degradation.result import (
    ChangePoint,
    Degradation,
    Direction,
    Impact,
    Status,
)
from engines.degradation.trend import Line, describe, fit_line
from engines.errors import EngineError, InsufficientData
from engines.result import Insufficient, Interval

Shape = Literal["flat", "line", "step"]


@dataclass(frozen=True, slots=True)
class _Options:
    direction: Direction
    period_s: float
    threshold: float | None
    horizon_s: float
    alpha: float
    level: float
    resamples: int

    @property
    def worse(self) -> float:
        return 1.0 if self.direction == "lower_is_better" else -1.0


def track(
    times: ArrayLike,
    values: ArrayLike,
    *,
    direction: Direction = "higher_is_better",
    period_s: float = 86_400.0,
    season_s: float | None = None,
    threshold: float | None = None,
    horizon_s: float | None = None,
    alpha: float = 0.05,
    level: float = 0.9,
    resamples: int = 199,
    seed: int = 0,
) -> Degradation | Insufficient:
    """Return whether a quality metric gets worse, how fast, since when and until what.

    Parameters
    ----------
    times : array_like of float, shape (n,)
        Seconds on any clock, in any order; evenly spaced but for gaps.
    values : array_like of float, shape (n,)
        The metric; NaN and infinite values are left out.
    direction : {"higher_is_better", "lower_is_better"}
        Which way is worse.
    period_s : float
        Period of the rate in seconds; a day by default.
    season_s : float, optional
        Length of a cycle to take out, e.g. 86400 or 604800.
    threshold : float, optional
        The objective whose crossing is projected.
    horizon_s : float, optional
        How far to project in seconds; by default half the window.
    alpha : float
        Share of false alarms accepted, for the trend and for the changes each, in (0, 1).
    level : float
        Confidence level of every interval, in (0, 1).
    resamples : int
        Bootstrap series, at least 99.
    seed : int
        Of the bootstrap: the same input and seed give the same answer.

    Returns
    -------
    Degradation or Insufficient
        Insufficient with fewer than 12 finite values.

    Raises
    ------
    EngineError
        When shapes differ, times repeat, or a parameter is out of range.

    Notes
    -----
    Season by strata of the clock, then Theil-Sen with Mann-Kendall against AR(1) noise, then
    changes against the same noise. When steps describe the course better than a line (by BIC),
    the projection starts from the last segment, since a line through a step would go on falling.
    Repeated times must be aggregated first. More than 200 values are averaged in
    blocks of equal size.

    Examples
    --------
    >>> days = np.arange(60) * 86_400.0
    >>> noise = np.random.default_rng(3).normal(0, 0.005, 60)
    >>> found = track(days, 0.92 - 0.001 * np.arange(60) + noise, threshold=0.8)
    >>> found.status, round(found.rate, 4), round(found.crossing.in_s / 86_400)
    ('degrading', 0.001, 63)

    References
    ----------
    Sen (1968), JASA 63; Mann (1945), Econometrica 13; Killick, Fearnhead and Eckley (2012),
    JASA 107; Hirsch and Slack (1984), A nonparametric trend test for seasonal data with serial
    dependence, Water Resources Research 20.
    """
    _check(direction, period_s, alpha, level, resamples)
    rng = np.random.default_rng(seed)
    try:
        course = prepare(times, values, season_s)
    except InsufficientData as error:
        return Insufficient.of(error)
    if horizon_s is None:
        horizon_s = course.window_s / 2
    options = _Options(direction, period_s, threshold, horizon_s, alpha, level, resamples)
    line = fit_line(
        course.times,
        course.values,
        resamples=resamples,
        rng=rng,
        seasonality=course.seasonality,
    )
    starts = find_changes(
        course.values,
        false_alarm=alpha,
        resamples=resamples,
        rng=rng,
        seasonality=course.seasonality,
    )
    return _judge(course, line, starts, options, rng)


def _judge(
    course: Course, line: Line, starts: list[int], options: _Options, rng: np.random.Generator
) -> Degradation:
    level, direction = options.level, options.direction
    shape = _shape(course, line, starts, options.alpha)
    is_step = shape == "step"
    changes = _changes(course, starts, options.worse) if is_step else ()
    ahead = _ahead(course, line, starts, shape, options, rng)
    trend = describe(line, options.period_s, level)
    rate, rate_interval = _rate(trend.slope, trend.interval, direction)
    crossing = None
    if options.threshold is not None:
        crossing = cross(ahead, options.threshold, options.horizon_s, direction, level=level)
    return Degradation(
        status=_status(shape, rate, changes, options.worse * ahead.slope),
        direction=direction,
        trend=trend,
        rate=rate,
        rate_interval=rate_interval,
        period_s=options.period_s,
        season=course.season,
        changes=changes,
        shape=shape,
        projection=project(ahead, options.horizon_s, direction, level=level, rng=rng),
        impact=_impact(course, line, ahead, starts if is_step else [], shape, options),
        crossing=crossing,
        n=course.n,
        start_s=course.start_s,
        end_s=course.end_s,
    )


def _shape(course: Course, line: Line, starts: list[int], alpha: float) -> Shape:
    if starts:
        steps = remove_levels(course.values, starts)
        if _bic(steps, 2 * len(starts) + 1) < _bic(line.residuals - line.residuals.mean(), 2):
            return "step"
    return "line" if line.p_value <= alpha else "flat"


def _bic(residuals: Floats, parameters: int) -> float:
    n = residuals.size
    mean_square = max(float(residuals @ residuals) / n, 1e-300)
    return n * float(np.log(mean_square)) + parameters * float(np.log(n))


def _changes(course: Course, starts: list[int], worse: float) -> tuple[ChangePoint, ...]:
    means = [float(piece.mean()) for piece in np.split(course.values, starts)]
    return tuple(
        ChangePoint(
            time_s=float(course.times[start]),
            index=course.positions[start],
            before=before,
            after=after,
            size=after - before,
            is_worse=worse * (after - before) > 0,
        )
        for start, before, after in zip(starts, means[:-1], means[1:], strict=True)
    )


def _ahead(
    course: Course,
    line: Line,
    starts: list[int],
    shape: Shape,
    options: _Options,
    rng: np.random.Generator,
) -> Line:
    """Return the line to project.

    Without a trend that was shown it is level, with the cloud of the fitted one; after a step it
    is the last segment's, level too unless that shows a trend of its own.
    """
    if shape == "flat":
        return replace(line, slope=0.0, level=float(np.median(course.values)))
    if shape == "line":
        return line
    times, last = course.times[starts[-1] :], course.values[starts[-1] :]
    if last.size >= MIN_POINTS:
        line = fit_line(times, last, resamples=options.resamples, rng=rng)
        if line.p_value <= options.alpha:
            return line
    noise = remove_levels(course.values, starts)
    sd, phi = float(noise.std(ddof=len(starts) + 1)), lag_one(noise)
    # Variance of the mean of AR(1) noise, at most that of one observation.
    spread = sd * np.sqrt(min(1.0, (1 + phi) / (1 - phi) / last.size))
    mean = float(last.mean())
    levels = mean + spread * rng.standard_normal(options.resamples)
    return Line(0.0, mean, np.zeros(options.resamples), levels, 0, 1.0, phi, sd, last - mean)


def _impact(
    course: Course, line: Line, ahead: Line, starts: list[int], shape: Shape, options: _Options
) -> Impact:
    worse, level = options.worse, options.level
    if starts:
        before = float(course.values[: starts[0]].mean())
        suffered = worse * (ahead.level - before)
        total = suffered + worse * ahead.slope * options.horizon_s
        cloud = worse * (ahead.levels - before + ahead.slopes * options.horizon_s)
        return sum_up(before, suffered, total, cloud, level=level)
    before = line.level - line.slope * course.window_s
    reach_s = course.window_s + options.horizon_s
    shown = 0.0 if shape == "flat" else worse * line.slope
    cloud = worse * line.slopes * reach_s
    return sum_up(before, shown * course.window_s, shown * reach_s, cloud, level=level)


def _rate(slope: float, interval: Interval, direction: Direction) -> tuple[float, Interval]:
    if direction == "lower_is_better":
        return slope, interval
    return -slope, Interval(-interval.high, -interval.low, interval.level)


def _status(
    shape: Shape, rate: float, changes: tuple[ChangePoint, ...], loss_rate_ahead: float
) -> Status:
    if shape == "flat":
        return "no_evidence"
    if changes:
        is_worse = loss_rate_ahead > 0 if loss_rate_ahead else changes[-1].is_worse
    else:
        is_worse = rate > 0
    return "degrading" if is_worse else "improving"


def _check(
    direction: Direction, period_s: float, alpha: float, level: float, resamples: int
) -> None:
    if direction not in ("higher_is_better", "lower_is_better"):
        raise EngineError(f"unknown direction {direction!r}")
    if not (period_s > 0 and 0 < alpha < 1 and 0 < level < 1):
        raise EngineError("period_s must be above 0, alpha and level in (0, 1)")
    if resamples < 99:
        raise EngineError(f"the bootstrap needs at least 99 resamples, got {resamples}")
