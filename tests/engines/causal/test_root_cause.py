import numpy as np
import pytest

from engines.causal import Call, Event, LogTemplate, Series, find_root_cause
from engines.causal.evidence import order
from engines.errors import EngineError, InsufficientData

STEP = 60.0
CALLS = [("web", "cart"), ("web", "ads"), ("cart", "db")]


def shop(seed=0, rows=90, fault="db", at=70, size=0.2):
    """Latencies in seconds where every caller waits for its callees; requests on every node."""
    rng = np.random.default_rng(seed)
    t = np.arange(rows) * STEP
    own = {n: 0.02 * np.exp(0.1 * rng.standard_normal(rows)) for n in ("web", "cart", "ads", "db")}
    if fault:
        own[fault] = own[fault] + np.where(np.arange(rows) >= at, size, 0.0)
    latency = {"db": own["db"], "ads": own["ads"]}
    latency["cart"] = own["cart"] + latency["db"]
    latency["web"] = own["web"] + latency["cart"] + latency["ads"]
    series = {(n, "latency"): (t, x) for n, x in latency.items()}
    series |= {(n, "requests"): (t, rng.poisson(100, rows).astype(float)) for n in latency}
    return series


@pytest.mark.parametrize("fault", ["web", "cart", "ads", "db"])
def test_slow_service_is_first_and_explains_the_excess(fault):
    answer = find_root_cause(shop(fault=fault), ("web", "latency"), topology=CALLS)
    assert (answer.cause.node, answer.method) == (fault, "mass_balance")
    assert answer.cause.share > 0.9
    assert answer.onset_s == 70 * STEP


def test_chain_leads_from_cause_to_effect():
    answer = find_root_cause(shop(), ("web", "latency"), topology=CALLS)
    assert [step.node for step in answer.cause.chain] == ["db", "cart", "web"]


def test_without_topology_the_result_still_ranks_by_deviation():
    series = shop()
    answer = find_root_cause(series, ("web", "latency"))
    assert answer.method == "deviation"
    assert answer.causes[0].node == "db"


@pytest.mark.parametrize("seed", range(20))
def test_quiet_window_names_no_cause(seed):
    answer = find_root_cause(shop(seed, fault=None), ("web", "latency"), topology=CALLS)
    assert answer.abstained and answer.cause is None and answer.reason


def renamed(series, names):
    return {(names[node], metric): value for (node, metric), value in reversed(series.items())}


@pytest.mark.parametrize("effect", [("web", "latency"), None])
def test_renaming_and_shuffling_change_no_rank(effect):
    names = {"web": "a", "cart": "z", "ads": "m", "db": "b"}
    series = shop(seed=3)
    known = {} if effect else {"onset_s": 70 * STEP}
    plain = find_root_cause(series, effect, topology=CALLS, **known)
    calls = [(names[a], names[b]) for a, b in reversed(CALLS)]
    other = find_root_cause(
        renamed(series, names), effect and ("a", "latency"), topology=calls, **known
    )
    assert [names[c.node] for c in plain.causes] == [c.node for c in other.causes]
    assert [c.score for c in plain.causes] == [c.score for c in other.causes]


def test_units_change_no_rank():
    series = shop(seed=5)
    scaled = {k: (t, x * 1000 if k[1] == "latency" else x) for k, (t, x) in series.items()}
    plain = find_root_cause(series, ("web", "latency"), topology=CALLS)
    other = find_root_cause(scaled, ("web", "latency"), topology=CALLS)
    assert [c.node for c in plain.causes] == [c.node for c in other.causes]


def test_missing_points_and_mixed_sampling_still_find_the_cause():
    rng = np.random.default_rng(1)
    series = {}
    for key, (t, x) in shop(rows=240, at=200).items():
        keep = rng.random(t.size) > 0.2
        every = 2 if key[0] == "ads" else 1
        series[key] = ((t + rng.uniform(-5, 5, t.size))[keep][::every], x[keep][::every])
    answer = find_root_cause(series, ("web", "latency"), topology=CALLS, step_s=60.0)
    assert answer.cause.node == "db"


