"""From one output sentence to the numbers that the combiner reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.hallucination.context import ParsedContext
from engines.hallucination.coverage import cover
from engines.hallucination.dates import read_dates
from engines.hallucination.entities import read_names
from engines.hallucination.forest import Floats
from engines.hallucination.lexicon import Relation, relate
from engines.hallucination.meaning import MEANING_FEATURES, meaning_values
from engines.hallucination.polarity import MODALS, NEGATIONS
from engines.hallucination.quantities import read_quantities
from engines.hallucination.rules import ENGLISH_ONLY, RULES, Claim, Hit, knows_word
from engines.hallucination.words import FIRST_PERSON, read_words

SENTENCE_FEATURES = (
    "word_novelty",
    "stem_novelty",
    "bigram_novelty",
    "trigram_novelty",
    "uncovered_best",
    "uncovered_three",
    "pair_novelty",
    "novel_run",
    "shortest_copy",
    "missing_numbers",
    "missing_number_share",
    "missing_names",
    "missing_name_share",
    "wrong_dates",
    "wrong_units",
    "negations",
    "negation_mismatch",
    "opposites",
    "relations",
    "quantifiers",
    "modals",
    "first_person",
) + MEANING_FEATURES
_NO_STEMS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the checks found in one output sentence.

    Attributes
    ----------
    start, end : int
        Offsets in the output.
    claim : Claim
    hits : tuple of Hit
    values : tuple of float
        One per name in `SENTENCE_FEATURES`; larger is worse for most.
    weight : int
        Number of words.
    is_checkable : bool
    """

    start: int
    end: int
    claim: Claim
    hits: tuple[Hit, ...]
    values: tuple[float, ...]
    weight: int
    is_checkable: bool


def read_evidence(
    output: str, start: int, end: int, context: ParsedContext, *, is_english: bool
) -> Evidence:
    """Return the rules that fire on ``output[start:end]`` and its feature values."""
    words = read_words(output, start, end)
    content = frozenset(
        stem for stem, carries in zip(words.stems, words.is_content, strict=True) if carries
    )
    coverage = cover(content, context)
    near = _NO_STEMS.union(*(context.sentence_stems[p] for p in coverage.passages))
    relations: dict[str, Relation] = {}
    if is_english:
        meanings = context.meanings_near(coverage.passages)
        for stem in content:
            if stem not in context.stems:
                relations[stem] = relate(stem, context.senses, context.stems, meanings)
    claim = Claim(
        words=words,
        content=content,
        is_known=[
            not carries or knows_word(words, index, context)
            for index, carries in enumerate(words.is_content)
        ],
        relations=relations,
        quantities=read_quantities(output, words),
        dates=read_dates(words),
        names=read_names(words),
        coverage=coverage,
        near=near,
        is_english=is_english,
    )
    hits = [
        hit
        for name, check in RULES.items()
        if is_english or name not in ENGLISH_ONLY
        for hit in check(claim, context)
    ]
    is_question = output[start:end].rstrip("\"'”’) ").endswith("?")
    return Evidence(
        start=start,
        end=end,
        claim=claim,
        hits=tuple(hits),
        values=_values(claim, hits, context),
        weight=max(1, len(words.lower)),
        is_checkable=bool(content) and not is_question,
    )


def _values(claim: Claim, hits: list[Hit], context: ParsedContext) -> tuple[float, ...]:
    """Return the feature values in the order of `SENTENCE_FEATURES`."""
    words = claim.words
    n = max(1, len(words.lower))
    content = [i for i, carries in enumerate(words.is_content) if carries]
    n_content = max(1, len(content))
    known_words = sum(words.lower[i] in context.words for i in content)
    known_stems = sum(words.stems[i] in context.stems for i in content)
    stems = words.stems
    bigrams = list(zip(stems, stems[1:], strict=False))
    trigrams = list(zip(stems, stems[1:], stems[2:], strict=False))
    is_copied = [gram in context.trigrams for gram in trigrams]
    counts: dict[str, int] = {}
    for hit in hits:
        counts[hit.rule] = counts.get(hit.rule, 0) + 1
    numbers, names = len(claim.quantities), len(claim.names)
    return (
        1 - known_words / n_content,
        1 - known_stems / n_content,
        1 - sum(gram in context.bigrams for gram in bigrams) / max(1, len(bigrams)),
        1 - sum(is_copied) / max(1, len(trigrams)),
        1 - claim.coverage.best,
        1 - claim.coverage.best_three,
        _pair_novelty([stems[i] for i in content], context),
        float(_longest_true_run([not claim.is_known[i] for i in content])),
        1 - _longest_true_run(is_copied) / n,
        float(counts.get("number", 0)),
        counts.get("number", 0) / max(1, numbers),
        float(counts.get("name", 0)),
        counts.get("name", 0) / max(1, names),
        float(counts.get("date", 0)),
        float(counts.get("unit", 0)),
        float(sum(word in NEGATIONS for word in words.lower)),
        float(counts.get("negation", 0) > 0),
        float(counts.get("opposite", 0)),
        float(counts.get("relation", 0)),
        float(counts.get("quantifier", 0)),
        float(sum(word in MODALS for word in words.lower)),
        sum(word in FIRST_PERSON for word in words.lower) / n,
        *meaning_values(claim, context),
    )


def _pair_novelty(stems: list[str], context: ParsedContext) -> float:
    """Return the share of neighbouring content words that share no context sentence."""
    if len(stems) < 2:
        return 0.0
    apart = 0
    for one, other in zip(stems, stems[1:], strict=False):
        first, second = context.stems.get(one), context.stems.get(other)
        apart += first is None or second is None or first.isdisjoint(second)
    return apart / (len(stems) - 1)


def _longest_true_run(flags: list[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


AGGREGATES = ("mean", "max")
FEATURES = tuple(f"{name}_{kind}" for kind in AGGREGATES for name in SENTENCE_FEATURES)


def pool(evidence: list[Evidence]) -> Floats:
    """Return one value per name in `FEATURES` for one or more sentences taken together.

    Notes
    -----
    Means are weighted by the number of words; a single sentence is the special case in which
    mean and maximum agree, so one model serves sentences and whole outputs.
    """
    values = np.array([item.values for item in evidence])
    weights = np.array([item.weight for item in evidence], dtype=float)
    return np.concatenate([weights @ values / weights.sum(), values.max(axis=0)])
