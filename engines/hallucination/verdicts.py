"""From the evidence on a sentence to its verdict, spans, passage and contributions."""

from __future__ import annotations

from dataclasses import dataclass

from engines.hallucination.combiner import Combiner
from engines.hallucination.context import ParsedContext
from engines.hallucination.embedding import Alignment
from engines.hallucination.features import Evidence
from engines.hallucination.forest import Floats
from engines.hallucination.result import Finding, Passage, RiskLevel, SentenceVerdict, Span, Verdict
from engines.hallucination.spans import HARD_RULES, flag_words

_OPEN_RULES = HARD_RULES | {"negation"}
"""What keeps a sentence from counting as supported, however small its probability."""


@dataclass(frozen=True, slots=True)
class Scale:
    """One model, its task and prior, and the two limits that turn a probability into words."""

    model: Combiner
    task: str | None
    prevalence: float | None
    low: float
    high: float

    def probability(self, log_odds: float, distance: float | None = None) -> float:
        """Return the calibrated P(unsupported)."""
        return self.model.probability(
            log_odds, family=self.task, prevalence=self.prevalence, distance=distance
        )

    def level(self, probability: float) -> RiskLevel:
        """Return the risk level of a probability."""
        if probability >= self.high:
            return "high"
        return "low" if probability <= self.low else "medium"

    @property
    def has_stage_two(self) -> bool:
        """Say whether an alignment can change this task's probability."""
        return self.task in self.model.embedding.families


def sentence_verdict(
    output: str,
    item: Evidence,
    context: ParsedContext,
    scale: Scale,
    values: Floats,
    effects: Floats,
    alignment: Alignment | None = None,
) -> SentenceVerdict:
    """Return the verdict on one sentence, from its features and their effects.

    `alignment` is what the encoder found, where it was asked.
    """
    model = scale.model
    distance = None if alignment is None else alignment.distance
    probability = scale.probability(model.intercept + float(effects.sum()), distance)
    findings = tuple(_finding(output, item, index) for index in range(len(item.hits)))
    tier = 2 if distance is not None and scale.has_stage_two else 1
    verdict, tier = _verdict(probability, item, findings, scale, tier)
    return SentenceVerdict(
        start=item.start,
        end=item.end,
        text=output[item.start : item.end],
        verdict=verdict,
        probability=probability,
        checkable=item.is_checkable,
        spans=() if verdict == "supported" else _spans(output, item, context, model),
        findings=findings,
        passage=_passage(item, context, alignment),
        tier=tier,
        contributions=model.contributions(values, effects),
    )


def _verdict(
    probability: float, item: Evidence, findings: tuple[Finding, ...], scale: Scale, tier: int
) -> tuple[Verdict, int]:
    """Return the verdict and the tier that reached it."""
    if not item.claim.content:
        return "undecided", 0
    if probability >= scale.high:
        return "unsupported", tier
    if any(finding.rule in _OPEN_RULES for finding in findings):
        return "undecided", 0
    return ("supported" if probability <= scale.low else "undecided"), tier


def _finding(output: str, item: Evidence, index: int) -> Finding:
    """Return a hit with offsets into the output."""
    hit, words = item.hits[index], item.claim.words
    start, end = words.starts[hit.first], words.ends[hit.last]
    if output[end : end + 1] == "%":
        end += 1
    text = output[start:end]
    return Finding(hit.rule, Span(start, end, text), text, hit.found)


def _spans(
    output: str, item: Evidence, context: ParsedContext, model: Combiner
) -> tuple[Span, ...]:
    """Return the flagged words, neighbours joined."""
    words = item.claim.words
    merged: list[list[int]] = []
    for index in flag_words(item, context, model.words):
        if merged and merged[-1][1] == index - 1:
            merged[-1][1] = index
        else:
            merged.append([index, index])
    ends = [(words.starts[first], words.ends[last]) for first, last in merged]
    return tuple(Span(start, end, output[start:end]) for start, end in ends)


def _passage(item: Evidence, context: ParsedContext, alignment: Alignment | None) -> Passage | None:
    """Return the context sentence that is closest by embedding, else by shared content words."""
    if alignment is not None:
        index, score = alignment.passage, max(0.0, alignment.cosine)
    elif item.claim.coverage.passages:
        index, score = item.claim.coverage.passages[0], item.claim.coverage.best
    else:
        return None
    document, start, end = context.locate(index)
    text = context.text[slice(*context.sentences[index])]
    return Passage(document, index, start, end, text, score)
