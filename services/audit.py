"""The audit chain as people and auditors ask for it: entries, proofs, signed heads, its check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from connectors.protocols import AuditEntry, AuditHead, AuditLog, AuditQuery
from engines import audit as engine
from engines.errors import EngineError
from engines.sentence import say
from services.audit_entry import Entry, is_indexed, read_entry
from services.audit_witness import read_witnessing
from services.audited import Teller
from services.errors import Conflict, Invalid, NotFound
from services.identity import permitted
from services.incidents import Finding
from services.workspace import Workspace

Query = AuditQuery
"""For routes and pages: they do not import connectors."""
_VERIFIED = "audit_verified"
_PAGE = 1_000
Remembered = Literal["same", "grown", "rewritten", "truncated"]


class EntryPage(msgspec.Struct, frozen=True):
    """Entries, newest first; `before` continues, `size` is how many the chain has."""

    rows: list[Entry]
    total: int
    size: int
    before: int | None


class CheckpointView(msgspec.Struct, frozen=True):
    """A signed head: what an auditor keeps to compare with later, and the key to check it by."""

    origin: str
    size: int
    root: str
    note: str
    signed_at_ms: int
    verifier: str


class InclusionProof(msgspec.Struct, frozen=True):
    """That an entry is in the tree of a signed head: hashes from the leaf to the root."""

    seq: int
    size: int
    leaf_hash: str
    path: list[str]
    root: str
    checkpoint: str


class ConsistencyProof(msgspec.Struct, frozen=True):
    """That the tree of one size begins the tree of another."""

    old_size: int
    new_size: int
    old_root: str
    new_root: str
    path: list[str]


class Fault(msgspec.Struct, frozen=True):
    """What is wrong, at which entry; see `engines.audit.Finding`, and `index` (found by other words
    than it says), `node` (a subtree that is not what the entries give), `signature`."""

    seq: int
    fault: str


class Verification(msgspec.Struct, frozen=True):
    """What a check of the whole chain found; `remembered` answers for a head kept elsewhere."""

    checked_at_ms: int
    checked: int
    heads: int
    root: str
    is_whole: bool
    faults: list[Fault]
    remembered: Remembered | None = None


def log(
    ws: Workspace,
    action: str,
    kind: str,
    resource: str,
    details: dict[str, Any] | None = None,
    outcome: engine.Outcome = "ok",
) -> None:
    """Tell the chain of what is no change of a record, such as an export."""
    with ws.records.transaction() as transaction:
        Teller(ws.principal, ws.clock, ws.sign).append(
            transaction.chain(ws.tenant), ws.tenant, action, kind, resource, details or {}, outcome
        )


@permitted("audit:read")
def list_entries(
    ws: Workspace, query: AuditQuery | None = None, *, before: int | None = None, limit: int = 100
) -> EntryPage:
    """Return entries that match, newest first."""
    if not 1 <= limit <= _PAGE:
        raise Invalid(f"limit is 1 to {_PAGE}, got {limit}")
    asked = query or AuditQuery()
    with ws.records.read_chain() as chain:
        rows = chain.find(asked, before=before, limit=limit)
        total, size = chain.count(asked), chain.tip()[0]
    more = len(rows) == limit and rows[-1].seq > 0
    return EntryPage([read_entry(row) for row in rows], total, size, rows[-1].seq if more else None)


@permitted("audit:read")
def get_entry(ws: Workspace, seq: int) -> Entry:
    """Return one entry."""
    with ws.records.read_chain() as chain:
        return read_entry(existing(chain, seq))


@permitted("audit:read")
def get_checkpoint(ws: Workspace) -> CheckpointView:
    """Return the newest signed head, signed now where the chain has grown since the last."""
    head = _signed(ws)
    signer = ws.checkpoints(ws.tenant)
    return CheckpointView(
        signer.name, head.size, head.root.hex(), head.note, head.at_ms, signer.verifier
    )


@permitted("audit:read")
def prove_inclusion(ws: Workspace, seq: int) -> InclusionProof:
    """Return the proof that an entry is in the newest signed head."""
    head = _signed(ws)
    with ws.records.read_chain() as chain:
        leaf = engine.leaf_hash(existing(chain, seq).body)
        if seq >= head.size:
            raise Conflict(say("reasons.audit_not_signed", "no signed head holds the entry yet"))
        path = engine.inclusion_path(seq, head.size, chain.node)
    return InclusionProof(
        seq, head.size, leaf.hex(), [one.hex() for one in path], head.root.hex(), head.note
    )


@permitted("audit:read")
def prove_consistency(
    ws: Workspace, old_size: int, new_size: int | None = None
) -> ConsistencyProof:
    """Return the proof that the chain of one size begins that of another, by default the newest."""
    with ws.records.read_chain() as chain:
        new = chain.tip()[0] if new_size is None else new_size
        if not 0 < old_size <= new <= chain.tip()[0]:
            raise Invalid(
                say(
                    "reasons.audit_sizes",
                    "sizes are 1 to {most, number} and in order",
                    most=chain.tip()[0],
                )
            )
        path = engine.consistency_path(old_size, new, chain.node)
        roots = [engine.tree_root(size, chain.node).hex() for size in (old_size, new)]
    return ConsistencyProof(old_size, new, roots[0], roots[1], [one.hex() for one in path])


@permitted("audit:export")
def export_entries(ws: Workspace) -> Iterator[bytes]:
    """Yield every entry as a line of JSON, in order, and tell the chain of the export."""
    log(ws, "audit.exported", "audit", ws.tenant)
    return (row.body + b"\n" for row in _all(ws))


@permitted("maintain:run")
def verify_by_itself(ws: Workspace) -> Verification:
    """Check the chain as the hub's own job does; what is wrong opens an incident."""
    return _verified(ws, None)


