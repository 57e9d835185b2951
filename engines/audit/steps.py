"""A proof of inclusion step by step, for people who look at one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines.audit.merkle import node_hash


@dataclass(frozen=True, slots=True)
class Step:
    """One hash of the path.

    Attributes
    ----------
    sibling : bytes of length 32
        The hash that the path gives: of what stands before (`is_left`) or after.
    is_left : bool
        Whether it goes in front.
    value : bytes of length 32
        Hash of both together; after the last step the root.
    """

    sibling: bytes
    is_left: bool
    value: bytes


def climb(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> tuple[Step, ...]:
    """Return what an inclusion path does to a leaf, from the leaf up.

    Parameters
    ----------
    index, size : int
        Place of the leaf, and leaves of the tree.
    leaf, path : bytes, sequence of bytes
        Hash of the leaf, and the path as `inclusion_path` gives it.

    Returns
    -------
    tuple of Step
        As many as the path has hashes, fewer where the path is longer than the tree is high:
        whether the last value is the root is for `verify_inclusion` to say.

    References
    ----------
    RFC 9162, section 2.1.3.2.

    Examples
    --------
    >>> a, b, c = (bytes([k]) * 32 for k in range(3))
    >>> [step.is_left for step in climb(2, 3, c, [node_hash(a, b)])]
    [True]
    >>> climb(2, 3, c, [node_hash(a, b)])[-1].value == node_hash(node_hash(a, b), c)
    True
    """
    at, last, value = index, size - 1, leaf
    steps: list[Step] = []
    for sibling in path:
        if last == 0:
            break
        is_left = bool(at & 1) or at == last
        value = node_hash(sibling, value) if is_left else node_hash(value, sibling)
        steps.append(Step(sibling, is_left, value))
        while is_left and at and not at & 1:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    return tuple(steps)
