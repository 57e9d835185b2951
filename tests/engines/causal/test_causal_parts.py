import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.causal import Event, LogTemplate, Series
from engines.causal.anomaly import (
    Floors,
    chance_records,
    deviations,
    normal_range,
    persistent,
    quantiles,
)
from engines.causal.chain import best_chains
from engines.causal.confidence import Calibration, calibrated, raw_confidence, shipped_calibration
from engines.causal.explain import residual_z
from engines.causal.inputs import as_calls, read_metrics
from engines.causal.logs import log_surprises
from engines.causal.mass import excess, own_shares
from engines.causal.onset import find_onset
from engines.causal.panel import build_panel, on_rows
from engines.causal.roles import ACROSS, ROLES, WITHIN, role_of
from engines.causal.scene import Question, set_scene
from engines.causal.score import RANKERS
from engines.causal.settings import RootCauseSettings
from engines.causal.structure import build_structure, distances
from engines.causal.triggers import trigger_of, trigger_weight
from engines.causal.walk import absorbed_shares
from engines.causal.wire import wire_deviation
from engines.errors import EngineError, InsufficientData

UP = np.array([1.0])


def holes(rng, shape, share=0.3):
    x = rng.standard_normal(shape)
    return np.where(rng.random(shape) < share, np.nan, x)


def test_quantiles_equal_numpy_with_gaps():
    x = holes(np.random.default_rng(0), (41, 7))
    oracle = np.nanquantile(x, [0.1, 0.25, 0.5, 0.9], axis=0)
    np.testing.assert_allclose(quantiles(x, (0.1, 0.25, 0.5, 0.9)), oracle)


def test_floors_keep_a_constant_metric_from_taking_its_own_unit():
    flat = np.full((20, 1), 100.0)
    normal = normal_range(flat, flat[:0], UP, Floors())
    assert normal.scale[0] == 1.0  # 1% of the median
    assert deviations(np.array([[103.0]]), normal, UP)[0, 0] == 3.0


@given(st.floats(1e-6, 1e6), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_deviation_does_not_depend_on_the_unit(factor, seed):
    x = np.random.default_rng(seed).lognormal(size=(30, 1))
    plain = deviations(x, normal_range(x[:20], x[:20], UP, Floors()), UP)
    y = x * factor
    scaled = deviations(y, normal_range(y[:20], y[:20], UP, Floors()), UP)
    np.testing.assert_allclose(plain, scaled, rtol=1e-6, atol=1e-9)


def test_short_windows_must_also_exceed_what_was_seen_just_before():
    history = np.arange(20.0)[:, None]
    normal = normal_range(history, np.array([[60.0], [50.0]]), UP, Floors())
    assert deviations(np.array([[55.0]]), normal, UP)[0, 0] == 0.0
    assert deviations(np.array([[80.0]]), normal, UP)[0, 0] > 0.0


def test_smaller_is_worse_where_the_role_says_so():
    history = np.array([[99.0], [100.0], [98.0]] * 5)
    down = -UP
    normal = normal_range(history, history, down, Floors())
    z = deviations(np.array([[90.0], [110.0]]), normal, down)[:, 0]
    assert z[0] > 3 and z[1] == 0.0


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 1), (3, 2), (20, 2), (21, 3), (100, 10)])
def test_persistence_takes_the_stated_rank(n, k):
    z = np.random.default_rng(n).permutation(n).astype(float)[:, None]
    assert persistent(z)[0] == sorted(z[:, 0], reverse=True)[k - 1]


def test_a_metric_that_began_inside_the_window_has_its_onset_all_the_same():
    rng = np.random.default_rng(4)
    x = np.concatenate([np.full(90, np.nan), rng.normal(10, 1, 80), rng.normal(30, 1, 10)])
    young, whole = find_onset(x, np.empty(0), 1), find_onset(x[90:], np.empty(0), 1)
    assert young.row == 170 and young.z == whole.z
    assert (young.before.stop, young.after) == (170, slice(170, 180))


