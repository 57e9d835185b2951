"""How much of a slower answer is what its requests ask for, at the pace of before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls

from engines.causal.inputs import FloatArray
from engines.causal.scene import Scene
from engines.causal.settings import RootCauseSettings


def asked_shares(
    scene: Scene, effect: int, demand: int, work: Sequence[int], settings: RootCauseSettings
) -> dict[int, float]:
    """Return the share of the effect's rise that each kind of work explains.

    Parameters
    ----------
    scene : Scene
        Window and history.
    effect : int
        Column of a mean per request, such as latency.
    demand : int
        Column of the number of requests.
    work : sequence of int
        Columns of totals that the requests ask for, such as tokens.
    settings : RootCauseSettings
        Threshold and least number of complete rows.

    Returns
    -------
    dict
        Column of work -> share in [0, 1], together at most 1; empty where the history has too few
        rows or does not show that work takes time, and where the effect did not rise.

    Notes
    -----
    H0: the pace is what it was. Least squares on normal rows, weighted by requests, slopes at least
    0: effect = a + pace x work a request. Rise explained = pace x (median work a request after -
    mean before). The fit counts when its F ratio reaches threshold^2. A pace beyond the range seen
    before is taken to be the same, so a queue that grows with the work is left to who has it.
    """
    past, requests = _each(scene.history, effect, demand, work)
    known = np.isfinite(past).all(axis=1) & (requests > 0)
    past, requests = past[known], requests[known]
    after = _each(scene.after, effect, demand, work)[0]
    after = after[np.isfinite(after).all(axis=1)]
    if len(past) < settings.ridge_min_rows or not len(after):
        return {}
    centre = np.average(past, axis=0, weights=requests)
    gaps = (past - centre) * np.sqrt(requests)[:, None]
    size = np.sqrt((gaps**2).sum(axis=0))
    size = np.where(size > 0, size, 1.0)
    slopes, left = nnls(gaps[:, 1:] / size[1:], gaps[:, 0] / size[0])
    used = int((slopes > 0).sum())
    free = len(past) - used - 1
    if not used or (1 - left**2) / used < settings.threshold**2 * left**2 / free:
        return {}
    rise = np.median(after, axis=0) - centre
    if rise[0] <= 0:
        return {}
    shares = np.maximum(slopes * size[0] / size[1:] * rise[1:] / rise[0], 0.0)
    shares /= max(1.0, float(shares.sum()))
    return {column: float(s) for column, s in zip(work, shares, strict=True) if s > 0}


def _each(
    rows: FloatArray, effect: int, demand: int, work: Sequence[int]
) -> tuple[FloatArray, FloatArray]:
    """Return the effect and the work of one request, per row, and the requests."""
    requests = np.nan_to_num(rows[:, demand])
    with np.errstate(invalid="ignore", divide="ignore"):
        each = rows[:, list(work)] / requests[:, None]
    return np.column_stack([rows[:, effect], each]), requests
