"""Prices, drivers, anomalies and budgets by hand."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import business
from engines.business import Price, anomalies
from engines.errors import EngineError, InsufficientData

AMOUNT = st.floats(0, 1e6)
PART = st.tuples(AMOUNT, st.integers(0, 10**6).map(float))
PARTS = st.dictionaries(st.sampled_from("abcd"), PART)


def test_tokens_cost_their_price_per_million() -> None:
    price = Price(2.5, 10.0, "USD", "own")
    cost = business.price_tokens(price, np.array([1e6, np.nan, np.nan]), np.array([0, 1e6, np.nan]))
    assert cost[:2].tolist() == [2.5, 10.0]
    assert np.isnan(cost[2])


def test_own_prices_go_before_the_table_and_unknown_models_have_none() -> None:
    own = {"gpt-4o": Price(1.0, 1.0, "EUR", "own")}
    found = business.find_price("gpt-4o", own)
    assert found is not None
    assert found.currency == "EUR"
    assert business.find_price("gpt-4o-turbo-ultra") is None


def test_the_price_table_says_when_and_from_where() -> None:
    table = business.load_prices()
    assert table["date"] == "2025-06-30"
    assert "not confirmed" in table["source"]
    names = [name for line in table["models"] for name in line["names"]]
    assert len(names) == len(set(names))


def test_a_negative_price_is_refused() -> None:
    with pytest.raises(EngineError):
        business.price_tokens(Price(-1.0, 0.0, "USD", "own"), np.zeros(1), np.zeros(1))


def test_drivers_split_a_change_into_volume_and_price() -> None:
    before = {"a": (100.0, 1000.0), "b": (50.0, 100.0)}
    after = {"a": (180.0, 1200.0), "c": (30.0, 10.0)}
    by_key = {d.key: d for d in business.explain_change(before, after)}
    assert (by_key["a"].volume_effect, by_key["a"].price_effect) == (20.0, 60.0)
    assert (by_key["b"].volume_effect, by_key["b"].price_effect) == (-50.0, 0.0)
    assert (by_key["c"].volume_effect, by_key["c"].price_effect) == (30.0, 0.0)


@given(
    st.dictionaries(st.sampled_from("abcd"), PART), st.dictionaries(st.sampled_from("abcd"), PART)
)
def test_effects_add_up_to_the_change(
    before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]]
) -> None:
    change = sum(c for c, _ in after.values()) - sum(c for c, _ in before.values())
    drivers = business.explain_change(before, after)
    total = sum(d.volume_effect + d.price_effect for d in drivers)
    size = max([1.0] + [abs(d.volume_effect) + abs(d.price_effect) for d in drivers])
    assert total == pytest.approx(change, abs=1e-6 * size)


def test_a_peak_is_found_with_its_excess() -> None:
    spend = np.tile(np.array([10.0, 11.0, 9.0, 10.0]), 12)
    spend[20:22] = 40.0
    [found] = business.find_spend_anomalies(spend)
    assert (found.start, found.end, found.spent) == (20, 22, 80.0)
    assert found.expected == pytest.approx(20.0, abs=2)


def test_a_daily_rhythm_is_no_anomaly() -> None:
    hours = np.arange(24 * 7)
    spend = 10 + 8 * np.sin(hours / 24 * 2 * np.pi)
    assert business.find_spend_anomalies(spend) == []


def test_quiet_noise_rarely_alarms() -> None:
    alarms = sum(
        len(business.find_spend_anomalies(np.random.default_rng(seed).gamma(20, 1.0, 168)))
        for seed in range(100)
    )
    assert alarms <= 14  # in 700 days; the right tail of a gamma is longer than the normal's


def test_a_peak_on_a_first_day_with_a_rhythm_is_found() -> None:
    hours = np.arange(24)
    noise = np.random.default_rng(0).normal(0, 0.3, 24)
    spend = 10 + 4 * np.sin(hours / 24 * 2 * np.pi) + noise
    assert business.find_spend_anomalies(spend) == []
    spend[12] += 8
    [found] = business.find_spend_anomalies(spend)
    assert (found.start, found.end) == (12, 13)


@pytest.mark.parametrize("hours", [12, 40, 72, 100])
@pytest.mark.parametrize("share_unknown", [0.0, 0.1])
def test_many_courses_at_once_say_what_each_says(hours: int, share_unknown: float) -> None:
    rng = np.random.default_rng(hours)
    spend = rng.gamma(20, 1.0, (30, hours))
    spend[rng.random(spend.shape) < 0.03] *= 8
    spend[rng.random(spend.shape) < share_unknown] = np.nan
    each = business.find_spend_anomalies_of_each(spend)
    assert any(each)
    for row, found in zip(spend, each, strict=True):
        if np.isfinite(row).sum() >= 12:
            assert business.find_spend_anomalies(row) == found
        else:
            assert found == []


@pytest.mark.parametrize("steps", [0, 1, 11])
def test_of_too_few_hours_nothing_is_said_for_any_model(steps: int) -> None:
    assert business.find_spend_anomalies_of_each(np.ones((2, steps))) == [[], []]


def test_few_hours_say_nothing() -> None:
    with pytest.raises(InsufficientData):
        business.find_spend_anomalies(np.ones(11))


def steady(value: float, steps: int) -> business.Forecast:
    history = np.full(24, value)
    return business.forecast(history, steps)


def test_a_budget_that_holds_and_one_that_runs_out() -> None:
    rest = steady(1.0, 50)
    fine = business.track_budget(200.0, 50.0, elapsed_s=50.0, period_s=100.0, rest=rest)
    assert (fine.projected, fine.status, fine.runs_out_s) == (100.0, "ok", None)
    short = business.track_budget(70.0, 50.0, elapsed_s=50.0, period_s=100.0, rest=rest)
    assert short.status == "at_risk"
    assert short.runs_out_s == pytest.approx(20.0)
    assert short.used == pytest.approx(50 / 70)


def test_a_spent_budget_is_exceeded_and_a_limit_of_nothing_refused() -> None:
    over = business.track_budget(10.0, 11.0, elapsed_s=1.0, period_s=100.0)
    assert (over.status, over.runs_out_s, over.projected) == ("exceeded", 0.0, None)
    with pytest.raises(EngineError):
        business.track_budget(0.0, 0.0, elapsed_s=1.0, period_s=1.0)


def test_every_method_is_documented_with_an_example() -> None:
    for name, method in business.METHODS.items():
        assert method.__doc__, name
        assert "Examples" in method.__doc__ or name == "budget", name


@pytest.mark.parametrize("n", [12, 36, 72, 100, 168])
def test_the_usual_is_the_median_of_other_days_or_of_the_hours_around(n: int) -> None:
    rng = np.random.default_rng(n)
    spend = rng.lognormal(size=n)
    spend[rng.random(n) < 0.3] = np.nan
    for at, found in enumerate(anomalies._usual(spend[None], 24)[0]):
        if n < 72:
            others = [i for i in range(at - 4, at + 5) if i != at and 0 <= i < n]
        else:
            others = [i for i in range(at % 24, n, 24) if i != at]
        known = [spend[i] for i in others if not np.isnan(spend[i])]
        assert np.isnan(found) if not known else found == statistics.median(known)
