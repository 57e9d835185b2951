"""What comes next: a season smoothed exponentially, or a level while history is short."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from engines.business.result import Floats, Forecast
from engines.errors import EngineError, InsufficientData
from engines.result import Interval
from engines.sentence import say

MIN_STEPS = 12
PATHS = 500


def forecast(
    history: Floats, horizon: int, *, season: int = 24, level: float = 0.9, seed: int = 0
) -> Forecast:
    """Return the next steps of a series of amounts, with intervals.

    Parameters
    ----------
    history : Floats
        Amounts per step, evenly spaced, oldest first, without the step in progress; NaN counts
        as zero (nothing was spent).
    horizon : int
        Steps ahead, 1 or more.
    season : int
        Steps after which the pattern repeats: 24 for hours, 7 for days.
    level : float
        Confidence of the intervals, 0 to 1.
    seed : int
        Of the simulated paths.

    Returns
    -------
    Forecast
        ``seasonal`` from three seasons on, else ``level``. Nothing falls under zero.

    Raises
    ------
    InsufficientData
        Under 12 steps.
    EngineError
        When the horizon is below 1.

    Notes
    -----
    ``seasonal``: additive ETS with damped trend (A, Ad, A), parameters by maximum likelihood;
    intervals from 500 simulated paths, those of the sum from the paths' sums, widened by the error
    of the mean level (long-run variance of what the season leaves), which the paths take for known.
    ``level``: the mean;
    its uncertainty and that of future steps use the long-run variance (Newey and West 1987, lag
    4 (n / 100)^(2/9)) with Student's t on n − 1 degrees. Neither knows of price changes, launches
    or holidays; a jump in the history widens the interval but does not bring back its cause.

    Examples
    --------
    >>> import numpy as np
    >>> found = forecast(np.array([10.0, 11, 9, 10, 10, 9, 11, 10, 10, 11, 9, 10]), 24)
    >>> found.method, round(found.total)
    ('level', 240)

    References
    ----------
    Hyndman, Koehler, Ord and Snyder (2008). Forecasting with exponential smoothing. Springer.
    """
    if horizon < 1:
        raise EngineError(f"a horizon is 1 or more steps, got {horizon}")
    values = np.nan_to_num(np.asarray(history, dtype=np.float64))
    if len(values) < MIN_STEPS:
        reason = say(
            "reasons.forecast_needs_steps",
            "a forecast needs {needed, number} steps of history, got {got, number}",
            needed=MIN_STEPS,
            got=len(values),
        )
        raise InsufficientData(reason, needed=MIN_STEPS, got=len(values))
    if len(values) >= 3 * season and np.ptp(values) > 0:
        return _seasonal(values, horizon, season, level, seed)
    return _level(values, horizon, level)


def _seasonal(values: Floats, horizon: int, season: int, level: float, seed: int) -> Forecast:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    scale = float(np.mean(np.abs(values))) or 1.0  # amounts of 1e-5 stop the optimiser early
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence notes; the intervals carry what they mean
        fitted: Any = ETSModel(
            values / scale, error="add", trend="add", damped_trend=True, seasonal="add",
            seasonal_periods=season,
        ).fit(disp=False, maxiter=200)  # fmt: skip
        paths = fitted.simulate(
            horizon, anchor="end", repetitions=PATHS, rng=np.random.default_rng(seed)
        )
    simulated = np.maximum(np.asarray(paths, dtype=np.float64).reshape(horizon, -1) * scale, 0.0)
    low, high = np.quantile(simulated, [(1 - level) / 2, (1 + level) / 2], axis=1)
    sums = simulated.sum(axis=0)
    ends = np.quantile(sums, [(1 - level) / 2, (1 + level) / 2])
    middle = np.maximum(np.asarray(fitted.forecast(horizon), dtype=np.float64) * scale, 0.0)
    total = float(middle.sum())
    apart = horizon * _mean_error(values, season, level)
    bottom = total - float(np.hypot(max(0.0, total - ends[0]), apart))
    top = total + float(np.hypot(max(0.0, ends[1] - total), apart))
    interval = Interval(max(0.0, bottom), top, level)
    return Forecast(middle, low, high, total, interval, "seasonal", len(values))


def _mean_error(values: Floats, season: int, level: float) -> float:
    """Return how far the mean level may be off: what simulated paths take for known."""
    from scipy.special import stdtrit

    step = np.arange(len(values)) % season
    means = np.bincount(step, values) / np.bincount(step)
    residual = values - means[step]
    degrees = len(values) - season
    variance = max(_long_run_variance(residual), float(residual @ residual) / degrees)
    return float(stdtrit(degrees, (1 + level) / 2)) * float(np.sqrt(variance / len(values)))


def _level(values: Floats, horizon: int, level: float) -> Forecast:
    from scipy.special import stdtrit

    n = len(values)
    mean = float(values.mean())
    quantile = float(stdtrit(n - 1, (1 + level) / 2))
    step_variance = float(values.var(ddof=1))
    long_run = max(_long_run_variance(values - mean), step_variance)
    apart = quantile * np.sqrt(step_variance + long_run / n)
    sum_apart = quantile * np.sqrt(horizon * long_run + horizon**2 * long_run / n)
    total = mean * horizon
    interval = Interval(max(0.0, total - sum_apart), total + sum_apart, level)
    flat = np.full(horizon, mean)
    return Forecast(flat, np.maximum(flat - apart, 0.0), flat + apart, total, interval, "level", n)


def _long_run_variance(centred: Floats) -> float:
    n = len(centred)
    lags = int(4 * (n / 100) ** (2 / 9))
    total = float(centred @ centred) / n
    for lag in range(1, lags + 1):
        weight = 1 - lag / (lags + 1)
        total += 2 * weight * float(centred[lag:] @ centred[:-lag]) / n
    return total
