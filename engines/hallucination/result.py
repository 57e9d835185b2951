"""What the hallucination detector answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["supported", "unsupported", "undecided"]
RiskLevel = Literal["low", "medium", "high", "insufficient_data"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the output: ``output[start:end] == text``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that fired.

    Attributes
    ----------
    rule : str
        Name of the rule, one of ``engines.hallucination.RULES``.
    span : Span
        The words of the output that it fired on (offsets into the whole output).
    missing : str
        What the context lacks or contradicts, as the output wrote it.
    found : str
        What the context says instead, empty when it says nothing on the matter.
    """

    rule: str
    span: Span
    missing: str
    found: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """The sentence of the context that supports an output sentence best.

    Attributes
    ----------
    document : int
        Index of the document in the context sequence; 0 when the context is one string.
    index : int
        Index of the sentence, counted over all documents.
    start, end : int
        Offsets in that document.
    text : str
        The sentence.
    score : float
        0..1, higher is better: share of the content words it holds (tiers 0 and 1), or the
        cosine of the two sentence embeddings (tier 2).
    """

    document: int
    index: int
    start: int
    end: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature added to the log-odds of being unsupported."""

    feature: str
    value: float
    effect: float


@dataclass(frozen=True, slots=True)
class SentenceVerdict:
    """One sentence of the output and what the context says of it.

    Attributes
    ----------
    start, end, text
        Offsets into the output; ``output[start:end] == text``.
    verdict : {"supported", "unsupported", "undecided"}
    probability : float or None
        P(unsupported), 0..1, higher is worse; None without context.
    checkable : bool
        False for questions, greetings and sentences without a content word; they do not count
        in the factuality index.
    spans : tuple of Span
        Unsupported words.
    findings : tuple of Finding
        Rules that fired.
    passage : Passage or None
        Best supporting sentence of the context, None when nothing overlaps.
    tier : int
        Tier that decided: 0 rule, 1 combiner, 2 embedding, 3 judge.
    contributions : tuple of Contribution
        Largest first by absolute effect; with the model's intercept they add up to the raw
        log-odds of tier 1.
    """

    start: int
    end: int
    text: str
    verdict: Verdict
    probability: float | None
    checkable: bool
    spans: tuple[Span, ...] = ()
    findings: tuple[Finding, ...] = ()
    passage: Passage | None = None
    tier: int = 0
    contributions: tuple[Contribution, ...] = ()


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """What samples and log-probabilities say; uncertainty, never proof of an error.

    Attributes
    ----------
    self_consistency : float or None
        0..1, higher is better: mean share of what the output says that the samples repeat.
    sample_surprise : float or None
        0..1, higher is worse: one minus `self_consistency`.
    max_entropy : float or None
        Largest token entropy in nats, higher is worse.
    item_entropy : float or None
        Largest entropy at the first token of a name or number, in nats.
    n_samples, n_tokens : int
        How much evidence there was.
    level : {"low", "medium", "high", "insufficient_data"}
        "high" only when samples and entropies agree.
    """

    self_consistency: float | None
    sample_surprise: float | None
    max_entropy: float | None
    item_entropy: float | None
    n_samples: int
    n_tokens: int
    level: RiskLevel


@dataclass(frozen=True, slots=True)
class JudgeUse:
    """What the judge (tier 3) was asked, what it cost and what was refused.

    Attributes
    ----------
    model : str
        Name of the judging model, empty when none is set up.
    n_asked, n_kept : int
        Requests sent now, and answers that were on record already and cost nothing.
    n_judged : int
        Sentences that the judge decided.
    refused : tuple of str
        Why a request or a verdict was refused.
    calls_left, characters_left : int
        What the tenant may still spend today.
    """

    model: str
    n_asked: int
    n_kept: int
    n_judged: int
    refused: tuple[str, ...]
    calls_left: int
    characters_left: int


@dataclass(frozen=True, slots=True)
class HallucinationResult:
    """How far an output is supported by its context.

    Attributes
    ----------
    risk_level : {"low", "medium", "high", "insufficient_data"}
    basis : {"context", "uncertainty", "none"}
        What the level rests on.
    probability : float or None
        Calibrated P(output is not fully supported), 0..1, higher is worse.
    grounding_score : float or None
        1 - probability, higher is better; None without context.
    factuality_index : float or None
        0..1, higher is better: mean support over checkable sentences, or self-consistency where
        there are only samples; None without context or samples.
    sentences : tuple of SentenceVerdict
    uncertainty : Uncertainty or None
    tier : int
        Highest tier that took part.
    checks : tuple of str
        Rules that apply to this text's language and script.
    notes : tuple of str
        What the reader must know: truncation, language, missing optional model.
    n_characters, n_context_characters : int
        Characters that were read.
    model_version : str
        Version of the trained combiner, empty when it took no part.
    reason : str or None
        Why there is no number, for ``insufficient_data``.
    judge : JudgeUse or None
        None where nobody asked for the judge.
    """

    risk_level: RiskLevel
    basis: Literal["context", "uncertainty", "none"]
    probability: float | None
    grounding_score: float | None
    factuality_index: float | None
    sentences: tuple[SentenceVerdict, ...]
    uncertainty: Uncertainty | None
    tier: int
    checks: tuple[str, ...]
    notes: tuple[str, ...]
    n_characters: int
    n_context_characters: int
    model_version: str
    reason: str | None = None
    judge: JudgeUse | None = None
