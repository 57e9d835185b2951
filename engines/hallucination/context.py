"""A context, read once: sentences, an index of stems, phrases, numbers, dates and names."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

from engines.errors import EngineError
from engines.hallucination.dates import CalendarDate, read_dates
from engines.hallucination.entities import initials, read_names
from engines.hallucination.lexicon import NO_MEANINGS, Meanings, meanings_of
from engines.hallucination.polarity import NEGATIONS
from engines.hallucination.quantities import Quantity, matches, read_quantities
from engines.hallucination.split import split_sentences
from engines.hallucination.words import is_english, read_words


@dataclass(frozen=True, slots=True)
class ParsedContext:
    """A context ready for checking; treat it as read-only.

    Attributes
    ----------
    documents : tuple of str
        As given.
    text : str
        The documents joined by line breaks, cut at the character limit.
    offsets : tuple of int
        Start of each document in `text`.
    sentences : list of (int, int)
        Offsets in `text`.
    words, stems : frozenset of str, dict of str to set of int
        Lower-cased words; stem to the sentences that hold it.
    sentence_stems : list of frozenset of str
        Content stems of each sentence.
    bigrams, trigrams : frozenset of tuple
        Runs of stems.
    quantities : dict of float to list of (Quantity, int)
        Number value to the numbers that have it, with their sentence.
    ordered : list of float
        Those values in order.
    values : dict of float to set of int
        Number value to the sentences that hold it.
    numbers_in : dict of int to list of Quantity
        Sentence to its numbers.
    dates : dict of int to list of CalendarDate
        Month to its distinct dates.
    acronyms : frozenset of str
        Initials of the names, lower case.
    by_prefix : dict of str to list of str
        Words by their first three letters, for spelling variants.
    senses : frozenset of int
        Meanings of the stems; empty when the text is not English.
    negated : frozenset of int
        Sentences that hold a negation.
    meanings : dict of int to Meanings
        Meanings of single sentences, filled as they are asked for.
    is_english, is_truncated : bool
    """

    documents: tuple[str, ...]
    text: str
    offsets: tuple[int, ...]
    sentences: list[tuple[int, int]]
    words: frozenset[str]
    stems: dict[str, set[int]]
    sentence_stems: list[frozenset[str]]
    bigrams: frozenset[tuple[str, str]]
    trigrams: frozenset[tuple[str, str, str]]
    quantities: dict[float, list[tuple[Quantity, int]]]
    ordered: list[float]
    values: dict[float, set[int]]
    numbers_in: dict[int, list[Quantity]]
    dates: dict[int, list[CalendarDate]]
    acronyms: frozenset[str]
    by_prefix: dict[str, list[str]]
    senses: frozenset[int]
    negated: frozenset[int]
    meanings: dict[int, Meanings]
    is_english: bool
    is_truncated: bool

    def meanings_near(self, sentences: Iterable[int]) -> Meanings:
        """Return the meanings of the sentences together."""
        near = NO_MEANINGS
        for sentence in sentences:
            found = self.meanings.get(sentence)
            if found is None:
                found = self.meanings[sentence] = Meanings.of(self.sentence_stems[sentence])
            near = found if near is NO_MEANINGS else near.joined(found)
        return near

    def numbers_like(self, claim: Quantity, *, limit: int = 50) -> list[Quantity]:
        """Return up to `limit` numbers that `claim` can be a rounded form of."""
        reach = 0.5 * claim.step + 1e-9 * abs(claim.value)
        first = bisect_left(self.ordered, claim.value - reach)
        found: list[Quantity] = []
        for value in self.ordered[first : first + limit]:
            if value > claim.value + reach or len(found) >= limit:
                break
            near = (quantity for quantity, _ in self.quantities[value][:limit])
            found += [quantity for quantity in near if matches(claim, quantity)]
        return found

    def locate(self, sentence: int) -> tuple[int, int, int]:
        """Return (document, start, end) of a sentence, offsets in its own document."""
        start, end = self.sentences[sentence]
        document = bisect_right(self.offsets, start) - 1
        return document, start - self.offsets[document], end - self.offsets[document]


def parse_context(context: str | Sequence[str], *, max_characters: int = 200_000) -> ParsedContext:
    """Return the parsed form of a context.

    Parameters
    ----------
    context : str or sequence of str
        One text, or the documents of a retrieval in order.
    max_characters : int, default 200000
        Text beyond this is not read; the result says so. Time and memory are linear in it.

    Returns
    -------
    ParsedContext

    Raises
    ------
    EngineError
        When a document is not a string.

    Examples
    --------
    >>> parsed = parse_context(["Sales rose 2.7%.", "Costs fell. Nobody knows why."])
    >>> len(parsed.sentences), sorted(parsed.values), parsed.locate(2)
    (3, [2.7], (1, 12, 29))
    """
    documents = (context,) if isinstance(context, str) else tuple(context)
    for document in documents:
        if not isinstance(document, str):
            raise EngineError(f"a context document must be a string, got {type(document).__name__}")
    text = "\n\n".join(documents)
    is_truncated = len(text) > max_characters
    text = text[:max_characters]
    offsets, start = [], 0
    for document in documents:
        offsets.append(start)
        start += len(document) + 2
    return _index(documents, text, tuple(offsets), is_truncated)


def _index(
    documents: tuple[str, ...], text: str, offsets: tuple[int, ...], is_truncated: bool
) -> ParsedContext:
    """Build the lookups in one pass over the words."""
    sentences = split_sentences(text, max_sentences=20_000)
    words = read_words(text)
    sentence_of: list[int] = []
    firsts: set[int] = set()
    ends = [end for _, end in sentences]
    current = 0
    for index, start in enumerate(words.starts):
        while current < len(ends) - 1 and start >= ends[current]:
            current += 1
        if not sentence_of or sentence_of[-1] != current:
            firsts.add(index)
        sentence_of.append(current)
    stems: dict[str, set[int]] = {}
    content: list[set[str]] = [set() for _ in sentences]
    negated: set[int] = set()
    for stem, lower, carries, sentence in zip(
        words.stems, words.lower, words.is_content, sentence_of, strict=True
    ):
        stems.setdefault(stem, set()).add(sentence)
        if carries:
            content[sentence].add(stem)
        if lower in NEGATIONS:
            negated.add(sentence)
    quantities: dict[float, list[tuple[Quantity, int]]] = {}
    values: dict[float, set[int]] = {}
    numbers_in: dict[int, list[Quantity]] = {}
    for quantity in read_quantities(text, words):
        sentence = sentence_of[quantity.first]
        quantities.setdefault(quantity.value, []).append((quantity, sentence))
        values.setdefault(quantity.value, set()).add(sentence)
        numbers_in.setdefault(sentence, []).append(quantity)
    vocabulary = frozenset(words.lower)
    by_prefix: dict[str, list[str]] = {}
    for word in sorted(vocabulary):
        if len(word) >= 5:
            by_prefix.setdefault(word[:3], []).append(word)
    names = read_names(words, frozenset(firsts))
    english = is_english(words.lower)
    return ParsedContext(
        documents=documents,
        text=text,
        offsets=offsets,
        sentences=sentences,
        words=vocabulary,
        stems=stems,
        sentence_stems=[frozenset(part) for part in content],
        bigrams=frozenset(zip(words.stems, words.stems[1:], strict=False)),
        trigrams=frozenset(zip(words.stems, words.stems[1:], words.stems[2:], strict=False)),
        quantities=quantities,
        ordered=sorted(quantities),
        values=values,
        numbers_in=numbers_in,
        dates=_by_month(read_dates(words)),
        acronyms=frozenset(
            initials(words.raw[i] for i in range(n.first, n.last + 1) if words.raw[i][0].isupper())
            for n in names
            if n.last > n.first
        ),
        by_prefix=by_prefix,
        senses=meanings_of(stems) if english else frozenset(),
        negated=frozenset(negated),
        meanings={},
        is_english=english,
        is_truncated=is_truncated,
    )


def _by_month(dates: list[CalendarDate]) -> dict[int, list[CalendarDate]]:
    """Return the distinct dates of each month, at most 500 of them."""
    found: dict[int, dict[tuple[int | None, int | None], CalendarDate]] = {}
    for date in dates:
        found.setdefault(date.month, {}).setdefault((date.year, date.day), date)
    return {month: list(distinct.values())[:500] for month, distinct in found.items()}


class ContextCache:
    """Least recently used parsed contexts, bounded by the characters they hold.

    Parameters
    ----------
    max_characters : int, default 2000000
        Sum over the entries; a parsed context takes about 60 bytes per character.

    Notes
    -----
    Memoisation only: an answer never depends on what is cached. Safe under threads.
    """

    def __init__(self, max_characters: int = 2_000_000) -> None:
        self.max_characters = max_characters
        self._entries: OrderedDict[tuple[str, ...], ParsedContext] = OrderedDict()
        self._characters = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, context: str | Sequence[str]) -> ParsedContext:
        """Return the parsed context, parsing it at most once while it stays in the cache."""
        key = (context,) if isinstance(context, str) else tuple(context)
        with self._lock:
            hit = self._entries.get(key)
            if hit is not None:
                self._entries.move_to_end(key)
                return hit
        parsed = parse_context(context)
        with self._lock:
            if key not in self._entries:
                self._entries[key] = parsed
                self._characters += sum(map(len, key)) + 1
            while self._characters > self.max_characters and self._entries:
                dropped, _ = self._entries.popitem(last=False)
                self._characters -= sum(map(len, dropped)) + 1
        return parsed


DEFAULT_CACHE = ContextCache()
