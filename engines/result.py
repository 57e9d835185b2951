"""What every engine result has in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engines.errors import InsufficientData
from engines.sentence import Sentence, Value


@dataclass(frozen=True, slots=True)
class Insufficient:
    """Stands in place of a number that the data cannot support.

    Attributes
    ----------
    reason : str
        One sentence a user can act on; a `Sentence` knows how to be translated.
    needed, got : int or None
        Observations needed and present, where a count is what is missing.
    status : str
        Always ``"insufficient_data"``.
    reason_key, reason_values : str, mapping
        The key and the values of the reason, for who reads JSON and translates.
    """

    reason: str
    needed: int | None = None
    got: int | None = None
    status: Literal["insufficient_data"] = field(default="insufficient_data", init=False)
    reason_key: str = field(default="", init=False, repr=False, compare=False)
    reason_values: Mapping[str, Value] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Copy key and values out of the reason."""
        if isinstance(self.reason, Sentence):
            object.__setattr__(self, "reason_key", self.reason.key)
            object.__setattr__(self, "reason_values", self.reason.values)

    @classmethod
    def of(cls, error: InsufficientData) -> Insufficient:
        """Return the value that reports `error`.

        Examples
        --------
        >>> Insufficient.of(InsufficientData("needs 20 rows, got 7", needed=20, got=7)).got
        7
        """
        return cls(error.reason, error.needed, error.got)


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval with its confidence level in (0, 1)."""

    low: float
    high: float
    level: float
