"""The explanation of a trust score: codes for translators, one sentence in English."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from engines.result import Interval
from engines.sentence import say
from engines.trust.result import Band, Code, Contribution

ENGLISH = MappingProxyType(
    {
        "trust.band.healthy": (
            "Trust is {trust:.2f}, healthy: best estimate {point:.2f}, "
            "{level:.0%} interval {low:.2f} to {high:.2f}."
        ),
        "trust.band.warning": (
            "Trust is {trust:.2f}, a warning: best estimate {point:.2f}, "
            "{level:.0%} interval {low:.2f} to {high:.2f}."
        ),
        "trust.band.critical": (
            "Trust is {trust:.2f}, critical: best estimate {point:.2f}, "
            "{level:.0%} interval {low:.2f} to {high:.2f}."
        ),
        "trust.capped": (
            "{part} is critical, scores {score:.2f} against a floor of {floor:.2f}, "
            "and caps the whole."
        ),
        "trust.capped_missing": (
            "{part} is critical and was not measured, so trust cannot exceed {score:.2f}."
        ),
        "trust.loss": "{part} costs {points:.1f} points with a score of {score:.2f}.",
        "trust.loss_measured": (
            "{part} costs {points:.1f} points with a score of {score:.2f} ({measure} {value:.4g})."
        ),
        "trust.no_loss": "No part costs anything.",
        "trust.uncertain": "Uncertainty about {part} takes {points:.1f} points more.",
        "trust.missing": "Nothing is known about {part}: {reason}.",
        "trust.exact": "{part}: no interval and no count were given, so the score counts as exact.",
    }
)
"""English per code; a translation needs the same keys with the same placeholders."""

PART_WORDS = MappingProxyType(
    {
        "drift": say("words.part_drift", "drift"),
        "reliability": say("words.part_reliability", "reliability"),
        "hallucination": say("words.part_hallucination", "hallucination"),
        "degradation": say("words.part_degradation", "degradation"),
        "errors": say("words.part_errors", "errors"),
        "latency": say("words.part_latency", "latency"),
    }
)
"""Names of the parts of the default policy, to be read in any language."""

SMALLEST_POINTS = 0.005
"""Losses under half a point of 100 are left out of the sentence, not of the components."""


def explain(
    trust: float,
    point: float,
    interval: Interval,
    band: Band,
    components: Sequence[Contribution],
    capped_by: tuple[str, float] | None,
    exact: Sequence[str],
) -> tuple[Code, ...]:
    """Return the statements that explain a score, in reading order.

    Parameters
    ----------
    trust, point, interval, band
        As in `engines.trust.result.Trust`.
    components : sequence of Contribution
        Largest loss first.
    capped_by : (str, float) or None
        The critical part that caps the score, and its floor.
    exact : sequence of str
        Parts that came without an interval.

    Returns
    -------
    tuple of Code
        The first always tells the band.
    """
    head = {"trust": trust, "point": point, "low": interval.low, "high": interval.high}
    codes = [Code(f"trust.band.{band}", {**head, "level": interval.level})]
    by_name = {component.name: component for component in components}
    if capped_by is not None:
        codes.append(_cap(by_name[capped_by[0]], capped_by[1]))
    losses = [c for c in components if c.is_measured and c.points_lost >= SMALLEST_POINTS]
    codes += [_loss(component) for component in losses[:2]]
    if point == 1.0:
        codes.append(Code("trust.no_loss", {}))
    widest = max(components, key=lambda c: c.points_uncertain)
    if widest.points_uncertain >= SMALLEST_POINTS:
        points = 100 * widest.points_uncertain
        codes.append(Code("trust.uncertain", {"part": widest.name, "points": points}))
    for component in components:
        if not component.is_measured:
            reason = (component.reason or "").rstrip(".")
            codes.append(Code("trust.missing", {"part": component.name, "reason": reason}))
    codes += [Code("trust.exact", {"part": name}) for name in exact]
    return tuple(codes)


def part_word(name: str) -> str:
    """Return the name of a part as it stands in a sentence; a part of one's own keeps its name."""
    return PART_WORDS.get(name, name)


def in_english(codes: Sequence[Code]) -> str:
    """Return the sentence that `codes` say.

    Examples
    --------
    >>> in_english([Code("trust.missing", {"part": "drift", "reason": "no reference"})])
    'Nothing is known about drift: no reference.'
    """
    texts = [ENGLISH[code.key].format(**code.values) for code in codes]
    return " ".join(text[0].upper() + text[1:] for text in texts)


def _cap(component: Contribution, floor: float) -> Code:
    if not component.is_measured:
        return Code("trust.capped_missing", {"part": component.name, "score": component.score})
    return Code("trust.capped", {"part": component.name, "score": component.score, "floor": floor})


def _loss(component: Contribution) -> Code:
    values: dict[str, float | int | str] = {
        "part": component.name,
        "points": 100 * component.points_lost,
        "score": component.score,
    }
    if component.measure is None or component.value is None:
        return Code("trust.loss", values)
    values |= {"measure": component.measure, "value": component.value}
    return Code("trust.loss_measured", values)
