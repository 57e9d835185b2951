import math

import numpy as np
import pytest

from engines.causal import build_graph
from engines.errors import EngineError, InsufficientData
from engines.impact import (
    Exposure,
    assess_impact,
    attribution,
    fit_model,
    shapley,
    what_if,
    with_trees,
)
from engines.impact.model import _topological

LOAD, LATENCY, ERRORS, TRUST = ("a", "load"), ("a", "latency"), ("a", "errors"), ("a", "trust")
EDGES = [(LOAD, LATENCY), (LATENCY, ERRORS), (LATENCY, TRUST), (ERRORS, TRUST)]


def system(seed=0, rows=400, shift=0.0, onset=300, noise=0.2):
    """Load drives latency (2), latency errors (.5) and trust (-1), errors trust (-2)."""
    rng = np.random.default_rng(seed)
    late = np.arange(rows) >= onset
    load = rng.standard_normal(rows) + shift * late
    latency = 10 + 2 * load + noise * rng.standard_normal(rows)
    errors = 0.5 * latency + noise * rng.standard_normal(rows)
    trust = 80 - latency - 2 * errors + noise * rng.standard_normal(rows)
    t = np.arange(rows) * 60.0
    return {LOAD: (t, load), LATENCY: (t, latency), ERRORS: (t, errors), TRUST: (t, trust)}


def test_total_effects_equal_hand_arithmetic():
    model = fit_model(system(), EDGES)
    found = {i.key: i for i in assess_impact(model, LOAD, change=1.0).metrics}
    assert found[LATENCY].change.value == pytest.approx(2.0, abs=0.05)
    assert found[ERRORS].change.value == pytest.approx(1.0, abs=0.05)
    assert found[TRUST].change.value == pytest.approx(-4.0, abs=0.15)  # -2 - 2 x 1
    assert found[TRUST].steps == 2


def test_slopes_equal_statsmodels():
    from statsmodels.regression.linear_model import OLS

    series = system()
    model = fit_model(series, EDGES)
    x = np.column_stack([series[ERRORS][1], series[LATENCY][1], np.ones(400)])
    oracle = OLS(series[TRUST][1], x).fit().params
    equation = model.equations[model.at(TRUST)]
    columns = [model.keys[p.column] for p in equation.parents]
    by_name = dict(zip(columns, equation.slopes, strict=True))
    assert by_name[ERRORS] == pytest.approx(oracle[0])
    assert by_name[LATENCY] == pytest.approx(oracle[1])


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    hits = []
    for seed in range(60):
        model = fit_model(system(seed, rows=200, noise=1.0), EDGES)
        trust = assess_impact(model, LOAD, change=1.0, resamples=60, seed=seed).metrics
        interval = next(i for i in trust if i.key == TRUST).change.interval
        hits.append(interval.low <= -4.0 <= interval.high)
    assert 0.8 <= np.mean(hits) <= 0.98  # nominal .9; binomial 99% range for n = 60


def test_money_grows_with_time_and_so_does_its_interval():
    model = fit_model(system(shift=3.0), EDGES)
    money = Exposure("money", ERRORS, 0.01, "EUR")
    found = assess_impact(model, LOAD, onset_s=18000.0, exposures=[money]).exposures[0]
    assert found.so_far.value == pytest.approx(0.01 * 3.0 * 6000.0, rel=0.1)
    widths = [e.interval.high - e.interval.low for _, e in found.ahead]
    assert widths == sorted(widths) and widths[0] < widths[-1]


def test_the_size_of_an_observed_change_is_in_doubt_and_a_given_one_is_not():
    t, late = np.arange(2000) * 60.0, np.arange(2000) >= 1500
    x = np.random.default_rng(0).standard_normal(2000) + 5 * late
    model = fit_model({LOAD: (t, x), LATENCY: (t, 2 * x)}, [(LOAD, LATENCY)])
    money = Exposure("money", LATENCY, 1 / 60, "EUR")

    def halves(**given):
        found = assess_impact(model, LOAD, exposures=[money], resamples=4000, **given)
        ahead = dict(found.exposures[0].ahead)[3600.0]
        moved = (found.metrics[0].change, found.exposures[0].so_far, ahead)
        return [e.interval.high - e.value for e in moved]

    z, doubt, noise = 1.645, 2 * np.sqrt(1 / 500 + np.pi / 2 / 1500), 2 * np.sqrt(60)
    expected = [z * doubt, z * doubt * 500, z * np.hypot(60 * doubt, noise)]
    assert halves(onset_s=90000.0) == pytest.approx(expected, rel=0.1)
    exact = assess_impact(model, LOAD, change=5.0).metrics[0].change.interval
    assert exact.high - exact.low == pytest.approx(0.0, abs=1e-9)


