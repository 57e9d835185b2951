"""Deviation that is left when the anomalous callees have explained what they can."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engines.causal.anomaly import deviations, normal_range, persistent
from engines.causal.inputs import FloatArray
from engines.causal.scene import Scene
from engines.causal.settings import RootCauseSettings


def residual_z(
    scene: Scene, column: int, others: Sequence[int], worse: int, settings: RootCauseSettings
) -> float | None:
    """Return the lasting deviation of `column` after ridge regression on `others`.

    Parameters
    ----------
    scene : Scene
        Window and history.
    column : int
        The metric to explain.
    others : sequence of int
        Columns of its anomalous callees.
    worse : int
        Bad direction of the metric.
    settings : RootCauseSettings
        Penalty and least number of complete rows.

    Returns
    -------
    float or None
        None where the history has too few complete rows.

    Notes
    -----
    Columns are standardised on the history; coefficients below 0 are set to 0, because a callee's
    excess cannot make its caller better.
    """
    picked = [column, *others]
    past = scene.history[:, picked]
    past = past[np.isfinite(past).all(axis=1)]
    if past.shape[0] < settings.ridge_min_rows:
        return None
    centre, spread = past.mean(axis=0), past.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    x = (past[:, 1:] - centre[1:]) / spread[1:]
    y = (past[:, 0] - centre[0]) / spread[0]
    penalty = settings.ridge * x.shape[0] * np.eye(x.shape[1])
    slopes = np.maximum(np.linalg.solve(x.T @ x + penalty, x.T @ y), 0.0)

    def left(rows: FloatArray) -> FloatArray:
        scaled = (rows[:, picked] - centre) / spread
        gap: FloatArray = scaled[:, :1] - scaled[:, 1:] @ slopes[:, None]
        return gap

    sign = np.array([float(worse)])
    normal = normal_range(left(scene.history), left(scene.before), sign, settings.floors)
    return float(persistent(deviations(left(scene.after), normal, sign))[0])
