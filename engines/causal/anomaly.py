"""How far a metric has moved, in units that do not depend on its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.causal.inputs import FloatArray

IQR_TO_SD = 1.349
"""Interquartile range of a standard normal distribution."""
CONFIRMED_BY = 6
"""Rows from a crossing on of which half must agree before it counts as an onset."""


@dataclass(frozen=True, slots=True)
class Floors:
    """Least scale of a deviation.

    Attributes
    ----------
    sd : float
        As a share of the standard deviation.
    median : float
        As a share of the absolute median.
    min_rows : int
        Fewer normal rows than this score 0.
    """

    sd: float = 0.1
    median: float = 0.01
    min_rows: int = 8


@dataclass(frozen=True, slots=True, eq=False)
class Normal:
    """What is normal for each column: location, scale (0 = unknown) and worst value just before.

    `worst` is NaN where it does not bind. `chance` >= scale is the scale by which a deviation is
    judged to be chance: the standard deviation where more than half of the rows are alike.
    """

    location: FloatArray
    scale: FloatArray
    worst: FloatArray
    chance: FloatArray


def quantiles(values: FloatArray, shares: tuple[float, ...]) -> FloatArray:
    """Return quantiles per column, ignoring NaN; NaN for an empty column.

    One sort serves all of them; linear interpolation as ``numpy.nanquantile``.

    Examples
    --------
    >>> quantiles(np.array([[1.0], [np.nan], [3.0]]), (0.5,))
    array([[2.]])
    """
    if values.shape[0] == 0:
        return np.full((len(shares), values.shape[1]), np.nan)
    ordered = np.sort(values, axis=0)
    last = np.isfinite(values).sum(axis=0) - 1
    columns = np.arange(values.shape[1])
    out = np.empty((len(shares), values.shape[1]))
    for i, share in enumerate(shares):
        place = np.maximum(last, 0) * share
        low = np.floor(place).astype(np.intp)
        high = np.minimum(low + 1, np.maximum(last, 0))
        at_low = ordered[low, columns]
        out[i] = at_low + (place - low) * (ordered[high, columns] - at_low)
    out[:, last < 0] = np.nan
    return out


def normal_range(
    history: FloatArray, before: FloatArray, worse: FloatArray, floors: Floors
) -> Normal:
    """Return what is normal per column, from a long history and the rows just before the onset.

    Parameters
    ----------
    history, before : array of shape (rows, columns)
        NaN marks a missing sample. `before` may be part of `history`.
    worse : array of shape (columns,)
        +1, -1 or 0: which direction is bad.
    floors : Floors
        Least scales.

    Returns
    -------
    Normal
        Where `before` has `floors.min_rows` rows or more, it sets location and scale, and a longer
        history widens the scale by its IQR / 1.349 or by its sd floor, whichever is larger: a
        metric that is 0 but for bursts has no IQR, and the last few rows may hold none. Otherwise
        history sets both, and a deviation must also exceed the worst value seen in `before`.

    Notes
    -----
    scale = max(IQR / 1.349, sd floor x standard deviation, median floor x |median|). Without the
    floors a constant series would take a scale of its own unit. A tenth of the standard deviation
    finds the fault of a metric that is 0 but for bursts, and every other burst as well: so the
    whole of it says whether that was chance.
    """
    n_before = np.isfinite(before).sum(axis=0)
    n_history = np.isfinite(history).sum(axis=0)
    local = n_before >= floors.min_rows
    here = _location_scale(before, floors)
    long = _location_scale(history, floors)
    sd = _sd(history)
    beyond = np.fmax(long[2], floors.sd * sd)
    wider = np.where(n_history > n_before, np.nan_to_num(beyond), 0.0)
    location = np.where(local, here[0], long[0])
    scale = np.where(local, here[1] + wider, long[1])
    scale = np.where(local | (n_history >= floors.min_rows), np.nan_to_num(scale), 0.0)
    chance = np.where(long[2] == 0, np.fmax(scale, sd), scale)
    return Normal(location, scale, np.where(local, np.nan, _worst(before, worse)), chance)


def deviations(rows: FloatArray, normal: Normal, worse: FloatArray) -> FloatArray:
    """Return z >= 0 per row and column: how far each value is on the bad side of normal.

    ``z = max(0, min(g (x - location), g (x - worst)) / scale)`` with g = -1 where smaller is
    worse; the larger of both sides where neither is. NaN stays NaN; an unknown scale gives 0.
    """
    sides = [_one_side(rows, normal, sign) for sign in (1.0, -1.0)]
    z = np.where(worse > 0, sides[0], np.where(worse < 0, sides[1], np.maximum(*sides)))
    return np.asarray(z)


def persistent(z: FloatArray) -> FloatArray:
    """Return per column the deviation that lasts: 0 where nothing was seen.

    Notes
    -----
    With one or two samples the largest; from three on the k-th largest, k = max(2, ceil(n / 10)):
    one wild sample is never enough, and in a long window a tenth must be as bad.

    Examples
    --------
    >>> persistent(np.array([[9.0, 9.0], [1.0, np.nan], [2.0, 1.0]]))
    array([2., 9.])
    """
    if z.shape[0] == 0:
        return np.zeros(z.shape[1])
    count = np.isfinite(z).sum(axis=0)
    k = lasting_rank(count)
    ordered = np.sort(np.where(np.isfinite(z), -z, np.inf), axis=0)
    found = -ordered[np.minimum(k, np.maximum(count, 1)) - 1, np.arange(z.shape[1])]
    return np.where(count > 0, found, 0.0)


def lasting_rank(count: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return k of the k-th largest value that :func:`persistent` takes from `count` samples."""
    return np.where(count <= 2, 1, np.maximum(2, np.ceil(count / 10))).astype(np.intp)


