"""Jumps of a rate and of a level, with size and evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engines.errors import EngineError, InsufficientData
from engines.sentence import say

MIN_HISTORY = 8
"""Fewer values give no scale: with 8, a new value falls inside their range 7 times of 9."""


@dataclass(frozen=True, slots=True)
class Jump:
    """The present against the past.

    Attributes
    ----------
    now, before : float
        Rate per exposure, or level.
    ratio : float
        ``now / before``; infinite when the past was zero and the present is not.
    p_value : float or None
        Chance of as large a rate when nothing changed, one-sided; None for a level.
    z : float or None
        Distance from the past's median in robust standard deviations; None for a rate.
    """

    now: float
    before: float
    ratio: float
    p_value: float | None = None
    z: float | None = None


def rate_jump(now: float, exposure_now: float, before: float, exposure_before: float) -> Jump:
    """Return how much higher a rate is now, and how surprising that is.

    Parameters
    ----------
    now, before : float
        Events counted, 0 or more.
    exposure_now, exposure_before : float
        What they are counted per (requests, seconds), above 0.

    Returns
    -------
    Jump
        With `p_value`.

    Raises
    ------
    EngineError
        When a count is negative.
    InsufficientData
        When an exposure is not above 0.

    Notes
    -----
    H0: both counts are Poisson with one rate. Given their sum k, the present count is binomial
    with share ``exposure_now / (exposure_now + exposure_before)``; the p value is its upper tail,
    exact. Bursts (overdispersion) make it too small: alert on size as well.

    Examples
    --------
    >>> jump = rate_jump(9, 100, 10, 1000)
    >>> jump.ratio, jump.p_value < 1e-4
    (9.0, True)

    References
    ----------
    Przyborowski and Wilenski (1940), Homogeneity of results in testing samples from Poisson
    series, Biometrika 31, 313-323.
    """
    if min(now, before) < 0:
        raise EngineError(f"counts must not be negative, got {now} and {before}")
    if min(exposure_now, exposure_before) <= 0:
        raise InsufficientData(
            say(
                "reasons.rate_needs_exposure",
                "a rate needs exposure on both sides, got {now, number} and {before, number}",
                now=exposure_now,
                before=exposure_before,
            )
        )
    from scipy.special import bdtrc

    total = round(now) + round(before)
    share = exposure_now / (exposure_now + exposure_before)
    p_value = 1.0 if now < 0.5 else float(bdtrc(round(now) - 1, total, share))
    rates = now / exposure_now, before / exposure_before
    return Jump(rates[0], rates[1], _ratio(*rates), p_value=p_value)


def level_jump(now: float, history: ArrayLike, *, floor_share: float = 0.05) -> Jump:
    """Return how far a level stands above its own history.

    Parameters
    ----------
    now : float
        The present level.
    history : array_like of float, shape (n,)
        Earlier values at the same resolution; NaN is left out.
    floor_share : float
        Smallest standard deviation assumed, as a share of the median: a history that never moved
        must not make a hair's breadth infinite.

    Returns
    -------
    Jump
        With `z`; robust standard deviation is the interquartile range over 1.349.

    Raises
    ------
    InsufficientData
        With fewer than 8 finite values.

    Examples
    --------
    >>> round(level_jump(30.0, [10, 11, 9, 10, 12, 10, 9, 11]).z, 1)
    21.6

    References
    ----------
    Huber and Ronchetti (2009), Robust Statistics, 2nd edition, section 5.1.
    """
    past = np.asarray(history, dtype=float)
    past = past[np.isfinite(past)]
    if past.size < MIN_HISTORY:
        raise InsufficientData(
            say(
                "reasons.level_needs_values",
                "a level needs {needed, number} earlier values, got {got, number}",
                needed=MIN_HISTORY,
                got=past.size,
            ),
            needed=MIN_HISTORY,
            got=int(past.size),
        )
    low, median, high = (float(q) for q in np.percentile(past, [25, 50, 75]))
    spread = max((high - low) / 1.349, floor_share * abs(median), 1e-12)
    return Jump(float(now), median, _ratio(float(now), median), z=(float(now) - median) / spread)


def _ratio(now: float, before: float) -> float:
    if before > 0:
        return now / before
    return float("inf") if now > 0 else 1.0
