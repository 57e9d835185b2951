"""Severity by the stated rule, worst and oldest first."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engines.compliance import (
    SEVERITIES,
    DutyFacts,
    Facts,
    IncidentFacts,
    ModelFacts,
    OpenFinding,
    count_severities,
    evaluate,
    find_open,
)

HOUR, DAY = 3_600_000, 86_400_000
NOW = 1_000 * DAY
MODEL = ModelFacts("m", True, "Radiology", "Second opinion", "high", last_seen_ms=NOW - 1_000)


def found(facts: Facts) -> dict[str, OpenFinding]:
    return {one.id: one for one in find_open(facts, evaluate(facts, NOW), NOW)}


def test_an_install_without_a_model_has_no_finding() -> None:
    assert found(Facts()) == {}


def test_a_contradicted_control_is_high_and_names_the_owner_of_what_speaks_against_it() -> None:
    bad = replace(MODEL, model_id="n", owner="Care", is_registered=False)
    one = found(Facts((MODEL, bad)))["control/NIST-GOVERN-1.6"]
    assert (one.severity, one.why, one.owners) == ("high", "contradicted", ("Care",))
    assert one.evidence == ("model/n",)


def test_missing_evidence_is_medium_and_partial_evidence_is_low() -> None:
    facts = found(Facts((MODEL,)))
    assert facts["control/ISO-A.2.2"].severity == "medium"
    assert facts["control/NIST-MAP-1.1"].severity == "low"


def test_evidence_too_old_is_medium_since_its_limit() -> None:
    one = found(Facts((replace(MODEL, drift_at_ms=NOW - 9 * DAY),)))["control/AIA-10-3"]
    assert (one.severity, one.since_ms) == ("medium", NOW - 2 * DAY)


def test_a_control_that_passes_or_does_not_apply_is_no_finding() -> None:
    facts = found(Facts((replace(MODEL, risk_class="minimal"),)))
    assert "control/NIST-GOVERN-2.1" not in facts
    assert "control/AIA-26-2" not in facts


def test_an_open_incident_counts_by_its_severity_until_it_ends() -> None:
    bad = IncidentFacts("i", "errors", "critical", NOW - DAY, subject="m")
    one = found(Facts((MODEL,), (bad,)))["incident/i"]
    assert (one.severity, one.since_ms, one.owners) == ("critical", NOW - DAY, ("Radiology",))
    assert "incident/i" not in found(Facts((MODEL,), (replace(bad, resolved_at_ms=NOW),)))


def test_a_report_past_its_deadline_is_critical_since_the_deadline() -> None:
    bad = IncidentFacts("i", "errors", "critical", NOW - 5 * DAY, resolved_at_ms=NOW, subject="m")
    duty = DutyFacts("i", "gdpr", "GDPR33_BREACH", NOW - 5 * DAY)
    one = found(Facts((MODEL,), (bad,), (duty,)))["report/i.gdpr"]
    assert (one.severity, one.since_ms) == ("critical", NOW - 2 * DAY)
    reported = replace(duty, reported_at_ms=NOW - 4 * DAY)
    assert "report/i.gdpr" not in found(Facts((MODEL,), (bad,), (reported,)))


incidents = st.builds(
    IncidentFacts, st.uuids().map(str), st.just("errors"),
    st.sampled_from(["critical", "warning", "info"]), st.integers(NOW - 60 * DAY, NOW),
)  # fmt: skip


@given(st.lists(incidents, max_size=8))
def test_findings_are_ordered_by_severity_then_age(some: list[IncidentFacts]) -> None:
    facts = Facts((MODEL,), tuple(some))
    rows = find_open(facts, evaluate(facts, NOW), NOW)
    ranks = [(SEVERITIES.index(r.severity), r.since_ms or NOW + 1) for r in rows]
    assert ranks == sorted(ranks)
    assert sum(count_severities(rows).values()) == len(rows)
