"""Names in a text, by capital letters, and whether a context knows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engines.hallucination.dates import MONTH, WEEKDAYS
from engines.hallucination.words import Words

_LINKS = frozenset("of the de la le van von der den di da du al and for".split())
_NOT_NAMES = frozenset(MONTH) | WEEKDAYS


@dataclass(frozen=True, slots=True)
class Name:
    """A run of capitalised words: word indices `first` to `last`, both included."""

    first: int
    last: int


def read_names(words: Words, is_sentence_start: frozenset[int] = frozenset({0})) -> list[Name]:
    """Return the runs of capitalised words.

    Parameters
    ----------
    words : Words
        Words of one sentence or text.
    is_sentence_start : frozenset of int
        Word indices whose capital says nothing; such a word counts only when it is all capitals
        or when the next word is capitalised too.

    Returns
    -------
    list of Name
        Function words inside a name ("Bank of England") join its parts.

    Examples
    --------
    >>> from engines.hallucination.words import read_words
    >>> words = read_words("The Bank of England hired Mark Carney")
    >>> [" ".join(words.raw[n.first : n.last + 1]) for n in read_names(words)]
    ['Bank of England', 'Mark Carney']
    """
    found: list[Name] = []
    index, n = 0, len(words.raw)
    while index < n:
        if not _is_capital(words, index) or not _opens(words, index, is_sentence_start):
            index += 1
            continue
        last = ahead = index
        while ahead + 1 < n and ahead - last < 2:
            ahead += 1
            if _is_capital(words, ahead) and ahead not in is_sentence_start:
                last = ahead
            elif words.lower[ahead] not in _LINKS:
                break
        found.append(Name(index, last))
        index = last + 1
    return found


def _is_capital(words: Words, index: int) -> bool:
    """Say whether the word could be part of a name."""
    return (
        words.raw[index][0].isupper()
        and words.is_content[index]
        and words.lower[index] not in _NOT_NAMES
    )


def _opens(words: Words, index: int, starts: frozenset[int]) -> bool:
    """Say whether a name can begin here: a capital at a sentence start needs a second sign."""
    if index not in starts:
        return True
    if len(words.raw[index]) > 1 and words.raw[index].isupper():
        return True
    return index + 1 < len(words.raw) and _is_capital(words, index + 1)


def initials(parts: Iterable[str]) -> str:
    """Return the acronym of the words.

    Examples
    --------
    >>> initials(["World", "Health", "Organization"])
    'who'
    """
    return "".join(part[0] for part in parts).lower()


def is_close(word: str, other: str) -> bool:
    """Say whether two words differ by at most one edit, or by an inflected ending.

    Notes
    -----
    One insertion, deletion or substitution in words of five letters or more (a spelling variant:
    "Tolstoi", "Tolstoy"), or a common start of at least five letters with up to three more on
    either side ("Greece", "Greek" is not one; "Japan", "Japanese" is). O(length).

    Examples
    --------
    >>> is_close("tolstoi", "tolstoy"), is_close("japanese", "japan"), is_close("iran", "iraq")
    (True, True, False)
    """
    short, long = sorted((word, other), key=len)
    if len(short) < 5 or len(long) - len(short) > 3:
        return False
    if long.startswith(short):
        return True
    if len(long) - len(short) > 1:
        return False
    head = 0
    while head < len(short) and short[head] == long[head]:
        head += 1
    tail_short = short[head + (len(short) == len(long)) :]
    return tail_short == long[head + 1 :]