def chance_records(metrics: int, history: int, after: int) -> float:
    """Return how many of `metrics` would by chance be worse after than ever in the history.

    Parameters
    ----------
    metrics, history, after : int
        Number of metrics, of normal rows, and of rows after the onset.

    Returns
    -------
    float
        Expected number whose k largest values of all rows fall after the onset, k as in
        :func:`persistent`.

    Notes
    -----
    H0: rows are exchangeable. Then the k largest of n + a rows lie among the last a with chance
    ``a (a - 1) .. (a - k + 1) / ((n + a) .. (n + a - k + 1))``, whatever the distribution.

    Examples
    --------
    >>> round(chance_records(800, 20, 4), 1)  # 800 x 4 x 3 / (24 x 23)
    17.4
    """
    if after == 0:
        return float(metrics)
    k = int(lasting_rank(np.array([after]))[0])
    ranks = np.arange(k)
    return float(metrics * np.prod((after - ranks) / (history + after - ranks)))


def first_crossing(z: FloatArray, threshold: FloatArray) -> npt.NDArray[np.intp]:
    """Return per column the first row with z >= threshold and > 0 that lasts, or -1.

    One wild row hours ago is no onset: at least half of the six rows from it, or of those that are
    left, must agree.

    Examples
    --------
    >>> first_crossing(np.array([[0, 9, 0, 0, 0, 0, 0, 9, 9]]).T, np.array([3.0]))
    array([7])
    """
    hit = np.nan_to_num(z) >= np.maximum(threshold, 1e-12)
    rows = np.arange(len(hit))
    end = np.minimum(rows + CONFIRMED_BY, len(hit))
    total = np.concatenate([np.zeros((1, hit.shape[1])), hit.cumsum(axis=0)])
    agree = (total[end] - total[rows]) * 2 >= (end - rows)[:, None]
    lasts = hit & agree
    return np.where(lasts.any(axis=0), lasts.argmax(axis=0), -1)


def _one_side(rows: FloatArray, normal: Normal, sign: float) -> FloatArray:
    gap = sign * (rows - normal.location)
    beyond = sign * (rows - normal.worst)
    gap = np.where(np.isnan(normal.worst), gap, np.minimum(gap, beyond))
    safe = np.where(normal.scale > 0, normal.scale, 1.0)
    z = np.where(normal.scale > 0, np.maximum(gap, 0.0) / safe, 0.0)
    return np.where(np.isnan(rows), np.nan, z)


def _location_scale(rows: FloatArray, floors: Floors) -> tuple[FloatArray, FloatArray, FloatArray]:
    low, middle, high = quantiles(rows, (0.25, 0.5, 0.75))
    spread = (high - low) / IQR_TO_SD
    scale = np.maximum(spread, floors.median * np.abs(middle))
    return middle, np.fmax(scale, floors.sd * _sd(rows)), spread


def _sd(rows: FloatArray) -> FloatArray:
    seen = np.isfinite(rows)
    count = np.maximum(seen.sum(axis=0), 1)
    filled = np.where(seen, rows, 0.0)
    mean = filled.sum(axis=0) / count
    gaps = np.where(seen, rows - mean, 0.0)
    return np.asarray(np.sqrt((gaps**2).sum(axis=0) / count))


def _worst(before: FloatArray, worse: FloatArray) -> FloatArray:
    if before.shape[0] == 0:
        return np.full(before.shape[1], np.nan)
    seen = np.isfinite(before)
    top = np.where(seen, before, -np.inf).max(axis=0)
    bottom = np.where(seen, before, np.inf).min(axis=0)
    worst = np.where(worse > 0, top, np.where(worse < 0, bottom, np.nan))
    return np.where(seen.any(axis=0), worst, np.nan)
