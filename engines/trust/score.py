"""The trust score: parts in, one bounded and explained number out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from engines.errors import EngineError
from engines.result import Insufficient, Interval
from engines.sentence import say
from engines.trust.combine import Combined, combine, split_points
from engines.trust.explain import explain, in_english, part_word
from engines.trust.policy import PartPolicy, TrustPolicy
from engines.trust.result import Band, Contribution, Part, Trust

RAMP = 0.1
"""Above the floor of a critical part its cap rises to 1 over this much of its score."""


@dataclass(frozen=True, slots=True)
class _Entry:
    rule: PartPolicy
    score: float
    interval: Interval
    given: Part | None
    reason: str | None
    is_exact: bool


@dataclass(frozen=True, slots=True)
class _Cap:
    """What a critical part allows at most."""

    name: str
    floor: float
    point: float
    low: float
    high: float


def score(
    parts: Mapping[str, Part | float | Insufficient | None],
    weights: Mapping[str, float] | None = None,
    *,
    policy: TrustPolicy | None = None,
    level: float = 0.9,
) -> Trust | Insufficient:
    """Return how far a model can be trusted, with its lower bound and what costs how much.

    Parameters
    ----------
    parts : mapping of str to Part, float, Insufficient or None
        What was measured, 0 to 1, higher is better. `Insufficient` and None mean missing; so
        does a part of the policy that is not in the mapping.
    weights : mapping of str to float, optional
        Replaces the policy's parts and weights; without a policy, the only ones there are.
        Neither given: the parts given, weighted equally.
    policy : TrustPolicy, optional
        One of `engines.trust.POLICIES` or a tenant's own.
    level : float
        Confidence level of the interval, in (0, 1). At 0.9 the bound is a 95 % lower bound.

    Returns
    -------
    Trust or Insufficient
        Insufficient when the measured parts hold less than the policy's `min_known_weight`.

    Raises
    ------
    EngineError
        When a score or interval leaves 0..1 or a part has no weight.

    Notes
    -----
    Weighted geometric mean, so one collapsed part shows; see `engines.trust.combine`. A missing
    part enters with the policy's prior, which lowers the point and widens the interval. A critical
    part below its floor caps point and interval at its own, the cap rising to 1 over the next 0.1
    of its score; one that is missing caps point and bound at the prior's median. Monotone: no
    result falls when a part's score or interval end rises. It breaks when a part's interval is
    not honest: nothing here can widen it.

    Examples
    --------
    >>> result = score({"drift": Part(0.9, n=400), "reliability": Part(0.7, n=400)})
    >>> round(result.trust, 2), round(result.point, 2), result.band
    (0.77, 0.79, 'warning')
    >>> sum(c.points_lost for c in result.components) == 1 - result.point
    True

    References
    ----------
    Zou and Donner (2008), Construction of confidence limits about effect measures: a general
    approach, Statistics in Medicine 27, 1693-1702, doi:10.1002/sim.3095.
    """
    if not 0 < level < 1:
        raise EngineError(f"level must be in (0, 1), got {level}")
    if not parts and weights is None and policy is None:
        return Insufficient(say("reasons.no_trust_part", "no part of the trust score was given"))
    rules = _resolve(parts, weights, policy)
    shares = rules.weights()
    entries = [_entry(rule, parts.get(rule.name), rules, level) for rule in rules.parts]
    known = math.fsum(shares[entry.rule.name] for entry in entries if entry.given is not None)
    if known < rules.min_known_weight:
        return _too_little(entries, known, rules)
    mean = combine(
        [entry.score for entry in entries],
        [entry.interval for entry in entries],
        [shares[entry.rule.name] for entry in entries],
        level=level,
        correlation=rules.correlation,
    )
    mean, cap = _gate(mean, entries)
    return _result(rules, shares, entries, mean, cap, known)


def _resolve(
    parts: Mapping[str, Part | float | Insufficient | None],
    weights: Mapping[str, float] | None,
    policy: TrustPolicy | None,
) -> TrustPolicy:
    """Return the policy to apply; every part given must have a weight in it."""
    if policy is None:
        chosen = weights if weights is not None else dict.fromkeys(parts, 1.0)
        rules = tuple(PartPolicy(name, weight) for name, weight in chosen.items())
        policy = TrustPolicy("custom", "0", rules)
    elif weights is not None:
        policy = policy.with_weights(weights, version=f"{policy.version}+weights")
    stray = [name for name in parts if policy.part(name) is None]
    if stray:
        raise EngineError(f"policy {policy.name!r} gives no weight to {', '.join(stray)}")
    return policy


def _entry(
    rule: PartPolicy, given: Part | float | Insufficient | None, policy: TrustPolicy, level: float
) -> _Entry:
    if given is None or isinstance(given, Insufficient):
        reason = given.reason if isinstance(given, Insufficient) else "no data was given"
        median, prior = policy.prior(level)
        return _Entry(rule, median, prior, None, reason, False)
    part = given if isinstance(given, Part) else Part(float(given))
    if not 0 <= part.score <= 1:
        raise EngineError(f"score of {rule.name!r} must be in 0..1, got {part.score}")
    is_exact = part.interval is None and part.n is None
    return _Entry(rule, part.score, _interval(part, level), part, None, is_exact)


def _interval(part: Part, level: float) -> Interval:
    """Return the part's interval: its own, Wilson's from its count, or none at all."""
    if part.interval is not None:
        return part.interval
    if part.n is None:
        return Interval(part.score, part.score, level)
    if part.n < 1:
        raise EngineError(f"a part with a score needs n of at least 1, got {part.n}")
    z2 = NormalDist().inv_cdf(0.5 + level / 2.0) ** 2
    centre = (part.score + z2 / (2 * part.n)) / (1 + z2 / part.n)
    spread = part.score * (1 - part.score) / part.n + z2 / (4 * part.n**2)
    half = math.sqrt(z2 * spread) / (1 + z2 / part.n)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return Interval(min(low, part.score), max(high, part.score), level)


def _too_little(entries: list[_Entry], known: float, policy: TrustPolicy) -> Insufficient:
    missing = [entry.rule.name for entry in entries if entry.given is None]
    return Insufficient(
        say(
            "reasons.trust_needs_weight",
            "trust needs parts holding {needed, percent} of the weight, got {known, percent}; "
            "missing: {missing}",
            needed=policy.min_known_weight,
            known=known,
            missing=tuple(part_word(name) for name in missing),
        ),
        needed=None,
        got=len(entries) - len(missing),
    )


def _gate(mean: Combined, entries: list[_Entry]) -> tuple[Combined, _Cap | None]:
    """Return the mean held down by the strictest critical part, and that part."""
    caps = [cap for entry in entries if (cap := _cap(entry)) is not None]
    tightest = min(caps, key=lambda cap: (cap.point, cap.low), default=None)
    if tightest is None:
        return mean, None
    point = min(mean.point, tightest.point)
    low = min(mean.interval.low, *(cap.low for cap in caps))
    high = min(mean.interval.high, *(cap.high for cap in caps))
    if (point, low, high) == (mean.point, mean.interval.low, mean.interval.high):
        return mean, None
    culprit = [float(entry.rule.name == tightest.name) for entry in entries]
    extra = split_points(mean.point - point, culprit)
    lost = tuple(a + b for a, b in zip(mean.lost, extra, strict=True))
    point = 1.0 - math.fsum(lost)
    uncertain = split_points(point - low, mean.uncertain if any(mean.uncertain) else culprit)
    low = point - math.fsum(uncertain)
    held = Combined(point, Interval(low, max(high, point), mean.interval.level), lost, uncertain)
    return held, tightest


def _cap(entry: _Entry) -> _Cap | None:
    rule = entry.rule
    if rule.floor is None:
        return None
    if entry.given is None:
        return _Cap(rule.name, rule.floor, entry.score, entry.score, 1.0)
    lift = 0.0
    if entry.score > rule.floor:
        ramp = min(RAMP, 1.0 - rule.floor)
        lift = (entry.score - rule.floor) * (1.0 - rule.floor - ramp) / ramp
    ends = (entry.score, entry.interval.low, entry.interval.high)
    return _Cap(rule.name, rule.floor, *(min(1.0, end + lift) for end in ends))


def _result(
    policy: TrustPolicy,
    shares: Mapping[str, float],
    entries: list[_Entry],
    mean: Combined,
    cap: _Cap | None,
    known: float,
) -> Trust:
    components = sorted(
        (
            _contribution(entry, shares[entry.rule.name], lost, uncertain)
            for entry, lost, uncertain in zip(entries, mean.lost, mean.uncertain, strict=True)
        ),
        key=lambda component: -component.points_lost,
    )
    trust, point, interval = mean.interval.low, mean.point, mean.interval
    band = _band(trust, policy)
    held_by = (cap.name, cap.floor) if cap is not None else None
    exact = [entry.rule.name for entry in entries if entry.is_exact]
    codes = explain(trust, point, interval, band, components, held_by, exact)
    return Trust(
        trust=trust,
        point=point,
        interval=interval,
        band=band,
        components=tuple(components),
        missing=tuple(entry.rule.name for entry in entries if entry.given is None),
        capped_by=cap.name if cap is not None else None,
        known_weight=known,
        policy=policy.name,
        version=policy.version,
        sentence=in_english(codes),
        codes=codes,
    )


def _contribution(
    entry: _Entry, weight: float, points_lost: float, points_uncertain: float
) -> Contribution:
    given = entry.given
    return Contribution(
        name=entry.rule.name,
        weight=weight,
        score=entry.score,
        interval=entry.interval,
        n=given.n if given is not None else None,
        measure=given.measure if given is not None else None,
        value=given.value if given is not None else None,
        is_measured=given is not None,
        is_critical=entry.rule.floor is not None,
        reason=entry.reason,
        points_lost=points_lost,
        points_uncertain=points_uncertain,
    )


def _band(trust: float, policy: TrustPolicy) -> Band:
    if trust >= policy.healthy:
        return "healthy"
    return "warning" if trust >= policy.warning else "critical"
