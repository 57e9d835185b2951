"""Our own training pairs: supported outputs reworded (still 0) or turned wrong (1)."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache

from benchmarks.grounding_data import Row
from engines.hallucination.context import ContextCache, ParsedContext
from engines.hallucination.entities import read_names
from engines.hallucination.lexicon import shipped_lexicon
from engines.hallucination.polarity import OPPOSITES
from engines.hallucination.quantities import read_quantities
from engines.hallucination.words import Words, read_words

AUXILIARIES = frozenset("is was are were has have will can had would be".split())
Edit = Callable[[str, Words, "Material", random.Random], str | None]


class Material:
    """What an edit may draw from: names of the context, outputs and names of other rows."""

    def __init__(self, names: list[str], other_names: list[str], outputs: list[str]) -> None:
        self.names, self.other_names, self.outputs = names, other_names, outputs


@lru_cache(maxsize=1)
def _words_of() -> dict[int, list[str]]:
    table: dict[int, list[str]] = defaultdict(list)
    for word, senses in shipped_lexicon().ranked.items():
        for sense in senses:
            table[sense].append(word)
    return dict(table)


@lru_cache(maxsize=1)
def _children() -> dict[int, list[int]]:
    table: dict[int, list[int]] = defaultdict(list)
    for sense, parents in shipped_lexicon().parents.items():
        for parent in parents:
            table[parent].append(sense)
    return dict(table)


def _lemma(word: str) -> str | None:
    """The lexicon's form of an inflected word."""
    known = shipped_lexicon().ranked
    for form in (word, word[:-1], word[:-2], word[:-3], word[:-3] + "y", word[:-2] + "e"):
        if form in known and word.startswith(form[:3]):
            return form
    return None


def _inflect(word: str, lemma: str, other: str) -> str:
    """`other` with the ending that `word` has over `lemma`."""
    if word == lemma:
        return other
    for ending in ("ing", "ed", "s", "d"):
        if word.endswith(ending):
            stem = other[:-1] if other.endswith("e") and ending in ("ing", "ed", "d") else other
            return stem + ("ed" if ending == "d" else ending)
    return other


def _plain(words: Words, rng: random.Random) -> list[int]:
    """Lower-case content words in random order."""
    found = [i for i, w in enumerate(words.raw) if words.is_content[i] and w.islower()]
    rng.shuffle(found)
    return found


def _put(text: str, words: Words, first: int, last: int, new: str) -> str:
    return text[: words.starts[first]] + new + text[words.ends[last] :]


