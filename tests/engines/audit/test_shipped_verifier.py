"""The verifier that goes to auditors: it finds every change, in Python alone."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

import engines
from engines import audit
from tests.engines.audit import sample_log as sample

VERIFIER = Path(engines.__file__).parent / "audit" / "data" / "verify.py"
VECTORS = Path(os.environ.get("AIOBS_VECTORS", "../shared/facts/vectors")) / "rfc6962-merkle"


def load(*, pure: bool = False) -> Any:
    """Return the file as a module; `pure` hides `cryptography` from it."""
    spec = importlib.util.spec_from_file_location("shipped_verifier", VERIFIER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if pure:
        module.Ed25519PublicKey = None
    return module


verify = load()
pure = load(pure=True)


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run it as an auditor does: isolated, without installed packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(VERIFIER), str(folder), *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


def checked(folder: Path, *, kept: str = "") -> int:
    """Return what the same checks find in this process, with the keys that were noted."""
    try:
        found = verify.Folder(folder, sample.HUB_KEY)
    except (verify.Bad, ValueError, LookupError):
        return 1
    found.check([sample.WITNESS_KEY], kept)
    return int(found.worst)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return sample.write_folder(tmp_path / "bundle", sample.entries(7))


def test_an_untouched_folder_holds(folder: Path) -> None:
    code, said = run(folder)
    assert code == 0, said
    assert "7 entries follow one another, with the signed root" in said
    assert "signed by w1 at 2025-11-28T22:23:00Z" in said
    assert "entry 3 is among the 7" in said
    assert "the first 3 entries are the same" in said


def test_it_is_one_file_under_400_lines_with_the_standard_library_alone() -> None:
    text = VERIFIER.read_text()
    assert len(text.splitlines()) < 400
    imports = [
        line.split()[1].split(".")[0] for line in text.splitlines() if "import " in line[:12]
    ]
    assert set(imports) - {"cryptography"} - set(sys.stdlib_module_names) == set()


# RFC 8032, 7.1: secret key, message; the public key and signature follow from the secret key.
_RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
        "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
        "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290"
        "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("public", "message", "signature"), _RFC_8032)
def test_ed25519_in_python_holds_the_vectors_of_rfc_8032(
    public: str, message: str, signature: str
) -> None:
    given = tuple(map(bytes.fromhex, (public, message, signature)))
    assert pure.signature_holds(*given)
    assert not pure.signature_holds(given[0], given[1] + b"x", given[2])


def test_ed25519_in_python_says_what_cryptography_says_of_every_changed_bit() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public, message = key.public_key().public_bytes_raw(), b"a checkpoint"
    signature = key.sign(message)
    chosen = random.Random(1).sample(range(512), 60)
    for bit in chosen:
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        other = bytearray(public)
        other[bit % 256 // 8] ^= 1 << bit % 8
        assert not pure.signature_holds(public, message, bytes(changed))
        assert not pure.signature_holds(bytes(other), message, signature)
    assert pure.signature_holds(public, message, signature)


def test_a_signature_with_the_order_added_is_refused() -> None:
    public, message, signature = (bytes.fromhex(text) for text in _RFC_8032[1])
    s = int.from_bytes(signature[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    assert not pure.signature_holds(public, message, signature[:32] + s.to_bytes(32, "little"))


def _vectors(kind: str) -> list[Any]:
    files = sorted((VECTORS / kind).rglob("*.json"))
    return [pytest.param(json.loads(f.read_bytes()), id=f"{f.parent.name}/{f.stem}") for f in files]


def _bytes(text: str | None) -> bytes:
    return verify.base64.b64decode(text or "")  # type: ignore[no-any-return]


def _holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except verify.Bad:
        return False
    return True


@pytest.mark.skipif(not VECTORS.exists(), reason="the vectors are not here")
def test_it_holds_every_vector_of_rfc_6962() -> None:
    wrong, n = [], 0
    for kind in ("inclusion", "consistency"):
        for vector in _vectors(kind):
            found, n = vector.values[0], n + 1
            path = [_bytes(step) for step in found["proof"] or []]
            if kind == "inclusion":
                leaf, tree = _bytes(found["leafHash"]), _bytes(found["root"])
                holds = _holds(
                    lambda f=found, leaf=leaf, tree=tree, path=path: verify.check_inclusion(  # type: ignore[misc]
                        f["leafIdx"], f["treeSize"], leaf, tree, path
                    )
                )
            else:
                roots = _bytes(found["root1"]), _bytes(found["root2"])
                holds = _holds(
                    lambda f=found, roots=roots, path=path: verify.check_consistency(  # type: ignore[misc]
                        f["size1"], f["size2"], *roots, path
                    )
                )
            if holds == found["wantErr"]:
                wrong.append(vector.id)
    assert (n, wrong) == (196, [])


@given(st.integers(1, 70), st.data())
def test_proofs_by_the_definition_hold_and_no_other_place_does(n: int, data: st.DataObject) -> None:
    tree = [hashlib.sha256(bytes([i])).digest() for i in range(n)]
    at, size = data.draw(st.integers(0, n - 1)), data.draw(st.integers(1, n))
    path, steps = sample.inclusion(at, tree), sample.consistency(size, tree)
    verify.check_inclusion(at, n, tree[at], sample.root(tree), path)
    verify.check_consistency(size, n, sample.root(tree[:size]), sample.root(tree), steps)
    assert verify.root_of(tree) == sample.root(tree)
    other = data.draw(st.integers(-1, n))
    if other != at:
        with pytest.raises(verify.Bad):
            verify.check_inclusion(other, n, tree[at], sample.root(tree), path)
    if size < n:
        with pytest.raises(verify.Bad):
            verify.check_consistency(size, n, bytes(32), sample.root(tree), steps)


def test_no_proof_leads_from_an_empty_tree() -> None:
    with pytest.raises(verify.Bad):
        verify.check_consistency(0, 1, hashlib.sha256().digest(), bytes(32), [])


def test_every_flipped_bit_is_found(folder: Path) -> None:
    flips = 0
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".txt"):
        original = path.read_bytes()
        for at in range(len(original)):
            changed = bytearray(original)
            changed[at] ^= 1 << at % 8
            path.write_bytes(changed)
            assert checked(folder) == 1, (path.name, at)
            flips += 1
        path.write_bytes(original)
    assert checked(folder) == 0
    assert flips > 4_000


def _rewritten(folder: Path, bodies: list[bytes], key: Ed25519PrivateKey) -> None:
    """Replace the whole history by another one that holds in itself."""
    shutil.rmtree(folder)
    sample.write_folder(folder, bodies)
    signed = sample.note(sample.leaves(bodies), key=key)
    (folder / "checkpoint").write_text(signed)
    (folder / "witness.txt").unlink()
    shutil.rmtree(folder / "proofs")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("an entry", lambda b: [*b[:2], b[2].replace(b"sre", b"xyz"), *b[3:]], "entry 3 does not"),
        ("a lost entry", lambda b: b[:2] + b[3:], "where entry 2 belongs stands entry 3 (seq)"),
        ("two that changed places", lambda b: [*b[:2], b[3], b[2], *b[4:]], "stands entry 3"),
        ("one twice", lambda b: [*b[:3], b[2], *b[3:]], "where entry 3 belongs stands entry 2"),
        ("a lost beginning", lambda b: b[1:], "entry 0 does not follow nothing"),
        ("a lost end", lambda b: b[:-1], "7 entries were signed, here are 6"),
        ("the last one", lambda b: [*b[:-1], b[-1].replace(b"sre", b"xyz")], "the last was"),
        ("a space", lambda b: [*b[:2], b[2] + b" ", *b[3:]], "entry 2 is not written"),
    ],
)  # fmt: skip
def test_it_names_what_was_changed(
    folder: Path, name: str, change: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    bodies = change(sample.entries(7))
    (folder / "entries.jsonl").write_bytes(b"".join(body + b"\n" for body in bodies))
    code, text = run(folder)
    assert code == 1 and said in text, (name, text)


def test_a_history_rewritten_without_the_key_is_found(folder: Path) -> None:
    _rewritten(folder, sample.entries(7, action="slo.deleted"), sample.WITNESS)
    code, said = run(folder, "--key", sample.HUB_KEY)
    assert code == 1 and f"{sample.ORIGIN} did not sign it" in said


def test_a_history_rewritten_with_the_key_is_found_by_what_was_remembered(folder: Path) -> None:
    kept = folder.parent / "kept"
    kept.write_bytes((folder / "checkpoint").read_bytes())
    _rewritten(folder, sample.entries(9, action="slo.deleted"), sample.HUB)
    code, said = run(folder, "--key", sample.HUB_KEY)
    assert code == 0, said  # the positive control: by itself it holds
    code, said = run(folder, "--key", sample.HUB_KEY, "--remembered", str(kept))
    assert code == 1 and "the first 7 entries are not those you kept" in said
    code, said = run(folder, "--key", sample.HUB_KEY, "--witness", sample.WITNESS_KEY)
    assert code == 1 and "w1 did not sign it" in said


def test_a_history_cut_short_with_the_key_is_found_by_what_was_remembered(folder: Path) -> None:
    tree = sample.leaves(sample.entries(7))
    _rewritten(folder, sample.entries(5), sample.HUB)
    code, said = run(folder, "--remembered", f"7:{sample.b64(sample.root(tree))}")
    assert code == 1 and "you kept 7 entries, here are 5" in said


def test_a_remembered_beginning_holds(folder: Path) -> None:
    tree = sample.leaves(sample.entries(4))
    code, said = run(folder, "--remembered", f"4:{sample.b64(sample.root(tree))}")
    assert code == 0 and "the first 4 entries are those you kept" in said


def test_without_entries_proofs_alone_are_checked(folder: Path) -> None:
    (folder / "entries.jsonl").unlink()
    tree = sample.leaves(sample.entries(3))
    code, said = run(folder, "--remembered", f"3:{sample.b64(sample.root(tree))}")
    assert code == 2
    assert "the first 3 entries are those you kept" in said
    assert "BAD" not in said


def test_sums_name_changed_lost_and_added_files(tmp_path: Path) -> None:
    audit = sample.write_folder(tmp_path / "bundle" / "audit", sample.entries(4))
    bundle = audit.parent
    for name in ("facts.json", "duties.json"):
        (bundle / name).write_text("{}")
    files = sorted(p for p in bundle.rglob("*") if p.is_file())
    sums = "".join(
        f"{sample.sha(p.read_bytes()).hex()}  {p.relative_to(bundle).as_posix()}\n" for p in files
    )
    (bundle / "SHA256SUMS").write_text(sums)
    assert run(bundle)[0] == 0
    (bundle / "facts.json").write_text("[]")
    (bundle / "duties.json").unlink()
    (bundle / "new.json").write_text("{}")
    code, said = run(bundle)
    assert code == 1
    for text in ("facts.json was changed", "duties.json is missing", "new.json is not listed"):
        assert text in said


def test_a_folder_that_is_none_cannot_be_checked(tmp_path: Path) -> None:
    code, said = run(tmp_path)
    assert code == 2 and "cannot be checked" in said


def test_what_the_hubs_own_engine_makes_holds(tmp_path: Path) -> None:
    levels: dict[tuple[int, int], bytes] = {}
    lines, previous = [], audit.FIRST
    for seq in range(11):
        body = audit.entry(
            id=f"{seq:026d}", seq=seq, timestamp="2026-11-28T22:23:02.123456Z", tenant="acme",
            actor={"id": "k", "type": "session", "roles": ["sre"]}, action="slo.updated",
            resource={"kind": "slo", "id": "dépôt \u2028 \"x\""}, outcome="ok",
            details={"changed": ["target"]}, previous=previous,
        )  # fmt: skip
        lines.append(body + b"\n")
        previous = audit.entry_hash(body)
        for level, index, value in audit.completed(
            seq, audit.leaf_hash(body), lambda level, index: levels[level, index]
        ):
            levels[level, index] = value
    signer = audit.Signer("aiobs/hub", bytes(32))

    def node(level: int, index: int) -> bytes:
        return levels[level, index]

    def signed(size: int) -> str:
        return signer.sign(audit.Checkpoint(sample.ORIGIN, size, audit.tree_root(size, node)))

    (tmp_path / "proofs").mkdir()
    (tmp_path / "entries.jsonl").write_bytes(b"".join(lines))
    (tmp_path / "checkpoint").write_text(signed(11))
    path = "".join(f"{sample.b64(step)}\n" for step in audit.inclusion_path(4, 11, node))
    proof = f"c2sp.org/tlog-proof@v1\nindex 4\n{path}\n{signed(11)}"
    (tmp_path / "proofs" / "4.tlog-proof").write_text(proof)
    path = "".join(f"{sample.b64(step)}\n" for step in audit.consistency_path(7, 11, node))
    (tmp_path / "proofs" / "from-7").write_text(f"aiobs/consistency@v1\n{path}\n{signed(7)}")
    code, said = run(tmp_path, "--key", signer.verifier)
    assert code == 0, said
    assert "entry 4 is among the 11" in said and "the first 7 entries are the same" in said
