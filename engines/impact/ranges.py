"""Between which ends a metric can lie by its nature."""

from __future__ import annotations

import re

import numpy as np

from engines.causal.inputs import FloatArray
from engines.causal.roles import RESOURCE, role_of

Range = tuple[float, float]
"""Least and largest possible value; infinite where there is no end."""
ANY: Range = (-np.inf, np.inf)
SHARES = (
    "availability", "error_rate", "hallucination", "retrieval", "grounding", "reliability",
    "accuracy", "trust",
)  # fmt: skip
"""Kinds of metric that are parts of a whole."""
AMOUNTS = (
    "latency", "waiting", "errors", "tokens", "energy", "carbon", "cost", "demand",
    "feature_drift", "data_drift", "concept_drift", "prediction_drift", "drift",
)  # fmt: skip
"""Kinds of metric that are counted or measured from nothing."""
_USED = re.compile(r"cpu|memory|\bmem|disk|bytes|packets|network|queue|utili[sz]ation|burn_rate")


def natural_range(metric: str, seen: FloatArray) -> Range:
    """Return the range that a metric cannot leave.

    Parameters
    ----------
    metric : str
        Its name, which tells its kind (`engines.causal.roles`).
    seen : array
        Its values: one below 0 shows that the name says too much. A share is written as 0 to 1, or
        0 to 100 where larger values were seen.

    Returns
    -------
    tuple of float
        Infinite ends where nothing is known, e.g. of a temperature or of what is left of a budget.

    Examples
    --------
    >>> natural_range("latency_ms", np.array([3.0, 8.0]))
    (0.0, inf)
    >>> natural_range("accuracy", np.array([0.8])), natural_range("accuracy_pct", np.array([80.0]))
    ((0.0, 1.0), (0.0, 100.0))
    >>> natural_range("temperature", np.array([20.0])) == natural_range("cost", np.array([-1.0]))
    True
    """
    role = role_of(metric)
    if seen.size and float(seen.min()) < 0:
        return ANY
    if role.kind in SHARES:
        top = float(seen.max()) if seen.size else 0.0
        return 0.0, 1.0 if top <= 1 else 100.0 if top <= 100 else np.inf
    is_used = (role is RESOURCE or role.kind == "slo") and _USED.search(metric.lower())
    return (0.0, np.inf) if role.kind in AMOUNTS or is_used else ANY


def held(value: float, within: Range) -> float:
    """Return the nearest value that lies within a range."""
    return float(min(max(value, within[0]), within[1]))
