"""From ranking scores to calibrated probabilities."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np


@dataclass(frozen=True, slots=True)
class Calibration:
    """Piecewise-linear maps from raw share to probability, two per regime.

    Attributes
    ----------
    maps : mapping
        ``"<regime>/first"`` and ``"<regime>/rest"`` -> (raw values ascending, probabilities not
        descending): the leader has earned more than its share says.
    source : str
        What the maps were fitted on.
    """

    maps: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]
    source: str


FAINT_SCORE = 2.0
"""Score at which strength halves a claim or so: log(1 + z) of a deviation of about 6."""


def raw_confidence(scores: Sequence[float], rivals: float = 0.0) -> tuple[float, ...]:
    """Return each suspect's share of the squared scores times its strength, a number in [0, 1].

    Parameters
    ----------
    scores : sequence of float
        Ranking scores of one search.
    rivals : float, optional
        How many metrics are expected to stand out as much by chance alone, 0 or more.

    Returns
    -------
    tuple of float
        In the order of `scores`.

    Notes
    -----
    Squaring makes a clear leader stand out; strength, ``1 - exp(-(score / 2)^2)``, keeps the leader
    of a quiet window low. Among r chance rivals and one true cause, each as likely to lead, the
    leader is the true one once in 1 + r times. The isotonic map repairs the scale.

    Examples
    --------
    >>> [round(raw, 2) for raw in raw_confidence([6.0, 2.0])]
    [0.9, 0.06]
    >>> [round(raw, 2) for raw in raw_confidence([6.0, 2.0], rivals=2.0)]
    [0.3, 0.02]
    """
    values = np.asarray(scores, dtype=np.float64)
    squares = values**2
    total = float(np.sort(squares).sum())
    if not total > 0:
        return tuple(0.0 for _ in scores)
    strength = 1.0 - np.exp(-((values / FAINT_SCORE) ** 2))
    return tuple((squares / total * strength / (1.0 + rivals)).tolist())


def calibrated(
    scores: Sequence[float],
    regime: str,
    calibration: Calibration | None = None,
    rivals: float = 0.0,
) -> tuple[float, ...]:
    """Return the probability that each suspect is the true cause.

    Parameters
    ----------
    scores : sequence of float
        Ranking scores of one search, best first.
    regime : str
        ``mass_balance``, ``walk`` or ``deviation``; ``deviation+recent`` where every metric was
        searched and compared with the last rows of a longer history. A regime without a map uses
        that of the part before the plus.
    calibration : Calibration, optional
        Default: the one shipped, fitted on simulated faults.
    rivals : float, optional
        As in :func:`raw_confidence`.

    Returns
    -------
    tuple of float
        In [0, 1]; the others share what the first leaves, as only one is the true cause.
    """
    raw = raw_confidence(scores, rivals)
    maps = (calibration or shipped_calibration()).maps
    name = regime if f"{regime}/first" in maps else regime.split("+")[0]
    if f"{name}/first" not in maps or not raw:
        return raw
    first = float(np.interp(raw[0], *maps[f"{name}/first"]))
    rest = np.interp(raw[1:], *maps[f"{name}/rest"])
    room = (1.0 - first) / max(1.0 - first, float(np.sort(rest).sum()), 1e-12)
    return (first, *np.minimum(rest * room, first).tolist())


@lru_cache(maxsize=1)
def shipped_calibration() -> Calibration:
    """Return the map built by ``python -m benchmarks.rca_calibration``."""
    text = resources.files("engines.causal").joinpath("calibration.json").read_text("utf-8")
    data = json.loads(text)
    maps = {name: (tuple(m["raw"]), tuple(m["probability"])) for name, m in data["maps"].items()}
    return Calibration(maps, data["source"])
