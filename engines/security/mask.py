"""Shows where something stood without showing it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engines.security.result import Signal

AROUND = 32
"""Characters kept on each side of a find."""
_LONG_NUMBER = re.compile(r"\d(?:[ .-]?\d){4,}")
_LONG_TOKEN = re.compile(r"[A-Za-z0-9+/_=-]{20,}")


def masked_excerpt(text: str, signal: Signal, every: Sequence[Signal]) -> str:
    """Return the words around a signal; values are replaced by the name of what they are.

    Parameters
    ----------
    text : str
        The text that was scanned.
    signal : Signal
        The find to show.
    every : sequence of Signal
        All finds of the text: what stands beside must not show either.

    Returns
    -------
    str
        One line. Personal data and secrets read ``[payment_card]``; the words of an attack are
        shown, shortened, unless they hold such a value; other long numbers and tokens read ``•••``.

    Examples
    --------
    >>> from engines.security.scan import scan
    >>> text = "pay with 4111 1111 1111 1111 please"
    >>> found = scan(text).signals
    >>> masked_excerpt(text, found[0], found)
    'pay with [payment_card] please'
    """
    left, right = max(0, signal.start - AROUND), min(len(text), signal.end + AROUND)
    if signal.end - signal.start > 160:
        right = signal.start + 160
    hidden = sorted(
        (s for s in every if s.kind in ("personal_data", "secret")), key=lambda s: (s.start, -s.end)
    )
    pieces: list[str] = []
    at = left
    for value in hidden:
        if value.end <= at or value.start >= right:
            continue
        pieces.append(_calm(text[at : max(at, value.start)]))
        pieces.append(f"[{value.detector}]")
        at = max(at, value.end)
    pieces.append(_calm(text[at : max(at, right)]))
    line = " ".join("".join(pieces).split())
    return ("…" if left > 0 else "") + line + ("…" if right < len(text) else "")


def _calm(text: str) -> str:
    return _LONG_NUMBER.sub("•••", _LONG_TOKEN.sub("•••", text))
