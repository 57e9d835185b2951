"""Rows unlike the reference: conformal p values from a distance in feature or embedding space."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engines.errors import EngineError, InsufficientData
from engines.reliability.calibration_error import Floats
from engines.reliability.proportion import wilson
from engines.reliability.result import OutOfDistribution
from engines.result import Interval
from engines.sentence import say
from engines.trust.maps import part

MIN_REFERENCE = 100
"""Half of it calibrates: with 50 the smallest possible p value is 0.02."""

MIN_CURRENT = 20

MAX_REFERENCE = 5_000
"""More rows are sampled: the p values' grain is already 1 in 2,500."""

NEIGHBOURS = 10

DISPLACEMENT = 4.0
"""Injected outliers lie this many standard deviations off, over all columns together."""

SHOWN = 20

Distance = Literal["mahalanobis", "neighbours"]


class _Scorer(Protocol):
    def __call__(self, rows: Floats) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Features:
    """Rows in feature or embedding space.

    Attributes
    ----------
    reference, current : array_like of float, shape (n, d) and (m, d)
        NaN is replaced by the reference's median of the column.
    outliers : array_like of float, shape (j, d), optional
        Known outliers to grade the detector by; without them, injected ones.
    """

    reference: ArrayLike
    current: ArrayLike
    outliers: ArrayLike | None = None


