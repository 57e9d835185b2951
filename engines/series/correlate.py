"""Which metrics move together, and which moves first."""

from __future__ import annotations

import numpy as np

from engines.errors import EngineError, InsufficientData
from engines.result import Insufficient, Interval
from engines.sentence import say
from engines.series.result import Correlations, Floats, Pair
from engines.series.season import remove_season, usable_season
from engines.series.whiten import innovations

MIN_STEPS = 40
MIN_DISTINCT = 5
"""A series with fewer distinct values is a switch: its ranks are mostly ties."""
LEVEL = 0.95


def correlate(
    columns: Floats, *, max_lag: int = 6, season: int | None = None, fdr: float = 0.05
) -> Correlations:
    """Return the correlation of every pair of series, the lag between them and its evidence.

    Parameters
    ----------
    columns : Floats, shape (n, k)
        One evenly spaced series a column; NaN marks an unknown step.
    max_lag : int
        Steps, 0 to a quarter of n.
    season : int, optional
        Steps of a cycle to remove first; ignored under three cycles.
    fdr : float
        Rate of false pairs among those called related, above 0 and below 1.

    Returns
    -------
    Correlations

    Raises
    ------
    EngineError
        `max_lag` or `fdr` out of range, or `columns` not two-dimensional.
    InsufficientData
        Fewer than two usable columns.

    Notes
    -----
    H0 of a pair: the two series are independent. Two series that merely wander or share a time of
    day correlate strongly, so each is reduced to its innovations (season removed, then an
    autoregression of an order chosen by BIC) and these are compared (Haugh 1976), by ranks so that
    a spike cannot make a correlation. p: Student's t of Spearman's rho with n - 2 degrees of
    freedom, the smallest over the 2 max_lag + 1 lags, times their number by Sidak's formula. q:
    Benjamini-Hochberg over the pairs. Lagged pairs use ranks over the whole series. The interval is
    Fisher's z with Bonett and Wright's variance (1 + rho^2 / 2) / (n - 3).

    A relation that lives in slow movement alone (two metrics that follow one trend) is not found: a
    window holds few independent looks at it. Correlation is not cause: see the causal engine.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=300)
    >>> y = np.r_[0, 0, x[:-2]] + 0.5 * rng.normal(size=300)
    >>> pair = correlate(np.column_stack([x, y])).pairs[0]
    >>> pair.lag, pair.is_related
    (2, True)

    References
    ----------
    Haugh (1976). Checking the independence of two covariance-stationary time series. JASA 71.
    Benjamini and Hochberg (1995). Controlling the false discovery rate. JRSS B 57.
    Bonett and Wright (2000). Sample size requirements for estimating correlations. Psychometrika.
    """
    values = _checked(columns, max_lag, fdr)
    n, k = values.shape
    lacking = {c: lack for c in range(k) if (lack := _lack(values[:, c], c)) is not None}
    used = [c for c in range(k) if c not in lacking]
    if len(used) < 2:
        reason = say(
            "reasons.correlation_needs_series",
            "a correlation needs two series with {steps, number} changing steps, got {got, number}",
            steps=MIN_STEPS,
            got=len(used),
        )
        raise InsufficientData(reason, needed=2, got=len(used))
    cycle = usable_season(n, season)
    level = np.column_stack([remove_season(values[:, c], cycle) for c in used])
    whitened = [innovations(level[:, c]) for c in range(len(used))]
    noise = np.column_stack([w[0] for w in whitened])
    level_ranks, noise_ranks = _ranks(level), _ranks(noise)
    lags = np.arange(-max_lag, max_lag + 1)
    found = [_at_lag(noise_ranks, int(lag)) for lag in lags]
    rho, count = np.stack([f[0] for f in found]), np.stack([f[1] for f in found])
    levels = np.stack([_at_lag(level_ranks, int(lag))[0] for lag in lags])
    matrix = np.full((k, k), np.nan)
    matrix[np.ix_(used, used)] = levels[max_lag]
    orders = np.full(k, -1)
    orders[used] = [w[1] for w in whitened]
    pairs = _pairs(used, lags, rho, count, levels, fdr)
    order = tuple(int(o) for o in orders)
    return Correlations(matrix, pairs, lacking, order, max_lag, fdr, cycle)


