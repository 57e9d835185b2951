"""One risk score from counts: how far each rate is beyond what a tenant tolerates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from engines.errors import EngineError
from engines.reliability.proportion import wilson
from engines.result import Insufficient, Interval
from engines.security.result import Risk, RiskAnswer, RiskPart, Severity
from engines.sentence import say

LEVEL = 0.9
MIN_EXPOSURES = 30
"""Fewer exposures than this in every part give no score."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the policy: the share that is tolerated, and the most it can weigh."""

    name: str
    tolerated: float
    weight: float


PARTS: tuple[Part, ...] = (
    Part("secrets_out", 0.0005, 0.95),
    Part("personal_data_out", 0.002, 0.8),
    Part("injection_allowed", 0.005, 0.7),
    Part("jailbreak_allowed", 0.005, 0.6),
    Part("personal_data_in", 0.05, 0.3),
    Part("denied_access", 0.05, 0.5),
)
"""Judgement, and a policy's to change: one secret in 2,000 answers is as bad as one leak of
personal data in 500, and as one attack in 200 prompts that nothing stopped."""


@dataclass(frozen=True, slots=True)
class Count:
    """Events among exposures."""

    events: int
    exposures: int


def assess_risk(
    counts: Mapping[str, Count], *, parts: tuple[Part, ...] = PARTS, level: float = LEVEL
) -> RiskAnswer:
    """Return the risk of a window with its parts.

    Parameters
    ----------
    counts : mapping of str to Count
        Events and exposures by part name; parts that are absent count as not measured.
    parts : tuple of Part
        The policy.
    level : float
        Confidence level of the Wilson intervals.

    Returns
    -------
    Risk or Insufficient
        Score in 0 to 1, higher is worse.

    Raises
    ------
    EngineError
        When a count belongs to no part.

    Notes
    -----
    A part's score is ``1 - exp(-rate / tolerated)``: 0 without events, 0.63 at the tolerated rate.
    The whole is ``1 - prod(1 - weight * score)``, so a second fault adds to the first and none is
    averaged away. Shares are the parts' ``-log(1 - weight * score)``, which add up exactly. The
    interval carries each Wilson bound through, and is wide: all bounds at once is a worst case.
    A score from zero events is 0 with an upper end that falls with the number of exposures.

    Examples
    --------
    >>> risk = assess_risk({"secrets_out": Count(0, 1000), "injection_allowed": Count(5, 1000)})
    >>> round(risk.score, 3), risk.parts[0].name
    (0.442, 'injection_allowed')

    References
    ----------
    Wilson (1927), JASA 22; Pearl (1988), Probabilistic reasoning in intelligent systems, 4.3.
    """
    unknown = set(counts) - {part.name for part in parts}
    if unknown:
        raise EngineError(f"no part of the policy is called {sorted(unknown)[0]!r}")
    measured = {name: c for name, c in counts.items() if c.exposures > 0}
    largest = max((c.exposures for c in measured.values()), default=0)
    if largest < MIN_EXPOSURES:
        return Insufficient(
            say(
                "reasons.risk_needs_texts",
                "a risk score needs {needed, number} scanned texts, got {got, number}",
                needed=MIN_EXPOSURES,
                got=largest,
            ),
            MIN_EXPOSURES,
            largest,
        )
    made = [_part(part, measured[part.name], level) for part in parts if part.name in measured]
    score = _together([(p.weight, p.score) for p in made])
    low, high = (_together([(p.weight, getattr(p, end)) for p in made]) for end in ("low", "high"))
    total = sum(_loss(p.weight, p.score) for p in made)
    shared = [
        RiskPart(
            p.name, p.events, p.exposures, p.rate, p.score, p.low, p.high, p.weight,
            _loss(p.weight, p.score) / total if total > 0 else 0.0,
        )
        for p in made
    ]  # fmt: skip
    return Risk(
        score=score,
        interval=Interval(low, high, level),
        level=risk_level(score),
        parts=tuple(sorted(shared, key=lambda p: (-p.share, p.name))),
        missing=tuple(part.name for part in parts if part.name not in measured),
    )


def risk_level(score: float) -> Severity:
    """Return the band of a score: 0.25, 0.5 and 0.75 are the borders."""
    bands: tuple[tuple[float, Severity], ...] = ((0.25, "low"), (0.5, "medium"), (0.75, "high"))
    return next((name for border, name in bands if score < border), "critical")


def _part(part: Part, count: Count, level: float) -> RiskPart:
    rate = wilson(count.events, count.exposures, level)
    share = count.events / count.exposures

    def scored(value: float) -> float:
        return 1.0 - math.exp(-value / part.tolerated)

    return RiskPart(
        part.name, count.events, count.exposures, rate, scored(share), scored(rate.low),
        scored(rate.high), part.weight, 0.0,
    )  # fmt: skip


def _together(pairs: list[tuple[float, float]]) -> float:
    miss = 1.0
    for weight, score in pairs:
        miss *= 1.0 - weight * score
    return 1.0 - miss


def _loss(weight: float, score: float) -> float:
    return abs(math.log(1.0 - weight * score))
