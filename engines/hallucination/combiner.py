"""The trained combiner: features to a calibrated probability, read from one JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from engines.errors import EngineError
from engines.hallucination.result import Contribution
from engines.hallucination.spans import WordModel

ARTEFACT = "combiner.json"


@dataclass(frozen=True, slots=True)
class Tree:
    """A regression tree as one tuple per node: feature, threshold, left, right, value.

    A leaf has left == -1. ``value`` is the node's own mean, so a path tells what each split added.
    """

    nodes: tuple[tuple[int, float, int, int, float], ...]


@dataclass(frozen=True, slots=True)
class Scaling:
    """Platt scaling fitted on out-of-fold log-odds, and the prevalence it was fitted at."""

    slope: float
    offset: float
    prevalence: float


@dataclass(frozen=True, slots=True)
class EmbeddingStage:
    """Log-odds of tier 2: ``slope * log_odds + weight * distance + offset``, then scaled.

    Only for the task families it was seen to help, the keys of ``families``.
    """

    slope: float
    weight: float
    offset: float
    families: dict[str, Scaling]


@dataclass(frozen=True, slots=True)
class Combiner:
    """Average of a logistic regression and boosted trees in log-odds, then Platt scaling.

    Attributes
    ----------
    version : str
    features : tuple of str
        Names in the order of the input.
    mean, scale, weights : tuple of float
        Standardisation and coefficients of the linear part.
    intercept : float
        Log-odds with every effect at zero: both parts together.
    trees : tuple of Tree
    share : float
        Weight of the trees, 0..1; the linear part has the rest.
    families : dict of str to Scaling
        Platt scaling per task family.
    pooled : Scaling
        Platt scaling over all families, for an unnamed task.
    embedding : EmbeddingStage
        Second stage for outputs whose words an encoder has aligned.
    words : WordModel
        Points at the unsupported words of a sentence.
    """

    version: str
    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    trees: tuple[Tree, ...]
    share: float
    pooled: Scaling
    families: dict[str, Scaling]
    embedding: EmbeddingStage
    words: WordModel

    def effects(self, values: Sequence[float]) -> list[float]:
        """Return what each feature adds to the raw log-odds; with the intercept they add up."""
        if len(values) != len(self.features):
            raise EngineError(f"combiner needs {len(self.features)} features, got {len(values)}")
        linear = 1 - self.share
        effects = [
            linear * weight * (value - mean) / scale
            for value, mean, scale, weight in zip(
                values, self.mean, self.scale, self.weights, strict=True
            )
        ]
        share = self.share
        for tree in self.trees:
            nodes = tree.nodes
            feature, threshold, left, right, value = nodes[0]
            while left >= 0:
                split, before = feature, value
                node = nodes[left] if values[feature] <= threshold else nodes[right]
                feature, threshold, left, right, value = node
                effects[split] += share * (value - before)
        return effects

    def probability(
        self,
        log_odds: float,
        *,
        family: str | None = None,
        prevalence: float | None = None,
        distance: float | None = None,
    ) -> float:
        """Return P(unsupported) for raw log-odds.

        Parameters
        ----------
        log_odds : float
            Intercept plus effects.
        family : str, optional
            Task family with a calibration of its own; pooled when None.
        prevalence : float, optional
            Share of unsupported outputs to expect, in (0, 1): moves the prior by Bayes' rule.
        distance : float, optional
            Distance of the least aligned words (see `engines.hallucination.embedding`); read
            only for the families of the second stage.

        Raises
        ------
        EngineError
            For an unknown family or a prevalence outside (0, 1).
        """
        if family is not None and family not in self.families:
            known = ", ".join(sorted(self.families))
            raise EngineError(f"unknown task family {family!r}; known: {known}")
        scaling = self.pooled if family is None else self.families[family]
        if distance is not None and family in self.embedding.families:
            stage = self.embedding
            log_odds = stage.slope * log_odds + stage.weight * distance + stage.offset
            scaling = stage.families[family]
        scaled = scaling.slope * log_odds + scaling.offset
        if prevalence is not None:
            if not 0 < prevalence < 1:
                raise EngineError(f"prevalence must lie in (0, 1), got {prevalence}")
            scaled += _logit(prevalence) - _logit(scaling.prevalence)
        return _sigmoid(scaled)

    def contributions(
        self, values: Sequence[float], effects: Sequence[float], *, keep: int = 6
    ) -> tuple[Contribution, ...]:
        """Return the `keep` largest effects, and the rest as one, so that they still add up."""
        order = sorted(range(len(effects)), key=[-abs(e) for e in effects].__getitem__)
        shown = [Contribution(self.features[i], float(values[i]), effects[i]) for i in order[:keep]]
        rest = sum(effects[i] for i in order[keep:])
        return (*shown, Contribution("other", 0.0, rest)) if order[keep:] else tuple(shown)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _logit(p: float) -> float:
    return math.log(p / (1 - p))


def _families(raw: dict[str, list[float]]) -> dict[str, Scaling]:
    return {name: Scaling(*map(float, values)) for name, values in raw.items()}


def _stage(raw: dict[str, Any]) -> EmbeddingStage:  # parsed JSON
    slope, weight, offset = map(float, raw["stage"])
    return EmbeddingStage(slope, weight, offset, _families(raw["families"]))


def parse_combiner(text: str) -> Combiner:
    """Return the combiner written as JSON by ``python -m benchmarks.grounding_train``.

    Raises
    ------
    EngineError
        When a part is missing or the lengths disagree.
    """
    raw = json.loads(text)
    try:
        combiner = Combiner(
            version=str(raw["version"]),
            features=tuple(raw["features"]),
            mean=tuple(raw["mean"]),
            scale=tuple(raw["scale"]),
            weights=tuple(raw["weights"]),
            intercept=float(raw["intercept"]),
            trees=tuple(Tree(tuple(zip(*tree, strict=True))) for tree in raw["trees"]),
            share=float(raw["share"]),
            pooled=Scaling(*map(float, raw["pooled"])),
            families=_families(raw["families"]),
            embedding=_stage(raw["embedding"]),
            words=WordModel(
                tuple(raw["words"]["weights"]),
                float(raw["words"]["intercept"]),
                float(raw["words"]["threshold"]),
            ),
        )
    except (KeyError, TypeError) as error:
        raise EngineError(f"combiner artefact is malformed: {error}") from error
    n = len(combiner.features)
    if not n == len(combiner.mean) == len(combiner.scale) == len(combiner.weights):
        raise EngineError("combiner artefact: features, mean, scale and weights differ in length")
    return combiner


@lru_cache(maxsize=1)
def shipped_combiner() -> Combiner:
    """Return the combiner that ships with the engine."""
    return parse_combiner((files(__package__) / ARTEFACT).read_text(encoding="utf-8"))
