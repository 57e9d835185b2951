"""Checks a run of entries: every link, every place, and the root they must lead to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from engines.audit.entry import FIELDS, FIRST, entry_hash
from engines.audit.merkle import Frontier, leaf_hash

MAX_FINDINGS = 100
Fault = Literal["unreadable", "schema", "order", "tenant", "link", "missing", "root"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, at which entry.

    Attributes
    ----------
    seq : int
        Place where it shows.
    fault : str
        ``unreadable`` (no JSON), ``schema`` (other fields than an entry's), ``order`` (another
        ``seq`` than its place), ``tenant`` (another chain's), ``link`` (``previousHash`` is not the
        hash of the entry before), ``missing`` (fewer entries than the checkpoint says), ``root``
        (the entries do not lead to the checkpoint's root).
    """

    seq: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of a whole chain found.

    Attributes
    ----------
    checked : int
        Entries read.
    root : bytes
        Root over all of them.
    findings : tuple of Finding
        Empty when the chain is whole; the first 100 otherwise.
    """

    checked: int
    root: bytes
    findings: tuple[Finding, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def check_chain(entries: Iterable[bytes], tenant: str, roots: Mapping[int, bytes]) -> Verdict:
    """Return whether entries are the chain that checkpoints speak of.

    Parameters
    ----------
    entries : iterable of bytes
        From the first on, in order.
    tenant : str
        Whose chain it is.
    roots : mapping of int to bytes
        Root that a checkpoint says for a size. Entries after the largest are checked for their
        links alone.

    Examples
    --------
    >>> check_chain([], "default", {0: b"?"}).findings
    (Finding(seq=0, fault='root'),)
    """
    findings: list[Finding] = []
    edge, previous, seq = Frontier(), FIRST, 0

    def compare() -> None:
        if roots.get(seq, root := edge.root()) != root:
            findings.append(Finding(max(seq - 1, 0), "root"))

    compare()
    for body in entries:
        findings += [Finding(seq, fault) for fault in _faults(body, seq, tenant, previous)]
        edge.add(leaf_hash(body))
        previous = entry_hash(body)
        seq += 1
        if seq in roots:
            compare()
        del findings[MAX_FINDINGS:]
    if seq < max(roots, default=0):
        findings.append(Finding(seq, "missing"))
    return Verdict(seq, edge.root(), tuple(findings))


def _faults(body: bytes, seq: int, tenant: str, previous: str) -> list[Fault]:
    try:
        entry = json.loads(body)
    except ValueError:
        return ["unreadable"]
    if not isinstance(entry, dict) or tuple(sorted(entry)) != tuple(sorted(FIELDS)):
        return ["schema"]
    checks: tuple[tuple[Fault, bool], ...] = (
        ("order", entry["seq"] == seq),
        ("tenant", entry["tenant"] == tenant),
        ("link", entry["previousHash"] == previous),
    )
    return [fault for fault, holds in checks if not holds]
