"""Whether rows stopped coming: the present silence against the gaps of the past."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engines.quality.result import Freshness, FreshnessAnswer
from engines.result import Insufficient
from engines.sentence import say

MIN_GAPS = 20


def check_freshness(
    times_s: NDArray[np.float64] | Sequence[float], now_s: float, *, stale_factor: float = 3.0
) -> FreshnessAnswer:
    """Return how the silence since the last row compares with the gaps before.

    Parameters
    ----------
    times_s : array
        Moments at which rows came, in seconds, in any order.
    now_s : float
        The present, not before the last of them.
    stale_factor : float
        A silence this many times the longest gap is ``stale``, one above the longest is ``late``.

    Returns
    -------
    Freshness or Insufficient
        Needs `MIN_GAPS` gaps.

    Notes
    -----
    H0: the silence is exchangeable with the gaps; then it exceeds all n of them with probability
    1 / (n + 1). What breaks it: nights and weekends that the history does not hold.

    Examples
    --------
    >>> check_freshness(range(0, 300, 10), 400.0).state
    'stale'
    """
    times = np.sort(np.asarray(times_s, dtype=np.float64))
    gaps = np.diff(times)
    if len(gaps) < MIN_GAPS:
        return Insufficient(
            say(
                "reasons.freshness_needs_gaps",
                "freshness needs {needed, number} gaps between rows, got {got, number}",
                needed=MIN_GAPS,
                got=len(gaps),
            ),
            MIN_GAPS,
            len(gaps),
        )
    age = max(0.0, now_s - float(times[-1]))
    longest = float(gaps.max())
    p = (1 + int(np.sum(gaps >= age))) / (len(gaps) + 1)
    state = "fresh" if age <= longest else "late" if age <= stale_factor * longest else "stale"
    return Freshness(state, age, float(np.median(gaps)), longest, p, len(gaps))  # type: ignore[arg-type]
