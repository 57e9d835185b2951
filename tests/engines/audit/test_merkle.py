"""The Merkle tree against published roots, published proofs and a tree written naively."""

from __future__ import annotations

import base64
import json
import os
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.audit import (
    EMPTY_ROOT,
    Frontier,
    completed,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from engines.errors import EngineError

LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
"""Leaves and roots that the certificate transparency projects test themselves by."""
VECTORS = Path(os.environ.get("AIOBS_VECTORS", "../shared/facts/vectors")) / "rfc6962-merkle"


class Nodes:
    """Complete subtrees as a store keeps them."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.kept: dict[tuple[int, int], bytes] = {}
        for seq, leaf in enumerate(leaves):
            for level, index, value in completed(seq, leaf, self):
                assert (level, index) not in self.kept
                self.kept[level, index] = value

    def __call__(self, level: int, index: int) -> bytes:
        return self.kept[level, index]


def naive(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive(leaves[:k]) + naive(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive(leaves[:k])]


def naive_proof(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 6962, section 2.1.2."""
    n = len(leaves)
    if m == n:
        return [] if whole else [naive(leaves)]
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        return [*naive_proof(m, leaves[:k], whole), naive(leaves[k:])]
    return [*naive_proof(m - k, leaves[k:], False), naive(leaves[:k])]


def some(n: int) -> list[bytes]:
    return [leaf_hash(k.to_bytes(4, "big")) for k in range(n)]


def test_published_roots() -> None:
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    nodes = Nodes(leaves)
    for size, root in ROOTS.items():
        assert tree_root(size, nodes).hex() == root
    assert tree_root(0, nodes) == EMPTY_ROOT == sha256(b"").digest()


@given(st.integers(1, 200), st.data())
def test_paths_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    leaves = some(size)
    nodes, root = Nodes(leaves), naive(leaves)
    assert tree_root(size, nodes) == root
    at = data.draw(st.integers(0, size - 1))
    path = inclusion_path(at, size, nodes)
    assert path == naive_path(at, leaves)
    assert verify_inclusion(leaves[at], at, size, path, root)
    old = data.draw(st.integers(1, size))
    proof = consistency_path(old, size, nodes)
    assert proof == naive_proof(old, leaves)
    assert verify_consistency(old, size, proof, naive(leaves[:old]), root)
    edge = Frontier()
    for leaf in leaves:
        edge.add(leaf)
    assert edge.root() == root


@given(st.integers(2, 64), st.data())
def test_a_changed_bit_anywhere_is_seen(size: int, data: st.DataObject) -> None:
    leaves = some(size)
    nodes, root = Nodes(leaves), naive(leaves)
    at = data.draw(st.integers(0, size - 1))
    path = inclusion_path(at, size, nodes)
    where = data.draw(st.integers(0, len(path)))
    bit = data.draw(st.integers(0, 255))
    parts = [leaves[at], *path]
    parts[where] = (int.from_bytes(parts[where], "big") ^ 1 << bit).to_bytes(32, "big")
    assert not verify_inclusion(parts[0], at, size, parts[1:], root)
    other = (at + 1) % size
    assert not verify_inclusion(leaves[at], other, size, path, root)


def test_proofs_of_a_million_are_short() -> None:
    """20 hashes, 640 bytes: what 2**20 leaves need at most."""
    asked: list[tuple[int, int]] = []

    def node(level: int, index: int) -> bytes:
        asked.append((level, index))
        return bytes(32)

    assert len(inclusion_path(777_777, 1_000_000, node)) <= 20
    assert len(asked) <= 3 * 20


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3), (-1, 3)])
def test_trees_that_cannot_be_compared_are_refused(old: int, new: int) -> None:
    with pytest.raises(EngineError):
        consistency_path(old, new, Nodes(some(3)))
    assert not verify_consistency(old, new, [], EMPTY_ROOT, EMPTY_ROOT)


def test_a_leaf_that_is_none_is_refused() -> None:
    with pytest.raises(EngineError):
        inclusion_path(3, 3, Nodes(some(3)))
    assert not verify_inclusion(bytes(32), 0, 0, [], EMPTY_ROOT)


def _published(kind: str) -> list[Path]:
    return sorted((VECTORS / kind).rglob("*.json"))


def _bytes(text: str | None) -> bytes:
    return base64.b64decode(text or "")


@pytest.mark.skipif(not VECTORS.exists(), reason="published proofs are not on this machine")
def test_published_proofs() -> None:
    """98 proofs of inclusion and 98 of consistency, most of them broken on purpose."""
    seen = 0
    for path in _published("inclusion"):
        one = json.loads(path.read_text())
        holds = verify_inclusion(
            _bytes(one["leafHash"]), one["leafIdx"], one["treeSize"],
            [_bytes(p) for p in one["proof"] or []], _bytes(one["root"]),
        )  # fmt: skip
        assert holds == (not one["wantErr"]), path
        seen += 1
    for path in _published("consistency"):
        one = json.loads(path.read_text())
        holds = verify_consistency(
            one["size1"], one["size2"], [_bytes(p) for p in one["proof"] or []],
            _bytes(one["root1"]), _bytes(one["root2"]),
        )  # fmt: skip
        assert holds == (not one["wantErr"]), path
        seen += 1
    assert seen == 196


def test_node_and_leaf_hashes_differ() -> None:
    both = bytes(64)
    assert node_hash(both[:32], both[32:]) != leaf_hash(both)
