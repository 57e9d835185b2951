"""A structural model of a window: every metric as a function of its direct causes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.causal.inputs import FloatArray, Key, Metrics, read_metrics
from engines.causal.panel import Panel, build_panel
from engines.causal.result import CausalGraph
from engines.errors import InsufficientData
from engines.impact.equation import Equation, Parent, fit_equation
from engines.impact.ranges import Range, natural_range
from engines.progress import Progress, steps, unwatched
from engines.sentence import say

MIN_ROWS = 20
"""Fewest rows of any fit."""
MIN_COVERAGE = 0.7
"""A series with samples in a smaller share of the rows takes no part."""
Edge = tuple[Key, Key] | tuple[Key, Key, float]
"""Cause, effect, and lag in seconds if it is not 0."""


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

    def range_of(self, column: int) -> Range:
        """Range that a column cannot leave."""
        return natural_range(self.keys[column][1], self.values[:, column])


def fit_model(
    metrics: Metrics | Any,  # Any: a pandas frame, which ships no types
    edges: CausalGraph | Sequence[Edge],
    *,
    step_s: float | None = None,
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
    parents than one per 5 rows, or all of them predict held-out rows worse than the mean, those
    that correlate most with the effect are kept, and the others are reported.
    :func:`engines.impact.with_trees` tries trees along the path of a question.
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
    columns = steps(range(len(keys)), progress)
    equations = tuple(fit_equation(values, j, parents[j]) for j in columns)
    kept = [equation.parents for equation in equations]
    thinned = tuple(
        (keys[parent.column], keys[j])
        for j in range(len(keys))
        for parent in parents[j]
        if parent not in kept[j]
    )
    order = _topological(len(keys), [(p.column, j) for j in range(len(keys)) for p in kept[j]])
    return StructuralModel(
        keys, values, panel.times_s, panel.step_s, order, equations, dropped, thinned
    )


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
