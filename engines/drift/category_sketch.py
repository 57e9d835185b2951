"""Mergeable summary of a category: the most frequent labels and what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engines.drift.pair import CategoryPair

OTHER = "(other)"
SAFE = 20  # a label is compared alone when its count is this many times its possible error


@dataclass(frozen=True, slots=True, eq=False)
class CategorySketch:
    """Counts of at most `labels` values, exact until there are more.

    Attributes
    ----------
    labels : int
        Capacity.
    counts : mapping of str to int
        Rows per kept label, never too many.
    other : int
        Rows of labels that were dropped.
    error : int
        Bound on the rows a kept label may lack.

    References
    ----------
    Misra, Gries (1982), Finding repeated elements, Sci. Comput. Program. 2(2),
    doi:10.1016/0167-6423(82)90012-0 (the bound; here dropped rows are kept as `other`).
    """

    labels: int
    counts: Mapping[str, int]
    other: int = 0
    error: int = 0

    @property
    def rows(self) -> int:
        """Return the number of rows summarised."""
        return sum(self.counts.values()) + self.other

    @classmethod
    def of(cls, counts: Mapping[str, int], labels: int) -> CategorySketch:
        """Return the sketch of exact counts.

        Examples
        --------
        >>> CategorySketch.of({"a": 5, "b": 3, "c": 1}, labels=2).other
        1
        """
        return _trim(Counter(counts), labels, 0, 0)


def merge_categories(parts: Sequence[CategorySketch]) -> CategorySketch:
    """Return the sketch of all rows behind `parts`; the smallest capacity decides."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part.counts)
    other, error = sum(part.other for part in parts), sum(part.error for part in parts)
    return _trim(total, min(part.labels for part in parts), other, error)


def _trim(counts: Counter[str], labels: int, other: int, error: int) -> CategorySketch:
    if len(counts) <= labels:
        return CategorySketch(labels, dict(counts), other, error)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    dropped = ordered[labels:]
    other += sum(count for _, count in dropped)
    return CategorySketch(labels, dict(ordered[:labels]), other, error + dropped[0][1])


def pair_categories(reference: CategorySketch, current: CategorySketch) -> CategoryPair:
    """Return aligned counts; labels whose counts are not sure are gathered in one cell."""
    if not (reference.other or current.other):
        return CategoryPair.of_counts(reference.counts, current.counts)
    before, after = dict(reference.counts), dict(current.counts)
    spilled = [reference.other, current.other]
    for label in list(dict.fromkeys((*before, *after))):
        is_sure = (label in before or not reference.other) and (label in after or not current.other)
        most = max(before.get(label, 0), after.get(label, 0))
        if not is_sure or most < SAFE * max(reference.error, current.error):
            spilled[0] += before.pop(label, 0)
            spilled[1] += after.pop(label, 0)
    labels = tuple(dict.fromkeys((*before, *after)))
    return CategoryPair(
        reference.rows,
        current.rows,
        (*labels, OTHER),
        np.array([*(before.get(label, 0) for label in labels), spilled[0]], dtype=np.float64),
        np.array([*(after.get(label, 0) for label in labels), spilled[1]], dtype=np.float64),
    )
