"""The sample fleet at small scale against a real hub: back-fill, marks, restart, live."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from flask import Flask

from app.demo import incidents
from app.demo.first_token import BOUNDS_S, first_token_s, first_tokens_of
from app.demo.history import LONGEST_GAP_S, TRACED_SHARE, arrivals, backfill
from app.demo.hub import Hub, HubError
from app.demo.labels import LABEL_DELAY_S, Labels
from app.demo.live import Live
from app.demo.outcomes import PROMISES, state_objectives
from app.demo.pathway import SERVICES, Tracers
from app.demo.predictors import Predictor, train_all
from app.demo.registers import CARDS, DAY_S, REQUESTS, state_registers
from app.demo.resume import read_past
from app.demo.run import _has_other_models
from app.demo.scans import IMAGES, send_scans
from app.demo.serving import MS_A_TOKEN, TEXT_MODELS, Desk
from services import model_cards, slo, subject_requests
from services.generation import Percentiles, get_generation
from services.jobs import roll_up
from services.times import Window
from services.topology import get_topology
from services.traffic import get_request_stats
from services.vulnerabilities import list_vulnerabilities
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.serving import serve

NOW_S = NOW_MS / 1_000
CALM = incidents.weather([], 0.0)


@functools.cache
def predictors() -> tuple[Predictor, ...]:
    return tuple(train_all())


def desk(seed: int = 1) -> Desk:
    return Desk(list(predictors()), np.random.default_rng(seed))


def rows_of(hub: Hub, kind: str, limit: int = 1_000) -> list[dict[str, Any]]:
    page = hub.get(f"/api/explore/{kind}?hours=3&limit={limit}")
    rows: list[dict[str, Any]] = page["rows"]
    return rows


def test_two_hours_are_back_filled_marked_as_sample_and_not_twice(
    hub: Flask, workspace: Workspace
) -> None:
    with serve(hub) as server:
        client, tracers = Hub(server.url), Tracers(server.url, {})
        labels = Labels()
        backfill(client, tracers, desk(), labels, NOW_S - 7_200, NOW_S, lambda: NOW_S)
        models = client.get("/api/models")
        resumed = read_past(client, NOW_S, 2.0).newest
        tracers.close()
        samples = [row for kind in ("inferences", "logs") for row in rows_of(client, kind)]
        has_others = _has_other_models(client)
    roll_up(workspace)
    assert len(models) == 8 and all(model["is_sample"] for model in models)
    assert not has_others
    sent = sum(model["inferences"] for model in models)
    assert get_request_stats(workspace, Window(NOW_MS - 7_300_000, NOW_MS)).requests == sent > 4_000
    assert labels.held and all(due > NOW_S for due, *_ in labels.held)
    marks = [(row.get("tags") or row.get("attributes") or {}).get("sample") for row in samples]
    assert set(marks) == {"true"}
    # A restart now has hardly a gap to fill: a text model is asked every 25 s.
    assert all(0 <= NOW_S - at < 3 * LONGEST_GAP_S for at in resumed.values())
    topology = get_topology(workspace, Window(NOW_MS - 7_200_000, NOW_MS))
    assert {service.service for service in topology.services} >= set(SERVICES)


def test_a_back_fill_that_takes_long_sends_the_labels_that_come_due_meanwhile(
    hub: Flask, workspace: Workspace, clock: list[int]
) -> None:
    end_s = NOW_S + LABEL_DELAY_S + 1
    clock[0] = int(end_s * 1_000)
    with serve(hub) as server:
        client, tracers, labels = Hub(server.url), Tracers(server.url, {}), Labels()
        backfill(client, tracers, desk(), labels, NOW_S - 1_200, NOW_S, lambda: end_s)
        tracers.close()
    assert labels.held == []
    since_ms = NOW_MS - 500_000
    rows = workspace.events.inference_columns("wine-grader", since_ms, NOW_MS, limit=1_000)
    known = [label for label in rows.columns["label"].tolist() if label is not None]
    assert len(known) > len(rows) / 2 > 0


def test_first_tokens_arrive_as_the_histogram_that_the_hub_reads(
    hub: Flask, workspace: Workspace
) -> None:
    answers = desk()
    served = [answers.write("ticket-summary", NOW_S - 60 + i, CALM) for i in range(50)]
    with serve(hub) as server:
        Hub(server.url).export_metrics(first_tokens_of(served))
    window = Window(NOW_MS - 120_000, NOW_MS)
    found = get_generation(workspace, window, "ticket-summary").first_token_ms
    assert isinstance(found, Percentiles) and found.n == 50
    true_ms = float(np.median([first_token_s(one) for one in served])) * 1_000
    bounds_ms = np.array([0.0, *BOUNDS_S]) * 1_000
    bucket = int(np.searchsorted(bounds_ms, true_ms))  # a histogram knows its bucket, not more
    assert bounds_ms[bucket - 1] <= found.p50 <= bounds_ms[bucket]


def test_a_first_token_takes_what_its_answer_took_less_the_other_tokens() -> None:
    one = desk().write("ticket-summary", NOW_S, CALM)
    one.row |= {"latency_ms": 180.0, "output_tokens": 31}
    assert first_token_s(one) == pytest.approx(0.180 - 30 * MS_A_TOKEN / 1_000)
    assert first_tokens_of([]) is None


def test_the_present_is_traced_as_often_as_the_past(hub: Flask) -> None:
    with serve(hub) as server:
        tracers = Tracers(server.url, {})
        live = Live(Hub(server.url), tracers, desk(), lambda: NOW_S, lambda _: None)
        for _ in range(600):
            live._serve("wine-grader")
        tracers.close()
    traced = sum("trace_id" in one.row for one in live.outbox) / len(live.outbox)
    assert abs(traced - TRACED_SHARE) < 4 * (TRACED_SHARE * (1 - TRACED_SHARE) / 600) ** 0.5


def test_somebody_elses_models_keep_the_fleet_away(hub: Flask) -> None:
    with serve(hub) as server:
        client = Hub(server.url)
        client.send("inferences", [{"inference_id": "1", "model_id": "theirs", "prediction": 1}])
        assert _has_other_models(client)


def test_a_hub_that_refuses_is_an_error_with_its_words(hub: Flask) -> None:
    with serve(hub) as server, pytest.raises(HubError, match="prediction|field|model_id"):
        Hub(server.url).send("inferences", [{"inference_id": "1"}])


def test_the_fleet_promises_once_and_leaves_edits_and_deletions_alone(
    hub: Flask, workspace: Workspace
) -> None:
    with serve(hub) as server:
        client = Hub(server.url)
        state_objectives(client)
        assert {o.id for o in slo.list_objectives(workspace)} == set(PROMISES)
        edited = client.get("/api/slo/assistant-grounding")["objective"]["definition"]
        client.put("/api/slo/assistant-grounding", edited | {"target": 0.5})
        slo.remove(workspace, "screening-trust")
        state_objectives(client)
    left = {o.id: o.definition.target for o in slo.list_objectives(workspace)}
    assert set(left) == set(PROMISES) - {"screening-trust"}
    assert left["assistant-grounding"] == 0.5


def test_the_fleet_keeps_its_registers_once(hub: Flask, workspace: Workspace) -> None:
    with serve(hub) as server:
        client = Hub(server.url)
        for model_id in CARDS:
            client.put(f"/api/models/{model_id}", {"model_type": "classification"})
        state_registers(client, NOW_MS / 1_000)
        state_registers(client, NOW_MS / 1_000 + DAY_S)
    cards = {c.model_id: c.card for c in model_cards.list_cards(workspace)}
    assert all(cards[model_id] is not None for model_id in CARDS)
    rows = subject_requests.list_requests(workspace)
    assert {r.request.reference for r in rows} == {reference for reference, *_ in REQUESTS}
    assert sum(r.request.outcome == "fulfilled" for r in rows) == 1
    assert all(r.request.reference.startswith("SAMPLE-") for r in rows)


class Clock:
    """Time that passes only by waiting."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


