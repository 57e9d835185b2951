"""The causal and the impact page: what they are about, what they send, what they say."""

from __future__ import annotations

import gzip
import json
from typing import Any

import msgspec
import numpy as np
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from plotly.io.json import to_json_plotly

from components import scope as scopes
from components.causal_canvas import MOST_NODES
from components.live import View
from engines.causal import Event, Series, clustered, find_root_cause, layered
from engines.causal.result import CausalEdge, CausalGraph, CausalNode, Evidence
from engines.impact import Estimate, WhatIf
from engines.result import Interval
from i18n import LANGUAGES, speaking
from pages import (
    causal_answer,
    causal_detail,
    causal_graph,
    focus,
    impact,
    impact_calm,
    impact_sizes,
    report,
)
from pages.focus import Focus
from services import numbers
from services.analyses import Job
from services.causal import Graph, RootCause
from services.diagnosis import (
    Diagnosis,
    Level,
    _folded,
    _placed,
    kept_apart,
    list_subjects,
    sharing,
    worst_open,
)
from services.incidents import Incident
from services.numbers import largest_numbers
from services.study import Study, study
from services.times import Window
from services.workspace import Workspace, in_workspace

TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=40)


@given(TEXT, TEXT, TEXT, st.none() | st.floats(-1, 10).map(lambda x: float(f"{x:g}")))
def test_focus_survives_the_address(
    incident: str, node: str, metric: str, change: float | None
) -> None:
    asked = Focus(incident, node, metric, change, set_to=change)
    assert focus.parse(asked.to_text()) == asked
    assert focus.parse(scopes.parse({"focus": asked.to_text()}).focus) in (asked, Focus())


@pytest.mark.parametrize(
    "text", ["", "change=nan", "change=lots", "&&=", "a" * 2_000, "change=1e9"]
)
def test_focus_reads_anything(text: str) -> None:
    found = focus.parse(text)
    assert found.change is None or -1 <= found.change <= 10


REASONS = [
    Evidence("deviation", (("node", "a"), ("metric", "errors"), ("z", 5.0), ("usual", 1.0),
                           ("scale", 0.5)), ""),
    Evidence("driver", (("node", "a"), ("metric", "tokens"), ("z", 5.0)), ""),
    Evidence("own_share", (("share", 0.4),), ""),
    Evidence("walk_share", (("share", 0.4),), ""),
    Evidence("wire", (("node", "a"), ("score", 2.0)), ""),
    Evidence("log_template", (("node", "a"), ("template", "x"), ("after", 3.0)), ""),
    Evidence("log_template", (("node", "a"), ("template", "x"), ("after", 3.0),
                              ("before", 0.0)), ""),
    Evidence("log_template", (("node", "a"), ("template", "x"), ("after", 3.0),
                              ("before", 2.0)), ""),
    Evidence("event_before_onset", (("event_id", "e"), ("kind", "deployment"), ("title", "v2"),
                                    ("node", "a"), ("lead_s", 9.0)), ""),
    Evidence("event_before_onset", (("event_id", "e"), ("title", "v2"), ("lead_s", 9.0)), ""),
    Evidence("objective", (("objective", "o"), ("node", "a"), ("metric", "latency_ms")), ""),
    Evidence("event_before_onset", (("event_id", "e"), ("kind", "deployment"),
                                    ("lead_s", 9.0)), ""),
    Evidence("event_before_onset", (("event_id", "e"), ("lead_s", 9.0)), ""),
    Evidence("moved_first", (("lead_s", 120.0),), ""),
    Evidence("moved_first", (("lead_s", 0.0),), ""),
    Evidence("moved_later", (("lead_s", -120.0),), ""),
    Evidence("asked_share", (("share", 0.9),), ""),
    Evidence("moved_together", (("metrics", "feature_drift:age\nfeature_drift:bmi"),), ""),
    Evidence("within_range", (("z", 1.0), ("threshold", 3.0)), ""),
    Evidence("rival", (("node", "b"), ("ratio", 0.9)), ""),
    Evidence("call", (("cause", "a|errors"), ("effect", "b|errors")), ""),
    Evidence("rule", (("cause", "a|tokens"), ("effect", "a|cost")), ""),
    Evidence("same_interval_test", (("q", 0.01), ("effect", 0.4)), ""),
    Evidence("same_interval_test", (("q", 0.4), ("effect", 0.1)), ""),
    Evidence("granger", (("q", 1e-9), ("effect", 0.4), ("lag_s", 60.0)), ""),
    Evidence("residual_correlation", (("q", 0.01), ("correlation", 0.4)), ""),
]  # fmt: skip


