"""Concept drift with labels: does the same score still mean the same thing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engines.drift.combine import combine_p
from engines.drift.pair import Floats
from engines.drift.rank_tests import two_sided_p
from engines.drift.result import Outcome, TestResult
from engines.drift.words import TOO_LITTLE
from engines.errors import EngineError
from engines.sentence import say

BINS = 10
LEAST_PER_BIN = 20  # rows per side and bin; fewer are pooled with the next bin
LEAST_ROWS = 50
GATE = 0.02  # a change of the label rate by 2 points at equal scores is called negligible below


@dataclass(frozen=True, slots=True)
class ConceptBin:
    """Label means of both sides over one range of scores, with the rows behind them."""

    low: float
    high: float
    n_reference: int
    n_current: int
    reference: float
    current: float


@dataclass(frozen=True, slots=True)
class ConceptDrift:
    """Whether labels relate to scores as they did.

    Attributes
    ----------
    outcome, reason : str
        As for a column of a drift report.
    p_value : float or None
        Combined p value of the tests.
    tests : tuple of TestResult
        ``score_bins`` (any pattern), ``level`` (all bins up or down), ``slope`` (low against high
        scores).
    effect : float
        Root mean square change of the label at equal scores, over current rows and freed of its
        noise; in the unit of the label.
    bins : tuple of ConceptBin
        What to draw.
    """

    outcome: Outcome
    reason: str
    n_reference: int
    n_current: int
    p_value: float | None = None
    tests: tuple[TestResult, ...] = ()
    effect: float = 0.0
    gate: float = GATE
    bins: tuple[ConceptBin, ...] = ()


def compare_concept(
    reference_score: Floats,
    reference_label: Floats,
    current_score: Floats,
    current_label: Floats,
    *,
    bins: int = BINS,
    level: float = 0.05,
    gate: float = GATE,
) -> ConceptDrift:
    """Return whether the label given the score changed.

    Parameters
    ----------
    reference_score, current_score : ndarray, shape (n,) and (m,)
        Scores or predictions. Rows with a missing score or label are left out.
    reference_label, current_label : ndarray, shape (n,) and (m,)
        Outcomes as they arrived: 0/1 for classes, numbers for regression; for several classes pass
        whether the predicted class was right, with its probability as the score.
    bins : int
        Equal-mass ranges of the pooled scores, at least 2.
    level : float
        Chance of an alarm when nothing changed, in (0, 1).
    gate : float
        Change of the label, in its unit, below which a detected change is negligible.

    Raises
    ------
    EngineError
        When scores and labels differ in length.

    Notes
    -----
    H0: given the score, the label has one distribution on both sides; the scores themselves may
    move. Per bin, the difference of mean residuals ``y - g(score)`` with its variance gives d and
    v; g is a smooth curve through both sides, so scores that move within a bin do not count as
    change. ``score_bins``: sum d**2 / v ~ chi2(bins). ``level`` and ``slope``: the generalised
    least squares contrasts of d with 1 and with the bin's rank. Joined by Cauchy. It says that the
    meaning of the score changed, not why. For 0/1 labels v is the pooled binomial variance.

    References
    ----------
    Gama et al. (2014), A survey on concept drift adaptation, ACM Comput. Surv. 46(4),
    doi:10.1145/2523813. Hosmer, Lemeshow (1980), Goodness of fit tests for the multiple logistic
    regression model, Communications in Statistics 9(10), doi:10.1080/03610928008827941.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> score = rng.random(4000)
    >>> label = (rng.random(4000) < score).astype(float)
    >>> flipped = (rng.random(4000) < 0.3 + 0.4 * score).astype(float)
    >>> compare_concept(score, label, score, flipped).outcome
    'drift'
    """
    before = _complete(reference_score, reference_label)
    after = _complete(current_score, current_label)
    n, m = len(before[0]), len(after[0])
    if min(n, m) < LEAST_ROWS:
        reason = say(
            "reasons.labelled_rows_each_side",
            "needs {needed, number} labelled rows on each side, got {before, number} and "
            "{now, number}",
            needed=LEAST_ROWS,
            before=n,
            now=m,
        )
        return ConceptDrift("insufficient_data", reason, n, m, gate=gate)
    score = np.concatenate((before[0], after[0]))
    label = np.concatenate((before[1], after[1]))
    side = np.repeat([0, 1], [n, m])
    cell, edges = _cells(score, side, bins)
    counts, residual, variance = _residuals(score, label, side, cell, len(edges) - 1)
    change = residual[1] - residual[0]
    usable = (counts.min(axis=0) > 0) & (variance > 0)
    if not usable.any():
        reason = say(
            "reasons.no_overlap",
            "The scores of the two sides do not overlap, or the labels never vary.",
        )
        return ConceptDrift("insufficient_data", reason, n, m, gate=gate)
    tests = _tests(change[usable], variance[usable])
    p = combine_p([test.p_value for test in tests])
    effect = _effect(change[usable], variance[usable], counts[1, usable])
    drawn = _draw(_means(label, side, cell, counts), counts, edges)
    outcome: Outcome = "no_evidence"
    if p <= level:
        outcome = "drift" if effect >= gate else "detectable_but_negligible"
    return ConceptDrift(
        outcome, _sentence(outcome, effect, n, m), n, m, p, tests, effect, gate, drawn
    )


def _complete(score: Floats, label: Floats) -> tuple[Floats, Floats]:
    score, label = np.asarray(score, dtype=np.float64), np.asarray(label, dtype=np.float64)
    if score.shape != label.shape or score.ndim != 1:
        raise EngineError(f"scores and labels differ in shape: {score.shape} and {label.shape}")
    present = np.isfinite(score) & np.isfinite(label)
    return score[present], label[present]


def _cells(score: Floats, side: np.ndarray, bins: int) -> tuple[np.ndarray, Floats]:
    """Return each row's bin and the bin edges; bins too thin on a side join the next."""
    if bins < 2:
        raise EngineError(f"bins must be at least 2, got {bins}")
    edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)))
    if len(edges) < 2:
        edges = np.array([edges[0], edges[0] + 1.0])
    cell = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, len(edges) - 2)
    keep = [0]
    rows = np.zeros(2)
    for index in range(len(edges) - 1):
        here = cell == index
        rows += (int((here & (side == 0)).sum()), int((here & (side == 1)).sum()))
        if rows.min() >= LEAST_PER_BIN:
            keep.append(index + 1)
            rows = np.zeros(2)
    if len(keep) == 1:
        keep.append(len(edges) - 1)
    keep[-1] = len(edges) - 1
    edges = edges[keep]
    return np.clip(np.searchsorted(edges, score, side="right") - 1, 0, len(edges) - 2), edges


