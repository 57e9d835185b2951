"""The audit chain's tables, over SQLite and a real PostgreSQL."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from hashlib import sha256

import pytest

from connectors.errors import Conflict, Refused
from connectors.protocols import AuditEntry, AuditHead, AuditQuery, RecordStore
from connectors.records import SqlRecordBackend


@pytest.fixture
def store(record_url: str) -> Iterator[RecordStore]:
    backend = SqlRecordBackend(record_url)
    yield backend.scoped("acme")
    backend.close()


def entry(
    seq: int, *, actor: str = "k1", kind: str = "slo", at_ms: int | None = None
) -> AuditEntry:
    body = f"entry {seq}".encode()
    at = seq * 1_000 if at_ms is None else at_ms
    return AuditEntry(seq, body, sha256(body).digest(), at, actor, f"{kind}.updated", kind, "a")


def fill(store: RecordStore, *entries: AuditEntry) -> None:
    with store.transaction() as transaction:
        chain = transaction.chain("acme")
        for one in entries:
            chain.append(one, [(0, one.seq, one.hash)])


def test_an_empty_chain_has_no_tip(store: RecordStore) -> None:
    with store.read_chain() as chain:
        assert chain.tip() == (0, None)
        assert (chain.head(), chain.heads(), chain.get(0), chain.entries(0, 10)) == (
            None, [], None, [],
        )  # fmt: skip
        with pytest.raises(Refused):
            chain.node(0, 0)


def test_what_was_appended_is_read_in_order_and_found_newest_first(store: RecordStore) -> None:
    entries = [entry(0), entry(1, actor="k2"), entry(2, kind="model"), entry(3)]
    fill(store, *entries)
    with store.read_chain() as chain:
        assert chain.tip() == (4, entries[3].hash)
        assert chain.entries(1, 2) == entries[1:3]
        assert chain.get(2) == entries[2]
        assert chain.node(0, 3) == entries[3].hash
        assert chain.find(AuditQuery()) == entries[::-1]
        assert chain.find(AuditQuery(), before=2, limit=1) == [entries[1]]
        assert chain.find(AuditQuery(actor="k1", kind="slo")) == [entries[3], entries[0]]
        assert chain.find(AuditQuery(start_ms=1_000, end_ms=3_000)) == entries[2:0:-1]
        assert chain.count(AuditQuery(action="model.updated")) == 1
        with pytest.raises(Refused):
            chain.find(AuditQuery(), limit=0)


def test_a_place_is_taken_once(store: RecordStore) -> None:
    fill(store, entry(0))
    with pytest.raises(Conflict):
        fill(store, entry(0, actor="late"))
    with store.read_chain() as chain:
        assert chain.entries(0, 10) == [entry(0)]


def test_an_entry_lives_and_dies_with_its_change(store: RecordStore) -> None:
    with pytest.raises(RuntimeError), store.transaction() as transaction:
        transaction.put("slo", "a", {})
        transaction.chain("acme").append(entry(0), [(0, 0, bytes(32))])
        raise RuntimeError("the power fails")
    assert store.get("slo", "a") is None
    with store.read_chain() as chain:
        assert chain.tip() == (0, None)


def test_chains_of_tenants_do_not_meet(store: RecordStore) -> None:
    with store.transaction() as transaction:
        transaction.chain("other").append(entry(0), [(0, 0, bytes(32))])
    with store.read_chain() as chain:
        assert chain.tip() == (0, None)


def test_the_newest_head_is_found_and_may_be_cosigned(store: RecordStore) -> None:
    with store.transaction() as transaction:
        chain = transaction.chain("acme")
        for size in (1, 5, 9):
            chain.put_head(AuditHead(size, bytes([size] * 32), f"note {size}", size))
        chain.put_head(AuditHead(5, bytes([5] * 32), "cosigned", 7))
    with store.read_chain() as chain:
        assert chain.head() == AuditHead(9, bytes([9] * 32), "note 9", 9)
        assert chain.head(at_most=8) == AuditHead(5, bytes([5] * 32), "cosigned", 7)
        assert [head.size for head in chain.heads()] == [1, 5, 9]


def append_many(url: str, who: str, n: int) -> None:
    backend = SqlRecordBackend(url)
    store = backend.scoped("acme")
    for _ in range(n):
        with store.transaction() as transaction:
            chain = transaction.chain("acme")
            made = entry(chain.tip()[0], actor=who)
            chain.append(made, [(0, made.seq, made.hash)])
    backend.close()


def test_processes_that_append_at_once_make_one_chain(record_url: str) -> None:
    SqlRecordBackend(record_url).close()
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=append_many, args=(record_url, f"w{i}", 15)) for i in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    backend = SqlRecordBackend(record_url)
    with backend.scoped("acme").read_chain() as chain:
        entries = chain.entries(0, 100)
        assert [one.seq for one in entries] == list(range(45))
        assert {one.actor for one in entries} == {"w0", "w1", "w2"}
    backend.close()
