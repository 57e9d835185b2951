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
    known = np.isfinite(values)
    if known.sum() < MIN_STEPS:
        reason = say(
            "reasons.anomalies_need_steps",
            "spend anomalies need {needed, number} steps, got {got, number}",
            needed=MIN_STEPS,
            got=int(known.sum()),
        )
        raise InsufficientData(reason, needed=MIN_STEPS, got=int(known.sum()))
    usual = _usual(values, season)
    residual = values - usual
    middle = float(np.nanmedian(values))
    spread = _MAD_TO_SIGMA * float(np.nanmedian(np.abs(residual - np.nanmedian(residual))))
    spread = max(spread, 0.02 * middle, 1e-12)
    z = np.nan_to_num(residual / spread)
    big = (np.abs(z) >= z_limit) & (np.abs(residual) >= least_share * np.abs(usual))
    side = np.where(big & known, np.sign(z), 0).astype(int)
    total = float(np.nansum(values))
    runs = [_run(values, usual, z, a, b) for a, b in _spans(side)]
    runs = [r for r in runs if abs(r.spent - r.expected) >= least_total_share * total]
    return sorted(runs, key=lambda r: -abs(r.spent - r.expected))


def _usual(values: Floats, season: int) -> Floats:
    days = len(values) // season
    if days < 3:
        return _local(values)
    padded = np.full(-(-len(values) // season) * season, np.nan)
    padded[: len(values)] = values
    table = padded.reshape(-1, season)
    # Each day against the others: a day in its own median would shrink the residuals.
    usual = [_medians(np.delete(table, day, axis=0).T) for day in range(len(table))]
    return np.concatenate(usual)[: len(values)]


def _local(values: Floats) -> Floats:
    """Return the median of the neighbours: it follows a day's rhythm that nobody knows yet."""
    padded = np.pad(values, _NEAR, constant_values=np.nan)
    near = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEAR + 1)
    return _medians(np.delete(near, _NEAR, axis=1))


def _medians(rows: Floats) -> Floats:
    """Return the median of the known values of each row, NaN where none is known.

    In one pass: a fleet of a thousand asks for hundreds of thousands of them.
    """
    ordered = np.sort(rows, axis=1)  # unknown ones come last
    known = np.isfinite(rows).sum(axis=1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(known - 1, 0) // 2, axis=1)
    high = np.take_along_axis(ordered, known // 2, axis=1)
    return np.where(known > 0, (low + high) / 2, np.nan)[:, 0]


def _spans(side: np.ndarray[tuple[int], np.dtype[np.int_]]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.r_[0, side, 0]))
    return [(int(a), int(b)) for a, b in zip(edges[:-1], edges[1:], strict=True) if side[a] != 0]


def _run(values: Floats, usual: Floats, z: Floats, start: int, end: int) -> SpendAnomaly:
    part = slice(start, end)
    worst = float(z[part][np.abs(z[part]).argmax()])
    return SpendAnomaly(
        start, end, float(np.nansum(values[part])), float(np.nansum(usual[part])), worst
    )
