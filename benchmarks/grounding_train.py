"""Train the groundedness combiner and write its JSON artefact.

Run: python -m benchmarks.grounding_train   (needs the public groundedness data)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.grounding_data import MAY_TRAIN, read
from benchmarks.grounding_embed import aligned, apply_stage, fit_stage
from benchmarks.grounding_fit import SHARE, Fitted, Floats, Table, design, out_of_fold, scaling
from benchmarks.grounding_synthetic import synthesise
from benchmarks.grounding_words import word_model, word_table
from engines.hallucination.combiner import parse_combiner
from engines.hallucination.features import FEATURES

ARTEFACT = Path(__file__).resolve().parents[1] / "engines" / "hallucination" / "combiner.json"


def tree_columns(predictor: Any, rate: float) -> list[list[float]]:  # sklearn's private node array
    """A tree as [feature, threshold, left, right, value] columns; leaves have left -1."""
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    # sklearn shrinks leaf values only; inner means are shrunk here so that paths add up.
    value = np.where(leaf, nodes["value"], nodes["value"] * rate)
    return [
        np.where(leaf, 0, nodes["feature_idx"]).astype(int).tolist(),
        np.where(leaf, 0.0, nodes["num_threshold"]).tolist(),
        np.where(leaf, -1, nodes["left"].astype(int)).tolist(),
        np.where(leaf, -1, nodes["right"].astype(int)).tolist(),
        value.tolist(),
    ]


def export(fitted: Fitted, held_out: Floats, real: Table, synthetic: Table) -> dict[str, Any]:
    """The artefact as plain JSON values."""
    trees = [
        tree_columns(stage[0], fitted.trees.learning_rate) for stage in fitted.trees._predictors
    ]
    roots = sum(tree[4][0] for tree in trees)
    baseline = float(fitted.trees._baseline_prediction.ravel()[0])
    return {
        "version": "1",
        "features": list(FEATURES),
        "mean": fitted.linear.mean.tolist(),
        "scale": fitted.linear.scale.tolist(),
        "weights": fitted.linear.weights.tolist(),
        "intercept": (1 - SHARE) * fitted.linear.intercept + SHARE * (baseline + roots),
        "trees": trees,
        "share": SHARE,
        "pooled": scaling(held_out, real.y),
        "families": scalings(held_out, real),
        "embedding": embedding_stage(held_out, real),
        "words": word_model(*word_table(read("wice_tokens"))[:2]),
        "trained_on": {name: int((real.dataset == name).sum()) for name in MAY_TRAIN}
        | {"synthetic": len(synthetic.y), "wice_tokens": len(read("wice_tokens"))},
    }


def scalings(log_odds: Floats, table: Table) -> dict[str, list[float]]:
    """Platt scaling and prevalence of each task family."""
    return {
        str(family): scaling(log_odds[table.family == family], table.y[table.family == family])
        for family in sorted(set(table.family))
    }


def embedding_stage(held_out: Floats, real: Table) -> dict[str, Any]:
    """The second stage, on the families that it helps."""
    kept, distance = aligned(real)
    stage = fit_stage(held_out[kept], distance, real.where(kept))
    second = apply_stage(stage, held_out[kept], distance)
    return {"stage": list(stage), "families": scalings(second, real.where(kept))}


def check(text: str, fitted: Fitted, real: Table) -> None:
    """Stop unless the artefact, read back, answers what the fitted model answers."""
    model = parse_combiner(text)
    wanted = fitted.log_odds(real.x[:300])
    got = model.intercept + model.effects(real.x[:300]).sum(axis=1)
    np.testing.assert_allclose(got, wanted, atol=1e-9)


def main() -> None:
    rows = [row for dataset in MAY_TRAIN for row in read(dataset)]
    real, synthetic = design(rows), design(synthesise(rows))
    held_out = out_of_fold(real, synthetic)
    fitted = Fitted(real, synthetic)
    text = json.dumps(export(fitted, held_out, real, synthetic), separators=(",", ":")) + "\n"
    check(text, fitted, real)
    ARTEFACT.write_text(text, encoding="utf-8")
    print(f"{len(rows)} rows, {ARTEFACT.stat().st_size / 1e3:.0f} kB -> {ARTEFACT.name}")


if __name__ == "__main__":
    main()
