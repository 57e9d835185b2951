"""Increase of a counter that restarts."""

from __future__ import annotations

from collections.abc import Sequence


def increase(samples: Sequence[float]) -> float | None:
    """Return what a counter gained over its samples; None for fewer than two.

    Notes
    -----
    A fall is a restart from zero: the new value is what was gained since.

    Examples
    --------
    >>> increase([100, 150, 10, 40])
    90.0
    """
    if len(samples) < 2:
        return None
    pairs = zip(samples, samples[1:], strict=False)
    return float(sum(b - a if b >= a else b for a, b in pairs))
