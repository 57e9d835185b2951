"""What every engine result has in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engines.errors import InsufficientData


@dataclass(frozen=True, slots=True)
class Insufficient:
    """Stands in place of a number that the data cannot support.

    Attributes
    ----------
    reason : str
        One sentence a user can act on.
    needed, got : int or None
        Observations needed and present, where a count is what is missing.
    status : str
        Always ``"insufficient_data"``.
    """

    reason: str
    needed: int | None = None
    got: int | None = None
    status: Literal["insufficient_data"] = field(default="insufficient_data", init=False)

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
