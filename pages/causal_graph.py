"""Why is it red: the causes of one number, the chain from each to it, and the test behind every
step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode

from dash import html

from components import live, shell, states
from components.causal_canvas import MOST_NODES, Arrow, Spot, canvas, drawing
from components.icons import icon
from components.live import View
from components.panel import Provenance, grid, panel
from components.scope import Scope
from components.tables import meter, meters
from components.topbar import picker
from engines.causal import CausalGraph, clustered, layered, neighbourhood
from engines.causal.result import RankedCause
from engines.result import Insufficient
from i18n import date_time, percent, t, tell
from pages import focus, sources
from pages.causal_detail import (
    detail,
    edge_table,
    effect_id,
    level_words,
    node_label,
    node_table,
    pick,
    reasons,
    suspects,
)
from pages.focus import Focus
from services.analyses import Job
from services.diagnosis import Diagnosis, diagnose, kept_apart, list_subjects
from services.errors import AIOBSError
from services.numbers import find_numbers
from services.slo import list_objectives
from services.times import HOUR_MS, Window, to_rfc3339
from services.workspace import Workspace

PATH = "/causes"
CANVAS = "causal-canvas"
LONGEST_MS = 6 * HOUR_MS
"""A relative range longer than this asks about the last hours: old troubles would hide new ones."""
SHOWN_CAUSES = 5
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
                    words("graph"), body, panel_id="causal_graph-graph", span=12, height=480,
                    definition=words("graph_definition"), menu=False,
                ),
                panel(
                    words("ranking"), None, panel_id="causal_graph-causes", span=5, height=320,
                    definition=words("ranking_definition"), menu=False,
                ),
                panel(
                    words("detail"), None, panel_id="causal_graph-detail", span=7, height=320,
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
    )  # fmt: skip


def tool_words() -> dict[str, str]:
    """Return what the tools of the drawing say; the browser fills in the counts."""
    said = {name: t(f"causal_graph.{name}") for name in TOOLS if name != "of_all"}
    return said | {"of_all": t("causal_graph.of_all", shown="{shown}", total="{total}")}


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "causal_graph", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the diagnosis of what the reader asks about into the page's places."""
    asked = focus.parse(scope.focus)
    first = find_numbers(ws, patience_s=focus.PATIENCE_S).rows
    subjects = focus.options(list_subjects(ws), first, scope.focus)
    try:
        found = diagnose(
            ws,
            incident_id=asked.incident or None,
            key=asked.key,
            window=None if asked.incident else _window(ws, scope),
        )
    except AIOBSError as error:
        found = None
        view.slot("causal_graph-lead", states.empty(tell(error.message)))
    if not isinstance(found, Diagnosis):
        _waiting(view, found, subjects)
        return
    _show(ws, scope, view, found, subjects)


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
    for name in ("causes", "detail", "edges", "nodes"):
        body = None if job is not None and job.state == "running" else states.empty("–")
        view.panel(f"causal_graph-{name}", body)


def _show(
    ws: Workspace, scope: Scope, view: View, found: Diagnosis, subjects: list[dict[str, str]]
) -> None:
    opened = parse_qs(scope.detail, max_num_fields=60)
    picked = opened.get("pick", [""])[0]
    fold = opened.get("fold", [""])[0]
    source = _source(found)
    graph = found.graph.graph
    view.slot("causal_graph-links", _links(found, _promises(ws)))
    view.slot("causal_graph-lead", _lead(found))
    view.panel("causal_graph-causes", _ranking(found), source, height=320)
    if graph is None:
        lack = found.graph.insufficient or Insufficient(t("causal_graph.nothing_found"))
        view.slot("causal_graph-data", drawing(CANVAS, (), (), subjects=subjects))
        view.panel("causal_graph-detail", lack)
        view.panel("causal_graph-edges", lack)
        view.panel("causal_graph-nodes", lack)
        return
    drawn, is_folded = readable(graph, found, fold, opened.get("open", []))
    view.slot("causal_graph-data", _drawing(found, graph, drawn, is_folded, picked, subjects))
    view.panel("causal_graph-detail", detail(ws, found, graph, drawn, picked), source, height=320)
    view.panel("causal_graph-edges", edge_table(drawn), source, height=340)
    view.panel("causal_graph-nodes", node_table(drawn, found), source, height=340)


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


def _promises(ws: Workspace) -> dict[str, str]:
    """Return the address of an objective of each model and service that has one."""
    return {
        o.definition.subject: urlencode({"focus": urlencode({"slo": o.id})})
        for o in list_objectives(ws)
    }


