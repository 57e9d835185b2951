"""Train the groundedness combiner and write its JSON artefact and data card numbers.

Run: python -m benchmarks.grounding_train   (needs the public groundedness data)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from benchmarks.grounding_data import MAY_TRAIN, Row, read
from engines.hallucination.context import ContextCache
from engines.hallucination.features import FEATURES, pool, read_evidence
from engines.hallucination.split import split_sentences

ARTEFACT = Path(__file__).resolve().parents[1] / "engines" / "hallucination" / "combiner.json"
SHARE = 0.5  # of the trees in the average
Floats = NDArray[np.float64]


def design(rows: list[Row]) -> Floats:
    """One feature row per output."""
    cache = ContextCache(max_characters=50_000_000)
    out = []
    for row in rows:
        context = cache.get(row.context)
        evidence = [
            read_evidence(row.output, start, end, context, is_english=True)
            for start, end in split_sentences(row.output)
        ]
        out.append(pool(evidence, context))
    return np.array(out, dtype=float)


def balance(rows: list[Row]) -> Floats:
    """Weights under which every family and label counts the same, mean 1."""
    keys = [(MAY_TRAIN[row.dataset], row.label) for row in rows]
    count = {key: keys.count(key) for key in set(keys)}
    weights = np.array([1 / count[key] for key in keys])
    return np.asarray(weights / weights.mean())


class Fitted:
    """Scaler, logistic regression and boosted trees fitted on the same rows."""

    def __init__(self, x: Floats, y: Floats, weights: Floats) -> None:
        self.scaler = StandardScaler().fit(x)
        self.linear = LogisticRegression(C=0.1, max_iter=5_000)
        self.linear.fit(self.scaler.transform(x), y, sample_weight=weights)
        self.trees = HistGradientBoostingClassifier(
            max_iter=80,
            max_leaf_nodes=8,
            learning_rate=0.08,
            min_samples_leaf=30,
            l2_regularization=5.0,
            early_stopping=False,
            random_state=0,
        )
        self.trees.fit(x, y, sample_weight=weights)

    def log_odds(self, x: Floats) -> Floats:
        """Average of both parts."""
        linear = self.linear.decision_function(self.scaler.transform(x))
        trees = self.trees.decision_function(x)
        return np.asarray((1 - SHARE) * linear + SHARE * trees)


def out_of_fold(x: Floats, y: Floats, rows: list[Row], weights: Floats) -> Floats:
    """Log-odds of every row from a model that saw no row of its group."""
    groups = np.array([row.group for row in rows])
    held_out = np.zeros(len(y))
    for train, test in GroupKFold(5).split(x, y, groups):
        held_out[test] = Fitted(x[train], y[train], weights[train]).log_odds(x[test])
    return held_out


def platt(log_odds: Floats, y: Floats) -> tuple[float, float]:
    """Slope and offset of the logistic calibration."""
    model = LogisticRegression(C=1e3).fit(log_odds[:, None], y)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def tree_columns(predictor: Any, rate: float) -> list[list[float]]:  # sklearn's private node array
    """A tree as [feature, threshold, left, right, value] columns; leaves have left -1."""
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    # sklearn shrinks leaf values only; inner means are shrunk here so that paths add up.
    value = np.where(leaf, nodes["value"], nodes["value"] * rate)
    return [
        np.where(leaf, 0, nodes["feature_idx"]).astype(int).tolist(),
        [round(float(t), 9) for t in np.where(leaf, 0.0, nodes["num_threshold"])],
        np.where(leaf, -1, nodes["left"].astype(int)).tolist(),
        np.where(leaf, -1, nodes["right"].astype(int)).tolist(),
        [round(float(v), 9) for v in value],
    ]


def export(fitted: Fitted, held_out: Floats, y: Floats, rows: list[Row]) -> dict[str, Any]:
    """The artefact as plain JSON values."""
    trees = [
        tree_columns(stage[0], fitted.trees.learning_rate) for stage in fitted.trees._predictors
    ]
    roots = sum(tree[4][0] for tree in trees)
    baseline = float(fitted.trees._baseline_prediction.ravel()[0])
    slope, offset = platt(held_out, y)
    families = {}
    for family in sorted(set(MAY_TRAIN.values())):
        chosen = np.array([MAY_TRAIN[row.dataset] == family for row in rows])
        families[family] = platt(held_out[chosen], y[chosen])
    return {
        "version": "1",
        "features": list(FEATURES),
        "mean": fitted.scaler.mean_.tolist(),
        "scale": fitted.scaler.scale_.tolist(),
        "weights": fitted.linear.coef_[0].tolist(),
        "intercept": (1 - SHARE) * float(fitted.linear.intercept_[0]) + SHARE * (baseline + roots),
        "trees": trees,
        "share": SHARE,
        "slope": slope,
        "offset": offset,
        "families": families,
        "prevalence": float(y.mean()),
        "trained_on": {name: sum(row.dataset == name for row in rows) for name in MAY_TRAIN},
    }


def main() -> None:
    rows = [row for dataset in MAY_TRAIN for row in read(dataset)]
    x = design(rows)
    y = np.array([row.label for row in rows], dtype=float)
    weights = balance(rows)
    held_out = out_of_fold(x, y, rows, weights)
    artefact = export(Fitted(x, y, weights), held_out, y, rows)
    ARTEFACT.write_text(json.dumps(artefact, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(rows)} rows, {ARTEFACT.stat().st_size / 1e3:.0f} kB -> {ARTEFACT.name}")


if __name__ == "__main__":
    main()
