"""Which metrics move together, which of them moves first, and which pairs are chance."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from engines import series as engine
from engines.result import Insufficient, Interval
from engines.sentence import say
from services.aligned import Aligned, choose_step, read_aligned
from services.computed import attempt
from services.identity import permitted
from services.series import kept_steps
from services.times import Window
from services.workspace import Workspace

METHOD = say(
    "methods.correlation",
    "Spearman on innovations (Haugh 1976), Sidak over lags, Benjamini-Hochberg over pairs",
)
MAX_LAG = 6
FDR = 0.05
MAX_PAIRS = 200


class CorrelatedSeries(msgspec.Struct, frozen=True):
    """One series of the matrix; `insufficient` says why it takes no part."""

    metric_name: str
    labels: dict[str, str]
    unit: str
    insufficient: Insufficient | None


class CorrelatedPair(msgspec.Struct, frozen=True):
    """Two series by their positions; above 0, `first` moves `lag_ms` before `second`.

    `correlation` is of the series at that lag, `innovation` of what their own past did not
    foretell: only the latter is tested.
    """

    first: int
    second: int
    lag_ms: int
    correlation: float
    innovation: float
    interval: Interval
    p_value: float
    q_value: float
    n: int
    is_related: bool


class CorrelationAnswer(msgspec.Struct, frozen=True):
    """The matrix at lag 0 (null where unknown) and the pairs, strongest evidence first."""

    computed_at_ms: int
    window: Window
    step_ms: int
    method: str
    fdr: float
    max_lag_ms: int
    season_ms: int | None
    n: int
    series: list[CorrelatedSeries]
    matrix: list[list[float | None]]
    pairs: list[CorrelatedPair]
    pairs_tested: int
    series_left_out: int
    insufficient: Insufficient | None


@permitted("metrics:read")
def correlate_metrics(
    ws: Workspace,
    metrics: list[str],
    window: Window,
    *,
    step_ms: int | None = None,
    by: tuple[str, ...] = (),
    max_lag: int = MAX_LAG,
) -> CorrelationAnswer:
    """Return how metrics move together over a window; all stored metrics when none is named."""
    step = step_ms or choose_step(window)
    return kept_steps(
        ws,
        f"correlation/{max_lag}/{sorted(metrics)}/{by}",
        CorrelationAnswer,
        (window,),
        step,
        lambda: _compute(ws, metrics, window, step, by, max_lag),
    )


class Overlay(msgspec.Struct, frozen=True):
    """Two metrics on one scale: deviations from their means in standard deviations."""

    starts_ms: list[int]
    first: list[float | None]
    second: list[float | None]
    n: int


@permitted("metrics:read")
def overlay_pair(
    ws: Workspace, first: str, second: str, window: Window, *, step_ms: int | None = None
) -> Overlay | None:
    """Return two metrics for one chart; None where one of them has no value in the window."""
    step = step_ms or choose_step(window)
    found = kept_steps(
        ws,
        f"overlay/{first}/{second}",
        list[Overlay],
        (window,),
        step,
        lambda: _overlay(ws, first, second, window, step),
    )
    return found[0] if found else None


def _overlay(ws: Workspace, first: str, second: str, window: Window, step: int) -> list[Overlay]:
    parts = [read_aligned(ws, [metric], window, step) for metric in (first, second)]
    if any(part.values.shape[1] != 1 for part in parts):
        return []
    scaled = [_scaled(part.values[:, 0]) for part in parts]
    both = np.isfinite(scaled[0]) & np.isfinite(scaled[1])
    if not both.any():
        return []
    lines = [[None if v != v else v for v in one.tolist()] for one in scaled]
    return [Overlay(parts[0].starts_ms.tolist(), lines[0], lines[1], int(both.sum()))]


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = values[np.isfinite(values)]
    if not len(known):
        return values
    deviations: NDArray[np.float64] = (values - known.mean()) / (known.std() or 1.0)
    return deviations


def _compute(
    ws: Workspace, metrics: list[str], window: Window, step: int, by: tuple[str, ...], max_lag: int
) -> CorrelationAnswer:
    table = read_aligned(ws, metrics, window, step, by=by)
    lag = min(max_lag, len(table.starts_ms) // 4)
    found, lack = attempt(
        lambda: engine.correlate(table.values, max_lag=lag, season=table.season, fdr=FDR)
    )
    lacking = found.lacking if found else {}
    return CorrelationAnswer(
        computed_at_ms=ws.now_ms(),
        window=table.window,
        step_ms=step,
        method=METHOD,
        fdr=FDR,
        max_lag_ms=lag * step,
        season_ms=found.season * step if found and found.season else None,
        n=len(table.starts_ms),
        series=[
            CorrelatedSeries(name, table.labels[c], table.units[c], lacking.get(c))
            for c, name in enumerate(table.names)
        ],
        matrix=_matrix(found),
        pairs=_pairs(found, table),
        pairs_tested=len(found.pairs) if found else 0,
        series_left_out=table.left_out,
        insufficient=lack,
    )


def _matrix(found: engine.Correlations | None) -> list[list[float | None]]:
    if found is None:
        return []
    return [[None if v != v else v for v in row] for row in found.matrix.tolist()]


def _pairs(found: engine.Correlations | None, table: Aligned) -> list[CorrelatedPair]:
    return [
        CorrelatedPair(
            p.i, p.j, p.lag * table.step_ms, p.correlation, p.innovation, p.interval,
            p.p_value, p.q_value, p.n, p.is_related,
        )
        for p in (found.pairs[:MAX_PAIRS] if found else ())
    ]  # fmt: skip
