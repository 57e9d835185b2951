"""What a health score is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engines.result import Insufficient


@dataclass(frozen=True, slots=True)
class HealthPart:
    """One part: its weight in the policy, its score from 0 to 1, and what it takes from 1.

    `weight` is normalised over the known parts; it is 0 for a part that is not known, whose
    `score` is then the reason. `loss` is ``weight * (1 - score)``.
    """

    name: str
    weight: float
    score: float | Insufficient
    loss: float


@dataclass(frozen=True, slots=True)
class Health:
    """The health of a fleet, 0 (worst) to 1, with its parts, largest loss first."""

    score: float
    band: Literal["healthy", "warning", "critical"]
    known_weight: float
    parts: tuple[HealthPart, ...]
