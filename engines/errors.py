"""The engines' error tree.

::

    EngineError(ValueError)        the input cannot be used as given
    └── InsufficientData           the input is valid but too thin for an honest number
"""

from __future__ import annotations

from engines.sentence import Sentence


class EngineError(ValueError):
    """An input that the engine cannot use; the message carries the number that was wrong."""


class InsufficientData(EngineError):
    """Too little data for an honest number.

    Parameters
    ----------
    reason : Sentence
        One sentence a user can act on, e.g. ``"psi needs at least 20 reference rows, got 7"``.
    needed : int, optional
        How many observations would be enough.
    got : int, optional
        How many there were.
    """

    def __init__(
        self, reason: Sentence, *, needed: int | None = None, got: int | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.needed = needed
        self.got = got
