"""What a trouble costs: effects along known edges, actions by expected effect, cautious sums."""

from __future__ import annotations

import numpy as np
import pytest

from connectors import telemetry
from connectors.telemetry import MetricBatch
from engines import impact
from engines.causal import Call, Event, Series
from engines.impact import Estimate, Exposure, ExposureImpact, ImpactResult
from engines.result import Interval
from services import slo
from services.actions import recommend
from services.causal import explain
from services.errors import Malformed
from services.impact import (
    Question,
    WhatIfQuestion,
    ask_what_if,
    assess_impact,
    attempt,
    compute_attribution,
    exposures_of,
    fit,
)
from services.scene import Scene
from services.slo_counts import CALLS, FAILED, Indicator
from services.study import Study, added
from services.study import study as read_study
from services.times import MINUTE_MS, Window
from services.workspace import Workspace

START_S = 1_767_240_000.0
ROWS = 240
ONSET = 220


def scene() -> Scene:
    """A store turns slow at row 220; the web waits for it, a third service has nothing to do."""
    rng = np.random.default_rng(3)
    times = np.asarray(START_S + 60.0 * np.arange(ROWS), dtype=np.float64)
    late = np.arange(ROWS) >= ONSET
    store = 5 + rng.standard_normal(ROWS) + 100 * late
    web = 10 + store + rng.standard_normal(ROWS)
    calm = 20 + rng.standard_normal(ROWS)
    metrics = {
        (name, "latency_ms"): Series(times, np.asarray(values, dtype=np.float64))
        for name, values in (("store", store), ("web", web), ("other", calm))
    } | {
        (name, "requests"): Series(
            times, np.asarray(50 + rng.standard_normal(ROWS), dtype=np.float64)
        )
        for name in ("store", "web", "other")
    }
    window = Window(int(START_S * 1_000), int(START_S * 1_000) + ROWS * MINUTE_MS)
    change = Event("c1", START_S + 60 * ONSET - 30, "config_change", "store", "Pool cut")
    return Scene(window, metrics, (Call("web", "store"), Call("web", "other")), (change,), ())


def test_the_model_keeps_to_known_edges_where_calls_are_known(workspace: Workspace) -> None:
    model = fit(workspace, scene())
    at = model.keys.index(("web", "latency_ms"))
    parents = {model.keys[p.column] for p in model.equations[at].parents}
    assert ("store", "latency_ms") in parents
    store = model.equations[model.keys.index(("store", "latency_ms"))]
    assert ("web", "latency_ms") not in {model.keys[p.column] for p in store.parents}


def test_demand_that_rose_with_a_fault_is_not_credited_with_it(workspace: Workspace) -> None:
    seen = scene()
    late = np.arange(ROWS) >= ONSET
    seen.metrics["store", "requests"].values[late] += 8.0
    model = fit(workspace, seen, START_S + 60 * ONSET)
    shares = impact.attribution(model, ("web", "latency_ms"), START_S + 60 * ONSET)
    amounts = {part.name: part.amount for part in shares.contributions}
    assert amounts["store|latency_ms"] == pytest.approx(100, abs=4)
    assert abs(amounts.get("store|requests", 0.0)) < 4


def test_without_the_cause_the_effect_is_what_it_was_before(workspace: Workspace) -> None:
    model = fit(workspace, scene(), START_S + 60 * ONSET)
    answer = impact.what_if(
        model, ("store", "latency_ms"), ("web", "latency_ms"), onset_s=START_S + 60 * ONSET
    )
    assert answer.actual == pytest.approx(115, abs=3)
    assert answer.instead == pytest.approx(15, abs=12)


def test_rolling_back_the_change_comes_first_with_its_evidence(workspace: Workspace) -> None:
    seen = scene()
    effect = ("web", "latency_ms")
    found = explain(workspace, seen, effect)
    assert found.result is not None
    model = fit(workspace, seen, found.result.onset_s)
    shares, lack = attempt(lambda: impact.attribution(model, effect, START_S + 60 * ONSET))
    assert lack is None
    actions = recommend(seen, model, effect, found.result, shares)
    first = actions[0]
    assert (first.kind, first.node, first.event_title) == ("roll_back", "store", "Pool cut")
    assert first.recovers is not None and first.recovers > 0.8
    assert first.evidence
    worth = [(a.recovers or 0) * a.confidence for a in actions]
    assert worth == sorted(worth, reverse=True)


def test_amounts_of_several_models_add_and_so_do_the_ends_of_their_intervals() -> None:
    def one(node: str, value: float) -> ExposureImpact:
        amount = Estimate(value, Interval(value - 1, value + 2, 0.9))
        exposure = Exposure("money", (node, "cost"), 1 / 60, "USD")
        return ExposureImpact(exposure, amount, ((3600.0, amount),))

    result = ImpactResult(("a", "tokens"), 1.0, (), (one("a", 3), one("b", 4)), (), 10, 10)
    window = Window(0, 1)
    made = Study(None, None, None, None, None, window, 0, result, None, None, (), None)
    so_far, ahead, unit = added(made)["money"]
    assert (so_far.value, so_far.interval.low, so_far.interval.high, unit) == (7, 5, 11, "USD")
    assert ahead[0][1].value == 7


