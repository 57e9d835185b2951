"""Edge differential: the delay a call meets between its caller and its callee."""

from __future__ import annotations

import numpy as np

from engines.causal.inputs import FloatArray

LEAST_SCALE_S = 0.0005
"""Half a millisecond: differences below the clock and bucket resolution are not evidence."""


def wire_deviation(
    seen_by_caller: FloatArray,
    seen_by_callee: FloatArray,
    history: slice,
    before: slice,
    after: slice,
    *,
    min_rows: int = 3,
) -> float:
    """Return log(1 + z) of the time one call spends outside both services.

    Parameters
    ----------
    seen_by_caller, seen_by_callee : array of shape (rows,)
        Latency of the edge in seconds on the same rows; NaN where there was no call.
    history, before, after : slice
        Rows of normal times, just before the onset, and after it.
    min_rows : int, optional
        Fewer rows before the onset score 0.

    Returns
    -------
    float
        0 or more; large means that the network, a proxy or a queue delays this call.

    Notes
    -----
    The callee's processing is in both latencies and cancels; the wire stays. Scale: max(standard
    deviation before, interquartile range of the history, half a millisecond).

    Examples
    --------
    >>> seen = np.array([0.010] * 8 + [0.210] * 4)
    >>> served = np.full(12, 0.008)
    >>> round(wire_deviation(seen, served, slice(0, 8), slice(0, 8), slice(8, 12)), 3)
    5.994
    """
    gap = seen_by_caller - seen_by_callee
    late, usual, past = (_seen(gap[rows]) for rows in (after, before, history))
    if usual.size < min_rows or late.size == 0:
        return 0.0
    spread = float(np.subtract(*np.percentile(past, [75, 25]))) if past.size else 0.0
    scale = max(float(usual.std()), spread, LEAST_SCALE_S)
    return float(np.log1p(max(0.0, (float(late.max()) - float(np.median(usual))) / scale)))


def _seen(values: FloatArray) -> FloatArray:
    return values[np.isfinite(values)]
