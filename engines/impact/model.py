"""A structural model of a window: every metric as a function of its direct causes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.causal.inputs import FloatArray, Key, Metrics, read_metrics
from engines.causal.panel import Panel, build_panel
from engines.causal.result import CausalGraph
from engines.errors import InsufficientData
from engines.progress import Progress, steps, unwatched
from engines.sentence import say

ROWS_PER_PARENT = 5
"""Fewest rows per coefficient of an equation."""
MIN_ROWS = 20
"""Fewest rows of any fit."""
MIN_COVERAGE = 0.7
"""A series with samples in a smaller share of the rows takes no part."""
Edge = tuple[Key, Key] | tuple[Key, Key, float]
"""Cause, effect, and lag in seconds if it is not 0."""
Predictor = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class Parent:
    """A direct cause: its column and its lag in rows."""

    column: int
    lag: int


@dataclass(frozen=True, slots=True, eq=False)
class Equation:
    """How one column follows from its parents.

    Attributes
    ----------
    parents : tuple of Parent
        Empty for a root.
    slopes : array
        Linear coefficients, one per parent (also kept when `boosted` is used).
    intercept : float
        Of the linear form.
    boosted : callable or None
        Non-linear form, used where it predicts held-out rows better.
    r2 : float
        Held-out R2 of the form in use, in (-inf, 1].
    """

    parents: tuple[Parent, ...]
    slopes: FloatArray
    intercept: float
    boosted: Predictor | None
    r2: float


@dataclass(frozen=True, slots=True, eq=False)
class StructuralModel:
    """Equations in causal order.

    Attributes
    ----------
    keys : tuple of (node, metric)
        Columns.
    values : array of shape (rows, n)
        The complete window, gaps interpolated.
    times_s : array
        Middle of each row.
    step_s : float
        Length of a row.
    order : tuple of int
        Columns with causes before effects.
    equations : tuple of Equation
        One per column.
    dropped : tuple of (cause, effect)
        Edges left out because they would close a cycle.
    thinned : tuple of (cause, effect)
        Edges left out because the rows cannot carry as many coefficients.
    """

    keys: tuple[Key, ...]
    values: FloatArray
    times_s: FloatArray
    step_s: float
    order: tuple[int, ...]
    equations: tuple[Equation, ...]
    dropped: tuple[tuple[Key, Key], ...]
    thinned: tuple[tuple[Key, Key], ...] = ()

    def at(self, key: Key) -> int:
        """Column of `key`; InsufficientData if the window has too little of it for the model."""
        if key not in self.keys:
            raise InsufficientData(
                say(
                    "reasons.not_in_model",
                    "{metric} of {node} has samples in fewer than {share, percent} of the "
                    "intervals, too few for an estimate of effects",
                    metric=key[1],
                    node=key[0],
                    share=MIN_COVERAGE,
                )
            )
        return self.keys.index(key)


def fit_model(
    metrics: Metrics | Any,  # Any: a pandas frame, which ships no types
    edges: CausalGraph | Sequence[Edge],
    *,
    step_s: float | None = None,
    boosting: bool = False,
    progress: Progress = unwatched,
) -> StructuralModel:
    """Return a structural model fitted on the window.

    Parameters
    ----------
    metrics : mapping or pandas.DataFrame
        See :func:`engines.causal.inputs.read_metrics`.
    edges : CausalGraph or sequence of (cause, effect[, lag in seconds])
        Direct causes. ``correlates`` edges and events of a graph are ignored.
    step_s : float, optional
        Interval of the grid in seconds. Default: median sampling interval.
    boosting : bool, optional
        Also try gradient-boosted trees per equation; they are used only where they raise the
        held-out R2 by .02 or more.
    progress : Progress, optional
        Told how many equations are fitted; may raise to stop.

    Returns
    -------
    StructuralModel
        Ordinary least squares per equation.

    Raises
    ------
    InsufficientData
        If the window has fewer than 20 rows.

    Notes
    -----
    Assumes that the edges are right, that no hidden cause drives two metrics at once, that
    equations stay the same over the window, and errors independent of the parents. A wrong or
    missing edge biases effects; the interval does not cover that. Edges that close a cycle are
    dropped, those seen last in alphabetical order first, and reported. Of several lags of one cause
    the shortest counts. Where an equation has more
    parents than one per 5 rows, those that correlate most with the effect are kept, and the
    others are reported.
    """
    panel = build_panel(read_metrics(metrics), step_s)
    keys, values = _complete(panel)
    links, dropped = _acyclic(keys, _links(edges), panel.step_s)
    parents = [
        tuple(Parent(c, lag) for c, e, lag in links if e == column) for column in range(len(keys))
    ]
    if values.shape[0] < MIN_ROWS:
        raise InsufficientData(
            say(
                "reasons.structure_needs_rows",
                "a structural model needs {needed, number} rows, got {got, number}",
                needed=MIN_ROWS,
                got=values.shape[0],
            ),
            needed=MIN_ROWS,
            got=values.shape[0],
        )
    kept = [_strongest(values, j, parents[j]) for j in range(len(keys))]
    thinned = tuple(
        (keys[parent.column], keys[j])
        for j in range(len(keys))
        for parent in parents[j]
        if parent not in kept[j]
    )
    columns = steps(range(len(keys)), progress)
    equations = tuple(_equation(values, j, kept[j], boosting) for j in columns)
    order = _topological(len(keys), [(p.column, j) for j in range(len(keys)) for p in kept[j]])
    return StructuralModel(
        keys, values, panel.times_s, panel.step_s, order, equations, dropped, thinned
    )


def _strongest(values: FloatArray, column: int, parents: tuple[Parent, ...]) -> tuple[Parent, ...]:
    """As many parents as the rows can carry, by absolute correlation with the effect."""
    most = values.shape[0] // ROWS_PER_PARENT - 1
    if len(parents) <= most:
        return parents
    x = design(values, parents)
    y = values[:, column] - values[:, column].mean()
    spread = np.where(x.std(axis=0) > 0, x.std(axis=0), np.inf)
    strength = np.abs((x - x.mean(axis=0)).T @ y) / spread
    best = sorted(range(len(parents)), key=lambda i: (-strength[i], parents[i].column))[:most]
    return tuple(parents[i] for i in sorted(best))


def design(values: FloatArray, parents: Sequence[Parent]) -> FloatArray:
    """Return the parents' values per row, lagged; the first rows repeat the earliest value."""
    columns = []
    for parent in parents:
        shifted = np.empty(values.shape[0])
        lag = min(parent.lag, values.shape[0])
        shifted[lag:] = values[: values.shape[0] - lag, parent.column]
        shifted[:lag] = values[0, parent.column]
        columns.append(shifted)
    return np.column_stack(columns) if columns else np.empty((values.shape[0], 0))


