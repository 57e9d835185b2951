"""Takes disguises off a text: each view is readable text with the place of every character."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

MIN_ENCODED = 16
"""Shortest encoded run that is decoded: 12 bytes, about two words."""
MAX_DEPTH = 2

# Letters of other scripts that look like Latin ones: the common part of Unicode's confusables.txt
# (UTS 39), Cyrillic, Greek, Armenian and Cherokee letters that are drawn alike in most fonts.
_LOOK = dict(
    zip(
        "аАвВеЕіІјЈкКмМнНоОрРсСтТуУхХѕЅԁһԛԝӏɡαΑΒβεΕΖηΗιΙκΚΜνΝοΟρΡτΤυΥχΧγօոսցհզᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏢᏒᏚᎢᏙᏔᏃ",
        "aAbBeEiIjJkKmMhHoOpPcCtTyYxXsSdhqwlgaABbeEZnHiIkKMvNoOpPtTuYxXyonughqABCDEGHiJKLMPRSTVWZ",
        strict=True,
    )
)
_LEET = str.maketrans("013457@$!|", "oieastasil")
_INVISIBLE = frozenset("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0")
_TAG = re.compile("[\U000e0020-\U000e007e]")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]{4}(?:\r?\n)?){4,}[A-Za-z0-9+/_-]{0,4}={0,2}")
_HEX = re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ ,:]?){12,}")
_PERCENT = re.compile(r"(?:[\w.+-]{0,40}%[0-9a-fA-F]{2}){4,}[\w.+-]*")
_ESCAPES = re.compile(
    r"(?:\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|&#\d{2,7};|&#x[0-9a-fA-F]{2,6};|[ ]){6,}"
)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|&#(\d{2,7});|&#x([0-9a-fA-F]{2,6});")
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W_][ ._*\-·|]{1,3}){5,}[^\W_](?![^\W_])")
_LEETED = re.compile(
    r"(?<![^\W_])(?<![@$!|])(?=[A-Za-z]*[013457@$!|])(?=[013457@$!|]*[A-Za-z])"
    r"[A-Za-z013457@$!|]+[A-Za-z013457@$](?![^\W_])"
)
_TRIGGERS = re.compile(
    r"\b(ignore|instructions?|previous|prompt|disregard|reveal|bypass|unrestricted|restrictions|password"
    r"|rules|guidelines|system|forget|without)\b",
    re.IGNORECASE,
)
_LETTER_SIGNS = (0x1F150, 0x1F170)
"""Negative circled and squared capitals, which Unicode does not fold to letters."""
_VOCABULARY = (
    "ignore previous instructions instruction disregard forget override bypass reveal system prompt "
    "guidelines restrictions developer password"
).split()
_SHUFFLED = {(w[0], w[-1], "".join(sorted(w[1:-1]))): w for w in _VOCABULARY}
_SHORT_WORDS = re.compile(r"\b[A-Za-z]{1,4}\b")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class View:
    """A readable text; character i of it stands at ``offsets[i]`` in the original.

    Of a decoded text only the encoded `run` has a place: every span of it stands there.
    """

    text: str
    offsets: Sequence[int]
    how: str
    run: tuple[int, int] | None = None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return where a span of this view stands in the original."""
        if self.run is not None:
            return self.run
        if start >= end:
            return self.offsets[start], self.offsets[start]
        first, last = sorted((self.offsets[start], self.offsets[end - 1]))  # mirrored: from the end
        return first, last + 1


def views(text: str, *, depth: int = MAX_DEPTH) -> list[View]:
    """Return the text as it reads, then every other reading that a disguise hides.

    Parameters
    ----------
    text : str
        Any text.
    depth : int
        How often decoded text is decoded again: an encoding inside an encoding.

    Returns
    -------
    list of View
        The first is the text itself in Unicode's compatible form without invisible characters.

    Notes
    -----
    Look-alikes are read as Latin only inside words that mix scripts, or whose every letter looks
    Latin; a Russian sentence is left Russian. Digits are read as letters only inside words.
    """
    plain = _plain(text)
    found = [plain]
    for change in (
        _look_alikes,
        _spaced,
        _squashed,
        _typing_errors,
        _leet,
        _tags,
        _mirrored,
        _rot13,
    ):
        other = change(plain if change is not _tags else View(text, range(len(text)), ""))
        if other is not None:
            found.append(other)
    if depth > 0:
        found += _decoded(plain, depth)
    return found


