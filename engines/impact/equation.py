"""How one metric follows from its direct causes: least squares, and trees where those do better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engines.causal.inputs import FloatArray

ROWS_PER_PARENT = 5
"""Fewest rows per coefficient of an equation."""
FOLDS = 5
BOOSTED_ROWS = 100
"""Fewest rows for trees."""
BOOSTED_GAIN = 0.02
"""Least gain of held-out R2 for which trees are worth their opacity."""
THIN_R2 = 0.1
"""Held-out R2 below which an equation explains almost nothing."""
CLEAR = 2.0
"""Standard errors by which a gain must lie above nothing."""
Predictor = Callable[[FloatArray], FloatArray]
Fit = Callable[[FloatArray, FloatArray], Predictor]


@dataclass(frozen=True, slots=True)
class Parent:
    """A direct cause: its column and its lag in rows."""

    column: int
    lag: int


@dataclass(frozen=True, slots=True, eq=False)
class Equation:
    """How one column follows from its parents.

    Attributes
    ----------
    parents : tuple of Parent
        Empty for a root.
    slopes : array
        Linear coefficients, one per parent (also kept when `boosted` is used).
    intercept : float
        Of the linear form.
    boosted : callable or None
        Non-linear form, used where it predicts held-out rows better.
    r2 : float
        Held-out R2 of the form in use, in (-inf, 1]: each fifth row is predicted from the others
        and compared with their mean.
    trust : float
        Share of the linear slopes that is passed on, in [0, 1]: 0 where the parents predict
        held-out rows no better than the mean does, under 1 where they hardly do.
    """

    parents: tuple[Parent, ...]
    slopes: FloatArray
    intercept: float
    boosted: Predictor | None
    r2: float
    trust: float = 1.0

    @property
    def is_known(self) -> bool:
        """Whether anything is passed on from the parents."""
        return self.trust > 0


def design(values: FloatArray, parents: Sequence[Parent]) -> FloatArray:
    """Return the parents' values per row, lagged; the first rows repeat the earliest value."""
    columns = []
    for parent in parents:
        shifted = np.empty(values.shape[0])
        lag = min(parent.lag, values.shape[0])
        shifted[lag:] = values[: values.shape[0] - lag, parent.column]
        shifted[:lag] = values[0, parent.column]
        columns.append(shifted)
    return np.column_stack(columns) if columns else np.empty((values.shape[0], 0))


def least_squares(x: FloatArray, y: FloatArray) -> tuple[FloatArray, float]:
    """Return slopes and intercept; a constant column has slope 0.

    Where columns are collinear the slopes per standard deviation are the smallest. Unscaled, bytes
    beside shares would pass for collinear.
    """
    centre, level = x.mean(axis=0), float(y.mean())
    if x.shape[1] == 0:
        return np.empty(0), level
    moved = x - centre
    size = np.sqrt((moved**2).sum(axis=0))
    size = np.where(size > 1e-12 * np.abs(centre) * np.sqrt(y.size), size, np.inf)
    slopes = np.linalg.lstsq(moved / size, y - level, rcond=1e-10)[0] / size
    return slopes, level - float(centre @ slopes)


def predicted(equation: Equation, x: FloatArray) -> FloatArray:
    """Return what the equation passes on from rows of parents, up to a constant."""
    if equation.boosted is not None:
        return equation.boosted(x)
    return np.asarray(x @ (equation.trust * equation.slopes) + equation.intercept)


