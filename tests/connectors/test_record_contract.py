"""What every record backend must do, over SQLite and a real PostgreSQL."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import migrations
from connectors.errors import Conflict, Refused, Unavailable
from connectors.protocols import RecordStore
from connectors.record_tables import METADATA
from connectors.records import SqlRecordBackend

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def backend(record_url: str) -> Iterator[SqlRecordBackend]:
    backend = SqlRecordBackend(record_url)
    yield backend
    backend.close()


@pytest.fixture
def store(backend: SqlRecordBackend) -> RecordStore:
    return backend.scoped("acme")


def test_put_then_get_returns_the_same_body(store: RecordStore) -> None:
    body = {"name": "Käse\x00", "n": 2**53, "x": 0.1, "none": None, "deep": [{"a": [True]}]}
    put = store.put("model", "org/name:v2", body)
    assert store.get("model", "org/name:v2") == put
    assert put.body == body
    assert put.revision == 1


def test_absent_is_none_and_delete_says_whether_it_was_there(store: RecordStore) -> None:
    assert store.get("model", "a") is None
    store.put("model", "a", {})
    assert store.delete("model", "a") is True
    assert store.delete("model", "a") is False
    assert store.get("model", "a") is None


def test_revision_grows_by_one_and_creation_time_stays(store: RecordStore) -> None:
    first = store.put("model", "a", {"v": 1})
    second = store.put("model", "a", {"v": 2})
    third = store.put("model", "a", {"v": 3}, expected_revision=2)
    assert [first.revision, second.revision, third.revision] == [1, 2, 3]
    assert third.created_at_ms == first.created_at_ms
    assert third.updated_at_ms >= first.updated_at_ms


@pytest.mark.parametrize("expected", [0, 2, 99])
def test_a_wrong_expectation_conflicts_and_changes_nothing(
    store: RecordStore, expected: int
) -> None:
    store.put("model", "a", {"v": 1})
    with pytest.raises(Conflict):
        store.put("model", "a", {"v": 2}, expected_revision=expected)
    record = store.get("model", "a")
    assert record is not None
    assert (record.revision, record.body) == (1, {"v": 1})


def test_expecting_a_revision_of_an_absent_record_conflicts(store: RecordStore) -> None:
    with pytest.raises(Conflict):
        store.put("model", "a", {}, expected_revision=1)
    assert store.put("model", "a", {}, expected_revision=0).revision == 1


def test_tenants_and_kinds_do_not_see_each_other(backend: SqlRecordBackend) -> None:
    backend.scoped("acme").put("model", "a", {"owner": "acme"})
    backend.scoped("").put("model", "a", {"owner": "installation"})
    assert backend.scoped("other").get("model", "a") is None
    assert backend.scoped("other").list("model") == []
    assert backend.scoped("acme").get("key", "a") is None
    assert backend.scoped("other").delete("model", "a") is False
    assert [r.body["owner"] for r in backend.scoped("").list("model")] == ["installation"]


def test_list_is_in_byte_order_of_id_and_continues_after(store: RecordStore) -> None:
    ids = ["b", "A", "a/1", "a-1", "é", "Z", "a", "_"]
    for id in ids:
        store.put("model", id, {})
    expected = sorted(ids, key=str.encode)
    assert [r.id for r in store.list("model")] == expected
    assert [r.id for r in store.list("model", limit=3)] == expected[:3]
    rest = store.list("model", after_id=expected[2])
    assert [r.id for r in rest] == expected[3:]


def test_where_compares_top_level_text_only(store: RecordStore) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "text": {"status": "1"}, "number": {"status": 1}, "truth": {"status": True},
        "nested": {"x": {"status": "1"}}, "list": {"status": ["1"]}, "absent": {},
        "null": {"status": None},
    }  # fmt: skip
    for id, body in bodies.items():
        store.put("model", id, body)
    assert [r.id for r in store.list("model", where={"status": "1"})] == ["text"]
    assert store.list("model", where={"status": "' OR 1=1 --"}) == []
    assert store.list("model", where={"status": "1", "other": "x"}) == []


@pytest.mark.parametrize("field", ['a"b', "a.b", "", "$", "a b"])
def test_where_refuses_what_is_not_a_field_name(store: RecordStore, field: str) -> None:
    with pytest.raises(Refused):
        store.list("model", where={field: "x"})


@pytest.mark.parametrize("bad", ["", "a\x00b", "x" * 501, "\ud800"])
def test_keys_that_a_database_would_change_are_refused(store: RecordStore, bad: str) -> None:
    with pytest.raises(Refused):
        store.put("model", bad, {})
    with pytest.raises(Refused):
        store.put_blob(bad, "a", b"")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x", "\ud800"])
def test_a_body_that_is_not_json_is_refused(store: RecordStore, value: object) -> None:
    with pytest.raises(Refused):
        store.put("model", "a", {"value": value})
    assert store.get("model", "a") is None


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_limits_are_bounded(store: RecordStore, limit: int) -> None:
    with pytest.raises(Refused):
        store.list("model", limit=limit)


def test_transaction_takes_effect_together(store: RecordStore) -> None:
    with store.transaction() as transaction:
        transaction.put("model", "a", {})
        transaction.put("audit", "1", {})
        assert transaction.get("model", "a") is not None
        assert store.get("model", "a") is None
    assert store.get("model", "a") is not None
    assert store.get("audit", "1") is not None


def test_a_failed_transaction_leaves_nothing(store: RecordStore) -> None:
    store.put("model", "b", {"v": 1})
    with pytest.raises(ZeroDivisionError), store.transaction() as transaction:
        transaction.put("model", "a", {})
        transaction.delete("model", "b")
        _ = 1 // 0
    with pytest.raises(Conflict), store.transaction() as transaction:
        transaction.put("model", "a", {})
        transaction.put("model", "b", {}, expected_revision=7)
    assert [(r.id, r.body) for r in store.list("model")] == [("b", {"v": 1})]


def test_a_second_transaction_in_the_same_thread_is_a_clear_error(store: RecordStore) -> None:
    with store.transaction() as transaction:
        with pytest.raises(RuntimeError, match="already open"):
            store.put("model", "a", {})
        transaction.put("model", "a", {})
    assert store.put("model", "a", {}).revision == 2


def test_transactions_of_a_tenant_see_nobody_in_between(backend: SqlRecordBackend) -> None:
    def count() -> None:
        store = backend.scoped("acme")
        for _ in range(10):
            with store.transaction() as transaction:
                record = transaction.get("chain", "head")
                n = record.body["n"] if record else 0
                transaction.put("chain", "head", {"n": n + 1})

    threads = [threading.Thread(target=count) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record = backend.scoped("acme").get("chain", "head")
    assert record is not None
    assert (record.body, record.revision) == ({"n": 60}, 60)


def test_blobs_come_back_byte_for_byte(backend: SqlRecordBackend) -> None:
    store = backend.scoped("acme")
    content = bytes(range(256)) * 4096
    store.put_blob("reference", "m", b"old")
    store.put_blob("reference", "m", content)
    assert store.get_blob("reference", "m") == content
    assert backend.scoped("other").get_blob("reference", "m") is None
    assert store.delete_blob("reference", "m") is True
    assert store.delete_blob("reference", "m") is False
    assert store.get_blob("reference", "m") is None


def test_state_survives_reopening(record_url: str) -> None:
    first = SqlRecordBackend(record_url)
    first.scoped("acme").put("model", "a", {"v": 1})
    first.close()
    second = SqlRecordBackend(record_url)
    record = second.scoped("acme").get("model", "a")
    second.close()
    assert record is not None
    assert record.body == {"v": 1}


# Schema and trouble


def test_migrations_build_exactly_the_tables_the_code_uses(backend: SqlRecordBackend) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    with backend._engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == migrations.HEAD
        assert compare_metadata(context, METADATA) == []
    folder = str(Path(migrations.__file__).parent)
    assert ScriptDirectory(folder).get_current_head() == migrations.HEAD


def test_a_database_of_a_newer_version_is_refused(record_url: str) -> None:
    backend = SqlRecordBackend(record_url)
    with backend._write.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'r9999'"))
    backend.close()
    with pytest.raises(Refused, match="newer"):
        SqlRecordBackend(record_url)


def test_health_says_which_database_answers(backend: SqlRecordBackend) -> None:
    health = backend.health()
    assert health.ok
    assert "records" in health.name
    assert health.stats["answer_ms"] > 0


@pytest.mark.parametrize("url", ["", "mysql://h/d", "sqlite://", "sqlite:///:memory:", "nonsense"])
def test_other_databases_are_refused_at_start(url: str) -> None:
    with pytest.raises(Refused):
        SqlRecordBackend(url)


def test_an_unreachable_postgresql_is_unavailable_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        SqlRecordBackend(f"postgresql://u:secret@/d?host={tmp_path}")
    assert "secret" not in str(caught.value)


def test_sqlite_file_is_private_and_commits_are_synced(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "records.db"
    backend = SqlRecordBackend(f"sqlite:///{path}")
    assert path.stat().st_mode & 0o077 == 0
    with backend._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    backend.close()


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
finite = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | finite | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


def test_any_json_comes_back_unchanged(tmp_path: Path) -> None:
    backend = SqlRecordBackend(f"sqlite:///{tmp_path / 'r.db'}")

    @settings(max_examples=60, deadline=None)
    @given(value=json_values)
    def unchanged(value: object) -> None:
        assert backend.scoped("t").put("k", "i", {"v": value}).body == {"v": value}

    unchanged()
    backend.close()
