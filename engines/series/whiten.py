"""The innovations of a series: what its own past did not foretell."""

from __future__ import annotations

import numpy as np

from engines.series.result import Floats

MAX_ORDER = 8


def innovations(values: Floats, max_order: int = MAX_ORDER) -> tuple[Floats, int]:
    """Return residuals of an autoregression and its order, chosen by BIC.

    Parameters
    ----------
    values : Floats
        Evenly spaced; NaN marks an unknown step, at which and after which (for the order) the
        residual is NaN.
    max_order : int
        Largest order tried; at most a tenth of the known steps.

    Returns
    -------
    tuple
        Residuals of the length of `values`, and the order from 0.

    Notes
    -----
    Least squares with a constant, all orders on the same rows so that BIC compares like with like,
    then the chosen order on all its rows. A unit root needs no special care: the coefficient is
    estimated near one.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=400)
    >>> for i in range(1, 400): x[i] += 0.8 * x[i - 1]
    >>> innovations(x)[1]
    1

    References
    ----------
    Box and Jenkins (1970). Time Series Analysis: Forecasting and Control.
    """
    known = int(np.isfinite(values).sum())
    top = max(0, min(max_order, known // 10))
    lagged, present = _lags(values, top)
    rows = present.all(axis=1)
    n = int(rows.sum())
    if n < 2 * (top + 2):
        return values - np.nanmean(values), 0
    target = values[rows]
    best, order = np.inf, 0
    for p in range(top + 1):
        error = target - _fit(lagged[rows][:, : p + 1], target)
        score = n * np.log(max(float(error @ error) / n, 1e-300)) + (p + 1) * np.log(n)
        if score < best - 1e-9:
            best, order = score, p
    use = present[:, : order + 1].all(axis=1)
    out = np.full(len(values), np.nan)
    out[use] = values[use] - _fit(lagged[use][:, : order + 1], values[use])
    return out, order


def _fit(design: Floats, target: Floats) -> Floats:
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    return np.asarray(design @ coefficients)


def _lags(
    values: Floats, top: int
) -> tuple[Floats, np.ndarray[tuple[int, int], np.dtype[np.bool_]]]:
    """Return a constant and `top` lags as columns, and which of value and lags are known."""
    n = len(values)
    columns = np.ones((n, top + 1))
    present = np.zeros((n, top + 1), dtype=bool)
    present[:, 0] = np.isfinite(values)
    for lag in range(1, top + 1):
        columns[:, lag] = np.nan
        columns[lag:, lag] = values[: n - lag]
        present[:, lag] = np.isfinite(columns[:, lag])
    return np.nan_to_num(columns), present
