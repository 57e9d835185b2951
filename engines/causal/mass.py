"""Own-excess mass balance: how much of the effect's excess starts at each node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engines.causal.anomaly import persistent, quantiles
from engines.causal.inputs import FloatArray


def excess(history: FloatArray, before: FloatArray, after: FloatArray) -> FloatArray:
    """Return how much each cost rose after the onset, per column, never below 0.

    Parameters
    ----------
    history, before, after : array of shape (rows, nodes)
        Cost per interval (seconds, failures, tokens, money ...) in normal times, just before the
        onset and after it; NaN where it was not measured.

    Returns
    -------
    array of shape (nodes,)
        Lasting cost after, less the larger of the median in history and the mean just before;
        NaN where nothing was measured after.

    Examples
    --------
    >>> excess(np.array([[1.0], [1.0], [2.0]]), np.array([[1.5]]), np.array([[4.0], [3.0]]))
    array([2.5])
    """
    usual = quantiles(history, (0.5,))[0]
    seen = np.isfinite(before)
    total = np.where(seen, before, 0.0).sum(axis=0)
    just = np.where(seen.any(axis=0), total / np.maximum(seen.sum(axis=0), 1), np.nan)
    baseline = np.nan_to_num(np.fmax(usual, just))
    gone = ~np.isfinite(after).any(axis=0)
    return np.where(gone, np.nan, np.maximum(0.0, persistent(after) - baseline))


def own_shares(
    risen: Mapping[str, float],
    callees: Mapping[str, Sequence[str]],
    effect: str,
    through: Mapping[tuple[str, str], float] | None = None,
) -> dict[str, float]:
    """Return the share of the effect's excess that each node adds by itself.

    Parameters
    ----------
    risen : mapping
        Node -> excess of its cost, from :func:`excess`; nodes without a cost are absent.
    callees : mapping
        Node -> nodes it calls.
    effect : str
        Node whose excess is to be explained.
    through : mapping, optional
        (caller, callee) -> excess of the cost of that edge alone, where it was measured. It
        replaces the callee's whole excess, which a callee shared by several callers overstates.

    Returns
    -------
    dict
        Node -> share in [0, 1]; empty if the effect's cost did not rise.

    Notes
    -----
    ``own = max(0, E_node - sum of E over its callees)``, ``share = min(1, own / E_effect)``. A
    caller's latency contains its callees', so every upstream caller looks as bad as the fault;
    what is left after subtraction is its own time. Parallel fan-out and queues break additivity.

    Examples
    --------
    >>> own_shares({"web": 10.0, "cart": 9.0, "db": 1.0}, {"web": ["cart"], "cart": ["db"]}, "web")
    {'cart': 0.8, 'db': 0.1, 'web': 0.1}
    """
    total = risen.get(effect, 0.0)
    if not total > 0:
        return {}
    through = through or {}
    shares = {}
    for node in sorted(risen):
        below = [
            through.get((node, callee), risen.get(callee, 0.0)) for callee in callees.get(node, ())
        ]
        own = risen[node] - float(np.sum(np.sort(below)))
        shares[node] = min(1.0, max(0.0, own) / total)
    return shares