def test_the_live_fleet_serves_labels_late_and_obeys_commands(hub: Flask, clock: list[int]) -> None:
    with serve(hub) as server:
        client, tracers, time = Hub(server.url), Tracers(server.url, {}), Clock(NOW_S)
        live = Live(client, tracers, desk(), time, time.wait)

        def stopped() -> bool:
            clock[0] = int(time.now_s * 1_000)
            if time.now_s > NOW_S + 30 and not asked:
                asked.append("sensor_fault")
                client.send("events", [{"title": "x", "event_type": "sample_command",
                                        "incident": "sensor_fault", "sample": "true"}])  # fmt: skip
            return time.now_s > NOW_S + 90

        asked: list[str] = []
        live.run(stopped)
        tracers.close()
        count = sum(model["inferences"] for model in client.get("/api/models"))
        events = {row["event_type"] for row in rows_of(client, "events")}
    assert 30 < count < 200
    assert [running.script.name for running in live.running] == ["sensor_fault"]
    assert {"ground_truth", "config_change"} <= events
    assert live.labels.held and all(due > time.now_s for due, *_ in live.labels.held)


def test_arrivals_keep_their_rate_over_a_day() -> None:
    times = arrivals(np.random.default_rng(0), 0.0, 86_400.0, 0.12)
    assert abs(len(times) / 86_400 - 0.12) < 0.01
    assert np.all(np.diff(times) >= 0)


def test_every_script_has_an_effect_and_a_model_of_the_fleet() -> None:
    names = {predictor.model_id for predictor in predictors()} | set(TEXT_MODELS)
    calm = incidents.weather([], 0.0)
    for script in incidents.SCRIPTS:
        running = incidents.start(script.name, 0.0)
        assert incidents.weather([running], 1.0) != calm
        assert script.model_id in names


def test_scans_are_invented_openly_and_sent_once(hub: Flask, workspace: Workspace) -> None:
    with serve(hub) as server:
        client = Hub(server.url)
        send_scans(client, NOW_S)
        first = client.get("/api/security/vulnerabilities/summary")
        send_scans(client, NOW_S)
        again = client.get("/api/security/vulnerabilities/summary")
    assert [s["scans"] for s in again["systems"]] == [s["scans"] for s in first["systems"]]
    assert {s["subject"] for s in first["systems"]} == set(IMAGES)
    every = list_vulnerabilities(workspace, state=None, limit=1_000).rows
    assert every and all(row.vulnerability.id.startswith("SAMPLE-") for row in every)
    assert len({r.vulnerability.state for r in every}) == 3
    assert first["time_to_fix"] is not None
