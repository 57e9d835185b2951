"""The hub's side of a witness, against the witness that ships with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Refused, Unavailable
from connectors.protocols import CosignAnswer
from connectors.witness import HttpWitness
from engines.audit import cosigned_at
from engines.errors import EngineError
from tests.deploy.test_witness import program
from tests.engines.audit import sample_log as sample

TREE = sample.leaves(sample.entries(9))


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[HttpWitness]:
    there = program.Witness(tmp_path, "w1", [program.checks.read_key(sample.HUB_KEY)])
    server = program.ThreadingHTTPServer(
        ("127.0.0.1", 0), program.handler(there, lambda: 1_764_368_580.5)
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield HttpWitness(f"http://127.0.0.1:{server.server_address[1]}/", there.key)
    server.shutdown()
    server.server_close()
    thread.join()


def test_its_line_cosigns_the_checkpoint(witness: HttpWitness) -> None:
    note = sample.note(TREE[:5])
    answer = witness.cosign(0, [], note)
    assert cosigned_at(note + answer.lines, witness.key) == 1_764_368_580
    assert cosigned_at(note, witness.key) is None
    note = sample.note(TREE)
    assert witness.cosign(5, sample.consistency(5, TREE), note).lines


def test_it_says_which_size_it_remembers(witness: HttpWitness) -> None:
    witness.cosign(0, [], sample.note(TREE[:5]))
    assert witness.cosign(0, [], sample.note(TREE)) == CosignAnswer(remembers=5)


def test_a_history_that_contradicts_is_neither_cosigned_nor_behind(witness: HttpWitness) -> None:
    witness.cosign(0, [], sample.note(TREE[:5]))
    other = sample.leaves(sample.entries(9, action="slo.deleted"))
    answer = witness.cosign(5, sample.consistency(5, other), sample.note(other))
    assert answer == CosignAnswer()


def test_a_key_that_the_witness_does_not_know_is_refused(witness: HttpWitness) -> None:
    with pytest.raises(Refused, match="403"):
        witness.cosign(0, [], sample.note(TREE, key=sample.WITNESS))


def test_a_witness_that_is_down_is_asked_again_later() -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        HttpWitness("http://127.0.0.1:9", "w1").cosign(0, [], "")


@pytest.mark.parametrize("url", ["", "witness", "ftp://w", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        HttpWitness(url, "w1")


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("/audit/acme\n", "/audit/evil\n"),
        lambda note: note[:-3] + ("AB" if note[-3:-1] != "AB" else "BA") + "\n",
    ],
)
def test_a_cosignature_over_another_text_does_not_hold(change: Any) -> None:
    note = sample.cosigned(sample.note(TREE))
    assert cosigned_at(note, sample.WITNESS_KEY) == 1_764_368_580
    with pytest.raises(EngineError):
        cosigned_at(change(note), sample.WITNESS_KEY)
