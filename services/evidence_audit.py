"""The audit folder of an evidence bundle: the whole chain, its signed head, and how to check it."""

from __future__ import annotations

from itertools import islice

from connectors.protocols import AuditEntry, AuditHead, AuditLog, AuditQuery
from engines.audit import consistency_path
from services.audit import get_checkpoint, rows_of
from services.audit_proof import encoded, inclusion_file, verifier_program
from services.identity import permitted
from services.workspace import Workspace

PROVEN = ("attestation", "duty", "model_card", "subject_request")
"""Kinds of records that a bundle holds: their newest entries get a proof that stands alone."""
PROOFS = 50
"""Proofs of each kind; the whole chain is in the bundle beside them."""
README = """
audit/            the audit chain: every change of state in this hub, each entry with the hash of
                  the one before
  entries.jsonl   the entries, from the first on, one a line
  checkpoint      their number and the root of the tree over them, signed with the hub's key and
                  cosigned by its witness, where it has one
  key.txt         the hub's verifier key; witness.txt the witness's, where there is one
  proofs/         proofs of single entries that stand alone (c2sp.org/tlog-proof), and proofs that
                  older checkpoints are the beginning of this one
  verify.py       checks all of this and SHA256SUMS: Python 3.10, no package, no network

  python3 audit/verify.py . --key 'THE KEY YOU NOTED' --remembered 'A CHECKPOINT YOU KEPT'

Without --key and --remembered it can only say that the bundle agrees with itself: whoever has the
hub's key can write another history and sign it. Note the key and a checkpoint away from the hub,
or ask its witness, and take verify.py itself from a place that you trust.
"""


@permitted("audit:export")
def audit_files(ws: Workspace) -> dict[str, bytes]:
    """Return the folder's files by path."""
    signed = get_checkpoint(ws)
    found = {
        "audit/checkpoint": signed.note.encode(),
        "audit/key.txt": f"{signed.verifier}\n".encode(),
        "audit/verify.py": verifier_program(),
    }
    if ws.witness is not None and f" {ws.witness.key.split('+')[0]} " in signed.note:
        found["audit/witness.txt"] = f"{ws.witness.key}\n".encode()
    with ws.records.read_chain() as chain:
        entries = islice(rows_of(chain), signed.size)
        found["audit/entries.jsonl"] = b"".join(row.body + b"\n" for row in entries)
        for entry in _proven(chain, signed.size):
            proof = inclusion_file(chain, entry.seq, signed.size, signed.note)
            found[f"audit/proofs/{entry.seq}.tlog-proof"] = proof
        for older in _older(chain, signed.size):
            found[f"audit/proofs/from-{older.size}"] = _consistency(chain, older, signed.size)
    return found


def _consistency(chain: AuditLog, older: AuditHead, size: int) -> bytes:
    path = consistency_path(older.size, size, chain.node)
    lines = ["aiobs/consistency@v1", *map(encoded, path), ""]
    return "".join(f"{line}\n" for line in lines).encode() + older.note.encode()


def _proven(chain: AuditLog, size: int) -> list[AuditEntry]:
    return [
        entry
        for kind in PROVEN
        for entry in chain.find(AuditQuery(kind=kind), before=size, limit=PROOFS)
    ]


def _older(chain: AuditLog, size: int) -> list[AuditHead]:
    """Return older heads at about half, a quarter, ... of the entries: a few tell of all times."""
    found: list[AuditHead] = []
    at_most = size - 1
    while at_most > 0 and (head := chain.head(at_most)) is not None and head.size > 0:
        found.append(head)
        at_most = min(head.size - 1, head.size // 2)
    return found
