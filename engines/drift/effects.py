"""Effect sizes: how far apart two distributions are, whatever the number of rows."""

from __future__ import annotations

import math

import numpy as np

from engines.drift.pair import Floats, NumericPair, cell_shares

TINY = 1e-300


def psi(reference: Floats, current: Floats) -> float:
    """Return the population stability index of two vectors of counts over the same cells.

    Notes
    -----
    ``sum (c - r) ln(c / r)`` over shares, with half a row added to each cell (Jeffreys) so empty
    cells stay finite. It has a bias of about (k - 1)(1/n + 1/m): an effect, never a decision.

    References
    ----------
    Siddiqi (2006), Credit risk scorecards, chapter 9.

    Examples
    --------
    >>> psi(np.array([50.0, 50.0]), np.array([50.0, 50.0]))
    0.0
    """
    before = (reference + 0.5) / (reference + 0.5).sum()
    after = (current + 0.5) / (current + 0.5).sum()
    return max(0.0, float(((after - before) * np.log(after / before)).sum()))


def jensen_shannon(reference: Floats, current: Floats) -> float:
    """Return the Jensen-Shannon distance (base 2, square root) of two vectors of counts, 0..1.

    References
    ----------
    Lin (1991), Divergence measures based on the Shannon entropy, IEEE Trans. Inf. Theory 37(1),
    doi:10.1109/18.61115.

    Examples
    --------
    >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    before, after = reference / reference.sum(), current / current.sum()
    # Empty cells count nothing: 0 log 0 is 0, and `TINY` keeps the logarithm finite.
    middle = np.maximum((before + after) / 2.0, TINY)
    divergence = before @ np.log2(np.maximum(before, TINY) / middle)
    divergence += after @ np.log2(np.maximum(after, TINY) / middle)
    return math.sqrt(min(1.0, max(0.0, float(divergence) / 2.0)))


def areas(pair: NumericPair) -> tuple[float, float]:
    """Return the first Wasserstein distance and the shift of the mean, in the column's own unit.

    Notes
    -----
    The area between the two distribution functions, and the same area with its sign.

    References
    ----------
    Ramdas, Trillos, Cuturi (2017), On Wasserstein two-sample testing, Entropy 19(2),
    doi:10.3390/e19020047.

    Examples
    --------
    >>> areas(NumericPair.of_samples(np.array([0.0, 1.0]), np.array([-4.0, 5.0])))
    (4.0, 0.0)
    """
    width = pair.values[1:] - pair.values[:-1]
    gap = pair.gap[:-1]
    signed = float(gap @ width)
    return float(np.abs(gap) @ width), signed


def spread(pair: NumericPair) -> float:
    """Return the reference interquartile range, or its range where that is 0 (both 0: 1)."""
    low, high = pair.reference_quantiles(np.array([0.25, 0.75]))
    if high > low:
        return float(high - low)
    first, last = pair.reference_quantiles(np.array([0.0, 1.0]))
    return float(last - first) if last > first else 1.0


def bin_counts(pair: NumericPair, bins: int) -> tuple[Floats, Floats]:
    """Return rows of both samples in equal-mass bins of the reference."""
    edges = pair.reference_quantiles(np.arange(1, bins) / bins)
    edges = edges[np.concatenate(([True], edges[1:] != edges[:-1]))]
    before, after = pair.cdf_at(edges)
    reference, current = cell_shares(before) * pair.n, cell_shares(after) * pair.m
    return np.maximum(reference, 0.0), np.maximum(current, 0.0)


def debias(effect: float, noise: float) -> float:
    """Return ``sqrt(effect**2 - noise**2)``, at least 0, `noise` being its size without change.

    Examples
    --------
    >>> debias(0.5, 0.3)
    0.4
    """
    return math.sqrt(max(0.0, effect * effect - noise * noise))


def ks_noise(n: int, m: int) -> float:
    """Return the root mean square of D without change.

    Notes
    -----
    Kolmogorov's limit has mean square pi**2 / 12, so ``sqrt(pi**2 / 12 * (1/n + 1/m))``.
    """
    return math.sqrt(math.pi**2 / 12.0 * (1.0 / n + 1.0 / m))
