"""New or suddenly frequent error messages per node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engines.causal.inputs import LogTemplate


@dataclass(frozen=True, slots=True)
class LogSurprise:
    """The error template that rose most on one node.

    Attributes
    ----------
    node, template : str
        Who wrote what.
    before, after : float
        Occurrences before and after the onset.
    score : float
        log(1 + z), z in Poisson standard deviations.
    is_new : bool
        Never seen before the onset.
    """

    node: str
    template: str
    before: float
    after: float
    score: float
    is_new: bool


def log_surprises(
    logs: Sequence[LogTemplate], start_s: float, onset_s: float, end_s: float
) -> dict[str, LogSurprise]:
    """Return per node its most surprising error template after the onset.

    Parameters
    ----------
    logs : sequence of LogTemplate
        Counts over the window; templates that are not errors are ignored.
    start_s, onset_s, end_s : float
        Unix seconds: window start, onset and end.

    Returns
    -------
    dict
        Only nodes with a template that rose.

    Notes
    -----
    H0: the template keeps the Poisson rate it had before the onset.
    ``z = (after - expected) / sqrt(expected + 1)``; the 1 keeps a single new message at z = 1.
    Bursty logs break the Poisson assumption; a template that bursts before the onset as well has
    a large expectation and is damped by itself.

    Examples
    --------
    >>> from engines.causal.inputs import Series
    >>> boom = LogTemplate("cart", "NullPointer", Series(np.array([70.0, 80.0]), np.ones(2)))
    >>> log_surprises([boom], 0.0, 60.0, 120.0)["cart"].is_new
    True
    """
    best: dict[str, LogSurprise] = {}
    ratio = (end_s - onset_s) / max(onset_s - start_s, 1.0)
    for item in sorted(logs, key=lambda log: (log.node, log.template)):
        if not item.is_error:
            continue
        times, counts = item.counts.times_s, np.nan_to_num(item.counts.values)
        before = float(counts[(times >= start_s) & (times < onset_s)].sum())
        after = float(counts[(times >= onset_s) & (times <= end_s)].sum())
        expected = before * ratio
        z = (after - expected) / np.sqrt(expected + 1)
        if z <= 0:
            continue
        score = float(np.log1p(z))
        if item.node not in best or score > best[item.node].score:
            best[item.node] = LogSurprise(
                item.node, item.template, before, after, score, before == 0
            )
    return best
