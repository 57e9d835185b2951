"""Frozen results of the impact engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engines.causal.inputs import Key
from engines.result import Interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval; `interval` holds its level."""

    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class MetricImpact:
    """What the cause does to one metric.

    Attributes
    ----------
    key : (node, metric)
        The metric that is moved.
    change : Estimate
        Expected change, in the metric's own unit, for the change of the cause.
    per_unit : float
        Change per unit of the cause (total effect over every path).
    relative : float or None
        Change as a share of the metric's usual level; None where that level is 0.
    r2 : float
        Held-out R2 of the metric's own equation; low values mean that most of it moves for other
        reasons.
    model : str
        ``linear`` or ``boosted``.
    steps : int
        Fewest causal steps from the cause.
    is_cut : bool
        The change stands where the metric's natural range ends; the line fitted goes beyond.
    """

    key: Key
    change: Estimate
    per_unit: float
    relative: float | None
    r2: float
    model: str
    steps: int
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Exposure:
    """A quantity people answer for, proportional to one metric.

    Attributes
    ----------
    name : str
        ``money``, ``users``, ``slo_budget``, ``carbon`` or the caller's word.
    key : (node, metric)
        The metric it follows.
    per_unit_second : float
        Amount per unit of the metric and second, e.g. 0.02 EUR per failed request per second.
    unit : str
        Unit of the amount.
    """

    name: str
    key: Key
    per_unit_second: float
    unit: str


@dataclass(frozen=True, slots=True)
class ExposureImpact:
    """An exposure's amount so far and ahead.

    Attributes
    ----------
    exposure : Exposure
        Which one.
    so_far : Estimate
        Amount since the onset; 0 without an onset.
    ahead : tuple of (seconds from now, Estimate)
        Additional amount if nothing is done; intervals widen with the horizon.
    """

    exposure: Exposure
    so_far: Estimate
    ahead: tuple[tuple[float, Estimate], ...]


@dataclass(frozen=True, slots=True)
class ImpactResult:
    """What a cause costs.

    Attributes
    ----------
    cause : (node, metric)
        What changed.
    change : float
        By how much, in its own unit.
    metrics : tuple of MetricImpact
        Everything downstream, largest relative change first.
    exposures : tuple of ExposureImpact
        Money, users, budgets, carbon.
    warnings : tuple of str
        Extrapolation, thin data, dropped edges.
    n_rows : int
        Rows that the model was fitted on.
    resamples : int
        Block-bootstrap resamples behind the intervals.
    unmeasured : tuple of (node, metric)
        Downstream, but only by equations that predict held-out rows no better than the mean: how
        far they move cannot be told. Exposures of them are left out.
    """

    cause: Key
    change: float
    metrics: tuple[MetricImpact, ...]
    exposures: tuple[ExposureImpact, ...]
    warnings: tuple[str, ...]
    n_rows: int
    resamples: int
    unmeasured: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Contribution:
    """One cause's part of a change, in the unit of the outcome; `share` = amount / change.

    `interval` holds the amount where it was estimated; None where it follows from a formula.
    """

    name: str
    amount: float
    share: float | None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """A change divided among its causes.

    Attributes
    ----------
    baseline, observed : float
        The outcome before and after.
    change : float
        observed - baseline.
    contributions : tuple of Contribution
        Largest amount first; ``math.fsum`` of the amounts is `change`.
    method : str
        ``linear`` (closed form), ``exact`` (all coalitions) or ``permutations``.
    error : float
        Largest standard error of an amount; 0 for exact methods.
    evaluations : int
        How often the outcome was evaluated.
    """

    baseline: float
    observed: float
    change: float
    contributions: tuple[Contribution, ...]
    method: Literal["linear", "exact", "permutations"]
    error: float
    evaluations: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A world that did not happen.

    Attributes
    ----------
    kind : str
        ``counterfactual`` (had the cause stayed normal) or ``intervention`` (set it to a value).
    cause, target : (node, metric)
        What is changed and what is watched.
    set_to : float
        The value of the cause in that world.
    actual, instead : float
        Mean of the target as it was and as it would have been, over the time in question.
    difference : Estimate
        instead - actual.
    times_s, actual_path, instead_path, low, high : tuple of float
        The same along time; empty for an intervention on the present. Each row stays within the
        metric's natural range; `instead` is the mean before rows are cut.
    out_of_range : bool
        The cause would leave the range it was observed in: the answer extrapolates.
    warning : str
        The sentence that says so, or "".
    n_rows : int
        Rows that the model was fitted on.
    limit : str
        The sentence that says that `instead` stands where the metric's natural range ends, or "".
    """

    kind: Literal["counterfactual", "intervention"]
    cause: Key
    target: Key
    set_to: float
    actual: float
    instead: float
    difference: Estimate
    times_s: tuple[float, ...]
    actual_path: tuple[float, ...]
    instead_path: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    out_of_range: bool
    warning: str
    n_rows: int
    limit: str = ""
