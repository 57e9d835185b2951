"""Grouped reads say what single reads say, and the sums over all models are what their parts add
up to."""

from __future__ import annotations

import numpy as np
import pytest

from connectors.selector import select
from pages import technical_events
from services import fleet, histograms, models, rollups, traffic, trust
from services.aligned import read_aligned
from services.fleet_sums import SUMMED, fleet_name
from services.sums import read_totals
from services.times import Window
from services.traffic import RequestStats
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import HOUR_MS, MINUTE_MS, Send, scored_rows

DAY = Window(NOW_MS - 24 * HOUR_MS, NOW_MS)
NAMES = ("risk", "team/a.b|c", "ranker")


@pytest.fixture
def three(workspace: Workspace, send: Send) -> Workspace:
    """Three models with a day of traffic each; one id holds what a pattern would misread."""
    for seed, name in enumerate(NAMES):
        rows = scored_rows(name, count=200 + 50 * seed, seed=seed)
        for row in rows[: 10 * seed]:
            row["error"] = "timeout"
        send([row | {"inference_id": f"{name}-{row['inference_id']}"} for row in rows])
    return workspace


@pytest.mark.parametrize("length_ms", [50 * MINUTE_MS, 5 * HOUR_MS + 7 * MINUTE_MS, 24 * HOUR_MS])
def test_traffic_by_model_is_that_of_each_model(three: Workspace, length_ms: int) -> None:
    window = Window(NOW_MS - length_ms, NOW_MS)
    grouped = traffic.get_traffic_by_model(three, window)
    fields = RequestStats.__struct_fields__
    stats = {
        name: RequestStats(*(getattr(found, field) for field in fields))
        for name, found in grouped.items()
    }
    assert stats == {
        name: traffic.get_request_stats(three, window, model_id=name) for name in NAMES
    }


def test_traffic_by_model_can_be_of_some(three: Workspace) -> None:
    some = traffic.get_traffic_by_model(three, DAY, NAMES[1:2])
    assert some == {NAMES[1]: traffic.get_traffic_by_model(three, DAY)[NAMES[1]]}


def test_the_fleet_is_the_sum_of_its_models(three: Workspace) -> None:
    whole = traffic.get_request_stats(three, DAY)
    parts = traffic.get_traffic_by_model(three, DAY).values()
    assert whole.requests == sum(part.requests for part in parts) == 750
    assert whole.errors == sum(part.errors for part in parts) == 30
    cost = read_totals(three, fleet_name("aiobs_cost_total"), DAY, ("currency",))
    assert cost["EUR",] == pytest.approx(sum(part.cost["EUR"] for part in parts))


def test_every_stored_sum_equals_its_parts_minute_by_minute(three: Workspace) -> None:
    for name, by in SUMMED.items():
        parts, sums = (
            three.metrics.window(
                select(chosen), DAY.start_ms, DAY.end_ms, MINUTE_MS,
                over_time="sum", across="sum", by=by,
            )
            for chosen in (name, fleet_name(name))
        )  # fmt: skip
        assert [p.series.labels for p in parts] == [s.series.labels for s in sums]
        for part, whole in zip(parts, sums, strict=True):
            np.testing.assert_allclose(whole.values, part.values)


def test_watched_metrics_of_the_fleet_are_those_of_all_models(three: Workspace) -> None:
    names = [name for _, name in technical_events.WATCHED]
    watched = [technical_events._watched(name, "") for name in names]
    assert watched[0] == fleet_name(names[0]) and watched[-1] == names[-1]
    found, plain = (
        read_aligned(three, chosen, DAY, 5 * MINUTE_MS, by=()) for chosen in (watched, names)
    )
    assert found.units == plain.units
    np.testing.assert_allclose(found.values, plain.values)


