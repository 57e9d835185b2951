"""The bundle can be checked with nothing but a ZIP reader and SHA-256."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from services.errors import Forbidden
from services.evidence_bundle import make_bundle
from services.identity import Principal
from services.model_cards import CardText, write_card
from services.models import Registration, register_model
from services.subject_requests import record_request
from services.workspace import Backends, Workspace


def opened(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_file_is_in_the_manifest_with_its_hash(workspace: Workspace) -> None:
    register_model(workspace, "org/triage:v2", Registration(owner="Radiology"))
    write_card(workspace, "org/triage:v2", CardText("Second opinion", "Radiology", "Adults only"))
    record_request(workspace, "R-1", "access")
    files = opened(make_bundle(workspace))
    manifest = json.loads(files.pop("manifest.json"))
    del files["SHA256SUMS"]
    said = {row["path"]: row["sha256"] for row in manifest["files"]}
    assert said == {path: hashlib.sha256(body).hexdigest() for path, body in files.items()}
    assert "model-cards/org%2Ftriage%3Av2.md" in files
    assert json.loads(files["requests.json"])[0]["request"]["reference"] == "R-1"


def test_the_command_of_its_readme_checks_it_and_sees_a_change(
    workspace: Workspace, tmp_path: Path
) -> None:
    register_model(workspace, "org/triage: v2", Registration(owner="Radiology"))
    folder = tmp_path / "bundle"
    for name, body in opened(make_bundle(workspace)).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    listed = {line[66:] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert listed == found - {"SHA256SUMS"}
    readme = (folder / "README.txt").read_text()
    (line,) = (line for line in readme.splitlines() if line.startswith("  sha256sum --check"))
    command = line.split("  ")[1].split()

    def check() -> int:
        return subprocess.run(command, cwd=folder, capture_output=True).returncode

    assert check() == 0
    duties = folder / "duties.json"
    duties.write_bytes(duties.read_bytes() + b" ")
    assert check() == 1


def test_the_facts_have_the_digest_that_the_statuses_name(workspace: Workspace) -> None:
    files = opened(make_bundle(workspace))
    named = json.loads(files["compliance.json"])["facts_digest"]
    assert hashlib.sha256(files["facts.json"]).hexdigest()[:16] == named


def test_the_same_state_gives_the_same_bytes(workspace: Workspace) -> None:
    assert make_bundle(workspace) == make_bundle(workspace)


def test_the_bundle_needs_the_permission_to_export(backends: Backends, client: FlaskClient) -> None:
    viewer = backends.workspace(Principal("v", "default", ("viewer",), "api_key"))
    with pytest.raises(Forbidden):
        make_bundle(viewer)
    answer = client.get("/api/compliance/bundle.zip")
    assert answer.mimetype == "application/zip"
    assert "README.txt" in opened(answer.data)
