"""An entry with its proof step by step, as a page draws it and as files carry it away."""

from __future__ import annotations

import base64
from importlib.resources import files

import msgspec

from connectors.protocols import AuditLog
from engines.audit import climb, inclusion_path, open_note, verify_inclusion
from engines.errors import EngineError
from services.audit import InclusionProof, existing, prove_inclusion
from services.audit_entry import Entry, read_entry
from services.errors import Conflict
from services.identity import permitted
from services.workspace import Workspace


class DrawnStep(msgspec.Struct, frozen=True):
    """A hash that is joined, on which side, and the hash of both."""

    sibling: str
    is_left: bool
    value: str


class DrawnProof(msgspec.Struct, frozen=True):
    """The way of an entry's hash to the root of the newest checkpoint of `size` entries."""

    size: int
    leaf_hash: str
    steps: list[DrawnStep]
    holds: bool


class OpenedEntry(msgspec.Struct, frozen=True):
    """An entry, its bytes as they are hashed, and its proof where a checkpoint holds it."""

    entry: Entry
    raw: str
    proof: DrawnProof | None


@permitted("audit:read")
def open_entry(ws: Workspace, seq: int) -> OpenedEntry:
    """Return an entry with its proof."""
    with ws.records.read_chain() as chain:
        row = existing(chain, seq)
    found, raw = read_entry(row), row.body.decode(errors="replace")
    try:
        proof = prove_inclusion(ws, seq)
    except Conflict:
        return OpenedEntry(found, raw, None)
    return OpenedEntry(found, raw, _drawn(ws, proof))


@permitted("audit:read")
def write_proof(ws: Workspace, seq: int) -> bytes:
    """Return the proof of an entry as a file (c2sp.org/tlog-proof) that holds the entry too."""
    proof = prove_inclusion(ws, seq)
    with ws.records.read_chain() as chain:
        return inclusion_file(chain, seq, proof.size, proof.checkpoint)


@permitted("audit:read")
def read_verifier(ws: Workspace) -> bytes:
    """Return the program that checks a chain without the hub."""
    return verifier_program()


def verifier_program() -> bytes:
    """Return `verify.py` as it ships."""
    return files("engines").joinpath("audit/data/verify.py").read_bytes()


def inclusion_file(chain: AuditLog, seq: int, size: int, note: str) -> bytes:
    """Return the proof of an entry in a checkpoint as c2sp.org/tlog-proof writes it."""
    path = inclusion_path(seq, size, chain.node)
    head = ["c2sp.org/tlog-proof@v1", f"extra {encoded(existing(chain, seq).body)}", f"index {seq}"]
    return "".join(f"{line}\n" for line in [*head, *map(encoded, path), "", note])[:-1].encode()


def encoded(data: bytes) -> str:
    """Return bytes as notes and proofs write them."""
    return base64.b64encode(data).decode()


def _drawn(ws: Workspace, proof: InclusionProof) -> DrawnProof:
    leaf, root = bytes.fromhex(proof.leaf_hash), bytes.fromhex(proof.root)
    path = [bytes.fromhex(step) for step in proof.path]
    steps = [
        DrawnStep(step.sibling.hex(), step.is_left, step.value.hex())
        for step in climb(proof.seq, proof.size, leaf, path)
    ]
    holds = verify_inclusion(leaf, proof.seq, proof.size, path, root)
    return DrawnProof(proof.size, proof.leaf_hash, steps, holds and _is_signed(ws, proof))


def _is_signed(ws: Workspace, proof: InclusionProof) -> bool:
    try:
        found = open_note(proof.checkpoint, ws.checkpoints(ws.tenant).verifier)
    except EngineError:
        return False
    return (found.size, found.root.hex()) == (proof.size, proof.root)
