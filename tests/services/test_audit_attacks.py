"""Who holds the database, and who holds the signing key too: what each can do, and what tells.

The attackers know the formats. They make sound links, a sound tree and, with the key, sound
signatures; so each attack here is the best that its means allow.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from engines import audit as engine
from services import audit
from services.audit import Verification
from services.jobs import sign_audit
from services.workspace import Backends, Workspace
from tests.conftest import NOW_MS

SIZE, SIGNED_BEFORE = 12, 7
Rows = list[dict[str, Any]]  # columns of audit_entries


class Attacker:
    """Somebody with the database file; with `signer`, with the hub's key as well."""

    def __init__(self, path: Path, signer: engine.Signer | None = None) -> None:
        self.path = path
        self.signer = signer

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path)
        connection.row_factory = sqlite3.Row
        with connection:
            yield connection
        connection.close()

    def run(self, statement: str, *values: object) -> None:
        with self.database() as database:
            assert database.execute(statement, values).rowcount > 0

    def rows(self) -> Rows:
        with self.database() as database:
            found = database.execute("SELECT * FROM audit_entries ORDER BY seq").fetchall()
        return [dict(row) for row in found]

    def bend(self, seq: int, change: Callable[[dict[str, Any]], object]) -> None:
        """Change what an entry says and no more, still in canonical form."""
        body = json.loads(self.rows()[seq]["body"])
        change(body)
        self.run("UPDATE audit_entries SET body = ? WHERE seq = ?", written(body), seq)

    def forge(self, rows: Rows) -> None:
        """Put other entries in place of all, with sound links, hashes and tree."""
        nodes: dict[tuple[int, int], bytes] = {}

        def node(level: int, index: int) -> bytes:
            return nodes[level, index]

        previous = engine.FIRST
        for seq, row in enumerate(rows):
            body = json.loads(row["body"]) | {"seq": seq, "previousHash": previous}
            row |= {"seq": seq, "body": written(body)}
            previous = engine.entry_hash(row["body"])
            row["hash"] = bytes.fromhex(previous)
            leaf = engine.leaf_hash(row["body"])
            grown = engine.completed(seq, leaf, node)
            nodes |= {(level, index): value for level, index, value in grown}
        with self.database() as database:
            database.execute("DELETE FROM audit_entries")
            database.execute("DELETE FROM audit_nodes")
            names = ", ".join(rows[0])
            places = ", ".join(f":{name}" for name in rows[0])
            database.executemany(f"INSERT INTO audit_entries ({names}) VALUES ({places})", rows)
            database.executemany(
                "INSERT INTO audit_nodes (tenant, level, place, hash) VALUES ('default', ?, ?, ?)",
                [(level, index, value) for (level, index), value in nodes.items()],
            )

    def sign_anew(self) -> None:
        """Replace every head by one over what is there now, signed if the key is known."""
        edge = engine.Frontier()
        with self.database() as database:
            heads = {
                row["size"]: row["note"] for row in database.execute("SELECT * FROM audit_heads")
            }
            database.execute("DELETE FROM audit_heads")
            for seq, row in enumerate(self.rows(), 1):
                edge.add(engine.leaf_hash(row["body"]))
                if seq in heads:
                    note = heads[seq]
                    if self.signer:
                        point = engine.Checkpoint(self.signer.name, seq, edge.root())
                        note = self.signer.sign(point)
                    database.execute(
                        "INSERT INTO audit_heads VALUES ('default', ?, ?, ?, 0)",
                        (seq, edge.root(), note),
                    )

    def cut(self, size: int) -> None:
        """Take back everything after `size` entries, as an older copy of the database would."""
        with self.database() as database:
            database.execute("DELETE FROM audit_entries WHERE seq >= ?", (size,))
            database.execute("DELETE FROM audit_nodes WHERE ((place + 1) << level) > ?", (size,))
            database.execute("DELETE FROM audit_heads WHERE size > ?", (size,))


