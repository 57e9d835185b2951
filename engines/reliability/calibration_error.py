"""Calibration error without the bias of small bins, and its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.errors import InsufficientData
from engines.reliability.proportion import wilson
from engines.reliability.result import Bin, CalibrationError
from engines.result import Interval
from engines.sentence import say

Floats = NDArray[np.float64]

MIN_ROWS = 50
MIN_OF_A_CLASS = 5
"""Below five positives or negatives a bin's variance is mostly unknown."""


@dataclass(frozen=True, slots=True)
class Binned:
    """Sums per bin of equal mass; rows with equal scores are never parted.

    Attributes
    ----------
    sizes : array of int
        Rows per bin.
    mean_score, observed : array of float
        Mean score and share of positives per bin.
    gap_variance : array of float
        Sample variance of score minus label per bin.
    low, high : array of float
        Smallest and largest score per bin.
    """

    sizes: NDArray[np.int64]
    mean_score: Floats
    observed: Floats
    gap_variance: Floats
    low: Floats
    high: Floats


ROUNDING = 1e-12
"""Noise below this share of the squared gap is rounding: every bin then holds one outcome alone."""
LARGE_Q = 1e6
"""Above this a noncentral chi-square is normal to 1 in 1,000 of its standard deviation."""

SKEW = 1 / 3
"""With this many degrees fewer the signed root of a chi-square has mean 0 (within 0.005 for 5 or
more degrees, by simulation); taking out the whole mean would leave the root too low."""


