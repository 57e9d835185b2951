"""The Wilson interval of a share."""

from __future__ import annotations

import math
from statistics import NormalDist

from engines.errors import EngineError
from engines.result import Interval


def wilson(hits: int, n: int, level: float) -> Interval:
    """Return the Wilson interval of `hits` out of `n`.

    Parameters
    ----------
    hits, n : int
        ``0 <= hits <= n``, n at least 1.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    Interval
        Within 0 to 1, containing ``hits / n``.

    Raises
    ------
    EngineError
        When the counts are impossible.

    Notes
    -----
    Assumes independent cases; repeated or clustered ones need one vote per cluster.

    Examples
    --------
    >>> interval = wilson(8, 10, 0.95)
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.49, 0.943)

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22.
    """
    if not 0 <= hits <= n or n < 1:
        raise EngineError(f"need 0 <= hits <= n and n >= 1, got {hits} of {n}")
    z2 = NormalDist().inv_cdf(0.5 + level / 2.0) ** 2
    share = hits / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == n else min(1.0, centre + half)
    return Interval(min(low, share), max(high, share), level)
