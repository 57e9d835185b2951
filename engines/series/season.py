"""What a series is expected to be: its slow level and its repeating pattern, both by medians."""

from __future__ import annotations

import numpy as np

from engines.series.result import Floats

MIN_CYCLES = 3
"""Two cycles cannot tell a pattern from a change between them."""


def usable_season(n: int, season: int | None) -> int | None:
    """Return `season` when `n` steps cover it three times and it has two steps or more.

    Examples
    --------
    >>> usable_season(72, 24), usable_season(71, 24), usable_season(10, None)
    (24, None, None)
    """
    return season if season is not None and season >= 2 and n >= MIN_CYCLES * season else None


def rolling_median(values: Floats, width: int) -> Floats:
    """Return the centred median over `width` steps (made odd); NaN is left out.

    At the ends the window is cut, so the level there leans on one side.

    Examples
    --------
    >>> rolling_median(np.array([1.0, 9.0, 2.0, 3.0]), 3).tolist()
    [5.0, 2.0, 3.0, 2.5]
    """
    import pandas as pd

    window = min(width | 1, 2 * len(values) + 1)
    rolled = pd.Series(values).rolling(window, center=True, min_periods=1).median()
    return np.asarray(rolled, dtype=np.float64)


def pattern(values: Floats, season: int) -> Floats:
    """Return, per step, the median of the same phase in the *other* cycles.

    A cycle that took part in its own median would pull the pattern to itself: with three cycles a
    third of the residuals would be exactly zero and their spread far too small.

    Examples
    --------
    >>> pattern(np.array([1.0, 5, 1, 5, 1, 9]), 2).tolist()
    [1.0, 7.0, 1.0, 7.0, 1.0, 5.0]
    """
    cycles = -(-len(values) // season)
    padded = np.full(cycles * season, np.nan)
    padded[: len(values)] = values
    table = padded.reshape(cycles, season)
    out = np.empty_like(table)
    for cycle in range(cycles):
        out[cycle] = nan_median(np.delete(table, cycle, axis=0))
    return out.ravel()[: len(values)]


def nan_median(rows: Floats) -> Floats:
    """Return the median of each column without NaN; NaN, and no warning, for an empty column."""
    ordered = np.sort(rows, axis=0)  # NaN goes last
    count = np.isfinite(rows).sum(axis=0)
    columns = np.arange(rows.shape[1])
    low = ordered[np.maximum(count - 1, 0) // 2, columns]
    high = ordered[np.minimum(count // 2, max(len(rows) - 1, 0)), columns]
    return np.where(count > 0, (low + high) / 2, np.nan)


def expected(values: Floats, season: int | None, level_width: int) -> Floats:
    """Return level plus pattern; without `season` the level alone.

    The level is a rolling median over `level_width` steps of the series less its pattern; the
    pattern is found around a first level of one season, so that a slow trend does not enter it.
    """
    if season is None:
        return rolling_median(values, level_width)
    around = pattern(values - rolling_median(values, season), season)
    around = np.nan_to_num(around, nan=0.0)
    return around + rolling_median(values - around, max(level_width, season))


def remove_season(values: Floats, season: int | None) -> Floats:
    """Return the series without the median of each phase; trend and noise stay."""
    used = usable_season(len(values), season)
    if used is None:
        return values
    around = pattern(values - rolling_median(values, used), used)
    return values - np.nan_to_num(around, nan=0.0)
