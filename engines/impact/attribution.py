"""Who is to blame for how much of a change: shares that add up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from engines.causal.inputs import FloatArray, Key
from engines.errors import EngineError, InsufficientData
from engines.impact.effects import (
    ancestors,
    bootstrap_slopes,
    restricted,
    slope_matrix,
    total_effects,
)
from engines.impact.equation import design
from engines.impact.interval import quantile_of
from engines.impact.model import StructuralModel
from engines.impact.noise import split_rows
from engines.impact.result import Attribution, Contribution
from engines.progress import Progress, unwatched
from engines.result import Interval
from engines.sentence import say

MAX_EXACT = 10
"""Most players for which every coalition is evaluated (2^10 = 1,024)."""
REST = "unexplained"
"""Name of the part that no listed cause explains."""
Outcome = Callable[[Mapping[str, float]], float]
Method = Literal["linear", "exact", "permutations"]


def attribution(
    model: StructuralModel,
    outcome: Key,
    onset_s: float,
    *,
    level: float = 0.9,
    resamples: int = 100,
    seed: int = 0,
    progress: Progress = unwatched,
) -> Attribution:
    """Return each upstream metric's own part of the change of `outcome` at `onset_s`.

    Parameters
    ----------
    model : StructuralModel
        From :func:`engines.impact.fit_model`.
    outcome : (node, metric)
        The metric whose mean changed.
    onset_s : float
        Splits the window into before and after.
    level : float, optional
        Confidence level of the intervals.
    resamples, seed : int, optional
        Block bootstrap.
    progress : Progress, optional
        Told how far the bootstrap is; may raise to stop it.

    Returns
    -------
    Attribution
        Names are ``"<node>|<metric>"``. The outcome's own noise is listed under its own name.

    Raises
    ------
    EngineError
        If the onset leaves no row on one side.
    InsufficientData
        If the outcome is not in the model, or what drives it predicts it no better than its mean.

    Notes
    -----
    contribution of i = total effect of i on the outcome x (mean own noise of i after - before),
    own noise being what its parents do not explain. For linear models this is the Shapley value of
    the noise terms. Assumes the equations of before and after to be the same: where one changed,
    the difference counts as own noise of its column. Lags at the borders of the two periods leave a
    remainder, listed as ``unexplained`` when it is not rounding. The change itself was measured:
    intervals hold the doubt about the slopes that divide it, from the same block bootstrap as that
    of effects (the parts of each resample add up to the change as well).

    References
    ----------
    Budhathoki, Minorics, Bloebaum, Janzing (2022), *Causal structure-based root cause analysis of
    outliers*, ICML.

    Examples
    --------
    >>> from engines.impact import fit_model
    >>> rng = np.random.default_rng(0)
    >>> t, late = np.arange(200) * 60.0, np.arange(200) >= 100
    >>> x = rng.standard_normal(200) + 5 * late
    >>> y = 2 * x + 0.1 * rng.standard_normal(200)
    >>> model = fit_model({("a", "x"): (t, x), ("a", "y"): (t, y)}, [(("a", "x"), ("a", "y"))])
    >>> attribution(model, ("a", "y"), 6000.0).contributions[0].name
    'a|x'
    """
    watched = model.at(outcome)
    if not model.equations[watched].is_known:
        raise InsufficientData(
            say(
                "reasons.shares_unmeasured",
                "what drives {metric} of {node} predicts its held-out rows no better than the "
                "usual level does, so its change cannot be divided",
                metric=outcome[1],
                node=outcome[0],
            )
        )
    late = split_rows(model, onset_s)
    model = restricted(model, {watched, *ancestors(model, watched)})
    watched = model.at(outcome)
    found = _parts(model, slope_matrix(model, known=True), watched, late)
    whole = _parts(model, slope_matrix(model), watched, late)
    drawn = np.stack(
        [
            _parts(model, slopes, watched, late)
            for slopes in bootstrap_slopes(model, resamples, seed, progress)
        ]
    )
    observed = model.values[:, watched]
    before, after = float(observed[~late].mean()), float(observed[late].mean())
    half = quantile_of(level) * drawn.std(axis=0) + np.abs(found - whole)
    rest = after - before - drawn.sum(axis=1)
    amounts = {_name(model, j): float(found[j]) for j in range(found.size) if whole[j] or found[j]}
    halves = {_name(model, j): float(half[j]) for j in range(found.size)}
    halves[REST] = quantile_of(level) * float(rest.std())
    return _closed(before, after, amounts, "linear", 0.0, 0, halves, level)


def _name(model: StructuralModel, column: int) -> str:
    return "|".join(model.keys[column])


def _parts(
    model: StructuralModel, slopes: FloatArray, watched: int, late: npt.NDArray[np.bool_]
) -> FloatArray:
    """Return for each column its total effect times the change of its own noise."""
    effect = total_effects(slopes)[watched]
    found = np.zeros(effect.size)
    for column, equation in enumerate(model.equations):
        own = [p.column for p in equation.parents]
        rows = np.column_stack([model.values[:, column], design(model.values, equation.parents)])
        moved = rows[late].mean(axis=0) - rows[~late].mean(axis=0)
        found[column] = effect[column] * (moved[0] - moved[1:] @ slopes[column, own])
    return found


def shapley(
    outcome: Outcome,
    baseline: Mapping[str, float],
    observed: Mapping[str, float],
    *,
    permutations: int = 200,
    seed: int = 0,
) -> Attribution:
    """Return each input's part of ``outcome(observed) - outcome(baseline)``.

    Parameters
    ----------
    outcome : callable
        From a mapping of every input to a number, e.g. the trust score's own formula.
    baseline, observed : mapping
        The same names; inputs that did not change get 0.
    permutations : int, optional
        Pairs of orders (each with its reverse) used above 10 changed inputs.
    seed : int, optional
        Of the orders.

    Returns
    -------
    Attribution
        ``exact`` up to 10 changed inputs, else ``permutations`` with the standard error.

    Raises
    ------
    EngineError
        If the names differ.

    Notes
    -----
    Shapley value: the mean over all orders of what an input adds when it switches from baseline to
    observed. It is the only split that is symmetric, gives 0 to inputs without effect and adds up.
    It credits mechanics, not causes: an input that only follows another shares its blame.

    References
    ----------
    Shapley (1953), *A value for n-person games*. Castro, Gomez, Tejada (2009), *Polynomial
    calculation of the Shapley value based on sampling*, Computers & OR 36. Mitchell et al. (2022),
    *Sampling permutations for Shapley value estimation*, JMLR 23 (antithetic orders).

    Examples
    --------
    >>> split = shapley(lambda x: x["a"] * x["b"], {"a": 1, "b": 1}, {"a": 3, "b": 2})
    >>> [(part.name, part.amount, part.share) for part in split.contributions]
    [('a', 3.0, 0.6), ('b', 2.0, 0.4)]
    """
    if set(baseline) != set(observed):
        odd = sorted(set(baseline) ^ set(observed))
        raise EngineError(f"baseline and observed name different inputs: {', '.join(odd)}")
    moved = sorted(name for name in observed if observed[name] != baseline[name])
    seen: dict[frozenset[str], float] = {}

    def worth(coalition: frozenset[str]) -> float:
        if coalition not in seen:
            mixed = {n: observed[n] if n in coalition else baseline[n] for n in observed}
            seen[coalition] = float(outcome(mixed))
        return seen[coalition]

    error = 0.0
    if len(moved) <= MAX_EXACT:
        amounts = _exact(moved, worth)
    else:
        amounts, error = _sampled(moved, worth, permutations, seed)
    amounts |= {name: 0.0 for name in observed if name not in amounts}
    low, high = worth(frozenset()), worth(frozenset(moved))
    method: Method = "exact" if len(moved) <= MAX_EXACT else "permutations"
    return _closed(low, high, amounts, method, error, len(seen))


def _exact(players: list[str], worth: Callable[[frozenset[str]], float]) -> dict[str, float]:
    n = len(players)
    amounts = {}
    for player in players:
        others = [p for p in players if p != player]
        terms = []
        for size in range(n):
            weight = 1.0 / (n * math.comb(n - 1, size))
            for chosen in combinations(others, size):
                without = frozenset(chosen)
                terms.append(weight * (worth(without | {player}) - worth(without)))
        amounts[player] = math.fsum(terms)
    return amounts


def _sampled(
    players: list[str], worth: Callable[[frozenset[str]], float], pairs: int, seed: int
) -> tuple[dict[str, float], float]:
    rng = np.random.default_rng(seed)
    gains = np.zeros((pairs, len(players)))
    for k in range(pairs):
        order = rng.permutation(len(players))
        for walk in (order, order[::-1]):  # antithetic: late comers come early in the mirror
            coalition: frozenset[str] = frozenset()
            for at in walk:
                grown = coalition | {players[at]}
                gains[k, at] += (worth(grown) - worth(coalition)) / 2
                coalition = grown
    error = gains.std(axis=0, ddof=1) / math.sqrt(pairs) if pairs > 1 else np.array([math.inf])
    return dict(zip(players, gains.mean(axis=0).tolist(), strict=True)), float(error.max())


def _closed(
    baseline: float,
    observed: float,
    amounts: dict[str, float],
    method: Method,
    error: float,
    evaluations: int,
    halves: Mapping[str, float] | None = None,
    level: float = 0.9,
) -> Attribution:
    """Make the amounts add up to the last bit; what is more than rounding becomes a rest."""
    change = observed - baseline
    left = change - math.fsum(amounts.values())
    scale = max(abs(change), *(abs(a) for a in amounts.values()), 1e-300)
    if abs(left) > 1e-9 * scale:
        amounts[REST] = left
    able = [n for n in amounts if abs(amounts[n]) > 1e-6 * scale]
    for name in sorted(able, key=lambda n: (abs(amounts[n]), n)):  # small numbers round finest
        if math.fsum(amounts.values()) == change:
            break
        amounts[name] += math.fsum((change, *(-a for a in amounts.values())))
    ranked = sorted(amounts.items(), key=lambda item: (-abs(item[1]), item[0]))
    parts = tuple(
        Contribution(
            name, amount, amount / change if change else None, _around(amount, half, level)
        )
        for name, amount in ranked
        for half in (halves.get(name) if halves else None,)
    )
    return Attribution(baseline, observed, change, parts, method, error, evaluations)


def _around(amount: float, half: float | None, level: float) -> Interval | None:
    return None if half is None else Interval(amount - half, amount + half, level)
