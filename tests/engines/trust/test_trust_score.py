import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import trust
from engines.errors import EngineError
from engines.result import Insufficient, Interval
from engines.trust import POLICIES, Part, PartPolicy, TrustPolicy
from engines.trust.explain import ENGLISH

SCORES = st.floats(0.0, 1.0)
LISTS = st.lists(st.tuples(SCORES, st.integers(1, 5000)), min_size=1, max_size=8)


def named(values):
    return {f"p{i}": Part(score, n=n) for i, (score, n) in enumerate(values)}


def test_point_is_the_weighted_geometric_mean_by_hand():
    # 0.9^0.75 * 0.5^0.25 = 0.777
    result = trust.score({"a": 0.9, "b": 0.5}, {"a": 3, "b": 1})
    assert result.point == pytest.approx(0.9**0.75 * 0.5**0.25, abs=1e-11)


def test_one_collapsed_part_shows():
    parts = {str(i): 1.0 for i in range(4)} | {"bad": 0.05}
    assert trust.score(parts).point == pytest.approx(0.05**0.2, abs=1e-11)


def test_interval_is_mover_by_hand():
    # one part: the interval is the part's own
    result = trust.score({"a": Part(0.8, Interval(0.7, 0.85, 0.9))})
    assert (result.trust, result.interval.high) == pytest.approx((0.7, 0.85), abs=1e-11)


@given(LISTS)
@settings(max_examples=100, deadline=None)
def test_contributions_add_up_without_rounding_error(values):
    result = trust.score(named(values))
    lost = [c.points_lost for c in result.components]
    assert sum(lost) == sum(reversed(lost)) == math.fsum(lost) == 1 - result.point
    assert sum(c.points_uncertain for c in result.components) == result.point - result.trust


@given(LISTS, st.integers(0, 7), st.floats(0.0, 1.0))
@settings(max_examples=100, deadline=None)
def test_raising_a_part_never_lowers_point_or_bound(values, which, lift):
    which %= len(values)
    raised = list(values)
    score, n = raised[which]
    raised[which] = (score + (1 - score) * lift, n)
    before, after = trust.score(named(values)), trust.score(named(raised))
    assert after.point >= before.point - 1e-11
    assert after.trust >= before.trust - 1e-11


@given(LISTS)
@settings(max_examples=100, deadline=None)
def test_bound_point_and_interval_stay_in_order_and_range(values):
    result = trust.score(named(values))
    assert 0 <= result.trust == result.interval.low <= result.point <= result.interval.high <= 1


@given(LISTS)
@settings(max_examples=50, deadline=None)
def test_order_of_parts_does_not_matter(values):
    parts = named(values)
    flipped = dict(reversed(list(parts.items())))
    assert trust.score(parts).trust == pytest.approx(trust.score(flipped).trust, abs=1e-11)


def test_only_perfect_parts_score_one():
    assert trust.score({"a": 1.0, "b": 1.0}).point == 1.0
    assert trust.score({"a": 1.0, "b": 0.999}).point < 1.0


def test_missing_part_lowers_and_widens_and_is_named():
    full = {name: Part(0.95, n=2000) for name in POLICIES["classification"].weights()}
    thin = full | {"drift": Insufficient("the reference has 7 rows")}
    known = trust.score(full, policy=POLICIES["classification"])
    unknown = trust.score(thin, policy=POLICIES["classification"])
    assert unknown.missing == ("drift",)
    assert unknown.point < known.point and unknown.trust < known.trust
    assert unknown.point - unknown.trust > known.point - known.trust
    assert "the reference has 7 rows" in unknown.sentence


def test_missing_critical_part_can_never_be_healthy():
    parts = {name: Part(1.0, n=10**6) for name in POLICIES["rag"].weights()}
    del parts["hallucination"]
    result = trust.score(parts, policy=POLICIES["rag"])
    assert result.band != "healthy"


def test_nothing_missing_defaults_to_one():
    for policy in POLICIES.values():
        for name in policy.weights():
            parts = {other: 1.0 for other in policy.weights() if other != name}
            assert trust.score(parts, policy=policy).point < 1.0


def test_too_little_known_is_insufficient_and_names_what_is_missing():
    result = trust.score({"latency": 1.0}, policy=POLICIES["llm"])
    assert isinstance(result, Insufficient)
    assert "hallucination" in result.reason


def test_no_parts_at_all_is_insufficient():
    assert isinstance(trust.score({}), Insufficient)


def test_critical_part_caps_the_score_at_its_own():
    rules = (PartPolicy("errors", 1, floor=0.6), PartPolicy("drift", 9))
    policy = TrustPolicy("t", "1", rules)
    result = trust.score({"errors": Part(0.3, n=500), "drift": 1.0}, policy=policy)
    assert result.point == pytest.approx(0.3, abs=1e-11)
    assert result.capped_by == "errors"
    assert sum(c.points_lost for c in result.components) == 1 - result.point
    assert sum(c.points_uncertain for c in result.components) == result.point - result.trust


