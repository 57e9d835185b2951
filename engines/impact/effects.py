"""Total effects of one metric on the others, and how sure we are of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from engines.causal.inputs import FloatArray, Key
from engines.impact.equation import (
    Equation,
    Parent,
    boost_equation,
    design,
    least_squares,
    predicted,
)
from engines.impact.model import StructuralModel, block_length, block_rows
from engines.progress import Progress, steps, unwatched


def restricted(model: StructuralModel, wanted: Collection[int]) -> StructuralModel:
    """Return the model of the `wanted` columns and their direct causes, the latter as roots.

    What lies elsewhere cannot change an effect along the wanted columns, and costs time.
    """
    kept = sorted({*wanted, *(p.column for j in wanted for p in model.equations[j].parents)})
    at = {column: i for i, column in enumerate(kept)}
    root = Equation((), np.empty(0), 0.0, None, 0.0)
    equations = tuple(
        replace(
            model.equations[j],
            parents=tuple(Parent(at[p.column], p.lag) for p in model.equations[j].parents),
        )
        if j in wanted
        else replace(root, intercept=float(model.values[:, j].mean()))
        for j in kept
    )
    return StructuralModel(
        tuple(model.keys[j] for j in kept),
        model.values[:, kept],
        model.times_s,
        model.step_s,
        tuple(at[j] for j in model.order if j in at),
        equations,
        model.dropped,
        tuple(edge for edge in model.thinned if edge[1] in {model.keys[j] for j in wanted}),
    )


MOST_TREES = 6
"""Equations for which trees are tried, those with the fewest steps from the cause first: each
costs about .15 CPU seconds."""


def with_trees(model: StructuralModel, cause: Key, target: Key | None = None) -> StructuralModel:
    """Return the model with trees where they do better, along the path of a question.

    Parameters
    ----------
    model : StructuralModel
        Fitted.
    cause : (node, metric)
        What is changed.
    target : (node, metric), optional
        What is watched. Default: everything downstream.

    Returns
    -------
    StructuralModel
        At most six equations are tried (:func:`engines.impact.equation.boost_equation`).
    """
    below = reached(model, model.at(cause))
    above = set(below) if target is None else ancestors(model, model.at(target))
    on_path = [
        column
        for column in sorted(below, key=lambda j: (below[j], model.keys[j]))
        if column in above or model.keys[column] == target
    ]
    equations = list(model.equations)
    for column in on_path[:MOST_TREES]:
        equations[column] = boost_equation(model.values, column, equations[column])
    return replace(model, equations=tuple(equations))


def slope_matrix(model: StructuralModel, *, known: bool = False) -> FloatArray:
    """Return B with B[effect, cause] the direct linear effect.

    `known` takes of each slope as much as is passed on: none where an equation predicts no better
    than the mean.
    """
    matrix = np.zeros((len(model.keys), len(model.keys)))
    for column, equation in enumerate(model.equations):
        part = equation.trust if known else 1.0
        for parent, slope in zip(equation.parents, equation.slopes, strict=True):
            matrix[column, parent.column] = part * slope
    return matrix


def total_effects(slopes: FloatArray) -> FloatArray:
    """Return (I - B)^-1: entry [effect, cause] sums every path.

    Examples
    --------
    >>> total_effects(np.array([[0.0, 0.0], [2.0, 0.0]]))[1]
    array([2., 1.])
    """
    return np.asarray(np.linalg.inv(np.eye(slopes.shape[0]) - slopes))


def bootstrap_slopes(
    model: StructuralModel, resamples: int, seed: int, progress: Progress = unwatched
) -> FloatArray:
    """Return slope matrices refitted on moving-block resamples of the rows.

    Parameters
    ----------
    model : StructuralModel
        Fitted.
    resamples : int
        How many.
    seed : int
        Seed of the resampling.
    progress : Progress, optional
        Told how many resamples are fitted; may raise to stop.

    Returns
    -------
    array of shape (resamples, n, n)
        One B per resample.

    Notes
    -----
    Blocks keep the short-range dependence of a time series; lagged parents are lagged before
    resampling. References: Kuensch (1989), *The jackknife and the bootstrap for general stationary
    observations*, Annals of Statistics 17.
    """
    rng = np.random.default_rng(seed)
    rows, n = model.values.shape
    designs = [design(model.values, equation.parents) for equation in model.equations]
    length = block_length(_residuals(model, designs))
    found = np.zeros((resamples, n, n))
    for k in steps(range(resamples), progress):
        pick = block_rows(rows, length, rng)
        for column, equation in enumerate(model.equations):
            if equation.parents:
                slopes, _ = least_squares(designs[column][pick], model.values[pick, column])
                found[k, column, [p.column for p in equation.parents]] = slopes
    return slope_matrix(model) + (found - slope_matrix(model)) * _small_sample(model, length)


def _residuals(model: StructuralModel, designs: Sequence[FloatArray]) -> FloatArray:
    fitted = [
        x @ equation.slopes + equation.intercept
        for x, equation in zip(designs, model.equations, strict=True)
    ]
    return np.asarray(model.values - np.column_stack(fitted))


def _small_sample(model: StructuralModel, length: int) -> float:
    """Widen the spread of resamples: rows spent on coefficients, and few independent blocks.

    ``sqrt(n / (n - k))`` times the fixed-b critical value of the Bartlett window over the normal
    one at 90%, b = length / n: Kiefer, Vogelsang (2005), *A new asymptotic theory for
    heteroskedasticity-autocorrelation robust tests*, Econometric Theory 21, table 1.
    """
    rows = model.values.shape[0]
    k = 1 + max(len(equation.parents) for equation in model.equations)
    b = length / rows
    critical = 1.6449 + 2.1859 * b + 0.3142 * b**2 - 0.3427 * b**3
    return float(np.sqrt(rows / max(rows - k, 1)) * critical / 1.6449)


def propagate(model: StructuralModel, cause: int, path: FloatArray) -> FloatArray:
    """Return the window had column `cause` followed `path`, all other noise kept.

    Parameters
    ----------
    model : StructuralModel
        Fitted.
    cause : int
        Column that is set.
    path : array of shape (rows,)
        Its values in the other world.

    Returns
    -------
    array of shape (rows, n)
        Abduction, action, prediction (Pearl 2009, chapter 7): each column keeps its own residual.
    """
    other = model.values.copy()
    other[:, cause] = path
    for column in model.order:
        equation = model.equations[column]
        if column == cause or not equation.parents:
            continue
        before = predicted(equation, design(model.values, equation.parents))
        after = predicted(equation, design(other, equation.parents))
        other[:, column] = model.values[:, column] + (after - before)
    return other


def propagate_linear(
    model: StructuralModel, slopes: FloatArray, cause: int, path: FloatArray
) -> FloatArray:
    """Return :func:`propagate` for given linear slopes, used for the resamples."""
    shift = np.zeros_like(model.values)
    shift[:, cause] = path - model.values[:, cause]
    for column in model.order:
        equation = model.equations[column]
        if column != cause and equation.parents:
            own = slopes[column, [p.column for p in equation.parents]]
            shift[:, column] = design(shift, equation.parents) @ own
    return np.asarray(model.values + shift)


def reached(model: StructuralModel, cause: int, *, known: bool = False) -> dict[int, int]:
    """Return every column downstream of `cause` with its fewest steps.

    `known` goes only along equations that predict better than the mean.
    """
    effects: dict[int, list[int]] = {}
    for column, equation in enumerate(model.equations):
        for parent in equation.parents if equation.is_known or not known else ():
            effects.setdefault(parent.column, []).append(column)
    found, frontier, steps = {cause: 0}, [cause], 0
    while frontier:
        steps += 1
        frontier = sorted({e for c in frontier for e in effects.get(c, ()) if e not in found})
        found.update(dict.fromkeys(frontier, steps))
    del found[cause]
    return found


def ancestors(model: StructuralModel, column: int) -> set[int]:
    """Return every column upstream of `column`."""
    found: set[int] = set()
    waiting = [column]
    while waiting:
        new = {p.column for p in model.equations[waiting.pop()].parents} - found
        found |= new
        waiting.extend(new)
    return found
