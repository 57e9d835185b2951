"""What a cause does downstream: effect sizes, exposures, and what is still to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engines.causal.inputs import FloatArray, Key
from engines.impact.effects import (
    bootstrap_slopes,
    propagate,
    reached,
    restricted,
    slope_matrix,
    total_effects,
)
from engines.impact.interval import quantile_of, spread_by
from engines.impact.model import StructuralModel
from engines.impact.noise import change_seen, lasting_noise, present, rows_since
from engines.impact.ranges import ANY, Range
from engines.impact.result import Estimate, Exposure, ExposureImpact, ImpactResult, MetricImpact
from engines.impact.warnings import warnings_of
from engines.progress import Progress, unwatched
from engines.result import Interval


@dataclass(frozen=True, slots=True)
class Moved:
    """By how much a column moves, the doubt about it, and how far it can."""

    value: float
    half: float
    room: Range


def assess_impact(
    model: StructuralModel,
    cause: Key,
    *,
    change: float | None = None,
    onset_s: float | None = None,
    exposures: Sequence[Exposure] = (),
    horizons_s: Sequence[float] = (3600.0, 14400.0, 86400.0),
    level: float = 0.9,
    resamples: int = 100,
    seed: int = 0,
    progress: Progress = unwatched,
) -> ImpactResult:
    """Return what a change of `cause` does to everything downstream.

    Parameters
    ----------
    model : StructuralModel
        From :func:`engines.impact.fit_model`.
    cause : (node, metric)
        What changed.
    change : float, optional
        By how much, in its own unit. Default: its mean since `onset_s` less its median before.
    onset_s : float, optional
        When it changed; needed when `change` is not given and for amounts so far.
    exposures : sequence of Exposure, optional
        Money, users, SLO budget, carbon: amounts proportional to a metric.
    horizons_s : sequence of float, optional
        Seconds ahead to project.
    level : float, optional
        Confidence level of every interval.
    resamples, seed : int, optional
        Block bootstrap.
    progress : Progress, optional
        Told how far the bootstrap is; may raise to stop it.

    Returns
    -------
    ImpactResult
        Largest relative change first.

    Raises
    ------
    EngineError
        If the cause is not in the model, or neither `change` nor a usable `onset_s` is given.

    Notes
    -----
    Total effect = entry of (I - B)^-1. A boosted equation moves the point estimate, and the gap to
    the linear answer is added to the interval. No value and no end of an interval takes a metric
    out of its natural range (:func:`engines.impact.ranges.natural_range`): means are found on the
    line and then cut, never the rows that they are made of, which would raise them. What only
    equations lead to that predict no better than the mean is `unmeasured`. A `change` that is given
    is taken as exact; one that is read off the window has the standard error of its mean and median
    in every interval.
    Projections assume that the change persists and that nobody acts; their intervals hold what will
    be measured above the usual level: the doubt about the effect grows with the horizon h, the
    noise of rows with sqrt(h). What it has cost so far has no such noise.

    References
    ----------
    Pearl (2009), *Causality*, 2nd edition, chapter 5.

    Examples
    --------
    >>> from engines.impact import fit_model
    >>> rng = np.random.default_rng(0)
    >>> t, x = np.arange(200) * 60.0, rng.standard_normal(200)
    >>> y = 2 * x + 0.1 * rng.standard_normal(200)
    >>> model = fit_model({("a", "load"): (t, x), ("a", "latency"): (t, y)},
    ...                   [(("a", "load"), ("a", "latency"))])
    >>> round(assess_impact(model, ("a", "load"), change=1.0).metrics[0].change.value, 1)
    2.0
    """
    for item in exposures:
        model.at(item.key)  # an amount of a metric that nobody knows is an error, not nothing
    model = restricted(model, {model.at(cause), *reached(model, model.at(cause))})
    column = model.at(cause)
    given = change is not None
    size, doubt = (
        (float(change), 0.0) if change is not None else change_seen(model, column, onset_s)
    )
    sizes = size + doubt * np.random.default_rng(seed).standard_normal(resamples)
    slopes = bootstrap_slopes(model, resamples, seed, progress)
    linear = total_effects(slope_matrix(model))[:, column] * size
    drawn = np.stack([total_effects(matrix)[:, column] for matrix in slopes]) * sizes[:, None]
    shift = _shift(model, column, size, None if given else onset_s)
    spread = quantile_of(level) * drawn.std(axis=0) + np.abs(shift - linear)
    rooms = [_room(model, j, None if given else onset_s) for j in range(len(model.keys))]
    moved = {
        j: Moved(float(shift[j]), float(spread[j]), rooms[j])
        for j in (column, *reached(model, column, known=True))
    }
    steps = reached(model, column)
    impacts = [
        _metric_impact(model, j, size, moved[j], steps[j], level) for j in moved if j in steps
    ]
    ranked = sorted(impacts, key=lambda item: (-abs(item.relative or 0.0), item.key))
    unmeasured = tuple(sorted(model.keys[j] for j in steps if j not in moved))
    amounts = [item for item in exposures if item.key not in unmeasured]
    return ImpactResult(
        cause,
        size,
        tuple(ranked),
        tuple(_exposure(model, item, moved, onset_s, horizons_s, level) for item in amounts),
        warnings_of(model, column, size, ranked, unmeasured),
        model.values.shape[0],
        resamples,
        unmeasured,
    )


def _shift(model: StructuralModel, column: int, size: float, onset_s: float | None) -> FloatArray:
    """Return by how much every column moves.

    A change that happened is taken back, so that no form is asked for what lies beyond it.
    """
    values = model.values
    if onset_s is None:
        return np.asarray(
            (propagate(model, column, values[:, column] + size) - values).mean(axis=0)
        )
    without = propagate(model, column, values[:, column] - size)
    return np.asarray((values - without)[rows_since(model, onset_s)].mean(axis=0))


def _room(model: StructuralModel, column: int, onset_s: float | None) -> Range:
    """Return between which ends the change of a column lies, given where the column can lie.

    What happened cannot have added more than there is; what would happen starts from the present.
    """
    low, high = model.range_of(column)
    values = model.values[:, column]
    if onset_s is None:
        return low - present(values), high - present(values)
    level = float(values[rows_since(model, onset_s)].mean())
    return level - high, level - low


def _metric_impact(
    model: StructuralModel, target: int, size: float, moved: Moved, steps: int, level: float
) -> MetricImpact:
    change = spread_by(moved.value, moved.half, moved.half, level, moved.room)
    usual = float(np.median(model.values[:, target]))
    equation = model.equations[target]
    return MetricImpact(
        model.keys[target],
        change,
        change.value / size if size else 0.0,
        change.value / abs(usual) if usual else None,
        equation.r2,
        "boosted" if equation.boosted is not None else "linear",
        steps,
        change.value != moved.value,
    )


def _exposure(
    model: StructuralModel,
    exposure: Exposure,
    moved: Mapping[int, Moved],
    onset_s: float | None,
    horizons_s: Sequence[float],
    level: float,
) -> ExposureImpact:
    column = model.keys.index(exposure.key) if exposure.key in model.keys else -1
    rate, noise = Moved(0.0, 0.0, ANY), 0.0  # what the cause does not reach does not change
    ends = ANY
    if column in moved:
        rate = moved[column]
        noise = quantile_of(level) * lasting_noise(model, column, onset_s)
        late = rows_since(model, onset_s)
        usual = float(
            np.median(model.values[~late if onset_s is not None else late | True, column])
        )
        ends = model.range_of(column)[0] - usual, model.range_of(column)[1] - usual

    def amount(seconds: float, noise: float, within: Range) -> Estimate:
        size = exposure.per_unit_second * seconds
        half = float(np.hypot(rate.half, noise * np.sqrt(model.step_s / seconds))) if seconds else 0
        per = spread_by(rate.value, half, half, level, within)
        low, high = sorted((size * per.interval.low, size * per.interval.high))
        return Estimate(size * per.value, Interval(low, high, level))

    elapsed = 0.0
    if onset_s is not None:
        elapsed = max(0.0, float(model.times_s[-1]) + model.step_s / 2 - onset_s)
    ahead = tuple((float(h), amount(float(h), noise, ends)) for h in sorted(horizons_s))
    return ExposureImpact(exposure, amount(elapsed, 0.0, rate.room), ahead)
