"""Which rows are compared: windows by time or count, and what they are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError, InsufficientData
from engines.sentence import say

Rows = NDArray[np.int64]
Times = NDArray[np.float64]

HOUR_S = 3600.0
WEEK_S = 7 * 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of the reference rows and of the current rows, each in order of time."""

    reference: Rows
    current: Rows


def _times(times: Times) -> Times:
    array = np.asarray(times, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise EngineError("times must be one finite number of seconds per row")
    return array


def time_window(times: Times, start_s: float, end_s: float) -> Rows:
    """Return the rows with ``start_s <= time < end_s``, oldest first.

    Parameters
    ----------
    times : ndarray of float, shape (rows,)
        Event times in seconds, in any order: late rows count where they happened.
    start_s, end_s : float
        Half-open interval, so that neighbouring windows share no row.

    Examples
    --------
    >>> time_window(np.array([30.0, 10.0, 20.0]), 10.0, 30.0).tolist()
    [1, 2]
    """
    array = _times(times)
    if end_s < start_s:
        raise EngineError(f"window ends before it starts: {start_s} to {end_s}")
    inside = np.flatnonzero((array >= start_s) & (array < end_s))
    return inside[np.argsort(array[inside], kind="stable")]


def last_rows(times: Times, count: int) -> Rows:
    """Return the newest `count` rows (fewer when there are fewer), oldest first.

    Examples
    --------
    >>> last_rows(np.array([3.0, 1.0, 2.0]), 2).tolist()
    [2, 0]
    """
    if count < 1:
        raise EngineError(f"count must be at least 1, got {count}")
    return np.argsort(_times(times), kind="stable")[-count:]


def fixed(times: Times, reference_end_s: float, start_s: float, end_s: float) -> Split:
    """Return everything before `reference_end_s` against the window from start to end.

    Examples
    --------
    >>> fixed(np.arange(6.0), 3.0, 4.0, 6.0).current.tolist()
    [4, 5]
    """
    if reference_end_s > start_s:
        raise EngineError(f"reference ends at {reference_end_s}, inside the window from {start_s}")
    return Split(time_window(times, -np.inf, reference_end_s), time_window(times, start_s, end_s))


def rolling(times: Times, end_s: float, window_s: float, reference_s: float) -> Split:
    """Return the last `window_s` before `end_s` against the `reference_s` before that.

    Notes
    -----
    A slow drift follows the reference and stays small in every window; use a fixed reference for
    it.

    Examples
    --------
    >>> rolling(np.arange(10.0), end_s=10.0, window_s=2.0, reference_s=3.0).reference.tolist()
    [5, 6, 7]
    """
    if min(window_s, reference_s) <= 0:
        raise EngineError(f"windows must be above 0 s, got {window_s} and {reference_s}")
    start = end_s - window_s
    return Split(time_window(times, start - reference_s, start), time_window(times, start, end_s))


def rolling_rows(times: Times, window: int, reference: int) -> Split:
    """Return the newest `window` rows against the `reference` rows before them."""
    newest = last_rows(times, window + reference)
    cut = max(0, len(newest) - window)
    return Split(newest[:cut], newest[cut:])


def seasonal(
    times: Times, end_s: float, window_s: float, *, period_s: float = WEEK_S, periods: int = 4
) -> Split:
    """Return the window before `end_s` against the same hours of earlier periods.

    Parameters
    ----------
    times : ndarray of float
        Event times in seconds.
    end_s, window_s : float
        The window; at most one period long.
    period_s : float
        Length of the season; a week by default, so Monday 9:00 meets Mondays 9:00.
    periods : int
        How many earlier periods are pooled, at least 1.

    Raises
    ------
    EngineError
        When the window is longer than the period.

    Notes
    -----
    Daylight saving moves local hours by one in UTC seconds; windows of several hours absorb it.

    Examples
    --------
    >>> hours = np.arange(0.0, 15 * 24) * 3600
    >>> split = seasonal(hours, end_s=15 * 24 * 3600.0, window_s=3600.0, periods=2)
    >>> split.current.tolist(), split.reference.tolist()
    ([359], [23, 191])
    """
    if not 0 < window_s <= period_s or periods < 1:
        raise EngineError(f"needs 0 < window_s <= {period_s} and periods >= 1, got {window_s}")
    start = end_s - window_s
    earlier = [
        time_window(times, start - back * period_s, end_s - back * period_s)
        for back in range(periods, 0, -1)
    ]
    return Split(np.concatenate(earlier), time_window(times, start, end_s))


def previous_version(versions: NDArray[np.generic], times: Times, version: str) -> Split:
    """Return the rows of `version` against those of the version that was first seen just before it.

    Raises
    ------
    EngineError
        When `version` has no row.
    InsufficientData
        When it is the first version.

    Examples
    --------
    >>> split = previous_version(np.array(["a", "b", "a", "b"]), np.arange(4.0), "b")
    >>> split.reference.tolist(), split.current.tolist()
    ([0, 2], [1, 3])
    """
    names = np.asarray(versions).astype(str)
    order = np.argsort(_times(times), kind="stable")
    seen = list(dict.fromkeys(names[order].tolist()))
    if version not in seen:
        raise EngineError(f"no row has version {version!r}")
    place = seen.index(version)
    if place == 0:
        raise InsufficientData(
            say(
                "reasons.first_version",
                "{version} is the first version: nothing to compare it with",
                version=version,
            )
        )
    rows = {name: order[names[order] == name] for name in (seen[place - 1], version)}
    return Split(rows[seen[place - 1]], rows[version])


def arrived_late(event_s: Times, arrival_s: Times, closed_s: float) -> Rows:
    """Return rows that happened before `closed_s` but arrived after: windows to compute again.

    Examples
    --------
    >>> arrived_late(np.array([1.0, 2.0]), np.array([1.0, 9.0]), closed_s=5.0).tolist()
    [1]
    """
    events, arrivals = _times(event_s), _times(arrival_s)
    return np.flatnonzero((events < closed_s) & (arrivals >= closed_s))
