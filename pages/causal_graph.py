"""Why is it red: the causes of one number, the chain from each to it, and the test behind every
step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode

from dash import html

from components import live, shell, states
from components.attributes import attrs
from components.causal_canvas import MOST_NODES, Arrow, Spot, canvas, drawing
from components.live import View
from components.panel import Provenance, grid, panel
from components.scope import Scope
from components.topbar import picker
from engines.causal import CausalGraph, clustered, layered, neighbourhood
from engines.causal.layout import Place
from engines.causal.result import RankedCause
from engines.result import Insufficient
from i18n import date_time, t, tell
from pages import focus, sources
from pages.causal_answer import lead, links, named, ranking
from pages.causal_detail import (
    detail,
    edge_table,
    effect_id,
    level_words,
    node_label,
    node_table,
    suspects,
)
from services.analyses import Job
from services.diagnosis import Diagnosis, diagnose, kept_apart, list_subjects
from services.errors import AIOBSError
from services.numbers import find_numbers
from services.times import HOUR_MS, Window, to_rfc3339
from services.workspace import Workspace

PATH = "/causes"
CANVAS = "causal-canvas"
LONGEST_MS = 6 * HOUR_MS
"""A relative range longer than this asks about the last hours: old troubles would hide new ones."""
Children = Any  # what a Dash component takes as children

TOOLS = (
    "search", "node_kinds", "edge_kinds", "event", "metric", "decision", "outcome", "causes",
    "contributes", "correlates", "confidence", "time", "play", "pause", "show_names",
    "show_before", "show_after", "fold", "unfold", "fit", "zoom_in", "zoom_out", "pin", "unpin",
    "download", "keys", "nothing_found", "png", "svg", "normal", "moved", "effect", "named_cause",
    "of_all", "selected", "folded", "others",
)  # fmt: skip


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""

    def words(name: str) -> str:
        return t(f"causal_graph.{name}")

    body = [
        canvas(CANVAS, label=words("graph"), words=tool_words()),
        live.slot("causal_graph-data"),
    ]
    return html.Div(
        [
            shell.page_header(t("nav.causal_graph"), words("purpose")),
            live.view_store("causal_graph"),
            html.Div(
                [
                    picker("focus", words("subject"), "bullseye", none=words("reddest")),
                    live.slot("causal_graph-links"),
                ],
                className="subject-bar no-print",
            ),
            live.slot("causal_graph-lead", states.skeleton(48, "kpi"), block=True),
            grid(
                panel(
                    words("ranking"), None, panel_id="causal_graph-causes", span=4, height=320,
                    definition=words("ranking_definition"), menu=False,
                ),
                panel(
                    words("graph"), body, panel_id="causal_graph-graph", span=8, height=480,
                    definition=words("graph_definition"), menu=False,
                ),
                panel(
                    words("detail"), None, panel_id="causal_graph-detail", span=12, height=320,
                    definition=words("detail_definition"),
                ),
                panel(
                    words("edges"), None, panel_id="causal_graph-edges", span=12, height=340,
                    definition=words("edges_definition"),
                ),
                panel(
                    words("nodes"), None, panel_id="causal_graph-nodes", span=12, height=340,
                    definition=words("nodes_definition"),
                ),
            ),
        ],
        id="causal-page",
        **attrs(data_own_window="1"),
    )  # fmt: skip


def tool_words() -> dict[str, str]:
    """Return what the tools of the drawing say; the browser fills in the counts."""
    said = {name: t(f"causal_graph.{name}") for name in TOOLS if name != "of_all"}
    return said | {"of_all": t("causal_graph.of_all", shown="{shown}", total="{total}")}


def subject(ws: Workspace, scope: Scope) -> str:
    """Return what the page is about, as its report says it."""
    return focus.subject(ws, scope.focus, t("causal_graph.reddest"))


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "causal_graph", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the diagnosis of what the reader asks about into the page's places."""
    asked = focus.parse(scope.focus)
    first = find_numbers(ws, patience_s=focus.PATIENCE_S).rows
    subjects = focus.options(list_subjects(ws, asked.incident), first, scope.focus)
    try:
        found, renewal = diagnose(
            ws,
            incident_id=asked.incident or None,
            key=asked.key,
            window=_window(ws, scope) if asked.key or scope.is_absolute else None,
        )
    except AIOBSError as error:
        found, renewal = None, None
        view.slot("causal_graph-lead", states.empty(tell(error.message)))
    if not isinstance(found, Diagnosis):
        _waiting(view, found, subjects)
        return
    _show(ws, scope, view, found, subjects)
    view.slot("causal_graph-lead", lead(ws, found, renewal))


