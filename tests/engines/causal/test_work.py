"""More work asked for, or the same work done slowly: two causes of one slower answer."""

import numpy as np
import pytest

from engines.causal import find_root_cause
from engines.causal.inputs import read_metrics
from engines.causal.scene import Question, set_scene
from engines.causal.settings import RootCauseSettings
from engines.causal.work import asked_shares

ROWS, ONSET, STEP = 150, 140, 60.0
EFFECT = ("writer", "latency_ms")


def writer(longer=1.0, slower=0.0, seed=0, ms_a_token=4.0, requests=8.0):
    """A model whose answers take 20 ms and 4 ms an output token, all spent in the service below."""
    rng = np.random.default_rng(seed)
    t = np.arange(ROWS) * STEP
    late = t >= ONSET * STEP
    count = np.maximum(rng.poisson(requests, ROWS), 1).astype(float)
    read = 100 + 10 * rng.standard_normal(ROWS)
    wrote = (50 + 6 * rng.standard_normal(ROWS)) * np.where(late, longer, 1.0)
    served = 20 + rng.gamma(4, 0.5, ROWS) + ms_a_token * wrote + np.where(late, slower, 0.0)
    return {
        EFFECT: (t, served + 2),
        ("writer", "requests"): (t, count),
        ("writer", "input_tokens"): (t, read * count),
        ("writer", "output_tokens"): (t, wrote * count),
        ("api", "latency_ms"): (t, served),
        ("api", "requests"): (t, count),
    }


def shares(series, settings=None):
    settings = settings or RootCauseSettings()
    scene = set_scene(read_metrics(series), None, Question(EFFECT, ONSET * STEP), settings)
    keys = [("writer", name) for name in ("requests", "input_tokens", "output_tokens")]
    demand, *work = (scene.at(key) for key in keys)
    found = asked_shares(scene, scene.at(EFFECT), demand, work, settings)
    return {scene.panel.keys[column][1]: share for column, share in found.items()}


def test_longer_outputs_explain_the_rise_at_the_pace_of_before():
    found = shares(writer(longer=6.0))
    assert found["output_tokens"] == pytest.approx(1.0, abs=0.03)
    assert found.get("input_tokens", 0.0) < 0.02


def test_a_slow_service_is_not_explained_by_the_same_work():
    assert sum(shares(writer(slower=1_000.0)).values()) < 0.02


def test_two_causes_share_the_rise():
    # 5 x 50 tokens x 4 ms = 1,000 ms of work and 1,000 ms of slowness
    found = shares(writer(longer=6.0, slower=1_000.0))
    assert found["output_tokens"] == pytest.approx(0.5, abs=0.05)


def test_work_that_took_no_time_before_explains_nothing():
    assert shares(writer(longer=6.0, slower=1_000.0, ms_a_token=0.0)) == {}


def test_few_normal_rows_explain_nothing():
    assert shares(writer(longer=6.0), RootCauseSettings(ridge_min_rows=ROWS)) == {}


def test_an_effect_that_fell_has_nothing_to_explain():
    assert shares(writer(slower=-150.0)) == {}


def test_units_of_work_change_no_share():
    series = writer(longer=3.0, slower=200.0)
    scaled = {k: (t, x * 1e6 if "tokens" in k[1] else x) for k, (t, x) in series.items()}
    assert shares(scaled) == pytest.approx(shares(series))


@pytest.mark.parametrize("seed", range(5))
def test_longer_answers_are_named_and_not_the_service_that_writes_them(seed):
    answer = find_root_cause(writer(longer=6.0, seed=seed), EFFECT, topology=[("writer", "api")])
    assert (answer.cause.node, answer.cause.metric) == ("writer", "output_tokens")
    assert answer.cause.share > 0.9
    assert [step.metric for step in answer.cause.chain] == ["output_tokens", "latency_ms"]
    assert "asked_share" in {item.key for item in answer.cause.evidence}


@pytest.mark.parametrize("seed", range(5))
def test_a_service_that_became_slow_is_named_however_long_the_answers(seed):
    answer = find_root_cause(writer(slower=900.0, seed=seed), EFFECT, topology=[("writer", "api")])
    assert answer.cause.node == "api"
    assert answer.cause.share > 0.9
