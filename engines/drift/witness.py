"""Two-sample tests of vectors: learn what separates the sides on one half, test on the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engines.drift.pair import Floats, NumericPair
from engines.drift.rank_tests import mann_whitney

# Takes fit rows of both sides; returns the score of new rows (higher: more like current).
Witness = Callable[[Floats, Floats], Callable[[Floats], Floats]]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Held-out AUC averaged over both halves, their p values, and all scores per side."""

    auc: float
    p_values: tuple[float, float]
    reference_scores: Floats
    current_scores: Floats


def one_sided(before: Floats, after: Floats) -> tuple[float, float]:
    """Return (AUC, p value against AUC > 1/2) of two samples of scores."""
    test = mann_whitney(NumericPair.of_samples(before, after))
    half = test.p_value / 2.0
    return test.statistic, half if test.statistic > 0.5 else 1.0 - half


def hold_out(reference: Floats, current: Floats, witness: Witness, seed: int) -> HeldOut:
    """Return the two-sample test by a learned score, each half tested with the other's score.

    Parameters
    ----------
    reference, current : ndarray of float, shape (rows, dimensions)
        At least 4 rows each.
    witness : callable
        `kernel_witness` or `linear_witness`.
    seed : int
        Seeds the split into halves.

    Notes
    -----
    H0: all rows come from one distribution. Each half's p value is a Mann-Whitney test on scores
    fixed beforehand, hence valid alone; the two depend on each other, so combine them with
    ``combine_p``, never by pooling the scores into one test.

    References
    ----------
    Kuebler, Jitkrittum, Schoelkopf, Muandet (2022), A witness two-sample test, AISTATS.
    """
    rng = np.random.default_rng(seed)
    split = [halves(side, rng) for side in (reference, current)]
    aucs: list[float] = []
    p_values: list[float] = []
    scores: tuple[list[Floats], list[Floats]] = ([], [])
    for fit, test in ((0, 1), (1, 0)):
        score = witness(split[0][fit], split[1][fit])
        before, after = score(split[0][test]), score(split[1][test])
        auc, p = one_sided(before, after)
        aucs.append(auc)
        p_values.append(p)
        scores[0].append(before)
        scores[1].append(after)
    joined = [np.concatenate(part) for part in scores]
    return HeldOut(float(np.mean(aucs)), (p_values[0], p_values[1]), joined[0], joined[1])


def halves(rows: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return a random half of the rows and the other half."""
    order = rng.permutation(len(rows))
    middle = len(rows) // 2
    return rows[order[:middle]], rows[order[middle:]]


def linear_witness(before: Floats, after: Floats) -> Callable[[Floats], Floats]:
    """Return the projection on the shrunk Fisher discriminant of two samples.

    Notes
    -----
    ``(S + t I)^-1 (mean_after - mean_before)``; the ridge t is the mean variance times
    ``d / (rows + d)``, which makes it a mean difference for few rows and Fisher's for many.
    """
    middle = (before.mean(axis=0) + after.mean(axis=0)) / 2.0
    centred = np.vstack((before - before.mean(axis=0), after - after.mean(axis=0)))
    rows, dimensions = centred.shape
    covariance = centred.T @ centred / rows
    ridge = float(np.trace(covariance)) / dimensions * dimensions / (rows + dimensions)
    covariance[np.diag_indices(dimensions)] += ridge + 1e-12
    direction = np.linalg.solve(covariance, after.mean(axis=0) - before.mean(axis=0))
    return lambda rows: np.asarray((rows - middle) @ direction, dtype=np.float64)


def kernel_witness(before: Floats, after: Floats) -> Callable[[Floats], Floats]:
    """Return the difference of mean Gaussian kernels to two samples (median bandwidth)."""
    centres = np.vstack((before, after))
    norms = (centres * centres).sum(axis=1)
    some = slice(None, None, max(1, len(centres) // 500))
    near = norms[some, None] + norms[None, some] - 2.0 * centres[some] @ centres[some].T
    bandwidth = float(np.median(near[near > 1e-12])) if (near > 1e-12).any() else 1.0
    weights = np.repeat([-1.0 / len(before), 1.0 / len(after)], [len(before), len(after)])

    def score(rows: Floats) -> Floats:
        squared = (rows * rows).sum(axis=1)[:, None] + norms[None, :] - 2.0 * rows @ centres.T
        return np.asarray(np.exp(-np.maximum(squared, 0.0) / bandwidth) @ weights)

    return score
