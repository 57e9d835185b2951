"""Performance before labels arrive: an estimate that always names what it rests on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engines.drift.concept import ConceptDrift, compare_concept
from engines.drift.pair import Floats
from engines.drift.words import METRIC_WORDS
from engines.errors import EngineError
from engines.result import Interval
from engines.sentence import say

Verdict = Literal["estimated_drop", "no_visible_drop", "assumption_broken", "insufficient_data"]

ASSUMPTION = say(
    "findings.estimate_assumes",
    "Assumes that a given score still means the same chance of a positive label. "
    "Without labels a change of that meaning (concept drift) cannot be seen.",
)
LEAST_ROWS = 200  # per side; an isotonic calibration from fewer follows its noise
SIMULATIONS = 200
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class MetricEstimate:
    """One metric without labels.

    Attributes
    ----------
    metric : str
        ``roc_auc``, ``accuracy``, ``precision``, ``recall`` or ``f1``; higher is better.
    value : float
        Estimate for the current rows, 0..1.
    interval : Interval
        Where the realised value of these rows would fall with probability `level`, under the
        assumption and the calibration at hand.
    reference : float
        Realised value on the reference.
    lower_limit : float
        Below this, the fall is more than chance in a sample of this size.
    is_drop : bool
        Whether the estimate is below the limit.
    """

    metric: str
    value: float
    interval: Interval
    reference: float
    lower_limit: float
    is_drop: bool


@dataclass(frozen=True, slots=True)
class PerformanceEstimate:
    """What can be said of performance without labels; never that all is well.

    Attributes
    ----------
    verdict : str
        ``estimated_drop``; ``no_visible_drop``: none that the inputs alone would cause;
        ``assumption_broken``: the labels at hand contradict the assumption, do not use the
        estimates; ``insufficient_data``.
    assumption : str
        Always given; show it with every number.
    reason : str
        The verdict in one sentence.
    outside_share : float
        Share of current scores beyond the range of the reference, where calibration extrapolates.
    concept : ConceptDrift or None
        Check of the assumption on the current labels at hand.
    """

    verdict: Verdict
    assumption: str
    reason: str
    n_reference: int
    n_current: int
    metrics: tuple[MetricEstimate, ...] = ()
    outside_share: float = 0.0
    concept: ConceptDrift | None = None


def estimate_performance(
    reference_score: Floats,
    reference_label: Floats,
    current_score: Floats,
    *,
    current_label: Floats | None = None,
    threshold: float = 0.5,
    limit_sd: float = 3.0,
    seed: int = 0,
) -> PerformanceEstimate:
    """Return estimated performance of a binary classifier on rows without labels.

    Parameters
    ----------
    reference_score, current_score : ndarray of float, shape (n,) and (m,)
        Scores; higher means more likely positive. Rows with a missing score are left out.
    reference_label : ndarray, shape (n,)
        0 or 1.
    current_label : ndarray, shape (m,), optional
        Labels that have arrived, NaN elsewhere; used only to check the assumption.
    threshold : float
        Score from which the class is positive. For several classes pass the probability of the
        predicted class as the score, whether it was right as the label, and ``-inf`` here:
        `accuracy` is then that of the classifier, the other metrics have no use.
    limit_sd : float
        Standard errors below the reference at which a fall is called a drop.
    seed : int
        Seeds the simulated labels behind the intervals.

    Returns
    -------
    PerformanceEstimate

    Raises
    ------
    EngineError
        When shapes differ or labels are not 0 or 1.

    Notes
    -----
    Scores become chances p by centred isotonic regression on the reference. Expected counts follow
    from p (accuracy: mean of p where positive is predicted, 1 - p elsewhere); AUC is
    ``sum p_i (1 - p_j) [s_i > s_j] / sum p_i (1 - p_j)`` over pairs of different rows. Intervals
    come from labels simulated from p. Blind to concept drift by construction.

    References
    ----------
    Kull, Silva Filho, Flach (2017), Beyond sigmoids, EJS 11(2) (calibration). Confidence-based
    estimation as documented by NannyML (2022). Zadrozny, Elkan (2002), Transforming classifier
    scores into accurate multiclass probability estimates, KDD.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> score = rng.random(5000)
    >>> label = (rng.random(5000) < score).astype(float)
    >>> result = estimate_performance(score, label, rng.random(5000) * 0.5 + 0.25)
    >>> result.verdict, result.metrics[1].metric
    ('estimated_drop', 'accuracy')
    """
    score, label = _labelled(reference_score, reference_label)
    current = np.asarray(current_score, dtype=np.float64)
    present = np.isfinite(current)
    rows = current[present]
    n, m = len(score), len(rows)
    if min(n, m) < LEAST_ROWS or label.min() == label.max():
        reason = say(
            "reasons.rows_and_both_labels",
            "needs {needed, number} rows on each side and both labels, got {before, number} and "
            "{now, number} rows",
            needed=LEAST_ROWS,
            before=n,
            now=m,
        )
        return PerformanceEstimate("insufficient_data", ASSUMPTION, reason, n, m)
    chance = calibrate(score, label)(rows)
    concept = None
    if current_label is not None:
        arrived = np.asarray(current_label, dtype=np.float64)
        if arrived.shape != current.shape:
            raise EngineError(f"{arrived.shape} labels for {current.shape} scores")
        concept = compare_concept(score, label, rows, arrived[present])
    metrics = _estimates(score, label, rows, chance, threshold, limit_sd, seed)
    outside = float(((rows < score.min()) | (rows > score.max())).mean())
    verdict = _verdict(metrics, concept)
    found = _sentence(verdict, metrics, concept)
    return PerformanceEstimate(verdict, ASSUMPTION, found, n, m, metrics, outside, concept)


def _labelled(score: Floats, label: Floats) -> tuple[Floats, Floats]:
    score, label = np.asarray(score, dtype=np.float64), np.asarray(label, dtype=np.float64)
    if score.shape != label.shape or score.ndim != 1:
        raise EngineError(f"scores and labels differ in shape: {score.shape} and {label.shape}")
    present = np.isfinite(score) & np.isfinite(label)
    score, label = score[present], label[present]
    if not np.isin(label, (0.0, 1.0)).all():
        raise EngineError(f"labels must be 0 or 1, got {np.unique(label)[:5].tolist()}")
    return score, label


def calibrate(score: Floats, label: Floats) -> Callable[[Floats], Floats]:
    """Return the map from score to chance of a positive label: centred isotonic regression.

    Notes
    -----
    The level of each flat block stands at the mean score of the block, with straight lines in
    between: steps would give rows within a block one chance, and cost AUC error on real data.

    References
    ----------
    Oron, Flournoy (2017), Centered isotonic regression, Stat. Biopharm. Res. 9(3),
    doi:10.1080/19466315.2017.1286256.
    """
    from sklearn.isotonic import IsotonicRegression

    order = np.argsort(score, kind="stable")
    ordered = score[order]
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0).fit_transform(ordered, label[order])
    starts = np.flatnonzero(np.concatenate(([True], fitted[1:] != fitted[:-1])))
    sizes = np.diff(np.append(starts, len(fitted)))
    centres = np.add.reduceat(ordered, starts) / sizes
    return lambda scores: np.asarray(np.interp(scores, centres, fitted[starts]), dtype=np.float64)


def expected_auc(score: Floats, chance: Floats) -> float:
    """Return the AUC expected of labels that are positive with `chance`, 0..1.

    Examples
    --------
    >>> expected_auc(np.array([0.1, 0.9]), np.array([0.0, 1.0]))
    1.0
    """
    order = np.argsort(score, kind="stable")
    return float(_auc_rows(score[order], chance[order][None, :])[0])


def _auc_rows(ordered: Floats, chance: Floats) -> Floats:
    """Return the expected AUC of each row of chances; columns are ascending in score."""
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    positive = np.add.reduceat(chance, starts, axis=1)
    negative = np.add.reduceat(1.0 - chance, starts, axis=1)
    own = np.add.reduceat(chance * (1.0 - chance), starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative
    wins = (positive * below + 0.5 * (positive * negative - own)).sum(axis=1)
    pairs = positive.sum(axis=1) * negative.sum(axis=1) - own.sum(axis=1)
    return np.where(pairs > 0, wins / np.maximum(pairs, 1e-300), 0.5)


def _measures(ordered: Floats, chance: Floats, threshold: float) -> dict[str, Floats]:
    """Return each metric per row of chances (or of 0/1 labels); columns ascending in score."""
    cut = int(np.searchsorted(ordered, threshold, side="left"))
    true_positive = chance[:, cut:].sum(axis=1)
    false_positive = (chance.shape[1] - cut) - true_positive
    false_negative = chance[:, :cut].sum(axis=1)
    true_negative = cut - false_negative
    predicted = np.maximum(true_positive + false_positive, 1e-12)
    actual = np.maximum(true_positive + false_negative, 1e-12)
    return {
        "roc_auc": _auc_rows(ordered, chance),
        "accuracy": (true_positive + true_negative) / chance.shape[1],
        "precision": true_positive / predicted,
        "recall": true_positive / actual,
        "f1": 2.0 * true_positive / (predicted + actual),
    }


def _estimates(
    score: Floats,
    label: Floats,
    rows: Floats,
    chance: Floats,
    threshold: float,
    limit_sd: float,
    seed: int,
) -> tuple[MetricEstimate, ...]:
    order = np.argsort(score, kind="stable")
    realised = _measures(score[order], label[order][None, :], threshold)
    rng = np.random.default_rng(seed)
    spread = _reference_spread(score, label, len(rows), threshold, rng)
    order = np.argsort(rows, kind="stable")
    ordered, chances = rows[order], chance[order]
    expected = _measures(ordered, chances[None, :], threshold)
    simulated = _simulate(ordered, chances, threshold, rng)
    tail = (1.0 - LEVEL) / 2.0
    estimates = []
    for metric, value in expected.items():
        low, high = np.quantile(simulated[metric], [tail, 1.0 - tail])
        reference = float(realised[metric][0])
        limit = reference - limit_sd * spread[metric]
        estimates.append(
            MetricEstimate(
                metric=metric,
                value=float(value[0]),
                interval=Interval(float(low), float(high), LEVEL),
                reference=reference,
                lower_limit=limit,
                is_drop=float(value[0]) < limit,
            )
        )
    return tuple(estimates)


def _simulate(
    ordered: Floats, chance: Floats, threshold: float, rng: np.random.Generator
) -> dict[str, Floats]:
    """Return metrics of simulated labels, in blocks that keep memory below about 10 MB."""
    block = max(1, min(SIMULATIONS, 250_000 // len(ordered)))
    parts = []
    for start in range(0, SIMULATIONS, block):
        size = min(block, SIMULATIONS - start)
        labels = (rng.random((size, len(ordered)), dtype=np.float32) < chance).astype(np.float64)
        parts.append(_measures(ordered, labels, threshold))
    return {metric: np.concatenate([part[metric] for part in parts]) for metric in parts[0]}


def _reference_spread(
    score: Floats, label: Floats, rows: int, threshold: float, rng: np.random.Generator
) -> dict[str, float]:
    """Return the standard error of each metric in samples of `rows` reference rows."""
    size = min(rows, 5_000)
    draws = []
    for _ in range(50):
        picked = np.sort(rng.integers(0, len(score), size))
        order = picked[np.argsort(score[picked], kind="stable")]
        draws.append(_measures(score[order], label[order][None, :], threshold))
    scale = math.sqrt(size / rows)
    return {
        metric: float(np.std([draw[metric][0] for draw in draws], ddof=1)) * scale
        for metric in draws[0]
    }


def _verdict(metrics: tuple[MetricEstimate, ...], concept: ConceptDrift | None) -> Verdict:
    if concept is not None and concept.outcome == "drift":
        return "assumption_broken"
    judged = [m for m in metrics if m.metric in ("roc_auc", "accuracy")]
    return "estimated_drop" if any(m.is_drop for m in judged) else "no_visible_drop"


def _sentence(
    verdict: Verdict, metrics: tuple[MetricEstimate, ...], concept: ConceptDrift | None
) -> str:
    if verdict == "assumption_broken" and concept is not None:
        return say(
            "findings.estimate_contradicted",
            "The labels at hand contradict the estimate. {why}",
            why=concept.reason,
        )
    if verdict == "estimated_drop":
        worst = min(metrics[:2], key=lambda m: m.value - m.lower_limit)
        return say(
            "findings.estimated_drop",
            "Estimated {metric} {value, number} against {reference, number} on the reference, "
            "below the limit {limit, number}.",
            metric=METRIC_WORDS.get(worst.metric, worst.metric),
            value=worst.value,
            reference=worst.reference,
            limit=worst.lower_limit,
        )
    if concept is None:
        return say(
            "findings.no_visible_drop",
            "The inputs alone would cause no drop; concept drift stays invisible here.",
        )
    return say(
        "findings.no_visible_drop_checked",
        "The inputs alone would cause no drop; concept drift stays invisible here. The labels at "
        "hand do not contradict it.",
    )
