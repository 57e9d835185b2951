"""Sentences that know what they say: English to read, a key and values to translate."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Value = str | int | float | tuple[str, ...]
"""What a sentence may hold: a name, a number, another sentence, or a list of names or sentences."""

_SLOT = re.compile(r"\{(\w+)(?:, (number|percent|plural, one \{([^{}]*)\} other \{([^{}]*)\}))?\}")


class Sentence(str):
    """An English text with the key and the values that say it in any language.

    It is a `str` in every respect, so that notebooks, logs and JSON read English; a page looks up
    `key` in its reader's catalogue instead. Any string operation returns a plain `str`.

    Attributes
    ----------
    key : str
        Name of the sentence, ``"<catalogue>.<name>"``; empty for a text that is data.
    values : mapping of str to str, int, float or tuple of str
        What fills the placeholders; a text among them may be a `Sentence` itself.

    See Also
    --------
    say : makes one.
    """

    key: str
    values: Mapping[str, Value]

    def __new__(
        cls, text: str, key: str = "", values: Mapping[str, Value] | None = None
    ) -> Sentence:
        """Return `text` with its key and values."""
        made = super().__new__(cls, text)
        made.key, made.values = key, dict(values or {})
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:  # what `copy` and `pickle` call `__new__` with
        return str(self), self.key, self.values


def say(key: str, english: str, /, **values: Value) -> Sentence:
    """Return an English sentence that can be translated.

    Parameters
    ----------
    key : str
        ``"<catalogue>.<name>"``; a test proves that the catalogue has it in every language and that
        its English is `english`.
    english : str
        Text with placeholders: ``{name}`` as it is, ``{name, number}`` with three significant
        digits and grouping, ``{name, percent}`` for a share, and
        ``{name, plural, one {# row} other {# rows}}`` for a count.
    **values : str, int, float or tuple of str
        One per placeholder.

    Returns
    -------
    Sentence
        Reads as English.

    Raises
    ------
    KeyError
        When a placeholder has no value.

    Examples
    --------
    >>> say("reasons.rows", "psi needs {needed, number} rows, got {got, number}", needed=20, got=7)
    'psi needs 20 rows, got 7'
    """

    def written(slot: re.Match[str]) -> str:
        value, kind = values[slot[1]], slot[2]
        if slot[3] is None:
            return _write(value, kind)
        return slot[3 if value == 1 else 4].replace("#", _write(value, "number"))

    return Sentence(_SLOT.sub(written, english), key, values)


def _write(value: Value, kind: str | None) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, str) or (kind is None and isinstance(value, int)):
        return str(value)
    if not math.isfinite(value):
        return "–"
    exact = Decimal(str(value)) * (100 if kind == "percent" else 1)
    if kind == "percent":
        return f"{_digits(exact, 1)}%"
    if value == 0 or float(value).is_integer():
        return _digits(exact, 0)
    return _digits(exact, min(8, max(0, 2 - math.floor(math.log10(abs(value))))))


def _digits(value: Decimal, places: int) -> str:
    text = f"{value:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if places else text
    return "0" if text == "-0" else text.replace("-", "−")  # a hyphen is no minus sign
