import numpy as np
import pytest

from engines.causal import Event, Series, build_graph, clustered, granger, layered, neighbourhood
from engines.causal.correlation import residual_correlations
from engines.causal.granger import benjamini_hochberg, lagged_edges
from engines.errors import InsufficientData


def system(seed, n=20, edges=40, rows=1000, contemporaneous=0.0):
    """Random linear structure: columns, and the true (cause, effect, lag) triples."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    pairs = [(int(order[a]), int(order[b])) for a in range(n) for b in range(a + 1, n)]
    chosen = [pairs[k] for k in rng.choice(len(pairs), edges, replace=False)]
    lag = [0 if rng.random() < contemporaneous else int(rng.integers(1, 4)) for _ in chosen]
    size = rng.uniform(0.25, 0.6, edges) * rng.choice([-1, 1], edges)
    x = np.zeros((rows + 100, n))
    noise = rng.standard_normal(x.shape)
    at = {int(node): k for k, node in enumerate(order)}
    ranked = sorted(range(edges), key=lambda k: at[chosen[k][1]])
    for t in range(3, rows + 100):
        x[t] = 0.3 * x[t - 1] + noise[t]
        for k in ranked:
            cause, effect = chosen[k]
            x[t, effect] += size[k] * x[t - lag[k], cause]
    return x[100:], [(*pair, step) for pair, step in zip(chosen, lag, strict=True)]


def f1(found, true):
    return 2 * len(found & true) / (len(found) + len(true))


def test_lagged_edges_recover_a_known_structure():
    x, truth = system(0)
    found = lagged_edges(x)
    pairs = set(zip(found.source.tolist(), found.target.tolist(), strict=True))
    assert f1(pairs, {(a, b) for a, b, _ in truth}) >= 0.95


def test_topology_settles_what_happens_within_one_interval():
    x, truth = system(1, contemporaneous=0.5)
    known = {}
    for cause, effect, lag in truth:
        if lag == 0:
            known.setdefault(effect, []).append(cause)
    found = lagged_edges(x, known=known)
    pairs = set(zip(found.source.tolist(), found.target.tolist(), strict=True))
    lagged = {(a, b) for a, b, lag in truth if lag}
    assert f1(pairs, lagged) >= 0.95
    assert all(p < 1e-6 for _, p in found.known.values())


def test_f_test_equals_statsmodels_on_two_series():
    from statsmodels.regression.linear_model import OLS

    rng = np.random.default_rng(3)
    x = rng.standard_normal(200)
    y = np.r_[0.0, 0.3 * x[:-1]] + rng.standard_normal(200)
    found = lagged_edges(np.column_stack([x, y]), q=0.9999)
    past = [np.column_stack([s[3 - k : 200 - k] for k in (1, 2, 3)]) for s in (y, x)]
    full = OLS(y[3:], np.column_stack([*past, np.ones(197)])).fit()
    oracle = full.compare_f_test(OLS(y[3:], np.column_stack([past[0], np.ones(197)])).fit())[1]
    at = found.source.tolist().index(0)
    assert found.q[at] == pytest.approx(oracle * 2, rel=1e-4)  # the smaller of 2 p values


def test_conditional_f_equals_the_granger_test_of_a_statsmodels_var():
    from statsmodels.tsa.api import VAR

    x, _ = system(5, n=5, edges=6, rows=400)
    oracle = VAR(x).fit(3, trend="c")
    for effect in range(5):
        causes = np.array([k for k in range(5) if k != effect])
        found = granger._fit(granger._standardised(x), 3, effect, causes, ())
        for cause, f in zip(causes, found.f, strict=True):
            tested = oracle.test_causality(effect, int(cause), kind="f")
            assert f == pytest.approx(tested.test_statistic, rel=1e-5)


def test_units_change_no_lagged_edge():
    x, _ = system(6, n=8, edges=12, rows=400)
    plain, scaled = lagged_edges(x), lagged_edges(x * 10.0 ** np.arange(-9, 15, 3) + 4)
    assert (plain.source.tolist(), plain.target.tolist()) == (
        scaled.source.tolist(),
        scaled.target.tolist(),
    )
    np.testing.assert_allclose(scaled.q, plain.q, rtol=1e-4)


def test_benjamini_hochberg_equals_scipy():
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(0).random(50)
    np.testing.assert_allclose(benjamini_hochberg(p, 50), false_discovery_control(p))


def test_independent_noise_keeps_the_error_rate():
    named = 0
    for seed in range(40):
        x = np.random.default_rng(seed).standard_normal((300, 8))
        named += lagged_edges(x).source.size > 0
    assert named <= 6  # nominal 5% of 40 is 2; P(more than 6) < .004


def test_too_few_rows_say_how_many_are_needed():  # 3 lags + 7 columns + 20 spare
    with pytest.raises(InsufficientData, match="need 30 rows, got 12"):
        lagged_edges(np.random.default_rng(0).standard_normal((12, 2)))


def frame(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(rows) * 60.0
    db = rng.standard_normal(rows)
    web = 0.9 * db + 0.4 * rng.standard_normal(rows)
    queue = np.r_[0.0, 0.0, 0.8 * web[:-2]] + 0.4 * rng.standard_normal(rows)
    twin = rng.standard_normal(rows)
    other = 0.8 * twin + 0.6 * rng.standard_normal(rows)
    return {
        ("db", "latency"): (t, db),
        ("web", "latency"): (t, web),
        ("batch", "queue"): (t, queue),
        ("x", "cpu"): (t, twin),
        ("y", "cpu"): (t, other),
        ("z", "cpu"): (t, np.ones(rows)),
        ("w", "cpu"): (t[:20], np.ones(20)),
    }


def test_edges_say_where_they_come_from():
    graph = build_graph(frame(), topology=[("web", "db")], step_s=60.0)
    kinds = {(e.source, e.target): e for e in graph.edges}
    assert kinds["db|latency", "web|latency"].kind == "causes"
    assert [e.key for e in kinds["db|latency", "web|latency"].evidence] == [
        "call",
        "same_interval_test",
    ]
    assert kinds["web|latency", "batch|queue"].lag_s == 120.0
    assert kinds["x|cpu", "y|cpu"].kind == "correlates"
    assert ("y|cpu", "x|cpu") not in kinds


def test_useless_series_are_named_not_dropped_silently():
    left_out = dict(build_graph(frame(), step_s=60.0).left_out)
    assert left_out["z|cpu"] == "does not vary"
    assert "7%" in left_out["w|cpu"]


def test_short_windows_keep_topology_and_say_why_there_are_no_tests():
    series = {key: (t[:10], x[:10]) for key, (t, x) in frame().items()}
    graph = build_graph(series, topology=[("web", "db")])
    assert [e.kind for e in graph.edges] == ["contributes"]
    assert graph.n_tests == 0
    assert "need" in dict(graph.left_out)["*"]


def test_deployment_is_placed_before_the_onset_it_may_explain():
    t = np.arange(100) * 60.0
    rng = np.random.default_rng(0)
    slow = 1.0 + 0.05 * rng.standard_normal(100) + np.where(np.arange(100) >= 80, 1.0, 0.0)
    events = [
        Event("new", 79 * 60.0, "deployment", "web"),
        Event("late", 95 * 60.0, "deployment", "web"),
        Event("elsewhere", 79 * 60.0, "deployment", "db"),
    ]
    graph = build_graph({("web", "latency"): (t, slow)}, events=events, effect=("web", "latency"))
    assert [(e.source, e.target) for e in graph.edges] == [("event|new", "web|latency")]
    assert {n.node_id: n.kind for n in graph.nodes}["web|latency"] == "outcome"


def test_column_order_changes_nothing():
    series = frame()
    shuffled = dict(reversed(series.items()))
    assert build_graph(series, step_s=60.0) == build_graph(shuffled, step_s=60.0)


def test_layers_count_steps_to_the_effect():
    graph = build_graph(frame(), topology=[("web", "db")], step_s=60.0)
    layers = {p.node_id: p.layer for p in layered(graph, "batch|queue")}
    assert (layers["batch|queue"], layers["web|latency"], layers["db|latency"]) == (0, 1, 2)
    assert layers["x|cpu"] == -1


def test_clusters_fold_services_and_neighbourhood_limits_what_is_sent():
    graph = build_graph(frame(), topology=[("web", "db")], step_s=60.0)
    folded = clustered(graph, keep=["web"])
    assert "web|latency" in {n.node_id for n in folded.nodes}
    assert "db|*" in {n.node_id for n in folded.nodes}
    small = neighbourhood(graph, "batch|queue", 2)
    assert {n.node_id for n in small.nodes} == {"batch|queue", "web|latency"}
    kept = neighbourhood(graph, "batch|queue", 2, always=["db|latency"])
    assert {n.node_id for n in kept.nodes} == {"batch|queue", "db|latency"}


def test_thin_effect_leaves_the_graph_and_says_why_it_has_no_scores():
    series = {("web", "latency"): ([0.0, 60.0], [1.0, 2.0]), ("db", "latency"): ([0.0], [1.0])}
    graph = build_graph(series, topology=[("web", "db")], effect=("web", "latency"))
    assert {n.score for n in graph.nodes} == {0.0}
    assert any("at least 3 samples" in reason for _, reason in graph.left_out)


def test_a_series_that_never_moved_takes_no_correlation_from_the_others() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 4))
    x[:, 3] += x[:, 0]
    x[:, 1] = 0.0
    with np.errstate(divide="raise", invalid="raise"):
        found = residual_correlations(x, set(), 0.05)
    assert [(i, j) for i, j, *_ in found] == [(0, 3)]
    rest = residual_correlations(np.delete(x, 1, axis=1), set(), 0.05)
    assert [numbers[2:] for numbers in found] == [numbers[2:] for numbers in rest]


def test_numbers_still_before_an_onset_raise_no_warning() -> None:
    rng = np.random.default_rng(0)
    t = np.arange(120) * 60.0
    late = t >= 6_000
    metrics = {
        ("a", "errors"): Series(t, np.where(late, 6.0, 0.0)),
        ("b", "errors"): Series(t, np.where(late, 3.0, 0.0)),
        ("b", "latency_ms"): Series(t, 5 + rng.standard_normal(120) + 50 * late),
        ("c", "cost"): Series(t, np.full(120, 0.1)),
    }
    with np.errstate(divide="raise", invalid="raise"):
        graph = build_graph(metrics, topology=[("a", "b")], effect=("a", "errors"), onset_s=6_000.0)
    assert ("b|errors", "a|errors") in {(e.source, e.target) for e in graph.edges}
