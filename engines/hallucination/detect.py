"""From an output and its context to a verdict per sentence and a risk level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from engines.errors import EngineError
from engines.hallucination.combiner import Combiner, shipped_combiner
from engines.hallucination.context import DEFAULT_CACHE, ContextCache, ParsedContext
from engines.hallucination.features import Evidence, pool, read_evidence
from engines.hallucination.result import (
    Finding,
    HallucinationResult,
    Passage,
    RiskLevel,
    SentenceVerdict,
    Span,
    Uncertainty,
    Verdict,
)
from engines.hallucination.rules import ENGLISH_ONLY, RULES
from engines.hallucination.spans import HARD_RULES, flag_words
from engines.hallucination.split import split_sentences
from engines.hallucination.uncertainty import TokenLogprobs, measure_uncertainty
from engines.hallucination.words import is_english


def detect(
    output: str,
    context: str | Sequence[str] | ParsedContext | None = None,
    *,
    samples: Sequence[str] | None = None,
    logprobs: Sequence[TokenLogprobs] | None = None,
    prompt: str | None = None,
    task: str | None = None,
    prevalence: float | None = None,
    low: float = 0.35,
    high: float = 0.65,
    max_characters: int = 20_000,
    combiner: Combiner | None = None,
    cache: ContextCache | None = None,
) -> HallucinationResult:
    """Return how far `output` is supported by `context`, sentence by sentence.

    Parameters
    ----------
    output : str
        Text of a language model; untrusted.
    context : str, sequence of str or ParsedContext, optional
        What the output may rest on: one text, the documents of a retrieval, or a context parsed
        beforehand. None or empty: only `samples` and `logprobs` can say something.
    samples : sequence of str, optional
        Two or more other answers to the same prompt.
    logprobs : sequence of (str, mapping of str to float), optional
        Per output token its text and the log-probabilities of the alternatives, in nats.
    prompt : str, optional
        The question. It is never evidence; the checks do not read it.
    task : str, optional
        Task family for the calibration: "dialogue", "claim", "page" or "summary".
    prevalence : float, optional
        Share of unsupported outputs to expect, in (0, 1); by default that of the training data.
    low, high : float, default 0.35, 0.65
        P(unsupported) up to which the risk is low (a sentence supported), and from which it is
        high (unsupported).
    max_characters : int, default 20000
        The output is read up to here; the notes say when it was cut.
    combiner : Combiner, optional
        Default: the one that ships with the engine.
    cache : ContextCache, optional
        Default: one bounded cache per process.

    Returns
    -------
    HallucinationResult
        ``risk_level`` is "insufficient_data", with the reason, when there is neither context nor
        samples nor log-probabilities, or nothing in the output to check.

    Raises
    ------
    EngineError
        For limits out of order, an unknown task, or input of the wrong type.

    Notes
    -----
    H0 of the calibrated probability: the output is fully supported by the context. Support is
    not truth: a context can be wrong. Calibration holds for texts like those it was fitted on;
    another domain shifts it (see docs/methods/hallucination.md).

    Examples
    --------
    >>> result = detect("Sales rose 9%.", "In the first quarter sales rose 2.7% to a record.")
    >>> result.sentences[0].findings[0].rule, result.sentences[0].findings[0].missing
    ('number', '9%')

    References
    ----------
    Tang, Laban, Durrett (2024), MiniCheck: Efficient Fact-Checking of LLMs on Grounding
    Documents, EMNLP. arXiv:2404.10774.
    """
    if not isinstance(output, str):
        raise EngineError(f"output must be a string, got {type(output).__name__}")
    if not 0 <= low <= high <= 1:
        raise EngineError(f"need 0 <= low <= high <= 1, got low={low}, high={high}")
    uncertainty = measure_uncertainty(output[:max_characters], samples, logprobs)
    notes = [f"Only the first {max_characters} characters of the output were read."]
    notes = notes if len(output) > max_characters else []
    output = output[:max_characters]
    parsed = _parsed(context, cache)
    if parsed is None or not parsed.words:
        return _without_context(output, uncertainty, notes)
    if parsed.is_truncated:
        notes.append(f"Only the first {len(parsed.text)} characters of the context were read.")
    english = parsed.is_english and is_english(output.lower().split())
    if not english:
        notes.append(
            "Not English: word lists do not apply and the probability is not calibrated here."
        )
    evidence = [
        read_evidence(output, start, end, parsed, is_english=english)
        for start, end in split_sentences(output)
    ]
    if not evidence:
        return _nothing_to_check(uncertainty, notes, len(output), len(parsed.text))
    model = combiner or shipped_combiner()
    judge = _Judge(model, task, prevalence, low, high)
    verdicts = tuple(judge.sentence(output, item, parsed) for item in evidence)
    probability = verdicts[0].probability
    if len(evidence) > 1:
        probability = judge.probability(evidence)
    assert probability is not None
    checkable = [v for v in verdicts if v.checkable and v.probability is not None]
    support = [1 - v.probability for v in checkable if v.probability is not None]
    return HallucinationResult(
        risk_level=_level(probability, low, high),
        basis="context",
        probability=probability,
        grounding_score=1 - probability,
        factuality_index=sum(support) / len(support) if support else None,
        sentences=verdicts,
        uncertainty=uncertainty,
        tier=1,
        checks=tuple(name for name in RULES if english or name not in ENGLISH_ONLY),
        notes=tuple(notes),
        n_characters=len(output),
        n_context_characters=len(parsed.text),
        model_version=model.version,
    )


def _parsed(
    context: str | Sequence[str] | ParsedContext | None, cache: ContextCache | None
) -> ParsedContext | None:
    """Return the parsed context, None when there is none."""
    if context is None or isinstance(context, ParsedContext):
        return context
    return (cache or DEFAULT_CACHE).get(context)


def _level(probability: float, low: float, high: float) -> RiskLevel:
    """Return the risk level of a probability."""
    if probability >= high:
        return "high"
    return "low" if probability <= low else "medium"


class _Judge:
    """Turns evidence into verdicts with one model and one pair of limits."""

    def __init__(
        self,
        model: Combiner,
        task: str | None,
        prevalence: float | None,
        low: float,
        high: float,
    ) -> None:
        self.model, self.task, self.prevalence = model, task, prevalence
        self.low, self.high = low, high

    def probability(self, evidence: list[Evidence]) -> float:
        """Return P(unsupported) of the sentences taken together."""
        effects = self.model.effects(pool(evidence))
        return self._calibrated(effects)

    def _calibrated(self, effects: list[float]) -> float:
        log_odds = self.model.intercept + sum(effects)
        return self.model.probability(log_odds, family=self.task, prevalence=self.prevalence)

    def sentence(self, output: str, item: Evidence, context: ParsedContext) -> SentenceVerdict:
        """Return the verdict on one sentence."""
        values = pool([item])
        effects = self.model.effects(values)
        probability = self._calibrated(effects)
        findings = tuple(_finding(output, item, hit_index) for hit_index in range(len(item.hits)))
        verdict, tier = self._verdict(probability, item, findings)
        return SentenceVerdict(
            start=item.start,
            end=item.end,
            text=output[item.start : item.end],
            verdict=verdict,
            probability=probability,
            checkable=item.is_checkable,
            spans=() if verdict == "supported" else self._spans(output, item, context),
            findings=findings,
            passage=_passage(item, context),
            tier=tier,
            contributions=self.model.contributions(values, effects),
        )

    def _spans(self, output: str, item: Evidence, context: ParsedContext) -> tuple[Span, ...]:
        """Return the flagged words, neighbours joined."""
        words = item.claim.words
        merged: list[list[int]] = []
        for index in flag_words(item, context, self.model.words):
            if merged and merged[-1][1] == index - 1:
                merged[-1][1] = index
            else:
                merged.append([index, index])
        ends = [(words.starts[first], words.ends[last]) for first, last in merged]
        return tuple(Span(start, end, output[start:end]) for start, end in ends)

    def _verdict(
        self, probability: float, item: Evidence, findings: tuple[Finding, ...]
    ) -> tuple[Verdict, int]:
        """Return the verdict and the tier that reached it."""
        if not item.claim.content:
            return "undecided", 0
        if probability >= self.high:
            return "unsupported", 1
        if any(finding.rule in HARD_RULES for finding in findings):
            return "undecided", 0
        return ("supported", 1) if probability <= self.low else ("undecided", 1)


def _finding(output: str, item: Evidence, index: int) -> Finding:
    """Return a hit with offsets into the output."""
    hit, words = item.hits[index], item.claim.words
    start, end = words.starts[hit.first], words.ends[hit.last]
    if output[end : end + 1] == "%":
        end += 1
    text = output[start:end]
    return Finding(hit.rule, Span(start, end, text), text, hit.found)


def _passage(item: Evidence, context: ParsedContext) -> Passage | None:
    """Return the context sentence that holds most of the sentence's content."""
    if not item.claim.coverage.passages:
        return None
    index = item.claim.coverage.passages[0]
    document, start, end = context.locate(index)
    begin, stop = context.sentences[index]
    text = context.text[begin:stop]
    return Passage(document, index, start, end, text, item.claim.coverage.best)


