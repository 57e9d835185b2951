"""Absorbing walk from the effect towards its causes, where no additive cost exists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def absorbed_shares(
    scores: Mapping[str, float],
    parents: Mapping[str, Sequence[str]],
    effect: str,
    *,
    anomalous: float,
    stay: float = 0.1,
) -> dict[str, float]:
    """Return how much of the blame each vertex absorbs; the shares add up to 1.

    Parameters
    ----------
    scores : mapping
        Vertex -> anomaly score, 0 or more; a missing vertex scores 0.
    parents : mapping
        Vertex -> vertices that may cause it. Cycles are allowed.
    effect : str
        Where the walk starts.
    anomalous : float
        Least score of a parent that can take blame over.
    stay : float, optional
        Part of its own score with which a vertex that has an anomalous parent keeps the blame.

    Returns
    -------
    dict
        Vertex -> probability in [0, 1], over every vertex that the walk can reach.

    Notes
    -----
    At each vertex the walk moves to an anomalous parent with weight equal to the parent's score, or
    stops with weight ``stay`` x own score (1 if no parent is anomalous). Absorption probabilities
    solve ``(I - Q)^T x = start``. As in every random walk on a dependency graph it assumes that
    causes look anomalous themselves; a cause that was not measured hands its blame to its first
    measured effect.

    References
    ----------
    Kemeny, Snell (1960), *Finite Markov Chains*, chapter 3.

    Examples
    --------
    >>> absorbed_shares({"trust": 2.0, "drift": 2.0}, {"trust": ["drift"]}, "trust", anomalous=1.4)
    {'drift': 0.909..., 'trust': 0.0909...}
    """
    reach = _reachable(scores, parents, effect, anomalous)
    at = {vertex: i for i, vertex in enumerate(reach)}
    moves = np.zeros((len(reach), len(reach)))
    stops = np.ones(len(reach))
    for vertex in reach:
        ways = [p for p in parents.get(vertex, ()) if p in at and scores.get(p, 0.0) >= anomalous]
        weights = np.array([scores[way] for way in ways])
        keep = max(stay * scores.get(vertex, 0.0), 1e-3)
        if ways:
            total = keep + weights.sum()
            moves[at[vertex], [at[way] for way in ways]] = weights / total
            stops[at[vertex]] = keep / total
    start = np.zeros(len(reach))
    start[at[effect]] = 1.0
    visits = np.linalg.solve((np.eye(len(reach)) - moves).T, start)
    return {vertex: float(visits[at[vertex]] * stops[at[vertex]]) for vertex in reach}


def _reachable(
    scores: Mapping[str, float], parents: Mapping[str, Sequence[str]], effect: str, least: float
) -> list[str]:
    seen, queue = {effect}, [effect]
    while queue:
        for parent in parents.get(queue.pop(), ()):
            if parent not in seen and scores.get(parent, 0.0) >= least:
                seen.add(parent)
                queue.append(parent)
    return sorted(seen)