@permitted("audit:read")
def verify_chain(
    ws: Workspace, *, remembered: str = "", progress: Callable[[float], None] | None = None
) -> Verification:
    """Return whether every entry, subtree, index and signed head is as it was written.

    `remembered` is a checkpoint that was kept elsewhere: only it can tell that someone who holds
    database and key wrote the history anew. `progress` is told the share that was read.
    """
    signer = ws.checkpoints(ws.tenant)
    return _verified(ws, open_kept(remembered, signer) if remembered else None, progress)


def _verified(
    ws: Workspace,
    kept: engine.Checkpoint | None,
    progress: Callable[[float], None] | None = None,
) -> Verification:
    signer = ws.checkpoints(ws.tenant)
    with ws.records.read_chain() as chain:
        heads = chain.heads()
        faults = [Fault(head.size, "signature") for head in heads if not _holds(head, signer)]
        wanted = {head.size: head.root for head in heads}
        if kept is not None and kept.size <= chain.tip()[0]:
            wanted.setdefault(kept.size, kept.root)
        leaves: list[bytes] = []
        indexed: list[Fault] = []
        bodies = _bodies(chain, leaves, indexed, progress)
        verdict = engine.check_chain(bodies, ws.tenant, wanted)
        faults += [Fault(finding.seq, finding.fault) for finding in verdict.findings] + indexed
        faults += _node_faults(chain, leaves)
        answer = _compared(kept, verdict, wanted) if kept else None
    found = Verification(
        ws.now_ms(), verdict.checked, len(heads), verdict.root.hex(), not faults, faults[:100]
    )
    ws.records.put(_VERIFIED, "chain", msgspec.to_builtins(found))
    return msgspec.structs.replace(found, remembered=answer)


def audit_rule(ws: Workspace) -> Iterator[Finding]:
    """The newest check of the chain found it changed, or the witness refuses to go on with it."""
    said = read_witnessing(ws)
    if said.refusal:
        title = "The witness refuses the audit chain: its history was rewritten or cut short"
        told = {"refusal": said.refusal, "remembers": said.remembers, "cosigned": said.cosigned}
        yield Finding("audit_rewritten", "audit", "witness", "critical", title, told)
    found = newest_check(ws)
    if found is not None and not found.is_whole:
        title = f"The audit chain is not as it was written: {len(found.faults)} faults"
        first = found.faults[0]
        evidence: dict[str, Any] = {"seq": first.seq, "fault": first.fault, "n": len(found.faults)}
        yield Finding("audit_broken", "audit", "audit", "critical", title, evidence)


@permitted("maintain:run")
def sign_head(ws: Workspace) -> bool:
    """Sign the chain as it stands, where it has grown and still begins with what was signed."""
    with ws.records.read_chain() as chain:
        before = chain.head()
    return _signed(ws) != before


def newest_check(ws: Workspace) -> Verification | None:
    """Return what the newest check found; for services, which say who may know."""
    row = ws.records.get(_VERIFIED, "chain")
    return msgspec.convert(row.body, Verification) if row else None


