"""A causal graph as files other tools read: node-link JSON and GraphML."""

from __future__ import annotations

from typing import Any, Literal
from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec

from engines.causal import CausalGraph
from services.causal import Graph, build_graph
from services.identity import permitted
from services.sentences import english
from services.times import Window, to_rfc3339
from services.workspace import Workspace

Format = Literal["json", "graphml"]
_NODE: tuple[tuple[str, str], ...] = (
    ("kind", "string"), ("entity", "string"), ("metric", "string"), ("label", "string"),
    ("score", "double"), ("onset_s", "double"),
)  # fmt: skip
_EDGE: tuple[tuple[str, str], ...] = (
    ("kind", "string"), ("weight", "double"), ("lag_s", "double"), ("confidence", "double"),
    ("evidence", "string"),
)  # fmt: skip
_NAMESPACE = "http://graphml.graphdrawing.org/xmlns"


@permitted("causal:read")
def export_graph(
    ws: Workspace,
    form: Format,
    *,
    node: str | None = None,
    metric: str | None = None,
    window: Window | None = None,
) -> bytes:
    """Return the whole causal graph of a window as a file, evidence included."""
    found = build_graph(ws, node=node, metric=metric, window=window)
    return graphml(found) if form == "graphml" else node_link(found)


def node_link(found: Graph) -> bytes:
    """Return node-link JSON as `networkx.node_link_graph(..., edges="links")` reads it."""
    graph = found.graph
    body = {
        "directed": True,
        "multigraph": False,
        "graph": _facts(found),
        "nodes": [{"id": n.node_id, **_values(n, _NODE)} for n in graph.nodes] if graph else [],
        "links": [{"source": e.source, "target": e.target, **_edge_values(e)} for e in graph.edges]
        if graph
        else [],
    }
    return msgspec.json.format(msgspec.json.encode(body, enc_hook=english), indent=1)


def graphml(found: Graph) -> bytes:
    """Return GraphML; numbers that are not known are left out."""
    root = Element("graphml", {"xmlns": _NAMESPACE})
    for domain, names in (("node", _NODE), ("edge", _EDGE)):
        for name, kind in names:
            SubElement(
                root,
                "key",
                {"id": f"{domain}_{name}", "for": domain, "attr.name": name, "attr.type": kind},
            )
    graph = found.graph or CausalGraph((), (), 0, 0.0, (0.0, 0.0), 0, ())
    body = SubElement(root, "graph", {"id": "causes", "edgedefault": "directed"})
    for node in graph.nodes:
        spot = SubElement(body, "node", {"id": _clean(node.node_id)})
        _data(spot, "node", _values(node, _NODE))
    for edge in graph.edges:
        ends = {"source": _clean(edge.source), "target": _clean(edge.target)}
        _data(SubElement(body, "edge", ends), "edge", _edge_values(edge))
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root)


def _facts(found: Graph) -> dict[str, Any]:
    return {
        "effect": [found.effect_node, found.effect_metric] if found.effect_node else None,
        "computed_at": to_rfc3339(found.computed_at_ms),
        "start": to_rfc3339(found.window.start_ms),
        "end": to_rfc3339(found.window.end_ms),
        "method": found.graph.method if found.graph else None,
        "rows": found.graph.n_rows if found.graph else 0,
        "insufficient": found.insufficient.reason if found.insufficient else None,
    }


def _values(item: Any, names: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {name: getattr(item, name) for name, _ in names}


def _edge_values(edge: Any) -> dict[str, Any]:
    plain = _values(edge, tuple(pair for pair in _EDGE if pair[0] != "evidence"))
    return plain | {"evidence": " ".join(reason.sentence for reason in edge.evidence)}


def _data(parent: Element, domain: str, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if value is not None:
            SubElement(parent, "data", {"key": f"{domain}_{name}"}).text = _clean(str(value))


def _clean(text: str) -> str:
    """Return the text without characters that XML 1.0 does not allow."""
    return "".join(c if c >= " " or c in "\t\n\r" else "\ufffd" for c in text)
