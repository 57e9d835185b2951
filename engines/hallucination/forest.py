"""Boosted regression trees as arrays: every row and every tree walks down at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Nodes of all trees in one row of arrays.

    Attributes
    ----------
    feature, threshold, left, right, value : arrays of shape (nodes,)
        A leaf points at itself on both sides. ``value`` is the node's own mean, so a path tells
        what each split added.
    roots : array of shape (trees,)
    depth : int
        Splits on the longest path.
    """

    feature: Indices
    threshold: Floats
    left: Indices
    right: Indices
    value: Floats
    roots: Indices
    depth: int

    @classmethod
    def of(cls, trees: Sequence[Sequence[Sequence[float]]]) -> Forest:
        """Return the forest of trees given as [feature, threshold, left, right, value] columns.

        A leaf has left == -1; indices count from the start of its tree.
        """
        sizes = [len(tree[0]) for tree in trees]
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        columns = [np.concatenate([tree[i] for tree in trees]) for i in range(5)]
        shift = np.repeat(roots, sizes)
        here = np.arange(sum(sizes))
        is_leaf = columns[2] < 0
        left = np.where(is_leaf, here, columns[2] + shift).astype(np.int64)
        right = np.where(is_leaf, here, columns[3] + shift).astype(np.int64)
        depth, level = 0, set(roots.tolist())
        while level := {int(c) for n in level if not is_leaf[n] for c in (left[n], right[n])}:
            depth += 1
        return cls(columns[0].astype(np.int64), columns[1], left, right, columns[4], roots, depth)

    def effects(self, rows: Floats) -> Floats:
        """Return what each feature adds along the paths, shape of `rows`.

        Examples
        --------
        >>> stump = Forest.of([[[1, 0, 0], [0.5, 0, 0], [1, -1, -1], [2, -1, -1], [0.0, -2, 3]]])
        >>> stump.effects(np.array([[9.0, 0.0], [9.0, 1.0]]))
        array([[ 0., -2.],
               [ 0.,  3.]])

        References
        ----------
        Saabas (2014), Interpreting random forests: contributions as differences of node means.
        """
        n, width = rows.shape
        added = np.zeros(n * width)
        offset = np.arange(n)[:, None] * width
        flat = rows.ravel()
        node = np.repeat(self.roots[None, :], n, axis=0)
        for _ in range(self.depth):
            place = offset + self.feature[node]
            goes_left = flat[place] <= self.threshold[node]
            child = np.where(goes_left, self.left[node], self.right[node])
            step = self.value[child] - self.value[node]
            added += np.bincount(place.ravel(), weights=step.ravel(), minlength=n * width)
            node = child
        return added.reshape(n, width)
