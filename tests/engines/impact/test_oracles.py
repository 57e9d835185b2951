"""Closed forms, and what must change no answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from engines.causal.inputs import FloatArray, Key
from engines.impact import (
    Exposure,
    StructuralModel,
    assess_impact,
    attribution,
    fit_model,
    shapley,
    what_if,
)
from engines.impact.effects import bootstrap_slopes, slope_matrix, total_effects
from engines.impact.equation import Equation, design
from engines.impact.model import block_length, block_rows

NODES, ROWS, ONSET_S = 7, 300, 240 * 60.0
Series = dict[Key, tuple[FloatArray, FloatArray]]


def key(k: int) -> Key:
    return (f"n{k}", "value")


def system(seed: int) -> tuple[Series, list[tuple[Key, Key]]]:
    """A random linear system in which one noise jumps at row 240."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((ROWS, NODES))
    noise[240:, rng.integers(NODES)] += 3
    b = np.tril(rng.uniform(-1, 1, (NODES, NODES)) * (rng.random((NODES, NODES)) < 0.6), -1)
    values = noise @ np.linalg.inv(np.eye(NODES) - b).T
    edges = [(key(int(c)), key(int(e))) for e, c in np.argwhere(b)]
    t = np.asarray(np.arange(ROWS) * 60.0, dtype=np.float64)
    return {key(k): (t, values[:, k]) for k in range(NODES)}, edges


def answers(series: Series, edges: list[tuple[Key, Key]], cause: Key, outcome: Key) -> list[float]:
    """What the three questions say about one cause and one outcome: differences in its unit."""
    model = fit_model(series, edges)
    money = Exposure("money", outcome, 1 / 60, "EUR")
    impact = assess_impact(model, cause, onset_s=ONSET_S, exposures=[money])
    otherwise = what_if(model, cause, outcome, onset_s=ONSET_S)
    moved = [item.change for item in impact.metrics if item.key == outcome]
    amounts = [impact.exposures[0].so_far, *(e for _, e in impact.exposures[0].ahead)]
    found = [
        number
        for e in (*moved, otherwise.difference, *amounts)
        for number in (e.value, e.interval.low, e.interval.high)
    ]
    path = np.subtract(otherwise.instead_path, otherwise.actual_path)
    split = attribution(model, outcome, ONSET_S).contributions
    parts = {part.name.split("|")[0]: part.amount for part in split}
    return [*found, *path, *(parts[node] for node, _ in series if node in parts)]


@pytest.mark.parametrize("seed", range(5))
def test_a_total_effect_is_the_sum_of_products_along_every_path(seed: int) -> None:
    model = fit_model(*system(seed))
    direct = slope_matrix(model)
    graph = nx.DiGraph([(int(c), int(e)) for e, c in np.argwhere(direct)])
    found = total_effects(direct)
    for effect in set(graph) - {0}:
        paths = nx.all_simple_paths(graph, 0, effect) if 0 in graph else []
        by_hand = math.fsum(math.prod(direct[b, a] for a, b in pairwise(p)) for p in paths)
        assert found[effect, 0] == pytest.approx(by_hand, abs=1e-12)


def passed_on(equation: Equation) -> FloatArray:
    """Slopes, less where the equation hardly predicts better than the mean."""
    return equation.trust * equation.slopes


@pytest.mark.parametrize("seed", range(5))
def test_linear_attribution_is_the_shapley_value_of_the_noises(seed: int) -> None:
    model = fit_model(*system(seed))
    outcome = NODES - 1
    late = model.times_s >= ONSET_S
    noise = np.column_stack(
        [
            model.values[:, k] - design(model.values, equation.parents) @ passed_on(equation)
            for k, equation in enumerate(model.equations)
        ]
    )

    def mean_of_outcome(level: Mapping[str, float]) -> float:
        level_of = [0.0] * NODES
        for k in model.order:  # one equation after the other, no matrix inverted
            own = level[f"n{k}|value"]
            equation = model.equations[k]
            parents = zip(equation.parents, passed_on(equation), strict=True)
            level_of[k] = own + sum(slope * level_of[p.column] for p, slope in parents)
        return level_of[outcome]

    before, after = (
        {f"n{k}|value": float(noise[rows, k].mean()) for k in range(NODES)}
        for rows in (~late, late)
    )
    oracle = {c.name: c.amount for c in shapley(mean_of_outcome, before, after).contributions}
    for part in attribution(model, key(outcome), ONSET_S).contributions:
        assert part.amount == pytest.approx(oracle[part.name], abs=1e-9)


