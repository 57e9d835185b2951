"""Words of a text with offsets, their stems, and which of them carry content."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

# Scripts written without spaces (Thai, Lao, Burmese, Khmer, kana, Han): one token per character,
# so bigram and trigram checks still mean something there.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(
    rf"\d+(?:[.,:]\d+)*|[{_UNSPACED}]|[^\W\d_{_UNSPACED}]+(?:['’][^\W\d_{_UNSPACED}]+)*"
)

STOP_WORDS = frozenset(
    """a about above after again all also although am an and any are as at be because been before
    being below between both but by can could did do does doing down during each few for from
    further had has have having he her here hers herself him himself his how i if in into is it its
    itself just let like may me might mine more most much must my myself of off on once only or
    other our ours ourselves out over own per rather s same shall she should so some such t than
    that the their theirs them themselves then there these they this those though through to too
    under until up upon us very was we well were what when where which while who whom whose why
    will with within would yes yet you your yours yourself yourselves ok oh okay yeah really
    i'm i've i'll i'd it's that's there's they're we're you're he's she's isn't aren't wasn't
    weren't don't doesn't didn't won't wouldn't can't couldn't shouldn't hasn't haven't hadn't
    not no nor never none n't cannot without""".split()
)
FIRST_PERSON = frozenset("i i'm i've i'll i'd my me mine myself we our us we're you your".split())
_ENGLISH = frozenset(
    """the and to that with it are this from by have not he she his her they but were which their
    will would been who you i what can could there when its had if about than""".split()
)
# Function words of German, French, Spanish, Portuguese, Italian, Dutch, Polish and the Nordic
# languages that are no English words.
_OTHERS = frozenset(
    """der das und ist nicht ein eine einen mit von zu den dem des auf im sich auch wird sind bei
    el los las que por una un con para del es se su lo como y le la les et est dans pour qui sur
    au aux pas ce il elle che di per non sono della della nel alla het een van en niet op te zijn
    och att det som den av til og ikke af er uma em dos da na ao nie jest przez oraz tym""".split()
)


@dataclass(frozen=True, slots=True)
class Words:
    """Parallel lists over the words of a text; offsets count from the start of the whole text."""

    starts: list[int]
    ends: list[int]
    raw: list[str]
    lower: list[str]
    stems: list[str]
    is_content: list[bool]


@lru_cache(maxsize=131_072)
def lexeme(word: str) -> tuple[str, str, bool]:
    """Return the lower-cased word, its stem and whether it carries content.

    Examples
    --------
    >>> lexeme("Prices"), lexeme("the")
    (('prices', 'pric', True), ('the', 'the', False))
    """
    lower = word.lower().replace("’", "'")
    if lower.endswith("'s"):
        lower = lower[:-2]
    if lower in STOP_WORDS or word.lower().replace("’", "'") in STOP_WORDS:
        return lower, lower, False
    if not lower[0].isascii() or lower[0].isdigit():
        return lower, lower, True
    return lower, _stem(lower), len(lower) > 1


def _stem(word: str) -> str:
    """Strip plural, participle and adverb endings, then a final e; never below three letters."""
    if len(word) < 4:
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ied", "ed", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + ("y" if ending == "ied" else "")
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def has_word(text: str) -> bool:
    """Say whether the text holds a word or number."""
    return _WORD.search(text) is not None


def read_words(text: str, start: int = 0, end: int | None = None) -> Words:
    """Return the words of ``text[start:end]``; time linear in the length.

    Examples
    --------
    >>> words = read_words("Sales rose 2.7%")
    >>> words.lower, words.starts
    (['sales', 'rose', '2.7'], [0, 6, 11])
    """
    starts: list[int] = []
    ends: list[int] = []
    raw: list[str] = []
    lower: list[str] = []
    stems: list[str] = []
    is_content: list[bool] = []
    for match in _WORD.finditer(text, start, len(text) if end is None else end):
        word = match.group()
        word_lower, stem, carries = lexeme(word[:64])
        begin, finish = match.span()
        starts.append(begin)
        ends.append(finish)
        raw.append(word)
        lower.append(word_lower)
        stems.append(stem)
        is_content.append(carries)
    return Words(starts, ends, raw, lower, stems, is_content)


def is_english(words: Sequence[str]) -> bool:
    """Say whether English function words outnumber those of nine other languages.

    Parameters
    ----------
    words : sequence of str
        In lower case.

    Returns
    -------
    bool
        On a tie, headlines and lists for example: whether 70 % of the words are plain ASCII.

    Examples
    --------
    >>> is_english("sales rose because the market grew".split())
    True
    >>> is_english("der umsatz stieg im letzten jahr".split())
    False
    """
    english = sum(map(_ENGLISH.__contains__, words))
    other = sum(map(_OTHERS.__contains__, words))
    if english != other:
        return english > other
    return sum(map(str.isascii, words)) >= 0.7 * len(words)
