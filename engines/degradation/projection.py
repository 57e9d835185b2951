"""Where a line goes from here: the value at the horizon and the time it meets the objective."""

from __future__ import annotations

import numpy as np

from engines.degradation.noise import Floats
from engines.degradation.result import Crossing, Direction, Projection
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
