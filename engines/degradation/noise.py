"""Stationary AR(1) noise: its coefficient from residuals, and simulated copies of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError

Floats = NDArray[np.float64]

MAX_PHI = 0.95
"""Nearer to 1 the null cannot be told from a random walk, which has trends of its own."""


def lag_one(residuals: Floats) -> float:
    """Return the lag-1 autocorrelation of `residuals`, corrected for small samples.

    Parameters
    ----------
    residuals : array of float, shape (n,)
        What is left after the fit, in order of time.

    Returns
    -------
    float
        In 0 to 0.95; negative values count as 0, which makes the tests err on the safe side.

    Notes
    -----
    ``phi = r + (2 + 4 r) / n``: a fitted line makes residuals look less dependent than the noise
    is, and this gives most of it back. Constant residuals give 0.
    Gaps in time are not seen.

    Examples
    --------
    >>> round(lag_one(np.array([1.0, 1.0, -1.0, -1.0] * 10)), 3)
    0.078

    References
    ----------
    Marriott and Pope (1954), Bias in the estimation of autocorrelations, Biometrika 41.
    """
    raw = raw_lag_one(residuals)
    return min(MAX_PHI, max(0.0, raw + (2.0 + 4.0 * raw) / residuals.size))


def raw_lag_one(residuals: Floats) -> float:
    """Return the lag-1 autocorrelation as it stands; 0 for constant residuals."""
    centred = residuals - residuals.mean()
    power = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / power if power > 0 else 0.0


def simulate(phi: float | Floats, n: int, count: int, rng: np.random.Generator) -> Floats:
    """Return `count` stationary AR(1) series of length `n` with unit variance.

    Parameters
    ----------
    phi : float or array of float, shape (count,)
        Lag-1 coefficient, of all series or of each, -1 to 1 exclusive.
    n, count : int
        Length and number of series.
    rng : numpy.random.Generator
        Source of the innovations.

    Returns
    -------
    array of float, shape (count, n)

    Raises
    ------
    EngineError
        When the process would not be stationary.

    Examples
    --------
    >>> simulate(0.5, 4, 2, np.random.default_rng(0)).shape
    (2, 4)
    """
    if np.any(np.abs(phi) >= 1):
        raise EngineError(f"an AR(1) coefficient must be within -1..1, got {phi}")
    series = rng.standard_normal((n, count))
    series[1:] *= np.sqrt(1.0 - np.square(phi))
    for i in range(1, n):
        series[i] += phi * series[i - 1]
    return np.ascontiguousarray(series.T)
