"""Incidents of one cause as one trouble: who is together, how severe it is, what acting changes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services import incident_groups, incidents
from services.errors import Conflict, Invalid, NotFound
from services.incident_groups import APART_MS, Causes, count_causes, group_by_cause
from services.incidents import RANK, Finding, Incident
from services.times import HOUR_MS, MINUTE_MS
from services.workspace import Workspace

NOW = 1_800_000_000_000


def cause(node: str, metric: str, *chain: str, event: str | None = None) -> dict[str, Any]:
    said = [["event_before_onset", {"event_id": event, "title": "Pool cut"}]] if event else []
    first = {"node": node, "metric": metric, "confidence": 0.9, "event_id": event,
             "chain": [f"{node} {metric}", *chain], "evidence_said": said}  # fmt: skip
    return {"abstained": False, "reason": "", "causes": [first]}


def incident(
    name: str, at_ms: int = NOW, why: dict[str, Any] | None = None, **more: Any
) -> Incident:
    made = Incident(name, "latency", "model", name, "warning", "open", name, {}, at_ms, at_ms,
                    None, why)  # fmt: skip
    return msgspec.structs.replace(made, **more)


def names(found: list[incident_groups.IncidentGroup]) -> set[frozenset[str]]:
    return {frozenset(i.id for i in group.incidents) for group in found}


def test_incidents_that_name_one_event_are_one_group_however_far_apart() -> None:
    one = incident("a", why=cause("db", "latency_ms", event="pool"))
    two = incident("b", NOW + 9 * HOUR_MS, why=cause("db", "errors", event="pool"))
    groups = group_by_cause([two, one])
    assert names(groups) == {frozenset("ab")}
    assert (groups[0].id, groups[0].opened_at_ms) == ("a", NOW)
    found = groups[0].cause
    assert found is not None and (found.event_id, found.event_title) == ("pool", "Pool cut")


def test_one_number_named_again_later_is_another_trouble() -> None:
    why = cause("db", "latency_ms")
    ended = incident("a", why=why, state="resolved", resolved_at_ms=NOW + MINUTE_MS)
    edge = ended.resolved_at_ms + APART_MS  # type: ignore[operator]
    assert names(group_by_cause([ended, incident("b", edge, why)])) == {frozenset("ab")}
    later = incident("b", edge + 1, why)
    assert names(group_by_cause([ended, later])) == {frozenset("a"), frozenset("b")}


def test_what_lies_on_the_chain_of_another_is_one_trouble_whichever_came_first() -> None:
    chained = incident("a", why=cause("db", "latency_ms", "gate latency_ms", "a latency_ms"))
    for at in (NOW - MINUTE_MS, NOW + MINUTE_MS):
        unnamed = incident("gate", at)
        assert names(group_by_cause([chained, unnamed])) == {frozenset(("a", "gate"))}
    aside = incident("other", NOW + MINUTE_MS)
    assert len(group_by_cause([chained, aside])) == 2


def test_two_events_are_two_groups_though_one_number_lies_on_both_chains() -> None:
    chains = [
        incident(name, why=cause(name, "errors", "gate latency_ms", event=name)) for name in "xy"
    ]
    groups = group_by_cause([*chains, incident("gate", NOW + 1)])
    assert len(groups) == 2
    assert sum(len(g.incidents) for g in groups) == 3


def test_a_group_is_as_severe_as_its_worst_open_incident_and_open_while_one_is() -> None:
    why = cause("db", "latency_ms", event="pool")
    mild = incident("mild", why=why, state="acknowledged")
    worst = incident("worst", NOW + 1, why, severity="critical")
    over = incident("over", NOW + 2, why, severity="critical", state="resolved",
                    resolved_at_ms=NOW + 3)  # fmt: skip
    group = group_by_cause([mild, worst, over])[0]
    assert (group.severity, group.state) == ("critical", "open")
    assert group.by_severity == {"critical": 1, "warning": 1}
    assert [i.id for i in group.incidents] == ["worst", "mild", "over"]
    assert group_by_cause([mild, over])[0].severity == "warning"
    assert group_by_cause([mild, over])[0].state == "acknowledged"


def test_unexplained_incidents_are_counted_beside_causes() -> None:
    why = cause("db", "latency_ms", event="pool")
    found = [incident(name, why=why) for name in "abc"]
    assert count_causes(found) == Causes(3, 1, 0)
    assert count_causes([*found, incident("d")]) == Causes(4, 1, 1)
    assert count_causes([]) == Causes(0, 0, 0)


_WHYS = st.one_of(
    st.none(),
    st.builds(
        lambda node, step, event: cause(node, "latency_ms", f"{step} latency_ms", event=event),
        st.sampled_from("pqr"), st.sampled_from("pqrs"), st.sampled_from([None, "e1", "e2"]),
    ),
)  # fmt: skip
_INCIDENTS = st.lists(
    st.builds(
        lambda at, lasts, why, severity: (NOW + at * MINUTE_MS, lasts, why, severity),
        st.integers(0, 300), st.one_of(st.none(), st.integers(0, 60)), _WHYS,
        st.sampled_from(sorted(RANK)),
    ),
    max_size=12,
)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine
@given(_INCIDENTS)
def test_no_incident_is_lost_doubled_hidden_or_put_to_another_event(drawn: list[Any]) -> None:
    made = [
        incident(
            f"i{n}", at, why, severity=severity, subject="pqrs"[n % 4],
            state="open" if lasts is None else "resolved",
            resolved_at_ms=None if lasts is None else at + lasts * MINUTE_MS,
        )
        for n, (at, lasts, why, severity) in enumerate(drawn)
    ]  # fmt: skip
    groups = group_by_cause(made)
    assert sorted(i.id for g in groups for i in g.incidents) == sorted(i.id for i in made)
    assert groups == group_by_cause(made[::-1])
    for group in groups:
        live = [i for i in group.incidents if i.state != "resolved"] or group.incidents
        assert RANK[group.severity] == min(RANK[i.severity] for i in live)
        events = {key for i in group.incidents
                  if isinstance(key := incident_groups.cause_key(i), str)}  # fmt: skip
        assert len(events) <= 1
    for event in ("e1", "e2"):
        holding = [g for g in groups if any(incident_groups.cause_key(i) == event
                                            for i in g.incidents)]  # fmt: skip
        assert len(holding) <= 1


def opened(ws: Workspace, *subjects: str) -> list[str]:
    findings = [Finding("latency", "model", s, "warning", s, {"now": 2.0}) for s in subjects]
    return [i.id for i in incidents.reconcile(ws, findings, quiet_ms=600_000)]


def test_deciding_about_a_group_changes_those_that_were_seen_and_no_other(
    workspace: Workspace,
) -> None:
    first, second, joined = opened(workspace, "a", "b", "c")
    changed = incidents.change_states(workspace, [first, second], "acknowledged", note="mine")
    assert [(i.id, i.state) for i in changed] == [(first, "acknowledged"), (second, "acknowledged")]
    assert incidents.get_incident(workspace, joined).state == "open"


def test_what_is_resolved_already_does_not_keep_the_rest_from_being_resolved(
    workspace: Workspace,
) -> None:
    first, second = opened(workspace, "a", "b")
    before = incidents.change_state(workspace, first, "resolved")
    changed = incidents.change_states(workspace, [first, second, second], "resolved")
    assert changed[0] == before and [i.state for i in changed] == ["resolved", "resolved"]
    with pytest.raises(Conflict):
        incidents.change_states(workspace, [first, second], "acknowledged")


def test_nothing_changes_when_one_of_several_incidents_is_unknown(workspace: Workspace) -> None:
    (first,) = opened(workspace, "a")
    with pytest.raises(NotFound):
        incidents.change_states(workspace, [first, "none"], "resolved")
    assert incidents.get_incident(workspace, first).state == "open"
    for wrong in ([], [f"i{n}" for n in range(1_001)]):
        with pytest.raises(Invalid):
            incidents.change_states(workspace, wrong, "resolved")


def test_groups_are_found_by_state_and_by_the_severity_of_any_member(workspace: Workspace) -> None:
    first, second = opened(workspace, "a", "b")
    for one, severity in ((first, "critical"), (second, "warning")):
        body = msgspec.to_builtins(incidents.get_incident(workspace, one))
        why = cause("db", "latency_ms", event="pool")
        body |= {"root_cause": why, "severity": severity}
        workspace.records.put("incident", one, body)
    for severity in ("critical", "warning"):
        found = incident_groups.list_groups(workspace, severity=severity)  # type: ignore[arg-type]
        assert [len(g.incidents) for g in found] == [2]
    assert incident_groups.list_groups(workspace, severity="info") == []
    assert incident_groups.list_groups(workspace, state="resolved") == []
    mine = incident_groups.group_of(workspace, second)
    assert mine is not None and mine.severity == "critical"
