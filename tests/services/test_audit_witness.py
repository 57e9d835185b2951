"""The hub and its witness: what is cosigned, and what a rewritten history looks like to both."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Unavailable
from connectors.protocols import CosignAnswer
from engines.audit import cosigned_at
from services.alerts import evaluate
from services.audit import get_checkpoint, verify_chain
from services.audit_kept import compare_kept
from services.audit_standing import get_standing, read_chain_facts
from services.audit_witness import ask_witness
from services.incidents import open_incidents
from services.models import Registration, register_model
from services.workspace import Backends, Workspace
from tests.conftest import admin
from tests.deploy.test_witness import program


class Direct:
    """The witness that ships with the hub, without the network between."""

    def __init__(self, folder: Path, hub_key: str) -> None:
        self.there = program.Witness(folder, "w1", [program.checks.read_key(hub_key)])
        self.key = str(self.there.key)
        self.asked = 0
        self.is_down = False

    def cosign(self, old: int, path: Sequence[bytes], note: str) -> CosignAnswer:
        if self.is_down:
            raise Unavailable("the witness cannot be reached")
        self.asked += 1
        steps = "".join(f"{base64.b64encode(step).decode()}\n" for step in path)
        answer: Any = self.there.add_checkpoint(f"old {old}\n{steps}\n{note}".encode(), 1_000)
        if answer.status == 200:
            return CosignAnswer(lines=answer.body)
        if answer.status == 409:
            return CosignAnswer(remembers=int(answer.body))
        assert answer.status == 422, answer
        return CosignAnswer()


@pytest.fixture
def witness(workspace: Workspace, tmp_path: Path) -> Direct:
    return Direct(tmp_path / "witness", get_checkpoint(workspace).verifier)


@pytest.fixture
def ws(backends: Backends, witness: Direct) -> Workspace:
    return replace(backends, witness=witness).workspace(admin())


def change(ws: Workspace, n: int, *, prefix: str = "m") -> None:
    for k in range(n):
        register_model(ws, f"{prefix}-{k}", Registration())
    get_checkpoint(ws)


def test_each_checkpoint_is_cosigned_once_and_the_line_is_kept(
    ws: Workspace, witness: Direct
) -> None:
    change(ws, 3)
    assert ask_witness(ws).cosigned == 3
    assert cosigned_at(get_checkpoint(ws).note, witness.key) == 1_000
    asked = witness.asked
    ask_witness(ws)
    assert witness.asked == asked
    change(ws, 2, prefix="n")
    said = ask_witness(ws)
    assert (said.cosigned, said.refusal, witness.asked) == (5, "", asked + 1)
    assert verify_chain(ws).is_whole
    assert get_standing(ws).witness.cosigned_at_ms == 1_000_000
    assert read_chain_facts(ws).cosigned == 5


def test_a_hub_that_forgot_what_was_cosigned_goes_on_from_what_the_witness_remembers(
    ws: Workspace, witness: Direct
) -> None:
    change(ws, 3)
    ask_witness(ws)
    ws.records.delete("audit_witness", "newest")
    change(ws, 1, prefix="n")
    assert ask_witness(ws).cosigned == 4


def rewritten(folder: Path, keep: int) -> None:
    """Cut the chain's tables back to `keep` entries, as somebody with the database file can."""
    with sqlite3.connect(folder / "records.sqlite") as there:
        there.execute("DELETE FROM audit_entries WHERE seq >= ?", (keep,))
        there.execute("DELETE FROM audit_nodes WHERE (place + 1) << level > ?", (keep,))
        there.execute("DELETE FROM audit_heads WHERE size > ?", (keep,))


@pytest.mark.parametrize(("then", "refusal"), [(0, "shorter"), (6, "rewritten")])
def test_a_history_that_was_cut_or_written_anew_is_refused_and_opens_an_incident(
    ws: Workspace, tmp_path: Path, then: int, refusal: str
) -> None:
    change(ws, 5)
    kept = get_checkpoint(ws).note
    ask_witness(ws)
    rewritten(tmp_path, 2)
    change(ws, then, prefix="other")
    # The hub alone, with its own key, finds nothing wrong; what is remembered elsewhere does.
    assert verify_chain(ws).is_whole
    assert compare_kept(ws, kept).outcome == refusal
    assert ask_witness(ws).refusal == refusal
    assert read_chain_facts(ws).is_refused
    evaluate(ws)
    assert "audit_rewritten" in {i.rule for i in open_incidents(ws)}


def test_a_witness_that_is_down_changes_nothing(ws: Workspace, witness: Direct) -> None:
    change(ws, 2)
    witness.is_down = True
    with pytest.raises(Unavailable):
        ask_witness(ws)
    assert read_chain_facts(ws).cosigned_at_ms is None
    witness.is_down = False
    assert ask_witness(ws).cosigned == 2


def test_without_a_witness_nobody_is_asked(workspace: Workspace) -> None:
    change(workspace, 1)
    assert ask_witness(workspace).asked_at_ms is None
    assert not get_standing(workspace).has_witness


def test_a_kept_checkpoint_is_compared_as_its_lines_or_as_size_and_root(ws: Workspace) -> None:
    change(ws, 3)
    kept = get_checkpoint(ws)
    change(ws, 2, prefix="n")
    root = base64.b64encode(bytes.fromhex(kept.root)).decode()
    for text in (kept.note, f"  {kept.note}\n", f"3:{root}"):
        found = compare_kept(ws, text)
        assert (found.outcome, found.kept, found.size) == ("consistent", 3, 5)
    assert compare_kept(ws, f"2:{root}").outcome == "rewritten"
    assert compare_kept(ws, f"9:{root}").outcome == "shorter"
    assert compare_kept(ws, kept.note.replace("\n3\n", "\n4\n")).outcome == "other_key"
    for text in ("", "nothing", "3:AAAA", "x:" + root):
        assert compare_kept(ws, text).outcome == "no_note"