def _residuals(
    score: Floats, label: Floats, side: np.ndarray, cell: np.ndarray, bins: int
) -> tuple[Floats, Floats, Floats]:
    """Return rows (2, bins), mean residuals (2, bins) and the variance of their difference."""
    residual = label - _smooth(score, label)
    key = side * bins + cell
    counts = np.bincount(key, minlength=2 * bins).reshape(2, bins).astype(np.float64)
    safe = np.maximum(counts, 1.0)
    mean = np.bincount(key, weights=residual, minlength=2 * bins).reshape(2, bins) / safe
    centred = residual - mean.reshape(-1)[key]
    total = counts.sum(axis=0)
    squares = np.bincount(cell, weights=centred**2, minlength=bins)
    pooled = squares / np.maximum(total - 2.0, 1.0)
    if np.isin(label, (0.0, 1.0)).all():
        # Binomial: a bin where every label agrees still has the variance of one more label.
        share = (np.bincount(cell, weights=label, minlength=bins) + 0.5) / (total + 1.0)
        pooled = np.maximum(pooled, share * (1.0 - share) * (pooled <= 0))
    return counts, mean, pooled * (1.0 / safe[0] + 1.0 / safe[1])


def _smooth(score: Floats, label: Floats) -> Floats:
    """Return the cubic least squares curve of the label over the rank of the score."""
    order = np.argsort(np.argsort(score, kind="stable"), kind="stable")
    values, inverse = np.unique(score, return_inverse=True)
    rank = np.bincount(inverse, weights=order) / np.bincount(inverse)
    u = 2.0 * rank[inverse] / max(1, len(score) - 1) - 1.0
    design = np.vander(u, min(4, len(values)))
    solution, *_ = np.linalg.lstsq(design, label, rcond=None)
    return np.asarray(design @ solution, dtype=np.float64)


def _tests(change: Floats, variance: Floats) -> tuple[TestResult, ...]:
    from scipy.special import chdtrc

    statistic = float((change**2 / variance).sum())
    tests = [TestResult("score_bins", statistic, float(chdtrc(len(change), statistic)))]
    rank = np.arange(len(change), dtype=np.float64)
    tilt = rank - float((rank / variance).sum() / (1.0 / variance).sum())
    for name, contrast in (("level", np.ones_like(change)), ("slope", tilt)):
        size = float((contrast**2 / variance).sum())
        if size > 0:
            z = float((contrast * change / variance).sum()) / math.sqrt(size)
            tests.append(TestResult(name, z, two_sided_p(z)))
    return tuple(tests)


def _effect(change: Floats, variance: Floats, rows: Floats) -> float:
    """Return the root mean square change over current rows, freed of its noise."""
    weight = rows / rows.sum()
    return math.sqrt(max(0.0, float(weight @ change**2) - float(weight @ variance)))


def _draw(means: Floats, counts: Floats, edges: Floats) -> tuple[ConceptBin, ...]:
    return tuple(
        ConceptBin(
            float(edges[i]),
            float(edges[i + 1]),
            int(counts[0, i]),
            int(counts[1, i]),
            float(means[0, i]),
            float(means[1, i]),
        )
        for i in range(len(edges) - 1)
        if counts[:, i].min() > 0
    )


def _means(label: Floats, side: np.ndarray, cell: np.ndarray, counts: Floats) -> Floats:
    bins = counts.shape[1]
    sums = np.bincount(side * bins + cell, weights=label, minlength=2 * bins).reshape(2, bins)
    return np.asarray(sums / np.maximum(counts, 1.0))


def _sentence(outcome: Outcome, effect: float, n: int, m: int) -> str:
    if outcome == "no_evidence":
        return say(
            "findings.meaning_kept",
            "No evidence that equal scores mean something else now; "
            "{now, plural, one {# labelled row} other {# labelled rows}} against "
            "{before, number}.",
            now=m,
            before=n,
        )
    small = "" if outcome == "drift" else TOO_LITTLE
    return say(
        "findings.meaning_changed",
        "Equal scores mean something else now: labels moved by {effect, number}{small}; "
        "{now, plural, one {# labelled row} other {# labelled rows}} against {before, number}.",
        effect=effect,
        small=small,
        now=m,
        before=n,
    )
