"""From a red number to its cause: right after an alert, on the right paths, as a job, as files."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast
from xml.etree.ElementTree import fromstring

import msgspec
import networkx as nx
import numpy as np
import pytest

from engines.causal import Call, Event, Series
from engines.causal.granger import lagged_edges
from engines.causal.inputs import Key
from engines.causal.result import Evidence
from services import analyses, causal
from services.analyses import Job, JobProgress, follow, stop_job
from services.causal import draw, explain
from services.causal_files import graphml, node_link
from services.errors import NotFound
from services.onset import onset_of_alert, with_resolution
from services.scene import LABELS, Scene
from services.times import MINUTE_MS, Window
from services.workspace import Backends, Workspace

ROOT = Path(__file__).parents[2]
START_S = 1_767_254_400.0
ROWS = 120


def made(values: list[float] | np.ndarray) -> Series:
    times = np.asarray(START_S + 60.0 * np.arange(len(values)), dtype=np.float64)
    return Series(times, np.asarray(values, dtype=np.float64))


def scene_of(metrics: dict[Key, Series], calls: tuple[Call, ...] = ()) -> Scene:
    end = int(START_S * 1_000) + ROWS * MINUTE_MS
    change = Event("c1", START_S + 60 * 116 - 20, "config_change", "store", "Pool cut to 4")
    return Scene(Window(int(START_S * 1_000), end), metrics, calls, (change,), ())


def slow_store(red_minutes: int) -> Scene:
    """A store that turned slow and failing `red_minutes` before the end, and its caller."""
    rng = np.random.default_rng(0)
    late = np.arange(ROWS) >= ROWS - red_minutes
    store = 5 + 0.3 * rng.standard_normal(ROWS) + 180 * late
    web = 12 + store + 0.5 * rng.standard_normal(ROWS)
    failed = np.where(late, 6.0, 0.0)
    metrics = {
        ("store", "latency_ms"): made(store),
        ("store", "requests"): made(30 + rng.integers(-3, 4, ROWS).astype(float)),
        ("store", "errors"): made(failed),
        ("web", "latency_ms"): made(web),
        ("web", "requests"): made(30 + rng.integers(-3, 4, ROWS).astype(float)),
        ("web", "errors"): made(failed),
        ("web", "cost"): made(1 + 0.1 * rng.standard_normal(ROWS) + 5 * late),
        ("web", LABELS): made(np.where(late, 0.1, 0.9) + 0.02 * rng.standard_normal(ROWS)),
    }
    return scene_of(metrics, (Call("web", "store"),))


@pytest.mark.parametrize("metric", ["latency_ms", "errors"])
def test_one_red_minute_is_enough_where_an_alert_said_so(workspace: Workspace, metric: str) -> None:
    scene = slow_store(1)
    alerted = scene.window.end_ms - 30_000
    found = explain(workspace, scene, ("web", metric), alerted_ms=alerted)
    assert found.result is not None and found.result.cause is not None
    assert found.result.cause.node == "store"
    assert found.result.cause.event_id == "c1"
    quiet = explain(workspace, scene, ("web", metric))
    assert quiet.result is not None and quiet.result.abstained


def test_errors_that_never_happened_before_stand_out(workspace: Workspace) -> None:
    found = explain(workspace, slow_store(6), ("web", "errors"))
    assert found.result is not None and found.result.cause is not None
    assert found.result.cause.node == "store"


def test_money_is_not_blamed_on_a_service_that_spends_none(workspace: Workspace) -> None:
    found = explain(workspace, slow_store(6), ("web", "cost"))
    assert found.result is not None and found.result.cause is not None
    assert (found.result.cause.node, found.result.cause.metric) == ("web", "cost")


def test_late_labels_are_their_own_cause_and_drive_nothing(workspace: Workspace) -> None:
    scene = slow_store(6)
    found = explain(workspace, scene, ("web", LABELS))
    assert found.result is not None
    assert {(c.node, c.metric) for c in found.result.causes} == {("web", LABELS)}
    graph = draw(workspace, scene, ("web", "latency_ms")).graph
    assert graph is not None
    assert f"web|{LABELS}" not in {node.node_id for node in graph.nodes}


def test_half_a_count_is_added_only_where_nothing_ever_moved() -> None:
    still, busy = made([0.0] * 20), made([0.0, 3.0, 1.0, 5.0] * 5)
    found = with_resolution({("a", "errors"): still, ("b", "errors"): busy})
    assert np.ptp(found["a", "errors"].values) == 0.5
    np.testing.assert_array_equal(found["b", "errors"].values, busy.values)
    np.testing.assert_array_equal(still.values, 0.0)


def test_onset_of_an_alert_is_its_first_red_minute_and_none_when_calm() -> None:
    scene = slow_store(4)
    onset = onset_of_alert(scene, ("store", "latency_ms"), scene.window.end_ms - MINUTE_MS)
    assert onset == START_S + 60 * (ROWS - 4)
    assert onset_of_alert(slow_store(0), ("store", "latency_ms"), scene.window.end_ms) is None
    assert onset_of_alert(scene, ("nobody", "latency_ms"), scene.window.end_ms) is None


def test_a_first_failure_is_scored_and_services_that_never_fail_have_nothing_in_common(
    workspace: Workspace,
) -> None:
    scene = slow_store(6)
    for name in ("quiet", "calm"):
        scene.metrics[name, "errors"] = made([0.0] * ROWS)
    graph = draw(workspace, scene, ("web", "errors")).graph
    assert graph is not None
    scores = {n.node_id: n.score for n in graph.nodes}
    assert scores["store|errors"] > 1.5 > scores["quiet|errors"]
    assert not any({"quiet|errors", "calm|errors"} & {e.source, e.target} for e in graph.edges)


def test_an_event_is_one_node_whomever_it_touched(workspace: Workspace) -> None:
    scene = slow_store(6)
    twice = (*scene.events, touching(scene.events[0], "web"))
    both = Scene(scene.window, scene.metrics, scene.topology, twice, ())
    graph = draw(workspace, both, ("web", "latency_ms")).graph
    assert graph is not None
    assert sum(node.kind == "event" for node in graph.nodes) == 1


def touching(event: Event, target: str) -> Event:
    return Event(event.event_id, event.time_s, event.kind, target, event.title)


# ---- files


def test_graphml_and_node_link_hold_the_same_graph(workspace: Workspace) -> None:
    found = draw(workspace, slow_store(6), ("web", "latency_ms"))
    assert found.graph is not None
    linked = nx.node_link_graph(json.loads(node_link(found)), edges="links")
    read = nx.parse_graphml(graphml(found).decode())
    assert set(linked.nodes) == set(read.nodes) == {n.node_id for n in found.graph.nodes}
    assert set(linked.edges) == set(read.edges)
    assert linked.number_of_edges() == len({(e.source, e.target) for e in found.graph.edges})


def test_graphml_survives_what_xml_cannot_hold(workspace: Workspace) -> None:
    metrics = {("a\x01<b>&", "latency_ms"): made(np.random.default_rng(1).random(ROWS))}
    found = draw(workspace, scene_of(metrics), None)
    assert fromstring(graphml(found)).tag.endswith("graphml")


# ---- jobs


class Number(msgspec.Struct, frozen=True):
    value: int


def test_a_quick_analysis_is_returned_and_computed_once(workspace: Workspace) -> None:
    calls: list[int] = []

    def compute(_progress: JobProgress) -> Number:
        calls.append(1)
        return Number(7)

    for _ in range(3):
        assert follow(workspace, "quick", Number, compute, patience_s=20) == Number(7)
    assert len(calls) == 1


def test_a_long_analysis_shows_its_stage_and_stops_at_the_next(workspace: Workspace) -> None:
    at_work, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def compute(progress: JobProgress) -> Number:
        progress.begin("graph")
        at_work.set()
        go_on.wait(20)
        try:
            progress.begin("effects")
        finally:
            ended.set()
        return Number(1)

    job = follow(workspace, "long", Number, compute, patience_s=0)
    assert isinstance(job, Job)
    assert at_work.wait(20)
    assert analyses.get_job(workspace, job.id).stage == "graph"
    assert stop_job(workspace, job.id).state == "stopped"
    go_on.set()
    assert ended.wait(20)
    again = follow(workspace, "long", Number, compute, patience_s=0)
    assert cast(Job, again).state == "stopped"
    stop_job(workspace, job.id)  # of one that ended: forget it
    with pytest.raises(NotFound):
        analyses.get_job(workspace, job.id)


def endless(progress: JobProgress) -> Number:
    """Fit the same lagged tests until the analysis is not wanted any more."""
    progress.begin("graph")
    values = np.random.default_rng(0).standard_normal((200, 4))
    while True:
        lagged_edges(values, progress=progress.at)


def test_a_stop_ends_an_analysis_in_the_middle_of_its_stage(workspace: Workspace) -> None:
    job = follow(workspace, "endless", Number, endless, patience_s=0)
    assert isinstance(job, Job)
    at_work = workspace.workers.at_work(job.id)
    assert at_work is not None
    stop_job(workspace, job.id)
    at_work.result(20)
    assert analyses.get_job(workspace, job.id).state == "stopped"


def test_a_renewal_that_is_stopped_leaves_the_previous_result_until_it_is_asked_again(
    workspace: Workspace,
) -> None:
    def show(compute: Callable[[JobProgress], Number]) -> Number | Job:
        return follow(workspace, "renewed", Number, compute, fresh_s=0, patience_s=20)

    assert show(lambda _progress: Number(1)) == Number(1)
    assert show(endless) == Number(1)
    job_id = analyses._job_id(workspace, "renewed")
    at_work = workspace.workers.at_work(job_id)
    assert at_work is not None
    stop_job(workspace, job_id)
    at_work.result(20)
    assert show(endless) == Number(1) and workspace.workers.at_work(job_id) is None
    seen = analyses.renewal(workspace, "renewed")
    assert seen is not None and seen.state == "stopped"
    stop_job(workspace, job_id)  # asked again
    show(lambda _progress: Number(2))
    again = workspace.workers.at_work(job_id)
    if again is not None:
        again.result(20)
    assert show(lambda _progress: Number(2)) == Number(2)
    assert analyses.renewal(workspace, "renewed") is None


def test_closing_ends_what_runs_before_the_stores_are_closed(
    workspace: Workspace, backends: Backends
) -> None:
    begun, ended = threading.Event(), []

    def compute(progress: JobProgress) -> Number:
        begun.set()
        try:
            return endless(progress)
        finally:
            ended.append(workspace.events.models_seen())  # the store still answers

    job = follow(workspace, "endless", Number, compute, patience_s=0)
    assert isinstance(job, Job) and begun.wait(20)
    backends.close()
    assert ended == [[]]
    assert workspace.cache.get(f"{workspace.tenant}/job/{job.id}", Job) is None
    follow(workspace, "endless", Number, compute, patience_s=0)
    assert workspace.workers.at_work(job.id) is None  # a closing hub starts nothing


def test_an_analysis_says_which_share_of_its_stage_is_done(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analyses, "LOOK_S", 0.0)
    shares: list[float | None] = []

    def compute(progress: JobProgress) -> Number:
        progress.begin("graph")
        for step in (0.0, 0.5):
            progress.at(step)
            shares.append(analyses.get_job(workspace, progress.job.id).share)
        return Number(1)

    assert follow(workspace, "shares", Number, compute, patience_s=20) == Number(1)
    assert shares == [0.0, 0.5]


def test_a_failed_analysis_says_why(workspace: Workspace) -> None:
    def compute(_progress: JobProgress) -> Number:
        raise NotFound("there is no such thing")

    job = follow(workspace, "failing", Number, compute, patience_s=20)
    assert isinstance(job, Job)
    assert (job.state, job.reason) == ("failed", "this cannot be analysed: there is no such thing")


def test_every_alert_rule_knows_the_number_that_went_red() -> None:
    words = json.loads((ROOT / "i18n/catalogue/incidents.json").read_text("utf-8"))
    rules = {key.removeprefix("title_") for key in words if key.startswith("title_")}
    events = {"attack", "secret_leak", "vulnerability", "audit_broken", "audit_rewritten"}
    assert rules - events <= set(causal.EFFECTS)  # the others are numbers


def test_a_ratio_to_nothing_is_kept_as_unknown() -> None:
    said = causal._said(Evidence("times_as_bad", (("ratio", float("inf")), ("n", 2.0)), "…"))
    assert said == ["times_as_bad", {"ratio": None, "n": 2.0}]