def _plain(text: str) -> View:
    if text.isascii():
        return View(text, range(len(text)), "plain")
    letters: list[str] = []
    offsets: list[int] = []
    hidden = 0
    for i, character in enumerate(text):
        kept = _kept(character)
        hidden += not kept and not _is_joiner(text, i)
        letters.append(kept)
        offsets.extend([i] * len(kept))
    return View("".join(letters), tuple(offsets), "invisible" if hidden > 1 else "plain")


@lru_cache(maxsize=8192)
def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or character in _INVISIBLE or 0xFE00 <= ord(character) <= 0xFE0F:
        return ""
    if category == "Nd":  # Arabic, Indic and other digits: every detector counts in ASCII ones
        return str(unicodedata.decimal(character))
    for first in _LETTER_SIGNS:
        if first <= ord(character) < first + 26:
            return chr(ord("A") + ord(character) - first)
    return unicodedata.normalize("NFKC", character)


def _is_joiner(text: str, i: int) -> bool:
    """Joiners and marks that emoji and Arabic or Indic writing need are not a disguise."""
    if text[i] in "\u200e\u200f\u202a\u202b\u202c\ufe0f\ufeff\u00ad":
        return True
    near = text[max(0, i - 1) : i + 2]
    return text[i] in "\u200c\u200d" and any(ord(c) > 0x2FF and c != text[i] for c in near)


def _look_alikes(view: View) -> View | None:
    if view.text.isascii():
        return None
    letters = list(view.text)
    for match in _WORD.finditer(view.text):
        word = match.group()
        if word.isascii():
            continue
        latin = sum(c.isascii() for c in word)
        alike = sum(c in _LOOK for c in word)
        if (latin and alike) or alike == len(word):
            for i in range(match.start(), match.end()):
                letters[i] = _LOOK.get(letters[i], letters[i])
    bare = "".join(_unmarked(c) for c in letters)
    if bare == view.text or len(bare) != len(letters):
        return None
    return View(bare, view.offsets, "look_alikes")


@lru_cache(maxsize=8192)
def _unmarked(character: str) -> str:
    """Return a Latin letter without its accents; marks standing alone stay."""
    if character.isascii() or not unicodedata.name(character, "").startswith("LATIN"):
        return character
    return unicodedata.normalize("NFD", character)[0]


def _spaced(view: View) -> View | None:
    """Join letters that are written apart: ``i g n o r e``; two spaces or more end a word."""
    found = list(_SPACED.finditer(view.text))
    if not found:
        return None
    letters: list[str] = []
    offsets: list[int] = []
    for match in found:
        at = match.start()
        run = match.group()
        has_dots = re.search(r"[._*\-·|]", run) is not None
        has_wide = re.search(r"[^\W_] {2,3}[^\W_]", run) is not None
        for i, c in enumerate(run):
            wide = c == " " and (has_dots or (has_wide and run[i - 1] == " "))
            if c.isalnum() or wide:
                letters.append(c)
                offsets.append(view.offsets[at + i])
        letters.append(" ")
        offsets.append(view.offsets[match.end() - 1])
    return View("".join(letters), tuple(offsets), "spaced")


def _squashed(view: View) -> View | None:
    """Join every letter of a short text whose words look cut apart; two words in three are short."""
    text = view.text
    if len(text) > 600 or len(_SHORT_WORDS.findall(text)) < 5:
        return None
    words = _WORD.findall(text)
    if 3 * sum(len(w) <= 4 for w in words) < 2 * len(words):
        return None
    at = [i for i, c in enumerate(text) if c.isalpha()]
    return View("".join(text[i] for i in at), [view.offsets[i] for i in at], "spaced")


