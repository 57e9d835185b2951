"""The always-on checks: each looks at one sentence and says what the context lacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from engines.hallucination.context import ParsedContext
from engines.hallucination.coverage import Coverage
from engines.hallucination.dates import CalendarDate, agrees
from engines.hallucination.entities import Name, initials, is_close
from engines.hallucination.lexicon import Relation
from engines.hallucination.polarity import EXACTNESS, NEGATIONS, OPPOSITES, PAST
from engines.hallucination.quantities import Quantity
from engines.hallucination.words import Words, lexeme


@dataclass(frozen=True, slots=True)
class Claim:
    """One output sentence with everything the rules read; word indices are local to it.

    ``is_known`` says per word whether the context holds it or it carries no content; ``near``
    holds the stems of the best passages; ``relations`` says, in English, how each content stem
    that the context lacks relates to it.
    """

    words: Words
    content: frozenset[str]
    is_known: list[bool]
    relations: dict[str, Relation]
    quantities: list[Quantity]
    dates: list[CalendarDate]
    names: list[Name]
    coverage: Coverage
    near: frozenset[str]
    is_english: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """Word indices `first` to `last` that a rule fired on, and what the context says instead."""

    rule: str
    first: int
    last: int
    found: str = ""


def check_numbers(claim: Claim, context: ParsedContext) -> list[Hit]:
    """Return the numbers whose value the context does not hold."""
    hits = []
    for quantity in _outside_dates(claim):
        if quantity.value in context.values:
            continue
        if not context.numbers_like(quantity):
            near = _same_kind_nearby(claim, context, quantity)
            hits.append(Hit("number", quantity.first, quantity.last, near))
    return hits


def check_units(claim: Claim, context: ParsedContext) -> list[Hit]:
    """Return the numbers that the context holds only with another unit."""
    hits = []
    for quantity in _outside_dates(claim):
        if not quantity.unit or quantity.unit == "ordinal":
            continue
        units = {source.unit for source in context.numbers_like(quantity)}
        if units and quantity.unit not in units and "" not in units:
            hits.append(Hit("unit", quantity.first, quantity.last, ", ".join(sorted(units))))
    return hits


def check_dates(claim: Claim, context: ParsedContext) -> list[Hit]:
    """Return the dates that no date of the context agrees with, nor its bare numbers."""
    hits = []
    for date in claim.dates:
        same_month = context.dates.get(date.month, [])
        if any(agrees(date, source) for source in same_month):
            continue
        parts = [part for part in (date.day, date.year) if part is not None]
        if same_month or not all(float(part) in context.values for part in parts):
            found = "; ".join(_show_date(source) for source in same_month[:3])
            hits.append(Hit("date", date.first, date.last, found))
    return hits


def check_names(claim: Claim, context: ParsedContext) -> list[Hit]:
    """Return the parts of names that the context does not know, spelling variants aside."""
    hits = []
    for name in claim.names:
        inside = range(name.first, name.last + 1)
        if initials(claim.words.raw[i] for i in inside if claim.words.is_content[i]) in (
            context.words if name.last > name.first else ()
        ):
            continue
        missing = [i for i in inside if not claim.is_known[i]]
        if missing:
            hits.append(Hit("name", missing[0], missing[-1]))
    return hits


def check_negation(claim: Claim, context: ParsedContext) -> list[Hit]:
    """Return negations of a statement that the best passage makes without one, and the reverse.

    Only where the passage holds at least 60 % of the content: below that the two sentences
    speak of different things.
    """
    if not claim.coverage.passages or claim.coverage.best < 0.6:
        return []
    negated = [i for i, word in enumerate(claim.words.lower) if word in NEGATIONS]
    passage = claim.coverage.passages[0]
    if negated and passage not in context.negated:
        return [Hit("negation", index, index, "no negation") for index in negated]
    if not negated and passage in context.negated and claim.coverage.best >= 0.8:
        start, end = context.sentences[passage]
        last = len(claim.words.lower) - 1
        return [Hit("negation", 0, last, context.text[start:end][:160])]
    return []


def check_opposites(claim: Claim, context: ParsedContext) -> list[Hit]:
    """Return words absent from the context whose opposite stands in the best passages."""
    hits = []
    for index, word in enumerate(claim.words.lower):
        opposites = _opposites(word)
        if opposites and claim.words.stems[index] not in claim.near:
            against = [other for other, stem in opposites if stem in claim.near]
            if against:
                hits.append(Hit("opposite", index, index, ", ".join(against)))
    return hits


def check_relations(claim: Claim, context: ParsedContext) -> list[Hit]:
    """Return numbers that the context holds, but beside other words than the output does.

    Fires when a sentence with another number of the same unit holds at least two more of the
    neighbouring content words than every sentence with this number.
    """
    hits = []
    for quantity in _outside_dates(claim):
        own = context.values.get(quantity.value)
        if not own:
            continue
        around = _neighbours(claim.words, quantity.first, quantity.last)
        if len(around) < 3:
            continue
        support = max(len(around & context.sentence_stems[s]) for s in sorted(own)[:50])
        rival = _rival(quantity, around, own, support + 2, context)
        if rival is not None:
            hits.append(Hit("relation", quantity.first, quantity.last, f"{rival:g}"))
    return hits


def check_quantifiers(claim: Claim, context: ParsedContext) -> list[Hit]:
    """Return all, every, only, never and their like where the best passages lack them."""
    near: set[str] = set()
    for passage in claim.coverage.passages:
        start, end = context.sentences[passage]
        near.update(context.text[start:end].lower().split())
    return [
        Hit("quantifier", index, index)
        for index, word in enumerate(claim.words.lower)
        if word in EXACTNESS and word not in near
    ]


def check_words(claim: Claim, context: ParsedContext) -> list[Hit]:
    """Return the runs of content words that stand nowhere in the context."""
    hits: list[Hit] = []
    for index, known in enumerate(claim.is_known):
        if known:
            continue
        if hits and hits[-1].last >= index - 1:
            hits[-1] = Hit("novel_words", hits[-1].first, index)
        else:
            hits.append(Hit("novel_words", index, index))
    return hits


RULES: dict[str, Callable[[Claim, ParsedContext], list[Hit]]] = {
    "number": check_numbers,
    "unit": check_units,
    "date": check_dates,
    "name": check_names,
    "negation": check_negation,
    "opposite": check_opposites,
    "relation": check_relations,
    "quantifier": check_quantifiers,
    "novel_words": check_words,
}
# Rules that read English word lists; the others work wherever words and digits can be read.
ENGLISH_ONLY = frozenset({"negation", "opposite", "relation", "quantifier"})


def knows_word(words: Words, index: int, context: ParsedContext) -> bool:
    """Say whether the context holds the word, its stem, or a spelling variant."""
    lower = words.lower[index]
    if lower in context.words or words.stems[index] in context.stems:
        return True
    if lower in context.acronyms:
        return True
    if len(lower) < 5:
        return False
    return any(is_close(lower, other) for other in context.by_prefix.get(lower[:3], ())[:200])


def _outside_dates(claim: Claim) -> list[Quantity]:
    """Return the quantities that are not part of a date."""
    taken = {i for date in claim.dates for i in range(date.first, date.last + 1)}
    return [quantity for quantity in claim.quantities if quantity.first not in taken]


def _same_kind_nearby(claim: Claim, context: ParsedContext, quantity: Quantity) -> str:
    """Return the numbers of the same unit in the best passages."""
    values = [
        source.value
        for passage in claim.coverage.passages
        for source in context.numbers_in.get(passage, ())[:20]
        if source.unit == quantity.unit
    ]
    return ", ".join(f"{value:g}" for value in values[:3])


def _rival(
    quantity: Quantity, around: frozenset[str], own: set[int], needed: int, context: ParsedContext
) -> float | None:
    """Return another number of the same unit whose sentence holds `needed` of the words around."""
    votes: dict[int, int] = {}
    for stem in around:
        found = context.stems.get(stem, ())
        if len(found) <= 200:  # a word in more sentences tells none apart
            for sentence in found:
                votes[sentence] = votes.get(sentence, 0) + 1
    rivals = [
        (count, source.value)
        for sentence, count in votes.items()
        if count >= needed and sentence not in own
        for source in context.numbers_in.get(sentence, ())[:20]
        if source.unit == quantity.unit
    ]
    return max(rivals)[1] if rivals else None


def _neighbours(words: Words, first: int, last: int, reach: int = 4) -> frozenset[str]:
    """Return up to `reach` content stems on either side."""
    before = [i for i in range(max(0, first - 10), first) if words.is_content[i]][-reach:]
    stop = min(len(words.stems), last + 11)
    after = [i for i in range(last + 1, stop) if words.is_content[i]][:reach]
    return frozenset(words.stems[i] for i in before + after if not words.lower[i][0].isdigit())


def _show_date(date: CalendarDate) -> str:
    """Return a date as year-month-day, with a question mark for an open part."""
    return f"{date.year or '?'}-{date.month:02d}-{date.day or '?'}"


@lru_cache(maxsize=16_384)
def _opposites(word: str) -> tuple[tuple[str, str], ...]:
    """Return the listed opposites of a word or its plain form, each with its stem.

    An opposite counts in its irregular past too: "fell" against "rose".
    """
    plain = PAST.get(word, word)
    found = set(OPPOSITES.get(plain) or OPPOSITES.get(_singular(plain)) or ())
    found |= {past for past, base in PAST.items() if base in found}
    return tuple((other, lexeme(other)[1]) for other in sorted(found))


def _singular(word: str) -> str:
    """Return the word without a plural or third-person s, or past d."""
    if word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    if word.endswith("ed") and len(word) > 4:
        return word[:-1] if word[:-1] in OPPOSITES else word[:-2]
    return word
