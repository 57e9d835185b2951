"""Calibration of a classifier: overall, per class and per segment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from engines.errors import InsufficientData
from engines.reliability.brier import decompose
from engines.reliability.calibration_error import (
    Floats,
    bin_scores,
    calibration_error,
    diagram,
    require_rows,
)
from engines.reliability.recalibration import recalibrate
from engines.reliability.result import (
    Calibration,
    CalibrationError,
    Group,
    Recalibration,
)
from engines.result import Insufficient, Interval
from engines.trust.maps import part


def calibration(
    scores: Floats,
    labels: Floats,
    *,
    class_names: Sequence[str] = (),
    class_scores: Floats | None = None,
    class_labels: np.ndarray | None = None,
    segments: np.ndarray | None = None,
    bins: int = 15,
    level: float = 0.9,
) -> Calibration:
    """Return how well stated probabilities come true.

    Parameters
    ----------
    scores, labels : array of float, shape (n,)
        Probability and outcome of the event judged: the positive class, or the top class being
        right.
    class_names : sequence of str
        Names of the columns of `class_scores`.
    class_scores : array of float, shape (n, k), optional
        Probability per class, for the table per class.
    class_labels : array of int, shape (n,), optional
        Position of the true class.
    segments : array of str, shape (n,), optional
        Segment of each row, for the table per segment.
    bins : int
        Bins of equal mass.
    level : float
        Confidence level of every interval, in (0, 1).

    Returns
    -------
    Calibration

    Raises
    ------
    InsufficientData
        With fewer than 50 rows or fewer than 5 of either outcome.

    Notes
    -----
    The statistics are in `calibration_error`, `brier` and `recalibration`; p values of the
    tables are adjusted by Benjamini-Hochberg, so a long table does not accuse by chance.

    Examples
    --------
    >>> p = np.random.default_rng(0).uniform(size=1000)
    >>> y = (np.random.default_rng(1).uniform(size=1000) < p**2).astype(float)
    >>> found = calibration(p, y)
    >>> found.score < 0.6 and found.error.interval.low > 0.1
    True

    References
    ----------
    Kumar, Liang and Ma (2019), Verified uncertainty calibration, NeurIPS.
    """
    require_rows(labels)
    binned = bin_scores(scores, labels, bins)
    error = calibration_error(binned, level)
    graded = part("ece", error.ece, _spanning(error), error.n)
    by_class: list[tuple[str, Floats, Floats]] = []
    if class_scores is not None and class_labels is not None:
        by_class = [
            (name, class_scores[:, k], (class_labels == k).astype(float))
            for k, name in enumerate(class_names)
        ]
    by_segment: list[tuple[str, Floats, Floats]] = []
    if segments is not None:
        by_segment = [
            (str(name), scores[segments == name], labels[segments == name])
            for name in np.unique(segments)
        ]
    return Calibration(
        error=error,
        brier=decompose(scores, labels, binned, level),
        recalibration=_recalibrated(scores, labels, level),
        bins=diagram(binned, level),
        classes=_groups(by_class, bins, level),
        segments=_groups(by_segment, bins, level),
        score=graded.score,
        interval=graded.interval or Interval(0.0, 1.0, level),
        n=error.n,
        kind="binary" if class_scores is None else "top_class",
    )


def _spanning(error: CalibrationError) -> Interval:
    """Return the interval stretched to its own estimate, which may lie just below zero."""
    interval = error.interval
    return Interval(min(interval.low, error.ece), max(interval.high, error.ece), interval.level)


def _recalibrated(scores: Floats, labels: Floats, level: float) -> Recalibration | Insufficient:
    try:
        return recalibrate(scores, labels, level)
    except InsufficientData as thin:
        return Insufficient.of(thin)


def _groups(
    tables: Iterable[tuple[str, Floats, Floats]], bins: int, level: float
) -> tuple[Group, ...]:
    found: list[tuple[str, CalibrationError | Insufficient]] = []
    for name, scores, labels in tables:
        try:
            require_rows(labels)
            found.append((name, calibration_error(bin_scores(scores, labels, bins), level)))
        except InsufficientData as thin:
            found.append((name, Insufficient.of(thin)))
    p_values = [error.p_value for _, error in found if isinstance(error, CalibrationError)]
    adjusted = iter(_adjust(p_values))
    return tuple(
        Group(name, error, next(adjusted) if isinstance(error, CalibrationError) else None)
        for name, error in found
    )


def _adjust(p_values: Sequence[float]) -> list[float]:
    from scipy.stats import false_discovery_control

    return [float(p) for p in false_discovery_control(p_values)] if p_values else []
