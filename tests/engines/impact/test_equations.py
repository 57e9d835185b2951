"""What an equation may pass on: held-out rows decide."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engines.causal.inputs import FloatArray, Key
from engines.errors import InsufficientData
from engines.impact import (
    StructuralModel,
    assess_impact,
    attribution,
    fit_model,
    shapley,
    what_if,
    with_trees,
)
from engines.impact.effects import bootstrap_slopes
from engines.impact.noise import lasting_noise

ROWS = 360
TIMES = np.asarray(60.0 * np.arange(ROWS), dtype=np.float64)
X, Y, Z = ("n", "x"), ("n", "y"), ("n", "z")


def made(columns: dict[Key, FloatArray], edges: list[tuple[Key, Key]]) -> StructuralModel:
    return fit_model({key: (TIMES, values) for key, values in columns.items()}, edges)


def test_an_incident_of_two_rows_counts_in_every_fold() -> None:
    rng = np.random.default_rng(0)
    x = 20 + rng.standard_normal(ROWS)
    x[-2:] += 300
    y = x + 20 * rng.standard_normal(ROWS)  # nothing of it shows before the incident
    equation = made({X: x, Y: y}, [(X, Y)]).equations[1]
    assert equation.r2 > 0.5 and equation.trust == 1.0


def test_what_predicts_no_better_than_the_mean_passes_nothing_on() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, ROWS))
    model = made({X: x, Y: y, Z: 2 * y + 0.1 * rng.standard_normal(ROWS)}, [(X, Y), (Y, Z)])
    assert model.equations[1].r2 < 0
    found = assess_impact(model, X, change=1.0)
    assert found.metrics == () and found.unmeasured == (Y, Z)
    assert found.warnings[0].startswith("Of y of n, z of n no change is told")
    with pytest.raises(InsufficientData, match="cannot be told"):
        what_if(model, X, Z, set_to=1.0)
    assert what_if(model, Y, Z, set_to=1.0).instead == pytest.approx(2.0, abs=0.1)
    with pytest.raises(InsufficientData, match="cannot be divided"):
        attribution(model, Y, 60.0 * 300)
    parts = attribution(model, Z, 60.0 * 300).contributions
    assert {part.name for part in parts} >= {"n|y", "n|z"}


def test_of_many_causes_the_few_that_predict_are_kept() -> None:
    rng = np.random.default_rng(32)
    x = rng.standard_normal((60, 25))
    y = 0.55 * x[:, 0] + 0.85 * rng.standard_normal(60)
    times = 60.0 * np.arange(60)
    names = [("n", f"x{k:02d}") for k in range(25)]
    series = {key: (times, x[:, k]) for k, key in enumerate(names)} | {Y: (times, y)}
    model = fit_model(series, [(key, Y) for key in names])
    equation = model.equations[model.at(Y)]
    assert [model.keys[p.column] for p in equation.parents] == names[:1]
    assert equation.r2 > 0.1 and (names[7], Y) in model.thinned


def test_an_equation_that_hardly_predicts_is_shrunk_and_its_interval_holds_the_slope() -> None:
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, ROWS))
    model = made({X: x, Y: 0.2 * x + noise}, [(X, Y)])
    equation = model.equations[1]
    assert 0 < equation.r2 < 0.1 and 0 < equation.trust < 1
    change = assess_impact(model, X, change=1.0).metrics[0].change
    assert change.value == pytest.approx(equation.trust * equation.slopes[0])
    assert change.interval.high > equation.slopes[0] > change.value


def test_trees_follow_the_largest_of_several_causes_where_a_line_cannot() -> None:
    rng = np.random.default_rng(0)
    late = np.arange(ROWS) >= 300
    x = np.abs(0.1 + 0.05 * rng.standard_normal((ROWS, 3)))
    usual = float(np.median(x[~late, 0]))
    quiet = x.copy()
    quiet[late, 0] = usual
    x[late, 0] += 0.15
    keys = [("n", f"feature_drift:{k}") for k in range(3)]
    drift = ("n", "data_drift")
    columns = {key: x[:, k] for k, key in enumerate(keys)} | {drift: x.max(axis=1)}
    model = made(columns, [(key, drift) for key in keys])
    truth = float((quiet.max(axis=1) - x.max(axis=1))[late].mean())
    line, trees = (
        what_if(one, keys[0], drift, onset_s=60.0 * 300).difference
        for one in (model, with_trees(model, keys[0], drift))
    )
    assert abs(trees.value - truth) < 0.2 * abs(line.value - truth)
    assert trees.interval.low <= truth <= trees.interval.high


def test_trees_are_tried_only_on_the_path_of_the_question() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, ROWS)
    bent, aside = np.abs(x), np.abs(x) + 0.1 * rng.standard_normal(ROWS)
    model = with_trees(made({X: x, Y: bent, Z: aside}, [(X, Y), (X, Z)]), X, Y)
    assert model.equations[model.at(Y)].boosted is not None
    assert model.equations[model.at(Z)].boosted is None


def test_a_parts_interval_is_that_of_its_slope() -> None:
    rng = np.random.default_rng(1)
    late = np.arange(ROWS) >= 300
    x = rng.standard_normal(ROWS) + 5 * late
    model = made({X: x, Y: 2 * x + rng.standard_normal(ROWS)}, [(X, Y)])
    found = attribution(model, Y, 60.0 * 300)
    first = next(part for part in found.contributions if part.name == "n|x")
    assert first.interval is not None
    slopes = bootstrap_slopes(model, 100, seed=0)[:, 1, 0]
    moved = x[late].mean() - x[~late].mean()
    half = first.interval.high - first.amount
    assert half == pytest.approx(1.6449 * np.std(slopes) * moved, rel=1e-4)
    own = next(part for part in found.contributions if part.name == "n|y")
    assert own.interval is not None  # what one part has more the other has less
    assert own.interval.high - own.amount == pytest.approx(half, rel=1e-6)
    assert math.fsum(part.amount for part in found.contributions) == found.change


def test_the_split_of_a_formula_is_exact_and_has_no_interval() -> None:
    parts = shapley(lambda v: v["a"] + v["b"], {"a": 0, "b": 0}, {"a": 1, "b": 2}).contributions
    assert [part.interval for part in parts] == [None, None]


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8])
def test_lasting_noise_is_what_theory_says(memory: float) -> None:
    rng = np.random.default_rng(7)
    found = []
    for _ in range(40):
        shocks = rng.standard_normal(500)
        noise = np.zeros(500)
        for t in range(1, 500):
            noise[t] = memory * noise[t - 1] + shocks[t]
        times = 60.0 * np.arange(500)
        model = fit_model({X: (times, noise)}, [])
        found.append(lasting_noise(model, 0, 60.0 * 400))
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(1 / (1 - memory), rel=0.12)