@pytest.mark.parametrize("lang", list(LANGUAGES))
def test_every_reason_of_the_engine_can_be_said(lang: str) -> None:
    with speaking(lang):
        for reason in REASONS:
            said = focus.sentence(reason)
            assert said and "{" not in said and not said.startswith("causal_graph.")


def fleet(n: int) -> Diagnosis:
    """Services of five numbers each, every service called by the one before."""
    metrics = ("latency_ms", "errors", "requests", "cost", "trust")
    nodes = tuple(
        CausalNode(f"service-{i // 5}|{metrics[i % 5]}", "metric", f"service-{i // 5}",
                   metrics[i % 5], "x", float(i % 7), 1_767_261_000.0 if i % 7 > 2 else None)
        for i in range(n)
    )  # fmt: skip
    why = (Evidence("granger", (("q", 0.01), ("effect", 0.4), ("lag_s", 60.0)), "because"),)
    edges = tuple(
        CausalEdge(nodes[i].node_id, nodes[i - step].node_id, "causes", 0.5, 60.0, 0.99, why)
        for i in range(n)
        for step in (1, 5, 10)
        if i >= step
    )
    graph = CausalGraph(nodes, edges, 180, 60.0, (0.0, 1.0), 0, ())
    window = Window(1_767_254_400_000, 1_767_261_600_000)
    levels = tuple(Level(node.node_id, 10.0, 20.0) for node in nodes)
    drawn = Graph("service-0", "latency_ms", 0, window, graph, None)
    return Diagnosis(None, "service-0", "latency_ms", window, None, 0, None, drawn, levels)


@pytest.mark.parametrize("n", [10, 200, 2_000])
def test_what_is_sent_can_be_read_and_is_small(n: int) -> None:
    found = fleet(n)
    whole = found.graph.graph
    assert whole is not None
    drawn, is_folded = causal_graph.readable(whole, found, "", [])
    assert len(drawn.nodes) <= MOST_NODES
    assert is_folded == (n > MOST_NODES)
    assert "service-0|latency_ms" in {node.node_id for node in drawn.nodes}
    places = causal_graph._places(found, drawn)
    sent = causal_graph._drawing(found, whole, drawn, places, is_folded, "", [])
    assert len(gzip.compress(sent.children.encode())) < 100_000
    assert json.loads(sent.children)["total"] == n


def test_a_service_that_the_reader_opened_shows_its_numbers() -> None:
    found = fleet(2_000)
    assert found.graph.graph is not None
    drawn, _ = causal_graph.readable(found.graph.graph, found, "", ["service-1"])
    ids = {node.node_id for node in drawn.nodes}
    assert "service-1|errors" in ids and "service-1|*" not in ids and "service-2|*" in ids


def test_a_graph_that_the_analysis_folded_is_drawn_as_one_that_the_page_folds() -> None:
    found = fleet(2_000)
    whole = found.graph.graph
    assert whole is not None
    ready = msgspec.structs.replace(found, folded=_folded(whole, ("service-0", "cost"), None))
    assert ready.folded is not None and _folded(fleet(10).graph.graph, None, None) is None
    assert causal_graph.readable(whole, ready, "", []) == causal_graph.readable(
        whole, found, "", []
    )


@pytest.mark.parametrize("state", ["running", "stopped", "failed"])
def test_an_analysis_under_way_says_how_far_it_is(state: Any) -> None:
    job = Job("abc", "what", state, "graph", 0, 4_000, "no rows" if state == "failed" else "")
    shown = repr(focus.progress(job))
    assert "abc" in shown
    assert ("data-poll" in shown) == (state == "running")


