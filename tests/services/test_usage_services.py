"""Carbon and cost from ingest to answer, on the real stores."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from flask.testing import FlaskClient

from app.api.encoding import encode_json
from connectors.selector import select
from engines.result import Insufficient
from engines.sustainability import Spread
from services import (
    budgets,
    business_policy,
    carbon,
    carbon_policy,
    costs,
    footprints,
    periods,
    rollups,
    savings,
    spend,
    value,
)
from services.errors import Forbidden, Invalid
from services.fleet_sums import SUMMED, fleet_name
from services.identity import Principal
from services.sums import Choice, read_sums, read_totals, widened
from services.times import HOUR_MS, MINUTE_MS, Window
from services.workspace import Backends, Workspace
from tests.conftest import NOW_MS

DAY = Window(NOW_MS - 24 * HOUR_MS, NOW_MS)


def send(client: FlaskClient, kind: str, rows: list[dict[str, Any]]) -> None:
    answer = client.post(f"/api/ingest/{kind}", json={kind: rows})
    assert answer.get_json()["data"]["rejected"] == [], answer.get_json()


def inference(number: int, minutes_ago: float = 30, **more: Any) -> dict[str, Any]:
    at = (NOW_MS - minutes_ago * MINUTE_MS) / 1000
    plain = {"inference_id": f"i{number}", "model_id": "m", "model_version": "1", "timestamp": at}
    return plain | {"region": "FRA", "user_segment": "consumer"} | more


def track(ws: Workspace) -> None:
    footprints.track_carbon(ws)
    spend.track_spend(ws)


def test_reported_energy_becomes_carbon_by_hand(client: FlaskClient, workspace: Workspace) -> None:
    rows = [inference(i, energy_kwh=0.01, latency_ms=0) for i in range(10)]
    rows += [inference(99, energy_kwh=0.1, region="POL", latency_ms=0)]
    rows += [inference(100)]  # nobody knows its energy
    send(client, "inferences", rows)
    carbon_policy.set_carbon_policy(
        workspace, carbon_policy.CarbonPolicy(intensity={"FRA": 50.0, "POL": 700.0}, operator="gcp")
    )
    track(workspace)
    found = carbon.get_carbon(workspace, DAY)
    assert found.usage_g == pytest.approx(1.09 * (0.1 * 50 + 0.1 * 700))
    assert found.energy_kwh == pytest.approx(1.09 * 0.2)
    assert found.by_method == {"reported": 11, "unknown": 1}
    assert found.sci_inference_g == pytest.approx(found.usage_g / 11)
    assert [line.key for line in found.regions] == ["POL", "FRA"]
    assert isinstance(found.sci_thousand_tokens_g, Insufficient)


def test_tracking_twice_and_late_data_count_once(client: FlaskClient, workspace: Workspace) -> None:
    send(client, "inferences", [inference(1, energy_kwh=0.01, cost=2.0)])
    track(workspace)
    track(workspace)
    send(client, "inferences", [inference(1, energy_kwh=0.01, cost=2.0)])
    send(client, "inferences", [inference(2, energy_kwh=0.03, cost=3.0)])
    track(workspace)
    assert costs.get_costs(workspace, DAY).total == pytest.approx(5.0)
    assert carbon.get_carbon(workspace, DAY).energy_kwh == pytest.approx(0.04 * 1.2)


def test_a_new_policy_rewrites_history(client: FlaskClient, workspace: Workspace) -> None:
    send(client, "inferences", [inference(1, energy_kwh=1.0)])
    track(workspace)
    pue = Spread(2.0, 2.0, 2.0)
    carbon_policy.set_carbon_policy(workspace, carbon_policy.CarbonPolicy(pue=pue))
    track(workspace)
    assert carbon.get_carbon(workspace, DAY).energy_kwh == pytest.approx(2.0)


def test_hourly_intensity_goes_before_the_yearly_one(
    client: FlaskClient, workspace: Workspace
) -> None:
    at = (NOW_MS - 30 * MINUTE_MS) / 1000
    labels = {"region": "FRA"}
    send(client, "metrics", [
        {"name": footprints.INTENSITY, "value": 10.0, "timestamp": at, "labels": labels}
    ])  # fmt: skip
    send(client, "inferences", [inference(1, energy_kwh=1.0)])
    track(workspace)
    assert carbon.get_carbon(workspace, DAY).usage_g == pytest.approx(1.2 * 10)


def test_market_based_stands_beside_when_complete(
    client: FlaskClient, workspace: Workspace
) -> None:
    rows = [inference(1, energy_kwh=1.0), inference(2, region="DEU", energy_kwh=1.0)]
    send(client, "inferences", rows)
    policy = carbon_policy.CarbonPolicy(market={"FRA": 0.0})
    carbon_policy.set_carbon_policy(workspace, policy)
    track(workspace)
    assert carbon.get_carbon(workspace, DAY).market_g is None
    policy = carbon_policy.CarbonPolicy(market={"FRA": 0.0, "DEU": 100.0})
    carbon_policy.set_carbon_policy(workspace, policy)
    assert carbon.get_carbon(workspace, DAY).market_g == pytest.approx(120.0)


def test_a_published_size_models_what_was_not_sent(
    client: FlaskClient, workspace: Workspace
) -> None:
    rows = [inference(i, model_id="llama-3.1-8b", output_tokens=100) for i in range(5)]
    send(client, "inferences", rows)
    track(workspace)
    found = carbon.get_carbon(workspace, DAY)
    assert found.by_method == {"modelled": 5}
    assert found.carbon is not None
    assert found.carbon.low < found.carbon.central < found.carbon.high


def test_repeated_prompts_and_dirty_regions_become_savings(
    client: FlaskClient, workspace: Workspace
) -> None:
    rows = [
        inference(i, (i + 1) / 10, prompt="What?", output="That.", output_tokens=9, energy_kwh=0.01,
                  region=("POL", "FRA")[i % 2])
        for i in range(60)
    ]  # fmt: skip
    send(client, "inferences", rows)
    track(workspace)
    found = savings.get_savings(workspace, DAY)
    by_kind = {s.kind: s for s in found.savings}
    assert by_kind["caching"].share == pytest.approx(59 / 60)
    assert by_kind["region"].facts["target"] == "FRA"
    assert {r.kind for r in found.refused} == {"hour", "smaller_model"}


def test_carbon_budget_needs_history_before_it_projects(
    client: FlaskClient, workspace: Workspace
) -> None:
    send(client, "inferences", [inference(1, energy_kwh=1.0)])
    budget = carbon_policy.CarbonBudget(1_000.0)
    carbon_policy.set_carbon_policy(workspace, carbon_policy.CarbonPolicy(budget=budget))
    track(workspace)
    found = carbon.get_carbon_budget(workspace)
    assert found.track is not None
    assert found.track.projected is None
    assert found.insufficient is not None
    assert found.track.spent == pytest.approx(1.2 * 56.04)


def test_costs_by_hand_with_drivers(client: FlaskClient, workspace: Workspace) -> None:
    old = [inference(i, 25 * 60, cost=1.0) for i in range(10)]
    new = [inference(100 + i, cost=1.5, model_version="2") for i in range(12)]
    send(client, "inferences", [*old, *new])
    track(workspace)
    found = costs.get_costs(workspace, DAY)
    assert (found.total, found.before, found.per_thousand) == pytest.approx((18.0, 10.0, 1_500.0))
    [line] = found.lines["model"]
    assert (line.volume_effect, line.price_effect) == pytest.approx((2.0, 6.0))
    assert {line.key for line in found.lines["version"]} == {"1", "2"}


def test_tokens_are_priced_where_no_cost_was_sent(
    client: FlaskClient, workspace: Workspace
) -> None:
    sent = inference(1, model_id="gpt-4o", input_tokens=1_000, output_tokens=100)
    send(client, "inferences", [sent])
    track(workspace)
    assert costs.get_costs(workspace, DAY).total == pytest.approx(0.0035)
    own = business_policy.OwnPrice(10.0, 10.0, "EUR")
    policy = business_policy.BusinessPolicy(prices={"gpt-4o": own})
    business_policy.set_business_policy(workspace, policy)
    track(workspace)
    found = costs.get_costs(workspace, DAY)
    assert found.total == pytest.approx(0.011)
    assert found.currency == "EUR"
    assert found.by_method == {"priced": 1}


@pytest.fixture
def mixed(client: FlaskClient, workspace: Workspace) -> Workspace:
    """Seven models of several versions, regions and segments over two days; one sends tokens."""
    rows = [
        inference(
            i, (i * 37) % (46 * 60) + 1, model_id=f"m{i % 7}", model_version=str(i % 3),
            region=("FRA", "POL")[i % 2], user_segment=("consumer", "business")[i // 2 % 2],
            cost=1.0 + i % 5, energy_kwh=None if i % 11 == 0 else 0.001 * (1 + i % 13),
            latency_ms=100 + i, **({"output_tokens": 20} if i % 7 == 3 else {}),
        )
        for i in range(400)
    ]  # fmt: skip
    send(client, "inferences", rows)
    rollups.roll_up(workspace)
    track(workspace)
    return workspace


@pytest.mark.parametrize("name", [n for n in SUMMED if "latency" not in n])
@pytest.mark.parametrize("length_ms", [7 * HOUR_MS + 123_456, 24 * HOUR_MS, 44 * HOUR_MS])
def test_sums_of_the_fleet_are_those_of_its_models(
    mixed: Workspace, name: str, length_ms: int
) -> None:
    window, by = Window(NOW_MS - length_ms - 77_000, NOW_MS - 77_000), SUMMED[name]
    fast, slow = (
        read_sums(mixed, name, window, by),
        read_sums(mixed, name, window, (*by, "model_id")),
    )
    assert fast.keys
    parts = {key: np.zeros(len(fast.timestamps_ms)) for key in fast.keys}
    for key, row in zip(slow.keys, slow.values, strict=True):
        parts[key[:-1]] += np.nan_to_num(row)
    for key, row in zip(fast.keys, fast.values, strict=True):
        np.testing.assert_allclose(np.nan_to_num(row), parts[key])
    totals = read_totals(mixed, name, widened(window), (*by, "model_id"))
    assert totals == pytest.approx(
        dict(zip(slow.keys, np.nansum(slow.values, axis=1).tolist(), strict=True))
    )


@pytest.mark.parametrize("choice", [Choice(), Choice("m3"), Choice(segment="business")])
def test_a_window_costs_and_emits_what_its_minutes_add_up_to(
    mixed: Workspace, choice: Choice
) -> None:
    keys = ("model_id", "region", "segment", "version")
    for window in (DAY, Window(NOW_MS - 7 * HOUR_MS - 123_456, NOW_MS - 77_000)):
        spent = read_sums(mixed, spend.SPEND, window, keys, choice)
        found = costs.get_costs(mixed, window, choice)
        assert found.total == pytest.approx(spent.total())
        np.testing.assert_allclose(
            [v or 0.0 for v in found.over_time], np.nan_to_num(spent.over_time())
        )
        for dimension, place in (("model", 0), ("region", 1), ("segment", 2), ("version", 3)):
            lines = {line.key: line.cost for line in found.lines[dimension]}  # type: ignore[index]
            assert {k: v for k, v in lines.items() if v} == pytest.approx(spent.by(place))
        names, courses = spent.courses(0)
        drawn = {m.model_id: [v or 0.0 for v in m.cost] for m in found.models}
        assert sorted(drawn) == names
        for name, course in zip(names, courses, strict=True):
            np.testing.assert_allclose(drawn[name], np.nan_to_num(course))
        grams = read_sums(mixed, footprints.CARBON, window, ("model_id", "region", "part"), choice)
        emitted = carbon.get_carbon(mixed, window, choice)
        assert emitted.usage_g + emitted.embodied_g == pytest.approx(grams.total())
        for lines_of, place in ((emitted.models, 0), (emitted.regions, 1)):
            assert {line.key: line.carbon_g for line in lines_of} == pytest.approx(grams.by(place))


def test_pages_get_the_first_models_and_the_same_whole(mixed: Workspace) -> None:
    every, few = carbon.get_carbon(mixed, DAY), carbon.get_carbon(mixed, DAY, listed=2)
    assert few.models == every.models[:2]
    assert few.models_known == sum(line.known > 0 for line in every.models) == 7
    whole = carbon.get_recent_footprint(mixed, DAY)
    assert {f: getattr(every, f) for f in whole.__struct_fields__} == msgspec.structs.asdict(whole)
    dear, drawn = costs.get_costs(mixed, DAY), costs.get_costs(mixed, DAY, drawn=2)
    assert drawn.models == dear.models[:2]
    assert drawn.lines == dear.lines
    spending = costs.get_recent_spending(mixed, DAY)
    assert {f: getattr(dear, f) for f in spending.__struct_fields__} == msgspec.structs.asdict(
        spending
    )
    known = {line.key: (line.inferences, line.known) for line in every.models}
    assert carbon.count_known(mixed, DAY) == known


def test_a_hub_without_sums_of_usage_writes_them(mixed: Workspace) -> None:
    before = costs.get_costs(mixed, DAY).total
    for kind in ("spend", "carbon"):
        record = mixed.records.get("increment_cursor", kind)
        assert record is not None
        old = {
            "cursor": record.body["cursor"],
            "basis": record.body["basis"].removesuffix("/fleet"),
        }
        mixed.records.put("increment_cursor", kind, old)
    for name in (spend.SPEND, footprints.CARBON):
        mixed.metrics.delete(select(fleet_name(name)))
    assert costs.get_costs(mixed, DAY).total == 0
    track(mixed)
    assert costs.get_costs(mixed, DAY).total == pytest.approx(before)
    assert carbon.get_carbon(mixed, DAY).usage_g > 0


def test_currencies_are_not_added_up(client: FlaskClient, workspace: Workspace) -> None:
    send(client, "inferences", [inference(1, cost=5.0), inference(2, cost=1.0, currency="EUR")])
    track(workspace)
    found = costs.get_costs(workspace, DAY)
    assert (found.total, found.other_currencies) == (5.0, {"EUR": 1.0})


def test_a_request_is_a_trace(client: FlaskClient, workspace: Workspace) -> None:
    rows = [inference(i, cost=1.0, trace_id=f"t{i // 2}") for i in range(60)]
    send(client, "inferences", rows)
    track(workspace)
    assert costs.get_costs(workspace, DAY).per_request == pytest.approx(2.0)


def outcomes(version: str, successes: int, trials: int, minutes_ago: float) -> list[dict[str, Any]]:
    at = (NOW_MS - minutes_ago * MINUTE_MS) / 1000
    labels = {"model_id": "m", "version": version}
    pairs = (("conversion_total", successes), ("conversion_trials_total", trials))
    return [{"name": n, "value": v, "timestamp": at, "labels": labels} for n, v in pairs]


def test_outcomes_have_lifts_and_returns(client: FlaskClient, workspace: Workspace) -> None:
    send(client, "inferences", [inference(1, 600, cost=10.0), inference(2, model_version="2")])
    send(client, "metrics", outcomes("1", 30, 100, 600) + outcomes("2", 60, 100, 30))
    worth = business_policy.ValueMetric(
        "conversion", "share", "conversion_total", "conversion_trials_total", worth=1.0
    )
    policy = business_policy.BusinessPolicy(value_metrics=(worth,))
    business_policy.set_business_policy(workspace, policy)
    track(workspace)
    found = value.get_value(workspace, DAY)
    conversion = next(o for o in found.outcomes if o.metric.name == "conversion")
    assert not isinstance(conversion.roi, Insufficient)
    assert conversion.roi.roi == pytest.approx((90 - 10) / 10)
    newer = next(v for v in conversion.versions if v.version == "2")
    assert newer.against == "1"
    assert newer.lift is not None
    assert not isinstance(newer.lift, Insufficient)
    assert newer.lift.verdict == "higher"
    satisfaction = next(o for o in found.outcomes if o.metric.name == "satisfaction")
    assert isinstance(satisfaction.overall, Insufficient)


def test_a_worth_that_nobody_stated_gives_no_return(
    client: FlaskClient, workspace: Workspace
) -> None:
    send(client, "metrics", outcomes("1", 30, 100, 60))
    found = value.get_value(workspace, DAY)
    conversion = next(o for o in found.outcomes if o.metric.name == "conversion")
    assert isinstance(conversion.roi, Insufficient)
    assert "worth" in conversion.roi.reason


def test_an_hour_that_costs_more_names_its_model(client: FlaskClient, workspace: Workspace) -> None:
    rows = [
        inference(hour * 10 + k, hour * 60 + 30, cost=1.0, model_id=("a", "b")[k])
        for hour in range(23)
        for k in (0, 1)
    ]
    rows += [inference(1_000 + k, 5 * 60 + 31, cost=4.0, model_id="b") for k in range(4)]
    send(client, "inferences", rows)
    track(workspace)
    found = budgets.get_surprises(workspace, DAY)
    [surprise] = found.found
    assert surprise.spent == pytest.approx(18.0)
    assert surprise.models[0].key == "b"


def test_a_budget_is_tracked_in_its_period(client: FlaskClient, workspace: Workspace) -> None:
    rows = [inference(i, i * 20 + 5, cost=1.0) for i in range(30)]
    send(client, "inferences", rows)
    policy = business_policy.BusinessPolicy(budget=business_policy.MoneyBudget(20.0, period="day"))
    business_policy.set_business_policy(workspace, policy)
    track(workspace)
    found = budgets.get_spend_track(workspace)
    assert found.track is not None
    assert (found.spent, found.track.status) == (30.0, "exceeded")


def test_policies_that_make_no_sense_are_refused(workspace: Workspace) -> None:
    with pytest.raises(Invalid, match="pue"):
        carbon_policy.set_carbon_policy(
            workspace, carbon_policy.CarbonPolicy(pue=Spread(0.5, 1, 2))
        )
    with pytest.raises(Invalid, match="currency"):
        business_policy.set_business_policy(
            workspace,
            business_policy.BusinessPolicy(budget=business_policy.MoneyBudget(1.0, "dollar")),
        )


def test_a_viewer_reads_but_does_not_set(backends: Backends) -> None:
    ws = backends.workspace(Principal("v", "default", ("viewer",), "api_key"))
    assert carbon.get_carbon(ws, DAY).carbon is None
    assert costs.get_costs(ws, DAY, Choice("m")).total == 0.0
    with pytest.raises(Forbidden):
        carbon_policy.set_carbon_policy(ws, carbon_policy.CarbonPolicy())
    with pytest.raises(Forbidden):
        business_policy.set_business_policy(ws, business_policy.BusinessPolicy())


def test_periods_begin_where_calendars_do() -> None:
    assert periods.period_at(NOW_MS, "day").length_ms == 24 * HOUR_MS
    month = periods.period_at(NOW_MS, "month")
    assert (NOW_MS - month.start_ms, month.length_ms) == (10 * HOUR_MS, 31 * 24 * HOUR_MS)
    assert periods.period_at(NOW_MS, "quarter").length_ms == (31 + 28 + 31) * 24 * HOUR_MS
    assert periods.period_at(NOW_MS, "week").start_ms % (7 * 24 * HOUR_MS) == 4 * 24 * HOUR_MS


def test_every_route_answers_on_an_empty_hub(client: FlaskClient) -> None:
    for path in (
        "/api/dashboard/costs", "/api/dashboard/carbon", "/api/sustainability/savings",
        "/api/sustainability/budget", "/api/sustainability/grid", "/api/sustainability/policy",
        "/api/business/budget", "/api/business/anomalies", "/api/business/value",
        "/api/business/losses", "/api/business/prices", "/api/business/policy",
    ):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.get_json())
    kept = client.put("/api/sustainability/policy", json={"operator": "aws"})
    assert kept.get_json()["data"]["operator"] == "aws"
    refused = client.put("/api/business/policy", json={"budget": {"amount": 0}})
    assert refused.status_code == 422


def test_answers_travel_as_json(workspace: Workspace) -> None:
    found = carbon.get_carbon(workspace, DAY)
    assert msgspec.json.decode(encode_json(found), type=carbon.Carbon) == found
