"""The front of the family: every part of reliability from one call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engines.errors import EngineError, InsufficientData
from engines.reliability.calibration import calibration
from engines.reliability.calibration_error import Floats
from engines.reliability.ood import Distance, Features, ood_detection
from engines.reliability.result import (
    Calibration,
    OutOfDistribution,
    Overall,
    Reliability,
    Stability,
    Uncertainty,
)
from engines.reliability.stability import Repeats, Versions, stability
from engines.reliability.uncertainty import Intervals, interval_uncertainty, set_uncertainty
from engines.result import Insufficient, Interval
from engines.sentence import say
from engines.trust.combine import combine

Result = TypeVar("Result")

PARTS = ("calibration", "stability", "uncertainty", "ood_detection")

PRIOR_SHAPE = 3.0
"""A missing part counts as Beta(3, 1), as in the default trust policies."""


@dataclass(frozen=True, slots=True)
class _Labelled:
    """Scores with a label: probabilities per class, and where the truth is."""

    event: Floats
    outcome: Floats
    probabilities: Floats
    truth: NDArray[np.int64]
    names: tuple[str, ...]
    is_binary: bool
    segments: NDArray[np.str_] | None


def analyze(
    scores: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    classes: Sequence[object] | None = None,
    segments: ArrayLike | None = None,
    repeats: Repeats | None = None,
    versions: Versions | None = None,
    intervals: Intervals | None = None,
    features: Features | None = None,
    expected: Collection[str] | None = None,
    bins: int = 15,
    nominal: float = 0.9,
    alpha: float = 0.05,
    distance: Distance = "mahalanobis",
    tolerance: float = 0.0,
    level: float = 0.9,
    seed: int = 0,
) -> Reliability:
    """Return calibration, stability, uncertainty and outliers of one model, and all in one number.

    Parameters
    ----------
    scores : array_like of float, shape (n,) or (n, k), optional
        Probability of the positive class, or of every class (rows sum to 1), in order of time.
        Of two columns the second is the positive class.
    labels : array_like, shape (n,), optional
        The truth: 0 or 1, False or True, or a member of `classes`. None and NaN mean unknown.
    classes : sequence, optional
        Values of the labels in the order of the columns; for one column, (negative, positive).
        By default 0, 1, 2 and so on.
    segments : array_like of str, shape (n,), optional
        Segment of each row.
    repeats, versions : Repeats and Versions, optional
        For stability.
    intervals : Intervals, optional
        For uncertainty of a regression; without them, conformal sets from the scores.
    features : Features, optional
        For outliers.
    expected : collection of str, optional
        Parts that count in `overall` even when missing; by default those whose input was given.
    bins : int
        Bins of the calibration, of equal mass.
    nominal : float
        Promise of the conformal sets, in (0, 1).
    alpha, distance : float and {"mahalanobis", "neighbours"}
        As in `ood_detection`.
    tolerance : float
        Of equality between numeric answers.
    level : float
        Confidence level of every interval, in (0, 1).
    seed : int
        Of everything random.

    Returns
    -------
    Reliability
        Every part is a result or `Insufficient` with the reason.

    Raises
    ------
    EngineError
        When shapes do not fit, scores leave 0..1, or a label is not one of the classes.

    Notes
    -----
    `overall` is the geometric mean, equally weighted, of the part scores that the maps of
    `engines.trust.maps` give: "ece", "disagreement", "coverage_shortfall" and "ood_excess". An
    expected part that is missing enters as Beta(3, 1). With no part at all it is Insufficient.

    Examples
    --------
    >>> p = np.random.default_rng(0).uniform(size=1000)
    >>> y = np.random.default_rng(1).uniform(size=1000) < p
    >>> found = analyze(p, y)
    >>> found.calibration.error.interval.low, found.overall.measured
    (0.0, ('calibration', 'uncertainty'))
    >>> found.stability.reason
    'no repeated inputs and no second version were given'

    References
    ----------
    See the parts: `calibration`, `stability`, `uncertainty`, `ood_detection`.
    """
    unknown = set(expected or ()) - set(PARTS)
    if unknown:
        raise EngineError(f"unknown parts {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}")
    if not 0 < level < 1:
        raise EngineError(f"level must be in (0, 1), got {level}")
    rows = _labelled(scores, labels, classes, segments)
    calibrated = _attempt(lambda: _calibrated(rows, bins, level))
    steady = _attempt(lambda: _steady(repeats, versions, tolerance, level))
    covered = _attempt(lambda: _covered(rows, intervals, nominal, level))
    strange = _attempt(lambda: _strange(features, alpha, distance, level, seed))
    offered = {
        "calibration": scores is not None and labels is not None,
        "stability": repeats is not None or versions is not None,
        "uncertainty": intervals is not None or (scores is not None and labels is not None),
        "ood_detection": features is not None,
    }
    wanted = [name for name in PARTS if (name in expected if expected else offered[name])]
    parts = dict(zip(PARTS, (calibrated, steady, covered, strange), strict=True))
    return Reliability(calibrated, steady, covered, strange, _overall(parts, wanted, level))


def _attempt(work: Callable[[], Result]) -> Result | Insufficient:
    try:
        return work()
    except InsufficientData as thin:
        return Insufficient.of(thin)


def _labelled(
    scores: ArrayLike | None,
    labels: ArrayLike | None,
    classes: Sequence[object] | None,
    segments: ArrayLike | None,
) -> _Labelled | None:
    """Return the rows with a known label, or None when there is nothing to read."""
    if scores is None or labels is None:
        return None
    values = np.asarray(scores, dtype=float)
    if values.ndim not in (1, 2):
        raise EngineError(f"scores must have one or two dimensions, got {values.ndim}")
    is_binary = values.ndim == 1 or values.shape[1] == 2
    matrix = np.column_stack([1.0 - values, values]) if values.ndim == 1 else values
    names = tuple(classes) if classes is not None else tuple(range(matrix.shape[1]))
    if len(names) != matrix.shape[1]:
        raise EngineError(f"{matrix.shape[1]} columns of scores need as many classes")
    truth, known = _positions(labels, names)
    if truth.size != len(matrix):
        raise EngineError(f"got {len(matrix)} rows of scores and {truth.size} labels")
    known &= np.isfinite(matrix).all(axis=1)
    matrix, truth = matrix[known], truth[known]
    if np.any((matrix < 0) | (matrix > 1)):
        raise EngineError("scores must be probabilities in 0..1")
    if np.any(np.abs(matrix.sum(axis=1) - 1.0) > 0.01):
        raise EngineError("the probabilities of a row must sum to 1")
    top = matrix.argmax(axis=1)
    return _Labelled(
        event=matrix[:, 1] if is_binary else matrix.max(axis=1, initial=0.0),
        outcome=(truth == (1 if is_binary else top)).astype(float),
        probabilities=matrix,
        truth=truth,
        names=tuple(str(name) for name in names),
        is_binary=is_binary,
        segments=_segments(segments, known),
    )


def _positions(
    labels: ArrayLike, names: tuple[object, ...]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the position of each label among `names`, and which labels are known."""
    where = {name: position for position, name in enumerate(names)}
    truth, known = [], []
    for label in np.asarray(labels, dtype=object).ravel().tolist():
        is_known = label is not None and label == label
        if is_known and label not in where:
            raise EngineError(f"label {label!r} is not one of the classes {list(where)}")
        known.append(is_known)
        truth.append(where[label] if is_known else 0)
    return np.asarray(truth, dtype=np.int64), np.asarray(known, dtype=bool)