def reword(text: str, rng: random.Random) -> str:
    """One content word in eight replaced by a word of the same commonest meaning."""
    words = read_words(text)
    wanted = rng.randint(1, max(1, len(words.raw) // 8))
    edits: list[tuple[int, str]] = []
    for index in _plain(words, rng):
        lemma = _lemma(words.lower[index])
        if lemma is None or len(edits) >= wanted:
            continue
        same = [w for w in _words_of()[shipped_lexicon().ranked[lemma][0]] if w != lemma]
        if same:
            edits.append((index, _inflect(words.lower[index], lemma, rng.choice(same))))
    for index, new in sorted(edits, reverse=True):
        text = _put(text, words, index, index, new)
    return text


def change_number(text: str, words: Words, _: Material, rng: random.Random) -> str | None:
    found = [q for q in read_quantities(text, words) if words.raw[q.first][0].isdigit()]
    if not found:
        return None
    index = rng.choice(found).first
    digits = words.raw[index]
    place = rng.choice([i for i, c in enumerate(digits) if c.isdigit()])
    new = str((int(digits[place]) + rng.randint(1, 8)) % 10)
    return _put(text, words, index, index, digits[:place] + new + digits[place + 1 :])


def change_name(text: str, words: Words, material: Material, rng: random.Random) -> str | None:
    found = read_names(words)
    pool = material.names if material.names and rng.random() < 0.6 else material.other_names
    if not found or not pool:
        return None
    name, new = rng.choice(found), rng.choice(pool)
    old = text[words.starts[name.first] : words.ends[name.last]]
    return None if new == old else _put(text, words, name.first, name.last, new)


def turn_round(text: str, words: Words, _: Material, rng: random.Random) -> str | None:
    found = [i for i, w in enumerate(words.lower) if w in OPPOSITES and words.is_content[i]]
    if not found:
        return None
    index = rng.choice(found)
    return _put(text, words, index, index, rng.choice(sorted(OPPOSITES[words.lower[index]])))


def negate(text: str, words: Words, _: Material, rng: random.Random) -> str | None:
    found = [i for i, w in enumerate(words.lower) if w in AUXILIARIES]
    if not found:
        return None
    index = rng.choice(found)
    return _put(text, words, index, index, words.raw[index] + " not")


def take_sister(text: str, words: Words, _: Material, rng: random.Random) -> str | None:
    """A word replaced by another of the same kind: car for truck."""
    lexicon = shipped_lexicon()
    for index in _plain(words, rng)[:6]:
        lemma = _lemma(words.lower[index])
        if lemma is None:
            continue
        sense = lexicon.ranked[lemma][0]
        sisters = [
            word
            for parent in sorted(lexicon.parents.get(sense, frozenset()))
            for child in _children()[parent]
            if child != sense
            for word in _words_of().get(child, [])[:1]
            if word != lemma
        ]
        if sisters:
            new = _inflect(words.lower[index], lemma, rng.choice(sisters))
            return _put(text, words, index, index, new)
    return None


def take_stranger(text: str, words: Words, material: Material, rng: random.Random) -> str | None:
    """A content word replaced by one of another output."""
    here = _plain(words, rng)
    other = read_words(rng.choice(material.outputs))
    there = _plain(other, rng)
    if not here or not there:
        return None
    return _put(text, words, here[0], here[0], other.raw[there[0]])


def add_clause(text: str, _: Words, material: Material, rng: random.Random) -> str | None:
    """Three to eight words of another output appended."""
    other = rng.choice(material.outputs).split()
    length = min(len(other), rng.randint(3, 8))
    start = rng.randrange(max(1, len(other) - length + 1))
    joint = rng.choice([", ", " and ", " with "])
    return text.rstrip(" .") + joint + " ".join(other[start : start + length])


EDITS: tuple[Edit, ...] = (
    change_number,
    change_name,
    turn_round,
    negate,
    take_sister,
    take_sister,
    take_stranger,
    add_clause,
)


def corrupt(text: str, material: Material, rng: random.Random) -> str | None:
    """`text` after the first edit, in random order, that applies."""
    words = read_words(text)
    for edit in rng.sample(EDITS, len(EDITS)):
        changed = edit(text, words, material, rng)
        if changed is not None and changed != text:
            return changed
    return None


def _names(text: str) -> list[str]:
    words = read_words(text)
    return [
        text[words.starts[n.first] : words.ends[n.last]]
        for n in read_names(words)
        if n.last - n.first < 4
    ]


def _copies(row: Row, context: ParsedContext, rng: random.Random) -> list[str]:
    """Up to two small extracts of the context: supported by construction."""
    found = []
    n = len(context.sentences)
    for _ in range(2 if row.dataset in ("wice", "factcheckgpt_stance") and n >= 4 else n >= 4):
        chosen = sorted(rng.sample(range(n), rng.randint(1, 3)))
        text = " ".join(context.text[slice(*context.sentences[i])] for i in chosen)
        if 60 < len(text) < 600:
            found.append(text)
    return found


def synthesise(rows: list[Row], seed: int = 0) -> list[Row]:
    """Reworded and corrupted rows from the supported ones; group and dataset are the source's."""
    rng = random.Random(seed)
    cache = ContextCache(max_characters=50_000_000)
    outputs = [row.output for row in rows]
    strangers = [
        name for row in rng.sample(rows, min(800, len(rows))) for name in _names(row.output)
    ]
    made: list[Row] = []
    for row in rows:
        if row.label:
            continue
        context = cache.get(row.context)
        material = Material(_names(context.text[:20_000])[:200], strangers, outputs)
        copies = _copies(row, context, rng)
        made += [Row(row.dataset, row.context, text, 0, row.group) for text in copies]
        for text in (row.output, *copies):
            reworded = reword(text, rng)
            if reworded != text:
                made.append(Row(row.dataset, row.context, reworded, 0, row.group))
            for source in (text, reworded):
                wrong = corrupt(source, material, rng)
                if wrong is not None:
                    made.append(Row(row.dataset, row.context, wrong, 1, row.group))
    return made