def fit_equation(values: FloatArray, column: int, parents: tuple[Parent, ...]) -> Equation:
    """Return the linear equation of a column, with as many of its parents as the rows can carry.

    Parameters
    ----------
    values : array of shape (rows, n)
        The complete window.
    column : int
        Which one.
    parents : tuple of Parent
        Its direct causes.

    Returns
    -------
    Equation
        `trust` is 0 where no set of parents tried is any better than the mean.

    Notes
    -----
    An equation that explains under 10% of held-out rows passes on its slopes times the slope of
    held-out values on their predictions (Copas 1983, *Regression, prediction and shrinkage*, JRSS B
    45): of many such equations those that passed the test by luck would else be overestimated.
    Where all parents together predict held-out rows worse than the mean of the others does, the k
    that correlate most with the effect are tried for every k, and the best k taken if it beats the
    mean by two standard errors. Every fifth row is held out, not a fifth of the window: an incident
    of a few rows at its end would else lie in one fold alone, and what the other folds cannot have
    seen would count against the equation (R2 of -.1 instead of .8).
    """
    parents = _strongest(values, column, parents, values.shape[0] // ROWS_PER_PARENT - 1)
    whole = _linear(values, column, parents)
    if not parents or whole.is_known:
        return whole
    y, fold = values[:, column], _every_fifth(values.shape[0])
    usual = _missed(np.empty((y.size, 0)), y, fold, linear_fit)
    best, most = whole, 0.0
    for k in range(1, len(parents)):
        fewer = _strongest(values, column, parents, k)
        gain, error = _gain(usual, _missed(design(values, fewer), y, fold, linear_fit))
        if gain > max(most, CLEAR * error):
            best, most = _linear(values, column, fewer), gain
    return best


def boost_equation(values: FloatArray, column: int, equation: Equation) -> Equation:
    """Return the equation with trees where they predict held-out rows better, else as it is.

    Notes
    -----
    80 trees of 8 leaves. Held out are five contiguous fifths of the window: what drifts slowly
    would let trees recognise a row by its neighbours. The gain of R2 must be .02 and two standard
    errors, and trees must not be worse where every fifth row is held out (at the end of the window
    they cannot follow a cause to where it never was before). Friedman (2001), *Greedy function
    approximation: a gradient boosting machine*, Annals of Statistics 29.
    """
    y = values[:, column]
    if not equation.parents or y.size < BOOSTED_ROWS or float(np.ptp(y)) == 0.0:
        return equation
    x, fifths = design(values, equation.parents), np.arange(y.size) * FOLDS // y.size
    usual = _missed(np.empty((y.size, 0)), y, fifths, linear_fit).mean()
    gain, error = _gain(*(_missed(x, y, fifths, fit) for fit in (linear_fit, boosted_fit)))
    if gain < max(BOOSTED_GAIN * usual, CLEAR * error):
        return equation
    r2 = _held_out_r2(x, y, boosted_fit)
    if r2 <= max(equation.r2, 0.0):
        return equation
    return replace(equation, boosted=boosted_fit(x, y), r2=r2, trust=1.0)


def _strongest(
    values: FloatArray, column: int, parents: tuple[Parent, ...], most: int
) -> tuple[Parent, ...]:
    """At most so many parents, by absolute correlation with the effect."""
    if len(parents) <= most:
        return parents
    x = design(values, parents)
    y = values[:, column] - values[:, column].mean()
    spread = np.where(x.std(axis=0) > 0, x.std(axis=0), np.inf)
    strength = np.abs((x - x.mean(axis=0)).T @ y) / spread
    best = sorted(range(len(parents)), key=lambda i: (-strength[i], parents[i].column))[:most]
    return tuple(parents[i] for i in sorted(best))


def _linear(values: FloatArray, column: int, parents: tuple[Parent, ...]) -> Equation:
    x, y = design(values, parents), values[:, column]
    slopes, intercept = least_squares(x, y)
    if not parents or float(np.ptp(y)) == 0.0:  # what never moved follows nothing
        return Equation(parents, slopes, intercept, None, 0.0)
    r2 = _held_out_r2(x, y, linear_fit)
    trust = 1.0 if r2 >= THIN_R2 else _shrunk(x, y) if r2 > 0 else 0.0
    return Equation(parents, slopes, intercept, None, r2, trust)


def _shrunk(x: FloatArray, y: FloatArray) -> float:
    """Return the slope of held-out values on their predictions, in (0, 1]."""
    fold = _every_fifth(y.size)
    usual, said = (_held_out(part, y, fold, linear_fit) for part in (x[:, :0], x))
    moved = said - usual
    power = float(moved @ moved)
    return float(np.clip(moved @ (y - usual) / power, 1e-6, 1.0)) if power > 0 else 1e-6


def _every_fifth(rows: int) -> npt.NDArray[np.intp]:
    return np.arange(rows) % FOLDS


def _held_out_r2(x: FloatArray, y: FloatArray, fit: Fit) -> float:
    """R2 of rows that are predicted from the others, against the mean of those others."""
    fold = _every_fifth(y.size)
    usual = float(_missed(np.empty((y.size, 0)), y, fold, linear_fit).sum())
    return 1.0 - float(_missed(x, y, fold, fit).sum()) / usual if usual > 0 else 0.0


def _missed(x: FloatArray, y: FloatArray, fold: npt.NDArray[np.intp], fit: Fit) -> FloatArray:
    """Squared error of each row, predicted from the other folds."""
    return np.asarray((y - _held_out(x, y, fold, fit)) ** 2)


def _held_out(x: FloatArray, y: FloatArray, fold: npt.NDArray[np.intp], fit: Fit) -> FloatArray:
    """Each row as the other folds predict it."""
    said = np.empty(y.size)
    for k in range(FOLDS):
        out = fold == k
        said[out] = fit(x[~out], y[~out])(x[out])
    return said


def _gain(before: FloatArray, after: FloatArray) -> tuple[float, float]:
    """Return by how much the mean squared error falls, and its standard error over 25 blocks."""
    fell = before - after
    blocks = [block.mean() for block in np.array_split(fell, min(25, fell.size))]
    return float(fell.mean()), float(np.std(blocks, ddof=1) / np.sqrt(len(blocks)))


def linear_fit(x: FloatArray, y: FloatArray) -> Predictor:
    """Return least squares as a predictor."""
    slopes, intercept = least_squares(x, y)
    return lambda rows: np.asarray(rows @ slopes + intercept)


def boosted_fit(x: FloatArray, y: FloatArray) -> Predictor:
    """Return boosted trees as a predictor."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    trees = HistGradientBoostingRegressor(
        max_iter=80, learning_rate=0.1, max_leaf_nodes=8, early_stopping=False, random_state=0
    ).fit(x, y)
    return lambda rows: np.asarray(trees.predict(rows), dtype=np.float64)