def least_squares(x: FloatArray, y: FloatArray) -> tuple[FloatArray, float]:
    """Return slopes and intercept; a constant column has slope 0.

    Where columns are collinear the slopes per standard deviation are the smallest. Unscaled, bytes
    beside shares would pass for collinear.
    """
    centre, level = x.mean(axis=0), float(y.mean())
    if x.shape[1] == 0:
        return np.empty(0), level
    moved = x - centre
    size = np.sqrt((moved**2).sum(axis=0))
    size = np.where(size > 1e-12 * np.abs(centre) * np.sqrt(y.size), size, np.inf)
    slopes = np.linalg.lstsq(moved / size, y - level, rcond=1e-10)[0] / size
    return slopes, level - float(centre @ slopes)


def predicted(equation: Equation, x: FloatArray) -> FloatArray:
    """Return what the equation expects for rows of parents."""
    if equation.boosted is not None:
        return equation.boosted(x)
    return np.asarray(x @ equation.slopes + equation.intercept)


def _equation(
    values: FloatArray, column: int, parents: tuple[Parent, ...], boosting: bool
) -> Equation:
    y = values[:, column]
    x = design(values, parents)
    slopes, intercept = least_squares(x, y)
    if not parents:
        return Equation(parents, slopes, intercept, None, 0.0)
    linear = _held_out_r2(x, y, _linear_fit)
    if boosting and y.size >= 100:
        boosted = _held_out_r2(x, y, _boosted_fit)
        if boosted >= linear + 0.02:
            return Equation(parents, slopes, intercept, _boosted_fit(x, y), boosted)
    return Equation(parents, slopes, intercept, None, linear)


def _held_out_r2(
    x: FloatArray, y: FloatArray, fit: Callable[[FloatArray, FloatArray], Predictor]
) -> float:
    """R2 over five contiguous blocks, each predicted from the other four."""
    fold = np.arange(y.size) * 5 // y.size
    missed = np.empty(y.size)
    for k in range(5):
        out = fold == k
        missed[out] = y[out] - fit(x[~out], y[~out])(x[out])
    total = float(((y - y.mean()) ** 2).sum())
    return 1.0 - float((missed**2).sum()) / total if total > 0 else 0.0


def _linear_fit(x: FloatArray, y: FloatArray) -> Predictor:
    slopes, intercept = least_squares(x, y)
    return lambda rows: np.asarray(rows @ slopes + intercept)


