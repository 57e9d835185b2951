"""The repeating pattern of a series: found by strata of the clock and taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.degradation.noise import Floats
from engines.errors import InsufficientData
from engines.sentence import say

MIN_CYCLES = 3
"""Two cycles cannot tell a pattern from a change between them."""

MAX_STRATA = 168
"""One per hour of a week; finer strata would have too few values each."""


@dataclass(frozen=True, slots=True)
class Seasonality:
    """Which stratum each observation belongs to.

    Attributes
    ----------
    strata : array of int, shape (n,)
        Position in the cycle, 0 to `count` - 1.
    count : int
        Number of strata.
    cycles : float
        Cycles that the data cover.
    centred : array of float, shape (n,)
        Times less their mean.
    """

    strata: NDArray[np.int64]
    count: int
    cycles: float
    centred: Floats

    def profile(self, rows: Floats) -> Floats:
        """Return the mean of each stratum around a fitted line, less the mean of all, per row."""
        # Without the line a trend within the cycle would be mistaken for season.
        slopes = rows @ self.centred / float(self.centred @ self.centred)
        rows = rows - np.multiply.outer(slopes, self.centred)
        totals = np.zeros((*rows.shape[:-1], self.count))
        sizes = np.bincount(self.strata, minlength=self.count)
        for stratum in np.flatnonzero(sizes):
            totals[..., stratum] = rows[..., self.strata == stratum].mean(axis=-1)
        totals[..., sizes > 0] -= totals[..., sizes > 0].mean(axis=-1, keepdims=True)
        return totals

    def remove(self, rows: Floats) -> Floats:
        """Return `rows` without the pattern of each."""
        return np.asarray(rows - self.profile(rows)[..., self.strata])


def strata_of(times: Floats, season_s: float) -> Seasonality:
    """Return the strata of `times` within a cycle of `season_s` seconds.

    Parameters
    ----------
    times : array of float, shape (n,)
        Seconds, rising.
    season_s : float
        Length of the cycle, e.g. 86400 for a day.

    Returns
    -------
    Seasonality

    Raises
    ------
    InsufficientData
        With fewer than three cycles, or fewer than two observations in a cycle.

    Notes
    -----
    A stratum is as wide as the median spacing, at most 168 of them. The pattern is assumed
    additive and the same in every cycle.

    Examples
    --------
    >>> strata_of(np.arange(48) * 3600.0 * 2, 86400.0).count
    12
    """
    spacing = float(np.median(np.diff(times)))
    cycles = float((times[-1] - times[0] + spacing) / season_s)
    if cycles < MIN_CYCLES:
        raise InsufficientData(
            say(
                "reasons.season_needs_cycles",
                "a season of {season, number} s needs {needed, number} cycles, got {got, number}",
                season=season_s,
                needed=MIN_CYCLES,
                got=round(cycles, 1),
            ),
            needed=MIN_CYCLES,
            got=int(cycles),
        )
    count = min(MAX_STRATA, round(season_s / spacing))
    if count < 2:
        raise InsufficientData(
            say(
                "reasons.season_too_coarse",
                "observations every {spacing, number} s are too far apart for a season of "
                "{season, number} s",
                spacing=spacing,
                season=season_s,
            )
        )
    phase = np.mod(times, season_s) / season_s
    strata = np.minimum((phase * count + 1e-9).astype(np.int64), count - 1)
    return Seasonality(strata, count, cycles, times - times.mean())
