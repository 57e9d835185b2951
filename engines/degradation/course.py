"""A series as the statistics see it: sorted, finite, without its season, not too long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engines.degradation.noise import Floats
from engines.degradation.result import Season
from engines.degradation.season import Seasonality, strata_of
from engines.errors import EngineError, InsufficientData
from engines.result import Insufficient
from engines.sentence import say

MIN_POINTS = 12
"""Below this the coefficient of the noise is a guess, and so is every p value."""

MAX_POINTS = 200
"""More are averaged in blocks: the pairs of Theil-Sen grow with the square."""


@dataclass(frozen=True, slots=True)
class Course:
    """What `prepare` made of a series.

    Attributes
    ----------
    times, values : array of float, shape (n,)
        Seconds, rising, and the metric without its season.
    positions : tuple of int
        Where each value starts in the sorted finite observations.
    seasonality : Seasonality or None
        The strata, where the season was taken out of these very values.
    season : Season or Insufficient or None
        What was taken out, why not, or None when nothing was asked for.
    n : int
        Finite observations.
    start_s, end_s : float
        Times of the first and last of them.
    """

    times: Floats
    values: Floats
    positions: tuple[int, ...]
    seasonality: Seasonality | None
    season: Season | Insufficient | None
    n: int
    start_s: float
    end_s: float

    @property
    def window_s(self) -> float:
        """Seconds between the first and the last value."""
        return float(self.times[-1] - self.times[0])


def prepare(times: ArrayLike, values: ArrayLike, season_s: float | None) -> Course:
    """Return the series sorted, finite, without its season and at most 200 values long.

    Parameters
    ----------
    times, values, season_s
        As in `engines.degradation.track`.

    Returns
    -------
    Course

    Raises
    ------
    InsufficientData
        With fewer than 12 finite values.
    EngineError
        When shapes differ or a time occurs twice.

    Examples
    --------
    >>> course = prepare(np.arange(1000.0), np.ones(1000), None)
    >>> course.times.size, course.positions[:2]
    (200, (0, 5))
    """
    t, v = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    if t.ndim != 1 or t.shape != v.shape:
        raise EngineError(f"times and values must be two equal columns, got {t.shape}, {v.shape}")
    kept = np.isfinite(t) & np.isfinite(v)
    order = np.argsort(t[kept], kind="stable")
    t, v = t[kept][order], v[kept][order]
    n = t.size
    if n < MIN_POINTS:
        raise InsufficientData(
            say(
                "reasons.trend_needs_values",
                "a trend needs at least {needed, number} values, got {got, number}",
                needed=MIN_POINTS,
                got=n,
            ),
            needed=MIN_POINTS,
            got=n,
        )
    if np.any(np.diff(t) <= 0):
        raise EngineError("every time may occur once; aggregate repeated times first")
    start, end = float(t[0]), float(t[-1])
    v, seasonality, season = _without_season(t, v, season_s)
    size = -(-n // MAX_POINTS)
    if size == 1:
        return Course(t, v, tuple(range(n)), seasonality, season, n, start, end)
    # Whole blocks only, or the averages would differ in noise; the oldest rest is left out.
    first = n % size
    t, v = (column[first:].reshape(-1, size).mean(axis=1) for column in (t, v))
    return Course(t, v, tuple(range(first, n, size)), None, season, n, start, end)


def _without_season(
    times: Floats, values: Floats, season_s: float | None
) -> tuple[Floats, Seasonality | None, Season | Insufficient | None]:
    if season_s is None:
        return values, None, None
    try:
        seasonality = strata_of(times, season_s)
    except InsufficientData as error:
        return values, None, Insufficient.of(error)
    profile = seasonality.profile(values)
    season = Season(season_s, seasonality.cycles, tuple(float(x) for x in profile))
    return values - profile[seasonality.strata], seasonality, season