def _segments(segments: ArrayLike | None, known: NDArray[np.bool_]) -> NDArray[np.str_] | None:
    if segments is None:
        return None
    column = np.asarray(segments).astype(str)
    if column.shape != known.shape:
        raise EngineError(f"got {known.size} rows and {column.size} segments")
    return column[known]


def _calibrated(rows: _Labelled | None, bins: int, level: float) -> Calibration:
    if rows is None:
        raise InsufficientData(
            say("reasons.no_scores_with_labels", "no scores with labels were given")
        )
    return calibration(
        rows.event,
        rows.outcome,
        class_names=() if rows.is_binary else rows.names,
        class_scores=None if rows.is_binary else rows.probabilities,
        class_labels=None if rows.is_binary else rows.truth,
        segments=rows.segments,
        bins=bins,
        level=level,
    )


def _steady(
    repeats: Repeats | None, versions: Versions | None, tolerance: float, level: float
) -> Stability:
    if repeats is None and versions is None:
        raise InsufficientData(
            say(
                "reasons.no_repeats_no_version",
                "no repeated inputs and no second version were given",
            )
        )
    return stability(repeats, versions, tolerance=tolerance, level=level)


def _covered(
    rows: _Labelled | None, intervals: Intervals | None, nominal: float, level: float
) -> Uncertainty:
    if intervals is not None:
        return interval_uncertainty(intervals, level=level)
    if rows is None:
        raise InsufficientData(
            say(
                "reasons.no_intervals_no_labels",
                "no prediction intervals and no scores with labels were given",
            )
        )
    return set_uncertainty(
        rows.probabilities, rows.truth, nominal=nominal, segments=rows.segments, level=level
    )


def _strange(
    features: Features | None, alpha: float, distance: Distance, level: float, seed: int
) -> OutOfDistribution:
    if features is None:
        raise InsufficientData(
            say("reasons.no_both_features", "no reference and current features were given")
        )
    return ood_detection(features, alpha=alpha, distance=distance, level=level, seed=seed)


Part = Calibration | Stability | Uncertainty | OutOfDistribution | Insufficient


def _overall(parts: dict[str, Part], wanted: Sequence[str], level: float) -> Overall | Insufficient:
    measured = [name for name in wanted if not isinstance(parts[name], Insufficient)]
    if not measured:
        return Insufficient(
            say("reasons.no_reliability_part", "no part of reliability could be measured")
        )
    tail, power = (1.0 - level) / 2.0, 1.0 / PRIOR_SHAPE
    prior = Interval(tail**power, (1.0 - tail) ** power, level)
    scores, spans = [], []
    for name in wanted:
        score, span = _graded(parts[name]) or (0.5**power, prior)
        scores.append(score)
        spans.append(span)
    mean = combine(scores, spans, [1.0] * len(wanted), level=level)
    missing = tuple(name for name in wanted if name not in measured)
    return Overall(mean.point, mean.interval, tuple(measured), missing)


def _graded(part: Part) -> tuple[float, Interval] | None:
    if isinstance(part, Insufficient):
        return None
    if isinstance(part, OutOfDistribution):
        return part.score, part.score_interval
    return part.score, part.interval
