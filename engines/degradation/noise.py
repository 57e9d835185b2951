"""Stationary AR(1) noise: its coefficient from residuals, and simulated copies of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError

Floats = NDArray[np.float64]

MAX_PHI = 0.95
"""Nearer to 1 the null cannot be told from a random walk, which has trends of its own."""


def lag_one(residuals: Floats, bias: tuple[float, float] = (1.0, 4.0)) -> float:
    """Return the lag-1 autocorrelation of `residuals`, corrected for small samples.

    Parameters
    ----------
    residuals : array of float, shape (n,)
        What is left after the fit, in order of time.
    bias : (float, float)
        ``(a, b)`` of the correction ``phi + (a + b * phi) / n``.

    Returns
    -------
    float
        In 0 to 0.95; negative values count as 0, which makes the tests err on the safe side.

    Notes
    -----
    A fitted line makes residuals look less dependent than the noise is; (1, 4) corrects most
    of that for a line. Constant residuals give 0. Gaps in time are not seen.

    Examples
    --------
    >>> round(lag_one(np.array([1.0, 1.0, -1.0, -1.0] * 10)), 3)
    0.053

    References
    ----------
    Marriott and Pope (1954), Bias in the estimation of autocorrelations, Biometrika 41.
    """
    centred = residuals - residuals.mean()
    power = float(centred @ centred)
    if power <= 0:
        return 0.0
    phi = float(centred[1:] @ centred[:-1]) / power
    return min(MAX_PHI, max(0.0, phi + (bias[0] + bias[1] * phi) / residuals.size))


def simulate(phi: float, n: int, count: int, rng: np.random.Generator) -> Floats:
    """Return `count` stationary AR(1) series of length `n` with unit variance.

    Parameters
    ----------
    phi : float
        Lag-1 coefficient, -1 to 1 exclusive.
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
    if not -1 < phi < 1:
        raise EngineError(f"an AR(1) coefficient must be within -1..1, got {phi}")
    series = rng.standard_normal((n, count))
    series[1:] *= np.sqrt(1.0 - phi * phi)
    for i in range(1, n):
        series[i] += phi * series[i - 1]
    return np.ascontiguousarray(series.T)