def _basis(uncertainty: Uncertainty | None) -> Literal["uncertainty", "none"]:
    known = uncertainty is not None and uncertainty.level != "insufficient_data"
    return "uncertainty" if known else "none"


def _without_context(
    output: str, uncertainty: Uncertainty | None, notes: list[str]
) -> HallucinationResult:
    """Return what can be said without a context: uncertainty at most."""
    basis = _basis(uncertainty)
    reason = None
    if basis == "none":
        reason = "No context, fewer than two samples and no log-probabilities: nothing to check."
    return HallucinationResult(
        risk_level=uncertainty.level if uncertainty is not None else "insufficient_data",
        basis=basis,
        probability=None,
        grounding_score=None,
        factuality_index=uncertainty.self_consistency if uncertainty is not None else None,
        sentences=tuple(
            SentenceVerdict(start, end, output[start:end], "undecided", None, True)
            for start, end in split_sentences(output)
        ),
        uncertainty=uncertainty,
        tier=0,
        checks=(),
        notes=(*notes, "Without a context the level states uncertainty, not support."),
        n_characters=len(output),
        n_context_characters=0,
        model_version="",
        reason=reason,
    )


def _nothing_to_check(
    uncertainty: Uncertainty | None, notes: list[str], n: int, n_context: int
) -> HallucinationResult:
    """Return the result of an output without a letter or digit."""
    return HallucinationResult(
        risk_level="insufficient_data",
        basis="none",
        probability=None,
        grounding_score=None,
        factuality_index=None,
        sentences=(),
        uncertainty=uncertainty,
        tier=0,
        checks=(),
        notes=tuple(notes),
        n_characters=n,
        n_context_characters=n_context,
        model_version="",
        reason="The output holds no word or number to check.",
    )
