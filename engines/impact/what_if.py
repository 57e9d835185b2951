"""Worlds that did not happen: had the cause stayed normal, or were it set to a value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.causal.inputs import FloatArray, Key
from engines.errors import EngineError, InsufficientData
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
from engines.impact.noise import RECENT_ROWS, split_rows
from engines.impact.ranges import held
from engines.impact.result import WhatIf
from engines.progress import Progress, unwatched
from engines.sentence import Sentence, say

BoolArray = npt.NDArray[np.bool_]


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
    InsufficientData
        If the target follows the cause only by equations that predict no better than the mean.

    Notes
    -----
    Abduction, action, prediction: every metric keeps its own unexplained part, the cause is
    overwritten, and the difference is carried along the equations with their lags. A value outside
    the range seen in the fit is an extrapolation and says so. The mean and the ends of intervals
    stay within the target's natural range (:func:`engines.impact.ranges.natural_range`), and so
    does each row of the path; the mean is that of the rows before they are cut, as cutting them
    would raise it. The interval covers the uncertainty
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
    if watched in reached(model, column) and watched not in reached(model, column, known=True):
        raise InsufficientData(_unmeasured(cause, target))
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
    return split_rows(model, onset_s)


def _unmeasured(cause: Key, target: Key) -> Sentence:
    return say(
        "reasons.effect_unmeasured",
        "what {cause} of {node} does to {effect} of {other} cannot be told: held-out rows are "
        "predicted no better than by the usual level",
        cause=cause[1],
        node=cause[0],
        effect=target[1],
        other=target[0],
    )


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
    within = model.range_of(model.at(target))
    line, usual = float(world[rows].mean()), float(actual.mean())
    room = within[0] - usual, within[1] - usual
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
        actual=usual,
        instead=held(line, within),
        difference=estimate(
            line - usual, (drawn[:, rows] - actual).mean(axis=1), level, doubt, room
        ),
        times_s=_listed(model.times_s[rows], along),
        actual_path=_listed(actual, along),
        instead_path=_listed(np.clip(world[rows], *within), along),
        low=_listed(np.clip(world[rows] - half, *within), along),
        high=_listed(np.clip(world[rows] + half, *within), along),
        out_of_range=outside,
        warning=warning if outside else "",
        n_rows=model.values.shape[0],
        limit="" if held(line, within) == line else _limit(target),
    )


def _limit(target: Key) -> Sentence:
    return say(
        "findings.answer_at_the_end",
        "On the line fitted {metric} of {node} would leave its possible range; the answer stands "
        "where that ends.",
        metric=target[1],
        node=target[0],
    )


def _listed(values: FloatArray, wanted: bool) -> tuple[float, ...]:
    return tuple(np.asarray(values).tolist()) if wanted else ()
