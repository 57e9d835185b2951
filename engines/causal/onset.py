"""When did the effect leave its normal range, and which rows lie before and after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.causal.anomaly import Floors, deviations, normal_range, persistent
from engines.causal.inputs import FloatArray

THRESHOLD = 3.0
"""Robust standard deviations that count as out of range (three-sigma rule)."""
CONFIRM, LASTING, LEAST = 6, 4, 3
"""In a long window an onset needs 4 of 6 rows out of range; at its very end all that are left, and
no fewer than 3. Heavy-tailed, autocorrelated noise meets this rarely, an outage always."""
MAX_REPLAYS = 200
"""Windows of the history on which the same search is replayed for the false-alarm rate."""
MIN_REPLAYS = 40
"""Fewer replays cannot support a false-alarm rate of a few per cent."""


@dataclass(frozen=True, slots=True)
class Onset:
    """Rows of a window, split at the moment the effect moved.

    Attributes
    ----------
    row : int or None
        First row out of range; None if there is none.
    before, after : slice
        Rows to compare. Without an onset they are the first and the second part of the window.
    z : float
        Largest lasting deviation of the effect.
    false_alarm : float or None
        Share of quiet windows of the history that look at least as bad; None if the history is
        too short to tell.
    """

    row: int | None
    before: slice
    after: slice
    z: float
    false_alarm: float | None = None


def find_onset(
    effect: FloatArray,
    history: FloatArray,
    worse: int,
    floors: Floors | None = None,
    threshold: float = THRESHOLD,
) -> Onset:
    """Return when `effect` left its normal range.

    Parameters
    ----------
    effect : array of shape (rows,)
        The window, oldest first; NaN marks a missing sample.
    history : array of shape (n,)
        Normal rows of the same metric from outside the window; may be empty.
    worse : int
        +1, -1 or 0: which direction is bad.
    floors : Floors, optional
        Least scales.
    threshold : float, optional
        Robust standard deviations.

    Returns
    -------
    Onset
        `false_alarm` near 0 means that quiet windows do not look like this one.

    Notes
    -----
    H0: the window is like those of the history. A short window (under twice ``floors.min_rows``
    rows) is compared with its own first row in units of the history's scale; the onset is the first
    later row with z >= max(threshold, half the largest z); that row and the next are "after". A
    long window is compared with its first third, four of six rows must agree, and the
    baseline is then widened to every row before the onset. The false-alarm rate replays the same
    search over windows of the history (at most 200). It is wrong where the history itself holds
    unlabelled incidents (too cautious) or comes from a calmer time (too bold).

    Examples
    --------
    >>> calm = np.array([1.0, 1.1, 0.9] * 10)
    >>> find_onset(np.array([1.0, 1.1, 5.0, 5.2, 1.0]), calm, 1).row
    2
    """
    floors = floors or Floors()
    known = np.flatnonzero(np.isfinite(effect))
    start = int(known[0]) if known.size else 0  # a young metric has no range before its first row
    effect = effect[start:]
    search = _short if effect.size < 2 * floors.min_rows else _long
    found = search(effect, history, worse, floors, threshold)
    rate = _false_alarm(found, effect.size, history, worse, floors, threshold)
    return Onset(
        None if found.row is None else found.row + start,
        slice(found.before.start, found.before.stop + start),
        slice(found.after.start + start, found.after.stop + start),
        found.z,
        rate,
    )


def _short(
    effect: FloatArray, history: FloatArray, worse: int, floors: Floors, threshold: float
) -> Onset:
    z = _gaps_from_first(effect, history, worse, floors)
    top = float(z.max(initial=0.0))
    hits = np.flatnonzero((z >= max(threshold, top / 2)) & (np.arange(z.size) > 0))
    if hits.size == 0:
        half = min(2, max(effect.size - 1, 1))
        return Onset(None, slice(0, half), slice(half, half + 2), top)
    row = int(hits[0])
    return Onset(row, slice(0, row), slice(row, row + 2), top)


def _gaps_from_first(
    effect: FloatArray, history: FloatArray, worse: int, floors: Floors
) -> FloatArray:
    seen = np.flatnonzero(np.isfinite(effect))
    if seen.size < 2:
        return np.zeros(effect.size)
    first = effect[seen[0]]
    pool = history if np.isfinite(history).sum() >= floors.min_rows else effect
    sign = np.array([float(worse)])
    normal = normal_range(pool[:, None], np.empty((0, 1)), sign, _thin(floors))
    shifted = (effect - first + normal.location)[:, None]
    return np.nan_to_num(deviations(shifted, normal, sign)[:, 0])


def _thin(floors: Floors) -> Floors:
    return Floors(floors.sd, floors.median, 2)


def _long(
    effect: FloatArray, history: FloatArray, worse: int, floors: Floors, threshold: float
) -> Onset:
    start = max(floors.min_rows, effect.size // 3)
    sign = np.array([float(worse)])
    row: int | None = None
    for _ in range(2):  # the second pass has the longer baseline
        before = effect[: start if row is None else row, None]
        normal = normal_range(history[:, None], before, sign, floors)
        z = np.nan_to_num(deviations(effect[:, None], normal, sign)[:, 0])
        found = _sustained(z, floors.min_rows, threshold)
        if found is None:
            break
        row = found
    if row is None:
        half = effect.size // 2
        late = persistent(deviations(effect[half:, None], normal, sign))
        return Onset(None, slice(0, half), slice(half, effect.size), float(late[0]))
    after = persistent(deviations(effect[row:, None], normal, sign))
    return Onset(row, slice(0, row), slice(row, effect.size), float(after[0]))


def _sustained(z: FloatArray, first: int, threshold: float) -> int | None:
    """First row out of range that lasts: ``LASTING`` of the next ``CONFIRM`` rows agree."""
    level = max(threshold, min(float(np.sort(z)[-2]) / 2, 10 * threshold))
    high = np.concatenate([z >= level, np.zeros(CONFIRM - 1, dtype=bool)])
    agree = np.lib.stride_tricks.sliding_window_view(high, CONFIRM).sum(axis=1)
    left = np.minimum(CONFIRM, np.arange(z.size, 0, -1))
    lasts = agree >= np.where(left < CONFIRM, np.maximum(left, LEAST), LASTING)
    rows = np.flatnonzero(((z >= level) & lasts)[first:])
    return int(rows[0]) + first if rows.size else None


def _false_alarm(
    found: Onset, size: int, history: FloatArray, worse: int, floors: Floors, threshold: float
) -> float | None:
    starts = history.size - size + 1
    if starts < MIN_REPLAYS:
        return None
    search = _short if size < 2 * floors.min_rows else _long
    places = np.unique(np.linspace(0, starts - 1, min(starts, MAX_REPLAYS)).astype(int))
    as_bad = 0
    for place in places:
        quiet = search(history[place : place + size], history, worse, floors, threshold)
        as_bad += quiet.z >= found.z
    return (1 + as_bad) / (1 + places.size)
