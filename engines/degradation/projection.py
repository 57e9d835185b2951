"""Where a line goes from here: the value at the horizon and the time it meets the objective."""

from __future__ import annotations

import numpy as np

from engines.degradation.noise import Floats
from engines.degradation.result import Crossing, Direction, Impact, Projection
from engines.degradation.trend import Line
from engines.result import Interval


def project(
    line: Line, horizon_s: float, direction: Direction, *, level: float, rng: np.random.Generator
) -> Projection:
    """Return the expected value at the horizon and the loss on the way there.

    Parameters
    ----------
    line : Line
        The present trend, per second.
    horizon_s : float
        Seconds after the last observation, 0 and up.
    direction : {"higher_is_better", "lower_is_better"}
        Of the metric.
    level : float
        Confidence level of the intervals.
    rng : numpy.random.Generator
        For the noise of a single observation.

    Returns
    -------
    Projection

    Notes
    -----
    It says what happens if the present line goes on; it is no forecast of turns.

    Examples
    --------
    >>> from engines.degradation.trend import fit_line
    >>> rng = np.random.default_rng(0)
    >>> line = fit_line(np.arange(30.0), 5 - 0.1 * np.arange(30), resamples=99, rng=rng)
    >>> found = project(line, 10.0, "higher_is_better", level=0.9, rng=rng)
    >>> round(found.value, 6), round(found.loss, 6)
    (1.1, 1.0)
    """
    worse = 1.0 if direction == "lower_is_better" else -1.0
    value = line.level + line.slope * horizon_s
    ends = line.levels + line.slopes * horizon_s
    noise = line.sd * rng.standard_normal(ends.size)
    loss = worse * line.slope * horizon_s
    size = abs(line.level)
    return Projection(
        horizon_s=horizon_s,
        value=value,
        interval=_around(value, ends, level),
        observed=_around(value, ends + noise, level),
        loss=loss,
        loss_interval=_around(loss, worse * line.slopes * horizon_s, level),
        relative_loss=loss / size if size > 0 else None,
    )


def cross(
    line: Line, threshold: float, horizon_s: float, direction: Direction, *, level: float
) -> Crossing:
    """Return when the line meets `threshold`, with the interval of that time.

    Parameters
    ----------
    line, horizon_s, direction, level
        As in `project`.
    threshold : float
        The objective, in units of the metric.

    Returns
    -------
    Crossing

    Notes
    -----
    Each bootstrap line has its own time, infinite when it never crosses; the interval holds
    the middle `level` of them.

    Examples
    --------
    >>> from engines.degradation.trend import fit_line
    >>> rng = np.random.default_rng(0)
    >>> line = fit_line(np.arange(30.0), 5 - 0.1 * np.arange(30), resamples=99, rng=rng)
    >>> found = cross(line, 1.6, 10.0, "higher_is_better", level=0.9)
    >>> round(found.in_s, 6), found.probability
    (5.0, 1.0)
    """
    worse = 1.0 if direction == "lower_is_better" else -1.0
    room = worse * (threshold - line.level)
    times = _times(worse * (threshold - line.levels), worse * line.slopes)
    point = float(_times(np.array([room]), np.array([worse * line.slope]))[0])
    low, high = np.quantile(times, [(1 - level) / 2, (1 + level) / 2], method="nearest")
    return Crossing(
        threshold=threshold,
        is_breached=room <= 0,
        in_s=_finite(point),
        low_s=_finite(min(float(low), point)),
        high_s=_finite(max(float(high), point)),
        level=level,
        probability=float((times <= horizon_s).mean()),
    )


def sum_up(
    before: float,
    suffered: float,
    total: float,
    cloud: Floats,
    *,
    level: float,
) -> Impact:
    """Return the loss from the start of the window to the horizon.

    Parameters
    ----------
    before : float
        Level at the start of the window.
    suffered, total : float
        Loss up to now and up to the horizon, positive is worse.
    cloud : array of float, shape (resamples,)
        Plausible values of the total.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    Impact

    Examples
    --------
    >>> found = sum_up(0.8, 0.1, 0.2, np.linspace(0.1, 0.3, 101), level=0.9)
    >>> found.relative, found.relative_interval.low < 0.25 < found.relative_interval.high
    (0.25, True)
    """
    interval = _around(total, cloud, level)
    size = abs(before)
    if size == 0:
        return Impact(before, suffered, total, interval, None, None)
    shares = Interval(interval.low / size, interval.high / size, level)
    return Impact(before, suffered, total, interval, total / size, shares)


def _times(room: Floats, speed: Floats) -> Floats:
    times = np.full(room.shape, np.inf)
    towards = speed > 0
    times[towards] = room[towards] / speed[towards]
    times[room <= 0] = 0.0
    return times


def _finite(seconds: float) -> float | None:
    return seconds if np.isfinite(seconds) else None


def _around(point: float, cloud: Floats, level: float) -> Interval:
    low, high = np.quantile(cloud, [(1 - level) / 2, (1 + level) / 2])
    return Interval(min(float(low), point), max(float(high), point), level)
