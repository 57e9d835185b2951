"""Sentences of a text by rule: punctuation, line breaks, bullets, table rows."""

from __future__ import annotations

import re

from engines.hallucination.words import has_word

# Abbreviations that end in a stop and do not end a sentence (lower case, without the stop).
ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sr jr st vs etc e.g i.e fig no vol dept inc ltd co corp gen col lt sgt rev "
    "hon gov sen rep pres approx est ca cf al ed eds pp p jan feb mar apr jun jul aug sep sept oct "
    "nov dec mt ft u.s u.k u.n d.c a.m p.m".split()
)
_STOP = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s)|[。！？]|\n+|[.!?…]+$")
_LAST_WORD = re.compile(r"[\w.]+$")


def _is_abbreviation(text: str, start: int, stop: int) -> bool:
    """Say whether the stop at `stop` closes an abbreviation or an initial."""
    if text[stop] != ".":
        return False
    last = _LAST_WORD.search(text, max(start, stop - 12), stop)
    if last is None:
        return False
    word = last.group()
    return word.lower() in ABBREVIATIONS or (len(word) == 1 and word.isupper())


def split_sentences(text: str, *, max_sentences: int = 5_000) -> list[tuple[int, int]]:
    r"""Return the (start, end) offsets of the sentences of `text`, without outer white space.

    Parameters
    ----------
    text : str
        Any text. One pass, time linear in its length.
    max_sentences : int, default 5000
        The last sentence takes the rest of the text beyond this many.

    Returns
    -------
    list of (int, int)
        In order, not overlapping; lines, bullets and table rows end a sentence too.

    Examples
    --------
    >>> text = "Dr. Who left at 5 p.m. sharp. He came back!\n- tea\n- milk"
    >>> [text[start:end] for start, end in split_sentences(text)]
    ['Dr. Who left at 5 p.m. sharp.', 'He came back!', '- tea', '- milk']
    """
    found: list[tuple[int, int]] = []
    start = 0
    for stop in _STOP.finditer(text):
        if len(found) >= max_sentences - 1:
            break
        if _is_abbreviation(text, start, stop.start()):
            continue
        _append(found, text, start, stop.end())
        start = stop.end()
    _append(found, text, start, len(text))
    return found


def _append(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    """Add the sentence when a word is left after trimming."""
    piece = text[start:end]
    trimmed = piece.strip()
    if has_word(trimmed):
        begin = start + len(piece) - len(piece.lstrip())
        found.append((begin, begin + len(trimmed)))
