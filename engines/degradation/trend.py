"""Theil-Sen slope with an interval and a test that autocorrelation does not fool."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.degradation.noise import Floats, lag_one, simulate
from engines.degradation.result import Trend
from engines.degradation.season import Seasonality
from engines.result import Interval


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
    slopes, levels, spreads = np.empty((3, resamples))
    extremes = 0
    for i, row in enumerate(noise):
        rises = row[late] - row[early]
        extremes += abs(int(np.sign(rises).sum())) >= abs(s)
        slopes[i] = np.median(rises / gaps)
        levels[i] = np.median(row - slopes[i] * since_end)
        spreads[i] = (row - slopes[i] * since_end).std(ddof=2)
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
