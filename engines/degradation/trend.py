"""Theil-Sen slope with an interval and a test that autocorrelation does not fool."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.degradation.noise import Floats, lag_one, simulate
from engines.degradation.result import Trend
from engines.degradation.season import Seasonality
from engines.result import Interval

Indices = NDArray[np.intp]

CHUNK = 2**19
"""Pairs fitted at once: 4 MB, which stays in the cache of a processor."""


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted line and the bootstrap cloud around it, all in units per second.

    Attributes
    ----------
    slope, level : float
        Slope and height at the last time.
    slopes, levels : array of float, shape (resamples,)
        Plausible values of both.
    s : int
        Mann-Kendall's S.
    p_value : float
        Two-sided, against AR(1) noise.
    phi, sd : float
        Coefficient and standard deviation of the noise.
    residuals : array of float, shape (n,)
        What the line leaves.
    """

    slope: float
    level: float
    slopes: Floats
    levels: Floats
    s: int
    p_value: float
    phi: float
    sd: float
    residuals: Floats


def fit_line(
    times: Floats,
    values: Floats,
    *,
    resamples: int,
    rng: np.random.Generator,
    seasonality: Seasonality | None = None,
) -> Line:
    """Return the Theil-Sen line of `values` with its sieve bootstrap.

    Parameters
    ----------
    times : array of float, shape (n,)
        Seconds, rising.
    values : array of float, shape (n,)
        Finite.
    resamples : int
        Simulated noise series; the smallest possible p is ``1 / (resamples + 1)``.
    rng : numpy.random.Generator
        Source of the noise.
    seasonality : Seasonality, optional
        The pattern already taken out of `values`; the noise is treated alike.

    Returns
    -------
    Line

    Notes
    -----
    H0: `values` are a constant plus stationary Gaussian AR(1) noise. ``p = (1 + #{|S*| >= |S|})
    / (resamples + 1)`` over simulated noise with the lag-1 coefficient of the detrended values.
    The cloud is slope and level minus what the same fit finds in pure noise, each in units of its
    own residual deviation (bootstrap t), since a fit through dependent noise leaves too little.
    It breaks for noise with longer memory than AR(1), and above a coefficient of 0.95.

    Examples
    --------
    >>> t = np.arange(40.0)
    >>> line = fit_line(t, 2 * t, resamples=99, rng=np.random.default_rng(0))
    >>> line.slope, line.level, line.s, line.p_value
    (2.0, 78.0, 780, 0.01)

    References
    ----------
    Sen (1968), Estimates of the regression coefficient based on Kendall's tau, JASA 63.
    Mann (1945), Nonparametric tests against trend, Econometrica 13.
    Noguchi, Gel and Duguay (2011), Bootstrap-based tests for trends in hydrological time series,
    Journal of Hydrology 410, doi:10.1016/j.jhydrol.2011.09.010.
    """
    n = times.size
    early, late = np.triu_indices(n, 1)
    gaps = times[late] - times[early]
    since_end = times - times[-1]
    rises = values[late] - values[early]
    slope = float(np.median(rises / gaps))
    s = int(np.sign(rises).sum())
    level = float(np.median(values - slope * since_end))
    residuals = values - level - slope * since_end
    phi, sd = lag_one(residuals), float(residuals.std(ddof=2))
    noise = simulate(phi, n, resamples, rng)
    if seasonality is not None:
        noise = seasonality.remove(noise)
    cloud = [
        _fit_rows(rows, gaps, since_end, early, late)
        for rows in np.array_split(noise, -(-noise.shape[0] * gaps.size // CHUNK))
    ]
    signs, slopes, levels, spreads = (np.concatenate(column) for column in zip(*cloud, strict=True))
    extremes = int((np.abs(signs) >= abs(s)).sum())
    return Line(
        slope,
        level,
        slope - sd * slopes / spreads,
        level - sd * levels / spreads,
        s,
        (1 + extremes) / (resamples + 1),
        phi,
        sd,
        residuals,
    )


def _fit_rows(
    rows: Floats, gaps: Floats, since_end: Floats, early: Indices, late: Indices
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return S, slope, level at the end and residual deviation of every row."""
    rises = rows.take(late, axis=1)
    rises -= rows.take(early, axis=1)
    # Simulated noise has no ties, so the rising pairs tell the falling ones.
    signs = 2.0 * np.count_nonzero(rises > 0, axis=1) - gaps.size
    rises /= gaps
    middle = gaps.size // 2
    rises.partition(middle, axis=1)
    slopes = rises[:, middle].copy()
    flat = rows - slopes[:, np.newaxis] * since_end
    return signs, slopes, np.median(flat, axis=1), flat.std(axis=1, ddof=2)


def describe(line: Line, period_s: float, level: float) -> Trend:
    """Return the public result of a fitted line, slopes per period."""
    low, high = np.quantile(line.slopes, [(1 - level) / 2, (1 + level) / 2]) * period_s
    slope = line.slope * period_s
    return Trend(
        slope=slope,
        interval=Interval(min(float(low), slope), max(float(high), slope), level),
        p_value=line.p_value,
        s=line.s,
        autocorrelation=line.phi,
        level=line.level,
        n=line.residuals.size,
    )