def test_lagged_edge_from_a_graph_is_used():
    rng = np.random.default_rng(0)
    t, x = np.arange(400) * 60.0, rng.standard_normal(400)
    y = np.r_[0, 0, 1.5 * x[:-2]] + 0.3 * rng.standard_normal(400)
    series = {("p", "cpu"): (t, x), ("q", "queue"): (t, y)}
    model = fit_model(series, build_graph(series))
    impact = assess_impact(model, ("p", "cpu"), change=1.0).metrics[0]
    assert impact.change.value == pytest.approx(1.5, abs=0.1)


def test_counterfactual_recovers_the_quiet_world():
    shifted, quiet = system(shift=5.0), system(shift=0.0)
    model = fit_model(shifted, EDGES)
    answer = what_if(model, LOAD, TRUST, onset_s=18000.0)
    truth = quiet[TRUST][1][300:].mean() - shifted[TRUST][1][300:].mean()
    assert answer.difference.value == pytest.approx(truth, rel=0.1)
    assert len(answer.times_s) == 100
    assert not answer.out_of_range


def test_intervention_outside_the_observed_range_warns():
    model = fit_model(system(), EDGES)
    answer = what_if(model, LOAD, LATENCY, set_to=50.0)
    assert answer.instead == pytest.approx(110.0, rel=0.05)
    assert answer.out_of_range and "extrapolates" in answer.warning
    assert answer.times_s == ()


@pytest.mark.parametrize("seed", range(10))
def test_linear_attribution_adds_up_to_the_last_bit(seed):
    model = fit_model(system(seed, shift=2.0), EDGES)
    found = attribution(model, TRUST, 18000.0)
    assert math.fsum(c.amount for c in found.contributions) == found.change
    assert found.contributions[0].name == "a|load"


def test_linear_attribution_gives_each_shift_its_own_part():
    series = system(noise=0.01)
    series[ERRORS] = (series[ERRORS][0], series[ERRORS][1].copy())
    late = np.arange(400) >= 300
    extra = 3.0 * late
    series[ERRORS] = (series[ERRORS][0], series[ERRORS][1] + extra)
    series[TRUST] = (series[TRUST][0], series[TRUST][1] - 2 * extra)
    found = {
        c.name: c.amount
        for c in attribution(fit_model(series, EDGES), TRUST, 18000.0).contributions
    }
    assert found["a|errors"] == pytest.approx(-6.0, abs=0.3)


def test_shapley_equals_permutation_average_by_hand():
    # a first adds 1 and b then 4; b first adds 2 and a then 3; c always adds 5
    found = shapley(
        lambda x: x["a"] * x["b"] + x["c"], {"a": 1, "b": 1, "c": 0}, {"a": 2, "b": 3, "c": 5}
    )
    amounts = {c.name: c.amount for c in found.contributions}
    assert amounts == pytest.approx({"a": (1 + 3) / 2, "b": (4 + 2) / 2, "c": 5.0})
    assert (found.method, found.error) == ("exact", 0.0)


def test_antithetic_permutations_agree_with_the_exact_value():
    names = [f"x{i}" for i in range(12)]
    weight = np.random.default_rng(0).standard_normal(12)

    def outcome(x):
        total = sum(w * x[n] for w, n in zip(weight, names, strict=True))
        return total + 0.5 * x["x0"] * x["x1"]

    low, high = dict.fromkeys(names, 0.0), dict.fromkeys(names, 1.0)
    found = shapley(outcome, low, high, permutations=50, seed=1)
    amounts = {c.name: c.amount for c in found.contributions}
    assert found.method == "permutations"
    # a pair and its mirror always split an interaction of two evenly
    assert amounts["x0"] == pytest.approx(weight[0] + 0.25)
    assert math.fsum(c.amount for c in found.contributions) == found.change


def test_boosting_is_used_only_where_it_predicts_better():
    rng = np.random.default_rng(0)
    t, x = np.arange(600) * 60.0, rng.uniform(-2, 2, 600)
    bent = np.abs(x) + 0.1 * rng.standard_normal(600)
    straight = 2 * x + 0.1 * rng.standard_normal(600)
    series = {("n", "x"): (t, x), ("n", "bent"): (t, bent), ("n", "straight"): (t, straight)}
    edges = [(("n", "x"), ("n", "bent")), (("n", "x"), ("n", "straight"))]
    model = fit_model(series, edges)
    asked = assess_impact(with_trees(model, ("n", "x")), ("n", "x"), change=0.5)
    assert {i.key[1]: i.model for i in asked.metrics} == {"bent": "boosted", "straight": "linear"}
    plain = assess_impact(model, ("n", "x"), change=0.5)
    assert {i.model for i in plain.metrics} == {"linear"}


def test_cycles_are_broken_and_reported():
    model = fit_model(system(), [*EDGES, (TRUST, LOAD)])
    assert model.dropped == ((TRUST, LOAD),)
    assert any("cycle" in w for w in assess_impact(model, LOAD, change=1.0).warnings)