def _links(found: Diagnosis, promised: dict[str, str]) -> Children:
    """Return where else the subject is told of: objective, incident, model, impact."""
    made = []
    if found.node in promised:
        made.append(_link(f"/slo?{promised[found.node]}", "bullseye", t("nav.slo")))
    if found.incident is not None:
        ask = urlencode({"focus": Focus(incident=found.incident.id).to_text()})
        made.append(_link(f"/incidents?{ask}", "clipboard2-pulse", t("causal_graph.incident")))
        made.append(_link(f"/impact?{ask}", "cash-stack", t("nav.impact")))
        if found.incident.subject_kind == "model":
            name = urlencode({"model": found.incident.subject})
            made.append(_link(f"/models?{name}", "cpu", found.incident.subject))
    return html.Div(made, className="subject-links")


def _link(href: str, glyph: str, words: str) -> html.A:
    return html.A([icon(glyph), html.Bdi(words)], href=href, className="btn-quiet")


def _lead(found: Diagnosis) -> Children:
    """Return the answer in one sentence."""
    if found.node is None or found.metric is None:
        return states.calm(t("causal_graph.calm"), t("causal_graph.calm_hint"))
    effect = focus.title((found.node, found.metric))
    result = found.causes.result if found.causes else None
    if result is None or result.cause is None:
        reason = result.reason if result else ""
        lack = found.causes.insufficient if found.causes else None
        words = t("causal_graph.no_cause", effect=effect)
        because = lack.reason if lack else reason
        return html.Div(
            [
                icon("question-circle"),
                html.P([html.Strong(words), " ", html.Span(tell(because), dir="auto")]),
            ],
            className="answer",
        )
    cause = result.cause
    words = t(
        "causal_graph.answer",
        cause=focus.title((cause.node, cause.metric)),
        effect=effect,
        confidence=percent(cause.confidence, decimals=0),
    )
    event = next((e for e in cause.evidence if e.key == "event_before_onset"), None)
    parts: list[Any] = [html.Strong(words)]
    if event is not None:
        parts += [" ", focus.sentence(event)]
    if found.onset_ms:
        parts += [" ", t("causal_graph.since", time=f"{date_time(found.onset_ms)} UTC")]
    return html.Div([icon("bullseye"), html.P(parts)], className="answer answer-found")


def _ranking(found: Diagnosis) -> Children:
    causes = suspects(found)[:SHOWN_CAUSES]
    if not causes:
        lack = found.causes.insufficient if found.causes else None
        return lack or states.empty(t("causal_graph.no_suspect"))
    listed = [_cause(cause, _is_named(found)) for cause in causes]
    ranked = html.Ol(listed, className="cause-list")
    if _is_named(found):
        return ranked
    return html.Div([html.P(t("causal_graph.not_named"), className="muted"), ranked])


def _is_named(found: Diagnosis) -> bool:
    """Whether a cause is named, rather than suspects listed as places to look."""
    result = found.causes.result if found.causes else None
    return result is not None and result.cause is not None


def _cause(cause: RankedCause, is_named: bool) -> html.Li:
    rows = []
    if is_named:
        words = percent(cause.confidence)
        rows.append(meter(t("causal_graph.confidence"), cause.confidence, words))
    if cause.share is not None:
        rows.append(meter(t("causal_graph.share"), cause.share, percent(cause.share)))
    steps: list[Any] = []
    for at, step in enumerate(cause.chain):
        if at:
            steps.append(icon("arrow-right-short", className="flip"))
        steps.append(html.Bdi(focus.title((step.node, step.metric))))
    title = focus.title((cause.node, cause.metric))
    return html.Li(
        [
            pick(f"{cause.node}|{cause.metric}", title),
            meters(rows) if rows else None,
            html.P(steps, className="chain") if len(cause.chain) > 1 else None,
            reasons(cause.evidence, "plus-lg", t("causal_graph.speaks_for")),
            reasons(cause.against, "dash-lg", t("causal_graph.speaks_against")),
        ]
    )


def _drawing(
    found: Diagnosis,
    whole: CausalGraph,
    graph: CausalGraph,
    is_folded: bool,
    picked: str,
    subjects: list[dict[str, str]],
) -> html.Div:
    effect = effect_id(found)
    places = {p.node_id: p for p in layered(graph, effect)} if effect else {}
    levels = {level.node_id: level for level in found.levels}
    first = suspects(found)[0] if _is_named(found) else None
    chain = _chain_ids(first) if first else []
    spots = [
        Spot(
            n.node_id, n.kind, n.entity, node_label(n), round(n.score, 3),
            None if n.onset_s is None else n.onset_s * 1_000,
            places[n.node_id].layer if n.node_id in places else -1,
            places[n.node_id].order if n.node_id in places else 0,
            *level_words(n, levels.get(n.node_id)),
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
