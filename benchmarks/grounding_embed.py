"""Fit tier 2: tier 1's log-odds and the distance of the least aligned words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.grounding_fit import Floats, Table, balance
from engines.hallucination.context import ContextCache
from engines.hallucination.embedding import align, candidates
from engines.hallucination.encoder import shipped_encoder
from engines.hallucination.features import read_evidence
from engines.hallucination.split import split_sentences

HELPED = ("dialogue", "claim", "page")  # edited summaries lose: a swapped word aligns well
PER_DATASET = 400  # rows aligned per file: 0.03-0.1 CPU s each

Stage = tuple[float, float, float]


def aligned(table: Table, per_dataset: int = PER_DATASET) -> tuple[NDArray[np.bool_], Floats]:
    """Which rows were sampled (seed 0), and their distances."""
    rng = np.random.default_rng(0)
    kept = np.zeros(len(table.y), dtype=bool)
    for dataset in sorted(set(table.dataset)):
        indices = np.flatnonzero((table.dataset == dataset) & np.isin(table.family, HELPED))
        kept[rng.permutation(indices)[:per_dataset]] = True
    cache, encoder = ContextCache(max_characters=50_000_000), shipped_encoder()
    distances = []
    for row in table.where(kept).rows:
        context = cache.get(row.context)
        total = weighted = 0.0
        for start, end in split_sentences(row.output):
            item = read_evidence(row.output, start, end, context, is_english=True)
            passages = candidates(item, context)
            found = align([row.output[start:end]], [passages], context, encoder)[0]
            total, weighted = total + item.weight, weighted + item.weight * found.distance
        distances.append(weighted / total)
    return kept, np.array(distances)


def fit_stage(log_odds: Floats, distance: Floats, table: Table) -> Stage:
    """Slope, weight and offset with families and labels balanced."""
    x = np.column_stack([log_odds, distance])
    model = LogisticRegression(C=10.0).fit(x, table.y, sample_weight=balance(table))
    return float(model.coef_[0, 0]), float(model.coef_[0, 1]), float(model.intercept_[0])


def apply_stage(stage: Stage, log_odds: Floats, distance: Floats) -> Floats:
    return np.asarray(stage[0] * log_odds + stage[1] * distance + stage[2])
