"""Incidents, jobs of the past, keys and tenants."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from services import alerts, backcast, incidents, keys, tenants
from services.errors import Conflict, Forbidden, Invalid, NotFound
from services.identity import Principal
from services.incidents import Finding, Incident
from services.times import DAY_MS
from services.workspace import Workspace
from tests.services.conftest import HOUR_MS, Send, scored_rows

QUIET_MS = 600_000
SLOW = Finding("latency", "model", "risk", "warning", "risk is slow", {"now": 2.0})


def test_a_finding_opens_one_incident_however_often_it_is_found(workspace: Workspace) -> None:
    assert len(incidents.reconcile(workspace, [SLOW], quiet_ms=QUIET_MS)) == 1
    assert incidents.reconcile(workspace, [SLOW], quiet_ms=QUIET_MS) == []
    assert [i.title for i in alerts.list_alerts(workspace)] == ["risk is slow"]


def test_an_incident_ends_when_it_was_quiet_long_enough(
    workspace: Workspace, clock: list[int]
) -> None:
    incidents.reconcile(workspace, [SLOW], quiet_ms=QUIET_MS)
    clock[0] += QUIET_MS - 1
    incidents.reconcile(workspace, [], quiet_ms=QUIET_MS)
    assert len(incidents.open_incidents(workspace)) == 1
    clock[0] += 1
    incidents.reconcile(workspace, [], quiet_ms=QUIET_MS)
    ended = incidents.list_incidents(workspace, state="resolved")[0]
    assert (ended.resolved_at_ms, ended.notes[-1].at_ms) == (clock[0], clock[0])


def test_a_resolved_incident_stays_resolved(workspace: Workspace) -> None:
    first = resolved_by_a_person(workspace)
    with pytest.raises(Conflict):
        incidents.change_state(workspace, first, "acknowledged")


def resolved_by_a_person(ws: Workspace) -> str:
    opened = incidents.reconcile(ws, [SLOW], quiet_ms=QUIET_MS)[0]
    incidents.change_state(ws, opened.id, "resolved", note="restarted")
    return opened.id


def look(ws: Workspace, clock: list[int], finding: Finding, until_ms: int) -> list[Incident]:
    """Reconcile every five minutes, half of the quiet time."""
    opened: list[Incident] = []
    while clock[0] < until_ms and not opened:
        clock[0] += QUIET_MS // 2
        opened = incidents.reconcile(ws, [finding], quiet_ms=QUIET_MS)
    return opened


def test_what_a_person_resolved_opens_again_only_when_it_still_holds_hours_later(
    workspace: Workspace, clock: list[int]
) -> None:
    first = resolved_by_a_person(workspace)
    resolved_ms = clock[0]
    opened = look(workspace, clock, SLOW, until_ms=resolved_ms + DAY_MS)
    assert opened[0].id != first
    assert clock[0] == resolved_ms + incidents.AGAIN_MS


def test_a_resolved_incident_tells_when_its_condition_was_last_found(
    workspace: Workspace, clock: list[int]
) -> None:
    first = resolved_by_a_person(workspace)
    resolved_ms = clock[0]
    look(workspace, clock, SLOW, until_ms=resolved_ms + HOUR_MS)
    kept = incidents.get_incident(workspace, first)
    assert (kept.resolved_at_ms, kept.updated_at_ms) == (resolved_ms, resolved_ms + HOUR_MS)


def test_what_a_person_resolved_opens_again_when_it_was_quiet_and_came_back(
    workspace: Workspace, clock: list[int]
) -> None:
    first = resolved_by_a_person(workspace)
    clock[0] += QUIET_MS
    assert incidents.reconcile(workspace, [SLOW], quiet_ms=QUIET_MS)[0].id != first


def test_what_a_person_resolved_opens_again_at_once_when_it_got_worse(
    workspace: Workspace, clock: list[int]
) -> None:
    resolved_by_a_person(workspace)
    worse = msgspec.structs.replace(SLOW, severity="critical")
    clock[0] += 1_000
    assert incidents.reconcile(workspace, [worse], quiet_ms=QUIET_MS)[0].severity == "critical"


def test_what_ended_by_itself_opens_again_at_once(workspace: Workspace, clock: list[int]) -> None:
    incidents.reconcile(workspace, [SLOW], quiet_ms=QUIET_MS)
    clock[0] += QUIET_MS
    incidents.reconcile(workspace, [], quiet_ms=QUIET_MS)
    clock[0] += 1_000
    assert len(incidents.reconcile(workspace, [SLOW], quiet_ms=QUIET_MS)) == 1


def test_the_p_limit_shrinks_with_models_and_tests() -> None:
    assert alerts.p_limit(1) == 8 * alerts.p_limit(8)
    assert alerts.p_limit(1, tests=alerts.RULES_A_MODEL) == alerts.p_limit(2)
    looks = alerts.LOOKS_A_WEEK * alerts.RULES_A_MODEL * 8
    assert alerts.p_limit(8) * looks == pytest.approx(alerts.FALSE_ALARMS_A_WEEK)


def test_past_hours_are_computed_once_each_and_then_left(workspace: Workspace, send: Send) -> None:
    send(scored_rows(count=900, hours=3.0))
    done = 0
    while computed := backcast.fill_gaps(workspace):
        done += computed
        assert done < 10
    assert done == 3
    assert backcast.fill_gaps(workspace) == 0


def test_a_past_hour_knows_nothing_of_what_came_after(workspace: Workspace, send: Send) -> None:
    now = workspace.now_ms()
    send(scored_rows(count=3_000, shift_after_ms=now - HOUR_MS))
    while backcast.fill_gaps(workspace):
        pass
    found = workspace.events.analyses("drift", "risk", now - 8 * HOUR_MS, now - HOUR_MS)
    columns = [msgspec.json.decode(one.body)["result"]["data"]["columns"] for one in found]
    effects = [c["effect"] for report in columns for c in report if c["name"] == "age"]
    assert effects and max(effects) < 0.3  # two standard deviations, known, would be 0.68


def test_a_key_belongs_to_its_tenant_alone(workspace: Workspace) -> None:
    tenants.create_tenant(workspace, "acme")
    made = keys.create_key(workspace, "viewer", tenant="acme", name="grafana")
    parsed = keys.parse_key(made.key)
    assert parsed is not None
    found = keys.find_key(workspace.installation, parsed[0])
    assert found is not None and (found[0].tenant, found[0].roles) == ("acme", ("viewer",))
    assert keys.list_keys(workspace) == []
    with pytest.raises(NotFound):
        keys.revoke_key(workspace, parsed[0])


def test_a_tenant_admin_gives_no_more_than_it_has(workspace: Workspace) -> None:
    admin = Principal("a", "acme", ("tenant_admin",), "api_key", "a")
    tenants.create_tenant(workspace, "acme")
    ws = replace(workspace, principal=admin)
    for role, tenant in (("platform_admin", "acme"), ("viewer", "other")):
        with pytest.raises(Forbidden):
            keys.create_key(ws, role, tenant=tenant)
    with pytest.raises(Invalid):
        keys.create_key(ws, "emperor")
    assert [t.id for t in tenants.list_tenants(ws)] == ["acme"]


@pytest.mark.parametrize(
    "odd", ["", "aiobs_", "aiobs_abc.def", "x" * 60, "aiobs_ä2345678." + "a" * 43]
)
def test_what_is_no_key_is_not_parsed(odd: str) -> None:
    assert keys.parse_key(odd) is None


@pytest.mark.parametrize("name", ["", "Acme", "a b", "-a", "a" * 64, "a/b"])
def test_a_tenant_id_is_a_plain_word(workspace: Workspace, name: str) -> None:
    with pytest.raises(Invalid):
        tenants.create_tenant(workspace, name)


def test_a_tenant_is_created_once(workspace: Workspace) -> None:
    tenants.create_tenant(workspace, "acme")
    with pytest.raises(Conflict):
        tenants.create_tenant(workspace, "acme")
    assert tenants.tenant_ids(workspace) == ["acme", "default"]
