"""Scans of vulnerabilities: first seen stays, what is gone is fixed, and tenants stay apart."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages import sources
from services import alerts, vulnerability_scans
from services.errors import Conflict, Invalid, Malformed, NotFound, TooLarge
from services.identity import Principal
from services.incidents import open_incidents
from services.times import DAY_MS, to_rfc3339
from services.vulnerabilities import get_vulnerabilities, list_vulnerabilities
from services.vulnerability_scans import ScanReceipt, forget_scan, record_scan
from services.workspace import Backends, Workspace
from tests.conftest import NOW_MS

ROUTE = "/api/security/vulnerabilities"


def report(*names: str, **more: Any) -> bytes:
    """Names are ``id`` or ``id:score`` or ``id=state``."""
    items = []
    for name in names:
        name, _, state = name.partition("=")
        name, _, score = name.partition(":")
        item: dict[str, Any] = {"id": name, "component": "left", "state": state or "open"}
        items.append(item | ({"score": float(score)} if score else {}))
    return msgspec.json.encode({"vulnerabilities": items, **more})


def scan(ws: Workspace, days_ago: float, *names: str, **options: Any) -> ScanReceipt:
    at = to_rfc3339(NOW_MS - days_ago * DAY_MS)
    options = {"source": "s", "subject": "app"} | options
    return record_scan(ws, report(*names), scanned_at=at, **options)


def test_first_seen_stays_and_what_a_full_scan_lost_is_fixed(workspace: Workspace) -> None:
    scan(workspace, 40, "A:9.5", "B:7.0")
    again = scan(workspace, 10, "A:9.5", "C")
    assert (again.new, again.fixed, again.open, again.found) == (1, 1, 2, 2)
    open_ones = list_vulnerabilities(workspace).rows
    assert [(r.vulnerability.id, r.age_days, r.is_overdue) for r in open_ones] == [
        ("A", 40.0, True), ("C", 10.0, False),
    ]  # fmt: skip
    (fixed,) = list_vulnerabilities(workspace, state="fixed").rows
    assert (fixed.vulnerability.id, fixed.age_days) == ("B", 30.0)


def test_a_critical_one_is_one_incident_of_all_its_systems_until_it_is_fixed(
    workspace: Workspace, clock: list[int]
) -> None:
    scan(workspace, 2, "A:9.5", "B:7.0")
    scan(workspace, 1, "A:9.5", subject="web")
    (opened,) = alerts.evaluate(workspace)
    assert (opened.rule, opened.subject, opened.severity) == ("vulnerability", "A", "critical")
    assert opened.evidence["systems"] == ["app", "web"]
    assert "A" in sources.incident_title(opened) and "web" in sources.incident_title(opened)
    scan(workspace, 0.5, "B:7.0")
    clock[0] += alerts.QUIET_MS
    assert alerts.evaluate(workspace) == [] and len(open_incidents(workspace)) == 1
    scan(workspace, 0.5, subject="web")
    clock[0] += alerts.QUIET_MS
    alerts.evaluate(workspace)
    assert open_incidents(workspace) == []


def test_a_partial_scan_only_adds(workspace: Workspace) -> None:
    scan(workspace, 5, "A", "B")
    assert scan(workspace, 4, "C", is_complete=False).fixed == 0
    assert list_vulnerabilities(workspace).total == 3


def test_partial_scans_do_not_grow_a_system_without_end(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vulnerability_scans, "MAX_ROWS", 3)
    scan(workspace, 9, "A", "B", is_complete=False)
    with pytest.raises(TooLarge, match="full scan"):
        scan(workspace, 8, "C", "D", is_complete=False)
    assert list_vulnerabilities(workspace).total == 2
    scan(workspace, 7, "C", "D", "E")
    assert list_vulnerabilities(workspace, state=None).total == 3


def test_another_system_or_scanner_fixes_nothing_here(workspace: Workspace) -> None:
    scan(workspace, 5, "A")
    scan(workspace, 4, "B", subject="other")
    scan(workspace, 3, "C", source="t")
    assert list_vulnerabilities(workspace).total == 3
    assert list_vulnerabilities(workspace, subject="app", source="t").total == 1


def test_one_that_comes_back_is_a_new_case_and_the_old_one_stays_fixed(
    workspace: Workspace,
) -> None:
    for days_ago, names in ((30, ["A"]), (20, []), (10, ["A"])):
        scan(workspace, days_ago, *names)
    (now,) = list_vulnerabilities(workspace).rows
    assert (now.age_days, now.vulnerability.is_back) == (10.0, True)
    (before,) = list_vulnerabilities(workspace, state="fixed").rows
    assert before.age_days == 10.0


def test_an_analysis_dismisses_fixes_and_reopens(workspace: Workspace) -> None:
    scan(workspace, 9, "A", "B", "C=fixed")
    stated = scan(workspace, 8, "A=dismissed", "B=fixed")
    assert (stated.dismissed, stated.fixed, stated.open) == (1, 1, 0)
    assert get_vulnerabilities(workspace).dismissed == 1
    scan(workspace, 7, "A")
    (again,) = list_vulnerabilities(workspace).rows
    assert (again.age_days, again.vulnerability.is_back) == (9.0, False)
    scan(workspace, 6)
    assert list_vulnerabilities(workspace, state=None).total == 2


def open_at(ws: Workspace, *days_ago: float) -> list[float]:
    """Return how many were open some days ago, from the steps of the trend."""
    ws.cache.invalidate("")
    trend = get_vulnerabilities(ws).trend
    at = np.array(trend.at_ms)
    places = [int(np.searchsorted(at, NOW_MS - d * DAY_MS, side="right")) - 1 for d in days_ago]
    return [sum(counts[place] for counts in trend.open.values()) for place in places]


def test_a_dismissed_one_that_a_full_scan_drops_stays_in_the_past_as_it_was(
    workspace: Workspace,
) -> None:
    scan(workspace, 40, "A:9.5", "B:7.0")
    scan(workspace, 20, "A:9.5=dismissed", "B:7.0")
    before = open_at(workspace, 35, 25, 15)
    assert before == [2.0, 2.0, 1.0]
    dropped = scan(workspace, 10, "B:7.0")
    assert (dropped.fixed, dropped.dismissed, dropped.open) == (0, 0, 1)
    assert open_at(workspace, 35, 25, 15) == before
    assert get_vulnerabilities(workspace).dismissed == 0
    assert list_vulnerabilities(workspace, state=None).total == 1
    again = scan(workspace, 5, "A:9.5", "B:7.0")
    assert (again.new, open_at(workspace, 35, 25, 15, 7, 2)) == (1, [*before, 1.0, 2.0])


@pytest.mark.parametrize("then", ["A:9.5", "A:9.5=fixed"])
def test_the_time_in_which_one_was_dismissed_stays_so_whatever_comes_later(
    workspace: Workspace, then: str
) -> None:
    scan(workspace, 40, "A:9.5")
    scan(workspace, 30, "A:9.5=dismissed")
    scan(workspace, 10, then)
    assert open_at(workspace, 35, 20, 5) == [1.0, 0.0, float(then == "A:9.5")]


def test_the_same_scan_twice_changes_nothing(workspace: Workspace) -> None:
    scan(workspace, 9, "A", "B")
    scan(workspace, 3, "A")
    before = list_vulnerabilities(workspace, state=None)
    assert scan(workspace, 3, "A").new == 0
    assert list_vulnerabilities(workspace, state=None) == before


def test_what_cannot_be_placed_is_refused(workspace: Workspace) -> None:
    scan(workspace, 3, "A")
    with pytest.raises(Conflict):
        scan(workspace, 4, "A")
    with pytest.raises(Invalid, match="future"):
        scan(workspace, -1, "A")
    with pytest.raises(Invalid, match="subject"):
        scan(workspace, 1, "A", subject="")
    with pytest.raises(Invalid, match="source"):
        scan(workspace, 1, "A", source="")
    with pytest.raises(Invalid, match="none of"):
        record_scan(workspace, b"{}", source="s", subject="app")


def test_severity_is_the_score_then_the_vector_then_the_word(workspace: Workspace) -> None:
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    items = [
        {"id": "a", "component": "c", "score": 5.0, "severity": "critical"},
        {"id": "b", "component": "c", "vector": vector, "severity": "low"},
        {"id": "c", "component": "c", "vector": "CVSS:4.0/AV:N", "severity": "Important"},
        {"id": "d", "component": "c", "severity": "odd"},
    ]
    record_scan(workspace, msgspec.json.encode({"vulnerabilities": items}), source="s", subject="a")
    rows = {r.vulnerability.id: r.vulnerability for r in list_vulnerabilities(workspace).rows}
    assert {name: row.severity for name, row in rows.items()} == {
        "a": "medium", "b": "critical", "c": "high", "d": "unknown",
    }  # fmt: skip
    assert rows["b"].score == 9.8


def test_the_view_sums_ages_trend_and_time_to_fix(workspace: Workspace) -> None:
    names = [f"F{i}:8.0" for i in range(6)]
    scan(workspace, 60, *names, "A:9.5")
    scan(workspace, 50, *names[3:], "A:9.5")
    scan(workspace, 40, "A:9.5", "B:1.0")
    found = get_vulnerabilities(workspace)
    assert (found.open, found.overdue) == (2, 1)
    assert found.by_age[0] == [0, 0, 1, 0] and found.by_age[3] == [0, 0, 1, 0]
    assert found.time_to_fix is not None
    assert (found.time_to_fix.median_days, found.time_to_fix.n_open) == (20.0, 2)
    high = found.trend.open["high"]
    assert (high[0], high[-1]) == (6.0, 0.0)
    assert found.trend.at_ms[0] == NOW_MS - 60 * DAY_MS
    assert [(s.scans, s.open) for s in found.systems] == [(3, 2)]


def test_pages_sorts_and_text(workspace: Workspace) -> None:
    scan(workspace, 9, "A:5.0", "B:9.0")
    scan(workspace, 1, "A:5.0", "B:9.0", "C:9.9", "D")
    ids = [
        r.vulnerability.id
        for cursor in (None, "2")
        for r in list_vulnerabilities(workspace, limit=2, cursor=cursor, sort="age").rows
    ]
    assert ids == ["A", "B", "C", "D"]
    by_score = [r.vulnerability.id for r in list_vulnerabilities(workspace, sort="score").rows]
    assert by_score == ["C", "B", "A", "D"]
    page = list_vulnerabilities(workspace, limit=3)
    assert (page.next_cursor, page.total) == ("3", 4)
    assert list_vulnerabilities(workspace, text="c", severity="critical").total == 1
    for wrong in ("x", "-1", "²"):
        with pytest.raises(Malformed):
            list_vulnerabilities(workspace, cursor=wrong)
    with pytest.raises(Invalid):
        list_vulnerabilities(workspace, limit=0)


def test_old_endings_are_forgotten_and_sizes_have_limits(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(workspace, 500, "A", "B")
    scan(workspace, 450)
    scan(workspace, 10)
    assert list_vulnerabilities(workspace, state=None).total == 0
    monkeypatch.setattr(vulnerability_scans, "MAX_SYSTEMS", 1)
    with pytest.raises(Invalid, match="delete one"):
        scan(workspace, 1, subject="second")
    with pytest.raises(TooLarge):
        scan(workspace, 1, *[f"X{i}" for i in range(10_001)])


def test_tenants_do_not_see_or_delete_each_others(workspace: Workspace, backends: Backends) -> None:
    mine = scan(workspace, 1, "A")
    other = backends.workspace(Principal("x", "other", ("tenant_admin",), "local"))
    assert list_vulnerabilities(other).total == 0
    assert get_vulnerabilities(other).open == 0
    with pytest.raises(NotFound):
        forget_scan(other, mine.scan_id)
    forget_scan(workspace, mine.scan_id)
    assert get_vulnerabilities(workspace).systems == []


def test_scans_come_in_over_http_and_go_out(client: FlaskClient) -> None:
    body = report("A:9.8", source="s", subject="app")
    sent = client.post(ROUTE, data=body, content_type="application/vnd.cyclonedx+json")
    assert sent.status_code == 201 and sent.json["data"]["new"] == 1
    page = client.get(f"{ROUTE}?severity=critical").json["data"]
    assert page["rows"][0]["vulnerability"]["id"] == "A"
    assert client.get(f"{ROUTE}/summary").json["data"]["open"] == 1
    assert client.post(ROUTE, data=body, content_type="text/plain").status_code == 415
    assert client.post(ROUTE, data=b"{", content_type="application/json").status_code == 422
    scan_id = sent.json["data"]["scan_id"]
    assert client.delete(f"{ROUTE}/systems/{scan_id}").status_code == 200
    assert client.delete(f"{ROUTE}/systems/{scan_id}").status_code == 404


def test_a_sender_may_send_but_not_read(locked_hub: Flask, make_key: Any) -> None:
    client = locked_hub.test_client()
    sender, auditor = ({"X-API-Key": make_key("acme", r)} for r in ("sender", "auditor"))
    body = report("A", source="s", subject="app")
    sent = client.post(ROUTE, data=body, content_type="application/json", headers=sender)
    assert sent.status_code == 201
    assert client.get(ROUTE, headers=sender).status_code == 403
    assert client.get(ROUTE, headers=auditor).json["data"]["total"] == 1
    elsewhere = {"X-API-Key": make_key("beta", "auditor")}
    assert client.get(ROUTE, headers=elsewhere).json["data"]["total"] == 0
