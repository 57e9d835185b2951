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

from components import scope as scopes
from components.causal_canvas import MOST_NODES
from components.live import View
from engines.causal import Series, find_root_cause
from engines.causal.result import CausalEdge, CausalGraph, CausalNode, Evidence
from i18n import LANGUAGES, speaking
from pages import causal_graph, focus, impact, impact_calm
from pages.focus import Focus
from services import numbers
from services.analyses import Job
from services.causal import Graph, RootCause
from services.diagnosis import Diagnosis, Level, _folded
from services.numbers import largest_numbers
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
    sent = causal_graph._drawing(found, whole, drawn, is_folded, "", [])
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
        sent = json.loads(causal_graph._drawing(found, graph, graph, False, "", []).children)
        ranking = str(causal_graph._ranking(found))
    assert sent["chain"] == [] and sent.get("cause") is None
    assert "No cause is named" in ranking and "Confidence" not in ranking
