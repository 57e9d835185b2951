"""Levels and noise of one metric about an onset."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.causal.inputs import FloatArray
from engines.errors import EngineError
from engines.impact.model import StructuralModel

RECENT_ROWS = 5
"""Rows whose mean counts as "the present"."""


def rows_since(model: StructuralModel, onset_s: float | None) -> npt.NDArray[np.bool_]:
    """Return which rows lie at or after the onset; none without one."""
    return np.asarray(model.times_s >= (np.inf if onset_s is None else onset_s), dtype=np.bool_)


def split_rows(model: StructuralModel, onset_s: float) -> npt.NDArray[np.bool_]:
    """Return which rows lie at or after the onset; EngineError unless both sides have some."""
    late = rows_since(model, onset_s)
    if late.all() or not late.any():
        raise EngineError(
            f"the onset leaves {int((~late).sum())} rows before it and {int(late.sum())} after"
        )
    return late


def present(values: FloatArray) -> float:
    """Return the mean of the last rows."""
    return float(values[-RECENT_ROWS:].mean())


def change_seen(model: StructuralModel, column: int, onset_s: float | None) -> tuple[float, float]:
    """Return the change of a column at the onset and its standard error.

    The median of n normal rows has sqrt(pi / 2) times the error of their mean.
    """
    late = rows_since(model, onset_s)
    if not late.any() or late.all():
        raise EngineError("give the change of the cause, or an onset inside the window")
    values = model.values[:, column]
    noise = lasting_noise(model, column, onset_s)
    error = noise * np.sqrt(1 / late.sum() + np.pi / 2 / (~late).sum())
    return float(values[late].mean() - np.median(values[~late])), float(error)


def lasting_noise(model: StructuralModel, column: int, onset_s: float | None) -> float:
    """Return the sd that the mean of n rows has, times sqrt(n), about the level of either side.

    Long-run sd of an autoregression: that of its shocks over 1 - the sum of its coefficients (at
    most .95). Least squares finds that sum too small by about (1 + 3 sum) / n (Kendall 1954, *Note
    on bias in the estimation of autocorrelation*, Biometrika 41), here twice that as each side of
    the onset has a level of its own. Order 8 with 320 rows or more: where white and lasting noise
    (.9) mix, order 5 without correction found .84 of the true sd (root mean square), this .95.
    """
    values = model.values[:, column]
    late = rows_since(model, onset_s)
    sides = [side for side in (values[~late], values[late]) if side.size]
    noise = np.concatenate([side - side.mean() for side in sides])
    order = min(8, max(1, noise.size // 40))
    past = np.column_stack([noise[order - k : -k] for k in range(1, order + 1)])
    slopes = np.linalg.lstsq(past, noise[order:], rcond=None)[0]
    shocks = noise[order:] - past @ slopes
    shock = np.sqrt((shocks**2).sum() / max(1, noise.size - 2 * order))
    total = float(slopes.sum())
    total += 2 * (1 + 3 * max(total, 0.0)) / noise.size
    return float(shock / (1 - min(0.95, total)))