def test_budgets_at_risk_do_not_add_the_worst_one_stands_for_them() -> None:
    def one(node: str, value: float) -> ExposureImpact:
        amount = Estimate(value, Interval(value - 0.1, value + 0.1, 0.9))
        exposure = Exposure("slo_budget", (node, "errors"), 0.01, "share")
        return ExposureImpact(exposure, amount, ((3600.0, amount),))

    exposures = (one("a", 0.6), one("b", 0.9), one("c", 0.2))
    result = ImpactResult(("a", "errors"), 1.0, (), exposures, (), 10, 10)
    made = Study(None, None, None, None, None, Window(0, 1), 0, result, None, None, (), None)
    assert added(made)["slo_budget"][0].value == 0.9


def test_a_promise_of_availability_puts_its_budget_at_risk(workspace: Workspace) -> None:
    seen = scene()
    calls, failed = ((name, {"service": "web"}) for name in (CALLS, FAILED))
    now = workspace.now_ms()
    workspace.metrics.append(
        MetricBatch(
            [telemetry.Series(*calls), telemetry.Series(*failed)],
            np.array([0, 1], dtype=np.int32),
            np.array([now - MINUTE_MS] * 2, dtype=np.int64),
            np.array([10_000.0, 10.0]),
        )
    )
    for slo_id, target in (("web", 0.99), ("strict", 0.995)):
        slo.define(workspace, slo_id, slo.Definition(
            name=slo_id, service="web", target=target, indicator=Indicator("availability")
        ))  # fmt: skip
    seen.metrics["web", "errors"] = seen.metrics["web", "latency_ms"]
    found = exposures_of(workspace, seen, fit(workspace, seen))
    budgets = [e for e in found if e.name == "slo_budget"]
    assert [(e.key, e.unit) for e in budgets] == [(("web", "errors"), "share")]
    # 10,000 requests at 99.5 % allow 50 failures: each of them, told per minute, is 1/50.
    assert budgets[0].per_unit_second * 60 == pytest.approx(1 / 50)


def test_an_empty_hub_says_that_no_incident_is_open(workspace: Workspace) -> None:
    found, _ = read_study(workspace)
    assert isinstance(found, Study)
    assert found.insufficient is not None and found.cause is None


@pytest.mark.parametrize("onset_ms", [-(2**63) - 1, 0, 1_000, 2**63])
def test_an_onset_of_another_age_is_refused_unread(workspace: Workspace, onset_ms: int) -> None:
    with pytest.raises(Malformed, match="last 400 days"):
        assess_impact(workspace, Question("web", "requests", onset_ms=onset_ms))
    with pytest.raises(Malformed, match="last 400 days"):
        compute_attribution(workspace, "web", "requests", onset_ms)


def test_a_service_younger_than_the_window_is_still_sized(workspace: Workspace) -> None:
    seen = scene()
    whole = seen.metrics["web", "latency_ms"].times_s
    young = whole < whole[150]
    for (_, metric), series in seen.metrics.items():
        series.values[young] = 0.0 if metric == "requests" else np.nan
    cause, effect = ("store", "latency_ms"), ("web", "latency_ms")
    model = fit(workspace, seen, START_S + 60 * ONSET, about=(cause, effect))
    assert model.times_s[0] == whole[150]
    answer = impact.what_if(model, cause, effect, onset_s=START_S + 60 * ONSET)
    assert answer.instead == pytest.approx(15, abs=12)


def test_a_number_that_is_seldom_reported_is_refused_in_words(workspace: Workspace) -> None:
    seen = scene()
    seen.metrics["other", "latency_ms"].values[::2] = np.nan
    _, lack = attempt(
        lambda: impact.assess_impact(
            fit(workspace, seen), ("other", "latency_ms"), change=1.0, exposures=[]
        )
    )
    assert lack is not None and str(lack.reason).startswith("latency_ms of other has samples in")


def test_what_moves_at_an_onset_is_no_cause_of_what_moves_after_it(workspace: Workspace) -> None:
    rng = np.random.default_rng(5)
    minutes, late = np.arange(240), np.arange(240) >= 180
    onset_ms = workspace.now_ms() // MINUTE_MS * MINUTE_MS - 60 * MINUTE_MS
    at = np.asarray(onset_ms + (minutes - 180) * MINUTE_MS + 1, dtype=np.int64)
    for node, delay in (("first", 0), ("second", 1)):  # alike in nothing but their incident
        requests = 100 + rng.standard_normal(240) + 50 * np.roll(late, delay) * (minutes > 0)
        series = telemetry.Series("aiobs_inferences_total", {"model_id": node})
        workspace.metrics.append(MetricBatch([series], np.zeros(240, np.int32), at, requests))
    found = compute_attribution(workspace, "second", "requests", onset_ms).result
    assert found is not None and found.change == pytest.approx(50, abs=3)
    assert "first|requests" not in {part.name for part in found.contributions}
    asked = WhatIfQuestion("first", "requests", "second", "requests", onset_ms=onset_ms)
    answer = ask_what_if(workspace, asked).result
    assert answer is not None and answer.difference.value == 0.0