def _signed(ws: Workspace) -> AuditHead:
    """Return a signed head of the chain as it stands.

    A chain that does not begin with the one that was signed last is not signed: the newest head
    stays the last sound one, and `verify_chain` names what is wrong.
    """
    with ws.records.read_chain() as chain:
        newest = chain.head()
        if newest is not None and newest.size >= chain.tip()[0]:
            return newest  # most often: writers need not wait for a look
    signer = ws.checkpoints(ws.tenant)
    with ws.records.transaction() as transaction:
        chain = transaction.chain(ws.tenant)
        size, before = chain.tip()[0], chain.head()
        root = engine.tree_root(size, chain.node)
        if before is not None and (before.size >= size or not _extends(chain, before, size, root)):
            return before
        note = signer.sign(engine.Checkpoint(signer.name, size, root))
        made = AuditHead(size, root, note, ws.now_ms())
        chain.put_head(made)
        return made


def _extends(chain: AuditLog, before: AuditHead, size: int, root: bytes) -> bool:
    if before.size == 0:
        return before.root == engine.EMPTY_ROOT
    path = engine.consistency_path(before.size, size, chain.node)
    return engine.verify_consistency(before.size, size, path, before.root, root)


def _holds(head: AuditHead, signer: engine.Signer) -> bool:
    try:
        return engine.open_note(head.note, signer.verifier) == engine.Checkpoint(
            signer.name, head.size, head.root
        )
    except EngineError:
        return False


def open_kept(note: str, signer: engine.Signer) -> engine.Checkpoint:
    """Return what a checkpoint says that somebody kept, or raise `Invalid`: not of this chain."""
    try:
        found = engine.open_note(note.strip() + "\n", signer.verifier)
        if found.origin != signer.name:
            raise EngineError(f"its origin is {found.origin}")
    except EngineError as error:
        said = say(
            "reasons.audit_note", "this is no checkpoint of this chain: {error}", error=str(error)
        )
        raise Invalid(said) from error
    return found


def _compared(
    kept: engine.Checkpoint, verdict: engine.Verdict, wanted: dict[int, bytes]
) -> Remembered:
    if kept.size > verdict.checked:
        return "truncated"
    broken = any(f.fault == "root" and f.seq == max(kept.size - 1, 0) for f in verdict.findings)
    if broken or wanted[kept.size] != kept.root:
        return "rewritten"
    return "same" if kept.size == verdict.checked else "grown"


def _node_faults(chain: AuditLog, hashes: list[bytes]) -> list[Fault]:
    """Return the first subtree of each level that is not what the leaves give."""
    faults: list[Fault] = []
    level = 0
    while hashes:
        for first in range(0, len(hashes), _PAGE):
            expected = hashes[first : first + _PAGE]
            stored = chain.nodes(level, first, _PAGE)
            if stored != expected:
                pairs = zip(stored, expected, strict=False)
                same = next((k for k, (a, b) in enumerate(pairs) if a != b), len(stored))
                faults.append(Fault((first + min(same, len(expected) - 1)) << level, "node"))
                break
        pairs_of = zip(hashes[::2], hashes[1::2], strict=False)
        hashes = [engine.node_hash(left, right) for left, right in pairs_of]
        level += 1
    return faults


def _bodies(
    chain: AuditLog,
    leaves: list[bytes],
    faults: list[Fault],
    progress: Callable[[float], None] | None,
) -> Iterator[bytes]:
    """Yield every entry in order; keep its leaf, and whether it is found by what it says."""
    size = chain.tip()[0]
    for row in rows_of(chain):
        if progress is not None and row.seq % _PAGE == 0:
            progress(row.seq / size)
        leaves.append(engine.leaf_hash(row.body))
        if not is_indexed(row):
            faults.append(Fault(row.seq, "index"))
        yield row.body


def rows_of(chain: AuditLog) -> Iterator[AuditEntry]:
    """Yield every entry in order, a page of them in memory."""
    first = 0
    while rows := chain.entries(first, _PAGE):
        yield from rows
        first = rows[-1].seq + 1


def _all(ws: Workspace) -> Iterator[AuditEntry]:
    with ws.records.read_chain() as chain:
        yield from rows_of(chain)


def existing(chain: AuditLog, seq: int) -> AuditEntry:
    """Return an entry, or raise `NotFound`."""
    row = chain.get(seq)
    if row is None:
        raise NotFound(f"the audit chain has no entry {seq}")
    return row
