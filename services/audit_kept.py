"""A checkpoint that somebody kept: whether the chain still begins as it did then."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

import msgspec

from engines.audit import tree_root
from services.audit import open_kept
from services.errors import Invalid
from services.identity import permitted
from services.workspace import Workspace

Outcome = Literal["consistent", "rewritten", "shorter", "other_key", "no_note"]


class Compared(msgspec.Struct, frozen=True):
    """What a kept checkpoint of `kept` entries says of a chain that has `size`.

    `other_key`: no checkpoint that this hub's key signed for this chain; `no_note`: none at all.
    """

    outcome: Outcome
    kept: int = 0
    size: int = 0


@permitted("audit:read")
def compare_kept(ws: Workspace, text: str) -> Compared:
    """Compare the chain with a checkpoint: its lines, or size and root as SIZE:ROOT in base64."""
    if "\n" in text.strip():
        try:
            found = open_kept(text, ws.checkpoints(ws.tenant))
        except Invalid:
            return Compared("other_key")
        kept, root = found.size, found.root
    else:
        size, _, encoded = text.strip().partition(":")
        try:
            root = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return Compared("no_note")
        if len(root) != 32 or not size.isascii() or not size.isdecimal() or len(size) > 15:
            return Compared("no_note")
        kept = int(size)
    with ws.records.read_chain() as chain:
        size_now = chain.tip()[0]
        if kept > size_now:
            return Compared("shorter", kept, size_now)
        is_same = tree_root(kept, chain.node) == root
    return Compared("consistent" if is_same else "rewritten", kept, size_now)