def bin_scores(scores: Floats, labels: Floats, bins: int = 15) -> Binned:
    """Return sums over at most `bins` bins of equal mass.

    Parameters
    ----------
    scores, labels : array of float, shape (n,)
        Probabilities 0 to 1, and 0 or 1.
    bins : int
        Wanted; fewer when there are under 20 rows for each, or many equal scores.

    Returns
    -------
    Binned

    Examples
    --------
    >>> bin_scores(np.repeat([0.1, 0.9], 50), np.repeat([0.0, 1.0], 50)).sizes.tolist()
    [50, 50]
    """
    n = scores.size
    order = np.argsort(scores, kind="stable")
    score, label = scores[order], labels[order]
    wanted = max(1, min(bins, n // 20))
    cuts = np.unique(score[(np.arange(1, wanted) * n) // wanted])
    starts = np.unique(np.r_[0, np.searchsorted(score, cuts, side="left")])
    sizes = np.diff(np.r_[starts, n])
    starts, sizes = _merge_small(starts, sizes, n)
    gap = score - label
    mean_gap = np.add.reduceat(gap, starts) / sizes
    squares = np.add.reduceat((gap - np.repeat(mean_gap, sizes)) ** 2, starts)
    return Binned(
        sizes,
        np.add.reduceat(score, starts) / sizes,
        np.add.reduceat(label, starts) / sizes,
        squares / (sizes - 1),
        score[starts],
        score[starts + sizes - 1],
    )


def _merge_small(
    starts: NDArray[np.int64], sizes: NDArray[np.int64], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Join a bin of under ten rows to the one before it: its variance would be a guess."""
    kept = [0]
    for start, size in zip(starts[1:], sizes[1:], strict=True):
        if size >= 10 and start - kept[-1] >= 10:
            kept.append(int(start))
    joined = np.asarray(kept)
    return joined, np.diff(np.r_[joined, n])


def calibration_error(binned: Binned, level: float = 0.9) -> CalibrationError:
    """Return the debiased calibration error with an interval that holds its level.

    Parameters
    ----------
    binned : Binned
        From `bin_scores`.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    CalibrationError
        Root mean square error over bins; lower is better.

    Notes
    -----
    H0 of the p value: every bin's mean score is its true rate. With bin gap ``d``, variance
    ``s2``, weight ``w = n_b / n``, ``v_b = w s2 / n_b`` and ``u = sum v_b``: ``E2 = sum w d2 - u``.
    Effective bins ``B = u2 / sum v_b2`` (Satterthwaite, for bins of unequal variance); reported is
    the signed root of ``E2 + u / (3 B)``, the third taking out what the root makes of the
    chi-square's skew. ``Q = B sum w d2 / u`` follows a noncentral chi-square with B
    degrees of freedom and ``lambda = B E2 / u``. The interval inverts the test that accepts
    between the quantiles ``a`` and ``a + level``, ``a`` growing from 0 at lambda 0 to
    ``(1 - level) / 2`` one standard deviation of Q later: it holds its level at perfect
    calibration too, where a central interval would cover more. Its upper end is never below the
    one that the median Q of a perfect model gives (power-constrained), so that luck is not
    taken for knowledge.
    It breaks when nearly all rows of a bin share one label and when rows are not independent;
    error that averages out within a bin is not seen.

    Examples
    --------
    >>> p = np.random.default_rng(0).uniform(size=2000)
    >>> y = (np.random.default_rng(1).uniform(size=2000) < p).astype(float)
    >>> result = calibration_error(bin_scores(p, y))
    >>> result.interval.low, result.ece < 0.02 < result.plug_in
    (0.0, True)

    References
    ----------
    Kumar, Liang and Ma (2019), Verified uncertainty calibration, NeurIPS.
    Broecker (2012), Estimating reliability and resolution of probability forecasts, Climate
    Dynamics 39. Satterthwaite (1946), An approximate distribution of estimates of variance
    components, Biometrics Bulletin 2. Cowan, Cranmer, Gross and Vitells (2011), Power-constrained
    limits, arXiv:1105.3166.
    """
    from scipy.special import chdtrc

    weights = binned.sizes / binned.sizes.sum()
    gaps = binned.mean_score - binned.observed
    variances = weights * binned.gap_variance / binned.sizes
    noise = float(variances.sum())
    total = float(weights @ gaps**2)
    if noise <= ROUNDING * total:
        raise InsufficientData(
            say(
                "reasons.no_mixed_bin",
                "no bin holds both outcomes, so the noise cannot be measured",
            )
        )
    freedom = noise**2 / float(variances @ variances)
    q = freedom * total / noise
    low, high = _invert(q, freedom, level)
    scale = noise / freedom
    square = total - scale * (freedom - SKEW)
    return CalibrationError(
        ece=math.copysign(math.sqrt(abs(square)), square),
        interval=Interval(math.sqrt(low * scale), math.sqrt(high * scale), level),
        plug_in=float(weights @ np.abs(gaps)),
        p_value=float(chdtrc(freedom, q)),
        n=int(binned.sizes.sum()),
    )


def _invert(q: float, freedom: float, level: float) -> tuple[float, float]:
    """Return the interval of the noncentrality that would explain `q`."""
    from scipy.optimize import brentq
    from scipy.special import chdtri, chndtr, ndtri

    tail, reach = (1.0 - level) / 2.0, math.sqrt(2.0 * freedom)

    def left(noncentrality: float) -> float:
        return tail * min(1.0, noncentrality / reach)

    def excess(noncentrality: float, found: float, above: float) -> float:
        return float(chndtr(found, freedom, noncentrality)) - left(noncentrality) - above

    if q > LARGE_Q:
        # Far from perfect the statistic is normal with variance 4 q, and chndtr loses its digits.
        reach = float(ndtri(1.0 - tail)) * 2.0 * math.sqrt(q)
        return q - freedom - reach, q - freedom + reach
    luck = max(q, float(chdtri(freedom, 0.5)))
    top = 2.0 * luck + 10.0 * reach + 20.0
    is_perfect = excess(0.0, q, level) <= 0
    low = 0.0 if is_perfect else float(brentq(excess, 0.0, top, args=(q, level)))
    return low, float(brentq(excess, 0.0, top, args=(luck, 0.0)))


def diagram(binned: Binned, level: float) -> tuple[Bin, ...]:
    """Return the points of the reliability diagram."""
    rows = zip(
        binned.low.tolist(),
        binned.high.tolist(),
        binned.mean_score.tolist(),
        binned.observed.tolist(),
        binned.sizes.tolist(),
        strict=True,
    )
    return tuple(
        Bin(low, high, mean, observed, wilson(round(observed * n), n, level), n)
        for low, high, mean, observed, n in rows
    )


def require_rows(labels: Floats) -> None:
    """Raise InsufficientData unless there is enough of both labels for a calibration error."""
    if labels.size < MIN_ROWS:
        raise InsufficientData(
            say(
                "reasons.calibration_needs_rows",
                "calibration needs at least {needed, number} labelled rows, got {got, number}",
                needed=MIN_ROWS,
                got=int(labels.size),
            ),
            needed=MIN_ROWS,
            got=int(labels.size),
        )
    rarer = int(min(labels.sum(), (1 - labels).sum()))
    if rarer < MIN_OF_A_CLASS:
        raise InsufficientData(
            say(
                "reasons.calibration_needs_both",
                "calibration needs {needed, number} rows of each outcome, got {got, number} of "
                "the rarer",
                needed=MIN_OF_A_CLASS,
                got=rarer,
            ),
            needed=MIN_OF_A_CLASS,
            got=rarer,
        )
