"""How far the newest rows of one column are from normal, minute by minute."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engines.errors import EngineError

FloatArray = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
MOST_CELLS = 1_000_000
"""Values of slices that are sorted at once."""
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
    known = np.append(np.where(np.isnan(values), np.inf, values), np.inf)
    sizes = np.maximum(ends - starts, 0)
    found = np.full(len(starts), np.nan)
    chosen = np.flatnonzero(sizes)
    if chosen.size == 0:
        return found
    for some in np.array_split(chosen, 1 + int(sizes.max()) * chosen.size // MOST_CELLS):
        columns = starts[some, None] + np.arange(sizes[some].max())
        # Slices are made equally long by infinite values, at which both functions are 1.
        rows = known[np.where(columns < ends[some, None], columns, values.size)]
        found[some] = _smirnov(normal, np.sort(rows, axis=1), sizes[some, None])
    return found


def _smirnov(normal: FloatArray, ordered: FloatArray, sizes: Rows) -> FloatArray:
    """Largest gap of the distribution functions per row, just before and at each value."""
    places = np.arange(ordered.shape[1])
    begins = np.ones(ordered.shape, dtype=bool)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    ends = np.ones(ordered.shape, dtype=bool)
    ends[:, :-1] = begins[:, 1:]
    last = np.minimum.accumulate(np.where(ends, places, places.size)[:, ::-1], axis=1)[:, ::-1]
    before = np.minimum(first, sizes) / sizes
    at = np.minimum(last + 1, sizes) / sizes
    below = np.searchsorted(normal, ordered, side="left") / normal.size
    upto = np.searchsorted(normal, ordered, side="right") / normal.size
    gaps = np.maximum(np.abs(before - below), np.abs(at - upto))
    return np.asarray(gaps.max(axis=1), dtype=np.float64)


def _variation(
    reference: npt.NDArray[Any], values: npt.NDArray[Any], starts: Rows, ends: Rows
) -> FloatArray:
    names, counts = np.unique([str(v) for v in reference.tolist()], return_counts=True)
    kept = names[np.lexsort((names, -counts))][: OTHER - 1].tolist()
    place = {name: i for i, name in enumerate(kept)}
    normal = _one_hot(reference, place).mean(axis=0)
    sizes = np.maximum(ends - starts, 0)[:, None]
    upto = np.vstack([np.zeros(len(place) + 1), np.cumsum(_one_hot(values, place), axis=0)])
    counts = upto[np.maximum(starts, ends)] - upto[starts]
    shares = np.divide(counts, sizes, out=np.full(counts.shape, np.nan), where=sizes > 0)
    return np.asarray(0.5 * np.abs(shares - normal).sum(axis=1), dtype=np.float64)


def _one_hot(values: npt.NDArray[Any], place: dict[str, int]) -> FloatArray:
    """Return a row a value with 1 in the column of its category, the last that of all others."""
    codes = [place.get(str(value), len(place)) for value in values.tolist()]
    return np.asarray(np.eye(len(place) + 1)[codes], dtype=np.float64)
