"""Series of different sampling on one regular grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.causal.inputs import FloatArray, Key, Series
from engines.errors import InsufficientData
from engines.sentence import say

MAX_ROWS = 200_000
"""Longest grid built; finer steps are refused by widening the step."""


IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Rows are intervals, columns are metrics.

    Attributes
    ----------
    times_s : array of shape (rows,)
        Middle of each interval, Unix seconds.
    keys : tuple of (node, metric)
        Column names, sorted.
    values : array of shape (rows, columns)
        Mean of the samples in the interval; NaN where there is none.
    step_s : float
        Length of an interval in seconds.
    """

    times_s: FloatArray
    keys: tuple[Key, ...]
    values: FloatArray
    step_s: float

    def column(self, key: Key) -> FloatArray:
        """Return the values of `key`."""
        return self.values[:, self.keys.index(key)]


def build_panel(series: Mapping[Key, Series], step_s: float | None = None) -> Panel:
    """Return `series` on one grid.

    Parameters
    ----------
    series : mapping
        From :func:`engines.causal.inputs.read_metrics`.
    step_s : float, optional
        Interval in seconds; default: the median over the series of their median spacing.

    Returns
    -------
    Panel
        When all series share their times and no step is asked for, rows are those times.

    Raises
    ------
    InsufficientData
        If there is no series with a sample.

    Notes
    -----
    A sample at time t belongs to row ``round((t - first) / step)``, so clocks that jitter by less
    than half a step do not leave a gap beside a doubled row. Samples in one row are averaged. Gaps
    stay NaN: scores skip them; only the lagged tests interpolate.

    Examples
    --------
    >>> a = Series(np.array([0.0, 60.4, 119.8]), np.array([1.0, 2.0, 3.0]))
    >>> b = Series(np.array([1.0, 121.0]), np.array([5.0, 7.0]))
    >>> build_panel({("n", "a"): a, ("n", "b"): b}, step_s=60).values
    array([[ 1.,  5.],
           [ 2., nan],
           [ 3.,  7.]])
    """
    keys = tuple(key for key, item in series.items() if item.times_s.size)
    if not keys:
        raise InsufficientData(
            say("reasons.no_samples", "no metric has a sample in the window"), needed=1, got=0
        )
    first = series[keys[0]].times_s
    if step_s is None and all(
        series[key].times_s is first or np.array_equal(series[key].times_s, first) for key in keys
    ):
        keep = np.unique(first, return_index=True)[1]
        values = np.column_stack([series[key].values for key in keys])[keep]
        return Panel(first[keep], keys, values, _spacing(first))
    step = step_s or float(np.median([_spacing(series[key].times_s) for key in keys]))
    start = min(float(series[key].times_s[0]) for key in keys)
    end = max(float(series[key].times_s[-1]) for key in keys)
    step = max(step, (end - start) / MAX_ROWS)
    rows = round((end - start) / step) + 1
    values = np.empty((rows, len(keys)))
    places: dict[int, IntArray] = {}  # of times that many series share
    for j, key in enumerate(keys):
        clock = series[key].times_s
        if id(clock) not in places:
            row = np.rint((clock - start) / step).astype(np.intp)
            places[id(clock)] = np.clip(row, 0, rows - 1)
        values[:, j] = _mean_by_row(places[id(clock)], series[key].values, rows)
    times = start + step * np.arange(rows, dtype=np.float64)
    return Panel(np.asarray(times, dtype=np.float64), keys, values, step)


def aligned(panel: Panel, keys: tuple[Key, ...]) -> FloatArray:
    """Return the values of `panel` with columns `keys`; NaN columns where it lacks one."""
    at = {key: j for j, key in enumerate(panel.keys)}
    out = np.full((panel.times_s.size, len(keys)), np.nan)
    for j, key in enumerate(keys):
        if key in at:
            out[:, j] = panel.values[:, at[key]]
    return out


def on_rows(series: Series, panel: Panel) -> FloatArray:
    """Return `series` averaged on the rows of `panel`, NaN where it has no sample near."""
    edges = (panel.times_s[1:] + panel.times_s[:-1]) / 2
    keep = (series.times_s >= panel.times_s[0] - panel.step_s / 2) & (
        series.times_s <= panel.times_s[-1] + panel.step_s / 2
    )
    row = np.searchsorted(edges, series.times_s[keep], side="right")
    return _mean_by_row(row, series.values[keep], panel.times_s.size)


def _spacing(times_s: FloatArray) -> float:
    gaps = np.diff(times_s)
    gaps = gaps[gaps > 0]
    return float(np.median(gaps)) if gaps.size else 60.0


def _mean_by_row(row: IntArray, values: FloatArray, rows: int) -> FloatArray:
    seen = np.isfinite(values)
    if len(row) < 2 or bool((row[1:] > row[:-1]).all()):  # no two samples share a row
        out = np.full(rows, np.nan)
        out[row[seen]] = values[seen]
        return out
    count = np.bincount(row[seen], minlength=rows)
    total = np.bincount(row[seen], weights=values[seen], minlength=rows)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)
