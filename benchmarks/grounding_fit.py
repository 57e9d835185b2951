"""Fit the combiner: sign-constrained logistic regression and monotone boosted trees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from benchmarks.grounding_data import MAY_TRAIN, Row
from engines.hallucination.context import ContextCache
from engines.hallucination.features import FEATURES, pool, read_evidence
from engines.hallucination.split import split_sentences

Floats = NDArray[np.float64]
SHARE = 0.5  # weight of the trees in the average
SYNTHETIC_WEIGHT = 0.25  # of all synthetic rows together, against all labelled rows
# More of any other feature can never lower the risk: novelty, missing items, opposites.
FREE = frozenset({"synonyms", "wider_words", "modals", "quantifiers"})
SIGNS = np.array([0 if name.rsplit("_", 1)[0] in FREE else 1 for name in FEATURES])


@dataclass(frozen=True)
class Table:
    """Features, labels, groups and datasets of rows."""

    x: Floats
    y: Floats
    group: NDArray[np.str_]
    dataset: NDArray[np.str_]
    rows: list[Row]

    @property
    def family(self) -> NDArray[np.str_]:
        return np.array([MAY_TRAIN[name] for name in self.dataset])

    def where(self, mask: NDArray[np.bool_]) -> Table:
        rows = [row for row, keep in zip(self.rows, mask, strict=True) if keep]
        return Table(self.x[mask], self.y[mask], self.group[mask], self.dataset[mask], rows)


def design(rows: list[Row]) -> Table:
    """One row of features per output; outputs without a word are left out."""
    cache = ContextCache(max_characters=50_000_000)
    values, kept = [], []
    for row in rows:
        context = cache.get(row.context)
        evidence = [
            read_evidence(row.output, start, end, context, is_english=True)
            for start, end in split_sentences(row.output)
        ]
        if evidence:
            values.append(pool(evidence))
            kept.append(row)
    return Table(
        np.array(values, dtype=float),
        np.array([row.label for row in kept], dtype=float),
        np.array([row.group for row in kept]),
        np.array([row.dataset for row in kept]),
        kept,
    )


def balance(table: Table) -> Floats:
    """Weights under which every family and label counts the same, mean 1."""
    weights = np.ones(len(table.y))
    for family in set(table.family):
        for label in (0, 1):
            chosen = (table.family == family) & (table.y == label)
            weights[chosen] = 1 / max(1, chosen.sum())
    return np.asarray(weights / weights.mean())


class Linear:
    """Ridge logistic regression whose coefficients keep the sign that reason gives them."""

    def __init__(self, x: Floats, y: Floats, weights: Floats, ridge: float = 10.0) -> None:
        self.mean, self.scale = x.mean(0), x.std(0) + 1e-9
        z = (x - self.mean) / self.scale
        n = z.shape[1]

        def loss(theta: Floats) -> tuple[float, Floats]:
            score = z @ theta[:n] + theta[n]
            residual = weights * (1 / (1 + np.exp(-score)) - y)
            value = weights @ (np.logaddexp(0, score) - y * score)
            gradient = np.append(z.T @ residual + ridge * theta[:n], residual.sum())
            return float(value + 0.5 * ridge * theta[:n] @ theta[:n]), gradient

        bounds = [(0, None) if sign else (None, None) for sign in SIGNS] + [(None, None)]
        found = minimize(loss, np.zeros(n + 1), jac=True, bounds=bounds, method="L-BFGS-B")
        self.weights, self.intercept = found.x[:n], float(found.x[n])

    def log_odds(self, x: Floats) -> Floats:
        return np.asarray((x - self.mean) / self.scale @ self.weights + self.intercept)


class Fitted:
    """Both parts, fitted on labelled and synthetic rows."""

    def __init__(self, real: Table, synthetic: Table, seed: int = 0) -> None:
        x = np.vstack([real.x, synthetic.x])
        y = np.append(real.y, synthetic.y)
        own = np.ones(len(synthetic.y))
        for label in (0, 1):
            own[synthetic.y == label] = 1 / max(1, (synthetic.y == label).sum())
        own *= SYNTHETIC_WEIGHT * len(real.y) / own.sum()
        weights = np.append(balance(real), own)
        self.linear = Linear(x, y, weights)
        self.trees = HistGradientBoostingClassifier(
            max_iter=80,
            max_leaf_nodes=8,
            learning_rate=0.08,
            min_samples_leaf=30,
            l2_regularization=5.0,
            early_stopping=False,
            monotonic_cst=SIGNS,
            random_state=seed,
        ).fit(x, y, sample_weight=weights)

    def log_odds(self, x: Floats) -> Floats:
        trees = np.asarray(self.trees.decision_function(x))
        return (1 - SHARE) * self.linear.log_odds(x) + SHARE * trees


def out_of_fold(real: Table, synthetic: Table, folds: int = 5) -> Floats:
    """Log-odds of every row from a model that saw no row of its document group."""
    held_out = np.zeros(len(real.y))
    for _, test in GroupKFold(folds).split(real.x, real.y, real.group):
        inside = np.zeros(len(real.y), dtype=bool)
        inside[test] = True
        unseen = ~np.isin(synthetic.group, real.group[test])
        held_out[test] = Fitted(real.where(~inside), synthetic.where(unseen)).log_odds(real.x[test])
    return held_out


def leave_family_out(real: Table, synthetic: Table) -> Floats:
    """Log-odds of every row from a model that saw no row of its whole dataset family."""
    held_out = np.zeros(len(real.y))
    for family in sorted(set(real.family)):
        inside = real.family == family
        rest = synthetic.where(synthetic.family != family)
        held_out[inside] = Fitted(real.where(~inside), rest).log_odds(real.x[inside])
    return held_out


def platt(log_odds: Floats, y: Floats) -> tuple[float, float]:
    """Slope and offset of the logistic calibration."""
    model = LogisticRegression(C=1e3).fit(log_odds[:, None], y)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def scaling(log_odds: Floats, y: Floats) -> list[float]:
    """Platt slope and offset, and the prevalence they were fitted at."""
    return [*platt(log_odds, y), float(y.mean())]
