"""The audit chain through the services: what leaves an entry, and who changes history unseen."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

import services
from engines import audit as engine
from services import audit, keys, subject_requests
from services.alerts import evaluate
from services.attestations import attest, withdraw_attestation
from services.audited import AUDITED, NOT_AUDITED
from services.errors import Invalid, NotFound
from services.incidents import Finding, change_state, list_incidents, reconcile
from services.jobs import sign_audit, verify_audit
from services.tenants import create_tenant
from services.times import HOUR_MS
from services.workspace import Backends, Workspace
from tests.conftest import NOW_MS, admin

STATEMENT = "The quality management system was reviewed by the board."
OBJECTIVE = {
    "name": "Answers", "model_id": "bot", "indicator": {"kind": "availability"}, "target": 0.99,
}  # fmt: skip


def told(ws: Workspace) -> list[str]:
    return [row.action for row in reversed(audit.list_entries(ws).rows)]


def tamper(backends: Backends, *statements: str) -> None:
    """Change the database as somebody who holds its file can."""
    with backends.records._engine.begin() as connection:  # type: ignore[attr-defined]
        changed = [connection.execute(sa.text(one)).rowcount for one in statements]
    assert sum(changed) > 0


def some_history(ws: Workspace, n: int = 5) -> None:
    for k in range(n):
        audit.log(ws, "test.told", "test", str(k))


def test_every_kind_of_record_in_the_product_is_in_one_list() -> None:
    """Kinds stand as constants or literals in calls of put, get, list and delete on records."""
    found: set[str] = set()
    for path in Path(services.__path__[0]).glob("*.py"):
        tree = ast.parse(path.read_text())
        constants: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                names = [n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
                texts = [c.value for c in ast.walk(node.value) if isinstance(c, ast.Constant)]
                constants |= {
                    k: v for k, v in zip(names, texts, strict=False) if isinstance(v, str)
                }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = ast.unparse(node.func.value)
            if node.func.attr in ("put", "delete") and owner.endswith(
                ("records", "tx", "installation")
            ):
                kind = node.args[0]
                if isinstance(kind, ast.Constant):
                    found.add(kind.value)
                elif isinstance(kind, ast.Name) and kind.id in constants:
                    found.add(constants[kind.id])
    assert len(found) >= 25
    assert found <= AUDITED.keys() | NOT_AUDITED.keys()
    assert not AUDITED.keys() & NOT_AUDITED.keys()


def test_a_kind_in_no_list_is_refused(workspace: Workspace) -> None:
    for act in (
        lambda: workspace.records.put("new_kind", "a", {}),
        lambda: workspace.records.delete("new_kind", "a"),
    ):
        with pytest.raises(LookupError, match="new_kind"):
            act()


def test_a_change_of_state_leaves_an_entry_with_who_and_what(workspace: Workspace) -> None:
    made = attest(workspace, "AIA-17-1", STATEMENT)
    withdraw_attestation(workspace, made.id)
    first, last = reversed(audit.list_entries(workspace).rows)
    assert (first.action, last.action) == ("attestation.created", "attestation.updated")
    assert first.actor == {"id": "test", "type": "local", "roles": ["platform_admin", "scheduler"]}
    assert first.resource == {"kind": "attestation", "id": made.id}
    assert last.details["changed"] == ["withdrawn_at_ms", "withdrawn_by"]
    assert last.details["now"] == {"control_id": "AIA-17-1", "withdrawn_at_ms": NOW_MS}
    assert last.previous_hash == first.hash
    record = workspace.records.get("attestation", made.id)
    assert record is not None and last.details["digest"] == engine.digest(record.body)


def test_what_a_person_would_not_call_a_change_leaves_none(workspace: Workspace) -> None:
    finding = Finding("errors", "model", "bot", "warning", "Errors", {"now": 0.1})
    [opened] = reconcile(workspace, [finding], quiet_ms=600_000)
    reconcile(workspace, [finding], quiet_ms=600_000)
    assert told(workspace) == ["incident.created"]
    change_state(workspace, opened.id, "acknowledged")
    assert told(workspace) == ["incident.created", "incident.updated"]
    assert audit.get_entry(workspace, 1).details["now"]["state"] == "acknowledged"
    workspace.records.put("sketch_cursor", "x", {"cursor": "1"})
    assert len(told(workspace)) == 2


def test_no_personal_data_and_no_secret_is_told(workspace: Workspace) -> None:
    made = keys.create_key(workspace, "sre", name="Jane Doe's laptop")
    subject_requests.record_request(workspace, "CASE-4711", "erasure")
    attest(workspace, "AIA-17-1", STATEMENT)
    text = b"".join(audit.export_entries(workspace)).decode()
    secret = made.key.split(".")[1]
    for never in ("Jane", "CASE-4711", STATEMENT, secret):
        assert never not in text
    assert '"role":"sre"' in text and '"commitment"' in text


def test_keys_are_told_in_the_chain_of_their_tenant(
    workspace: Workspace, backends: Backends
) -> None:
    create_tenant(workspace, "acme")
    keys.create_key(workspace, "viewer", tenant="acme")
    acme = backends.workspace(admin("acme"))
    assert told(acme) == ["tenant.created", "key.created"]
    assert told(workspace) == []
    assert audit.verify_chain(acme).is_whole


def test_proofs_hold_without_the_hub(workspace: Workspace) -> None:
    some_history(workspace, 7)
    old = audit.get_checkpoint(workspace)
    some_history(workspace, 4)
    new = audit.get_checkpoint(workspace)
    proof = audit.prove_inclusion(workspace, 3)
    lines = list(audit.export_entries(workspace))
    path = [bytes.fromhex(one) for one in proof.path]
    root = engine.open_note(proof.checkpoint, new.verifier).root
    assert engine.verify_inclusion(engine.leaf_hash(lines[3][:-1]), 3, proof.size, path, root)
    grown = audit.prove_consistency(workspace, old.size, new.size)
    path = [bytes.fromhex(one) for one in grown.path]
    assert engine.verify_consistency(
        old.size, new.size, path, bytes.fromhex(old.root), bytes.fromhex(new.root)
    )


def test_a_head_is_signed_when_the_chain_has_grown(workspace: Workspace) -> None:
    assert sign_audit(workspace) == 1  # of nothing: from here on it can only grow
    assert sign_audit(workspace) == 0
    some_history(workspace)
    assert sign_audit(workspace) == 1
    assert audit.get_checkpoint(workspace).size == 5


def test_the_hub_checks_its_chain_once_an_hour_and_an_empty_one_again_soon(
    workspace: Workspace, clock: list[int]
) -> None:
    assert verify_audit(workspace) == 0
    some_history(workspace)
    assert verify_audit(workspace) == 5
    some_history(workspace)
    assert verify_audit(workspace) == 0
    clock[0] += HOUR_MS
    assert verify_audit(workspace) == 10


CHANGES: dict[str, tuple[str, ...]] = {
    "an entry": (
        "update audit_entries set body = cast(replace(cast(body as text), 'test', 'tent') as blob)"
        " where seq = 2",
    ),
    "an entry as text": ("update audit_entries set body = cast(body as text) || ' '",),
    "an entry's hash": ("update audit_entries set hash = x'00' where seq = 2",),
    "what it is found by": ("update audit_entries set actor = 'nobody' where seq = 2",),
    "an entry left out": ("delete from audit_entries where seq = 2",),
    "the newest left out": ("delete from audit_entries where seq = 5",),
    "two swapped": (
        "update audit_entries set seq = seq + 100 where seq in (2, 4)",
        "update audit_entries set seq = 106 - seq where seq > 100",
    ),
    "an entry twice": (
        "insert into audit_entries select tenant, 6, body, hash, at_ms, actor, action, kind,"
        " resource from audit_entries where seq = 5",
    ),
    "a subtree": ("update audit_nodes set hash = x'00' where level = 1 and place = 1",),
    "a subtree left out": ("delete from audit_nodes where level = 0 and place = 5",),
    "a head's root": ("update audit_heads set root = zeroblob(32) where size = 6",),
    "a head's note": ("update audit_heads set note = 'x'",),
}


@pytest.mark.parametrize("what", CHANGES)
def test_who_holds_the_database_changes_nothing_unseen(
    workspace: Workspace, backends: Backends, what: str
) -> None:
    some_history(workspace, 6)
    sign_audit(workspace)
    assert audit.verify_chain(workspace).is_whole
    tamper(backends, *CHANGES[what])
    found = audit.verify_chain(workspace)
    assert not found.is_whole and found.faults


def rewritten(ws: Workspace, backends: Backends, n: int) -> None:
    """Write the whole history anew, as an insider who holds database and signing key can."""
    tables = ("audit_entries", "audit_nodes", "audit_heads")
    tamper(backends, *(f"delete from {table}" for table in tables))
    for k in range(n):
        audit.log(ws, "test.retold", "test", str(k))


def test_a_remembered_head_tells_what_nothing_else_can(
    workspace: Workspace, backends: Backends
) -> None:
    some_history(workspace, 6)
    kept = audit.get_checkpoint(workspace).note
    assert audit.verify_chain(workspace, remembered=kept).remembered == "same"
    some_history(workspace, 2)
    assert audit.verify_chain(workspace, remembered=kept).remembered == "grown"
    rewritten(workspace, backends, 8)
    alone = audit.verify_chain(workspace)
    assert alone.is_whole  # stolen key: the chain itself is sound
    found = audit.verify_chain(workspace, remembered=kept)
    assert found.remembered == "rewritten" and not found.is_whole
    rewritten(workspace, backends, 3)
    assert audit.verify_chain(workspace, remembered=kept).remembered == "truncated"


def test_a_chain_that_was_changed_is_not_signed_again(
    workspace: Workspace, backends: Backends
) -> None:
    some_history(workspace, 6)
    sign_audit(workspace)
    tamper(backends, "delete from audit_entries", "delete from audit_nodes")
    some_history(workspace, 9)
    assert sign_audit(workspace) == 0
    verify_audit(workspace)
    evaluate(workspace)
    [broken] = [i for i in list_incidents(workspace) if i.rule == "audit_broken"]
    assert broken.severity == "critical"


@pytest.mark.parametrize(
    "note",
    ["x", "aiobs/audit/default\n1\nAAAA\n\n— a b\n", "log\n3\n" + "A" * 44 + "\n\n— x AAAA\n"],
)
def test_what_is_no_checkpoint_of_this_chain_is_said(workspace: Workspace, note: str) -> None:
    with pytest.raises(Invalid):
        audit.verify_chain(workspace, remembered=note)


def test_a_checkpoint_of_another_tenant_is_not_taken(
    workspace: Workspace, backends: Backends
) -> None:
    other = audit.get_checkpoint(backends.workspace(admin("acme"))).note
    with pytest.raises(Invalid):
        audit.verify_chain(workspace, remembered=other)


def test_what_is_not_there_is_said(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        audit.get_entry(workspace, 0)
    with pytest.raises(NotFound):
        audit.prove_inclusion(workspace, 9)
    with pytest.raises(Invalid):
        audit.prove_consistency(workspace, 0)


def test_entries_are_paged_and_filtered_over_the_api(
    client: FlaskClient, workspace: Workspace
) -> None:
    some_history(workspace, 12)
    first = client.get("/api/audit/entries?limit=5").get_json()["data"]
    assert (first["size"], first["total"], first["before"]) == (12, 12, 7)
    rest = client.get("/api/audit/entries?limit=50&before=7").get_json()["data"]
    assert [row["seq"] for row in rest["rows"]] == [6, 5, 4, 3, 2, 1, 0] and rest["before"] is None
    one = client.get("/api/audit/entries?resource=3").get_json()["data"]
    assert [row["resource"]["id"] for row in one["rows"]] == ["3"]
    none = client.get("/api/audit/entries?start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z")
    assert none.get_json()["data"]["rows"] == []
    assert client.get("/api/audit/entries/x").status_code == 400
    assert client.get("/api/audit/entries/99").status_code == 404
    assert client.get("/api/audit/entries?limit=0").status_code == 422
    assert client.post("/api/audit/verify", json={"checkpoint": "x"}).status_code == 422
    assert client.post("/api/audit/verify", json={}).get_json()["data"]["is_whole"] is True


def test_an_export_is_the_chain_and_is_told(hub: Flask, client: FlaskClient) -> None:
    client.put("/api/slo/answers", json=OBJECTIVE)
    lines = client.get("/api/audit/export.jsonl").data.splitlines()
    assert json.loads(lines[-1])["action"] == "audit.exported"
    point = client.get("/api/audit/checkpoint").get_json()["data"]
    root = bytes.fromhex(point["root"])
    name = point["origin"].rsplit("/", 1)[1]
    assert engine.check_chain(lines, name, {point["size"]: root}).is_whole


def test_an_objective_is_told_with_its_target_before_and_after(
    client: FlaskClient, workspace: Workspace
) -> None:
    for target in (0.99, 0.999, 0.999):
        assert (
            client.put("/api/slo/answers", json=OBJECTIVE | {"target": target}).status_code == 200
        )
    changed, made = audit.list_entries(workspace, audit.Query(kind="slo")).rows
    assert (made.action, changed.action) == ("slo.created", "slo.updated")
    assert changed.details["before"]["definition.target"] == "0.99"
    assert changed.details["now"]["definition.target"] == "0.999"
    assert client.delete("/api/slo/answers").status_code == 200
    assert told(workspace)[-1] == "slo.deleted"
