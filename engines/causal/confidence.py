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
    """Piecewise-linear maps from raw share to probability, one per ranking method.

    Attributes
    ----------
    maps : mapping
        Method -> (raw values ascending, probabilities not descending).
    source : str
        What the maps were fitted on.
    """

    maps: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]
    source: str


def raw_confidence(scores: Sequence[float]) -> tuple[float, ...]:
    """Return each suspect's share of the squared scores, a number in [0, 1].

    Squaring makes a clear leader stand out; the isotonic map repairs the scale.

    Examples
    --------
    >>> raw_confidence([3.0, 1.0])
    (0.9, 0.1)
    """
    squares = np.asarray(scores, dtype=np.float64) ** 2
    total = float(np.sort(squares).sum())
    return tuple((squares / total).tolist()) if total > 0 else tuple(0.0 for _ in scores)


def calibrated(
    scores: Sequence[float], method: str, calibration: Calibration | None = None
) -> tuple[float, ...]:
    """Return the probability that each suspect is the true cause.

    Parameters
    ----------
    scores : sequence of float
        Ranking scores of one search.
    method : str
        ``mass_balance``, ``walk`` or ``deviation``.
    calibration : Calibration, optional
        Default: the one shipped, fitted on simulated faults.

    Returns
    -------
    tuple of float
        In [0, 1]; scaled down where their sum would exceed 1, as only one is the true cause.
    """
    raw = raw_confidence(scores)
    maps = (calibration or shipped_calibration()).maps
    if method not in maps:
        return raw
    x, y = maps[method]
    found = np.interp(raw, x, y)
    return tuple((found / max(1.0, float(np.sort(found).sum()))).tolist())


@lru_cache(maxsize=1)
def shipped_calibration() -> Calibration:
    """Return the map built by ``python -m benchmarks.rca_calibration``."""
    text = resources.files("engines.causal").joinpath("calibration.json").read_text("utf-8")
    data = json.loads(text)
    maps = {name: (tuple(m["raw"]), tuple(m["probability"])) for name, m in data["maps"].items()}
    return Calibration(maps, data["source"])
