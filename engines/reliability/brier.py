"""The Brier score and its parts, corrected for the bias of finite bins."""

from __future__ import annotations

from engines.reliability.calibration_error import Binned, Floats
from engines.reliability.result import Brier
from engines.result import Interval


def decompose(scores: Floats, labels: Floats, binned: Binned, level: float = 0.9) -> Brier:
    """Return the Brier score split into reliability, resolution and uncertainty.

    Parameters
    ----------
    scores, labels : array of float, shape (n,)
        Probabilities 0 to 1, and 0 or 1 with both present.
    binned : Binned
        The same rows in bins.
    level : float
        Confidence level of the interval of the score, in (0, 1).

    Returns
    -------
    Brier

    Notes
    -----
    With bin rate ``y_b`` and ``A = sum n_b y_b (1 - y_b) / (n_b - 1) / n``,
    ``C = y (1 - y) / (n - 1)``: reliability is less A, resolution less A plus C, uncertainty
    plus C, so the sum is unchanged. Single-row bins would break it; bins hold ten or more.
    The interval of the score is normal and needs independent rows.

    Examples
    --------
    >>> import numpy as np
    >>> from engines.reliability.calibration_error import bin_scores
    >>> p, y = np.tile([0.2, 0.8], 50), np.tile([0.0, 1.0], 50)
    >>> found = decompose(p, y, bin_scores(p, y))
    >>> round(found.score, 3), round(found.uncertainty, 4)
    (0.04, 0.2525)

    References
    ----------
    Murphy (1973), A new vector partition of the probability score, J. Applied Meteorology 12.
    Ferro and Fricker (2012), A bias-corrected decomposition of the Brier score, Q. J. Royal
    Meteorological Society 138, doi:10.1002/qj.1924.
    """
    from scipy.special import ndtri

    n = scores.size
    squares = (scores - labels) ** 2
    score = float(squares.mean())
    half = float(ndtri(0.5 + level / 2)) * float(squares.std(ddof=1)) / n**0.5
    weights = binned.sizes / n
    base = float(labels.mean())
    spread = binned.observed * (1 - binned.observed)
    a = float(weights @ (spread / (binned.sizes - 1)))
    c = base * (1 - base) / (n - 1)
    reliability = float(weights @ (binned.mean_score - binned.observed) ** 2) - a
    resolution = float(weights @ (binned.observed - base) ** 2) - a + c
    uncertainty = base * (1 - base) + c
    return Brier(
        score=score,
        interval=Interval(max(0.0, score - half), min(1.0, score + half), level),
        reliability=reliability,
        resolution=resolution,
        uncertainty=uncertainty,
        within=score - (reliability - resolution + uncertainty),
        skill=1.0 - score / uncertainty,
    )