def test_thin_windows_say_how_many_rows_are_needed():
    series = {key: (t[:12], x[:12]) for key, (t, x) in system().items()}
    with pytest.raises(InsufficientData, match="needs 20 rows, got 12"):
        fit_model(series, EDGES)


def test_questions_without_a_change_or_an_onset_are_refused():
    model = fit_model(system(), EDGES)
    with pytest.raises(EngineError, match="give the change"):
        assess_impact(model, LOAD)
    with pytest.raises(EngineError, match="onset_s for a counterfactual"):
        what_if(model, LOAD, TRUST)
    with pytest.raises(EngineError, match="leaves 0 rows"):
        attribution(model, TRUST, -1.0)
    with pytest.raises(EngineError, match="different inputs: b"):
        shapley(lambda x: 0.0, {"a": 1}, {"a": 1, "b": 2})


def test_same_seed_gives_the_same_answer():
    model = fit_model(system(), EDGES)
    assert assess_impact(model, LOAD, change=1.0, seed=3) == assess_impact(
        model, LOAD, change=1.0, seed=3
    )


@pytest.mark.parametrize("seed", range(50))
def test_shares_of_any_formula_add_up_to_the_last_bit(seed):
    rng = np.random.default_rng(seed)
    names = [f"x{i}" for i in range(int(rng.integers(1, 9)))]
    power = rng.uniform(0.1, 3, len(names))

    def outcome(x):
        return float(np.prod([x[n] ** p for n, p in zip(names, power, strict=True)]))

    low = {n: float(rng.uniform(0.1, 2)) for n in names}
    high = {n: float(rng.uniform(0.1, 2)) for n in names}
    found = shapley(outcome, low, high)
    assert math.fsum(c.amount for c in found.contributions) == found.change


def test_metrics_elsewhere_change_no_answer():
    series = system(shift=2.0)
    lone = dict(series)
    rng = np.random.default_rng(9)
    for k in range(5):
        lone["other", f"m{k}"] = (series[LOAD][0], rng.standard_normal(400))
    edges = [*EDGES, (("other", "m0"), ("other", "m1")), (("other", "m1"), TRUST)]
    plain = fit_model({k: v for k, v in lone.items() if k[1] in ("m1",) or k in series}, edges)
    full = fit_model(lone, edges)
    assert assess_impact(plain, LOAD, change=1.0) == assess_impact(full, LOAD, change=1.0)
    assert what_if(plain, LOAD, TRUST, set_to=0.0) == what_if(full, LOAD, TRUST, set_to=0.0)


def test_too_many_causes_keep_the_strongest_and_name_the_rest():
    rng = np.random.default_rng(0)
    t = np.arange(30) * 60.0
    series = {("n", f"x{k}"): (t, rng.standard_normal(30)) for k in range(8)}
    y = 5 * series["n", "x3"][1] + 0.1 * rng.standard_normal(30)
    series["n", "y"] = (t, y)
    model = fit_model(series, [(("n", f"x{k}"), ("n", "y")) for k in range(8)])
    assert len(model.thinned) == 3  # 30 rows carry 30 / 5 - 1 = 5 of 8
    assert (("n", "x3"), ("n", "y")) not in model.thinned
    found = assess_impact(model, ("n", "x3"), change=1.0)
    assert found.metrics[0].change.value == pytest.approx(5.0, abs=0.2)
    assert sum("more direct causes" in w for w in found.warnings) == 3


def test_amounts_elsewhere_neither_change_an_interval_nor_grow_the_resamples():
    rng = np.random.default_rng(3)
    far = {(f"m{i}", "cost"): (np.arange(400) * 60.0, rng.standard_normal(400)) for i in range(40)}
    model = fit_model(system() | far, EDGES)
    amounts = [Exposure("money", key, 1 / 60, "EUR") for key in far]
    near = Exposure("failed_requests", ERRORS, 1 / 60, "requests")
    alone = assess_impact(model, LOAD, change=1.0, exposures=[near])
    among = assess_impact(model, LOAD, change=1.0, exposures=[near, *amounts])
    assert among.metrics == alone.metrics and among.exposures[0] == alone.exposures[0]
    assert {item.so_far.value for item in among.exposures[1:]} == {0.0}
    assert {item.ahead[-1][1].interval.high for item in among.exposures[1:]} == {0.0}
    with pytest.raises(EngineError, match="x of no"):
        assess_impact(model, LOAD, change=1.0, exposures=[Exposure("money", ("no", "x"), 1, "EUR")])


def test_causes_come_before_effects_in_the_order_of_columns():
    assert _topological(5, [(3, 1), (1, 0), (4, 0), (3, 4)]) == (2, 3, 1, 4, 0)