def test_one_wild_sample_is_not_an_onset():
    rng = np.random.default_rng(0)
    x = 1 + 0.1 * rng.standard_normal(100)
    x[70] = 50.0
    assert find_onset(x, np.empty(0), 1).row is None


def test_lasting_step_is_an_onset_at_its_first_row():
    rng = np.random.default_rng(0)
    x = 1 + 0.1 * rng.standard_normal(100)
    x[70:] += 2.0
    found = find_onset(x, np.empty(0), 1)
    assert (found.row, found.before, found.after) == (70, slice(0, 70), slice(70, 100))


def test_false_alarm_rate_is_small_for_faults_and_large_for_quiet():
    rng = np.random.default_rng(1)
    history = 1 + 0.1 * rng.standard_normal(500)
    fault = np.array([1.0, 1.1, 4.0, 4.1, 1.0])
    quiet = np.array([1.0, 1.1, 0.95, 1.02, 1.0])
    assert find_onset(fault, history, 1).false_alarm < 0.01
    assert find_onset(quiet, history, 1).false_alarm > 0.2


def test_excess_and_shares_equal_hand_arithmetic():
    risen = excess(np.array([[1.0, 2.0]] * 3), np.array([[2.0, 1.0]]), np.array([[10.0, 5.0]] * 2))
    np.testing.assert_array_equal(risen, [8.0, 3.0])
    # web rises by 8, its callees by 3 and 1: 4 of 8 are its own
    shares = own_shares({"web": 8.0, "a": 3.0, "b": 1.0}, {"web": ["a", "b"]}, "web")
    assert shares == {"a": 0.375, "b": 0.125, "web": 0.5}


def test_edge_costs_divide_a_shared_callee_among_its_callers():
    callees = {"x": ["db"], "y": ["db"]}
    through = {("x", "db"): 6.0, ("y", "db"): 0.0}
    risen = {"x": 7.0, "y": 5.0, "db": 6.0}
    assert own_shares(risen, callees, "x", through) == pytest.approx(
        {"db": 6 / 7, "x": 1 / 7, "y": 5 / 7}
    )


def test_mass_balance_answers_nothing_when_the_effect_did_not_rise():
    assert own_shares({"web": 0.0, "db": 3.0}, {"web": ["db"]}, "web") == {}


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_absorbed_shares_add_up_even_with_cycles(seed):
    rng = np.random.default_rng(seed)
    names = [f"n{k}" for k in range(8)]
    scores = {n: float(s) for n, s in zip(names, rng.exponential(2, 8), strict=True)}
    parents = {n: [m for m in names if m != n and rng.random() < 0.3] for n in names}
    shares = absorbed_shares(scores, parents, "n0", anomalous=1.4)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert all(-1e-12 <= share <= 1 + 1e-12 for share in shares.values())


def test_walk_by_hand():
    # effect stops with .1 x 2 against a parent of 3: 3 / 3.2 moves on; the root keeps it all
    shares = absorbed_shares({"e": 2.0, "p": 3.0}, {"e": ["p"]}, "e", anomalous=1.4)
    assert shares == pytest.approx({"e": 0.2 / 3.2, "p": 3.0 / 3.2})


def test_processing_cancels_on_the_wire():
    rng = np.random.default_rng(0)
    served = np.r_[0.01 + 0.001 * rng.random(8), 0.5 + 0.001 * rng.random(4)]
    wire = 0.002 + 0.0001 * rng.random(12)
    rows = slice(0, 8), slice(0, 8), slice(8, 12)
    assert wire_deviation(served + wire, served, *rows) < 0.5


def test_more_frequent_messages_score_less_than_new_ones():
    t = np.arange(20) * 60.0
    late = np.arange(20) >= 10
    logs = [
        LogTemplate("a", "boom", Series(t, np.where(late, 5.0, 0.0))),
        LogTemplate("b", "hiss", Series(t, np.where(late, 10.0, 5.0))),
        LogTemplate("c", "hello", Series(t, np.where(late, 99.0, 0.0)), is_error=False),
    ]
    found = log_surprises(logs, 0.0, 600.0, 1200.0)
    assert set(found) == {"a", "b"}
    assert found["a"].is_new and found["a"].score > found["b"].score
    assert found["b"].score == pytest.approx(math.log1p(50 / math.sqrt(51)))


