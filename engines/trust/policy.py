"""Weights, limits and gates of the trust score, frozen and versioned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from engines.errors import EngineError
from engines.result import Interval
from engines.trust.maps import HEALTHY, WARNING, Anchors


@dataclass(frozen=True, slots=True)
class PartPolicy:
    """How one part counts.

    Attributes
    ----------
    name : str
        Name of the part.
    weight : float
        Above zero; weights are normalised to sum to 1.
    floor : float or None
        A critical part's limit, 0 to 1: when the part scores below it, the trust score cannot
        exceed the part's own score; over the next 0.1 the cap rises to 1, so that trust does not
        jump when a score wavers at its floor. None for a part that is not critical.
    anchors : Anchors or None
        Replaces the map's anchors for this part.
    """

    name: str
    weight: float
    floor: float | None = None
    anchors: Anchors | None = None

    def __post_init__(self) -> None:
        if not 0 < self.weight < math.inf:
            raise EngineError(f"weight of {self.name!r} must be above 0, got {self.weight}")
        if self.floor is not None and not 0 <= self.floor <= 1:
            raise EngineError(f"floor of {self.name!r} must be in 0..1, got {self.floor}")


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """What a trust score of one kind of model is made of.

    Attributes
    ----------
    name, version : str
        Identity; a result carries both, so change the version with every change.
    parts : tuple of PartPolicy
        The expected parts. One that brings no data counts as missing, not as absent.
    healthy, warning : float
        Band limits on the lower bound.
    prior_shape : float
        A missing part is taken as Beta(`prior_shape`, 1): quantile q at ``q ** (1 / shape)``.
        The default 3 gives median 0.79, just under healthy, and 5 % quantile 0.37.
    correlation : float
        Assumed correlation between the estimation errors of the parts, 0 to 1.
    min_known_weight : float
        Share of the weight that must be measured for a score to be given at all.

    Notes
    -----
    The weights and floors of the default policies are judgement, not estimates: they say what
    each kind of model is for. A tenant replaces them with `with_weights` or `policy_from_dict`.
    """

    name: str
    version: str
    parts: tuple[PartPolicy, ...]
    healthy: float = HEALTHY
    warning: float = WARNING
    prior_shape: float = 3.0
    correlation: float = 0.0
    min_known_weight: float = 0.5

    def __post_init__(self) -> None:
        if not self.parts or len({part.name for part in self.parts}) != len(self.parts):
            raise EngineError(f"policy {self.name!r} needs at least one part, each named once")
        if not 0 < self.warning < self.healthy < 1:
            raise EngineError(
                f"bands need 0 < warning < healthy < 1, got {self.warning} and {self.healthy}"
            )
        if not (self.prior_shape > 0 and 0 <= self.correlation <= 1):
            raise EngineError("prior_shape must be above 0 and correlation in 0..1")
        if not 0 < self.min_known_weight <= 1:
            raise EngineError(f"min_known_weight must be in (0, 1], got {self.min_known_weight}")

    def part(self, name: str) -> PartPolicy | None:
        """Return the rule of one part, None when the policy does not know it."""
        return next((part for part in self.parts if part.name == name), None)

    def weights(self) -> dict[str, float]:
        """Return the normalised weights by part."""
        total = math.fsum(part.weight for part in self.parts)
        return {part.name: part.weight / total for part in self.parts}

    def prior(self, level: float) -> tuple[float, Interval]:
        """Return the median and interval that stand in for a missing part.

        Examples
        --------
        >>> median, interval = POLICIES["classification"].prior(0.9)
        >>> round(median, 3), round(interval.low, 3), round(interval.high, 3)
        (0.794, 0.368, 0.983)
        """
        tail = (1.0 - level) / 2.0
        power = 1.0 / self.prior_shape
        return 0.5**power, Interval(tail**power, (1.0 - tail) ** power, level)

    def with_weights(self, weights: Mapping[str, float], *, version: str) -> TrustPolicy:
        """Return this policy with other weights; a new name enters as a part that is not critical.

        Raises
        ------
        EngineError
            When a weight is not above zero or the version did not change.

        Examples
        --------
        >>> POLICIES["llm"].with_weights({"drift": 2, "errors": 2}, version="acme-1").weights()
        {'drift': 0.5, 'errors': 0.5}
        """
        if version == self.version:
            raise EngineError(f"other weights need another version than {version!r}")
        parts = tuple(
            replace(self.part(name) or PartPolicy(name, 1.0), weight=weight)
            for name, weight in weights.items()
        )
        return replace(self, parts=parts, version=version)


def policy_to_dict(policy: TrustPolicy) -> dict[str, Any]:  # Any: a JSON document
    """Return the policy as a JSON document; `policy_from_dict` reads it back."""
    parts = [
        {
            "name": part.name,
            "weight": part.weight,
            "floor": part.floor,
            "anchors": part.anchors and [part.anchors.healthy, part.anchors.warning],
        }
        for part in policy.parts
    ]
    return {name: getattr(policy, name) for name in _PLAIN} | {"parts": parts}


_PLAIN = (
    "name",
    "version",
    "healthy",
    "warning",
    "prior_shape",
    "correlation",
    "min_known_weight",
)


def policy_from_dict(document: Mapping[str, Any]) -> TrustPolicy:  # Any: a JSON document
    """Return the policy written by `policy_to_dict`.

    Raises
    ------
    EngineError
        When a field is missing, unknown or out of range.

    Examples
    --------
    >>> policy_from_dict(policy_to_dict(POLICIES["rag"])) == POLICIES["rag"]
    True
    """
    unknown = set(document) - {*_PLAIN, "parts"}
    if unknown:
        raise EngineError(f"unknown policy fields: {', '.join(sorted(unknown))}")
    try:
        parts = tuple(
            PartPolicy(
                str(entry["name"]),
                float(entry["weight"]),
                None if entry.get("floor") is None else float(entry["floor"]),
                Anchors(*map(float, entry["anchors"])) if entry.get("anchors") else None,
            )
            for entry in document["parts"]
        )
        plain = {name: document[name] for name in _PLAIN if name in document}
        return TrustPolicy(parts=parts, **plain)
    except (KeyError, TypeError, AttributeError) as error:
        raise EngineError(f"policy document is not complete: {error}") from error


_VERSION = "1"

POLICIES = MappingProxyType(
    {
        "classification": TrustPolicy(
            "classification",
            _VERSION,
            (
                PartPolicy("reliability", 0.30, floor=0.4),
                PartPolicy("drift", 0.20),
                PartPolicy("degradation", 0.20),
                PartPolicy("errors", 0.20, floor=0.6),
                PartPolicy("latency", 0.10),
            ),
        ),
        "regression": TrustPolicy(
            "regression",
            _VERSION,
            (
                PartPolicy("reliability", 0.25, floor=0.4),
                PartPolicy("drift", 0.25),
                PartPolicy("degradation", 0.20),
                PartPolicy("errors", 0.20, floor=0.6),
                PartPolicy("latency", 0.10),
            ),
        ),
        "llm": TrustPolicy(
            "llm",
            _VERSION,
            (
                PartPolicy("hallucination", 0.30, floor=0.6),
                PartPolicy("errors", 0.20, floor=0.6),
                PartPolicy("degradation", 0.15),
                PartPolicy("reliability", 0.15),
                PartPolicy("drift", 0.10),
                PartPolicy("latency", 0.10),
            ),
        ),
        "rag": TrustPolicy(
            "rag",
            _VERSION,
            (
                PartPolicy("hallucination", 0.40, floor=0.6),
                PartPolicy("errors", 0.20, floor=0.6),
                PartPolicy("degradation", 0.15),
                PartPolicy("drift", 0.15),
                PartPolicy("latency", 0.10),
            ),
        ),
    }
)
