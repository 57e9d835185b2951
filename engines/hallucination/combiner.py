"""The trained combiner: features to a calibrated probability, read from one JSON file."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from engines.errors import EngineError
from engines.hallucination.forest import Floats, Forest
from engines.hallucination.result import Contribution
from engines.hallucination.spans import WordModel

ARTEFACT = "combiner.json"


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


@dataclass(frozen=True, slots=True, eq=False)
class Combiner:
    """Average of a logistic regression and boosted trees in log-odds, then Platt scaling.

    Attributes
    ----------
    version : str
    features : tuple of str
        Names in the order of the input.
    mean, slopes : array
        Centre of each feature and its coefficient on the raw scale, in the linear part.
    intercept : float
        Log-odds with every effect at zero: both parts together.
    forest : Forest
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
    mean: Floats
    slopes: Floats
    intercept: float
    forest: Forest
    share: float
    pooled: Scaling
    families: dict[str, Scaling]
    embedding: EmbeddingStage
    words: WordModel

    def effects(self, rows: Floats) -> Floats:
        """Return what each feature adds to the raw log-odds, shape of `rows` (one per line).

        With the intercept a line adds up to its log-odds.
        """
        if rows.ndim != 2 or rows.shape[1] != len(self.features):
            raise EngineError(f"combiner needs {len(self.features)} columns, got {rows.shape}")
        linear = (1 - self.share) * self.slopes * (rows - self.mean)
        return np.asarray(linear + self.share * self.forest.effects(rows))

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
        self, values: Floats, effects: Floats, *, keep: int = 6
    ) -> tuple[Contribution, ...]:
        """Return the `keep` largest effects, and the rest as one, so that they still add up."""
        order = np.argsort(-np.abs(effects), kind="stable")
        shown = [
            Contribution(self.features[i], float(values[i]), float(effects[i]))
            for i in order[:keep].tolist()
        ]
        return (*shown, Contribution("other", 0.0, float(effects[order[keep:]].sum())))


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
            mean=np.array(raw["mean"], dtype=float),
            slopes=np.array(raw["weights"], dtype=float) / np.array(raw["scale"], dtype=float),
            intercept=float(raw["intercept"]),
            forest=Forest.of(raw["trees"]),
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
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError(f"combiner artefact is malformed: {error}") from error
    if not len(combiner.features) == len(combiner.mean) == len(combiner.slopes):
        raise EngineError("combiner artefact: features, mean and weights differ in length")
    return combiner


@lru_cache(maxsize=1)
def shipped_combiner() -> Combiner:
    """Return the combiner that ships with the engine."""
    return parse_combiner((files(__package__) / ARTEFACT).read_text(encoding="utf-8"))