def test_deployment_before_the_onset_starts_the_chain():
    deploy = Event("d7", 69 * STEP, "deployment", "db", "db 2.1")
    answer = find_root_cause(shop(), ("web", "latency"), topology=CALLS, events=[deploy])
    assert answer.cause.event_id == "d7"
    assert answer.cause.chain[0].event_id == "d7"
    assert "event_before_onset" in {e.key for e in answer.cause.evidence}


@pytest.mark.parametrize(
    ("lead", "key"),
    [(180.0, "moved_first"), (60.0, "moved_with"), (0.0, "moved_with"), (-60.0, "moved_with"),
     (-120.0, "moved_later")],
)  # fmt: skip
def test_within_one_interval_nobody_moved_first(lead, key):
    found = order(1000.0, 1000.0 + lead, STEP)
    assert found.key == key
    assert ("which came first cannot be told" in found.sentence) == (key == "moved_with")


def test_moving_one_interval_after_the_effect_is_nothing_against_a_suspect():
    series = shop()
    for key, (t, x) in series.items():
        if key[0] == "db":
            series[key] = (t, np.r_[x[:1], x[:-1]])
    answer = find_root_cause(series, ("web", "latency"), topology=CALLS)
    first = answer.causes[0]
    assert first.node == "db" and first.onset_s - answer.onset_s == STEP
    assert "moved_later" not in {e.key for cause in answer.causes[:1] for e in cause.against}
    assert "moved_with" in {e.key for e in first.evidence}


def test_the_lead_of_an_event_is_told_to_the_interval():
    deploy = Event("d7", 70 * STEP - 0.35, "deployment", "db", "db 2.1")
    answer = find_root_cause(shop(), ("web", "latency"), topology=CALLS, events=[deploy])
    said = next(e for e in answer.cause.evidence if e.key == "event_before_onset")
    assert said.sentence == "deployment db 2.1 touched db less than 60 s before it moved."


