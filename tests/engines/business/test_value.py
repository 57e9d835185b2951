"""Rates, means and lifts against SciPy, statsmodels and published tables; returns by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from engines import business
from engines.business import estimate_mean, estimate_rate
from engines.errors import EngineError, InsufficientData


def test_wilson_equals_scipy() -> None:
    for successes, trials in ((0, 50), (3, 20), (250, 1000), (40, 40)):
        ours = estimate_rate(successes, trials).interval
        theirs = stats.binomtest(successes, trials).proportion_ci(0.95, method="wilson")
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_the_t_interval_equals_scipy() -> None:
    scores = np.random.default_rng(0).integers(1, 6, 40).astype(float)
    ours = estimate_mean(scores).interval
    theirs = stats.ttest_1samp(scores, 0).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_newcombe_equals_his_published_table() -> None:
    # Newcombe (1998), table II, method 10: 56/70 - 48/80 and 9/10 - 3/10 need n >= 20 here.
    lift = business.compare_rates(estimate_rate(56, 70), estimate_rate(48, 80))
    assert (round(lift.interval.low, 4), round(lift.interval.high, 4)) == (0.0524, 0.3339)


def test_welch_equals_scipy() -> None:
    rng = np.random.default_rng(1)
    new, old = rng.normal(4.2, 0.5, 30), rng.normal(4.0, 1.2, 55)
    ours = business.compare_means(new, old).interval
    theirs = stats.ttest_ind(new, old, equal_var=False).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_equal_versions_are_undecided_and_swapping_turns_the_sign() -> None:
    a, b = estimate_rate(50, 100), estimate_rate(30, 100)
    assert business.compare_rates(a, a).verdict == "undecided"
    there, back = business.compare_rates(a, b), business.compare_rates(b, a)
    assert (there.verdict, back.verdict) == ("higher", "lower")
    assert there.interval.low == pytest.approx(-back.interval.high)


def test_a_rate_needs_trials_and_no_more_successes_than_them() -> None:
    with pytest.raises(InsufficientData):
        estimate_rate(3, 19)
    with pytest.raises(EngineError):
        estimate_rate(21, 20)
    with pytest.raises(InsufficientData):
        estimate_mean(np.array([1.0, 2.0, np.nan, 3.0, 4.0]))


def test_roi_by_hand() -> None:
    rate = estimate_rate(400, 1000)
    found = business.compute_roi(rate, 2.0, 100.0, baseline=0.3)
    assert found.value == pytest.approx(0.1 * 1000 * 2)
    assert found.roi == pytest.approx(1.0)
    assert found.interval.low < found.roi < found.interval.high
    assert business.compute_roi(rate, 0.0, 100.0).roi == -1.0


def test_roi_needs_a_cost_and_a_worth() -> None:
    rate = estimate_rate(400, 1000)
    with pytest.raises(InsufficientData):
        business.compute_roi(rate, 2.0, 0.0)
    with pytest.raises(EngineError):
        business.compute_roi(rate, -1.0, 10.0)


def test_revenue_at_risk_by_hand() -> None:
    loss = business.revenue_at_risk(estimate_rate(20, 100), estimate_rate(500, 1000), 3.0)
    assert (round(loss.outcomes), round(loss.amount)) == (30, 90)
    assert loss.outcomes_interval.low > 0
    unharmed = business.revenue_at_risk(estimate_rate(50, 100), estimate_rate(500, 1000), 3.0)
    assert unharmed.amount_interval.low < 0 < unharmed.amount_interval.high
