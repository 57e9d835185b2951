"""The record store of a Workspace: a change of state and its entry are one."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

import services
from connectors.errors import Conflict
from connectors.protocols import AuditEntry
from engines.audit import digest
from services.audited import AUDITED, NOT_AUDITED
from services.models import Registration, register_model
from services.workspace import Workspace

WRITERS = ("records", "installation", "tx", "transaction")
FOLDER = Path(services.__file__).parent


def entries(ws: Workspace, tenant: str = "default") -> list[AuditEntry]:
    with ws.records.transaction() as transaction:
        return transaction.chain(tenant).entries(0, 1_000)


def told(ws: Workspace, tenant: str = "default") -> list[dict[str, Any]]:
    return [json.loads(entry.body) for entry in entries(ws, tenant)]


def test_no_service_writes_records_by_a_way_that_the_walk_does_not_see() -> None:
    calls = {
        (path.name, ast.unparse(node.func))
        for path in FOLDER.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("put", "delete")
        and path.stem != "audited"
    }
    seen = {(file, call) for file, call in calls if call.split(".")[-2] in WRITERS}
    stores = {call.split(".")[-2] for _, call in calls - seen}
    assert stores <= {"cache", "metrics"}


def test_a_change_is_told_with_who_what_and_the_digest(workspace: Workspace) -> None:
    first = {"definition": {"target": 0.99, "indicator": "errors", "name": "Käse"}}
    second = {"definition": {"target": 0.995, "indicator": "errors"}, "days": 7}
    workspace.records.put("slo", "checkout", first)
    workspace.records.put("slo", "checkout", second)
    workspace.records.delete("slo", "checkout")
    made, changed, gone = told(workspace)
    assert [one["action"] for one in (made, changed, gone)] == [
        "slo.created", "slo.updated", "slo.deleted",
    ]  # fmt: skip
    assert {json.dumps(one["actor"], sort_keys=True) for one in (made, changed, gone)} == {
        '{"id": "test", "roles": ["platform_admin", "scheduler"], "type": "local"}'
    }
    assert made["details"] | {"now": None} == {
        "revision": 1, "digest": digest(first), "now": None,
    }  # fmt: skip
    assert changed["details"]["changed"] == ["days", "definition"]
    assert changed["details"]["before"]["definition.target"] == "0.99"
    assert changed["details"]["now"]["definition.target"] == "0.995"
    assert gone["resource"] == {"kind": "slo", "id": "checkout"}
    assert [one["seq"] for one in (made, changed, gone)] == [0, 1, 2]


def test_the_same_again_is_no_change(workspace: Workspace) -> None:
    for _ in range(3):
        register_model(workspace, "risk", Registration(purpose="credit"))
    assert [one["action"] for one in told(workspace)] == ["model.created"]


@pytest.mark.parametrize("kind", [k for k, noun in AUDITED.items() if noun.uncounted])
def test_fields_that_do_not_count_leave_no_entry(workspace: Workspace, kind: str) -> None:
    body = {"state": "open"} | {name: 1 for name in AUDITED[kind].uncounted}
    workspace.records.put(kind, "a", body)
    workspace.records.put(kind, "a", body | {name: 2 for name in AUDITED[kind].uncounted})
    assert len(entries(workspace)) == 1
    workspace.records.put(kind, "a", body | {"state": "resolved"})
    assert told(workspace)[-1]["details"]["changed"] == ["state"]


@pytest.mark.parametrize("kind", sorted(NOT_AUDITED))
def test_what_machines_note_for_themselves_leaves_no_entry(workspace: Workspace, kind: str) -> None:
    workspace.records.put(kind, "a", {"n": 1})
    workspace.records.put(kind, "a", {"n": 2})
    assert workspace.records.delete(kind, "a")
    assert entries(workspace) == []


def test_what_failed_is_not_told(workspace: Workspace) -> None:
    workspace.records.put("slo", "a", {"target": 1})
    with pytest.raises(Conflict):
        workspace.records.put("slo", "a", {"target": 2}, expected_revision=7)
    with pytest.raises(RuntimeError), workspace.records.transaction() as transaction:
        transaction.put("slo", "b", {"target": 3})
        raise RuntimeError("the caller gives up")
    assert workspace.records.delete("slo", "none") is False
    assert [one["resource"]["id"] for one in told(workspace)] == ["a"]


def test_no_change_without_its_entry(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from connectors.audit_log import SqlAuditLog

    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(SqlAuditLog, "append", broken)
    with pytest.raises(OSError):
        workspace.records.put("slo", "a", {"target": 1})
    assert workspace.records.get("slo", "a") is None


def test_names_of_people_are_not_told(workspace: Workspace) -> None:
    register_model(workspace, "risk", Registration(owner="ann@example.org", name="Ann's model"))
    body = entries(workspace)[0].body
    assert b"ann@example.org" not in body and b"Ann's" not in body
