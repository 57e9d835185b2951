"""The sample fleet is killed and starts again: each history goes on where it ended, and every label
that was owed is sent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask

from app import factory
from app.demo import incidents
from app.demo.history import backfill
from app.demo.hub import Hub
from app.demo.labels import LABEL_DELAY_S, OWED_S, Labels
from app.demo.live import Live
from app.demo.pathway import Tracers
from app.demo.resume import Past, read_past, rows
from app.demo.serving import TEXT_MODELS, becomes_known, case_of
from app.settings import Settings
from tests.app.test_demo import NOW_S, desk
from tests.serving import serve

HOURS = 3.5
ROOT = Path(__file__).parents[2]


class Killed(Exception):
    """Stands for the end of a process."""


class MortalHub(Hub):
    """A hub whose sender dies after some batches of inferences."""

    lives = 0

    def send(self, kind: str, rows: Any) -> None:
        super().send(kind, rows)
        if kind == "inferences":
            self.lives -= 1
            if self.lives == 0:
                raise Killed


def kept(hub: Hub, start_s: float, end_s: float) -> dict[str, list[dict[str, Any]]]:
    """Return every inference of a window by model, oldest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for model in hub.get("/api/models"):
        asked = {"model_id": model["model_id"]}
        mine = list(rows(hub, "/api/explore/inferences", start_s, end_s, **asked))
        found[model["model_id"]] = mine[::-1]
    return found


def check_history(hub: Hub, start_s: float, end_s: float) -> None:
    """No model has a gap or a double, and each thing that happened was told once."""
    found = kept(hub, start_s, end_s)
    assert len(found) == 8
    for model_id, mine in found.items():
        ids = [row["inference_id"] for row in mine]
        assert len(set(ids)) == len(ids)
        at = np.array([start_s, *(row["timestamp_ms"] / 1_000 for row in mine), end_s])
        # Requests come every 14 s at the calmest hour, those to text models every 42 s.
        assert np.diff(at).max() < (900 if model_id in TEXT_MODELS else 300), model_id
    told = list(rows(hub, "/api/explore/events", start_s - 7_200, end_s, kind="ground_truth"))
    told += list(rows(hub, "/api/explore/events", start_s - 7_200, end_s, kind="deployment"))
    names = Counter(event["event_id"].rsplit("-", 1)[0] for event in told)
    assert names and set(names.values()) == {1}, names


@pytest.mark.parametrize("lives", [1, 4, 13])
def test_a_back_fill_that_ends_early_goes_on_from_each_models_own_row(
    hub: Flask, clock: list[int], lives: int
) -> None:
    later_s = NOW_S + 400
    with serve(hub) as server:
        client, tracers = MortalHub(server.url), Tracers(server.url, {})
        client.lives = lives
        start_s = NOW_S - 8 * 3_600
        with pytest.raises(Killed):
            backfill(client, tracers, desk(1), Labels(), start_s, NOW_S, lambda: NOW_S)
        clock[0] = int(later_s * 1_000)
        known = read_past(client, later_s, 8.0)
        assert 0 < len(known.newest) < 8 and len(known.incidents) == 1
        backfill(client, tracers, desk(2), Labels(), start_s, later_s, lambda: later_s, known)
        check_history(client, start_s, later_s)
        tracers.close()


def test_a_first_start_plans_everything_and_a_later_one_only_what_is_new() -> None:
    assert Past().ends_s == 0.0
    happened = incidents.past(NOW_S, 24)
    assert all(Past().adds(one) for one in happened)
    assert not any(Past({"m": NOW_S - 9}).adds(one) for one in happened)
    early = Past({"m": NOW_S - 23 * 3_600}, tuple(happened))
    assert not any(early.adds(one) for one in incidents.past(NOW_S + 3_600, 24))
    assert all(early.adds(one) for one in incidents.past(NOW_S + 3 * 3_600, 24))


def test_labels_that_are_owed_are_read_from_the_hub(hub: Flask, clock: list[int]) -> None:
    with serve(hub) as server:
        client, tracers, worker = Hub(server.url), Tracers(server.url, {}), desk()
        live = Live(client, tracers, worker, lambda: NOW_S - 700, lambda _: None)
        for n in range(120):
            live.clock = lambda n=n: NOW_S - 700 + n  # type: ignore[misc]
            live._serve("wine-grader")
        live._send()
        tracers.close()
        owed = sorted(live.labels.held)
        again = Labels()
        again.recover(client, worker.predictors, {"wine-grader": NOW_S - 580})
        assert len(owed) > 60
        assert [one[1:] for one in sorted(again.held)] == [one[1:] for one in owed]
        again.send_due(client, NOW_S)
        left = Labels()
        left.recover(client, worker.predictors, {"wine-grader": NOW_S - 580})
    assert {one[1] for one in left.held} == {one[1] for one in owed if one[0] > NOW_S}


def test_an_id_names_its_case_and_older_ids_name_none() -> None:
    worker = desk()
    for model in worker.predictors:
        served = worker.predict(model, np.array([NOW_S]), [incidents.weather([], 0)])[0]
        case = case_of(served.row["inference_id"])
        features = dict(zip(model.feature_names, model.rows[case].tolist(), strict=True))
        assert served.row["features"] == features
        if served.label is not None:
            assert served.label == model.label(case)
    for old in ("wine-grader-1795908470312-179cc0d768097ac8", "odd", "a-b-c-"):
        assert case_of(old) > 10_000


@contextmanager
def fleet(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the sample fleet as its own process; kill it at the end, as a power cut would."""
    command = [sys.executable, "-m", "app", "demo", "--url", url, "--hours", str(HOURS)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=20)


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 240
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def owed(hub: Hub) -> list[str]:
    """Return inferences whose label is due for ten seconds and has not come."""
    now = time.time()
    return [
        row["inference_id"]
        for mine in kept(hub, now - OWED_S, now - LABEL_DELAY_S - 10).values()
        for row in mine
        if case_of(row["inference_id"]) < 10_000 and becomes_known(row["inference_id"])
        and "error" not in row and row.get("label") is None
    ]  # fmt: skip


def test_a_fleet_that_is_killed_twice_leaves_no_gap_and_owes_no_label(tmp_path: Path) -> None:
    app = factory.create_app(Settings(data_dir=tmp_path, demo="off"), scheduler=False)
    try:
        with serve(app) as server:
            hub = Hub(server.url)

            def sent() -> int:
                return sum(model["inferences"] for model in hub.get("/api/models"))

            start_s = time.time() - HOURS * 3_600
            with fleet(server.url):  # dies while the second model's history is sent
                until(lambda: sent() > 2_000, "the back-fill did not begin")
            assert len(hub.get("/api/models")) < 8
            with fleet(server.url):  # dies when it has just become live
                until(lambda: any(m["owner"] for m in hub.get("/api/models")), "never live")
            ended_s = time.time()
            assert Labels().held == []
            with fleet(server.url):
                until(lambda: time.time() > ended_s + 12 and not owed(hub), "labels are owed")
            check_history(hub, start_s + 60, ended_s - 120)
    finally:
        factory.close(app)
