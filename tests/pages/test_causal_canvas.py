"""The causal graph as it is sent and drawn, and its table of arrows."""

from __future__ import annotations

import gzip
import json

import msgspec
import pytest

from components.causal_canvas import MOST_NODES
from engines.causal import clustered, layered
from engines.causal.result import CausalEdge, CausalGraph, CausalNode, Evidence
from i18n import speaking
from pages import (
    causal_answer,
    causal_detail,
    causal_graph,
)
from services.diagnosis import (
    _folded,
    _placed,
    kept_apart,
)
from services.workspace import Workspace
from tests.pages.causal_samples import caused, fleet


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
