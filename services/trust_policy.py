"""What a tenant's trust scores are made of: weights, floors and bands, with their versions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import msgspec

from connectors.protocols import RecordTransaction
from engines.sentence import say
from engines.trust import POLICIES, PartPolicy, TrustPolicy
from engines.trust.explain import PART_WORDS
from services.errors import Invalid, NotFound
from services.identity import permitted
from services.workspace import Workspace

_KIND, _HISTORY = "trust_policy", "trust_policy_version"
_MEASURED = ("reliability", "drift", "degradation", "errors", "latency")
KNOWN = {
    kind: _MEASURED if "hallucination" not in policy.weights() else ("hallucination", *_MEASURED)
    for kind, policy in POLICIES.items()
}
"""The parts that are measured for a kind of model, in the order in which they are shown."""
MAX_WEIGHT = 1_000.0
MAX_VERSIONS = 10_000
_SAME = 1e-5
"""Weights that differ by less are the same said again: a form shows them rounded."""


class PartRule(msgspec.Struct, frozen=True):
    """How one part counts; below its `floor` a critical part caps the score."""

    name: str
    weight: float
    floor: float | None = None


class PolicyDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parts with weights on any scale, and the limits of the bands; a part left out does
    not count."""

    parts: tuple[PartRule, ...]
    healthy: float
    warning: float


class PolicyVersion(msgspec.Struct, frozen=True):
    """A policy as it is or was in use: weights sum to 1; the shipped one was changed by nobody."""

    model_type: str
    version: str
    is_own: bool
    definition: PolicyDefinition
    changed_at_ms: int | None = None
    changed_by: str = ""


@permitted("trust:read")
def list_policies(ws: Workspace) -> list[PolicyVersion]:
    """Return the policy in use for every kind of model."""
    own = {row.id: row.body for row in ws.records.list(_KIND, limit=len(POLICIES))}
    return [_shown(kind, own.get(kind)) for kind in POLICIES]


@permitted("trust:read")
def get_policy(ws: Workspace, model_type: str) -> PolicyVersion:
    """Return the policy of a kind of model: the tenant's own, else the shipped one."""
    return _in_use(ws.records, _known_type(model_type))


@permitted("trust:read")
def list_versions(ws: Workspace, model_type: str) -> list[PolicyVersion]:
    """Return every policy that was in use, newest first; the shipped one began it."""
    kind = _known_type(model_type)
    rows = ws.records.list(_HISTORY, where={"model_type": kind}, limit=MAX_VERSIONS)
    changes = [msgspec.convert(row.body, PolicyVersion) for row in rows]
    return [*reversed(changes), _shipped(kind)]


@permitted("policy:write")
def set_policy(ws: Workspace, model_type: str, definition: PolicyDefinition) -> PolicyVersion:
    """Put another policy to use; the same content again is no new version."""
    kind = _known_type(model_type)
    _check(kind, definition)
    wanted = _normalised(kind, definition)
    with ws.records.transaction() as tx:
        now = _in_use(tx, kind)
        if _is_same(now.definition, wanted):
            return now
        rows = tx.list(_HISTORY, where={"model_type": kind}, limit=MAX_VERSIONS)
        number = 1 + sum(bool(row.body["is_own"]) for row in rows)
        made = PolicyVersion(
            kind, f"own-{number}", True, wanted, ws.now_ms(), ws.principal.id
        )  # fmt: skip
        tx.put(_KIND, kind, msgspec.to_builtins(made))
        _record(tx, made, len(rows))
    ws.cache.invalidate(f"{ws.tenant}/trust/")
    return made


@permitted("policy:write")
def restore_policy(ws: Workspace, model_type: str) -> PolicyVersion:
    """Put the shipped policy back to use; own versions stay readable."""
    kind = _known_type(model_type)
    with ws.records.transaction() as tx:
        if not tx.delete(_KIND, kind):
            return _shipped(kind)
        count = len(tx.list(_HISTORY, where={"model_type": kind}, limit=MAX_VERSIONS))
        back = msgspec.structs.replace(
            _shipped(kind), changed_at_ms=ws.now_ms(), changed_by=ws.principal.id
        )
        _record(tx, back, count)
    ws.cache.invalidate(f"{ws.tenant}/trust/")
    return _shipped(kind)


