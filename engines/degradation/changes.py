"""Abrupt changes of level, with a penalty that AR(1) noise alone rarely pays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.degradation.noise import MAX_PHI, Floats, raw_lag_one, simulate
from engines.degradation.season import Seasonality

MIN_POINTS = 16
"""Twice the slope of the bias below, which the correction divides by."""


@dataclass(frozen=True, slots=True)
class Split:
    """How much dependence the best splits take out of AR(1) noise.

    Attributes
    ----------
    count : int
        Splits.
    bias, bias_slope : float
        The lag-1 coefficient of the residuals is low by ``(bias + bias_slope * phi) / n``.
    """

    count: int
    bias: float
    bias_slope: float


SPLITS = (Split(1, 4.0, 8.0), Split(2, 7.0, 12.0))
"""From simulation over n = 30 to 200 and phi = 0 to 0.9, see docs/methods/degradation.md."""


EXACT = 1e-20
"""Steps that leave less than this share of the variance are the whole course: there is no noise."""


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
    candidate. The penalty is ``c`` times the residual variance after the best single split; ``c``
    is a quantile of the largest gain per change, one or two of them, in simulated noise. The lag-1
    coefficient of the residuals is corrected for the split (`SPLITS`) and varied by its standard
    error, since a coefficient taken as known understates the noise. A level that rises and returns
    hides from one split, so a second round starts from the best two; each round gets half of
    `false_alarm`. A slow trend reads as steps: compare with a line.

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
    if n < max(2 * min_size, MIN_POINTS) or float(np.ptp(values)) == 0.0:
        return []
    rounds = [split for split in SPLITS if n >= 2 * split.bias_slope]
    for split in rounds:
        places = best_splits(values, split.count, min_size)
        residuals = remove_levels(values, places)
        if float(residuals.var()) <= EXACT * float(values.var()):
            return places
        phi = _coefficients(residuals, split, resamples, rng)
        noise = simulate(phi, n, resamples, rng)
        if seasonality is not None:
            noise = seasonality.remove(noise)
        factors = _gain_per_change(noise, min_size, split.count)
        factor = float(np.quantile(factors, 1.0 - false_alarm / len(rounds)))
        found = _pelt(values, factor * float(residuals.var()), min_size)
        if found:
            return found
    return []


def best_splits(values: Floats, count: int, min_size: int) -> list[int]:
    """Return the places where one or two splits lower the squared error most."""
    if count == 1:
        return [int(_gain_of_one(values[np.newaxis], min_size)[1][0])]
    best, where = -1.0, [0, 0]
    for first, seconds, gains in _gains_of_two(values[np.newaxis], min_size):
        top = int(gains[0].argmax())
        if gains[0, top] > best:
            best, where = float(gains[0, top]), [first, int(seconds[top])]
    return where


def _coefficients(residuals: Floats, split: Split, count: int, rng: np.random.Generator) -> Floats:
    """Return plausible lag-1 coefficients of the noise behind the residuals."""
    n = residuals.size
    shrink = 1.0 - split.bias_slope / n
    phi = (raw_lag_one(residuals) + split.bias / n) / shrink
    # 1 / sqrt(n) is the standard error of an autocorrelation of 0, the largest there is.
    spread = rng.standard_normal(count) / (shrink * np.sqrt(n))
    return np.asarray(np.clip(phi + spread, 0.0, MAX_PHI))


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


def _gain_of_one(rows: Floats, min_size: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return the largest drop in squared error by one split, and where it is, per row."""
    n = rows.shape[1]
    sums = np.cumsum(rows - rows.mean(axis=1, keepdims=True), axis=1)[
        :, min_size - 1 : n - min_size
    ]
    left = np.arange(min_size, n - min_size + 1, dtype=float)
    gains = sums**2 * n / (left * (n - left))
    best = gains.argmax(axis=1)
    return np.asarray(gains[np.arange(len(rows)), best]), best + min_size


def _gains_of_two(rows: Floats, min_size: int) -> Iterator[tuple[int, NDArray[np.int64], Floats]]:
    """Yield per first split the second ones and the drop in squared error of each, per row."""
    n = rows.shape[1]
    sums = np.cumsum(rows - rows.mean(axis=1, keepdims=True), axis=1)
    for i in range(min_size, n - 2 * min_size + 1):
        j = np.arange(i + min_size, n - min_size + 1)
        first, last = sums[:, i - 1 : i], sums[:, j - 1]
        yield i, j, first**2 / i + (last - first) ** 2 / (j - i) + last**2 / (n - j)


def _gain_per_change(rows: Floats, min_size: int, count: int) -> Floats:
    """Return per row the larger gain per change, over its variance after `count` splits."""
    n = rows.shape[1]
    one, _ = _gain_of_one(rows, min_size)
    two = np.zeros(len(rows))
    for _, _, gains in _gains_of_two(rows, min_size):
        np.maximum(two, gains.max(axis=1), out=two)
    total = np.square(rows - rows.mean(axis=1, keepdims=True)).sum(axis=1)
    left_over = np.maximum(total - (one if count == 1 else two), np.finfo(float).tiny) / n
    return np.asarray(np.maximum(one, two / 2.0) / left_over)
