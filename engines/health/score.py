"""The weighted health score of a fleet, and two maps from counts to a part."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from engines.errors import EngineError, InsufficientData
from engines.health.result import Health, HealthPart
from engines.result import Insufficient
from engines.sentence import say

HEALTHY, WARNING = 0.8, 0.6
"""Bands of the trust score, so that one colour means one thing on every page."""

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"trust": 0.35, "models": 0.25, "incidents": 0.20, "services": 0.10, "errors": 0.10}
)
"""Judgement, not an estimate: what a leader should worry about first."""


def score(
    parts: Mapping[str, float | Insufficient],
    *,
    weights: Mapping[str, float] = WEIGHTS,
    min_known_weight: float = 0.5,
) -> Health:
    """Return the weighted mean of the known parts.

    Parameters
    ----------
    parts : mapping of str to float or Insufficient
        Score of each part, 0 (worst) to 1; a reason where it is not known.
    weights : mapping of str to float
        Above zero; normalised over the parts that are known.
    min_known_weight : float
        Share of the weight that must be known for a score to be given, in (0, 1].

    Returns
    -------
    Health
        `score` from 0 to 1; parts in order of what they take from 1.

    Raises
    ------
    EngineError
        When a part has no weight or is outside 0..1.
    InsufficientData
        When less than `min_known_weight` of the weight is known.

    Notes
    -----
    score = sum(w_i s_i) / sum(w_i) over the known parts i. A mean can hide one very bad part
    behind good ones: show the parts, and never use the score as an alert.

    Examples
    --------
    >>> found = score({"trust": 0.8, "models": 0.5, "incidents": 1.0})
    >>> round(found.score, 4), found.band, found.parts[0].name
    (0.7562, 'warning', 'models')

    References
    ----------
    OECD and JRC, 2008, Handbook on Constructing Composite Indicators: weights are value
    judgements and have to be shown with the number.
    """
    unknown_names = set(parts) - set(weights)
    if unknown_names:
        raise EngineError(f"no weight for {', '.join(sorted(unknown_names))}")
    known = {name: s for name, s in parts.items() if not isinstance(s, Insufficient)}
    wrong = [name for name, s in known.items() if not 0 <= s <= 1]
    if wrong:
        raise EngineError(f"{wrong[0]} must be in 0..1, got {known[wrong[0]]}")
    total = math.fsum(weights.values())
    weight = math.fsum(weights[name] for name in known)
    if weight / total < min_known_weight:
        raise InsufficientData(
            say(
                "reasons.health_needs_weight",
                "a health score needs {needed, percent} of its weight, {known, percent} is known",
                needed=min_known_weight,
                known=weight / total,
            )
        )
    rows = []
    for name, value in parts.items():
        if isinstance(value, Insufficient):
            rows.append(HealthPart(name, 0.0, value, 0.0))
        else:
            share = weights[name] / weight
            rows.append(HealthPart(name, share, value, share * (1 - value)))
    result = math.fsum(weights[name] * value for name, value in known.items()) / weight
    band = "healthy" if result >= HEALTHY else "warning" if result >= WARNING else "critical"
    rows.sort(key=lambda part: (-part.loss, part.name))
    return Health(result, band, weight / total, tuple(rows))  # type: ignore[arg-type]


def share_untouched(subjects: int, critical: int, warning: int) -> float:
    """Return the share of subjects without an open incident; a warning counts half.

    Parameters
    ----------
    subjects : int
        Models and services that could be touched, at least 1.
    critical, warning : int
        Subjects whose worst open incident is critical, or a warning.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    InsufficientData
        When there is no subject.

    Examples
    --------
    >>> share_untouched(10, 1, 2)
    0.8
    """
    if subjects < 1:
        raise InsufficientData(
            say("reasons.nothing_seen", "no model or service was seen"), needed=1, got=0
        )
    return max(0.0, 1 - (critical + 0.5 * warning) / subjects)


def share_from_errors(error_rate: float, *, worst: float = 0.05) -> float:
    """Return 1 without failed requests, falling to 0 at `worst`.

    Parameters
    ----------
    error_rate : float
        Share of failed requests, 0 to 1.
    worst : float
        Share at which nothing is left; the default is where a service counts as critical.

    Returns
    -------
    float
        0 to 1.

    Examples
    --------
    >>> share_from_errors(0.01)
    0.8
    """
    return max(0.0, 1 - error_rate / worst)
