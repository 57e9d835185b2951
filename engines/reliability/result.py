"""What an analysis of reliability found, part by part."""

from __future__ import annotations

from dataclasses import dataclass

from engines.result import Insufficient, Interval


@dataclass(frozen=True, slots=True)
class Bin:
    """One point of a reliability diagram.

    Attributes
    ----------
    low, high : float
        Smallest and largest score in the bin.
    mean_score : float
        Mean stated probability.
    observed : float
        Share of positives.
    interval : Interval
        Wilson interval of `observed`.
    n : int
        Rows.
    """

    low: float
    high: float
    mean_score: float
    observed: float
    interval: Interval
    n: int


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """Expected calibration error, root mean square, with what noise alone would give taken out.

    Attributes
    ----------
    ece : float
        Debiased; slightly below zero when there is less error than noise alone would show.
    interval : Interval
        Of the true error, 0 and up.
    plug_in : float
        The uncorrected value, for comparison with other tools; too large at small n.
    p_value : float
        Of perfect calibration.
    n : int
        Rows.
    """

    ece: float
    interval: Interval
    plug_in: float
    p_value: float
    n: int


@dataclass(frozen=True, slots=True)
class Brier:
    """Brier score and its parts, ``score = reliability - resolution + uncertainty + within``.

    Attributes
    ----------
    score : float
        Mean squared distance of score and label, 0 to 1, lower is better.
    interval : Interval
        Of `score`.
    reliability : float
        Miscalibration, lower is better; bias-corrected, so it may be slightly negative.
    resolution : float
        How far the bins differ from the base rate, higher is better.
    uncertainty : float
        Variance of the labels: nothing the model can change.
    within : float
        What the binning leaves out.
    skill : float
        ``1 - score / uncertainty``; 0 for always saying the base rate.
    """

    score: float
    interval: Interval
    reliability: float
    resolution: float
    uncertainty: float
    within: float
    skill: float


@dataclass(frozen=True, slots=True)
class Recalibration:
    """Logistic recalibration ``logit(y) = intercept + slope * logit(score)``.

    Attributes
    ----------
    slope : float
        1 when spread right; below 1 the scores are too extreme.
    slope_interval : Interval
        Of `slope`.
    intercept : float
        Of the same fit.
    intercept_interval : Interval
        Of `intercept`.
    in_the_large : float
        Intercept with the slope held at 1: above 0 the scores are too low on average.
    in_the_large_interval : Interval
        Of `in_the_large`.
    """

    slope: float
    slope_interval: Interval
    intercept: float
    intercept_interval: Interval
    in_the_large: float
    in_the_large_interval: Interval


@dataclass(frozen=True, slots=True)
class Group:
    """Calibration of one class or one segment.

    Attributes
    ----------
    name : str
        Of the class or segment.
    error : CalibrationError or Insufficient
        The group's own.
    adjusted_p : float or None
        Benjamini-Hochberg over all groups of the same table.
    """

    name: str
    error: CalibrationError | Insufficient
    adjusted_p: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether stated probabilities come true.

    Attributes
    ----------
    error : CalibrationError
        Of the positive class, or of the top class when there are several.
    brier : Brier
        Of the same scores.
    recalibration : Recalibration or Insufficient
        Insufficient when no logistic curve can be fitted.
    bins : tuple of Bin
        Reliability diagram, bins of equal mass.
    classes, segments : tuple of Group
        Per class (one against the rest) and per segment.
    score : float
        Part score 0 to 1 by the map "ece".
    interval : Interval
        Of `score`.
    n : int
        Labelled rows.
    kind : {"binary", "top_class"}
        What `error` speaks of.
    method : str
        Name of the statistic.
    """

    error: CalibrationError
    brier: Brier
    recalibration: Recalibration | Insufficient
    bins: tuple[Bin, ...]
    classes: tuple[Group, ...]
    segments: tuple[Group, ...]
    score: float
    interval: Interval
    n: int
    kind: str
    method: str = "debiased root mean square ECE, noncentral chi-square interval"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often two answers agree.

    Attributes
    ----------
    share : float
        0 to 1, higher is better.
    interval : Interval
        Wilson.
    agreed, n : int
        Cases that agree, cases in all.
    """

    share: float
    interval: Interval
    agreed: int
    n: int


@dataclass(frozen=True, slots=True)
class Flip:
    """Answers that changed from one version to the next."""

    before: str
    after: str
    n: int