def _checked(columns: Floats, max_lag: int, fdr: float) -> Floats:
    values = np.asarray(columns, dtype=np.float64)
    if values.ndim != 2:
        raise EngineError(f"columns must have shape (n, k), got {values.shape}")
    if not 0 < fdr < 1:
        raise EngineError(f"fdr must lie in (0, 1), got {fdr}")
    if not 0 <= max_lag <= max(0, len(values) // 4):
        raise EngineError(f"max_lag must be 0 to a quarter of {len(values)} steps, got {max_lag}")
    return np.where(np.isfinite(values), values, np.nan)


def _lack(column: Floats, index: int) -> Insufficient | None:
    known = column[np.isfinite(column)]
    if len(known) < MIN_STEPS:
        reason = say(
            "reasons.series_too_short",
            "series {index} has {got, number} known steps, a correlation needs {needed, number}",
            index=index,
            got=len(known),
            needed=MIN_STEPS,
        )
        return Insufficient(reason, MIN_STEPS, len(known))
    distinct = len(np.unique(known))
    if distinct < MIN_DISTINCT:
        reason = say(
            "reasons.series_too_even",
            "series {index} takes {got, number} distinct values, a correlation needs "
            "{needed, number}",
            index=index,
            got=distinct,
            needed=MIN_DISTINCT,
        )
        return Insufficient(reason, MIN_DISTINCT, distinct)
    return None


def _ranks(columns: Floats) -> Floats:
    from scipy.stats import rankdata

    ranks = np.column_stack([rankdata(column, nan_policy="omit") for column in columns.T])
    return np.asarray(ranks - np.nanmean(ranks, axis=0))


def _at_lag(ranks: Floats, lag: int) -> tuple[Floats, Floats]:
    """Return (k, k) correlations of column i at t with column j at t + lag, and their n."""
    n = len(ranks)
    first = ranks[max(0, -lag) : n - max(0, lag)]
    second = ranks[max(0, lag) : n + min(0, lag)]
    a, b = np.isfinite(first).astype(float), np.isfinite(second).astype(float)
    x, y = np.nan_to_num(first), np.nan_to_num(second)
    count = a.T @ b
    safe = np.maximum(count, 1)
    sum_x, sum_y = x.T @ b, a.T @ y
    between = x.T @ y - sum_x * sum_y / safe
    spread_x = (x * x).T @ b - sum_x**2 / safe
    spread_y = a.T @ (y * y) - sum_y**2 / safe
    scale = np.sqrt(np.maximum(spread_x * spread_y, 0))
    rho = np.divide(between, scale, out=np.full_like(between, np.nan), where=scale > 1e-9)
    return np.clip(rho, -1, 1), count


def _pairs(
    used: list[int],
    lags: np.ndarray[tuple[int], np.dtype[np.int_]],
    rho: Floats,
    count: Floats,
    levels: Floats,
    fdr: float,
) -> tuple[Pair, ...]:
    from scipy.stats import false_discovery_control, norm, t

    p = np.ones_like(rho)
    enough = np.isfinite(rho) & (count >= MIN_STEPS / 2)
    strength = np.abs(np.where(enough, rho, 0.0)).clip(0, 1 - 1e-12)
    free = np.maximum(count - 2, 1)
    p[enough] = (2 * t.sf(strength * np.sqrt(free / (1 - strength**2)), free))[enough]
    i, j = np.triu_indices(len(used), 1)
    flat = p[:, i, j]
    # Of equally strong lags the shortest is named.
    best = np.lexsort((np.broadcast_to(np.abs(lags)[:, None], flat.shape), flat), axis=0)[0]
    at = (best, i, j)
    tried = enough[:, i, j].sum(axis=0)
    corrected = -np.expm1(np.maximum(tried, 1) * np.log1p(-np.minimum(p[at], 1 - 1e-16)))
    q = false_discovery_control(corrected)
    wide = float(norm.ppf(0.5 + LEVEL / 2))
    pairs = []
    for r in range(len(i)):
        step, one, other = int(best[r]), int(i[r]), int(j[r])
        if tried[r] == 0:
            continue
        value, n = float(rho[step, one, other]), int(count[step, one, other])
        reach = wide * np.sqrt((1 + value**2 / 2) / max(n - 3, 1))
        z = np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12))
        interval = Interval(float(np.tanh(z - reach)), float(np.tanh(z + reach)), LEVEL)
        pairs.append(
            Pair(
                used[one], used[other], int(lags[step]), float(levels[step, one, other]), value,
                interval, float(corrected[r]), float(q[r]), n, bool(q[r] <= fdr),
            )
        )  # fmt: skip
    return tuple(sorted(pairs, key=lambda pair: (pair.q_value, -abs(pair.innovation))))
