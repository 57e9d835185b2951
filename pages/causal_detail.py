"""What stands behind a node or an arrow of the causal graph, and both as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from dash import html

from components import charts, states, tables
from components.attributes import attrs
from components.icons import icon
from components.tables import Column, meter, meters
from engines.causal import CausalGraph
from engines.causal.result import CausalEdge, CausalNode, Evidence, RankedCause
from i18n import date_time, duration, number, percent, quantity, t, tell
from pages import focus, sources
from services.diagnosis import Diagnosis, Level, read_track
from services.errors import AIOBSError
from services.workspace import Workspace

MOVED = math.log1p(3)
"""The score from which a number is out of its normal range, as `assets/causal.js` colours it."""
Children = Any  # what a Dash component takes as children


def effect_id(found: Diagnosis) -> str | None:
    """Return the node of the effect."""
    return f"{found.node}|{found.metric}" if found.node and found.metric else None


def suspects(found: Diagnosis) -> tuple[RankedCause, ...]:
    """Return the ranked suspects."""
    return found.causes.result.causes if found.causes and found.causes.result else ()


def pick(node_id: str, words: str) -> html.Button:
    """Return a button that opens the evidence of a node or an arrow."""
    return html.Button(
        html.Bdi(words),
        className="link-button",
        **attrs(data_action="causal-pick", data_pick=node_id),
    )


def reasons(reasons: Sequence[Evidence], glyph: str, label: str) -> Children:
    """Return reasons as a list with a sign before each."""
    if not reasons:
        return None
    lines = [html.Li([icon(glyph), html.Span(focus.sentence(e))]) for e in reasons]
    return html.Ul(lines, className="reasons", **attrs(aria_label=label))


def node_label(node: CausalNode) -> str:
    """Return the words under a node: what, and whose."""
    if node.kind == "event":
        return node.label
    return node.entity if node.metric == "*" else f"{focus.metric_name(node.metric)}\n{node.entity}"


def level_words(metric: str, level: Level | None) -> tuple[str, str]:
    """Return the mean before the onset and since, as a reader writes them."""
    if level is None:
        return "", ""
    unit = focus.UNITS.get(metric, "")
    return tuple(
        "–" if value is None else quantity(value, unit) for value in (level.before, level.after)
    )  # type: ignore[return-value]


def detail(
    ws: Workspace, found: Diagnosis, whole: CausalGraph, graph: CausalGraph, picked: str
) -> Children:
    """Return what stands behind a node or an edge; the effect itself before anything is chosen."""
    for shown in (graph, whole) if picked else ():  # what was chosen before a fold stays chosen
        edge = next((e for e in shown.edges if f"{e.source}→{e.target}" == picked), None)
        if edge is not None:
            return _edge_detail(edge, shown)
    wanted = picked or effect_id(found) or ""
    node = next((n for g in (graph, whole) for n in g.nodes if n.node_id == wanted), None)
    if node is None:
        return states.empty(t("causal_graph.pick_something"))
    if node.kind == "event":
        return _event_detail(node, graph)
    if node.metric == "*":
        return _folded_detail(node, whole)
    return _node_detail(ws, found, node, graph)


def _edge_detail(edge: CausalEdge, graph: CausalGraph) -> Children:
    names = {n.node_id: node_label(n).replace("\n", " · ") for n in graph.nodes}
    facts = [meter(t("causal_graph.confidence"), edge.confidence, percent(edge.confidence))]
    # An event is one moment: no series of it could confirm an arrow or give it a strength.
    is_event = any(n.node_id == edge.source and n.kind == "event" for n in graph.nodes)
    if not is_event:
        strength = number(edge.weight, decimals=2)
        facts.append(meter(t("causal_graph.strength"), abs(edge.weight), strength))
    arrow = "arrow-left-right" if edge.kind == "correlates" else "arrow-right"
    return html.Div(
        [
            html.P(
                [
                    pick(edge.source, names.get(edge.source, edge.source)), " ",
                    icon(arrow, className="flip"), " ",
                    pick(edge.target, names.get(edge.target, edge.target)),
                ],
                className="detail-head",
            ),
            None if is_event else html.P(t(f"causal_graph.kind_{edge.kind}")),
            meters(facts),
            html.P(t("causal_graph.lag", time=duration(edge.lag_s)))
            if edge.lag_s and not is_event else None,
            reasons(edge.evidence, "check2-square", t("causal_graph.tests")),
        ],
        className="detail",
    )  # fmt: skip


def _event_detail(node: CausalNode, graph: CausalGraph) -> Children:
    at = f"{date_time(node.onset_s * 1_000)} UTC" if node.onset_s else "–"
    return html.Div(
        [html.P([html.Strong(node.label), " · ", html.Bdi(node.entity), " · ", at]),
         *_neighbours(node, graph)],
        className="detail",
    )  # fmt: skip


def _folded_detail(node: CausalNode, whole: CausalGraph) -> Children:
    members = [n for n in whole.nodes if n.entity == node.entity]
    lines = [html.Li(pick(n.node_id, node_label(n).replace("\n", " · "))) for n in members[:60]]
    return html.Div(
        [
            html.P([html.Strong(html.Bdi(node.entity)), " ",
                    html.Button(t("causal_graph.unfold"), className="btn-quiet",
                                **attrs(data_action="causal-open", data_open=node.entity))]),
            html.Ul(lines),
        ],
        className="detail",
    )  # fmt: skip


def _node_detail(ws: Workspace, found: Diagnosis, node: CausalNode, graph: CausalGraph) -> Children:
    key = (node.entity, node.metric)
    unit = focus.UNITS.get(node.metric, "")
    words = focus.title(key)
    facts = t("causal_graph.score_words", score=number(node.score, decimals=2))
    onset_s = node.onset_s if node.score >= MOVED else None
    if onset_s:
        when = f"{date_time(onset_s * 1_000)} UTC"
        facts += " " + t("causal_graph.since", time=when)
    try:
        track = read_track(ws, found, key)
    except AIOBSError as error:
        return states.empty(tell(error.message))
    marks = sources.event_marks(ws, found.window)
    if onset_s:
        marks = [*marks, charts.Mark(onset_s * 1_000, t("causal_graph.onset"), "alert")]
    figure = charts.line(
        track.times_ms, [charts.Line(words, track.values)], unit=unit, marks=marks,
        window_ms=(found.window.start_ms, found.window.end_ms),
    )  # fmt: skip
    cause = next((c for c in suspects(found) if (c.node, c.metric) == key), None)
    return html.Div(
        [
            html.P([html.Strong(html.Bdi(words)), " ", html.Span(facts, className="muted")]),
            charts.graph("causal_graph-track", figure, label=f"{words}. {facts}"),
            reasons(cause.evidence, "plus-lg", t("causal_graph.speaks_for")) if cause else None,
            reasons(cause.against, "dash-lg", t("causal_graph.speaks_against")) if cause else None,
            *_neighbours(node, graph),
        ],
        className="detail",
    )


def _neighbours(node: CausalNode, graph: CausalGraph) -> list[Children]:
    names = {n.node_id: node_label(n).replace("\n", " · ") for n in graph.nodes}
    directed = [e for e in graph.edges if e.kind != "correlates"]
    into = [e for e in directed if e.target == node.node_id]
    out = [e for e in directed if e.source == node.node_id]
    beside = [e for e in graph.edges if e.kind == "correlates" and node.node_id in _ends(e)]

    def named(edge: CausalEdge, end: str) -> str:
        other = getattr(edge, end) if end else next(i for i in _ends(edge) if i != node.node_id)
        return names.get(other, other)

    def listed(edges: list[CausalEdge], label: str, end: str) -> Children:
        if not edges:
            return None
        best = sorted(edges, key=lambda e: -e.confidence)[:12]
        items = [
            html.Li([
                pick(f"{e.source}→{e.target}", named(e, end)), " ",
                html.Span(percent(e.confidence, decimals=0), className="muted"),
            ])
            for e in best
        ]  # fmt: skip
        return html.Div([html.H4(label, className="detail-title"), html.Ul(items)])

    return [
        html.Div(
            [listed(into, t("causal_graph.into"), "source"),
             listed(out, t("causal_graph.out_of"), "target"),
             listed(beside, t("causal_graph.beside"), "")],
            className="neighbours",
        )
    ]  # fmt: skip


def _ends(edge: CausalEdge) -> tuple[str, str]:
    return edge.source, edge.target


def edge_table(graph: CausalGraph, steps: Mapping[str, int], chain: Sequence[str] = ()) -> Children:
    """Return the arrows as a grid: the named chain first, then what is nearest to the effect, from
    which `steps` counts."""
    named = set(pairwise(chain))
    names = {n.node_id: node_label(n).replace("\n", " · ") for n in graph.nodes}
    columns = [
        Column("from", t("causal_graph.from"), width=240, least=190),
        Column("to", t("causal_graph.to"), width=240, least=190),
        Column("kind", t("causal_graph.kind"), least=130),
        Column("confidence", t("causal_graph.confidence"), "number", least=150),
        Column("strength", t("causal_graph.strength"), "number", least=130),
        Column("lag", t("causal_graph.lag_s"), "number"),
        Column("why", t("causal_graph.test"), width=420, least=300),
    ]

    def nearness(edge: CausalEdge) -> tuple[bool, bool, int, float, str, str]:
        layer = steps.get(edge.target, -1)
        is_named = (edge.source, edge.target) in named
        return not is_named, layer < 0, layer, -edge.confidence, edge.source, edge.target

    rows = [
        {
            "id": f"{e.source}→{e.target}",
            "from": names.get(e.source, e.source),
            "to": names.get(e.target, e.target),
            "kind": t(f"causal_graph.{e.kind}"),
            "confidence": round(e.confidence, 3),
            "strength": round(e.weight, 2),
            "lag": round(e.lag_s, 1),
            "why": " ".join(focus.sentence(reason) for reason in e.evidence),
        }
        for e in sorted(graph.edges, key=nearness)
    ]
    # One component with plain rows: a table of components costs the browser seconds.
    return tables.grid("causal_graph-edge-grid", columns, rows, height=340, row_id="id",
                       select=True)  # fmt: skip


def node_table(graph: CausalGraph, found: Diagnosis, steps: Mapping[str, int]) -> Children:
    """Return the nodes as a grid, with how many steps each is from the effect."""
    levels = {level.node_id: level for level in found.levels}
    columns = [
        Column("name", t("causal_graph.node"), width=240, least=190),
        Column("kind", t("causal_graph.kind")),
        Column("score", t("causal_graph.score"), "number"),
        Column("steps", t("causal_graph.steps"), "number", least=200),
        Column("before", t("causal_graph.show_before")),
        Column("after", t("causal_graph.show_after")),
        Column("onset", t("causal_graph.onset")),
    ]
    rows = []
    for node in sorted(graph.nodes, key=lambda n: (-n.score, n.node_id)):
        before, after = level_words(node.metric, levels.get(node.node_id))
        rows.append({
            "id": node.node_id, "name": node_label(node).replace("\n", " · "),
            "kind": t(f"causal_graph.{node.kind}"), "score": round(node.score, 2),
            "steps": steps[node.node_id] if steps.get(node.node_id, -1) >= 0 else None,
            "before": before, "after": after,
            "onset": date_time(node.onset_s * 1_000) if node.onset_s else "–",
        })  # fmt: skip
    return tables.grid("causal_graph-node-grid", columns, rows, height=340, row_id="id",
                       select=True)  # fmt: skip
