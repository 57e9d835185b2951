"""How a long computation says how far it is, and how its caller stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

Progress = Callable[[float], None]
"""Called often with the share that is done, 0 to 1. Whatever it raises ends the computation."""


def unwatched(share: float) -> None:
    """Take note of nothing."""


def steps(items: Sequence[T], progress: Progress) -> Iterator[T]:
    """Return the items one by one, and say before each which share of them is done.

    Examples
    --------
    >>> said = []
    >>> list(steps("ab", said.append)), said
    (['a', 'b'], [0.0, 0.5])
    """
    for at, item in enumerate(items):
        progress(at / len(items))
        yield item