def ai_model(seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(120) * STEP
    late = np.arange(120) >= 90
    level = {
        'aiobs_feature_drift{feature="income"}': (0.05, 0.6),
        'aiobs_feature_drift{feature="age"}': (0.05, 0.0),
        'aiobs_drift_score{kind="prediction"}': (0.05, 0.3),
        "aiobs_accuracy": (0.9, -0.2),
        "aiobs_trust_score": (0.8, -0.2),
        "aiobs_grounding_score": (0.8, 0.0),
    }
    return {
        ("credit", name): (t, base + jump * late + 0.01 * rng.standard_normal(120))
        for name, (base, jump) in level.items()
    }


def test_feature_drift_is_the_root_of_lost_accuracy():
    answer = find_root_cause(ai_model(), ("credit", "aiobs_accuracy"))
    assert answer.method == "walk"
    assert answer.cause.metric == 'aiobs_feature_drift{feature="income"}'
    assert [s.metric for s in answer.cause.chain][-1] == "aiobs_accuracy"


def test_retrieval_outage_is_the_root_of_lost_grounding():
    rng = np.random.default_rng(2)
    t = np.arange(120) * STEP
    late = np.arange(120) >= 90

    def noisy(base, jump, noise):
        return (t, base + jump * late + noise * rng.standard_normal(120))

    series = {
        ("rag", "aiobs_grounding_score"): noisy(0.8, -0.4, 0.02),
        ("rag", "aiobs_hallucination_risk"): noisy(0.1, 0.4, 0.02),
        ("rag", "aiobs_trust_score"): noisy(0.8, -0.3, 0.02),
        ("rag", "latency"): noisy(1.0, 0.0, 0.05),
        ("vector-db", "error_rate"): noisy(0.01, 0.5, 0.005),
        ("vector-db", "requests"): noisy(100.0, 0.0, 5.0),
    }
    answer = find_root_cause(series, ("rag", "aiobs_trust_score"), topology=[("rag", "vector-db")])
    assert answer.cause.node == "vector-db"
    assert [s.metric for s in answer.cause.chain] == [
        "error_rate",
        "aiobs_grounding_score",
        "aiobs_hallucination_risk",
        "aiobs_trust_score",
    ]


def test_network_delay_is_found_on_the_edge():
    rng = np.random.default_rng(4)
    t = np.arange(60) * STEP
    slow = np.where(np.arange(60) >= 50, 0.2, 0.0)

    def edge(a, b, wire):
        served = 0.01 + 0.001 * rng.standard_normal(60)
        seen = served + 0.002 + wire + 0.0005 * rng.standard_normal(60)
        return Call(a, b, None, Series(t, seen), Series(t, served))

    calls = [edge("web", "cart", slow), edge("web", "ads", 0 * slow), edge("cart", "db", slow)]
    series = {
        (n, "cpu"): (t, 0.3 + 0.01 * rng.standard_normal(60)) for n in ("web", "cart", "ads", "db")
    }
    answer = find_root_cause(series, onset_s=50 * STEP, topology=calls)
    assert answer.causes[0].node in ("cart", "db")
    assert answer.method == "deviation+wire"


def test_new_error_message_points_at_the_code_fault():
    rng = np.random.default_rng(6)
    t = np.arange(60) * STEP
    series = {(n, "cpu"): (t, 0.3 + 0.01 * rng.standard_normal(60)) for n in ("web", "cart")}
    after = np.arange(60) >= 50
    logs = [LogTemplate("cart", "KeyError price", Series(t, np.where(after, 9.0, 0.0)))]
    answer = find_root_cause(series, onset_s=50 * STEP, logs=logs)
    assert answer.causes[0].node == "cart"
    assert answer.method == "deviation+logs"


def shifted(moved, rows=120, at=100):
    """A model whose features f0..f5 drift by `moved`: feature -> size, rows later."""
    rng = np.random.default_rng(2)
    t = np.arange(rows) * STEP

    def series(change, later=0):
        return t, 0.05 + 0.01 * rng.standard_normal(rows) + change * (t >= (at + later) * STEP)

    found = {("m", f"feature_drift:f{k}"): series(*moved.get(k, (0.0, 0))) for k in range(6)}
    return found | {("m", "data_drift"): series(0.5), ("m", "trust"): series(-0.3)}


def test_features_that_moved_at_once_are_one_suspect_and_no_rivals():
    alone = find_root_cause(shifted({1: (0.5, 0)}), ("m", "trust"))
    answer = find_root_cause(shifted({1: (0.5, 0), 3: (0.4, 1), 4: (0.3, 0)}), ("m", "trust"))
    assert answer.cause.metric == "feature_drift:f1"
    assert answer.cause.confidence == pytest.approx(alone.cause.confidence, abs=0.05)
    beside = [dict(e.values)["metrics"] for e in answer.cause.evidence if e.key == "moved_together"]
    assert beside == ["feature_drift:f3\nfeature_drift:f4"]
    listed = [cause.metric for cause in answer.causes]
    assert len(listed) == len(set(listed)) and "feature_drift:f3" not in listed


def test_a_feature_that_moved_later_stays_a_suspect_of_its_own():
    answer = find_root_cause(shifted({1: (0.5, 0), 3: (0.4, 9)}), ("m", "trust"))
    assert {"feature_drift:f1", "feature_drift:f3"} <= {cause.metric for cause in answer.causes}
    assert all("moved_together" != e.key for cause in answer.causes for e in cause.evidence)


def test_one_wild_row_hours_ago_is_no_onset():
    series = shop()
    t, x = series["db", "latency"]
    wild = (t, np.where(np.arange(t.size) == 12, 0.3, x))
    answer = find_root_cause(series | {("db", "latency"): wild}, ("web", "latency"), topology=CALLS)
    assert answer.cause.node == "db" and answer.cause.onset_s == 70 * STEP


def bursting(seed, fault=0.0):
    """Forty queues that are empty but for bursts; the rows after the onset may hold a fault."""
    rng = np.random.default_rng(seed)
    t = np.arange(200) * STEP
    late = np.arange(200) >= 196
    series = {
        (f"s{k}", "queue_length"): (t, np.where(rng.random(200) < 0.08, rng.pareto(1.5, 200), 0.0))
        for k in range(40)
    }
    t0, x = series["s0", "queue_length"]
    return series | {("s0", "queue_length"): (t0, np.where(late, x + fault, x))}


def test_a_burst_is_no_cause_and_a_fault_beyond_all_bursts_is():
    known = {"onset_s": 196 * STEP, "before_s": 8 * STEP, "after_s": 4 * STEP}
    quiet = [find_root_cause(bursting(seed), **known) for seed in range(40)]
    assert sum(not answer.abstained for answer in quiet) <= 2
    broken = [find_root_cause(bursting(seed, fault=500.0), **known) for seed in range(40)]
    assert sum(not a.abstained and a.cause.node == "s0" for a in broken) >= 38


def test_unknown_effect_is_refused():
    with pytest.raises(EngineError, match="not among"):
        find_root_cause(shop(), ("web", "nothing"))


def test_effect_with_two_samples_is_insufficient():
    series = {("a", "latency"): ([0.0, 60.0], [1.0, 2.0])}
    with pytest.raises(InsufficientData, match="at least 3"):
        find_root_cause(series, ("a", "latency"))


def test_inputs_are_not_changed():
    series = shop()
    copies = {key: (t.copy(), x.copy()) for key, (t, x) in series.items()}
    find_root_cause(series, ("web", "latency"), topology=CALLS)
    for key, (t, x) in copies.items():
        np.testing.assert_array_equal(series[key][0], t)
        np.testing.assert_array_equal(series[key][1], x)


def test_cost_spike_names_the_tokens_that_drive_it():
    rng = np.random.default_rng(0)
    t = np.arange(120) * STEP
    late = np.arange(120) >= 100

    def noisy(level, jump):
        return (t, level * (1 + 0.03 * rng.standard_normal(120)) + jump * late)

    series = {
        ("gateway", "cost_eur"): noisy(10.0, 20.0),
        ("llm", "cost_eur"): noisy(8.0, 20.0),
        ("llm", "tokens_total"): noisy(1000.0, 2500.0),
        ("llm", "requests"): noisy(50.0, 0.0),
    }
    answer = find_root_cause(series, ("gateway", "cost_eur"), topology=[("gateway", "llm")])
    assert answer.cause.node == "llm"
    assert [(s.node, s.metric) for s in answer.cause.chain] == [
        ("llm", "tokens_total"),
        ("llm", "cost_eur"),
        ("gateway", "cost_eur"),
    ]
    assert "driver" in {e.key for e in answer.cause.evidence}


def test_deployment_explains_the_burnt_budget():
    rng = np.random.default_rng(3)
    t = np.arange(120) * STEP
    late = np.arange(120) >= 100

    def noisy(level, jump):
        return (t, level + 0.05 * level * rng.standard_normal(120) + jump * late)

    series = {
        ("api", "latency"): noisy(0.2, 0.5),
        ("api", "slo_burn_rate"): noisy(0.5, 12.0),
        ("ranker", "latency"): noisy(0.1, 0.5),
    }
    deploy = Event("v7", 99 * STEP, "deployment", "ranker")
    answer = find_root_cause(
        series, ("api", "slo_burn_rate"), topology=[("api", "ranker")], events=[deploy]
    )
    assert [(s.node, s.metric) for s in answer.cause.chain] == [
        ("ranker", "deployment"),
        ("ranker", "latency"),
        ("api", "latency"),
        ("api", "slo_burn_rate"),
    ]


def test_known_onset_of_a_quiet_effect_names_no_cause():
    answer = find_root_cause(
        shop(fault=None), ("web", "latency"), topology=CALLS, onset_s=70 * STEP
    )
    assert answer.abstained and "stayed in its normal range" in answer.reason


def test_an_effect_that_strays_for_moments_is_said_to_do_so():
    calm = np.random.default_rng(5).normal(100, 3, 120)
    calm[60::2] = 125  # every other row is wild: no change that lasts
    answer = find_root_cause(
        {("web", "latency"): (np.arange(120) * STEP, calm)}, ("web", "latency")
    )
    assert answer.abstained and "for moments only" in answer.reason


def test_worked_incident_of_the_methods_page():
    """The numbers of docs/methods/causal.md, section "One incident by hand"."""
    t = np.arange(26) * STEP
    swing = np.where(np.arange(26) % 2, 1.0, -1.0) * 0.0013490  # IQR / 1.349 = 2 ms
    late = np.arange(26) >= 20
    usual = {"web": 0.060, "cart": 0.040, "db": 0.020}
    series = {(n, "latency"): (t, np.where(late, x + 0.2, x + swing)) for n, x in usual.items()}
    series |= {(n, "requests"): (t, np.full(26, 100.0)) for n in usual}
    deploy = Event("d", 18 * STEP, "deployment", "db")
    calls = [("web", "cart"), ("cart", "db")]
    plain = find_root_cause(series, ("web", "latency"), topology=calls)
    assert [round(c.share, 9) for c in plain.causes] == [1.0, 0.0, 0.0]
    assert [round(c.score, 2) for c in plain.causes] == [5.08, 0.46, 0.46]
    assert plain.cause.z == pytest.approx(100.0)
    assert plain.cause.confidence == pytest.approx(0.99)
    told = find_root_cause(series, ("web", "latency"), topology=calls, events=[deploy])
    assert told.cause.score / plain.cause.score == pytest.approx(1.47, abs=0.005)
    assert [s.node for s in told.cause.chain] == ["db", "db", "cart", "web"]


def test_renaming_changes_no_rank_on_a_walk():
    names = {"web": "q", "cart": "b", "ads": "z", "db": "a"}
    series = {key: value for key, value in shop(seed=8).items() if key[1] == "latency"}
    plain = find_root_cause(series, ("web", "latency"), topology=CALLS)
    calls = [(names[a], names[b]) for a, b in reversed(CALLS)]
    other = find_root_cause(renamed(series, names), ("q", "latency"), topology=calls)
    assert plain.method == other.method == "walk"
    assert [names[c.node] for c in plain.causes] == [c.node for c in other.causes]


def test_demand_surge_is_blamed_where_it_enters():
    rng = np.random.default_rng(0)
    t = np.arange(90) * STEP
    late = np.arange(90) >= 70
    surge = 100 * (1 + 3 * late) + 3 * rng.standard_normal(90)
    series = {("web", "requests"): (t, surge), ("db", "requests"): (t, surge)}
    for node, level in (("web", 0.03), ("db", 0.02)):
        slow = level * (1 + 0.05 * rng.standard_normal(90)) + (0.1 if node == "web" else 0) * late
        series[node, "latency"] = (t, slow)
    answer = find_root_cause(series, ("web", "latency"), topology=[("web", "db")])
    assert answer.cause.node == "web"
    assert answer.cause.chain[0].metric == "requests"


def test_many_metrics_and_little_history_name_nobody():
    rng = np.random.default_rng(0)
    t = np.arange(16) * STEP
    series = {(f"s{k}", "cpu"): (t, rng.standard_t(2, 16)) for k in range(300)}
    series["s0", "cpu"] = (t, np.where(np.arange(16) >= 12, 500.0, series["s0", "cpu"][1]))
    answer = find_root_cause(series, onset_s=12 * STEP)
    assert answer.causes[0].node == "s0"
    assert answer.abstained and "12 normal rows are too few" in answer.reason
