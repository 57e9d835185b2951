"""Abrupt changes of level, with a penalty that AR(1) noise alone rarely pays."""

from __future__ import annotations

import numpy as np

from engines.degradation.noise import Floats, lag_one, simulate
from engines.degradation.season import Seasonality

SPLIT_BIAS = (3.0, 6.0)
"""Bias correction of the lag-1 coefficient after the best single split, see `find_changes`."""


def find_changes(
    values: Floats,
    *,
    false_alarm: float,
    resamples: int,
    rng: np.random.Generator,
    seasonality: Seasonality | None = None,
    min_size: int = 5,
) -> list[int]:
    """Return the positions at which the level of `values` changes.

    Parameters
    ----------
    values : array of float, shape (n,)
        Evenly spaced, finite.
    false_alarm : float
        Share of stationary AR(1) series in which any change may be reported, in (0, 1).
    resamples : int
        Simulated series for the penalty.
    rng : numpy.random.Generator
        Source of the noise.
    seasonality : Seasonality, optional
        The pattern already taken out of `values`; the noise is treated alike.
    min_size : int
        Fewest observations in a segment.

    Returns
    -------
    list of int
        First index of each new segment, rising; empty when nothing stands out.

    Notes
    -----
    H0: a constant plus stationary AR(1) noise. PELT with squared error and every index a
    candidate. The penalty is ``c`` times the residual variance after the best single split;
    ``c`` is the ``1 - false_alarm`` quantile of the largest gain per change, one or two of
    them, in simulated noise with the residuals' lag-1 coefficient. Splitting noise at its best
    place removes dependence, corrected by ``(3 + 6 phi) / n`` (from simulation, see
    docs/methods/degradation.md). A slow trend reads as steps: compare with a line.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(size=80)
    >>> step = np.where(np.arange(80) < 50, 0.0, 3.0)
    >>> find_changes(noise + step, false_alarm=0.05, resamples=199, rng=np.random.default_rng(0))
    [50]

    References
    ----------
    Killick, Fearnhead and Eckley (2012), Optimal detection of changepoints with a linear
    computational cost, JASA 107, doi:10.1080/01621459.2012.737745.
    """
    n = values.size
    if n < 2 * min_size or float(np.ptp(values)) == 0.0:
        return []
    rows = values[np.newaxis]
    split = int(_gain_of_one(rows, min_size)[1][0])
    residuals = remove_levels(values, [split])
    noise = simulate(lag_one(residuals, SPLIT_BIAS), n, resamples, rng)
    if seasonality is not None:
        noise = seasonality.remove(noise)
    factor = float(np.quantile(_gain_per_change(noise, min_size), 1.0 - false_alarm))
    return _pelt(values, factor * float(residuals.var()), min_size)


def remove_levels(values: Floats, starts: list[int]) -> Floats:
    """Return `values` less the mean of the segment each lies in."""
    pieces = np.split(values, starts)
    return np.concatenate([piece - piece.mean() for piece in pieces if piece.size])


def _pelt(values: Floats, penalty: float, min_size: int) -> list[int]:
    import ruptures

    if penalty <= 0:
        return []
    search = ruptures.KernelCPD(kernel="linear", min_size=min_size, jump=1)
    return [int(end) for end in search.fit(values.reshape(-1, 1)).predict(pen=penalty)[:-1]]


def _gain_of_one(rows: Floats, min_size: int) -> tuple[Floats, np.ndarray]:
    """Return the largest drop in squared error by one split, and where it is, per row."""
    n = rows.shape[1]
    sums = np.cumsum(rows - rows.mean(axis=1, keepdims=True), axis=1)[
        :, min_size - 1 : n - min_size
    ]
    left = np.arange(min_size, n - min_size + 1, dtype=float)
    gains = sums**2 * n / (left * (n - left))
    best = gains.argmax(axis=1)
    return np.asarray(gains[np.arange(len(rows)), best]), best + min_size


def _gain_per_change(rows: Floats, min_size: int) -> Floats:
    """Return per row the larger of gain / 1 and gain / 2, over its variance after one split."""
    n = rows.shape[1]
    centred = rows - rows.mean(axis=1, keepdims=True)
    one, _ = _gain_of_one(rows, min_size)
    sums = np.cumsum(centred, axis=1)
    two = np.zeros(len(rows))
    for i in range(min_size, n - 2 * min_size + 1):
        j = np.arange(i + min_size, n - min_size + 1)
        first, last = sums[:, i - 1 : i], sums[:, j - 1]
        gains = first**2 / i + (last - first) ** 2 / (j - i) + last**2 / (n - j)
        np.maximum(two, gains.max(axis=1), out=two)
    left_over = np.maximum(np.square(centred).sum(axis=1) - one, 1e-300) / n
    return np.asarray(np.maximum(one, two / 2.0) / left_over)
