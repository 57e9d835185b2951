"""/api/audit: what happened, who did it, and proofs of it that need no trust in the hub."""

from __future__ import annotations

import msgspec
from flask import Response

from app.api.queries import Span, window_of
from app.api.routing import Router, download
from services import audit as service
from services import audit_proof as proofs
from services.audit_entry import Entry
from services.errors import Malformed
from services.workspace import Workspace

router = Router("audit", "/api/audit")


class EntriesQuery(Span, frozen=True):
    """Which entries: all, or those of an actor, an action, a resource, a window."""

    actor: str = ""
    action: str = ""
    kind: str = ""
    resource: str = ""
    before: int | None = None
    limit: int = 100


class SizesQuery(msgspec.Struct, frozen=True):
    """Two sizes of the chain; without the second, the newest."""

    old_size: int
    new_size: int | None = None


class Kept(msgspec.Struct, frozen=True):
    """A checkpoint that was kept elsewhere, as text."""

    checkpoint: str = ""


@router.route(
    "GET", "/entries", permission="audit:read", query=EntriesQuery, returns=service.EntryPage,
    errors=(422,),
)  # fmt: skip
def list_entries(ws: Workspace, query: EntriesQuery) -> service.EntryPage:
    """Return changes of state and exports, newest first; `before` continues."""
    is_bounded = any((query.hours, query.days, query.start, query.end))
    window = window_of(ws, query) if is_bounded else None
    asked = service.Query(
        query.actor, query.action, query.kind, query.resource,
        window.start_ms if window else None, window.end_ms if window else None,
    )  # fmt: skip
    return service.list_entries(ws, asked, before=query.before, limit=query.limit)


@router.route("GET", "/entries/<text:seq>", permission="audit:read", returns=Entry, errors=(404,))
def get_entry(ws: Workspace, seq: str) -> Entry:
    """Return one entry with its hash."""
    return service.get_entry(ws, _place(seq))


@router.route(
    "GET", "/entries/<text:seq>/proof", permission="audit:read",
    returns=service.InclusionProof, errors=(404, 409),
)  # fmt: skip
def prove_inclusion(ws: Workspace, seq: str) -> service.InclusionProof:
    """Return the proof that an entry is in the newest signed head (RFC 9162, 2.1.3)."""
    return service.prove_inclusion(ws, _place(seq))


@router.route(
    "GET", "/consistency", permission="audit:read", query=SizesQuery,
    returns=service.ConsistencyProof, errors=(422,),
)  # fmt: skip
def prove_consistency(ws: Workspace, query: SizesQuery) -> service.ConsistencyProof:
    """Return the proof that the chain only grew between two sizes (RFC 9162, 2.1.4)."""
    return service.prove_consistency(ws, query.old_size, query.new_size)


@router.route("GET", "/checkpoint", permission="audit:read", returns=service.CheckpointView)
def get_checkpoint(ws: Workspace) -> service.CheckpointView:
    """Return the newest signed head, to keep elsewhere, and the key to check it by."""
    return service.get_checkpoint(ws)


@router.route(
    "POST", "/verify", permission="audit:read", body=Kept, returns=service.Verification,
    errors=(422,),
)  # fmt: skip
def verify(ws: Workspace, body: Kept) -> service.Verification:
    """Check every entry, subtree, index and signed head, and compare with a checkpoint you kept."""
    return service.verify_chain(ws, remembered=body.checkpoint)


@router.route("GET", "/export.jsonl", permission="audit:export", produces="application/x-ndjson")
def export(ws: Workspace) -> Response:
    """Return every entry, a line each: the bytes that hashes and proofs are over."""
    lines = b"".join(service.export_entries(ws))
    answer = download(lines, "application/x-ndjson", "aiobs-audit.jsonl")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.route(
    "GET", "/entries/<text:seq>/proof.tlog", permission="audit:read", produces="text/plain",
    errors=(404, 409),
)  # fmt: skip
def write_proof(ws: Workspace, seq: str) -> Response:
    """Return the same proof with the entry in it, as a file for `verify.py` (tlog-proof)."""
    place = _place(seq)
    return _file(proofs.write_proof(ws, place), f"{place}.tlog-proof")


@router.route("GET", "/checkpoint.txt", permission="audit:read", produces="text/plain")
def write_checkpoint(ws: Workspace) -> Response:
    """Return the newest signed head as a file for `verify.py` (signed note)."""
    return _file(service.get_checkpoint(ws).note.encode(), "checkpoint")


@router.route("GET", "/key.txt", permission="audit:read", produces="text/plain")
def write_key(ws: Workspace) -> Response:
    """Return the verifier key of this chain as a file: note it away from the hub."""
    return _file(f"{service.get_checkpoint(ws).verifier}\n".encode(), "key.txt")


@router.route("GET", "/verify.py", permission="audit:read", produces="text/plain")
def write_verifier(ws: Workspace) -> Response:
    """Return the program that checks these files without the hub and without a network."""
    return _file(proofs.read_verifier(ws), "verify.py")


def _file(content: bytes, name: str) -> Response:
    answer = download(content, "text/plain; charset=utf-8", name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _place(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise Malformed("the place of an entry is a whole number from 0")
    return int(text)