def test_critical_part_above_its_floor_caps_nothing():
    rules = (PartPolicy("errors", 1, floor=0.6), PartPolicy("drift", 9))
    result = trust.score({"errors": 0.7, "drift": 1.0}, policy=TrustPolicy("t", "1", rules))
    assert result.capped_by is None


@pytest.mark.parametrize(
    ("value", "band"), [(0.8, "healthy"), (0.79, "warning"), (0.6, "warning"), (0.59, "critical")]
)
def test_bands_are_cut_on_the_bound(value, band):
    assert trust.score({"a": value + 1e-9}).band == band


def test_wide_evidence_is_in_a_worse_band_than_narrow():
    assert trust.score({"a": Part(0.85, n=30)}).band == "warning"
    assert trust.score({"a": Part(0.85, n=3000)}).band == "healthy"


def test_part_without_interval_or_count_is_named():
    result = trust.score({"a": 0.9})
    assert "trust.exact" in [code.key for code in result.codes]


def test_part_without_a_weight_is_refused():
    with pytest.raises(EngineError, match="no weight to speed"):
        trust.score({"speed": 0.5}, policy=POLICIES["llm"])


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan])
def test_score_outside_its_range_is_refused(bad):
    with pytest.raises(EngineError):
        trust.score({"a": bad})


def test_interval_that_misses_its_score_is_refused():
    with pytest.raises(EngineError):
        trust.score({"a": Part(0.5, Interval(0.6, 0.7, 0.9))})


def test_interval_at_another_level_is_rescaled():
    narrow = trust.score({"a": Part(0.8, Interval(0.7, 0.9, 0.99))})
    wide = trust.score({"a": Part(0.8, Interval(0.7, 0.9, 0.5))})
    assert 0.7 < narrow.trust and wide.trust < 0.7


def test_correlated_errors_widen_the_interval():
    parts = {"a": Part(0.8, n=100), "b": Part(0.8, n=100)}
    rules = (PartPolicy("a", 1), PartPolicy("b", 1))
    apart = trust.score(parts, policy=TrustPolicy("t", "1", rules))
    together = trust.score(parts, policy=TrustPolicy("t", "1", rules, correlation=1.0))
    assert together.trust < apart.trust
    assert together.point == apart.point


GATED = TrustPolicy(
    "gated",
    "1",
    (PartPolicy("a", 1, floor=0.6), PartPolicy("b", 2, floor=0.4), PartPolicy("c", 3)),
    correlation=0.3,
)


@given(st.tuples(SCORES, SCORES, SCORES), st.sampled_from("abc"), st.floats(0.0, 1.0))
@settings(max_examples=100, deadline=None)
def test_gates_keep_the_score_monotone_and_its_sums_exact(scores, which, lift):
    before = dict(zip("abc", scores, strict=True))
    after = before | {which: before[which] + (1 - before[which]) * lift}
    worse, better = (
        trust.score({k: Part(v, n=80) for k, v in parts.items()}, policy=GATED)
        for parts in (before, after)
    )
    assert better.point >= worse.point - 1e-11
    assert better.trust >= worse.trust - 1e-11
    for result in (worse, better):
        assert sum(c.points_lost for c in result.components) == 1 - result.point
        assert sum(c.points_uncertain for c in result.components) == result.point - result.trust


def test_sentence_tells_band_largest_loss_and_cap():
    parts = {"a": Part(0.3, n=500, measure="error_rate", value=0.1), "b": 0.9, "c": 0.95}
    result = trust.score(parts, policy=GATED)
    assert result.sentence.startswith("Trust is 0.2")
    assert "A is critical, scores 0.30 against a floor of 0.60" in result.sentence
    assert "error_rate 0.1" in result.sentence


def test_codes_carry_every_value_their_english_needs():
    parts = {"a": Part(0.7, n=5), "b": None, "c": 0.95}
    for code in trust.score(parts, policy=GATED).codes:
        assert ENGLISH[code.key].format(**code.values)


def test_score_does_not_jump_when_a_critical_part_crosses_its_floor():
    rules = (PartPolicy("errors", 1, floor=0.6), PartPolicy("drift", 9))
    policy = TrustPolicy("t", "1", rules)
    scores = [
        trust.score(
            {"errors": Part(s, Interval(s - 0.05, s + 0.05, 0.9)), "drift": 1.0}, policy=policy
        )
        for s in (0.56 + 0.001 * i for i in range(200))
    ]
    for a, b in zip(scores, scores[1:], strict=False):
        assert 0 <= b.point - a.point < 0.005
        assert -1e-11 <= b.trust - a.trust < 0.005


def test_few_requests_without_errors_are_not_called_critical():
    parts = {name: Part(0.95, n=2000) for name in POLICIES["classification"].weights()}
    parts["errors"] = trust.part("error_rate", 0.0, Interval(0.0, 0.06, 0.9), 40)
    assert trust.score(parts, policy=POLICIES["classification"]).band == "healthy"
