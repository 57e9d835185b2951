"""Word relations from WordNet: same meaning, wider, narrower, sister, opposite, same root."""

from __future__ import annotations

import gzip
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from engines.hallucination.polarity import OPPOSITES
from engines.hallucination.words import lexeme

Relation = Literal["synonym", "wider", "narrower", "sister", "none"]
_NOTHING: frozenset[int] = frozenset()
_NO_WORDS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Relations between stems.

    Attributes
    ----------
    senses : dict of str to frozenset of int
        Stem to the meanings (synsets) it can have, at most the four commonest per part of speech.
    parents : dict of int to frozenset of int
        Meaning to the next wider meanings.
    opposites, derived : dict of str to frozenset of str
        Stem to stems.
    ranked : dict of str to tuple of int
        Word (not stem) to meanings, commonest first; for building training text.
    """

    senses: dict[str, frozenset[int]]
    parents: dict[int, frozenset[int]]
    opposites: dict[str, frozenset[str]]
    derived: dict[str, frozenset[str]]
    ranked: dict[str, tuple[int, ...]]

    def wider(self, stem: str) -> frozenset[int]:
        """Return the meanings one step wider than any meaning of `stem`."""
        found = self.senses.get(stem, _NOTHING)
        return frozenset(p for sense in found for p in self.parents.get(sense, _NOTHING))


@lru_cache(maxsize=1)
def shipped_lexicon() -> Lexicon:
    """Return the lexicon that ships with the engine, read on first use.

    Examples
    --------
    >>> words = shipped_lexicon()
    >>> "decreas" in words.opposites["increas"], bool(words.senses["car"] & words.senses["auto"])
    (True, True)

    References
    ----------
    Miller (1995), WordNet: A Lexical Database for English, Communications of the ACM 38(11).
    """
    packed = (files(__package__) / "lexicon.tsv.gz").read_bytes()
    senses: dict[str, set[int]] = {}
    parents: dict[int, frozenset[int]] = {}
    opposites: dict[str, set[str]] = {}
    derived: dict[str, set[str]] = {}
    ranked: dict[str, tuple[int, ...]] = {}
    for line in gzip.decompress(packed).decode().splitlines():
        word, *rest = line.split("\t")
        if len(rest) == 1:
            parents[int(word)] = frozenset(map(int, rest[0].split(",")))
            continue
        stem = lexeme(word)[1]
        ranked[word] = tuple(map(int, rest[0].split(",")))
        senses.setdefault(stem, set()).update(ranked[word])
        for table, others in ((opposites, rest[1]), (derived, rest[2])):
            if others:
                table.setdefault(stem, set()).update(lexeme(o)[1] for o in others.split(","))
    for word, others_of in OPPOSITES.items():
        opposites.setdefault(lexeme(word)[1], set()).update(lexeme(o)[1] for o in others_of)
    return Lexicon(
        {stem: frozenset(ids) for stem, ids in senses.items()},
        parents,
        {stem: frozenset(others) for stem, others in opposites.items()},
        {stem: frozenset(others) for stem, others in derived.items()},
        ranked,
    )


@lru_cache(maxsize=65_536)
def wider_meanings(stem: str) -> tuple[frozenset[int], frozenset[int]]:
    """Return the meanings one step, and up to two steps, wider than `stem`."""
    lexicon = shipped_lexicon()
    one = lexicon.wider(stem)
    return one, one | {p for sense in one for p in lexicon.parents.get(sense, _NOTHING)}


def meanings_of(stems: Iterable[str]) -> frozenset[int]:
    """Return every meaning that one of the stems can have."""
    senses = shipped_lexicon().senses
    return frozenset(sense for stem in stems for sense in senses.get(stem, _NOTHING))


@dataclass(frozen=True, slots=True)
class Meanings:
    """The meanings in a set of stems, ready to relate other stems to."""

    stems: frozenset[str]
    senses: frozenset[int]
    parents: frozenset[int]
    ancestors: frozenset[int]

    def joined(self, other: Meanings) -> Meanings:
        """Return the meanings of both sets of stems."""
        return Meanings(
            self.stems | other.stems,
            self.senses | other.senses,
            self.parents | other.parents,
            self.ancestors | other.ancestors,
        )

    @classmethod
    def of(cls, stems: frozenset[str]) -> Meanings:
        """Return the meanings of `stems`, of their parents and grandparents."""
        lexicon = shipped_lexicon()
        senses: set[int] = set()
        parents: set[int] = set()
        ancestors: set[int] = set()
        for stem in stems:
            found = lexicon.senses.get(stem)
            if found:
                senses |= found
                one, two = wider_meanings(stem)
                parents |= one
                ancestors |= two
        return cls(stems, frozenset(senses), frozenset(parents), frozenset(ancestors))


NO_MEANINGS = Meanings(_NO_WORDS, _NOTHING, _NOTHING, _NOTHING)


def relate(stem: str, senses: frozenset[int], stems: Container[str], near: Meanings) -> Relation:
    """Return how `stem` relates to a context.

    Parameters
    ----------
    stem : str
        A stem that the context does not hold.
    senses : frozenset of int
        Meanings of every stem of the context.
    stems : container of str
        Every stem of the context.
    near : Meanings
        Meanings of the best passages.

    Returns
    -------
    {"synonym", "wider", "narrower", "sister", "none"}
        "synonym" also for words of the same root; "wider" when the context says it more
        specifically (safe), "narrower" and "sister" when it says something else of that kind.
    """
    lexicon = shipped_lexicon()
    own = lexicon.senses.get(stem, _NOTHING)
    derived = lexicon.derived.get(stem, _NO_WORDS)
    if not own.isdisjoint(senses) or any(word in stems for word in derived):
        return "synonym"
    if not own.isdisjoint(near.ancestors):
        return "wider"
    one, two = wider_meanings(stem)
    if not two.isdisjoint(near.senses):
        return "narrower"
    return "none" if one.isdisjoint(near.parents) else "sister"
