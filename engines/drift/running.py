"""How far the newest rows of one column are from normal, minute by minute."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engines.errors import EngineError

FloatArray = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
OTHER = 20
"""Categories told apart; the rarer ones count as one."""


def running_distance(
    reference: npt.NDArray[Any],  # float64, or objects for categories
    values: npt.NDArray[Any],
    starts: Rows,
    ends: Rows,
) -> FloatArray:
    """Return the distance between a reference and each of several slices of a column.

    Parameters
    ----------
    reference : array of shape (n,)
        Normal rows: numbers with NaN for a missing one, or objects for categories.
    values : array of shape (rows,)
        The column, oldest first, of the same kind.
    starts, ends : array of shape (slices,)
        Rows ``starts[i]:ends[i]`` make slice i.

    Returns
    -------
    array of shape (slices,)
        0 (alike) to 1 (disjoint); NaN for an empty slice.

    Raises
    ------
    EngineError
        If the reference is empty.

    Notes
    -----
    Numbers: the Kolmogorov-Smirnov distance, a missing value counting as one above all others.
    Categories: the total variation distance of the shares. Both are above 0 for alike samples, by
    about ``.87 / sqrt(k)`` for k numbers, so that slices should hold about as many rows each and
    be compared with one another rather than with 0.

    References
    ----------
    Smirnov (1948), Table for estimating the goodness of fit of empirical distributions,
    Ann. Math. Stat. 19(2), doi:10.1214/aoms/1177730256.

    Examples
    --------
    >>> normal = np.arange(100.0)
    >>> column = np.array([10.0, 50.0, 90.0, 200.0, 201.0, 202.0])
    >>> running_distance(normal, column, np.array([0, 3]), np.array([3, 6])).round(2).tolist()
    [0.23, 1.0]
    """
    if len(reference) == 0:
        raise EngineError("the reference of a running distance is empty")
    if reference.dtype == object or values.dtype == object:
        return _variation(reference, values, starts, ends)
    normal = np.sort(np.where(np.isnan(reference), np.inf, reference))
    known = np.where(np.isnan(values), np.inf, values)
    below = np.searchsorted(normal, known, side="left") / normal.size
    upto = np.searchsorted(normal, known, side="right") / normal.size
    found = np.full(len(starts), np.nan)
    for i, (a, b) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        if b > a:
            found[i] = _smirnov(known[a:b], below[a:b], upto[a:b])
    return found


def _smirnov(values: FloatArray, below: FloatArray, upto: FloatArray) -> float:
    """Largest gap of the distribution functions, just before and at each value."""
    ordered = np.sort(values)
    before = np.searchsorted(ordered, values, side="left") / values.size
    at = np.searchsorted(ordered, values, side="right") / values.size
    return float(max(np.abs(before - below).max(), np.abs(at - upto).max()))


def _variation(
    reference: npt.NDArray[Any], values: npt.NDArray[Any], starts: Rows, ends: Rows
) -> FloatArray:
    names, counts = np.unique([str(v) for v in reference.tolist()], return_counts=True)
    kept = names[np.lexsort((names, -counts))][: OTHER - 1].tolist()
    place = {name: i for i, name in enumerate(kept)}
    normal = _shares([str(v) for v in reference.tolist()], place)
    texts = [str(v) for v in values.tolist()]
    return np.array([
        0.5 * np.abs(_shares(texts[a:b], place) - normal).sum() if b > a else np.nan
        for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    ])  # fmt: skip


def _shares(texts: list[str], place: dict[str, int]) -> FloatArray:
    found = np.bincount([place.get(text, len(place)) for text in texts], minlength=len(place) + 1)
    return np.asarray(found / len(texts), dtype=np.float64)