def as_engine_policy(given: PolicyVersion) -> TrustPolicy:
    """Return the policy as the engine takes it; what nobody can set is as shipped."""
    shipped = POLICIES[given.model_type]
    if not given.is_own:
        return shipped
    parts = []
    for rule in given.definition.parts:
        known = shipped.part(rule.name)
        anchors = known.anchors if known else None
        parts.append(PartPolicy(rule.name, rule.weight, rule.floor, anchors))
    return replace(
        shipped, version=given.version, parts=tuple(parts),
        healthy=given.definition.healthy, warning=given.definition.warning,
    )  # fmt: skip


def _in_use(records: RecordTransaction, kind: str) -> PolicyVersion:
    row = records.get(_KIND, kind)
    return _shown(kind, row.body if row else None)


def _shown(kind: str, own: dict[str, Any] | None) -> PolicyVersion:  # JSON
    return _shipped(kind) if own is None else msgspec.convert(own, PolicyVersion)


def _record(tx: RecordTransaction, made: PolicyVersion, count: int) -> None:
    tx.put(_HISTORY, f"{made.model_type}#{count + 1:06d}", msgspec.to_builtins(made))


def _shipped(kind: str) -> PolicyVersion:
    policy = POLICIES[kind]
    weights = policy.weights()
    parts = tuple(PartRule(p.name, round(weights[p.name], 9), p.floor) for p in policy.parts)
    return PolicyVersion(
        kind, policy.version, False, PolicyDefinition(parts, policy.healthy, policy.warning)
    )


def _known_type(model_type: str) -> str:
    if model_type not in POLICIES:
        raise NotFound(
            say("reasons.no_model_type", "there is no kind of model {name}", name=model_type)
        )
    return model_type


def _normalised(kind: str, given: PolicyDefinition) -> PolicyDefinition:
    total = math.fsum(part.weight for part in given.parts)
    parts = sorted(given.parts, key=lambda part: KNOWN[kind].index(part.name))
    scaled = [PartRule(p.name, round(p.weight / total, 9), p.floor) for p in parts]
    return msgspec.structs.replace(given, parts=tuple(scaled))


def _is_same(one: PolicyDefinition, other: PolicyDefinition) -> bool:
    if (one.healthy, one.warning) != (other.healthy, other.warning):
        return False
    mine, theirs = ({p.name: p for p in d.parts} for d in (one, other))
    return mine.keys() == theirs.keys() and all(
        p.floor == theirs[name].floor and abs(p.weight - theirs[name].weight) < _SAME
        for name, p in mine.items()
    )


def _check(kind: str, given: PolicyDefinition) -> None:
    names = [part.name for part in given.parts]
    if not names or len(set(names)) != len(names):
        raise Invalid(
            say("reasons.policy_parts", "a policy needs at least one part, and each part once")
        )
    for part in given.parts:
        _check_part(kind, part)
    if not 0 < given.warning < given.healthy < 1:
        raise Invalid(
            say(
                "reasons.policy_bands",
                "the limits of the bands must be in order: 0, warning, healthy, 1",
            )
        )


def _check_part(kind: str, part: PartRule) -> None:
    if part.name not in KNOWN[kind]:
        raise Invalid(
            say(
                "reasons.policy_part_unknown",
                "{part} is not measured for this kind of model",
                part=PART_WORDS.get(part.name, part.name),
            ),
            known=list(KNOWN[kind]),
        )
    if not 1 / MAX_WEIGHT <= part.weight <= MAX_WEIGHT:  # also refuses what is not a number
        raise Invalid(
            say(
                "reasons.policy_weight",
                "every weight must be a number from {low, number} to {high, number}",
                low=1 / MAX_WEIGHT,
                high=MAX_WEIGHT,
            ),
            part=part.name,
        )
    if part.floor is not None and not 0 < part.floor < 1:
        raise Invalid(
            say("reasons.policy_floor", "a floor must be above 0 and below 1"), part=part.name
        )
