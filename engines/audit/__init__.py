"""The audit chain: entries that each name the one before, a Merkle tree over them, signed heads.

Front functions: `entry(...)` makes the bytes of an entry, `check_chain(entries, ...)` says whether
they are what a checkpoint speaks of, `inclusion_path` and `consistency_path` prove it to others,
`Signer` and `open_note` sign and open checkpoints.

A chain alone does not stop whoever holds the database from writing it anew; a signed head stops who
has no key; a head that somebody else remembers stops who has the key too.
"""

from engines.audit.check import Finding, Verdict, check_chain
from engines.audit.cosignature import cosigned_at
from engines.audit.entry import FIRST, Outcome, digest, entry, entry_hash
from engines.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    completed,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from engines.audit.note import Checkpoint, Signer, open_note
from engines.audit.steps import Step, climb

__all__ = [
    "EMPTY_ROOT",
    "FIRST",
    "Checkpoint",
    "Finding",
    "Frontier",
    "Node",
    "Outcome",
    "Signer",
    "Step",
    "Verdict",
    "check_chain",
    "climb",
    "completed",
    "consistency_path",
    "cosigned_at",
    "digest",
    "entry",
    "entry_hash",
    "inclusion_path",
    "leaf_hash",
    "node_hash",
    "open_note",
    "tree_root",
    "verify_consistency",
    "verify_inclusion",
]