def _window(ws: Workspace, scope: Scope) -> Window | None:
    """Return the window the reader chose; None, the engine's own, for a long range up to now."""
    chosen = sources.window_of(ws, scope)
    if scope.is_absolute:
        return chosen
    if chosen.length_ms > LONGEST_MS:
        return None
    minute = 60_000  # a window that moves every millisecond would never be found again
    return Window(chosen.start_ms // minute * minute, chosen.end_ms // minute * minute)


def _waiting(view: View, job: Job | None, subjects: list[dict[str, str]]) -> None:
    if job is not None:
        view.slot("causal_graph-lead", focus.progress(job))
    view.slot("causal_graph-data", drawing(CANVAS, (), (), subjects=subjects, waiting=True))
    panels = [f"causal_graph-{name}" for name in ("causes", "detail", "edges", "nodes")]
    if job is None or job.state != "running":
        view.hide(*panels)
        return
    for name in panels:
        view.panel(name, states.skeleton())


def _show(
    ws: Workspace, scope: Scope, view: View, found: Diagnosis, subjects: list[dict[str, str]]
) -> None:
    opened = parse_qs(scope.detail, max_num_fields=60)
    picked = opened.get("pick", [""])[0]
    fold = opened.get("fold", [""])[0]
    source = _source(found)
    graph = found.graph.graph
    view.slot("causal_graph-links", links(ws, found))
    brief = replace(source, window="")  # a narrow panel; the ones below say which window it was
    view.panel("causal_graph-causes", ranking(found), brief, height=320)
    if graph is None:
        lack = found.graph.insufficient or Insufficient(t("causal_graph.nothing_found"))
        view.slot("causal_graph-data", drawing(CANVAS, (), (), subjects=subjects))
        view.panel("causal_graph-detail", lack)
        view.panel("causal_graph-edges", lack)
        view.panel("causal_graph-nodes", lack)
        return
    drawn, is_folded = readable(graph, found, fold, opened.get("open", []))
    places = _places(found, drawn)
    steps = {node_id: place.layer for node_id, place in places.items()}
    data = _drawing(found, graph, drawn, places, is_folded, picked, subjects)
    view.slot("causal_graph-data", data)
    view.panel("causal_graph-detail", detail(ws, found, graph, drawn, picked), source, height=320)
    cause = named(found)
    arrows = edge_table(drawn, steps, _chain_ids(cause) if cause else ())
    view.panel("causal_graph-edges", arrows, source, height=340)
    view.panel("causal_graph-nodes", node_table(drawn, found, steps), source, height=340)


def readable(
    graph: CausalGraph, found: Diagnosis, fold: str, opened: Sequence[str]
) -> tuple[CausalGraph, bool]:
    """Return what can be read on one screen, and whether services were folded for it.

    Up to 200 nodes stand for themselves; beyond, or when the reader wants it, each service is one
    node, but for the effect's, those on a suspect's chain, and those the reader opened.
    """
    is_folded = fold == "1" or (fold != "0" and len(graph.nodes) > MOST_NODES)
    effect = effect_id(found)
    if is_folded and found.folded is not None and not opened:
        graph = found.folded
    elif is_folded:
        apart = kept_apart(found.node, found.causes)
        graph = clustered(graph, [*apart, *opened])
    if len(graph.nodes) > MOST_NODES:
        chains = {name for c in suspects(found)[:2] for name in _chain_ids(c)}
        start = effect or graph.nodes[0].node_id
        graph = neighbourhood(graph, start, MOST_NODES, always=chains)
    return graph, is_folded


def _places(found: Diagnosis, graph: CausalGraph) -> dict[str, Place]:
    effect = effect_id(found)
    return {p.node_id: p for p in layered(graph, effect)} if effect else {}


def _source(found: Diagnosis) -> Provenance:
    graph = found.graph.graph
    start, end = date_time(found.window.start_ms), date_time(found.window.end_ms)
    result = found.causes.result if found.causes else None
    return Provenance(
        window=f"{start} – {end} UTC",
        n=graph.n_rows if graph else None,
        computed_at_ms=found.computed_at_ms,
        method=_method(result.method) if result else (graph.method if graph else ""),
    )


def _method(code: str) -> str:
    """Return the way a ranking was made: `walk+logs` and the like."""
    return " + ".join(t(f"causal_graph.method_{part}") for part in code.split("+"))


def _drawing(
    found: Diagnosis,
    whole: CausalGraph,
    graph: CausalGraph,
    places: Mapping[str, Place],
    is_folded: bool,
    picked: str,
    subjects: list[dict[str, str]],
) -> html.Div:
    effect = effect_id(found)
    levels = {level.node_id: level for level in found.levels}
    first = named(found)
    chain = _chain_ids(first) if first else []
    # An event may touch the effect too: on the chain it stands where it started what came.
    along = {node_id: steps for steps, node_id in enumerate(reversed(chain))}
    layers = {node_id: place.layer for node_id, place in places.items()} | along
    spots = [
        Spot(
            n.node_id, n.kind, n.entity, node_label(n), round(n.score, 3),
            None if n.onset_s is None else n.onset_s * 1_000,
            layers.get(n.node_id, -1),
            places[n.node_id].order if n.node_id in places else 0,
            *level_words(n.metric, levels.get(n.node_id)),
        )
        for n in graph.nodes
    ]  # fmt: skip
    arrows = [
        Arrow(e.source, e.target, e.kind, round(e.weight, 3), e.lag_s, round(e.confidence, 4))
        for e in graph.edges
    ]
    return drawing(
        CANVAS, spots, arrows, subjects=subjects, effect=effect, chain=chain, picked=picked,
        cause=f"{first.node}|{first.metric}" if first else None,
        folded=is_folded, total=len(whole.nodes), edges_total=len(whole.edges),
        window=[found.window.start_ms, found.window.end_ms], onset=found.onset_ms,
        file=_file_query(found),
    )  # fmt: skip


def _chain_ids(cause: RankedCause) -> list[str]:
    return [f"event|{s.event_id}" if s.event_id else f"{s.node}|{s.metric}" for s in cause.chain]


def _file_query(found: Diagnosis) -> str:
    pairs = {"start": to_rfc3339(found.window.start_ms), "end": to_rfc3339(found.window.end_ms)}
    if found.node and found.metric:
        pairs |= {"node": found.node, "metric": found.metric}
    return urlencode(pairs)
