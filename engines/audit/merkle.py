"""The Merkle tree of RFC 6962 and 9162: roots, proofs of inclusion and of consistency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from engines.errors import EngineError

Node = Callable[[int, int], bytes]
"""(level, index) -> hash of the complete subtree over leaves index * 2**level and on."""

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 of a zero byte and the entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 of a one byte and both children."""
    return sha256(b"\x01" + left + right).digest()


def completed(seq: int, leaf: bytes, node: Node) -> list[tuple[int, int, bytes]]:
    """Return (level, index, hash) of every complete subtree that leaf `seq` ends, itself first.

    `node` is asked for subtrees that were complete before: O(log n) of them.

    Examples
    --------
    >>> [(level, index) for level, index, _ in completed(3, b"3" * 32, lambda level, index: b"")]
    [(0, 3), (1, 1), (2, 0)]
    """
    grown = [(0, seq, leaf)]
    level, index, value = 0, seq, leaf
    while index & 1:
        value = node_hash(node(level, index - 1), value)
        level, index = level + 1, index >> 1
        grown.append((level, index, value))
    return grown


def tree_root(size: int, node: Node) -> bytes:
    """Return the root over the first `size` leaves.

    Examples
    --------
    >>> leaves = [leaf_hash(bytes([k])) for k in range(3)]
    >>> pair = node_hash(leaves[0], leaves[1])
    >>> tree_root(3, lambda level, index: pair if level else leaves[index]).hex()[:8]
    '3b6cccd7'
    >>> node_hash(pair, leaves[2]).hex()[:8]
    '3b6cccd7'
    """
    return EMPTY_ROOT if size == 0 else _range_root(0, size, node)


def inclusion_path(index: int, size: int, node: Node) -> list[bytes]:
    """Return the hashes that lead from leaf `index` to the root over `size` leaves.

    Raises
    ------
    EngineError
        No such leaf.

    References
    ----------
    RFC 9162, section 2.1.3.1.
    """
    if not 0 <= index < size:
        raise EngineError(f"leaf {index} is not among the first {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(middle, end, node))
            end = middle
        else:
            path.append(_range_root(start, middle, node))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int, node: Node) -> list[bytes]:
    """Return the hashes that show that the tree of `old` leaves begins the tree of `new` leaves.

    Raises
    ------
    EngineError
        `old` is 0, of which nothing can be shown, or above `new`.

    References
    ----------
    RFC 9162, section 2.1.4.1.
    """
    if not 0 < old <= new:
        raise EngineError(f"a tree of {old} leaves cannot be compared with one of {new}")
    path: list[bytes] = []
    start, end, is_whole = 0, new, True
    while end > old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_root(middle, end, node))
            end = middle
        else:
            path.append(_range_root(start, middle, node))
            start, is_whole = middle, False
    if not is_whole:
        path.append(_range_root(start, end, node))
    return path[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Return whether the path leads from the leaf to the root.

    References
    ----------
    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size or not _are_hashes(leaf, root, *path):
        return False
    at, last, value = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            value = node_hash(sibling, value)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and value == root


def verify_consistency(
    old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:
    """Return whether the path shows that the old tree begins the new one; never for size 0.

    References
    ----------
    RFC 9162, section 2.1.4.2.
    """
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    hashes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not path:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = hashes[0]
    for value in hashes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node_hash(value, before), node_hash(value, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, value)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


class Frontier:
    """The complete subtrees at the right edge of a growing tree: a root in O(log n) memory.

    Examples
    --------
    >>> edge = Frontier()
    >>> for k in range(3):
    ...     edge.add(leaf_hash(bytes([k])))
    >>> edge.size, edge.root().hex()[:8]
    (3, '3b6cccd7')
    """

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append a leaf."""
        value, index = leaf, self.size
        while index & 1:
            value = node_hash(self._peaks.pop(), value)
            index >>= 1
        self._peaks.append(value)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over what was added."""
        if not self._peaks:
            return EMPTY_ROOT
        value = self._peaks[-1]
        for peak in self._peaks[-2::-1]:
            value = node_hash(peak, value)
        return value


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == 32 for value in values)


def _split(n: int) -> int:
    """Return the largest power of two below n, for n above 1."""
    return 1 << (n - 1).bit_length() - 1


def _range_root(start: int, end: int, node: Node) -> bytes:
    """Return the root over leaves start to end; the range is a node of a tree of some size."""
    n = end - start
    if n & (n - 1) == 0:
        return node(n.bit_length() - 1, start // n)
    middle = start + _split(n)
    return node_hash(_range_root(start, middle, node), _range_root(middle, end, node))