def _boosted_fit(x: FloatArray, y: FloatArray) -> Predictor:
    from sklearn.ensemble import HistGradientBoostingRegressor

    trees = HistGradientBoostingRegressor(
        max_iter=80, learning_rate=0.1, max_leaf_nodes=8, early_stopping=False, random_state=0
    ).fit(x, y)
    return lambda rows: np.asarray(trees.predict(rows), dtype=np.float64)


def _complete(panel: Panel) -> tuple[tuple[Key, ...], FloatArray]:
    rows = np.arange(panel.times_s.size)
    kept = [
        j for j in range(len(panel.keys)) if np.isfinite(panel.values[:, j]).mean() >= MIN_COVERAGE
    ]
    if not kept:
        raise InsufficientData(
            say(
                "reasons.no_metric_covered",
                "no metric has samples in {share, percent} of the intervals",
                share=MIN_COVERAGE,
            ),
            needed=1,
            got=0,
        )
    columns = []
    for j in kept:
        seen = np.isfinite(panel.values[:, j])
        columns.append(np.interp(rows, rows[seen], panel.values[seen, j]))
    return tuple(panel.keys[j] for j in kept), np.column_stack(columns)


def _links(edges: CausalGraph | Sequence[Edge]) -> list[tuple[Key, Key, float]]:
    if isinstance(edges, CausalGraph):
        key = {n.node_id: (n.entity, n.metric) for n in edges.nodes if n.kind != "event"}
        return [
            (key[e.source], key[e.target], e.lag_s)
            for e in edges.edges
            if e.kind != "correlates" and e.source in key and e.target in key
        ]
    return [(e[0], e[1], float(e[2]) if len(e) > 2 else 0.0) for e in edges]


def _acyclic(
    keys: Sequence[Key], links: Sequence[tuple[Key, Key, float]], step_s: float
) -> tuple[list[tuple[int, int, int]], tuple[tuple[Key, Key], ...]]:
    at = {key: j for j, key in enumerate(keys)}
    effects: dict[int, set[int]] = {}
    kept, dropped = [], []
    for cause, effect, lag_s in sorted(links):
        if cause not in at or effect not in at or cause == effect:
            continue
        a, b = at[cause], at[effect]
        if _leads_to(effects, b, a):
            dropped.append((cause, effect))
            continue
        if b not in effects.setdefault(a, set()):
            effects[a].add(b)
            kept.append((a, b, round(lag_s / step_s)))
    return kept, tuple(dropped)


def _leads_to(effects: dict[int, set[int]], start: int, goal: int) -> bool:
    seen, queue = {start}, [start]
    while queue:
        at = queue.pop()
        if at == goal:
            return True
        new = effects.get(at, set()) - seen
        seen |= new
        queue.extend(new)
    return False


def _topological(n: int, links: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    waiting = [0] * n
    effects: list[list[int]] = [[] for _ in range(n)]
    for cause, effect in links:
        waiting[effect] += 1
        effects[cause].append(effect)
    order = [j for j in range(n) if waiting[j] == 0]
    for at in order:  # grows while it is walked
        for effect in effects[at]:
            waiting[effect] -= 1
            if waiting[effect] == 0:
                order.append(effect)
    return tuple(order)


def block_length(residuals: FloatArray) -> int:
    """Return the block length that suits the autocorrelation of the residuals, per column.

    Notes
    -----
    Andrews' AR(1) plug-in for the Bartlett window, ``1.1447 (a n)^(1/3)`` with a the mean over the
    columns of ``4 r^2 / (1 - r^2)^2``, r the lag-1 autocorrelation; about 1 for white noise, at
    most a fifth of the rows. Twice that is used: with the plug-in itself, nominal 90% intervals
    covered 84% under autocorrelation of .5. The median r instead of the mean a covered 78% where
    four columns in ten remember (.9) and a cause jumps. Andrews (1991), *Heteroskedasticity and
    autocorrelation consistent covariance matrix estimation*, Econometrica 59.
    """
    centred = residuals - residuals.mean(axis=0)
    power = (centred**2).sum(axis=0)
    lagged = (centred[1:] * centred[:-1]).sum(axis=0)
    r = np.minimum(0.95, np.abs(lagged) / np.where(power > 0, power, 1.0))
    a = float(np.mean(4 * r**2 / (1 - r**2) ** 2))
    rows = residuals.shape[0]
    return int(np.clip(round(2 * 1.1447 * (a * rows) ** (1 / 3)), 1, max(1, rows // 5)))


def block_rows(rows: int, length: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Return row numbers of one moving-block resample (Kuensch 1989)."""
    starts = rng.integers(0, rows - length + 1, size=-(-rows // length))
    return np.asarray((starts[:, None] + np.arange(length)).ravel()[:rows], dtype=np.intp)
