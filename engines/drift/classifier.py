"""Domain classifier: can anything tell reference rows from current ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.drift.pair import Floats
from engines.drift.witness import halves, one_sided

TREES = 25
LEAVES = 12


@dataclass(frozen=True, slots=True)
class Separation:
    """Held-out AUC of the classifier (0.5: no difference), p value and importance per column."""

    auc: float
    p_value: float
    n: int
    m: int
    importance: Floats


def separate(
    reference: Floats,
    current: Floats,
    *,
    seed: int,
    explain_below: float = 0.0,
) -> Separation:
    """Return how well boosted trees tell current rows from reference rows they never saw.

    Parameters
    ----------
    reference, current : ndarray of float, shape (rows, columns)
        NaN is allowed. At least 4 rows each.
    seed : int
        Seeds the split and the trees.
    explain_below : float
        Importances are computed only when the p value is at most this; else they are 0.

    Notes
    -----
    H0: rows of both sides are exchangeable. Trees are fitted on one half of each side; on the other
    half the permutation p value of the AUC is that of Mann-Whitney on the scores (one-sided).
    Cross-fitting both halves into one test would reject 15 % at nominal 5 %. Importance: the
    fall of the held-out AUC when a column is shuffled. Weak dependence among many columns needs
    more rows than this test uses; the dependence test is the sharper one there.

    References
    ----------
    Lopez-Paz, Oquab (2017), Revisiting classifier two-sample tests, ICLR.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(seed)
    fit_before, test_before = halves(reference, rng)
    fit_after, test_after = halves(current, rng)
    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        max_bins=64,
        learning_rate=0.2,
        min_samples_leaf=max(5, min(30, len(fit_before) // 10)),
        early_stopping=False,
        random_state=seed,
    )
    target = np.repeat([0, 1], [len(fit_before), len(fit_after)])
    model.fit(np.vstack((fit_before, fit_after)), target)
    score_before = model.decision_function(test_before)
    score_after = model.decision_function(test_after)
    auc, p = one_sided(score_before, score_after)
    importance = np.zeros(reference.shape[1])
    if p <= explain_below:
        for column in range(reference.shape[1]):
            shuffled = np.vstack((test_before, test_after))
            rng.shuffle(shuffled[:, column])
            scores = model.decision_function(shuffled)
            lower, _ = one_sided(scores[: len(test_before)], scores[len(test_before) :])
            importance[column] = max(0.0, auc - lower)
    return Separation(auc, p, len(reference), len(current), importance)
