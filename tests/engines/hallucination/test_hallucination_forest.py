"""The forest against scikit-learn's own trees."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.grounding_train import tree_columns
from engines.hallucination.forest import Forest


def test_effects_and_baseline_equal_the_library_that_grew_the_trees():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(500, 5))
    y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(int)
    model = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=6).fit(x, y)
    trees = [tree_columns(stage[0], model.learning_rate) for stage in model._predictors]
    start = float(model._baseline_prediction.ravel()[0]) + sum(tree[4][0] for tree in trees)
    effects = Forest.of(trees).effects(x)
    np.testing.assert_allclose(start + effects.sum(axis=1), model.decision_function(x), atol=1e-9)