def test_incidents_are_effects_and_never_triggers():
    events = [Event("i", 90.0, "incident", "a"), Event("d", 50.0, "deployment", "a")]
    assert trigger_of("a", 100.0, events, 3600.0, 60.0).event_id == "d"
    assert trigger_weight(None, 100.0, 0.5, 1800.0) == 1.0


def test_chain_shows_the_moved_link_instead_of_the_shortcut():
    keys = [("m", k) for k in ("aiobs_grounding_score", "aiobs_hallucination_risk", "aiobs_trust")]
    structure = build_structure(keys, as_calls([]))
    strength = dict.fromkeys(structure.columns, 3.0)
    path = best_chains(structure, strength, keys[2])[keys[0]]
    assert list(path) == keys


def test_distances_follow_calls_backwards():
    structure = build_structure([], as_calls([("web", "cart"), ("cart", "db"), ("job", "db")]))
    found = distances(structure, ("web", ""))
    assert found == {("web", ""): 0, ("cart", ""): 1, ("db", ""): 2}


@pytest.mark.parametrize("name", [name for name, _ in RANKERS])
def test_shipped_confidence_is_monotone_and_never_certain(name):
    for place in ("first", "rest"):
        raw, level = shipped_calibration().maps[f"{name}/{place}"]
        assert list(raw) == sorted(raw) and list(level) == sorted(level)
        assert 0 < min(level) and max(level) < 1


def test_a_regime_has_its_own_map_or_that_of_its_method():
    level = {"deviation": 0.8, "deviation+recent": 0.4}
    maps = {
        f"{name}/{place}": ((0.0, 1.0), (top, top))
        for name, top in level.items()
        for place in ("first", "rest")
    }
    shipped = Calibration(maps, "by hand")
    found = {r: calibrated([3.0], r, shipped)[0] for r in (*level, "deviation+wire")}
    assert found == {**level, "deviation+wire": 0.8}


def test_bursts_of_the_past_widen_the_scale_of_calm_rows():
    history = np.zeros((100, 1))
    history[::20] = 50.0  # sd 10.9, IQR 0
    before = history[81:100] + np.linspace(0, 0.1, 19)[:, None]
    normal = normal_range(history, before, UP, Floors())
    assert normal.scale[0] == pytest.approx(0.1 * history.std() + 0.05 / 1.349, rel=1e-6)
    assert normal.chance[0] == pytest.approx(history.std())


def test_chance_is_judged_by_the_scale_itself_where_rows_differ():
    history = np.random.default_rng(0).standard_normal((100, 3))
    normal = normal_range(history, history[80:], UP.repeat(3), Floors())
    np.testing.assert_array_equal(normal.chance, normal.scale)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_confidences_are_probabilities_of_exclusive_events(scores):
    ordered = sorted(scores, reverse=True)
    found = calibrated(ordered, "walk")
    assert sum(found) <= 1 + 1e-9
    assert list(found) == sorted(found, reverse=True)
    assert all(0 <= p <= 1 for p in (*found, *raw_confidence(ordered)))


