"""Moments at which events came more or less often than their own rate foretells."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError
from engines.series.anomalies import enough, spans
from engines.series.result import Anomalies, Anomaly, Floats

_MOST_REMOVED = 0.25
_Flags = NDArray[np.bool_]


def find_count_anomalies(
    counts: Floats,
    exposure: Floats | None = None,
    *,
    alpha: float = 0.05,
    least_share: float = 0.0,
) -> Anomalies:
    """Return how many events were expected at each step and the runs of steps that lie outside.

    For what is mostly zero, such as errors, where medians say nothing (`find_anomalies` refuses).

    Parameters
    ----------
    counts : Floats, shape (n,)
        Events a step, whole numbers from 0; NaN marks an unknown step, which is never an anomaly.
    exposure : Floats, shape (n,), optional
        What could have been an event, e.g. requests; a step with none is unknown. Without it every
        step is exposed alike.
    alpha : float
        Chance, under the noise model, of one or more false anomalies in the whole series.
    least_share : float
        Least distance from expected as a share of it: what nobody would act on is left out.

    Returns
    -------
    Anomalies
        `score` and `limit` are standard normal deviations with the same tail probability.

    Raises
    ------
    EngineError
        `alpha` out of (0, 1), shapes that differ, or counts that are negative or not whole.
    InsufficientData
        Under 40 known steps.

    Notes
    -----
    H0 of a step: its count is a draw from a negative binomial with mean rate x exposure and
    variance phi x mean, the Poisson distribution where phi is 1. A step is an anomaly when either
    tail is at most alpha / (2 n) (Bonferroni). Rate and phi must not learn from the anomalies that
    they judge: the least likely step is taken out under the Poisson distribution until none stands
    out (a quarter of the steps at most), then steps that the wider phi explains come back until
    nothing changes.

    The rate is one for the whole series: a season or a trend of the rate itself breaks H0, and so
    does a dependence of neighbouring counts beyond phi. Counts out of an exposure are binomial,
    with a smaller variance than Poisson: with large shares the test is conservative. Events that
    come in bursts of many times their mean are told from incidents by nothing: they are reported.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> requests = np.full(96, 700.0)
    >>> errors = rng.poisson(0.001 * requests).astype(float)
    >>> errors[30:32] = 52, 48
    >>> [(run.start, run.end, run.side) for run in find_count_anomalies(errors, requests).runs]
    [(30, 32, 'above')]

    References
    ----------
    Farrington, Andrews, Beale and Catchpole (1996). A statistical algorithm for the early detection
    of outbreaks of infectious disease. JRSS A 159 (quasi-Poisson rates without past outbreaks).
    """
    events, exposed = _checked(counts, exposure, alpha)
    known = np.isfinite(events) & (exposed > 0)
    n = int(known.sum())
    enough(n)
    tail = alpha / (2 * n)
    quiet, mean, phi = _quiet(events[known], exposed[known], tail)
    usual, low, high, score, p = (np.full(len(events), np.nan) for _ in range(5))
    noise = _noise(mean, phi)
    above, below = noise.sf(events[known] - 1), noise.cdf(events[known])
    usual[known] = mean
    low[known], high[known] = np.maximum(noise.ppf(tail), 0.0), noise.isf(tail)
    p[known] = np.minimum(1.0, 2 * n * np.minimum(above, below))
    score[known] = _deviations(above, below)
    side = np.zeros(len(events), dtype=int)
    side[known] = np.where(quiet, 0, np.where(above < below, 1, -1))
    side[np.nan_to_num(np.abs(events - usual)) < least_share * np.nan_to_num(usual)] = 0
    runs = [_run(events, usual, score, p, start, end) for start, end in spans(side)]
    ordered = tuple(sorted(runs, key=lambda run: -abs(run.score)))
    limit = float(_deviations(np.array([tail]), np.array([1.0]))[0])
    return Anomalies(usual, low, high, ordered, "identity", float("inf"), limit, None, n, alpha)


def _checked(counts: Floats, exposure: Floats | None, alpha: float) -> tuple[Floats, Floats]:
    events = np.asarray(counts, dtype=np.float64)
    exposed = np.ones_like(events) if exposure is None else np.asarray(exposure, dtype=np.float64)
    if events.ndim != 1 or exposed.shape != events.shape:
        raise EngineError(f"counts and exposure must have one shape (n,), got {events.shape}")
    if not 0 < alpha < 1:
        raise EngineError(f"alpha must lie in (0, 1), got {alpha}")
    given = events[np.isfinite(events)]
    if (given < 0).any() or (given != np.round(given)).any():
        raise EngineError("counts must be whole numbers from 0")
    return events, np.nan_to_num(exposed)


def _quiet(events: Floats, exposed: Floats, tail: float) -> tuple[_Flags, Floats, float]:
    """Return which steps are no anomalies, the mean of each step and the dispersion."""
    quiet = np.ones(len(events), dtype=bool)
    for _ in range(int(_MOST_REMOVED * len(events))):
        p = np.where(quiet, _least(events, _mean(events, exposed, quiet), 1.0), np.inf)
        worst = int(p.argmin())
        if p[worst] > tail:
            break
        quiet[worst] = False
    while True:
        mean = _mean(events, exposed, quiet)
        phi = _dispersion(events[quiet], mean[quiet])
        back = quiet | (_least(events, mean, phi) > tail)
        if (back == quiet).all():
            return _least(events, mean, phi) > tail, mean, phi
        quiet = back


def _mean(events: Floats, exposed: Floats, quiet: _Flags) -> Floats:
    rate = float(events[quiet].sum() / exposed[quiet].sum())
    return exposed * rate


def _dispersion(events: Floats, mean: Floats) -> float:
    """Return Pearson's statistic over its degrees of freedom; 1, that of a Poisson, at least."""
    if mean.max() <= 0:
        return 1.0
    return max(1.0, float(((events - mean) ** 2 / mean).sum() / (len(events) - 1)))


def _noise(mean: Floats, phi: float) -> Any:  # a frozen scipy distribution
    from scipy.stats import nbinom, poisson

    if phi <= 1.0 or mean.max() <= 0:
        return poisson(mean)
    return nbinom(mean / (phi - 1), 1 / phi)


def _least(events: Floats, mean: Floats, phi: float) -> Floats:
    """Return the smaller tail of each step: P(as many or more) or P(as many or fewer)."""
    noise = _noise(mean, phi)
    least: Floats = np.minimum(noise.sf(events - 1), noise.cdf(events))
    return least


def _deviations(above: Floats, below: Floats) -> Floats:
    """Return standard normal deviations with the smaller tail; beyond double precision, 37."""
    from scipy.stats import norm

    tail = np.clip(np.minimum(above, below), 1e-300, 0.5)
    signed: Floats = np.where(above < below, 1.0, -1.0) * norm.isf(tail)
    return signed


def _run(events: Floats, usual: Floats, score: Floats, p: Floats, start: int, end: int) -> Anomaly:
    peak = start + int(np.nanargmax(np.abs(score[start:end])))
    return Anomaly(
        start, end, "above" if score[peak] > 0 else "below", peak, float(events[peak]),
        float(usual[peak]), float(score[peak]), float(p[peak]),
    )  # fmt: skip