def _typing_errors(view: View) -> View | None:
    """Read words whose inner letters are shuffled as the words of attacks they are made of."""
    letters = list(view.text)
    changed = 0
    for match in _WORD.finditer(view.text):
        word = match.group().lower()
        if len(word) >= 5 and word.isascii():
            meant = _SHUFFLED.get((word[0], word[-1], "".join(sorted(word[1:-1]))))
            if meant is not None and meant != word:
                letters[match.start() : match.end()] = meant
                changed += 1
    return View("".join(letters), view.offsets, "shuffled") if changed >= 2 else None


def _leet(view: View) -> View | None:
    if len(_LEETED.findall(view.text)) < 2:
        return None
    text = _LEETED.sub(lambda m: m.group().translate(_LEET), view.text)
    return View(text, view.offsets, "leet") if text != view.text else None


def _tags(view: View) -> View | None:
    """Read characters of the Unicode tag block, which no screen shows, as the ASCII they carry."""
    at = [match.start() for match in _TAG.finditer(view.text)]
    if len(at) < 4:
        return None
    return View("".join(chr(ord(view.text[i]) - 0xE0000) for i in at), tuple(at), "invisible")


def _mirrored(view: View) -> View | None:
    text = view.text[::-1]
    return View(text, view.offsets[::-1], "reversed") if _reads_worse(text, view.text) else None


def _rot13(view: View) -> View | None:
    text = codecs.encode(view.text, "rot13")
    return View(text, view.offsets, "rot13") if _reads_worse(text, view.text) else None


def _reads_worse(text: str, original: str) -> bool:
    hits = len(set(m.lower() for m in _TRIGGERS.findall(text)))
    return hits >= 2 and hits > len(set(m.lower() for m in _TRIGGERS.findall(original)))


def _decoded(view: View, depth: int) -> Iterator[View]:
    for pattern, decode, how in _CODECS:
        for match in pattern.finditer(view.text):
            if len(match.group()) < MIN_ENCODED:
                continue
            text = decode(match.group())
            if text and text != match.group() and _is_readable(text):
                yield from _inner(view, match, text, how, depth)


def _inner(view: View, match: re.Match[str], text: str, how: str, depth: int) -> Iterator[View]:
    run = view.place(match.start(), match.end())
    for inner in views(text, depth=depth - 1):
        yield View(inner.text, (), how, run)


def _is_readable(text: str) -> bool:
    sample = text[:2_000]
    good = sum(c.isprintable() or c in "\r\n\t" for c in sample)
    words = sum(c.isalpha() or c == " " for c in sample)
    return good == len(sample) >= 8 and words >= 0.6 * len(sample)


def _from_base64(run: str) -> str | None:
    packed = re.sub(r"\s", "", run).rstrip("=").replace("-", "+").replace("_", "/")
    for cut in range(4):  # prose before the run may have been taken for its first letters
        part = packed[: len(packed) - cut] if cut else packed
        try:
            return base64.b64decode(part + "=" * (-len(part) % 4), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
    return None


def _from_hex(run: str) -> str | None:
    packed = re.sub(r"0x|\\x|[ ,:]", "", run)
    try:
        return bytes.fromhex(packed).decode("utf-8")
    except (ValueError, UnicodeDecodeError):
        return None


def _from_percent(run: str) -> str | None:
    from urllib.parse import unquote_plus

    try:
        return unquote_plus(run, errors="strict")
    except UnicodeDecodeError:
        return None


def _from_escapes(run: str) -> str | None:
    def character(match: re.Match[str]) -> str:
        u, x, decimal, hexadecimal = match.groups()
        code = int(decimal) if decimal else int(u or x or hexadecimal, 16)
        return chr(code) if code <= 0x10FFFF else "\0"

    return _ESCAPE.sub(character, run)


_CODECS: tuple[tuple[re.Pattern[str], Callable[[str], str | None], str], ...] = (
    (_BASE64, _from_base64, "base64"),
    (_HEX, _from_hex, "hex"),
    (_PERCENT, _from_percent, "percent"),
    (_ESCAPES, _from_escapes, "escapes"),
)
