"""Statuses by hand: what each control says follows from the facts alone."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.compliance import (
    RULES,
    STATUSES,
    AttestationFacts,
    ChainFacts,
    ControlStatus,
    DutyFacts,
    Facts,
    IncidentFacts,
    ModelFacts,
    RequestFacts,
    cover,
    evaluate,
    load_catalogue,
    read_catalogue,
    read_clock,
)
from engines.errors import EngineError

HOUR, DAY = 3_600_000, 86_400_000
NOW = 1_000 * DAY


def model(**more: object) -> ModelFacts:
    """A model for which everything is in order."""
    good = ModelFacts(
        "triage", True, "Radiology", "Second opinion", "high", False, True,
        NOW - 60_000, NOW - HOUR, NOW - HOUR, None, 200, 200, 1_000, 1_000,
    )  # fmt: skip
    return replace(good, **more)  # type: ignore[arg-type]


def status(control_id: str, facts: Facts) -> ControlStatus:
    return next(s for s in evaluate(facts, NOW) if s.control_id == control_id)


def test_an_empty_install_is_all_gaps_whatever_its_settings() -> None:
    found = evaluate(Facts(retention_days=3_650, access_controlled=True), NOW)
    assert {s.status for s in found} == {"gap"}
    assert cover(found).share == 0.0


def test_a_control_passes_when_every_check_holds_and_is_fresh() -> None:
    found = status("NIST-GOVERN-1.6", Facts((model(),)))
    assert (found.status, found.reason) == ("pass", "met")
    assert found.checks[0].evidence == ("model/triage",)


def test_one_unregistered_model_makes_the_inventory_a_gap_and_is_named() -> None:
    found = status("NIST-GOVERN-1.6", Facts((model(), model(model_id="x", is_registered=False))))
    assert (found.status, found.reason) == ("gap", "contradicted")
    assert found.checks[0].against == ("model/x",)


def test_evidence_older_than_the_limit_is_stale_since_the_limit() -> None:
    found = status("AIA-10-3", Facts((model(drift_at_ms=NOW - 9 * DAY),)))
    assert (found.status, found.stale_since_ms) == ("stale", NOW - 2 * DAY)


def test_what_the_hub_does_not_observe_keeps_a_control_partial() -> None:
    found = status("AIA-15-1", Facts((model(),)))
    assert found.status == "partial"
    assert found.checks[1].about == "slo"


def test_a_signed_statement_alone_is_attested_and_expires() -> None:
    signed = AttestationFacts("a1", "ISO-A.2.2", NOW - 10 * DAY)
    assert status("ISO-A.2.2", Facts(attestations=(signed,))).status == "attested"
    old = replace(signed, signed_at_ms=NOW - 366 * DAY)
    assert status("ISO-A.2.2", Facts(attestations=(old,))).status == "stale"


def test_a_statement_with_measured_evidence_passes() -> None:
    signed = AttestationFacts("a1", "GDPR-30-1", NOW - DAY)
    assert status("GDPR-30-1", Facts((model(),), attestations=(signed,))).status == "pass"
    assert status("GDPR-30-1", Facts((model(),))).status == "partial"


def test_high_risk_controls_apply_unless_every_model_has_another_class() -> None:
    assert status("AIA-26-2", Facts((model(risk_class="limited"),))).status == "not_applicable"
    assert status("AIA-26-2", Facts((model(risk_class=""),))).status == "gap"


def test_a_high_risk_control_looks_at_high_risk_models_alone() -> None:
    other = model(model_id="other", risk_class="minimal", drift_at_ms=None)
    assert status("AIA-10-3", Facts((model(), other))).status == "pass"


def test_logs_kept_for_183_days_are_too_short() -> None:
    assert status("AIA-26-2", Facts((model(),), retention_days=183)).status == "gap"
    assert status("AIA-26-2", Facts((model(),), retention_days=184)).status == "pass"


def test_no_serious_incident_counts_only_when_each_critical_one_was_judged() -> None:
    incident = IncidentFacts("i1", "errors", "critical", NOW - DAY)
    facts = Facts((model(),), (incident,))
    assert status("AIA-73-1", facts).status == "gap"
    judged = replace(facts, duties=(DutyFacts("i1", "ai_act", "", NOW - DAY),))
    assert status("AIA-73-1", judged).status == "not_applicable"


def test_a_report_after_the_limit_is_a_gap_for_ever() -> None:
    incident = IncidentFacts("i1", "errors", "critical", NOW - 30 * DAY)
    duty = DutyFacts("i1", "ai_act", "AIA73_WIDESPREAD", NOW - 30 * DAY, NOW - 27 * DAY)
    assert status("AIA-73-1", Facts((model(),), (incident,), (duty,))).status == "gap"
    on_time = replace(duty, reported_at_ms=NOW - 29 * DAY)
    assert status("AIA-73-1", Facts((model(),), (incident,), (on_time,))).status == "pass"


def test_an_open_drift_incident_of_two_weeks_contradicts_fresh_drift_runs() -> None:
    old = IncidentFacts("i1", "covariate_shift", "warning", NOW - 15 * DAY)
    assert status("AIA-10-3", Facts((model(),), (old,))).status == "gap"
    done = replace(old, resolved_at_ms=NOW - DAY)
    assert status("AIA-10-3", Facts((model(),), (done,))).status == "pass"


def test_energy_must_cover_nearly_all_requests() -> None:
    assert status("NIST-MEASURE-2.12", Facts((model(),))).status == "pass"
    assert status("NIST-MEASURE-2.12", Facts((model(requests_with_energy=949),))).status == "gap"


@pytest.mark.parametrize(
    ("used_h", "reported_h", "expected"),
    [
        (10, None, "running"), (24, None, "warning"), (72, None, "warning"), (73, None, "late"),
        (100, 72, "met"), (100, 73, "met_late"),
    ],
)  # fmt: skip
def test_the_breach_clock_runs_72_hours(used_h: int, reported_h: int | None, expected: str) -> None:
    clock = load_catalogue().clocks["GDPR33_BREACH"]
    reported = None if reported_h is None else reported_h * HOUR
    assert read_clock(clock, 0, used_h * HOUR, reported_at_ms=reported).status == expected


def test_a_new_class_counts_from_the_first_awareness() -> None:
    clocks = load_catalogue().clocks
    assert read_clock(clocks["AIA73_GENERAL"], 0, 3 * DAY).status == "running"
    assert read_clock(clocks["AIA73_WIDESPREAD"], 0, 3 * DAY).status == "late"


def test_a_report_before_awareness_is_refused() -> None:
    with pytest.raises(EngineError, match="before anybody was aware"):
        read_clock(load_catalogue().clocks["AIA73_DEATH"], DAY, 2 * DAY, reported_at_ms=0)


def test_every_check_of_the_catalogue_is_a_rule_and_every_rule_is_used() -> None:
    asked = {check.rule for c in load_catalogue().controls for check in c.checks}
    assert asked - {"attested", "unobserved"} == set(RULES)


def test_the_catalogue_says_what_its_texts_are_worth() -> None:
    assert "not legal advice" in load_catalogue().notice
    assert "not verified against the primary texts" in load_catalogue().notice


@pytest.mark.parametrize(
    "broken", [{"checks": []}, {"framework": "unheard"}], ids=["no checks", "no framework"]
)
def test_a_control_that_cannot_be_judged_is_refused(broken: dict[str, object]) -> None:
    entry = {
        "id": "X", "framework": "f", "ref": "", "title": "", "requirement": "", "applies": "all",
        "max_age_days": 1, "checks": ["owner_recorded"],
    } | broken  # fmt: skip
    document = {"version": "1", "notice": "", "frameworks": {"f": "F"}, "clocks": {}}
    with pytest.raises(EngineError):
        read_catalogue(document | {"controls": [entry]})


def test_coverage_counts_every_control_once() -> None:
    found = cover(evaluate(Facts((model(),), retention_days=200), NOW))
    assert sum(found.counts.values()) == found.total == 54
    assert set(found.counts) == set(STATUSES)


times = st.one_of(st.none(), st.integers(NOW - 60 * DAY, NOW))
models = st.builds(
    ModelFacts, st.sampled_from(["a", "b"]), st.booleans(), st.sampled_from(["", "x"]),
    st.sampled_from(["", "y"]), st.sampled_from(["", "high", "minimal"]), st.booleans(),
    st.booleans(), times, times, times, times,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(models, max_size=3), st.booleans())
def test_nothing_passes_without_evidence_for_each_check(
    found: list[ModelFacts], controlled: bool
) -> None:
    facts = Facts(tuple(found), retention_days=200, access_controlled=controlled)
    for control in evaluate(facts, NOW):
        if control.status == "pass":
            assert all(check.outcome == "holds" and check.evidence for check in control.checks)


def test_facts_are_not_changed() -> None:
    facts = Facts((model(),))
    before = [getattr(facts, field.name) for field in fields(facts)]
    evaluate(facts, NOW)
    assert before == [getattr(facts, field.name) for field in fields(facts)]


def erasures(*rows: tuple[str, int | None], kind: str = "erasure") -> ControlStatus:
    made = tuple(
        RequestFacts(f"r{i}", kind, status, None if days is None else NOW - days * DAY)  # type: ignore[arg-type]
        for i, (status, days) in enumerate(rows)
    )
    return status("GDPR-17-1", Facts((model(),), requests=made))


def test_an_overdue_request_for_erasure_is_a_gap_and_named() -> None:
    found = erasures(("met", 5), ("late", None))
    assert (found.status, found.reason) == ("gap", "contradicted")
    assert found.checks[0].against == ("request/r1",)


def test_erasures_answered_in_time_are_evidence_and_a_statement_completes_it() -> None:
    found = erasures(("met", 5), ("met", 300), ("running", None))
    assert (found.checks[0].outcome, found.checks[0].met, found.checks[0].total) == ("holds", 2, 2)
    assert found.checks[0].evidence == ("request/r0", "request/r1")
    assert found.status == "partial"
    signed = AttestationFacts("a", "GDPR-17-1", NOW - DAY)
    request = RequestFacts("r", "erasure", "met", NOW - DAY)
    facts = Facts((model(),), attestations=(signed,), requests=(request,))
    assert status("GDPR-17-1", facts).status == "pass"


def test_an_answer_that_came_late_speaks_against_erasure_for_a_year() -> None:
    assert erasures(("met_late", 364)).status == "gap"
    assert erasures(("met_late", 366)).checks[0].outcome == "unknown"


def test_other_requests_say_nothing_about_erasure() -> None:
    assert erasures(("late", None), kind="access").checks[0].outcome == "unknown"


def _chain_control(control_id: str, chain: ChainFacts, *, since: int = NOW - 30 * DAY) -> str:
    facts = Facts(
        (model(risk_class="high"),), chain=chain, retention_days=200, longest_silence_ms=0,
        running_since_ms=since,
    )  # fmt: skip
    return status(control_id, facts).status


CHECKED = ChainFacts(
    size=9, began_ms=NOW - 30 * DAY, verified=9, verified_at_ms=NOW - HOUR, is_whole=True,
    cosigned=9, cosigned_at_ms=NOW - HOUR,
)  # fmt: skip


@pytest.mark.parametrize(
    ("control_id", "chain", "expected"),
    [
        ("AIA-12-1", CHECKED, "pass"),
        ("AIA-12-1", ChainFacts(), "partial"),
        ("AIA-12-1", ChainFacts(size=9, began_ms=NOW - DAY), "partial"),
        ("AIA-12-1", replace(CHECKED, is_whole=False), "gap"),
        ("AIA-12-1", replace(CHECKED, verified_at_ms=NOW - 2 * DAY), "stale"),
        ("AIA-19-1", CHECKED, "pass"),
        ("AIA-19-1", ChainFacts(), "partial"),
        ("AIA-19-1", replace(CHECKED, began_ms=NOW - 28 * DAY), "gap"),
        ("AIA-19-1", replace(CHECKED, is_whole=False), "gap"),
        ("ISO-A.6.2.8", CHECKED, "pass"),
        ("ISO-A.6.2.8", replace(CHECKED, cosigned_at_ms=None), "partial"),
        ("ISO-A.6.2.8", replace(CHECKED, cosigned_at_ms=NOW - 2 * DAY), "stale"),
        ("ISO-A.6.2.8", replace(CHECKED, is_refused=True), "gap"),
    ],
)
def test_controls_on_logs_follow_what_the_audit_chain_shows(
    control_id: str, chain: ChainFacts, expected: str
) -> None:
    assert _chain_control(control_id, chain) == expected


def test_half_a_year_of_chain_is_enough_for_an_older_hub() -> None:
    old = replace(CHECKED, began_ms=NOW - 184 * DAY)
    assert _chain_control("AIA-19-1", old, since=NOW - 900 * DAY) == "pass"
    young = replace(CHECKED, began_ms=NOW - 183 * DAY)
    assert _chain_control("AIA-19-1", young, since=NOW - 900 * DAY) == "gap"
