"""Results of the analysis of metric series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engines.result import Insufficient, Interval

Floats = NDArray[np.float64]
Transform = Literal["identity", "sqrt", "log"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two series and the lag at which their innovations move together most.

    Attributes
    ----------
    i, j : int
        Columns, i < j.
    lag : int
        Steps. Above 0: `i` moves first, `j` follows `lag` steps later; below 0 the other way.
    correlation : float
        Spearman correlation of the two series themselves at that lag, -1 to 1, season removed.
    innovation : float
        Spearman correlation of their innovations (what each series' own past did not foretell).
    interval : Interval
        Of `innovation` at that lag alone; it does not count the search over lags.
    p_value : float
        Chance of an innovation correlation this large at any lag, were the series independent.
    q_value : float
        Benjamini-Hochberg adjusted over all pairs.
    n : int
        Steps at which both are known.
    is_related : bool
        Whether `q_value` is at most the false-discovery rate asked for.
    """

    i: int
    j: int
    lag: int
    correlation: float
    innovation: float
    interval: Interval
    p_value: float
    q_value: float
    n: int
    is_related: bool


@dataclass(frozen=True, slots=True, eq=False)
class Correlations:
    """Every pair of series, and which of them are related beyond chance.

    Attributes
    ----------
    matrix : array of shape (k, k)
        Spearman correlation at lag 0, season removed; NaN where unknown.
    pairs : tuple of Pair
        Smallest q value first.
    lacking : dict of int to Insufficient
        Columns that could not be used, with the reason.
    orders : tuple of int
        Order of each column's autoregression; -1 where the column was not used.
    max_lag : int
        Lags from -max_lag to max_lag were searched.
    fdr : float
        False-discovery rate.
    season : int or None
        Steps of the cycle that was removed.
    """

    matrix: Floats
    pairs: tuple[Pair, ...]
    lacking: dict[int, Insufficient]
    orders: tuple[int, ...]
    max_lag: int
    fdr: float
    season: int | None


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A run of steps on one side of what was expected.

    Attributes
    ----------
    start, end : int
        Steps, half-open.
    side : str
        ``"above"`` or ``"below"``.
    peak : int
        The step farthest from expected.
    value, expected : float
        At the peak, in the unit of the series.
    score : float
        Robust standard deviations at the peak, signed, on the transformed scale.
    p_value : float
        Chance that any step of the window lies this far out by the noise seen, 0 to 1.
    """

    start: int
    end: int
    side: Literal["above", "below"]
    peak: int
    value: float
    expected: float
    score: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class Anomalies:
    """What was expected at each step, how far it may stray, and the runs that strayed farther.

    Attributes
    ----------
    expected, low, high : array of shape (n,)
        In the unit of the series. Outside [low, high] a step is an anomaly.
    runs : tuple of Anomaly
        Farthest out first.
    transform : str
        Scale on which residuals are most symmetric.
    tail_df : float
        Degrees of freedom of the Student t that matches the residuals; infinite when normal.
    limit : float
        Robust standard deviations beyond which a step is an anomaly.
    season : int or None
        Steps of the cycle; None when the series covers fewer than three of them.
    n : int
        Known steps.
    alpha : float
        Chance of one or more false anomalies in the series that was asked for.
    """

    expected: Floats
    low: Floats
    high: Floats
    runs: tuple[Anomaly, ...]
    transform: Transform
    tail_df: float
    limit: float
    season: int | None
    n: int
    alpha: float
