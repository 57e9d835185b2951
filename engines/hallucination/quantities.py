"""Numbers with their scale and unit, as the output or the context wrote them."""

from __future__ import annotations

from dataclasses import dataclass

from engines.hallucination.words import Words

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
).split()
SMALL: dict[str, int] = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * (index + 2) for index, word in enumerate(_TENS)
}
ORDINAL: dict[str, int] = {w: v for v, w in enumerate(_ORDINALS) if v}
SCALE: dict[str, float] = {
    "hundred": 1e2,
    "thousand": 1e3,
    "k": 1e3,
    "million": 1e6,
    "millions": 1e6,
    "mn": 1e6,
    "m": 1e6,
    "billion": 1e9,
    "billions": 1e9,
    "bn": 1e9,
    "b": 1e9,
    "trillion": 1e12,
    "tn": 1e12,
    "dozen": 12.0,
}
_CURRENCY = {"$": "usd", "€": "eur", "£": "gbp", "¥": "jpy", "₹": "inr"}
UNIT: dict[str, str] = {
    "percent": "%",
    "percentage": "%",
    "pct": "%",
    "dollar": "usd",
    "dollars": "usd",
    "usd": "usd",
    "euro": "eur",
    "euros": "eur",
    "eur": "eur",
    "pound": "gbp",
    "pounds": "gbp",
    "second": "s",
    "seconds": "s",
    "minute": "min",
    "minutes": "min",
    "hour": "h",
    "hours": "h",
    "day": "day",
    "days": "day",
    "week": "week",
    "weeks": "week",
    "month": "month",
    "months": "month",
    "year": "year",
    "years": "year",
    "km": "km",
    "kilometre": "km",
    "kilometres": "km",
    "kilometer": "km",
    "kilometers": "km",
    "mile": "mile",
    "miles": "mile",
    "metre": "m",
    "metres": "m",
    "meter": "m",
    "meters": "m",
    "feet": "ft",
    "foot": "ft",
    "kg": "kg",
    "kilogram": "kg",
    "kilograms": "kg",
    "ms": "ms",
    "milliseconds": "ms",
    "gb": "gb",
    "mb": "mb",
    "tb": "tb",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a text.

    Attributes
    ----------
    value : float
        With its scale applied: "1.65 billion" is 1.65e9.
    unit : str
        "%", a currency code, a unit, "ordinal", or "" when none is written.
    step : float
        One unit of the last digit written: 0.01e9 for "1.65 billion".
    first, last : int
        Indices of the first and last word it covers.
    """

    value: float
    unit: str
    step: float
    first: int
    last: int


def parse_digits(word: str) -> tuple[float, float] | None:
    """Return the value and last-digit step of "1,650" or "2.7", None for clocks and versions.

    Examples
    --------
    >>> parse_digits("1,650"), parse_digits("2.7"), parse_digits("10:30")
    ((1650.0, 1.0), (2.7, 0.1), None)
    """
    if len(word) > 24 or ":" in word:
        return None
    whole, point, fraction = word.replace(",", "").partition(".")
    if "," in word and any(len(group) != 3 for group in word.partition(".")[0].split(",")[1:]):
        if word.count(",") != 1 or point:
            return None
        whole, fraction = word.split(",")  # decimal comma: 2,7
    if "." in fraction or not whole.isascii() or not fraction.isascii():
        return None
    return float(f"{whole}.{fraction or 0}"), 10.0 ** -len(fraction)


def _spelled(words: Words, index: int) -> tuple[float, int] | None:
    """Return the value of number words from `index` and the index of the last one."""
    word = words.lower[index]
    if word not in SMALL:
        return None
    value = SMALL[word]
    following = words.lower[index + 1] if index + 1 < len(words.lower) else ""
    if value >= 20 and 0 < SMALL.get(following, 0) < 10:
        return float(value + SMALL[following]), index + 1
    return float(value), index


def _unit_after(text: str, words: Words, last: int) -> tuple[str, int]:
    """Return the unit written after word `last` and the last word it covers."""
    if text[words.ends[last] : words.ends[last] + 2].strip().startswith("%"):
        return "%", last
    if last + 1 < len(words.lower) and words.starts[last + 1] - words.ends[last] <= 1:
        unit = UNIT.get(words.lower[last + 1], "")
        return unit, last + 1 if unit else last
    return "", last


def read_quantities(text: str, words: Words) -> list[Quantity]:
    """Return the numbers of a text: digits, number words, scales, units, currencies, ordinals.

    Parameters
    ----------
    text : str
        The text that `words` was read from.
    words : Words
        Its words.

    Returns
    -------
    list of Quantity
        In order. The word "one" alone is left out: it is more often a pronoun.

    Examples
    --------
    >>> from engines.hallucination.words import read_words
    >>> text = "$1.65 billion, up 2.7%, in twenty-five days, the 2nd time"
    >>> [(q.value, q.unit) for q in read_quantities(text, read_words(text))]
    [(1650000000.0, 'usd'), (2.7, '%'), (25.0, 'day'), (2.0, 'ordinal')]
    """
    found: list[Quantity] = []
    index, n = 0, len(words.lower)
    while index < n:
        word = words.lower[index]
        if word[0].isdigit() or word in SMALL:
            quantity = _read_one(text, words, index)
            if quantity is not None:
                found.append(quantity)
                index = quantity.last
        elif word in ORDINAL:
            found.append(Quantity(float(ORDINAL[word]), "ordinal", 1.0, index, index))
        index += 1
    return found


def _read_one(text: str, words: Words, index: int) -> Quantity | None:
    """Return the quantity that starts at word `index`."""
    last, step = index, 1.0
    spelled = _spelled(words, index)
    if spelled is not None:
        value, last = spelled
    else:
        parsed = parse_digits(words.lower[index])
        if parsed is None:
            return None
        value, step = parsed
        # "21st" is one number and one word: digits, then a letter run that touches them.
        suffix = words.lower[index + 1] if _touches(words, index) else ""
        if suffix in ("st", "nd", "rd", "th"):
            return Quantity(value, "ordinal", 1.0, index, index + 1)
        if suffix == "s":
            return Quantity(value, "", 1.0, index, index + 1)
    if last + 1 < len(words.lower) and words.lower[last + 1] in SCALE and _near(words, last):
        scale = SCALE[words.lower[last + 1]]
        value, step, last = value * scale, step * scale, last + 1
    unit, last = _unit_after(text, words, last)
    before = text[words.starts[index] - 1 : words.starts[index]] if words.starts[index] else ""
    unit = _CURRENCY.get(before, unit)
    if value == 1.0 and spelled is not None and not unit:
        return None
    return Quantity(value, unit, step, index, last)


def _touches(words: Words, index: int) -> bool:
    """Say whether the next word follows without a gap."""
    return index + 1 < len(words.lower) and words.starts[index + 1] == words.ends[index]


def _near(words: Words, index: int) -> bool:
    """Say whether the next word follows after at most one character.

    A single letter (k, m, b) must touch the digits: "5 m" is five metres.
    """
    gap = words.starts[index + 1] - words.ends[index]
    return gap == 0 or (gap == 1 and len(words.lower[index + 1]) > 1)


def matches(claim: Quantity, source: Quantity) -> bool:
    """Say whether `source` has the value of `claim`, allowing the rounding `claim` shows.

    Notes
    -----
    Values agree when they differ by no more than half a unit of the last digit that the claim
    writes ("1.7 million" for 1,650,000), and no more than 5 % of the value; whole numbers below
    a thousand, years included, must be equal.
    """
    gap = abs(claim.value - source.value)
    if gap <= 1e-9 * max(1.0, abs(claim.value)):
        return True
    if claim.step == 1.0 and abs(claim.value) < 10_000:
        return claim.step > source.step and gap <= 0.5 and abs(claim.value) >= 10
    return gap <= 0.5 * claim.step * (1 + 1e-9) and gap <= 0.05 * abs(source.value)
