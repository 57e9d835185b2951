"""Hours whose cost does not fit: against the same hours of other days, or against the window."""

from __future__ import annotations

import numpy as np

from engines.business.result import Floats, SpendAnomaly
from engines.errors import InsufficientData
from engines.sentence import say

MIN_STEPS = 12
_NEAR = 4  # steps on each side; a peak may last for three
_MAD_TO_SIGMA = 1.4826  # median absolute deviation to standard deviation, normal data


def find_spend_anomalies(
    spend: Floats,
    *,
    season: int = 24,
    z_limit: float = 4.0,
    least_share: float = 0.25,
    least_total_share: float = 0.002,
) -> list[SpendAnomaly]:
    """Return runs of steps whose cost stands out, worst first.

    Parameters
    ----------
    spend : Floats
        Cost per step, 0 or more, evenly spaced; NaN counts as unknown.
    season : int
        Steps a day. The usual cost of a step is the median of that step on the other days from
        three days on, before that the median of the eight steps around it.
    z_limit : float
        Robust standard deviations from usual.
    least_share : float
        Least deviation as a share of the usual cost.
    least_total_share : float
        Least deviation as a share of everything spent: what nobody would act on is left out.

    Returns
    -------
    list of SpendAnomaly
        Steps side by side on the same side are one run.

    Raises
    ------
    InsufficientData
        Under 12 known steps.

    Notes
    -----
    z = (x − usual) / (1.4826 MAD of all residuals, at least 2 % of the median cost). Under
    normal noise 4 is passed once in 16,000 steps. A change of level that lasts for more than half
    of the window becomes the usual; a trend widens the residuals and hides small peaks.

    Examples
    --------
    >>> import numpy as np
    >>> cost = np.array([10.0, 11, 9, 10, 12, 9, 11, 10, 30, 28, 10, 9, 11, 10])
    >>> [(a.start, a.end) for a in find_spend_anomalies(cost)]
    [(8, 10)]

    References
    ----------
    Iglewicz and Hoaglin (1993). How to detect and handle outliers. ASQC Quality Press.
    """
    values = np.asarray(spend, dtype=np.float64)
    got = int(np.isfinite(values).sum())
    if got < MIN_STEPS:
        reason = say(
            "reasons.anomalies_need_steps",
            "spend anomalies need {needed, number} steps, got {got, number}",
            needed=MIN_STEPS,
            got=got,
        )
        raise InsufficientData(reason, needed=MIN_STEPS, got=got)
    [found] = find_spend_anomalies_of_each(
        values[None, :], season=season, z_limit=z_limit, least_share=least_share,
        least_total_share=least_total_share,
    )  # fmt: skip
    return found


def find_spend_anomalies_of_each(
    spend: Floats,
    *,
    season: int = 24,
    z_limit: float = 4.0,
    least_share: float = 0.25,
    least_total_share: float = 0.002,
) -> list[list[SpendAnomaly]]:
    """Return what `find_spend_anomalies` returns for each row of a matrix, in one pass.

    Parameters
    ----------
    spend : Floats
        One row a subject, one column a step.
    season, z_limit, least_share, least_total_share
        See `find_spend_anomalies`.

    Returns
    -------
    list of list of SpendAnomaly
        One list a row; an empty one under 12 known steps.

    Examples
    --------
    >>> import numpy as np
    >>> cost = np.array([10.0, 11, 9, 10, 12, 9, 11, 10, 30, 28, 10, 9, 11, 10])
    >>> [len(runs) for runs in find_spend_anomalies_of_each(np.stack([cost, np.ones(14)]))]
    [1, 0]
    """
    values = np.asarray(spend, dtype=np.float64)
    known = np.isfinite(values)
    if values.shape[1] < MIN_STEPS:
        return [[] for _ in values]
    usual = _usual(values, season)
    residual = values - usual
    middle = _medians(values)
    spread = _MAD_TO_SIGMA * _medians(np.abs(residual - _medians(residual)[:, None]))
    spread = np.fmax(np.fmax(spread, 0.02 * middle), 1e-12)
    z = np.nan_to_num(residual / spread[:, None])
    big = (np.abs(z) >= z_limit) & (np.abs(residual) >= least_share * np.abs(usual))
    big &= known & (known.sum(axis=1, keepdims=True) >= MIN_STEPS)
    side = np.where(big, np.sign(z), 0).astype(int)
    found: list[list[SpendAnomaly]] = [[] for _ in range(len(values))]
    for row in np.flatnonzero(side.any(axis=1)).tolist():
        runs = [_run(values[row], usual[row], z[row], a, b) for a, b in _spans(side[row])]
        least = least_total_share * float(np.nansum(values[row]))
        runs = [r for r in runs if abs(r.spent - r.expected) >= least]
        found[row] = sorted(runs, key=lambda r: -abs(r.spent - r.expected))
    return found


def _usual(values: Floats, season: int) -> Floats:
    """Return what is usual at each step of each row."""
    rows, steps = values.shape
    if steps // season < 3:
        return _local(values)
    padded = np.full((rows, -(-steps // season) * season), np.nan)
    padded[:, :steps] = values
    table = padded.reshape(rows, -1, season)
    # Each day against the others: a day in its own median would shrink the residuals.
    usual = [
        _medians(np.delete(table, day, axis=1).transpose(0, 2, 1)) for day in range(table.shape[1])
    ]
    return np.concatenate(usual, axis=1)[:, :steps]


def _local(values: Floats) -> Floats:
    """Return the median of the neighbours: it follows a day's rhythm that nobody knows yet."""
    padded = np.pad(values, ((0, 0), (_NEAR, _NEAR)), constant_values=np.nan)
    near = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEAR + 1, axis=1)
    return _medians(np.delete(near, _NEAR, axis=2))


def _medians(values: Floats) -> Floats:
    """Return the median of the known values along the last axis, NaN where none is known.

    In one pass: a fleet of a thousand asks for hundreds of thousands of them.
    """
    ordered = np.sort(values, axis=-1)  # unknown ones come last
    known = np.isfinite(values).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(known - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, known // 2, axis=-1)
    return np.where(known > 0, (low + high) / 2, np.nan)[..., 0]


def _spans(side: np.ndarray[tuple[int], np.dtype[np.int_]]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.r_[0, side, 0]))
    return [(int(a), int(b)) for a, b in zip(edges[:-1], edges[1:], strict=True) if side[a] != 0]


def _run(values: Floats, usual: Floats, z: Floats, start: int, end: int) -> SpendAnomaly:
    part = slice(start, end)
    worst = float(z[part][np.abs(z[part]).argmax()])
    return SpendAnomaly(
        start, end, float(np.nansum(values[part])), float(np.nansum(usual[part])), worst
    )
