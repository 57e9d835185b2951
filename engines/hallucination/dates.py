"""Calendar dates in a text, with the parts it leaves open."""

from __future__ import annotations

from dataclasses import dataclass

from engines.hallucination.words import Words

_NAMES = (
    "january february march april may june july august september october november december"
).split()
MONTH: dict[str, int] = {name: index + 1 for index, name in enumerate(_NAMES)} | {
    name[:3]: index + 1 for index, name in enumerate(_NAMES) if name != "may"
}
WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())


@dataclass(frozen=True, slots=True)
class CalendarDate:
    """A date; None where the text does not say. `first` and `last` are word indices."""

    year: int | None
    month: int
    day: int | None
    first: int
    last: int


def _number(words: Words, index: int, low: int, high: int) -> int | None:
    """Return word `index` as a whole number within the range, else None."""
    if not 0 <= index < len(words.lower):
        return None
    word = words.lower[index]
    if not (word.isascii() and word.isdigit() and len(word) <= 4):
        return None
    value = int(word)
    return value if low <= value <= high else None


def read_dates(words: Words) -> list[CalendarDate]:
    """Return the dates that name a month, and ISO dates.

    Examples
    --------
    >>> from engines.hallucination.words import read_words
    >>> [(d.year, d.month, d.day) for d in read_dates(read_words("on 7 May 2019 and 2020-02-01"))]
    [(2019, 5, 7), (2020, 2, 1)]
    """
    found: list[CalendarDate] = []
    for index, word in enumerate(words.lower):
        month = MONTH.get(word)
        if month is not None and (words.raw[index][0].isupper() or len(word) > 3):
            date = _around_month(words, index, month)
            if date is not None:
                found.append(date)
        elif word[0].isdigit() and len(word) == 4:
            iso = _iso(words, index)
            if iso is not None:
                found.append(iso)
    return found


def _around_month(words: Words, index: int, month: int) -> CalendarDate | None:
    """Return the date around the month name at `index`, None when it names no day or year."""
    first = last = index
    back = index - 1
    if back > 0 and words.lower[back] in ("st", "nd", "rd", "th", "of"):
        back -= 1
    day = _number(words, back, 1, 31)
    if day is not None:
        first = back
    else:
        day = _number(words, index + 1, 1, 31)
        if day is not None:
            last = index + 1
            if last + 1 < len(words.lower) and words.lower[last + 1] in ("st", "nd", "rd", "th"):
                last += 1
    year = _number(words, last + 1, 1000, 2999)
    if year is not None:
        last += 1
    return CalendarDate(year, month, day, first, last) if day or year else None


def _iso(words: Words, index: int) -> CalendarDate | None:
    """Return the ISO date at `index`: year, month and day one character apart."""
    year = _number(words, index, 1000, 2999)
    month, day = _number(words, index + 1, 1, 12), _number(words, index + 2, 1, 31)
    if year is None or month is None or day is None:
        return None
    if words.starts[index + 2] - words.ends[index] != len(words.lower[index + 1]) + 2:
        return None
    return CalendarDate(year, month, day, index, index + 2)


def agrees(claim: CalendarDate, source: CalendarDate) -> bool:
    """Say whether no part that both dates give differs, and the month is the same."""
    return (
        claim.month == source.month
        and (claim.day is None or source.day is None or claim.day == source.day)
        and (claim.year is None or source.year is None or claim.year == source.year)
    )
