"""Thin a long series to what a screen can show, keeping peaks and gaps."""

from __future__ import annotations

from typing import Any

import numpy as np

MAX_POINTS = 1000
Array = np.ndarray[Any, Any]


def keep(x: Array, y: Array, limit: int = MAX_POINTS) -> Array:
    """Return the indices to draw, ascending; `-1` marks a gap where the line must break.

    Points without a value are dropped.  A gap is a step of more than three times the median step;
    MinMaxLTTB (Van der Donckt and others, 2023) keeps the extremes of what is left.
    """
    present = np.flatnonzero(np.isfinite(y))
    if len(present) == 0:
        return present
    chosen = present
    if len(present) > limit:
        from tsdownsample import MinMaxLTTBDownsampler

        values = np.ascontiguousarray(y[present], dtype=np.float64)
        downsampler: Any = MinMaxLTTBDownsampler
        chosen = present[downsampler().downsample(values, n_out=limit).astype(np.int64)]
    return _with_gaps(x, present, chosen)


def _with_gaps(x: Array, present: Array, chosen: Array) -> Array:
    if len(present) < 3:
        return chosen
    steps = np.diff(x[present])
    breaks = present[:-1][steps > 3 * np.median(steps)]
    if len(breaks) == 0:
        return chosen
    at = np.unique(np.searchsorted(chosen, breaks, side="right"))
    at = at[(at > 0) & (at < len(chosen))]
    return np.insert(chosen, at, -1)
