"""Objectives against published tables, own arithmetic in the vectors, and chance."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from engines import slo
from engines.errors import EngineError
from engines.slo.result import Counts

DAY = 86_400
VECTORS = Path(os.environ.get("AIOBS_VECTORS", "../shared/facts/vectors")) / "slo_vectors_dev.json"
needs_vectors = pytest.mark.skipif(not VECTORS.exists(), reason="no vectors here")


def vectors(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(VECTORS.read_text())[name]
    return found


@needs_vectors
def test_budgets_equal_the_vectors() -> None:
    for case in vectors("budget"):
        found = slo.error_budget(case["good"], case["total"], case["target"])
        assert found.state == case["state"]
        assert found.sli == case["sli"]
        assert found.burn_rate == pytest.approx(case["burn_rate"], rel=1e-12)
        assert found.remaining == pytest.approx(case["budget_remaining"], abs=1e-12)
        if "allowed_bad" in case:
            assert found.allowed_bad == pytest.approx(case["allowed_bad"], rel=1e-12)


@needs_vectors
def test_burn_rates_equal_the_catalogues() -> None:
    unit = {"m": 60, "h": 3_600, "d": DAY}
    for case in vectors("alert_windows"):
        long = int(case["long"][:-1]) * unit[case["long"][-1]]
        found = slo.burn_rate(case["budget_pct"] / 100, case["period_days"] * DAY, long)
        assert found == pytest.approx(case["burn_rate"], rel=1e-12)


@needs_vectors
def test_windows_scale_as_pyrra_scales_them() -> None:
    of_28_days = {"critical": (300, 3_600), "warning": (7_200, DAY)}
    for case in vectors("pyrra_windows"):
        short, long = of_28_days[case["severity"]]
        period = case["period_days"] * DAY
        assert slo.scaled_window(short, period) == case["short_s"]
        assert slo.scaled_window(long, period) == case["long_s"]


@needs_vectors
def test_time_to_detect_equals_the_vectors() -> None:
    for case in vectors("time_to_detect"):
        found = slo.time_to_detect(
            case["target"], case["error_ratio"], case["factor"], case["long_s"]
        )
        assert found == (case["detect_after_s"] and pytest.approx(case["detect_after_s"], 1e-12))


@needs_vectors
def test_calendars_counters_and_downtime_equal_the_vectors() -> None:
    names: dict[str, Any] = {"1M": "month", "1Q": "quarter"}
    for case in vectors("calendar"):
        now = datetime.fromisoformat(case["now"])
        start, end = slo.calendar_window(now, names[case["period"]], case["tz"])
        assert start == datetime.fromisoformat(case["window_start"])
        assert end == datetime.fromisoformat(case["window_end"])
        assert end.timestamp() - start.timestamp() == case["seconds"]
    for case in vectors("counter_reset"):
        assert slo.increase(case["samples"]) == case["increase"]
    for case in vectors("allowed_downtime_s"):
        found = slo.allowed_downtime(case["target"], case["days"] * DAY)
        assert found == pytest.approx(case["s"], rel=1e-12)


def test_the_plan_of_a_month_is_the_workbooks() -> None:
    rules = slo.plan_alerts(0.999, 30 * DAY)
    assert [r.factor for r in rules] == pytest.approx([14.4, 6, 3, 1], rel=1e-12)
    assert [(r.short_s, r.long_s) for r in rules] == [
        (300, 3_600), (1_800, 21_600), (7_200, DAY), (21_600, 3 * DAY)
    ]  # fmt: skip
    assert [r.budget_share for r in rules] == pytest.approx([0.02, 0.05, 0.1, 0.1])


def test_the_plan_of_a_week_is_sloths() -> None:
    rules = slo.plan_alerts(0.999, 7 * DAY)
    assert [r.factor for r in rules] == pytest.approx([13.44, 3.5, 1.4, 0.98], rel=1e-12)


@pytest.mark.parametrize("target", [0.5, 0.8, 0.9, 0.93])
def test_a_rule_that_could_never_fire_is_said_to_be_and_replaced(target: float) -> None:
    quick = slo.plan_alerts(target, 30 * DAY)[0]
    assert not quick.is_reachable and quick.planned_factor * (1 - target) >= 1
    assert quick.threshold < 1
    assert slo.judge_alerts((quick,), lambda s: Counts(0, 100), target)[0].state == "firing"


@given(st.floats(0.01, 0.9999), st.floats(3_600, 400 * DAY))
def test_every_rule_of_every_plan_can_fire(target: float, period_s: float) -> None:
    for rule in slo.plan_alerts(target, period_s):
        assert 0 < rule.threshold < 1
        assert rule.short_s <= rule.long_s


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.floats(0.01, 0.999))
def test_what_is_used_and_what_remains_are_the_budget(bad: int, good: int, target: float) -> None:
    found = slo.error_budget(good, good + bad, target)
    assert found.remaining == 1.0 - found.burn_rate
    assert (found.state == "exhausted") <= (found.remaining < 0)
    if good + bad:
        assert found.burn_rate * found.allowed_bad == pytest.approx(bad)


@pytest.mark.parametrize("target", [0.0, 1.0, 1.5, -0.1])
def test_a_target_without_a_budget_is_refused(target: float) -> None:
    with pytest.raises(EngineError, match="above 0 and below 1"):
        slo.error_budget(1, 1, target)


def test_more_good_than_all_is_an_error_of_the_data() -> None:
    assert slo.error_budget(11, 10, 0.9).state == "data_error"


def test_p_values_are_the_exact_binomial_test() -> None:
    rule = slo.plan_alerts(0.99, 30 * DAY)[:1]
    found = slo.judge_alerts(rule, lambda s: Counts(93, 100), 0.99)[0]
    assert found.p_value == pytest.approx(binomtest(7, 100, 0.01, alternative="greater").pvalue)


def test_both_windows_must_burn() -> None:
    rules = slo.plan_alerts(0.999, 30 * DAY)[:1]
    over, calm = Counts(900, 1_000), Counts(1_000, 1_000)
    assert slo.judge_alerts(rules, lambda s: over if s > 300 else calm, 0.999)[0].state == "quiet"
    assert slo.judge_alerts(rules, lambda s: calm if s > 300 else over, 0.999)[0].state == "quiet"


def test_the_threshold_itself_does_not_fire() -> None:
    rules = slo.plan_alerts(0.99, 30 * DAY)[:1]
    exact = Counts(1_000 - 144, 1_000)
    assert slo.judge_alerts(rules, lambda s: exact, 0.99)[0].state == "quiet"


def test_no_page_in_thirty_days_just_inside_the_budget() -> None:
    """Burn 0.9 at 99.9 %, 20 requests a minute, minute by minute: 5 months of pages."""
    pages = 0
    for seed in range(5):
        bad = np.random.default_rng(seed).binomial(20, 0.0009, 30 * 1_440).cumsum()
        rules = [r for r in slo.plan_alerts(0.999, 30 * DAY) if r.severity == "page"]
        for minute in range(4_320, 30 * 1_440, 5):

            def count(seconds: int, end: int = minute, of: Any = bad) -> Counts:
                minutes = seconds // 60
                failed = float(of[end] - of[end - minutes])
                return Counts(20.0 * minutes - failed, 20.0 * minutes)

            short = count(300)
            if short.bad and any(
                s.state == "firing" for s in slo.judge_alerts(rules, count, 0.999)
            ):
                pages += 1
    assert pages <= 5


def test_one_error_among_five_requests_an_hour_pages_nobody() -> None:
    def count(seconds: int) -> Counts:
        requests = 5 * max(1, seconds // 3_600)
        return Counts(requests - 1, requests)

    states = slo.judge_alerts(slo.plan_alerts(0.999, 30 * DAY), count, 0.999)
    assert not any(s.state == "firing" for s in states)


def test_ratios_are_of_sums_and_not_of_hours() -> None:
    """One hour of ten bad requests beside 23 hours of a million good ones (Sloth averages them)."""
    assert Counts(23e6, 23e6 + 10).error_ratio == pytest.approx(4.35e-7, rel=1e-2)


@given(
    st.tuples(st.integers(0, 50), st.integers(51, 100)),
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=6),
)
def test_excluded_time_is_taken_out_once(
    span: tuple[int, int], excluded: list[tuple[int, int]]
) -> None:
    spans = [(min(e), max(e)) for e in excluded]
    kept = {second for a, b in slo.without(span, spans) for second in range(int(a), int(b))}
    gone = {second for a, b in spans for second in range(a, b)}
    assert kept == set(range(*span)) - gone


def test_local_midnight_knows_summer_time() -> None:
    start, end = slo.calendar_window(datetime(2026, 3, 29, 10, tzinfo=UTC), "day", "Europe/Berlin")
    assert end.timestamp() - start.timestamp() == 23 * 3_600
