"""Which words of a sentence the context does not support: a small trained model per word."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engines.hallucination.context import ParsedContext
from engines.hallucination.features import Evidence
from engines.hallucination.polarity import NEGATIONS

# A finding of these rules names a concrete item that the context lacks or contradicts.
HARD_RULES = frozenset({"number", "unit", "date", "name", "opposite", "relation"})
_RULES = ("number", "name", "date", "relation", "opposite", "quantifier")
WORD_FEATURES = (
    "content",
    "novel",
    "synonym",
    "wider",
    "other_kind",
    "unrelated",
    "far",
    "second_passage",
    "in_number",
    "in_name",
    *(f"rule_{name}" for name in _RULES),
    "negation",
    "log_sentences",
    "pair_before",
    "pair_after",
    "novel_before",
    "novel_after",
    "novel_two_before",
    "novel_two_after",
    "weak_before",
    "weak_after",
    "weak_distance",
    "weak_left",
    "weak_right",
    "between_weak",
    "weak_share",
)
_OWN = WORD_FEATURES.index("pair_before")  # the columns before look at the word alone
_COLUMN_OF = {"synonym": 2, "wider": 3, "narrower": 4, "sister": 4, "none": 5}
_RULE_COLUMN = {name: WORD_FEATURES.index(f"rule_{name}") for name in _RULES}
_UNRELATED = WORD_FEATURES.index("unrelated")
_FAR_AWAY = 9.0  # distances in words are cut here


@dataclass(frozen=True, slots=True)
class WordModel:
    """Logistic regression over `WORD_FEATURES`; a word is flagged from `threshold` on."""

    weights: tuple[float, ...]
    intercept: float
    threshold: float

    def flags(self, rows: list[list[float]]) -> list[bool]:
        """Return whether each word is unsupported."""
        limit = math.log(self.threshold / (1 - self.threshold)) - self.intercept
        return [bool(score >= limit) for score in np.array(rows) @ np.array(self.weights)]


def flag_words(item: Evidence, context: ParsedContext, model: WordModel) -> list[int]:
    """Return the indices of the words of a sentence that the context does not support.

    Notes
    -----
    What the model flags, every word with no relation in meaning to the context, and every word on
    which a rule found a concrete item missing or contradicted. The model reads English; elsewhere
    the rules alone decide.
    """
    rules = HARD_RULES if item.claim.is_english else HARD_RULES | {"novel_words"}
    flagged = {i for h in item.hits if h.rule in rules for i in range(h.first, h.last + 1)}
    if item.claim.is_english:
        values = word_values(item, context)
        flagged.update(i for i, flag in enumerate(model.flags(values)) if flag)
        flagged.update(i for i, row in enumerate(values) if row[_UNRELATED])
    return sorted(flagged)


def word_values(item: Evidence, context: ParsedContext) -> list[list[float]]:
    """Return one row of `WORD_FEATURES` per word of the sentence.

    Notes
    -----
    A word is weak when the context lacks it, or holds it only outside the three best passages.
    """
    own = _own_values(item, context)
    words = item.claim.words
    novel = [row[1] for row in own]
    weak = [max(row[1], row[6]) for row in own]
    left, right = _distances(weak), _distances(weak[::-1])[::-1]
    share = sum(weak) / max(1, sum(words.is_content))
    novel_next, weak_next = [0.0, 0.0, *novel, 0.0, 0.0], [0.0, *weak, 0.0]
    return [
        [
            *values,
            *pair,
            novel_next[i + 1],
            novel_next[i + 3],
            novel_next[i],
            novel_next[i + 4],
            weak_next[i],
            weak_next[i + 2],
            min(left[i], right[i]),
            left[i],
            right[i],
            float(not words.is_content[i] and left[i] <= 2 and right[i] <= 2),
            share,
        ]
        for i, (values, pair) in enumerate(zip(own, _pairs(item, context), strict=True))
    ]


def _own_values(item: Evidence, context: ParsedContext) -> list[list[float]]:
    """Return the part of the row that looks at the word alone."""
    claim = item.claim
    words, passages = claim.words, claim.coverage.passages
    first = context.sentence_stems[passages[0]] if passages else frozenset()
    near = claim.near
    numbers = {i for q in claim.quantities for i in range(q.first, q.last + 1)}
    names = {i for name in claim.names for i in range(name.first, name.last + 1)}
    rows = []
    for i, stem in enumerate(words.stems):
        row = [0.0] * _OWN
        if words.is_content[i]:
            novel = not claim.is_known[i]
            row[0] = 1.0
            row[1] = float(novel)
            if novel:
                row[_COLUMN_OF[claim.relations.get(stem, "synonym")]] = 1.0
            row[6] = float(not novel and stem not in near)
            row[7] = float(stem in near and stem not in first)
            row[-1] = math.log1p(len(context.stems.get(stem, ())))
        row[8] = float(i in numbers)
        row[9] = float(i in names)
        row[-2] = float(words.lower[i] in NEGATIONS)
        rows.append(row)
    for hit in item.hits:
        if hit.rule in _RULE_COLUMN:
            for i in range(hit.first, hit.last + 1):
                rows[i][_RULE_COLUMN[hit.rule]] = 1.0
    return rows


def _pairs(item: Evidence, context: ParsedContext) -> list[tuple[float, float]]:
    """Return whether each content word shares a sentence with the one before and after it."""
    words = item.claim.words
    found = [(0.0, 0.0)] * len(words.stems)
    content = [i for i, carries in enumerate(words.is_content) if carries]
    together = [
        _share_sentence(words.stems[a], words.stems[b], context)
        for a, b in zip(content, content[1:], strict=False)
    ]
    for place, index in enumerate(content):
        before = together[place - 1] if place else 1.0
        after = together[place] if place < len(together) else 1.0
        found[index] = (before, after)
    return found


def _share_sentence(one: str, other: str, context: ParsedContext) -> float:
    first, second = context.stems.get(one), context.stems.get(other)
    return float(first is not None and second is not None and not first.isdisjoint(second))


def _distances(weak: list[float]) -> list[float]:
    """Return the distance to the last weak word at or before each place."""
    found, distance = [], _FAR_AWAY
    for flag in weak:
        distance = 0.0 if flag else distance + 1.0 if distance < _FAR_AWAY else _FAR_AWAY
        found.append(distance)
    return found