def test_buckets_of_the_fleet_are_those_of_its_models(three: Workspace) -> None:
    latency = select("aiobs_inference_latency_seconds")
    [(times, bounds, whole)] = histograms.bucket_counts(three, latency, DAY, HOUR_MS).values()
    parts = histograms.bucket_counts(three, latency, DAY, HOUR_MS, ("model_id",))
    summed = np.zeros_like(whole)
    for at, own_bounds, counts in parts.values():
        assert own_bounds.tolist() == bounds.tolist()
        summed[np.searchsorted(times, at)] += counts
    assert len(parts) == 3 and whole[:, -1].sum() == 750
    np.testing.assert_array_equal(summed, whole)


def test_a_late_row_changes_the_sum_of_its_minute(three: Workspace, send: Send) -> None:
    before = traffic.get_request_stats(three, DAY).requests
    late = scored_rows("risk", count=1)[0] | {
        "inference_id": "late",
        "timestamp": DAY.start_ms / 1_000 + 90,
    }
    send([late])
    assert traffic.get_request_stats(three, DAY).requests == before + 1


def test_a_hub_without_sums_rolls_everything_up_anew(three: Workspace) -> None:
    three.metrics.delete(select(fleet_name("aiobs_inferences_total")))
    record = three.records.get("rollup_cursor", "inferences")
    assert record is not None
    three.records.put("rollup_cursor", "inferences", {"cursor": record.body["cursor"]})
    while rollups.roll_up(three):
        pass
    assert traffic.get_request_stats(three, DAY).requests == 750


def test_totals_of_whole_hours_and_edges_count_each_minute_once(three: Workspace) -> None:
    name = "aiobs_inferences_total"
    window = Window(DAY.start_ms + 17 * MINUTE_MS, DAY.end_ms - 23 * MINUTE_MS)
    minutes = three.metrics.window(
        select(name), window.start_ms, window.end_ms, MINUTE_MS, over_time="sum", across="sum"
    )
    assert read_totals(three, name, window) == {(): float(np.nansum(minutes[0].values))}


def test_trust_of_many_is_trust_of_each(three: Workspace) -> None:
    for name in NAMES:
        trust.compute_trust_score(three, name)
    assert trust.list_trust(three, NAMES) == {name: trust.get_trust(three, name) for name in NAMES}


def test_trust_that_left_the_cache_is_read_from_the_store(three: Workspace) -> None:
    computed = {name: trust.compute_trust_score(three, name) for name in NAMES}
    three.cache.invalidate(f"{three.tenant}/trust")
    found = trust.list_trust(three, NAMES)
    assert {name: answer.result for name, answer in found.items()} == {
        name: answer.result for name, answer in computed.items()
    }


def test_a_look_at_a_large_fleet_computes_few(
    three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "AT_ONCE", 1)
    assert list(trust.list_trust(three, NAMES)) == ["risk"]
    shown = {model.model_id: model.explanation for model in fleet.get_overview(three).models}
    assert list(shown.values()).count("not computed yet") == 1  # the look before left one


def test_only_the_listed_models_carry_their_traffic(three: Workspace) -> None:
    found = fleet.get_overview(three, DAY, listed=2)
    everything = fleet.get_overview(three, DAY, listed=None)
    assert [model.traffic is None for model in found.models] == [False, False, True]
    assert found.models[:2] == everything.models[:2]
    assert found.totals == everything.totals


def test_totals_are_of_the_window_that_was_asked_for(three: Workspace) -> None:
    assert fleet.get_overview(three, DAY).totals.requests > 0
    earlier = fleet.get_overview(three, DAY.before())
    assert (earlier.window, earlier.totals.requests) == (DAY.before(), 0)


def test_a_filter_holds_the_first_of_many_and_the_chosen_one(
    three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "OFFERED", 1)
    found = fleet.get_filter_options(three, "team/a.b|c")
    assert [one["value"] for one in found["model"]] == ["ranker", "team/a.b|c"]
    assert found["searched"] == [{"value": "model"}]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [("", 0, ["ranker", "risk", "team/a.b|c"]), ("R", 1, ["ranker"]), ("A.B|", 0, ["team/a.b|c"])],
)
def test_models_are_found_by_what_they_hold(
    three: Workspace, text: str, limit: int, expected: list[str]
) -> None:
    assert [m.model_id for m in models.find_models(three, text, limit)] == expected
