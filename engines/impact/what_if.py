"""Worlds that did not happen: had the cause stayed normal, or were it set to a value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.causal.inputs import FloatArray, Key
from engines.errors import EngineError
from engines.impact.effects import (
    bootstrap_slopes,
    propagate,
    propagate_linear,
    reached,
    restricted,
    slope_matrix,
)
from engines.impact.interval import estimate, quantile_of
from engines.impact.model import StructuralModel
from engines.impact.result import WhatIf
from engines.progress import Progress, unwatched
from engines.sentence import say

BoolArray = npt.NDArray[np.bool_]
RECENT_ROWS = 5
"""Rows whose mean counts as "the present"."""


def what_if(
    model: StructuralModel,
    cause: Key,
    target: Key,
    *,
    onset_s: float | None = None,
    set_to: float | None = None,
    level: float = 0.9,
    resamples: int = 100,
    seed: int = 0,
    progress: Progress = unwatched,
) -> WhatIf:
    """Return what `target` would have been, or would become, with another value of `cause`.

    Parameters
    ----------
    model : StructuralModel
        From :func:`engines.impact.fit_model`.
    cause, target : (node, metric)
        What is changed and what is watched.
    onset_s : float, optional
        Counterfactual: from here on the cause takes `set_to` (default: its median before).
    set_to : float, optional
        Without `onset_s`: intervention on the present, the cause is set to this value.
    level : float, optional
        Confidence level.
    resamples, seed : int, optional
        Block bootstrap.
    progress : Progress, optional
        Told how far the bootstrap is; may raise to stop it.

    Returns
    -------
    WhatIf
        With the path along time for a counterfactual.

    Raises
    ------
    EngineError
        If neither `onset_s` nor `set_to` is given, or the onset leaves no row on one side.

    Notes
    -----
    Abduction, action, prediction: every metric keeps its own unexplained part, the cause is
    overwritten, and the difference is carried along the equations with their lags. A value outside
    the range seen in the fit is an extrapolation and says so. The interval covers the uncertainty
    of the coefficients, not a wrong graph or hidden causes.

    References
    ----------
    Pearl (2009), *Causality*, 2nd edition, chapter 7.

    Examples
    --------
    >>> from engines.impact import fit_model
    >>> rng = np.random.default_rng(0)
    >>> t, late = np.arange(200) * 60.0, np.arange(200) >= 150
    >>> x = rng.standard_normal(200) + 5 * late
    >>> y = 2 * x + 0.1 * rng.standard_normal(200)
    >>> model = fit_model({("a", "drift"): (t, x), ("a", "risk"): (t, y)},
    ...                   [(("a", "drift"), ("a", "risk"))])
    >>> answer = what_if(model, ("a", "drift"), ("a", "risk"), onset_s=9000.0)
    >>> answer.difference.value < -8, answer.out_of_range
    (True, False)
    """
    model = restricted(model, {model.at(cause), model.at(target), *reached(model, model.at(cause))})
    column, watched = model.at(cause), model.at(target)
    if onset_s is None and set_to is None:
        raise EngineError("give onset_s for a counterfactual or set_to for an intervention")
    late = _rows_in_question(model, onset_s)
    values = model.values[:, column]
    goal = float(np.median(values[~late])) if set_to is None else float(set_to)
    path = np.where(late, goal, values) if onset_s is not None else np.full(values.size, goal)
    world = propagate(model, column, path)[:, watched]
    linear = propagate_linear(model, slope_matrix(model), column, path)[:, watched]
    drawn = np.stack(
        [
            propagate_linear(model, slopes, column, path)[:, watched]
            for slopes in bootstrap_slopes(model, resamples, seed, progress)
        ]
    )
    return _answer(model, cause, target, goal, late, world, linear, drawn, level, onset_s)


def _rows_in_question(model: StructuralModel, onset_s: float | None) -> BoolArray:
    rows = model.times_s.size
    if onset_s is None:
        return np.asarray(np.arange(rows) >= rows - RECENT_ROWS, dtype=np.bool_)
    late = model.times_s >= onset_s
    if late.all() or not late.any():
        raise EngineError(
            f"the onset leaves {int((~late).sum())} rows before it and {int(late.sum())} after"
        )
    return np.asarray(late, dtype=np.bool_)


def _answer(
    model: StructuralModel,
    cause: Key,
    target: Key,
    goal: float,
    late: BoolArray,
    world: FloatArray,
    linear: FloatArray,
    drawn: FloatArray,
    level: float,
    onset_s: float | None,
) -> WhatIf:
    rows = late
    actual = model.values[rows, model.at(target)]
    doubt = float(np.abs(world[rows] - linear[rows]).mean())
    gap = float((world[rows] - actual).mean())
    half = quantile_of(level) * drawn[:, rows].std(axis=0) + np.abs(world[rows] - linear[rows])
    seen = model.values[:, model.at(cause)]
    outside = not float(seen.min()) <= goal <= float(seen.max())
    warning = say(
        "findings.goal_extrapolates",
        "{metric} of {node} was observed between {low, number} and {high, number}; "
        "{goal, number} lies outside, so the answer extrapolates.",
        metric=cause[1],
        node=cause[0],
        low=float(seen.min()),
        high=float(seen.max()),
        goal=goal,
    )
    along = onset_s is not None
    return WhatIf(
        kind="counterfactual" if along else "intervention",
        cause=cause,
        target=target,
        set_to=goal,
        actual=float(actual.mean()),
        instead=float(world[rows].mean()),
        difference=estimate(gap, (drawn[:, rows] - actual).mean(axis=1), level, doubt),
        times_s=_listed(model.times_s[rows], along),
        actual_path=_listed(actual, along),
        instead_path=_listed(world[rows], along),
        low=_listed(world[rows] - half, along),
        high=_listed(world[rows] + half, along),
        out_of_range=outside,
        warning=warning if outside else "",
        n_rows=model.values.shape[0],
    )


def _listed(values: FloatArray, wanted: bool) -> tuple[float, ...]:
    return tuple(np.asarray(values).tolist()) if wanted else ()
