"""Tracking of a quality metric: trend, season, changes, projection, in one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from engines.degradation.changes import find_changes, remove_levels
from engines.degradation.noise import Floats
from engines.degradation.projection import cross, project
from engines.degradation.result import ChangePoint, Degradation, Direction, Season, Status
from engines.degradation.season import Seasonality, strata_of
from engines.degradation.trend import Line, describe, fit_line
from engines.errors import EngineError, InsufficientData
from engines.result import Insufficient, Interval

MIN_POINTS = 12
"""Below this the coefficient of the noise is a guess, and so is every p value."""

MAX_POINTS = 200
"""More are averaged in blocks: the pairs of Theil-Sen grow with the square."""

Shape = Literal["flat", "line", "step"]


@dataclass(frozen=True, slots=True)
class _Course:
    """The series as the statistics see it: sorted, finite, thinned, without its season."""

    times: Floats
    values: Floats
    starts: list[int]
    seasonality: Seasonality | None
    season: Season | Insufficient | None
    n: int


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
        course = _prepare(times, values, season_s)
    except InsufficientData as error:
        return Insufficient.of(error)
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
    shape = _shape(course, line, starts, alpha)
    changes = _changes(course, starts, direction) if shape == "step" else ()
    ahead = _ahead(course, line, starts, resamples, rng) if shape == "step" else line
    window_s = float(course.times[-1] - course.times[0])
    horizon = window_s / 2 if horizon_s is None else horizon_s
    trend = describe(line, period_s, level)
    rate, rate_interval = _rate(trend.slope, trend.interval, direction)
    return Degradation(
        status=_status(shape, rate, changes),
        direction=direction,
        trend=trend,
        rate=rate,
        rate_interval=rate_interval,
        period_s=period_s,
        season=course.season,
        changes=changes,
        shape=shape,
        projection=project(ahead, horizon, direction, level=level, rng=rng),
        crossing=None
        if threshold is None
        else cross(ahead, threshold, horizon, direction, level=level),
        n=course.n,
        start_s=float(course.times[0]),
        end_s=float(course.times[-1]),
    )


def _prepare(times: ArrayLike, values: ArrayLike, season_s: float | None) -> _Course:
    t, v = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    if t.ndim != 1 or t.shape != v.shape:
        raise EngineError(f"times and values must be two equal columns, got {t.shape}, {v.shape}")
    kept = np.isfinite(t) & np.isfinite(v)
    order = np.argsort(t[kept], kind="stable")
    t, v = t[kept][order], v[kept][order]
    n = t.size
    if n < MIN_POINTS:
        raise InsufficientData(
            f"a trend needs at least {MIN_POINTS} values, got {n}", needed=MIN_POINTS, got=n
        )
    if np.any(np.diff(t) <= 0):
        raise EngineError("every time may occur once; aggregate repeated times first")
    seasonality: Seasonality | None = None
    season: Season | Insufficient | None = None
    if season_s is not None:
        try:
            seasonality = strata_of(t, season_s)
        except InsufficientData as error:
            season = Insufficient.of(error)
    if seasonality is not None and season_s is not None:
        profile = seasonality.profile(v - _quick_line(t, v))
        v = v - profile[seasonality.strata]
        season = Season(season_s, seasonality.cycles, tuple(float(x) for x in profile))
    if n > MAX_POINTS:
        size = -(-n // MAX_POINTS)
        # Whole blocks only, or the averages would differ in noise; the oldest rest is left out.
        first = n % size
        t, v = (column[first:].reshape(-1, size).mean(axis=1) for column in (t, v))
        return _Course(t, v, list(range(first, n, size)), None, season, n)
    return _Course(t, v, list(range(n)), seasonality, season, n)


def _quick_line(times: Floats, values: Floats) -> Floats:
    """Return a least-squares line, so that a trend is not mistaken for season."""
    centred = times - times.mean()
    slope = float(centred @ values) / float(centred @ centred)
    return np.asarray(slope * centred)


def _shape(course: _Course, line: Line, starts: list[int], alpha: float) -> Shape:
    if starts:
        steps = remove_levels(course.values, starts)
        if _bic(steps, 2 * len(starts) + 1) < _bic(line.residuals - line.residuals.mean(), 2):
            return "step"
    return "line" if line.p_value <= alpha else "flat"


def _bic(residuals: Floats, parameters: int) -> float:
    n = residuals.size
    mean_square = max(float(residuals @ residuals) / n, 1e-300)
    return n * float(np.log(mean_square)) + parameters * float(np.log(n))


def _changes(course: _Course, starts: list[int], direction: Direction) -> tuple[ChangePoint, ...]:
    means = [float(piece.mean()) for piece in np.split(course.values, starts)]
    worse = 1.0 if direction == "lower_is_better" else -1.0
    return tuple(
        ChangePoint(
            time_s=float(course.times[start]),
            index=course.starts[start],
            before=before,
            after=after,
            size=after - before,
            is_worse=worse * (after - before) > 0,
        )
        for start, before, after in zip(starts, means[:-1], means[1:], strict=True)
    )


def _ahead(
    course: _Course, line: Line, starts: list[int], resamples: int, rng: np.random.Generator
) -> Line:
    """Return the line of the last segment, held level: a step says nothing about its slope."""
    last = course.values[starts[-1] :]
    noise = remove_levels(course.values, starts)
    sd = float(noise.std(ddof=min(len(starts) + 1, noise.size - 1)))
    phi = line.phi
    inflation = (1 + phi) / (1 - phi)
    spread = sd * np.sqrt(min(1.0, inflation / last.size))
    mean = float(last.mean())
    levels = mean + spread * rng.standard_normal(resamples)
    return Line(0.0, mean, np.zeros(resamples), levels, 0, 1.0, phi, sd, last - mean)


def _rate(slope: float, interval: Interval, direction: Direction) -> tuple[float, Interval]:
    if direction == "lower_is_better":
        return slope, interval
    return -slope, Interval(-interval.high, -interval.low, interval.level)


def _status(shape: Shape, rate: float, changes: tuple[ChangePoint, ...]) -> Status:
    if shape == "flat":
        return "no_evidence"
    is_worse = changes[-1].is_worse if changes else rate > 0
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