def ood_detection(
    given: Features,
    *,
    alpha: float = 0.05,
    distance: Distance = "mahalanobis",
    level: float = 0.9,
    seed: int = 0,
) -> OutOfDistribution:
    """Return how many current rows look like nothing in the reference.

    Parameters
    ----------
    given : Features
        Reference and current rows.
    alpha : float
        Share of ordinary rows flagged, in (0, 0.5).
    distance : {"mahalanobis", "neighbours"}
        "mahalanobis" sees rows far from one centre; "neighbours" (mean distance to the ten
        nearest) also sees rows between clusters, at a higher cost.
    level : float
        Confidence level of the intervals, in (0, 1).
    seed : int
        Of the split of the reference and of the injected outliers.

    Returns
    -------
    OutOfDistribution

    Raises
    ------
    InsufficientData
        With fewer than 100 reference or 20 current rows.
    EngineError
        When the columns differ in number.

    Notes
    -----
    One half of the reference fits the distance, the other calibrates: ``p = (1 + #{calibration
    >= score}) / (n + 1)``. H0: the row comes from the reference; then P(p <= alpha) <= alpha
    whatever the distribution, and the number flagged among m follows BetaBinomial(m, j, n + 1 -
    j), ``j = floor(alpha (n + 1))``. A rare but known kind of row is flagged as well: strange is
    not wrong. A shift of all rows by less than the reference's spread is drift, not this.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> reference, current = rng.normal(size=(400, 3)), rng.normal(size=(200, 3))
    >>> current[:40] += 8
    >>> found = ood_detection(Features(reference, current))
    >>> found.share >= 0.2, found.p_value < 1e-6, found.auroc > 0.9
    (True, True, True)

    References
    ----------
    Laxhammar and Falkman (2015), Inductive conformal anomaly detection, Annals of Mathematics
    and AI 74. Bates et al. (2023), Testing for outliers with conformal p-values, Annals of
    Statistics 51. Ledoit and Wolf (2004), A well-conditioned estimator for large-dimensional
    covariance matrices, J. Multivariate Analysis 88.
    """
    reference, current = _matrices(given)
    if not 0 < alpha < 0.5:
        raise EngineError(f"alpha must be in (0, 0.5), got {alpha}")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(reference))[:MAX_REFERENCE]
    fit, held = reference[order[: len(order) // 2]], reference[order[len(order) // 2 :]]
    scorer = _standardised(fit, distance)
    calibration = np.sort(scorer(held))
    away = scorer(current)
    p_values = _conformal(calibration, away)
    flagged, n, m = int((p_values <= alpha).sum()), calibration.size, len(current)
    share, span = flagged / m, wilson(flagged, m, level)
    injected, what = _outliers(given, held, fit, rng)
    auroc, auroc_span = _auroc(calibration, scorer(injected), level)
    over, over_span = _excess(share, span, n, alpha)
    graded = part("ood_excess", over, over_span, m)
    return OutOfDistribution(
        share=share,
        interval=span,
        alpha=alpha,
        excess=over,
        excess_interval=over_span,
        p_value=_excess_p(flagged, m, n, alpha),
        discoveries=_discoveries(p_values, alpha),
        strangest=tuple(np.argsort(-away, kind="stable")[:SHOWN].tolist()),
        auroc=auroc,
        auroc_interval=auroc_span,
        injected=what,
        score=graded.score,
        score_interval=graded.interval or Interval(0.0, 1.0, level),
        n_reference=len(reference),
        n_current=m,
        method=f"conformal p values from {distance} distance",
    )


def _matrices(given: Features) -> tuple[Floats, Floats]:
    reference = np.asarray(given.reference, dtype=float)
    current = np.asarray(given.current, dtype=float)
    if reference.ndim != 2 or current.ndim != 2 or reference.shape[1] != current.shape[1]:
        raise EngineError(
            f"need rows of equal width, got shapes {reference.shape} and {current.shape}"
        )
    if len(reference) < MIN_REFERENCE:
        raise InsufficientData(
            say(
                "reasons.outliers_need_reference",
                "outlier detection needs {needed, number} reference rows, got {got, number}",
                needed=MIN_REFERENCE,
                got=len(reference),
            ),
            needed=MIN_REFERENCE,
            got=len(reference),
        )
    if len(current) < MIN_CURRENT:
        raise InsufficientData(
            say(
                "reasons.outliers_need_current",
                "outlier detection needs {needed, number} current rows, got {got, number}",
                needed=MIN_CURRENT,
                got=len(current),
            ),
            needed=MIN_CURRENT,
            got=len(current),
        )
    return reference, current


def _standardised(fit: Floats, distance: Distance) -> _Scorer:
    """Return the distance on columns centred and scaled by `fit`; a constant column is a rule."""
    finite = np.where(np.isfinite(fit), fit, np.nan)
    known = ~np.isnan(finite).all(axis=0)
    centre = np.zeros(fit.shape[1])
    centre[known] = np.nanmedian(finite[:, known], axis=0)
    filled = np.where(np.isnan(finite), centre, finite)
    scale = filled.std(axis=0)
    constant = scale <= 1e-12 * np.maximum(1.0, np.abs(centre))
    scale[constant] = 1.0

    def prepare(rows: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        whole = np.where(np.isfinite(rows), rows, centre)
        breaks = ((whole != centre) & constant & known).any(axis=1)
        return ((whole - centre) / scale)[:, ~constant], breaks

    prepared, _ = prepare(fit)
    measure = _mahalanobis(prepared) if distance == "mahalanobis" else _neighbours(prepared)

    def score(rows: Floats) -> Floats:
        ready, breaks = prepare(rows)
        return np.where(breaks, np.inf, measure(ready))

    return score


def _mahalanobis(fit: Floats) -> _Scorer:
    from sklearn.covariance import ledoit_wolf

    if fit.shape[1] == 0:
        return lambda rows: np.zeros(len(rows))
    mean = fit.mean(axis=0)
    covariance, _ = ledoit_wolf(fit - mean, assume_centered=True)
    precision = np.linalg.pinv(covariance)

    def score(rows: Floats) -> Floats:
        away = rows - mean
        return np.asarray(np.einsum("ij,jk,ik->i", away, precision, away, optimize=True))

    return score


def _neighbours(fit: Floats) -> _Scorer:
    from sklearn.neighbors import NearestNeighbors

    if fit.shape[1] == 0:
        return lambda rows: np.zeros(len(rows))
    index = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(fit))).fit(fit)
    return lambda rows: np.asarray(index.kneighbors(rows)[0].mean(axis=1))


def _conformal(calibration: Floats, scores: Floats) -> Floats:
    at_least = calibration.size - np.searchsorted(calibration, scores, side="left")
    return np.asarray((1 + at_least) / (calibration.size + 1))


def _excess(share: float, span: Interval, n: int, alpha: float) -> tuple[float, Interval]:
    """Return the share flagged beyond the nominal one, and its interval by MOVER.

    The share of ordinary rows that the calibration would flag is itself uncertain: it follows
    Beta(j, n + 1 - j).
    """
    from scipy.special import betaincinv

    j = _rank(n, alpha)
    if j == 0:
        return share, span
    expected = j / (n + 1)
    tail = (1 - span.level) / 2
    fewest, most = (float(betaincinv(j, n + 1 - j, q)) for q in (tail, 1 - tail))
    low = share - expected - math.hypot(share - span.low, most - expected)
    high = share - expected + math.hypot(span.high - share, expected - fewest)
    return share - expected, Interval(low, high, span.level)


def _rank(n: int, alpha: float) -> int:
    return int(alpha * (n + 1) + 1e-9)


def _excess_p(flagged: int, m: int, n: int, alpha: float) -> float:
    from scipy.stats import betabinom

    j = _rank(n, alpha)
    if j == 0:
        return 1.0
    return float(betabinom(m, j, n + 1 - j).sf(flagged - 1))


def _discoveries(p_values: Floats, alpha: float) -> int:
    from scipy.stats import false_discovery_control

    return int((false_discovery_control(p_values) <= alpha).sum())


def _outliers(
    given: Features, held: Floats, fit: Floats, rng: np.random.Generator
) -> tuple[Floats, str]:
    if given.outliers is not None:
        rows = np.asarray(given.outliers, dtype=float)
        if rows.ndim != 2 or rows.shape[1] != held.shape[1] or not len(rows):
            raise EngineError(f"outliers must have {held.shape[1]} columns, got {rows.shape}")
        return rows, "given"
    directions = rng.standard_normal(held.shape)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    spread = np.nan_to_num(np.nanstd(np.where(np.isfinite(fit), fit, np.nan), axis=0))
    rows = held + DISPLACEMENT * spread * directions
    return rows, f"reference rows moved {DISPLACEMENT:g} sd in a random direction"


def _auroc(ordinary: Floats, strange: Floats, level: float) -> tuple[float, Interval]:
    """Return the Mann-Whitney AUROC with DeLong's interval."""
    from scipy.special import ndtri

    lower = np.searchsorted(ordinary, strange, side="left")
    upper = np.searchsorted(ordinary, strange, side="right")
    per_strange = (lower + upper) / 2 / ordinary.size
    ranked = np.sort(strange)
    above = ranked.size - np.searchsorted(ranked, ordinary, side="right")
    at_least = ranked.size - np.searchsorted(ranked, ordinary, side="left")
    per_ordinary = (above + at_least) / 2 / ranked.size
    auroc = float(per_strange.mean())
    variance = per_strange.var() / strange.size + per_ordinary.var() / ordinary.size
    half = float(ndtri(0.5 + level / 2)) * float(np.sqrt(variance))
    return auroc, Interval(max(0.0, auroc - half), min(1.0, auroc + half), level)
