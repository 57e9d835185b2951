"""The rules: each looks at the facts and says whether a claim holds, fails or cannot be known.

A rule that finds nothing to look at answers ``unknown``; only evidence makes a claim hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from engines.compliance.catalogue import DAY_MS, Clock
from engines.compliance.clocks import read_clock
from engines.compliance.result import (
    ChainFacts,
    Check,
    Facts,
    IncidentFacts,
    ModelFacts,
    Outcome,
)

DEPLOYED_MS = 30 * DAY_MS
"""A model that sent nothing for 30 days is not taken as in service."""
MIN_RETENTION_DAYS = 184
"""Six months at their longest: July to December has 184 days."""
FRESH_MS = 5 * 60_000
"""Telemetry older than five minutes no longer watches anything."""
MAX_SILENCE_MS = 15 * 60_000
"""The ingest gap that the catalogue's logging control allows."""
TRACEABLE_SHARE = 0.999
ENERGY_SHARE = 0.95
LINGERING_MS = 14 * DAY_MS
"""A drift incident open for two weeks counts as not dealt with."""
REVIEW_MS = 14 * DAY_MS
"""Time allowed between the end of a serious incident and its cause on record."""
ANSWERED_MS = 365 * DAY_MS
"""A late answer speaks against the control for a year."""
DRIFT_RULES = frozenset({"sensor_fault", "covariate_shift"})

Rule = Callable[[Facts, int, Mapping[str, Clock]], Check]


def deployed(facts: Facts, now_ms: int) -> list[ModelFacts]:
    """Return the models that sent something in the last 30 days."""
    return [
        m
        for m in facts.models
        if m.last_seen_ms is not None and now_ms - m.last_seen_ms <= DEPLOYED_MS
    ]


def _count(
    rule: str, models: Iterable[ModelFacts], met: Callable[[ModelFacts], bool], now_ms: int
) -> Check:
    rows = list(models)
    good = [m for m in rows if met(m)]
    bad = [m for m in rows if not met(m)]
    outcome: Outcome = "unknown" if not rows else "fails" if bad else "holds"
    return Check(
        rule,
        outcome,
        len(good),
        len(rows),
        now_ms if rows else None,
        tuple(f"model/{m.model_id}" for m in good),
        tuple(f"model/{m.model_id}" for m in bad),
    )


