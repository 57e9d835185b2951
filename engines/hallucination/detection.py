"""From an output and its context to a verdict per sentence and a risk level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from engines.errors import EngineError
from engines.hallucination.combiner import Combiner, shipped_combiner
from engines.hallucination.context import DEFAULT_CACHE, ContextCache, ParsedContext
from engines.hallucination.embedding import align, candidates
from engines.hallucination.encoder import Encoder, encoder_missing, shipped_encoder
from engines.hallucination.features import Evidence, pool, read_evidence
from engines.hallucination.forest import Floats
from engines.hallucination.result import HallucinationResult, SentenceVerdict, Uncertainty
from engines.hallucination.rules import ENGLISH_ONLY, RULES
from engines.hallucination.split import split_sentences
from engines.hallucination.uncertainty import TokenLogprobs, measure_uncertainty
from engines.hallucination.verdicts import Scale, sentence_verdict
from engines.hallucination.words import is_english
from engines.sentence import say


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
    max_tier: int = 1,
    max_characters: int = 20_000,
    encoder: Encoder | None = None,
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
    max_tier : {1, 2}, default 1
        With 2, undecided sentences go to MiniLM when its optional package is installed (tens of
        milliseconds); the notes say when it is not. It names the best passage by meaning, and
        for the tasks "dialogue", "claim" and "page" it sharpens the probability.
    max_characters : int, default 20000
        The output is read up to here; the notes say when it was cut.
    encoder : Encoder, optional
        Default: the one of the installed package.
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
    notes: list[str] = []
    if len(output) > max_characters:
        notes.append(
            say(
                "findings.output_cut",
                "Only the first {n, number} characters of the output were read.",
                n=max_characters,
            )
        )
    output = output[:max_characters]
    parsed = _parsed(context, cache)
    if parsed is None or not parsed.words:
        return _without_context(output, uncertainty, notes)
    if parsed.is_truncated:
        notes.append(
            say(
                "findings.context_cut",
                "Only the first {n, number} characters of the context were read.",
                n=len(parsed.text),
            )
        )
    english = parsed.is_english and is_english(output.lower().split())
    if not english:
        notes.append(
            say(
                "findings.not_english",
                "Not English: word lists do not apply and the probability is not calibrated here.",
            )
        )
    evidence = [
        read_evidence(output, start, end, parsed, is_english=english)
        for start, end in split_sentences(output)
    ]
    if not evidence:
        return _nothing_to_check(uncertainty, notes, len(output), len(parsed.text))
    scale = Scale(combiner or shipped_combiner(), task, prevalence, low, high)
    rows = _rows(evidence)
    effects = scale.model.effects(rows)
    verdicts = [
        sentence_verdict(output, item, parsed, scale, rows[index], effects[index])
        for index, item in enumerate(evidence)
    ]
    log_odds = scale.model.intercept + float(effects[-1].sum())
    probability = scale.probability(log_odds)
    if max_tier >= 2 and english and any(v.verdict == "undecided" for v in verdicts):
        missing = None if encoder is not None else encoder_missing()
        if missing is not None:
            notes.append(missing)
        else:
            verdicts, distance = _align(
                output,
                evidence,
                verdicts,
                parsed,
                scale,
                rows,
                effects,
                encoder or shipped_encoder(),
            )
            probability = scale.probability(log_odds, distance)
    support = [1 - v.probability for v in verdicts if v.checkable and v.probability is not None]
    return HallucinationResult(
        risk_level=scale.level(probability),
        basis="context",
        probability=probability,
        grounding_score=1 - probability,
        factuality_index=sum(support) / len(support) if support else None,
        sentences=tuple(verdicts),
        uncertainty=uncertainty,
        tier=max(1, *(v.tier for v in verdicts)),
        checks=tuple(name for name in RULES if english or name not in ENGLISH_ONLY),
        notes=tuple(notes),
        n_characters=len(output),
        n_context_characters=len(parsed.text),
        model_version=scale.model.version,
    )


def _rows(evidence: list[Evidence]) -> Floats:
    """Return one line of features per sentence, and a last one for the whole output."""
    alone = np.array([item.values for item in evidence])
    together = pool(evidence) if len(evidence) > 1 else np.tile(alone[0], 2)
    return np.vstack([np.hstack([alone, alone]), together])


def _align(
    output: str,
    evidence: list[Evidence],
    verdicts: list[SentenceVerdict],
    context: ParsedContext,
    scale: Scale,
    rows: Floats,
    effects: Floats,
    encoder: Encoder,
    max_sentences: int = 4,
) -> tuple[list[SentenceVerdict], float | None]:
    """Return the verdicts after tier 2, and the output's distance where every sentence has one.

    Undecided sentences, at most `max_sentences`, are aligned; of a short output all are, when
    that can change its probability. The output's distance is their mean by words.
    """
    is_short = len(evidence) <= max_sentences
    chosen = [
        index
        for index, (item, verdict) in enumerate(zip(evidence, verdicts, strict=True))
        if item.claim.content
        and (verdict.verdict == "undecided" or (is_short and scale.has_stage_two))
    ][:max_sentences]
    texts = [output[evidence[i].start : evidence[i].end] for i in chosen]
    passages = [candidates(evidence[i], context) for i in chosen]
    found = align(texts, passages, context, encoder)
    verdicts = list(verdicts)
    for index, alignment in zip(chosen, found, strict=True):
        verdicts[index] = sentence_verdict(
            output, evidence[index], context, scale, rows[index], effects[index], alignment
        )
    if len(chosen) < len(evidence):
        return verdicts, None
    weights = [evidence[i].weight for i in chosen]
    total = sum(w * a.distance for w, a in zip(weights, found, strict=True))
    return verdicts, total / sum(weights)


def _parsed(
    context: str | Sequence[str] | ParsedContext | None, cache: ContextCache | None
) -> ParsedContext | None:
    """Return the parsed context, None when there is none."""
    if context is None or isinstance(context, ParsedContext):
        return context
    return (cache or DEFAULT_CACHE).get(context)


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
