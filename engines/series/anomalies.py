"""Moments at which a metric was not what its own level, time of day and noise foretell."""

from __future__ import annotations

import numpy as np

from engines.errors import EngineError, InsufficientData
from engines.sentence import say
from engines.series.result import Anomalies, Anomaly, Floats, Transform
from engines.series.season import expected, usable_season

MIN_STEPS = 40
MAD_TO_SD = 1.4826022185056018
"""1 / Phi^-1(3/4): the median absolute deviation of a normal distribution, inverted."""
_TAIL, _QUARTER = 0.975, 0.75
# A tail nearer the middle tells a t with 3 degrees of freedom from a normal half as well; one
# farther out would count a short incident as a property of the noise.
MIN_DF = 2.0


class Flat(InsufficientData):
    """More than half of the steps are equal: medians say nothing about such a series."""


def find_anomalies(
    values: Floats,
    *,
    season: int | None = None,
    alpha: float = 0.05,
    level_width: int | None = None,
    least_share: float = 0.0,
) -> Anomalies:
    """Return what was expected at each step and the runs of steps that lie outside.

    Parameters
    ----------
    values : Floats, shape (n,)
        Evenly spaced; NaN marks an unknown step, which is never an anomaly.
    season : int, optional
        Steps of a cycle, e.g. 24 for hours of a day; ignored under three cycles.
    alpha : float
        Chance, under the noise model, of one or more false anomalies in the whole series.
    level_width : int, optional
        Steps over which the level is a median; by default a third of the series, at least 15 and
        at most 301. A change that lasts for more than half of it becomes the new level.
    least_share : float
        Least distance from expected as a share of it: what nobody would act on is left out.

    Returns
    -------
    Anomalies

    Raises
    ------
    EngineError
        `alpha` out of (0, 1), or `values` not one-dimensional.
    InsufficientData
        Under 40 known steps, or a series that hardly ever changes.

    Notes
    -----
    expected = rolling median + median of the same phase in the other cycles. The scale is that of
    identity, square root and logarithm (as far as the values allow) on which the residuals are most
    symmetric: |q97.5 + q2.5 - 2 q50| / (q97.5 - q2.5) is smallest. H0 of a step: its residual is a
    draw from a Student t with scale from the median absolute deviation and degrees of freedom such
    that (q97.5 - q2.5) / (q75 - q25) of the t equals that of the residuals: heavy tails widen the
    limit. Steps that a normal cannot explain are left out of that, and come back where the t of
    the others explains them: an hour of trouble in a day must not pass for the tails of the noise.
    The limit is the t quantile at alpha / (2 n) (Bonferroni), so it grows with n.

    A shift of level is followed by the rolling median and is not an anomaly but a change: see the
    change points of the degradation engine. Neighbouring residuals may depend on one another; then
    false anomalies come in fewer, longer runs.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> hours = np.arange(24 * 14)
    >>> load = 100 + 30 * np.sin(hours / 24 * 2 * np.pi) + rng.normal(0, 3, len(hours))
    >>> load[200:203] += 40
    >>> [(run.start, run.end, run.side) for run in find_anomalies(load, season=24).runs]
    [(200, 203, 'above')]

    References
    ----------
    Vallis, Hochenbaum and Kejariwal (2014). A novel technique for long-term anomaly detection in
    the cloud. HotCloud (seasonal medians and robust scale).
    Rousseeuw and Croux (1993). Alternatives to the median absolute deviation. JASA 88.
    """
    series = _checked(values, alpha)
    n = int(np.isfinite(series).sum())
    cycle = usable_season(len(series), season)
    width = level_width or int(np.clip(len(series) // 3, 15, 301))
    transform, residual, middle = _symmetric(series, cycle, width)
    spread = MAD_TO_SD * float(np.nanmedian(np.abs(residual - np.nanmedian(residual))))
    if spread <= 1e-12 * max(1.0, float(np.nanmax(np.abs(middle)))):
        raise Flat(
            say(
                "reasons.series_is_flat",
                "more than half of the steps are equal: there is no noise to judge by",
            )
        )
    z = residual / spread
    df = _tail_df(z[np.isfinite(z)], alpha)
    limit = _limit(df, alpha, n)
    low, high = (_inverse(middle + side * limit * spread, transform) for side in (-1, 1))
    usual = _inverse(middle, transform)
    outside = np.nan_to_num(np.abs(z)) > limit
    outside &= np.nan_to_num(np.abs(series - usual)) >= least_share * np.nan_to_num(np.abs(usual))
    side = np.where(outside, np.sign(np.nan_to_num(z)), 0).astype(int)
    runs = [_run(series, usual, z, a, b, df, n) for a, b in spans(side)]
    ordered = tuple(sorted(runs, key=lambda run: -abs(run.score)))
    return Anomalies(usual, low, high, ordered, transform, df, limit, cycle, n, alpha)


def _checked(values: Floats, alpha: float) -> Floats:
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1:
        raise EngineError(f"values must have one dimension, got {series.ndim}")
    if not 0 < alpha < 1:
        raise EngineError(f"alpha must lie in (0, 1), got {alpha}")
    enough(int(np.isfinite(series).sum()))
    return np.where(np.isfinite(series), series, np.nan)


def enough(known: int) -> None:
    """Raise `InsufficientData` under 40 known steps."""
    if known < MIN_STEPS:
        raise InsufficientData(
            say(
                "reasons.anomalies_need_known",
                "anomalies need {needed, number} known steps, got {got, number}",
                needed=MIN_STEPS,
                got=known,
            ),
            needed=MIN_STEPS,
            got=known,
        )


def _symmetric(series: Floats, season: int | None, width: int) -> tuple[Transform, Floats, Floats]:
    """Return the scale on which residuals are most symmetric, the residuals and the expected."""
    smallest = float(np.nanmin(series))
    names: tuple[Transform, ...] = ("identity",)
    if smallest >= 0:
        names += ("sqrt",)
    if smallest > 0:
        names += ("log",)
    best: tuple[float, Transform, Floats, Floats] | None = None
    for name in names:
        scaled = _forward(series, name)
        middle = expected(scaled, season, width)
        residual = scaled - middle
        low, half, high = np.nanquantile(residual, (1 - _TAIL, 0.5, _TAIL))
        skew = abs(high + low - 2 * half) / max(high - low, 1e-300)
        # The plainer scale stays unless another is clearly better: 0.05 is its sampling error.
        if best is None or skew < best[0] - 0.05:
            best = (float(skew), name, residual, middle)
    if best is None:
        raise EngineError("no scale fits the series")
    return best[1], best[2], best[3]


def _forward(values: Floats, transform: Transform) -> Floats:
    if transform == "identity":
        return values
    return np.sqrt(values) if transform == "sqrt" else np.log(values)


def _inverse(values: Floats, transform: Transform) -> Floats:
    if transform == "identity":
        return values
    return np.maximum(values, 0.0) ** 2 if transform == "sqrt" else np.exp(np.minimum(values, 700))


def _tail_df(z: Floats, alpha: float) -> float:
    """Return the degrees of freedom of the noise's t, learnt without the anomalies that it judges.

    What a normal cannot explain is set aside; what the t of the rest explains comes back, until
    nothing does.
    """
    limit = _limit(float("inf"), alpha, len(z))
    kept = np.abs(z) <= limit
    while True:
        df = _matching_df(z[kept])
        back = kept | (np.abs(z) <= _limit(df, alpha, len(z)))
        if (back == kept).all():
            return df
        kept = back


def _matching_df(residual: Floats) -> float:
    """Return the degrees of freedom of the t whose tails are as heavy; infinite for a normal."""
    from scipy.optimize import brentq
    from scipy.stats import norm, t

    low, q25, q75, high = np.quantile(residual, (1 - _TAIL, 1 - _QUARTER, _QUARTER, _TAIL))
    ratio = (high - low) / max(q75 - q25, 1e-300)

    def gap(df: float) -> float:
        return float(t.ppf(_TAIL, df) / t.ppf(_QUARTER, df) - ratio)

    if ratio <= norm.ppf(_TAIL) / norm.ppf(_QUARTER) or gap(200.0) >= 0:
        return float("inf")
    return MIN_DF if gap(MIN_DF) <= 0 else float(brentq(gap, MIN_DF, 200.0))


def _limit(df: float, alpha: float, n: int) -> float:
    """Return the limit in robust standard deviations: the MAD of a t is not that of a normal."""
    from scipy.stats import t

    return float(t.isf(alpha / (2 * n), df) / (t.ppf(_QUARTER, df) * MAD_TO_SD))


def _run(
    series: Floats, usual: Floats, z: Floats, start: int, end: int, df: float, n: int
) -> Anomaly:
    from scipy.stats import t

    peak = start + int(np.abs(z[start:end]).argmax())
    score = float(z[peak])
    p = 2 * float(t.sf(abs(score) * MAD_TO_SD * t.ppf(_QUARTER, df), df))
    return Anomaly(
        start, end, "above" if score > 0 else "below", peak, float(series[peak]),
        float(usual[peak]), score, min(1.0, n * p),
    )  # fmt: skip


def spans(side: np.ndarray[tuple[int], np.dtype[np.int_]]) -> list[tuple[int, int]]:
    """Return the half-open runs of equal steps that are not 0."""
    edges = np.flatnonzero(np.diff(np.r_[0, side, 0]))
    return [(int(a), int(b)) for a, b in zip(edges[:-1], edges[1:], strict=True) if side[a] != 0]
