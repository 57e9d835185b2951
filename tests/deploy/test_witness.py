"""The witness: cosigns what continues the history that it remembers, and nothing else."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

import engines
from tests.engines.audit import sample_log as sample

SCRIPT = Path(engines.__file__).parents[1] / "deploy" / "witness.py"
BODIES = sample.entries(40)
TREE = sample.leaves(BODIES)


def load() -> Any:
    spec = importlib.util.spec_from_file_location("witness", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["witness"] = module
    spec.loader.exec_module(module)
    return module


program = load()


@pytest.fixture
def witness(tmp_path: Path) -> Any:
    return program.Witness(tmp_path / "w", "w1", [program.checks.read_key(sample.HUB_KEY)])


def asks(old: int, size: int, *, tree: list[bytes] = TREE, **note: Any) -> bytes:
    """Return a request for the checkpoint at `size`, with the proof from `old`."""
    steps = sample.consistency(old, tree[:size]) if 0 < old <= size else []
    head = f"old {old}\n" + "".join(f"{sample.b64(step)}\n" for step in steps)
    return (head + "\n" + sample.note(tree[:size], **note)).encode()


def test_it_cosigns_the_first_checkpoint_and_what_continues_it(witness: Any) -> None:
    for old, size in ((0, 5), (5, 6), (6, 33), (33, 33)):
        answer = witness.add_checkpoint(asks(old, size), 1_764_368_580)
        assert answer.status == 200, answer
        found = program.checks.read_checkpoint((sample.note(TREE[:size]) + answer.body).encode())
        said = program.checks.check_signed(found, program.checks.read_key(witness.key))
        assert said == f"{size} entries, signed by w1 at 2025-11-28T22:23:00Z"


def test_it_answers_another_old_size_with_the_one_it_knows(witness: Any) -> None:
    assert witness.add_checkpoint(asks(0, 5), 1).status == 200
    for old, size in ((0, 6), (4, 6), (6, 8)):
        answer = witness.add_checkpoint(asks(old, size), 2)
        assert (answer.status, answer.body, answer.kind) == (409, "5\n", "text/x.tlog.size")


def test_it_refuses_a_history_that_was_rewritten_with_the_hubs_key(witness: Any) -> None:
    assert witness.add_checkpoint(asks(0, 7), 1).status == 200
    other = sample.leaves(sample.entries(40, action="slo.deleted"))
    assert witness.add_checkpoint(asks(7, 9, tree=other), 2).status == 422
    assert witness.add_checkpoint(asks(7, 7, tree=other), 2).status == 409
    assert witness.add_checkpoint(asks(0, 9, tree=other), 2).status == 409
    assert witness.add_checkpoint(asks(7, 9), 2).status == 200  # the true one goes on


def test_it_refuses_a_history_that_was_cut_short(witness: Any) -> None:
    assert witness.add_checkpoint(asks(0, 9), 1).status == 200
    assert witness.add_checkpoint(asks(5, 5), 2).status == 409
    assert witness.add_checkpoint(asks(9, 5), 2).status == 400


def test_it_refuses_what_a_known_key_did_not_sign(witness: Any) -> None:
    assert witness.add_checkpoint(asks(0, 5, key=sample.WITNESS), 1).status == 403
    named = sample.note(TREE[:5]).replace(f"\u2014 {sample.ORIGIN}", "\u2014 example.com/log")
    assert witness.add_checkpoint(f"old 0\n\n{named}".encode(), 1).status == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"old 1", b"old -1\n\n", b"old 01\n\n", b"new 0\n\n", b"old 0\nx\n\n", b"\xff\n\n"]
    + [b"old 0\n" + b"AAAA\n" * 64 + b"\n" + sample.note(TREE).encode()],
)
def test_what_is_no_request_is_answered_400(witness: Any, body: bytes) -> None:
    assert witness.add_checkpoint(body, 1).status == 400


def test_a_proof_from_nothing_is_refused(witness: Any) -> None:
    step = sample.b64(TREE[0])
    body = f"old 0\n{step}\n\n{sample.note(TREE[:5])}".encode()
    assert witness.add_checkpoint(body, 1).status == 422


def test_chains_and_hubs_are_remembered_apart(tmp_path: Path) -> None:
    second = sample.vkey("aiobs-87654321/audit/x", sample.WITNESS, 1)
    keys = [program.checks.read_key(key) for key in (sample.HUB_KEY, second)]
    witness = program.Witness(tmp_path, "w1", keys)
    assert witness.add_checkpoint(asks(0, 5), 1).status == 200
    assert witness.add_checkpoint(asks(0, 3, origin="aiobs-12345678/audit/other"), 1).status == 200
    assert witness.add_checkpoint(asks(0, 4, key=sample.WITNESS), 1).status == 200
    heads = json.loads(witness.remembered().body)["checkpoints"]
    assert sorted(head["size"] for head in heads) == [3, 4, 5]


def test_of_many_at_once_one_continues_each_size(witness: Any) -> None:
    assert witness.add_checkpoint(asks(0, 5), 1).status == 200
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: witness.add_checkpoint(asks(5, n), 2), range(6, 38)))
    accepted = [n for n, answer in zip(range(6, 38), done, strict=True) if answer.status == 200]
    assert len(accepted) == 1
    assert {a.body for a in done if a.status == 409} <= {"5\n", f"{accepted[0]}\n"}
    assert json.loads(witness.remembered().body)["checkpoints"][0]["size"] == accepted[0]


def test_it_remembers_and_keeps_its_key_when_started_again(witness: Any, tmp_path: Path) -> None:
    assert witness.add_checkpoint(asks(0, 9), 1).status == 200
    again = program.Witness(tmp_path / "w", "w1", witness.keys)
    assert again.key == witness.key
    assert again.add_checkpoint(asks(0, 5), 2).body == "9\n"
    assert (tmp_path / "w" / "witness.key").stat().st_mode & 0o077 == 0


def test_what_it_shows_is_a_checkpoint_to_keep(witness: Any, tmp_path: Path) -> None:
    assert witness.add_checkpoint(asks(0, 7), 1_764_368_580).status == 200
    shown = json.loads(witness.remembered().body)
    assert shown["key"] == witness.key
    note = shown["checkpoints"][0]["note"].encode()
    found = program.checks.read_checkpoint(note)
    assert (found.size, found.root) == (7, sample.root(TREE[:7]))
    for key in (sample.HUB_KEY, witness.key):
        program.checks.check_signed(found, program.checks.read_key(key))


@pytest.fixture
def served(witness: Any) -> Iterator[str]:
    server = program.ThreadingHTTPServer(("127.0.0.1", 0), program.handler(witness))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_over_http(served: str) -> None:
    with requests.Session() as session:
        assert session.post(f"{served}/add-checkpoint", data=asks(0, 5)).status_code == 200
        refused = session.post(f"{served}/add-checkpoint", data=asks(0, 5))
        assert (refused.status_code, refused.text) == (409, "5\n")
        assert refused.headers["Content-Type"] == "text/x.tlog.size"
        assert session.get(f"{served}/").json()["checkpoints"][0]["size"] == 5
        assert session.post(f"{served}/other", data=b"x").status_code == 404
        assert session.post(f"{served}/add-checkpoint", data=b"x" * 70_000).status_code == 413
        assert session.get(f"{served}/other").status_code == 404


def test_as_a_process_of_its_own_with_the_two_files_alone(tmp_path: Path) -> None:
    for source in (SCRIPT, Path(program.checks.__file__)):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    command = [sys.executable, str(tmp_path / "witness.py"), "--folder", str(tmp_path / "w")]
    command += ["--name", "w1", "--log", sample.HUB_KEY, "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        key = process.stdout.readline().strip()
        answer = requests.post(f"http://{address}/add-checkpoint", data=asks(0, 5), timeout=10)
        process.terminate()
    assert answer.status_code == 200
    note = (sample.note(TREE[:5]) + answer.text).encode()
    read = program.checks
    read.check_signed(read.read_checkpoint(note), read.read_key(key))
