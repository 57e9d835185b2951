"""Fit the model that points at unsupported words, from labelled token spans."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from benchmarks.grounding_data import Row
from benchmarks.grounding_fit import Floats
from engines.hallucination.context import ContextCache, ParsedContext
from engines.hallucination.features import Evidence, read_evidence
from engines.hallucination.spans import word_values
from engines.hallucination.split import split_sentences

THRESHOLD = 0.3  # characters F1 out of fold is flat from 0.28 to 0.33


def sentences(row: Row, cache: ContextCache) -> list[tuple[Evidence, ParsedContext]]:
    """The evidence of each sentence of one output."""
    context = cache.get(row.context)
    return [
        (read_evidence(row.output, start, end, context, is_english=True), context)
        for start, end in split_sentences(row.output)
    ]


def word_table(rows: list[Row]) -> tuple[Floats, Floats, list[str]]:
    """Features, label (inside a marked span) and group of every word."""
    cache = ContextCache(max_characters=50_000_000)
    x: list[list[float]] = []
    y: list[bool] = []
    groups: list[str] = []
    for row in rows:
        for item, context in sentences(row, cache):
            words = item.claim.words
            x += word_values(item, context)
            y += [
                any(start < last and end > first for start, end in row.spans)
                for first, last in zip(words.starts, words.ends, strict=True)
            ]
            groups += [row.group] * len(words.starts)
    return np.array(x), np.array(y, dtype=float), groups


def word_model(x: Floats, y: Floats) -> dict[str, Any]:
    """The artefact's part: weights on raw values, intercept, threshold."""
    scaler = StandardScaler().fit(x)
    fitted = LogisticRegression(C=0.1, max_iter=3_000).fit(scaler.transform(x), y)
    weights = fitted.coef_[0] / scaler.scale_
    return {
        "weights": weights.tolist(),
        "intercept": float(fitted.intercept_[0] - weights @ scaler.mean_),
        "threshold": THRESHOLD,
    }