@pytest.mark.parametrize("lang", ["en", "ar"])
@pytest.mark.parametrize("page", [causal_graph, impact], ids=["causes", "impact"])
@pytest.mark.parametrize(
    "asked", ["", "incident=nobody", "node=a&metric=b", "node=a&metric=b&change=.2", "=&="]
)
def test_both_pages_answer_on_an_empty_hub(
    hub: Flask, workspace: Workspace, page: Any, asked: str, lang: str
) -> None:
    view = View()
    with speaking(lang), in_workspace(workspace):
        page.layout()
        page.fill(workspace, scopes.parse({"focus": asked}), view)
    assert json.loads(view.to_json())[1:]


def shown_by(workspace: Workspace, page: Any, asked: str) -> dict[str, Any]:
    view = View()
    with speaking("en"), in_workspace(workspace):
        page.fill(workspace, scopes.parse({"focus": asked}), view)
    return {place["index"]: body for place, body in json.loads(view.to_json())[1:]
            if place["type"] != "panel-foot"}  # fmt: skip


def test_without_an_incident_impact_offers_past_ones_and_questions_and_hides_the_rest(
    hub: Flask, workspace: Workspace
) -> None:
    shown = shown_by(workspace, impact, "")
    assert "No incident is open" in json.dumps(shown["impact-lead"])
    assert "No incident has been recorded yet" in json.dumps(shown["impact-past"])
    assert shown["impact-questions"] is not None
    hidden = {f"impact-{name}" for name in (*impact.PANELS, *impact.AMOUNTS)}
    assert {name for name, body in shown.items() if body is None} >= hidden