@pytest.mark.parametrize("players", [6, 14])  # every coalition; permutations
def test_shapley_of_a_linear_formula_is_weight_times_change(players: int) -> None:
    rng = np.random.default_rng(players)
    weight, low, high = (
        {f"x{i}": float(v) for i, v in enumerate(rng.standard_normal(players))} for _ in range(3)
    )
    found = shapley(lambda x: sum(weight[n] * x[n] for n in weight), low, high, permutations=5)
    for part in found.contributions:
        by_hand = weight[part.name] * (high[part.name] - low[part.name])
        assert part.amount == pytest.approx(by_hand, abs=1e-12)
    assert found.error < 1e-12


@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_block_resamples_of_an_ar1_mean_spread_as_theory_says(memory: float) -> None:
    rng = np.random.default_rng(4)
    rows = 4000
    x = rng.standard_normal(rows)
    for t in range(1, rows):
        x[t] += memory * x[t - 1]
    length = block_length(x[:, None])
    means = [x[block_rows(rows, length, rng)].mean() for _ in range(2000)]
    theory = 1 / (1 - memory) / math.sqrt(rows)  # sd of noise 1
    assert np.std(means) == pytest.approx(theory, rel=0.1)


def test_block_length_follows_the_columns_that_remember() -> None:
    period = 40  # cosine of period 40: lag-1 autocorrelation cos(2 pi / 40) = .988, counted as .95
    rows = 400
    wave = np.cos(2 * np.pi * np.arange(rows) / period)
    flat = np.resize([1.0, 1.0, -1.0, -1.0], rows)  # lag-1 autocorrelation about 0
    a = (4 * 0.95**2 / (1 - 0.95**2) ** 2) / 10  # one column of ten
    by_hand = min(round(2 * 1.1447 * (a * rows) ** (1 / 3)), rows // 5)
    assert block_length(np.column_stack([wave, *[flat] * 9])) == by_hand == 57


def test_resampled_slopes_of_one_equation_spread_as_least_squares_says() -> None:
    rng = np.random.default_rng(1)
    t, x = np.arange(400) * 60.0, rng.standard_normal(400)
    y = 2 * x + rng.standard_normal(400)
    model = fit_model({key(0): (t, x), key(1): (t, y)}, [(key(0), key(1))])
    drawn = bootstrap_slopes(model, 2000, seed=0)[:, 1, 0]
    left = y - y.mean() - model.equations[1].slopes[0] * (x - x.mean())
    textbook = math.sqrt(left @ left / 398 / ((x - x.mean()) ** 2).sum())
    assert np.std(drawn) == pytest.approx(textbook, rel=0.1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("factor", [1e-3, 1e9])
def test_units_change_no_answer(seed: int, factor: float) -> None:
    series, edges = system(seed)
    rng = np.random.default_rng(seed)
    unit = {k: float(factor ** rng.integers(-1, 2)) for k in series} | {key(NODES - 1): 1.0}
    scaled = {k: (t, values * unit[k] + 5 * unit[k]) for k, (t, values) in series.items()}
    for cause in (key(0), key(2)):
        plain = answers(series, edges, cause, key(NODES - 1))
        moved = answers(scaled, edges, cause, key(NODES - 1))
        np.testing.assert_allclose(moved, plain, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_names_change_no_answer(seed: int) -> None:
    series, edges = system(seed)
    new = {key(k): (f"node-{(5 * k + 3) % NODES}", "value") for k in range(NODES)}
    renamed = {new[k]: pair for k, pair in series.items()}
    plain = answers(series, edges, key(0), key(NODES - 1))
    moved = answers(renamed, [(new[a], new[b]) for a, b in edges], new[key(0)], new[key(NODES - 1)])
    np.testing.assert_allclose(moved, plain, rtol=1e-9, atol=1e-12)


def test_a_lagged_counterfactual_equals_hand_arithmetic() -> None:
    t, late = np.arange(60) * 60.0, np.arange(60) >= 50
    x = np.where(np.arange(60) % 2, 11.0, 9.0) + 40 * late
    y = 3 + 2 * np.r_[9.0, x[:-1]]
    edges = [(key(0), key(1), 60.0)]
    model: StructuralModel = fit_model({key(0): (t, x), key(1): (t, y)}, edges)
    answer = what_if(model, key(0), key(1), onset_s=3000.0)
    assert answer.set_to == pytest.approx(10.0)  # median of 9 and 11
    assert answer.instead_path == pytest.approx([y[50], *[23.0] * 9])  # one row later: 3 + 2 x 10
    assert answer.difference.value == pytest.approx((9 * 23 - y[51:].sum()) / 10)
