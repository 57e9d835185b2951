"""What a scan finds: signals with their place, never with the value that was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engines.result import Insufficient, Interval

Kind = Literal["prompt_injection", "jailbreak", "personal_data", "secret"]
Severity = Literal["low", "medium", "high", "critical"]
KINDS: tuple[Kind, ...] = ("prompt_injection", "jailbreak", "personal_data", "secret")
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing found in a text.

    Attributes
    ----------
    kind : str
        Prompt injection, jailbreak, personal data or secret.
    detector : str
        Which detector found it: ``override``, ``payment_card``, ``github_token`` and so on.
    severity : str
        ``low`` to ``critical``.
    start, end : int
        Half-open place in the text, in characters.
    confidence : float
        In (0, 1]; 1 only where a check digit or an exact format leaves no doubt.
    how : str
        ``plain``, or the disguise that was taken off first: ``look_alikes``, ``invisible``,
        ``spaced``, ``leet``, ``base64``, ``hex``, ``percent``, ``escapes``, ``rot13``,
        ``shuffled`` or ``reversed``.
    """

    kind: Kind
    detector: str
    severity: Severity
    start: int
    end: int
    confidence: float
    how: str = "plain"


@dataclass(frozen=True, slots=True)
class Scan:
    """Signals of one text in order of place; `is_truncated` when the tail was not read."""

    signals: tuple[Signal, ...]
    n_characters: int
    is_truncated: bool

    def of(self, kind: Kind) -> tuple[Signal, ...]:
        """Return the signals of one kind."""
        return tuple(signal for signal in self.signals if signal.kind == kind)


@dataclass(frozen=True, slots=True)
class RiskPart:
    """One part of the risk score.

    Attributes
    ----------
    name : str
        Key of the part.
    events, exposures : int
        What was counted, and out of how many.
    rate : Interval or None
        Wilson interval of the share; None without exposures.
    score : float
        0 (nothing) to 1; higher is worse. `low` and `high` carry the interval through.
    weight : float
        Largest risk that this part alone can cause.
    share : float
        Share of the total risk that this part explains; all parts add up to 1 when there is risk.
    """

    name: str
    events: int
    exposures: int
    rate: Interval | None
    score: float
    low: float
    high: float
    weight: float
    share: float


@dataclass(frozen=True, slots=True)
class Risk:
    """Risk from 0 to 1 (higher is worse), its interval, its level and its parts."""

    score: float
    interval: Interval
    level: Severity
    parts: tuple[RiskPart, ...]
    missing: tuple[str, ...]


RiskAnswer = Risk | Insufficient


@dataclass(frozen=True, slots=True)
class UnusualHour:
    """An hour in which one key was used more than its own history explains."""

    key: str
    hour: int
    count: int
    expected: float
    p_value: float
    ratio: float