@dataclass(frozen=True, slots=True)
class Stability:
    """Whether the same question gets the same answer.

    Attributes
    ----------
    repeats : Agreement or Insufficient
        Inputs asked more than once that always got one answer.
    versions : Agreement or Insufficient
        Inputs that two versions answer alike.
    regressions : Agreement or Insufficient
        Of the inputs the former version had right, those the present one still has right.
    flips : tuple of Flip
        Commonest changes between versions, at most ten.
    score : float
        Part score by the map "disagreement", 0 to 1: of repeats where known, else of versions.
    interval : Interval
        Of `score`.
    n : int
        Cases behind it.
    method : str
        Name of the statistic.
    """

    repeats: Agreement | Insufficient
    versions: Agreement | Insufficient
    regressions: Agreement | Insufficient
    flips: tuple[Flip, ...]
    score: float
    interval: Interval
    n: int
    method: str = "share of agreement, Wilson interval"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often intervals or sets contain the truth.

    Attributes
    ----------
    name : str
        "all" or the segment.
    share : float
        Contained, 0 to 1.
    interval : Interval
        Wilson.
    nominal : float
        What was promised.
    p_value : float
        Of the promise being kept, two-sided.
    hits, n : int
        Contained, in all.
    """

    name: str
    share: float
    interval: Interval
    nominal: float
    p_value: float
    hits: int
    n: int


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Whether stated uncertainty is honest, and how wide it is.

    Attributes
    ----------
    coverage : Coverage
        Over all rows.
    segments : tuple of Coverage
        Per segment with enough rows.
    mean_width : float
        Mean interval width in the unit of the outcome, or mean set size in classes.
    interval_score : float or None
        Width plus penalty for misses, lower is better; None for sets.
    score : float
        Part score by the map "coverage_shortfall", 0 to 1.
    interval : Interval
        Of `score`.
    n : int
        Rows.
    kind : {"interval", "conformal_set"}
        What was tested.
    method : str
        Name of the test.
    """

    coverage: Coverage
    segments: tuple[Coverage, ...]
    mean_width: float
    interval_score: float | None
    score: float
    interval: Interval
    n: int
    kind: str
    method: str


@dataclass(frozen=True, slots=True)
class OutOfDistribution:
    """How many current rows look like nothing in the reference.

    Attributes
    ----------
    share : float
        Rows with a conformal p of at most `alpha`, 0 to 1.
    interval : Interval
        Wilson interval of `share`.
    alpha : float
        Share expected to be flagged when nothing is wrong.
    excess : float
        Share flagged beyond the one expected; below 0 when there are fewer.
    excess_interval : Interval
        Of `excess`; it counts what the calibration rows leave open too.
    p_value : float
        Of as many flags when nothing is wrong, one-sided.
    discoveries : int
        Rows that stay after Benjamini-Hochberg at `alpha`: the ones to look at.
    strangest : tuple of int
        Positions of the current rows farthest off, at most 20, farthest first.
    auroc : float
        How well injected outliers are told from held-out reference rows, 0 to 1.
    auroc_interval : Interval
        Of `auroc`.
    injected : str
        What the outliers were.
    score : float
        Part score by the map "ood_excess", 0 to 1.
    score_interval : Interval
        Of `score`.
    n_reference, n_current : int
        Rows.
    method : str
        The distance used.
    """

    share: float
    interval: Interval
    alpha: float
    excess: float
    excess_interval: Interval
    p_value: float
    discoveries: int
    strangest: tuple[int, ...]
    auroc: float
    auroc_interval: Interval
    injected: str
    score: float
    score_interval: Interval
    n_reference: int
    n_current: int
    method: str


@dataclass(frozen=True, slots=True)
class Overall:
    """The parts in one number.

    Attributes
    ----------
    score : float
        Geometric mean of the expected parts, 0 to 1, higher is better.
    interval : Interval
        Of `score`; a part that is expected but missing widens it.
    measured, missing : tuple of str
        Expected parts with and without a number.
    method : str
        Name of the map.
    """

    score: float
    interval: Interval
    measured: tuple[str, ...]
    missing: tuple[str, ...]
    method: str = "geometric mean of part scores, interval by MOVER in log space"


@dataclass(frozen=True, slots=True)
class Reliability:
    """Reliability of one model; each part is a result or says why it is none."""

    calibration: Calibration | Insufficient
    stability: Stability | Insufficient
    uncertainty: Uncertainty | Insufficient
    ood_detection: OutOfDistribution | Insufficient
    overall: Overall | Insufficient
