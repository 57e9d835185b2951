"""What a cause does downstream: effect sizes, exposures, and what is still to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engines.causal.inputs import FloatArray, Key
from engines.errors import EngineError
from engines.impact.effects import (
    bootstrap_slopes,
    propagate,
    reached,
    restricted,
    slope_matrix,
    total_effects,
)
from engines.impact.interval import estimate, quantile_of
from engines.impact.model import StructuralModel
from engines.impact.result import Estimate, Exposure, ExposureImpact, ImpactResult, MetricImpact
from engines.progress import Progress, unwatched
from engines.result import Interval
from engines.sentence import say

THIN_R2 = 0.1
"""Held-out R2 below which a warning says that an equation explains almost nothing."""


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
    the linear answer is added to the interval. A `change` that is given is taken as exact; one that
    is read off the window has the standard error of its mean and median in every interval.
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
    size, doubt = (float(change), 0.0) if change is not None else _observed(model, column, onset_s)
    sizes = size + doubt * np.random.default_rng(seed).standard_normal(resamples)
    slopes = bootstrap_slopes(model, resamples, seed, progress)
    linear = total_effects(slope_matrix(model))[:, column]
    drawn = np.stack([total_effects(matrix)[:, column] for matrix in slopes]) * sizes[:, None]
    shifted = propagate(model, column, model.values[:, column] + size) - model.values
    mean = shifted.mean(axis=0)
    impacts = {
        target: _metric_impact(model, target, size, mean, linear, drawn, steps, level)
        for target, steps in reached(model, column).items()
    }
    ranked = sorted(impacts.values(), key=lambda item: (-abs(item.relative or 0.0), item.key))
    rates = {model.keys[column]: estimate(size, sizes, level)}
    rates |= {item.key: item.change for item in ranked}
    return ImpactResult(
        cause,
        size,
        tuple(ranked),
        tuple(_exposure(model, item, rates, onset_s, horizons_s, level) for item in exposures),
        _warnings(model, column, size, impacts),
        model.values.shape[0],
        resamples,
    )


def _observed(model: StructuralModel, column: int, onset_s: float | None) -> tuple[float, float]:
    """Return the change of a column at the onset and its standard error.

    The median of n normal rows has sqrt(pi / 2) times the error of their mean.
    """
    late = model.times_s >= (np.inf if onset_s is None else onset_s)
    if not late.any() or late.all():
        raise EngineError("give the change of the cause, or an onset inside the window")
    values = model.values[:, column]
    noise = _lasting_noise(model, column, onset_s)
    error = noise * np.sqrt(1 / late.sum() + np.pi / 2 / (~late).sum())
    return float(values[late].mean() - np.median(values[~late])), float(error)


def _lasting_noise(model: StructuralModel, column: int, onset_s: float | None) -> float:
    """Return the sd that the mean of n rows has, times sqrt(n), about the level of either side.

    Long-run sd of an autoregression: that of its shocks over 1 - the sum of its coefficients (at
    most .95). Order 5 with 200 rows or more: order 1 held 65 % of what came where white and lasting
    noise (.9) mix, instead of 90 %.
    """
    values = model.values[:, column]
    late = model.times_s >= (np.inf if onset_s is None else onset_s)
    sides = [side for side in (values[~late], values[late]) if side.size]
    noise = np.concatenate([side - side.mean() for side in sides])
    order = min(5, max(1, noise.size // 40))
    past = np.column_stack([noise[order - k : -k] for k in range(1, order + 1)])
    slopes = np.linalg.lstsq(past, noise[order:], rcond=None)[0]
    shocks = noise[order:] - past @ slopes
    return float(shocks.std() / (1 - min(0.95, float(slopes.sum()))))


def _metric_impact(
    model: StructuralModel,
    target: int,
    size: float,
    mean: FloatArray,
    linear: FloatArray,
    drawn: FloatArray,
    steps: int,
    level: float,
) -> MetricImpact:
    value = float(mean[target])
    doubt = abs(value - float(linear[target]) * size)
    usual = float(np.median(model.values[:, target]))
    equation = model.equations[target]
    return MetricImpact(
        model.keys[target],
        estimate(value, drawn[:, target], level, doubt),
        value / size if size else float(linear[target]),
        value / abs(usual) if usual else None,
        equation.r2,
        "boosted" if equation.boosted is not None else "linear",
        steps,
    )


def _exposure(
    model: StructuralModel,
    exposure: Exposure,
    rates: Mapping[Key, Estimate],
    onset_s: float | None,
    horizons_s: Sequence[float],
    level: float,
) -> ExposureImpact:
    rate, doubt, noise = 0.0, 0.0, 0.0  # what the cause does not reach does not change
    if exposure.key in rates:
        found = rates[exposure.key]
        rate, doubt = found.value, found.interval.high - found.value
        noise = quantile_of(level) * _lasting_noise(model, model.at(exposure.key), onset_s)

    def amount(seconds: float, noise: float) -> Estimate:
        value = rate * seconds * exposure.per_unit_second
        half = np.hypot(doubt * seconds, noise * np.sqrt(seconds * model.step_s))
        half = float(half) * abs(exposure.per_unit_second)
        return Estimate(value, Interval(value - half, value + half, level))

    elapsed = 0.0
    if onset_s is not None:
        elapsed = max(0.0, float(model.times_s[-1]) + model.step_s / 2 - onset_s)
    ahead = tuple((float(h), amount(float(h), noise)) for h in sorted(horizons_s))
    return ExposureImpact(exposure, amount(elapsed, 0.0), ahead)


def _warnings(
    model: StructuralModel, column: int, size: float, impacts: dict[int, MetricImpact]
) -> tuple[str, ...]:
    found = []
    values = model.values[:, column]
    if abs(size) > np.ptp(values):
        found.append(
            say(
                "findings.change_extrapolates",
                "The change {size, number} is larger than the observed range {range, number} of "
                "the cause: the answer extrapolates.",
                size=size,
                range=float(np.ptp(values)),
            )
        )
    found += [
        say(
            "findings.thin_equation",
            "{metric} of {node}: its equation explains {share, percent} of held-out rows.",
            metric=item.key[1],
            node=item.key[0],
            share=max(item.r2, 0.0),
        )
        for _, item in sorted(impacts.items())
        if item.r2 < THIN_R2
    ]
    found += [
        say(
            "findings.cycle_left_out",
            "The edge from {cause} of {node} to {effect} of {other} would close a cycle and is "
            "left out.",
            cause=a[1],
            node=a[0],
            effect=b[1],
            other=b[0],
        )
        for a, b in model.dropped
    ]
    found += [
        say(
            "findings.parent_left_out",
            "{effect} of {other} has more direct causes than its rows can carry; {cause} of "
            "{node} is left out.",
            cause=a[1],
            node=a[0],
            effect=b[1],
            other=b[0],
        )
        for a, b in model.thinned
    ]
    return tuple(found)
