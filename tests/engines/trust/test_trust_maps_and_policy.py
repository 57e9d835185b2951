import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from engines.errors import EngineError
from engines.result import Interval
from engines.trust import (
    MEASURES,
    POLICIES,
    Anchors,
    PartPolicy,
    TrustPolicy,
    grade,
    part,
    policy_from_dict,
    policy_to_dict,
)
from engines.trust.explain import ENGLISH


@pytest.mark.parametrize("anchors", MEASURES.values(), ids=MEASURES.keys())
class TestEveryMap:
    def test_meets_its_anchors(self, anchors):
        assert grade(0.0, anchors) == 1.0
        assert grade(anchors.healthy, anchors) == pytest.approx(0.8)
        assert grade(anchors.warning, anchors) == pytest.approx(0.6)
        assert grade(2 * anchors.warning, anchors) == pytest.approx(0.3)

    @given(st.floats(0, 100), st.floats(0, 100))
    def test_never_rises_and_never_leaves_its_range(self, anchors, a, b):
        low, high = sorted((a, b))
        assert 1 >= grade(low, anchors) >= grade(high, anchors) > 0


def test_drift_anchors_are_cohens_small_and_medium_effect():
    for d, value in (
        (0.2, MEASURES["drift_effect"].healthy),
        (0.5, MEASURES["drift_effect"].warning),
    ):
        assert 2 * norm.cdf(d / 2) - 1 == pytest.approx(value, abs=5e-4)


def test_interval_is_mapped_with_its_ends_swapped():
    mapped = part("error_rate", 0.01, Interval(0.0, 0.05, 0.95), 300)
    assert mapped.score == 0.8
    assert mapped.interval == Interval(0.6, 1.0, 0.95)
    assert (mapped.measure, mapped.value, mapped.n) == ("error_rate", 0.01, 300)


def test_unknown_measure_is_refused_unless_anchors_are_given():
    with pytest.raises(EngineError, match="no map for 'mood'"):
        part("mood", 0.1)
    assert part("mood", 0.1, anchors=Anchors(0.1, 0.2)).score == 0.8


def test_nan_is_refused():
    with pytest.raises(EngineError):
        grade(math.nan, Anchors(0.1, 0.2))


@pytest.mark.parametrize("pair", [(0, 1), (2, 1), (1, 1), (1, math.inf)])
def test_anchors_out_of_order_are_refused(pair):
    with pytest.raises(EngineError):
        Anchors(*pair)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
class TestEveryPolicy:
    def test_weights_sum_to_one(self, policy):
        assert math.fsum(policy.weights().values()) == pytest.approx(1.0)

    def test_survives_a_round_trip(self, policy):
        assert policy_from_dict(policy_to_dict(policy)) == policy

    def test_prior_median_is_below_healthy(self, policy):
        assert policy.prior(0.9)[0] < policy.healthy


def test_other_weights_need_another_version():
    with pytest.raises(EngineError, match="another version"):
        POLICIES["llm"].with_weights({"drift": 1}, version=POLICIES["llm"].version)


def test_other_weights_keep_the_floor_of_a_critical_part():
    changed = POLICIES["llm"].with_weights({"errors": 1, "tone": 1}, version="t-2")
    assert changed.part("errors").floor == POLICIES["llm"].part("errors").floor
    assert changed.part("tone").floor is None


@pytest.mark.parametrize(
    "change",
    [
        {"healthy": 0.5},
        {"prior_shape": 0},
        {"correlation": 2},
        {"min_known_weight": 0},
        {"parts": []},
        {"parts": [{"name": "a", "weight": -1}]},
        {"parts": [{"name": "a", "weight": 1}, {"name": "a", "weight": 1}]},
        {"parts": [{"weight": 1}]},
        {"colour": "red"},
    ],
)
def test_broken_policy_documents_are_refused(change):
    with pytest.raises(EngineError):
        policy_from_dict(policy_to_dict(POLICIES["llm"]) | change)


def test_policy_cannot_be_changed_in_place():
    policy = TrustPolicy("t", "1", (PartPolicy("a", 1),))
    with pytest.raises(AttributeError):
        policy.healthy = 0.1


def test_every_code_has_english():
    assert all("{" in text or key == "trust.no_loss" for key, text in ENGLISH.items())