def models_registered(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every model that telemetry shows is registered."""
    return _count("models_registered", facts.models, lambda m: m.is_registered, now_ms)


def owner_recorded(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every model in service has an owner."""
    return _count("owner_recorded", deployed(facts, now_ms), lambda m: bool(m.owner), now_ms)


def purpose_recorded(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every model in service has a purpose."""
    return _count("purpose_recorded", deployed(facts, now_ms), lambda m: bool(m.purpose), now_ms)


def cards_current(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every model in service has a model card, reviewed in time and since its newest version."""
    return _count(
        "cards_current", deployed(facts, now_ms), lambda m: m.card in ("current", "due"), now_ms
    )


def risk_class_recorded(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every model in service has a risk class."""
    return _count(
        "risk_class_recorded", deployed(facts, now_ms), lambda m: bool(m.risk_class), now_ms
    )


def objective_recorded(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every model in service has an objective to be measured against."""
    return _count("objective_recorded", deployed(facts, now_ms), lambda m: m.has_objective, now_ms)


def drift_checked(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every model in service has a drift analysis that came to a result."""
    return _analysed("drift_checked", deployed(facts, now_ms), lambda m: m.drift_at_ms)


def quality_checked(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every model in service has a reliability or grounding analysis that came to a result."""
    return _analysed(
        "quality_checked",
        deployed(facts, now_ms),
        lambda m: max(filter(None, (m.quality_at_ms, m.grounding_at_ms)), default=None),
    )


def _analysed(
    rule: str, models: list[ModelFacts], when: Callable[[ModelFacts], int | None]
) -> Check:
    times = {m.model_id: when(m) for m in models}
    known = [at for at in times.values() if at is not None]
    outcome: Outcome = "holds" if models and len(known) == len(models) else "fails"
    if not models or not known:
        outcome = "unknown"
    return Check(
        rule,
        outcome,
        len(known),
        len(models),
        min(known, default=None),
        tuple(f"analysis/{name}@{at}" for name, at in times.items() if at is not None),
        tuple(f"model/{name}" for name, at in times.items() if at is None),
    )


def no_lingering_drift(facts: Facts, now_ms: int, clocks: Mapping[str, Clock]) -> Check:
    """No drift incident is open for more than two weeks, where drift is looked for at all."""
    looked = drift_checked(facts, now_ms, clocks)
    if looked.outcome == "unknown":
        return Check("no_lingering_drift", "unknown")
    old = [
        i
        for i in facts.incidents
        if i.rule in DRIFT_RULES
        and i.resolved_at_ms is None
        and now_ms - i.opened_at_ms > LINGERING_MS
    ]
    return Check(
        "no_lingering_drift",
        "fails" if old else "holds",
        observed_at_ms=looked.observed_at_ms,
        evidence=looked.evidence,
        against=_ids(old),
    )


def telemetry_fresh(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every model in service sent an inference in the last five minutes."""
    return _count(
        "telemetry_fresh",
        deployed(facts, now_ms),
        lambda m: m.last_seen_ms is not None and now_ms - m.last_seen_ms <= FRESH_MS,
        now_ms,
    )


def ingest_unbroken(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """In 30 days there was no quarter of an hour without an inference."""
    silence = facts.longest_silence_ms
    if silence is None:
        return Check("ingest_unbroken", "unknown")
    outcome: Outcome = "holds" if silence <= MAX_SILENCE_MS else "fails"
    return Check("ingest_unbroken", outcome, observed_at_ms=now_ms, evidence=("series/inferences",))


def trace_fields(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Of the newest inferences 99.9 % say version, input and output."""
    rows = [m for m in deployed(facts, now_ms) if m.rows]
    total, met = sum(m.rows for m in rows), sum(m.traceable_rows for m in rows)
    if not total:
        return Check("trace_fields", "unknown")
    good = [m for m in rows if m.traceable_rows == m.rows]
    return Check(
        "trace_fields",
        "holds" if met / total >= TRACEABLE_SHARE else "fails",
        met,
        total,
        min(m.last_seen_ms or 0 for m in rows),
        tuple(f"model/{m.model_id}" for m in good),
        tuple(f"model/{m.model_id}" for m in rows if m not in good),
    )


def incidents_triaged(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every incident that ended was acknowledged by a person first."""
    return _ended(
        "incidents_triaged", facts.incidents, lambda i: i.acknowledged_at_ms is not None, now_ms
    )


def causes_recorded(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every critical incident has its cause on record two weeks after its end."""
    due = [
        i
        for i in facts.incidents
        if i.severity == "critical"
        and (i.has_cause or (i.resolved_at_ms is not None and now_ms - i.resolved_at_ms > 0))
    ]
    young = [i for i in due if not i.has_cause and now_ms - (i.resolved_at_ms or 0) <= REVIEW_MS]
    return _ended("causes_recorded", [i for i in due if i not in young], _has_cause, now_ms)


def _has_cause(incident: IncidentFacts) -> bool:
    return incident.has_cause


def recovery_timed(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Incidents ended, so the time to resolve is known."""
    ended = [i for i in facts.incidents if i.resolved_at_ms is not None]
    return Check(
        "recovery_timed",
        "holds" if ended else "unknown",
        len(ended),
        len(facts.incidents),
        max((i.resolved_at_ms or 0 for i in ended), default=None),
        _ids(ended),
    )


def _ended(
    rule: str,
    incidents: Iterable[IncidentFacts],
    met: Callable[[IncidentFacts], bool],
    now_ms: int,
) -> Check:
    rows = [i for i in incidents if i.resolved_at_ms is not None or met(i)]
    good, bad = [i for i in rows if met(i)], [i for i in rows if not met(i)]
    outcome: Outcome = "unknown" if not rows else "fails" if bad else "holds"
    observed = now_ms if rows else None
    return Check(rule, outcome, len(good), len(rows), observed, _ids(good), _ids(bad))


def _ids(incidents: Iterable[IncidentFacts]) -> tuple[str, ...]:
    return tuple(f"incident/{i.incident_id}" for i in incidents)


def logs_kept(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Telemetry is kept for at least 184 days."""
    met = facts.retention_days >= MIN_RETENTION_DAYS
    return Check(
        "logs_kept",
        "holds" if met else "fails",
        facts.retention_days,
        MIN_RETENTION_DAYS,
        now_ms,
        ("setting/retention_days",) if met else (),
        () if met else ("setting/retention_days",),
    )


def access_controlled(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every caller needs a credential."""
    met = facts.access_controlled
    found = ("setting/auth",)
    return Check(
        "access_controlled",
        "holds" if met else "fails",
        observed_at_ms=now_ms,
        evidence=found if met else (),
        against=() if met else found,
    )


def energy_known(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Energy is known for 95 % of the requests of 30 days."""
    rows = [m for m in deployed(facts, now_ms) if m.requests]
    total, met = sum(m.requests for m in rows), sum(m.requests_with_energy for m in rows)
    if not total or not met:
        return Check("energy_known", "unknown", met, total)
    outcome: Outcome = "holds" if met / total >= ENERGY_SHARE else "fails"
    good = tuple(f"model/{m.model_id}" for m in rows if m.requests_with_energy)
    return Check("energy_known", outcome, met, total, now_ms, good)


def serious_on_time(facts: Facts, now_ms: int, clocks: Mapping[str, Clock]) -> Check:
    """Every serious incident was reported within its limit, and none is open past it."""
    return _on_time("serious_on_time", "ai_act", facts, now_ms, clocks)


def breaches_on_time(facts: Facts, now_ms: int, clocks: Mapping[str, Clock]) -> Check:
    """Every personal data breach was reported within 72 hours, and none is open past them."""
    return _on_time("breaches_on_time", "gdpr", facts, now_ms, clocks)


def _on_time(
    rule: str, regime: str, facts: Facts, now_ms: int, clocks: Mapping[str, Clock]
) -> Check:
    duties = [d for d in facts.duties if d.regime == regime and d.clock]
    late = []
    for duty in duties:
        state = read_clock(
            clocks[duty.clock], duty.aware_at_ms, now_ms, reported_at_ms=duty.reported_at_ms
        )
        if state.status in ("late", "met_late"):
            late.append(duty)
    good = [d for d in duties if d not in late]
    outcome: Outcome = "unknown" if not duties else "fails" if late else "holds"
    return Check(
        rule,
        outcome,
        len(good),
        len(duties),
        now_ms if duties else None,
        tuple(f"incident/{d.incident_id}" for d in good),
        tuple(f"incident/{d.incident_id}" for d in late),
    )


def erasure_on_time(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every request for erasure of the last year was answered in time, and none is overdue."""
    rows = [
        r
        for r in facts.requests
        if r.kind == "erasure"
        and (r.completed_at_ms is None or now_ms - r.completed_at_ms <= ANSWERED_MS)
    ]
    good = tuple(f"request/{r.request_id}" for r in rows if r.status == "met")
    late = tuple(f"request/{r.request_id}" for r in rows if r.status in ("late", "met_late"))
    outcome: Outcome = "fails" if late else "holds" if good else "unknown"
    total = len(good) + len(late)
    observed = now_ms if total else None
    return Check("erasure_on_time", outcome, len(good), total, observed, good, late)


def chain_verified(facts: Facts, _now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """Every entry and link of the audit chain was as signed when all were checked last."""
    return _of_chain("chain_verified", facts.chain, facts.chain.is_whole)


def chain_reaches_back(facts: Facts, now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """No gap is in the audit chain, and it reaches back 184 days or to the hub's first day."""
    chain, since = facts.chain, facts.running_since_ms
    if chain.began_ms is None or since is None:
        return Check("chain_reaches_back", "unknown")
    needed = max(since + DAY_MS, now_ms - MIN_RETENTION_DAYS * DAY_MS)
    return _of_chain("chain_reaches_back", chain, chain.is_whole and chain.began_ms <= needed)


def chain_witnessed(facts: Facts, _now_ms: int, _clocks: Mapping[str, Clock]) -> Check:
    """One witness apart from the hub cosigned the audit chain, and did not refuse since."""
    chain = facts.chain
    ids = (f"audit/checkpoint@{chain.cosigned}",)
    if chain.is_refused:
        return Check("chain_witnessed", "fails", observed_at_ms=chain.cosigned_at_ms, against=ids)
    if chain.cosigned_at_ms is None:
        return Check("chain_witnessed", "unknown")
    return Check("chain_witnessed", "holds", observed_at_ms=chain.cosigned_at_ms, evidence=ids)


def _of_chain(rule: str, chain: ChainFacts, met: bool) -> Check:
    """Return what the newest check of the whole chain says; nothing before the first one."""
    if chain.verified_at_ms is None or not chain.size:
        return Check(rule, "unknown")
    ids = (f"audit/check@{chain.verified}",)
    return Check(
        rule,
        "holds" if met else "fails",
        observed_at_ms=chain.verified_at_ms,
        evidence=ids if met else (),
        against=() if met else ids,
    )


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.__name__: rule
        for rule in (
            models_registered, owner_recorded, purpose_recorded, cards_current,
            risk_class_recorded,
            objective_recorded, drift_checked, quality_checked,
            no_lingering_drift, telemetry_fresh, ingest_unbroken, trace_fields,
            incidents_triaged, causes_recorded, recovery_timed, logs_kept, access_controlled,
            energy_known, serious_on_time, breaches_on_time, erasure_on_time, chain_verified,
            chain_reaches_back, chain_witnessed,
        )
    }
)  # fmt: skip