def test_questions_about_the_present_take_the_largest_number_of_each_kind(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[numbers.Level] = [
        ("large", "requests", 40.0), ("silent", "latency_ms", None), ("small", "requests", 2.0),
    ]  # fmt: skip
    monkeypatch.setattr(numbers, "_known", lambda _ws, _patience_s: rows)
    with speaking("en"):
        said = str(impact_calm.questions(largest_numbers(workspace, impact_calm.ASKED)))
    assert "Requests · large changed by +50%" in said
    assert "small" not in said and "silent" not in said
    assert "now 40" in said


def test_suspects_of_an_abstention_are_places_to_look_and_nothing_is_marked_as_the_cause() -> None:
    rng = np.random.default_rng(2)
    times = 1_767_254_400.0 + 60.0 * np.arange(60)
    metrics = {(n, "latency_ms"): Series(times, 20 + rng.standard_normal(60)) for n in ("a", "b")}
    result = find_root_cause(metrics, ("a", "latency_ms"), topology=[("a", "b")])
    assert result.abstained and result.causes
    found = fleet(10)
    causes = RootCause("a", "latency_ms", 0, found.window, result, None)
    found = msgspec.structs.replace(found, causes=causes)
    graph = found.graph.graph
    assert graph is not None
    with speaking("en"):
        places = causal_graph._places(found, graph)
        drawn = causal_graph._drawing(found, graph, graph, places, False, "", [])
        sent = json.loads(drawn.children)
        ranking = str(causal_answer.ranking(found))
    assert sent["chain"] == [] and sent.get("cause") is None
    assert "No cause is named" in ranking and "Confidence" not in ranking


def put_incident(ws: Workspace, name: str, opened_ms: int, event: str | None = None) -> Incident:
    first = {"node": "db", "metric": "latency_ms", "event_id": event, "confidence": 0.9}
    cause = {"abstained": False, "reason": "", "causes": [first]} if event else None
    made = Incident(
        name, "latency", "model", name, "critical", "open", name, {}, opened_ms, opened_ms, None,
        cause,
    )  # fmt: skip
    ws.records.put("incident", name, msgspec.to_builtins(made))
    return made


def test_both_pages_take_the_oldest_of_the_worst_incidents_however_fresh_the_last_answer(
    workspace: Workspace,
) -> None:
    calm, _ = study(workspace)
    assert isinstance(calm, Study) and calm.incident is None
    now = workspace.now_ms()
    for name, age in (("later", 10_000), ("first", 20_000)):
        put_incident(workspace, name, now - age)
    first = worst_open(workspace)
    assert first is not None and first.id == "first"
    found, _ = study(workspace)
    assert isinstance(found, Job) or found.incident == first


def test_an_old_incident_that_is_asked_about_keeps_its_name_in_the_choice(
    workspace: Workspace,
) -> None:
    now = workspace.now_ms()
    for age in range(30):
        put_incident(workspace, f"model-{age}", now - 1_000 * age)
    assert "model-29" not in {one.incident.id for one in list_subjects(workspace)}
    asked = Focus(incident="model-29").to_text()
    with speaking("en"):
        offered = focus.options(list_subjects(workspace, "model-29"), (), asked)
    assert next(one for one in offered if one["value"] == asked)["label"].startswith("model-29")


def test_nothing_more_comes_of_an_incident_that_is_resolved(workspace: Workspace) -> None:
    for state, is_hidden in (("open", False), ("resolved", True)):
        incident = msgspec.structs.replace(put_incident(workspace, "a", 1), state=state)
        made = Study(
            incident, ("db", "latency_ms"), ("web", "latency_ms"), 0.9, 1, Window(0, 1), 0, None,
            None, None, (), None
        )  # fmt: skip
        view = View()
        with speaking("en"), in_workspace(workspace):
            impact._show(view, made, Focus())
        shown = {place["index"]: body for place, body in json.loads(view.to_json())[1:]
                 if place["type"] == "panel-body"}  # fmt: skip
        assert (shown["impact-ahead"] is None) == is_hidden


def caused() -> Diagnosis:
    """A number whose cause is named, twenty minutes long."""
    rng = np.random.default_rng(3)
    times = 1_767_254_400.0 + 60.0 * np.arange(80)
    late = np.where(np.arange(80) >= 60, 200.0, 0.0)
    metrics = {
        (n, "latency_ms"): Series(times, 20 + late + rng.standard_normal(80))
        for n in ("service-0", "service-1")
    }
    event = Event("pool", times[60] - 30, "config_change", "service-1", "Pool cut")
    result = find_root_cause(
        metrics, ("service-0", "latency_ms"), topology=[("service-0", "service-1")],
        events=[event], onset_s=times[60],
    )  # fmt: skip
    assert result.cause is not None and result.cause.event_id == "pool"
    found = fleet(10)
    causes = RootCause("service-0", "latency_ms", 0, found.window, result, None)
    return msgspec.structs.replace(found, causes=causes, onset_ms=1_767_258_000_000)


def test_the_answer_says_how_far_the_number_went_and_which_incidents_share_the_cause(
    workspace: Workspace,
) -> None:
    found = caused()
    now = workspace.now_ms()
    own = put_incident(workspace, "mine", now, "pool")
    put_incident(workspace, "same", now, "pool")
    put_incident(workspace, "different", now, "another")
    put_incident(workspace, "unexplained", now)
    found = msgspec.structs.replace(found, incident=own)
    assert [i.id for i in sharing(workspace, found)] == ["same"]
    with speaking("en"), in_workspace(workspace):
        said = str(causal_answer.lead(workspace, found))
    assert "Latency · service-1 is the likeliest cause of Latency · service-0" in said
    assert "went from 10 ms to 20 ms" in said
    assert "Other open incidents with this cause: 1." in said


def test_a_number_that_moved_by_itself_is_not_called_its_own_cause(workspace: Workspace) -> None:
    found = caused()
    cause = causal_answer.named(found)
    assert cause is not None
    found = msgspec.structs.replace(found, node=cause.node, metric=cause.metric)
    with speaking("en"), in_workspace(workspace):
        said = str(causal_answer.lead(workspace, found))
    assert "Latency · service-1 left its normal range by itself." in said
    assert "likeliest cause" not in said


def test_an_event_on_the_chain_stands_where_it_started_what_came() -> None:
    found = caused()
    whole = found.graph.graph
    cause = causal_answer.named(found)
    assert whole is not None and cause is not None and len(cause.chain) >= 3
    event = CausalNode("event|pool", "event", "service-1", "config_change", "Pool cut", 0.0, 1.0)
    near = CausalEdge("event|pool", "service-0|latency_ms", "contributes", 0.5, 0.0, 0.9, ())
    graph = CausalGraph((*whole.nodes, event), (*whole.edges, near), 180, 60.0, (0.0, 1.0), 0, ())
    places = causal_graph._places(found, graph)
    drawn = causal_graph._drawing(found, graph, graph, places, False, "", [])
    sent = json.loads(drawn.children)
    layers = {node["id"]: node["layer"] for node in sent["nodes"]}
    assert [layers[i] for i in sent["chain"]] == list(range(len(sent["chain"])))[::-1]


def test_an_event_that_names_several_nodes_stands_at_the_suspect_and_is_not_folded_away() -> None:
    found = caused()
    whole, causes = found.graph.graph, found.causes
    assert whole is not None and causes is not None
    pool = CausalNode("event|pool", "event", "elsewhere", "config_change", "Pool cut", 0.0, 1.0)
    graph = msgspec.structs.replace(
        found.graph,
        graph=CausalGraph((*whole.nodes, pool), whole.edges, 180, 60.0, (0.0, 1.0), 0, ()),
    )
    placed = _placed(graph, causes).graph
    assert placed is not None
    folded = clustered(placed, kept_apart(found.node, causes))
    assert {n.node_id: n.entity for n in folded.nodes}["event|pool"] == "service-1"
    assert _placed(graph, None) is graph


def test_an_arrow_from_an_event_says_what_was_seen_and_claims_no_test(
    workspace: Workspace,
) -> None:
    found = caused()
    whole = found.graph.graph
    assert whole is not None
    pool = CausalNode("event|pool", "event", "service-1", "config_change", "Pool cut", 0.0, 1.0)
    why = (Evidence("event_link", (("title", "Pool cut"), ("lead_s", 30.0)), ""),)
    came = CausalEdge("event|pool", "service-1|latency_ms", "contributes", 0.0, 30.0, 0.98, why)
    graph = CausalGraph((*whole.nodes, pool), (*whole.edges, came), 180, 60.0, (0.0, 1.0), 0, ())
    picked = "event|pool→service-1|latency_ms"
    with speaking("en"):
        said = str(causal_detail.detail(workspace, found, graph, graph, picked))
        kept = str(causal_detail.detail(workspace, found, graph, whole, picked))
    assert "98%" in said and "Strength" not in said and "neither confirms" not in said
    assert kept == said  # folding keeps what the reader chose


def test_the_table_of_arrows_begins_with_the_chain() -> None:
    whole = fleet(30).graph.graph
    assert whole is not None
    chain = ["service-5|latency_ms", "service-4|latency_ms"]
    steps = {p.node_id: p.layer for p in layered(whole, "service-0|latency_ms")}
    rows = causal_detail.edge_table(whole, steps, chain).rowData
    assert rows[0]["id"] == "→".join(chain)
    assert rows[1]["to"] == "Latency · service-0"


def test_a_quiet_number_that_nobody_was_alerted_to_is_good_news(workspace: Workspace) -> None:
    rng = np.random.default_rng(2)
    times = 1_767_254_400.0 + 60.0 * np.arange(60)
    metrics = {("a", "latency_ms"): Series(times, 20 + rng.standard_normal(60))}
    result = find_root_cause(metrics, ("a", "latency_ms"))
    assert result.abstained
    found = fleet(10)
    causes = RootCause("service-0", "latency_ms", 0, found.window, result, None)
    found = msgspec.structs.replace(found, causes=causes)
    with speaking("en"), in_workspace(workspace):
        said = str(causal_answer.lead(workspace, found))
    assert "Nothing stands out" in said and "No cause" not in said


def test_a_renewal_is_shown_with_what_it_renews_and_can_be_stopped_and_begun_again() -> None:
    running = Job("abc", "what", "running", "graph", 0, 4_000, share=0.5)
    stopped = msgspec.structs.replace(running, state="stopped")
    with speaking("en"):
        shown, kept = repr(focus.renewal(running)), repr(focus.renewal(stopped))
    assert "50%" in shown and "analysis-stop" in shown and "data-poll" in shown
    assert "analysis-again" in kept and "data-poll" not in kept
    assert focus.renewal(None) is None


def amount(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, Interval(low, high, 0.9))


def test_an_amount_that_is_written_as_nothing_is_not_put_at_risk() -> None:
    assert not impact_sizes.is_news(amount(1e-5, -2e-5, 3e-5), "share")
    assert impact_sizes.is_news(amount(1e-5, -2e-5, 3e-3), "share")
    assert impact_sizes.is_news(amount(1e-5, -2e-5, 3e-5), "USD")
    assert not impact_sizes.is_news(amount(float("nan"), 0.0, 1.0), "USD")


def test_what_comes_is_one_row_for_each_thing_at_risk() -> None:
    hour, day = (3_600.0, amount(12.0, 6.0, 18.0)), (86_400.0, amount(99.0, 50.0, 150.0))
    with speaking("en"):
        said = str(impact_sizes.ahead({"money": (amount(2.0, 1.0, 3.0), (hour, day), "USD")}))
    assert said.count("scope='row'") == 1
    assert said.index("so far") < said.index("next 1 h") < said.index("next 1 d")
    assert "6" in said and "to" in said


def test_the_path_without_the_cause_begins_at_the_onset() -> None:
    found = counterfactual()
    study = Study(
        None, found.cause, found.target, 0.9, 1_767_258_000_000, Window(0, 1), 0, None, None,
        found, (), None, earlier=((1_767_257_940.0, 20.0),),
    )  # fmt: skip
    with speaking("en"):
        shown = json.loads(to_json_plotly(impact._otherwise(study)))
    traces = {trace["name"]: trace for trace in figure_of(shown)["data"] if "meta" not in trace}
    assert traces["As it was"]["y"] == [20.0, 200.0, 210.0]
    assert traces["Without the cause"]["y"][-2:] == [1.0, 15.0]


def counterfactual() -> WhatIf:
    return WhatIf(
        kind="counterfactual", cause=("db", "latency_ms"), target=("web", "latency_ms"),
        set_to=20.0, actual=205.0, instead=7.0, difference=amount(-198.0, -210.0, -180.0),
        times_s=(1_767_258_000.0, 1_767_258_060.0), actual_path=(200.0, 210.0),
        instead_path=(1.0, 15.0), low=(0.0, 5.0), high=(7.0, 25.0), out_of_range=False,
        warning="", n_rows=100,
    )  # fmt: skip


def figure_of(node: Any) -> dict[str, Any]:
    """Return the figure of the first chart in a tree of components."""
    if isinstance(node, list):
        return next((found for child in node if (found := figure_of(child))), {})
    props = node.get("props", {}) if isinstance(node, dict) else {}
    return props.get("figure") or (figure_of(props["children"]) if props.get("children") else {})


def test_a_red_number_says_its_likeliest_cause_and_leads_to_evidence_and_cost(
    workspace: Workspace,
) -> None:
    with speaking("en"):
        assert focus.trouble(workspace) is None
        now = workspace.now_ms()
        put_incident(workspace, "unexplained", now - 9)
        put_incident(workspace, "explained", now, "pool")
        said = str(focus.trouble(workspace))
        assert "explained answers" in said and "Latency of db" in said
        assert "/causes?" in said and "/impact?" in said and "2 incidents, 1 cause" in said
        assert focus.trouble(workspace, "somebody") is None
        assert "Other open" not in str(focus.trouble(workspace, "unexplained"))


def test_a_report_names_its_subject_and_no_window_that_is_not_its_own(
    hub: Flask, workspace: Workspace
) -> None:
    put_incident(workspace, "slow-one", workspace.now_ms())
    with speaking("en"), in_workspace(workspace):
        page = report.compose(workspace, "impact", scopes.parse({}))
        asked = report.compose(
            workspace, "impact", scopes.parse({"focus": "node=a&metric=errors&change=.5"})
        )
    assert "slow-one answers" in page and "Last 24 hours" not in page
    assert "Errors · a +50%" in asked
