"""A graph of nodes and arrows, and the same as a table: who points at whom, how strongly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dash_cytoscape  # at the top: Dash must know its scripts before the first page
from dash import html

from components.tables import Column, table
from components.theme import Status
from engines.result import Interval
from i18n import number, quantity, t


@dataclass(frozen=True, slots=True)
class Node:
    """A node: its id, its words, its status, and how much it matters (0 to 1, drawn as size)."""

    id: str
    label: str
    status: Status = "none"
    weight: float = 0.5
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow from a cause or caller to an effect or callee, with its strength."""

    source: str
    target: str
    strength: float | None = None
    interval: Interval | None = None
    unit: str = ""
    label: str = ""
    status: Status = "none"
    certain: bool = True


def graph_view(
    graph_id: str,
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    *,
    height: int = 420,
    label: str,
) -> html.Div:
    """Return the graph, drawn in layers from left to right; a table says the same in words."""
    positions = layers([n.id for n in nodes], [(e.source, e.target) for e in edges])
    return html.Div(
        [
            dash_cytoscape.Cytoscape(
                id=graph_id,
                elements=elements(nodes, edges, positions),
                layout={"name": "preset", "fit": True, "padding": 24},
                stylesheet=STYLE,
                style={"height": f"{height}px", "width": "100%"},
                minZoom=0.3,
                maxZoom=2.5,
                boxSelectionEnabled=False,
                autoungrabify=False,
                responsive=True,
                className="graph-canvas",
            ),
            html.Details(
                [html.Summary(t("panel.as_table")), edge_table(nodes, edges, caption=label)],
                className="graph-table",
            ),
        ],
        dir="ltr",
    )


def edge_table(nodes: Sequence[Node], edges: Sequence[Edge], *, caption: str) -> html.Div:
    """Return the arrows as rows."""
    names = {node.id: node.label for node in nodes}
    rows = [
        {
            "from": names.get(e.source, e.source),
            "to": names.get(e.target, e.target),
            "strength": _strength(e),
        }
        for e in edges
    ]
    columns = [
        Column("from", t("panel.from_node")),
        Column("to", t("panel.to_node")),
        Column("strength", t("panel.strength")),
    ]
    return table(columns, rows, caption=caption)


def elements(
    nodes: Sequence[Node], edges: Sequence[Edge], positions: dict[str, tuple[float, float]]
) -> list[dict[str, Any]]:
    """Return the cytoscape elements; classes carry the status, the style sheet the colours."""
    largest = max((abs(e.strength) for e in edges if e.strength is not None), default=1.0) or 1.0
    made: list[dict[str, Any]] = [
        {
            "data": {
                "id": n.id, "label": f"{_SIGN[n.status]}{n.label}", "size": 18 + 22 * n.weight,
                "detail": n.detail,
            },
            "position": {"x": positions[n.id][0], "y": positions[n.id][1]},
            "classes": n.status,
        }
        for n in nodes
    ]  # fmt: skip
    made += [
        {
            "data": {
                "id": f"{e.source}→{e.target}", "source": e.source, "target": e.target,
                "label": e.label or (number(e.strength) if e.strength is not None else ""),
                "width": 1 + 4 * abs(e.strength or 0.0) / largest,
            },
            "classes": f"{e.status} {'certain' if e.certain else 'guess'}",
        }
        for e in edges
        if e.source in positions and e.target in positions
    ]  # fmt: skip
    return made


def layers(
    nodes: Sequence[str], edges: Sequence[tuple[str, str]]
) -> dict[str, tuple[float, float]]:
    """Return a place per node: columns by longest path from a source; cycles end the walk."""
    following: dict[str, list[str]] = {name: [] for name in nodes}
    for source, target in edges:
        if source in following and target in following and source != target:
            following[source].append(target)
    depth = dict.fromkeys(nodes, 0)
    for _ in range(len(following)):
        moved = False
        for source, targets in following.items():
            for target in targets:
                if depth[target] < depth[source] + 1 <= len(following) - 1:
                    depth[target] = depth[source] + 1
                    moved = True
        if not moved:
            break
    columns: dict[int, list[str]] = {}
    for name in nodes:
        columns.setdefault(depth[name], []).append(name)
    return {
        name: (210.0 * column, 92.0 * (row - (len(members) - 1) / 2))
        for column, members in columns.items()
        for row, name in enumerate(members)
    }


_SIGN: dict[Status, str] = {"good": "✓ ", "warn": "▲ ", "bad": "✕ ", "none": ""}

# The canvas cannot read CSS variables; these greys and hues keep 3:1 on both grounds.
STYLE: list[dict[str, Any]] = [
    {
        "selector": "node",
        "style": {
            "label": "data(label)", "width": "data(size)", "height": "data(size)",
            "background-color": "#74808d", "font-size": 12, "color": "#74808d",
            "text-valign": "bottom", "text-margin-y": 5, "text-wrap": "wrap",
            "text-max-width": 150, "font-family": "Inter Variable, Noto Sans Arabic, sans-serif",
        },
    },
    {"selector": "node.good", "style": {"background-color": "#1d9a78"}},
    {"selector": "node.warn", "style": {"background-color": "#b97a12", "shape": "round-triangle"}},
    {"selector": "node.bad", "style": {"background-color": "#d9483b", "shape": "round-diamond"}},
    {"selector": "node:selected", "style": {"border-width": 3, "border-color": "#2d8fcb"}},
    {
        "selector": "edge",
        "style": {
            "width": "data(width)", "label": "data(label)", "font-size": 11, "color": "#74808d",
            "line-color": "#8a95a3", "target-arrow-color": "#8a95a3", "curve-style": "bezier",
            "target-arrow-shape": "triangle", "arrow-scale": 0.9, "text-rotation": "autorotate",
            "text-margin-y": -8, "font-family": "Inter Variable, Noto Sans Arabic, sans-serif",
        },
    },
    {"selector": "edge.guess", "style": {"line-style": "dashed"}},
    {"selector": "edge.bad", "style": {"line-color": "#d9483b", "target-arrow-color": "#d9483b"}},
    {"selector": "edge.warn", "style": {"line-color": "#b97a12", "target-arrow-color": "#b97a12"}},
]  # fmt: skip


def _strength(edge: Edge) -> str:
    if edge.strength is None:
        return "–"
    text = quantity(edge.strength, edge.unit)
    if edge.interval is None:
        return text
    low, high = quantity(edge.interval.low, edge.unit), quantity(edge.interval.high, edge.unit)
    return f"{text} ({low} – {high})"
