"""The bundle's audit folder is checked by the program that lies in it, in a process without us."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from services.audit import get_checkpoint, list_entries
from services.evidence_bundle import export_bundle, make_bundle
from services.model_cards import CardText, write_card
from services.models import Registration, register_model
from services.workspace import Workspace


def unpacked(content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return folder


def checked(folder: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-I", "-S", "audit/verify.py", ".", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def changed(workspace: Workspace) -> Workspace:
    """A hub in which something happened between two checkpoints."""
    for n in range(3):
        register_model(workspace, f"triage-{n}", Registration(owner="Radiology"))
        get_checkpoint(workspace)
    write_card(workspace, "triage-1", CardText("Second opinion", "Radiology", "Adults only"))
    return workspace


def test_the_bundle_checks_itself_with_the_key_that_was_noted(
    changed: Workspace, tmp_path: Path
) -> None:
    key = get_checkpoint(changed).verifier
    folder = unpacked(make_bundle(changed), tmp_path / "bundle")
    code, said = checked(folder, "--key", key)
    assert code == 0, said
    assert "4 entries follow one another, with the signed root" in said
    assert "entry 3 is among the 4" in said  # the card
    assert "the first 3 entries are the same" in said and "the first 1 entries" in said
    assert (folder / "audit" / "key.txt").read_text().strip() == key
    assert "audit/verify.py" in (folder / "README.txt").read_text()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("audit/entries.jsonl", "entries.jsonl: entry"),
        ("audit/checkpoint", "checkpoint"),
        ("audit/proofs/3.tlog-proof", "proofs/3.tlog-proof"),
        ("audit/proofs/from-1", "proofs/from-1"),
        ("facts.json", "facts.json was changed"),
    ],
)
def test_a_change_of_one_character_is_found_and_named(
    changed: Workspace, tmp_path: Path, name: str, said: str
) -> None:
    key = get_checkpoint(changed).verifier
    folder = unpacked(make_bundle(changed), tmp_path / "bundle")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    code, found = checked(folder, "--key", key)
    assert code == 1 or (code == 2 and name == "audit/checkpoint"), found
    assert said in found


def test_an_older_bundle_is_the_beginning_of_a_newer_one(
    changed: Workspace, tmp_path: Path
) -> None:
    first = unpacked(make_bundle(changed), tmp_path / "first")
    register_model(changed, "later", Registration())
    second = unpacked(make_bundle(changed), tmp_path / "second")
    kept = str(first / "audit" / "checkpoint")
    code, said = checked(second, "--remembered", kept)
    assert code == 0 and "the first 4 entries are those you kept" in said, said
    code, said = checked(first, "--remembered", str(second / "audit" / "checkpoint"))
    assert code == 1 and "some were removed" in said


def test_the_chain_is_told_which_bundle_was_taken(changed: Workspace) -> None:
    content = export_bundle(changed)
    newest = list_entries(changed).rows[0]
    assert newest.action == "evidence.exported"
    assert newest.details["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_hub_without_changes_has_an_empty_chain_that_holds(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = unpacked(make_bundle(workspace), tmp_path / "bundle")
    code, said = checked(folder)
    assert code == 0, said
    manifest = json.loads((folder / "manifest.json").read_text())
    assert "audit/entries.jsonl" in {row["path"] for row in manifest["files"]}