@pytest.mark.parametrize(
    ("metric", "kind", "worse"),
    [
        ("aiobs_trust_score", "trust", -1),
        ('aiobs_feature_drift{feature="income"}', "feature_drift", 1),
        ('aiobs_drift_score{kind="prediction"}', "prediction_drift", 1),
        ("aiobs_hallucination_risk", "hallucination", 1),
        ("aiobs_grounding_score", "grounding", -1),
        ("aiobs_error_budget_remaining", "slo", -1),
        ("aiobs_slo_burn_rate", "slo", 1),
        ("aiobs_inferences_total", "demand", 0),
        ("aiobs_inference_errors_total", "errors", 1),
        ("aiobs_inference_latency_seconds", "latency", 1),
        ("aiobs_tokens_total", "tokens", 1),
        ("aiobs_cost_total", "cost", 1),
        ("aiobs_energy_kwh_total", "energy", 1),
        ("aiobs_carbon_grams_total", "carbon", 1),
        ("aiobs_degradation_rate", "degradation", 1),
        ("aiobs_reliability_score", "reliability", -1),
        ("PodClientLatencyP90(s)", "waiting", 1),
        ("availability", "availability", -1),
        ("http_5xx", "errors", 1),
        ("queue_length", "resource", 1),
    ],
)
def test_names_of_the_hub_mean_what_they_say(metric, kind, worse):
    assert (role_of(metric).kind, role_of(metric).worse) == (kind, worse)


def test_rules_name_only_kinds_that_exist():
    kinds = {role.kind for _, role in ROLES} | {"resource"}
    assert {kind for rule in (*WITHIN, *ACROSS) for kind in rule} <= kinds


def test_residual_removes_what_a_callee_explains():
    rng = np.random.default_rng(0)
    t = np.arange(120) * 60.0
    callee = 1 + 0.1 * rng.standard_normal(120) + np.where(np.arange(120) >= 100, 2.0, 0.0)
    caller = callee + 0.05 * rng.standard_normal(120)
    series = read_metrics({("a", "latency"): (t, caller), ("b", "latency"): (t, callee)})
    scene = set_scene(series, None, Question(onset_s=6000.0), RootCauseSettings())
    left = residual_z(scene, 0, [1], 1, RootCauseSettings())
    assert left < scene.z[0] / 3


def test_jittered_clocks_share_rows():
    rng = np.random.default_rng(0)
    t = np.arange(50) * 60.0
    series = read_metrics(
        {("n", k): (t + rng.uniform(-20, 20, 50), np.arange(50.0)) for k in ("a", "b")}
    )
    panel = build_panel(series, step_s=60.0)
    assert np.isnan(panel.values).mean() < 0.05


def test_frames_are_read_like_mappings():
    import pandas as pd

    index = pd.to_datetime([0, 60, 120], unit="s", utc=True)
    columns = pd.MultiIndex.from_tuples([("a", "latency"), ("b", "latency")])
    frame = pd.DataFrame([[1.0, 2.0], [3.0, np.nan], [5.0, 6.0]], index=index, columns=columns)
    read = read_metrics(frame)
    np.testing.assert_array_equal(read["a", "latency"].times_s, [0.0, 60.0, 120.0])
    np.testing.assert_array_equal(read["b", "latency"].values, [2.0, np.nan, 6.0])


def test_edges_are_averaged_on_the_rows_of_the_window():
    panel = build_panel(read_metrics({("a", "x"): ([0.0, 60.0, 120.0], [1.0, 1.0, 1.0])}))
    edge = Series(np.array([5.0, 10.0, 118.0, 999.0]), np.array([1.0, 3.0, 7.0, 9.0]))
    np.testing.assert_array_equal(on_rows(edge, panel), [2.0, np.nan, 7.0])


def test_malformed_input_is_refused_with_the_number_that_was_wrong():
    with pytest.raises(EngineError, match="2 times but 1 values"):
        read_metrics({("a", "x"): ([0.0, 1.0], [1.0])})
    with pytest.raises(EngineError, match="pair"):
        read_metrics({"a": ([0.0], [1.0])})
    with pytest.raises(InsufficientData, match="no metric has a sample"):
        build_panel({})


def test_chance_records_equal_a_simulation():
    rng = np.random.default_rng(0)
    x = rng.standard_t(3, (20_000, 34))  # 30 normal rows, 4 after; any distribution will do
    both_after = (np.argsort(x, axis=1)[:, -2:] >= 30).all(axis=1).mean()
    assert chance_records(1, 30, 4) == pytest.approx(both_after, abs=0.003)