def written(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.fixture
def path(hub: Flask, tmp_path: Path) -> Path:
    """The database of the hub."""
    [found] = tmp_path.glob("records.sqlite")
    return found


@pytest.fixture
def kept(workspace: Workspace) -> str:
    """A chain of 12 entries with heads at 7 and 12; the last one is kept elsewhere."""
    for number in range(SIZE):
        if number == SIGNED_BEFORE:
            sign_audit(workspace)
        audit.log(workspace, "report.exported", "report", f"r{number}")
    note = audit.get_checkpoint(workspace).note
    sound = audit.verify_chain(workspace, remembered=note)
    assert (sound.is_whole, sound.checked, sound.remembered) == (True, SIZE, "same")
    return note


def other_actor(body: dict[str, Any]) -> None:
    body["actor"]["id"] = "somebody-else"


def without(rows: Rows, *gone: int) -> Rows:
    return [row for row in rows if row["seq"] not in gone]


def innocent(rows: Rows, seq: int) -> Rows:
    body = json.loads(rows[seq]["body"])
    other_actor(body)
    changed = rows[seq] | {"body": written(body), "actor": "somebody-else"}
    return [*rows[:seq], changed, *rows[seq + 1 :]]


def make_anew(by: Attacker, rows: Rows) -> None:
    by.forge(rows)
    by.sign_anew()


def swap(by: Attacker) -> None:
    third, fourth = by.rows()[3]["body"], by.rows()[4]["body"]
    by.run("UPDATE audit_entries SET body = ? WHERE seq = 3", fourth)
    by.run("UPDATE audit_entries SET body = ? WHERE seq = 4", third)


def take_in(by: Attacker) -> None:
    """Say that an entry of another tenant's chain is one of ours."""
    by.bend(3, lambda body: body.update(tenant="acme"))


def own_key(by: Attacker) -> None:
    """Sign a changed history with a key of one's own, under the hub's name."""
    by.forge(innocent(by.rows(), 3))
    with by.database() as database:
        name = database.execute("SELECT note FROM audit_heads").fetchone()["note"].split("\n")[0]
    Attacker(by.path, engine.Signer(name, bytes(32))).sign_anew()


def replay(by: Attacker) -> None:
    """Pass an old signed head off as the newest."""
    with by.database() as database:
        old = database.execute("SELECT * FROM audit_heads WHERE size = 7").fetchone()
        database.execute(
            "UPDATE audit_heads SET root = ?, note = ? WHERE size = 12", (old["root"], old["note"])
        )


WITH_DATABASE: dict[str, Callable[[Attacker], object]] = {
    "one entry says another actor": lambda by: by.bend(3, other_actor),
    "an entry is text that is no entry": lambda by: by.bend(3, lambda body: body.clear()),
    "parts of an entry are of other kinds": lambda by: by.bend(
        3, lambda body: body.update(actor="x", resource=7, details=None)
    ),
    "two entries change places": swap,
    "an entry of another tenant": take_in,
    "an entry is left out": lambda by: by.run("DELETE FROM audit_entries WHERE seq = 3"),
    "an entry is left out, the rest made anew": lambda by: by.forge(without(by.rows(), 3)),
    "an entry is told twice, the rest made anew": lambda by: by.forge(
        sorted([*by.rows(), dict(by.rows()[3])], key=lambda row: int(row["seq"]))
    ),
    "the newest entries are left out": lambda by: by.run("DELETE FROM audit_entries WHERE seq > 9"),
    "all made anew under the old heads": lambda by: make_anew(by, innocent(by.rows(), 3)),
    "all made anew under another key": own_key,
    "an old head as the newest": replay,
    "an entry is found under another actor": lambda by: by.run(
        "UPDATE audit_entries SET actor = 'nobody' WHERE seq = 3"
    ),
    "an entry is found at another time": lambda by: by.run(
        "UPDATE audit_entries SET at_ms = ? WHERE seq = 3", NOW_MS - 86_400_000
    ),
    "a subtree that proofs use": lambda by: by.run(
        "UPDATE audit_nodes SET hash = ? WHERE level = 2 AND place = 1", bytes(32)
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WITH_DATABASE)
def test_the_hub_tells_what_a_holder_of_the_database_did(
    workspace: Workspace, kept: str, path: Path, what: str
) -> None:
    WITH_DATABASE[what](Attacker(path))
    found = audit.verify_chain(workspace)
    assert not found.is_whole
    assert found.faults


def drop_heads(by: Attacker) -> None:
    by.forge(innocent(by.rows(), 3))
    by.run("DELETE FROM audit_heads")


PAST_THE_HUB: dict[str, tuple[bool, Callable[[Attacker], object], str]] = {
    "the database is set back to an older head": (
        False, lambda by: by.cut(SIGNED_BEFORE), "truncated",
    ),
    "all made anew, no head left": (False, drop_heads, "rewritten"),
    "all made anew with the stolen key": (
        True, lambda by: make_anew(by, innocent(by.rows(), 3)), "rewritten",
    ),
    "cut and signed with the stolen key": (
        True, lambda by: make_anew(by, without(by.rows(), 9, 10, 11)), "truncated",
    ),
}  # fmt: skip
"""Whether the key is stolen, the attack, and what a kept head tells of it."""


@pytest.mark.parametrize("what", PAST_THE_HUB)
def test_only_a_head_kept_elsewhere_tells_the_rest(
    workspace: Workspace, kept: str, path: Path, what: str
) -> None:
    has_key, attack, told = PAST_THE_HUB[what]
    signer = workspace.checkpoints("default") if has_key else None
    attack(Attacker(path, signer))
    assert audit.verify_chain(workspace).is_whole  # whence the witness
    assert audit.verify_chain(workspace, remembered=kept).remembered == told


def test_every_bit_of_what_is_stored_counts(
    workspace: Workspace, kept: str, path: Path, backends: Backends
) -> None:
    """Of an entry's body, of its hash, of a subtree, of a head's root and note: each bit."""
    cells = {
        ("audit_entries", "body"): "seq = 5",
        ("audit_entries", "hash"): "seq = 5",
        ("audit_nodes", "hash"): "level = 1 AND place = 2",
        ("audit_heads", "root"): "size = 7",
        ("audit_heads", "note"): "size = 7",
    }
    by, missed, flips = Attacker(path), [], 0
    for (table, column), where in cells.items():
        with by.database() as database:
            stored = database.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()[0]
        is_text = isinstance(stored, str)
        value = stored.encode() if is_text else stored
        for bit in range(0, len(value) * 8, 3):
            bent = bytearray(value)
            bent[bit // 8] ^= 1 << bit % 8
            new = bytes(bent).decode("utf-8", "replace") if is_text else bytes(bent)
            by.run(f"UPDATE {table} SET {column} = ? WHERE {where}", new)
            flips += 1
            if checked(workspace).is_whole:
                missed.append((table, column, bit))
        by.run(f"UPDATE {table} SET {column} = ? WHERE {where}", stored)
    assert flips > 1_200
    assert missed == []
    assert checked(workspace).is_whole


def checked(ws: Workspace) -> Verification:
    return audit.verify_chain(ws)


def test_a_spoilt_entry_hides_no_other(workspace: Workspace, kept: str, path: Path) -> None:
    Attacker(path).run("UPDATE audit_entries SET body = ? WHERE seq = 3", b'{"actor":"\xff"}')
    rows = audit.list_entries(workspace).rows
    assert [row.seq for row in rows] == list(reversed(range(SIZE)))
    assert rows[SIZE - 1 - 3].resource == {"kind": "report", "id": "r3"}
    assert [(fault.seq, fault.fault) for fault in audit.verify_chain(workspace).faults][0][0] == 3
