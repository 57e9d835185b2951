"""Where vertices go: layers by distance from the effect, clusters by service, neighbourhoods."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from engines.causal.result import CausalEdge, CausalGraph, CausalNode


@dataclass(frozen=True, slots=True)
class Place:
    """Where one vertex is drawn.

    Attributes
    ----------
    node_id : str
        The vertex.
    layer : int
        Steps to the effect along cause edges: 0 is the effect; -1 if it cannot reach it.
    order : int
        Place within the layer, from 0.
    """

    node_id: str
    layer: int
    order: int


def layered(graph: CausalGraph, effect: str) -> tuple[Place, ...]:
    """Return a place for every vertex, layered by its distance from `effect`.

    Parameters
    ----------
    graph : CausalGraph
        From :func:`engines.causal.build_graph`.
    effect : str
        Node id of the selected effect.

    Returns
    -------
    tuple of Place
        Sorted by (layer, order); vertices that do not lead to the effect have layer -1.

    Notes
    -----
    Layer = fewest directed edges to the effect. Within a layer vertices are ordered by the mean
    order of what they point at (one barycentre sweep from the effect outwards), then by higher
    score, then by id, so a redraw never moves a vertex.

    References
    ----------
    Sugiyama, Tagawa, Toda (1981), *Methods for visual understanding of hierarchical system
    structures*, IEEE SMC 11.
    """
    below: dict[str, list[str]] = {}
    above: dict[str, list[str]] = {}
    for edge in graph.edges:
        if edge.kind != "correlates":
            below.setdefault(edge.target, []).append(edge.source)
            above.setdefault(edge.source, []).append(edge.target)
    layer = {effect: 0}
    frontier = [effect]
    while frontier:
        found = sorted({s for node in frontier for s in below.get(node, ()) if s not in layer})
        layer.update(dict.fromkeys(found, layer[frontier[0]] + 1))
        frontier = found
    return _ordered(graph, layer, above)


def clustered(graph: CausalGraph, keep: Sequence[str] = ()) -> CausalGraph:
    """Return the graph with every service folded into one vertex.

    Parameters
    ----------
    graph : CausalGraph
        Any size.
    keep : sequence of str, optional
        Entities that stay unfolded.

    Returns
    -------
    CausalGraph
        A folded vertex has id ``"<entity>|*"``, the highest score and the earliest onset of its
        members; between two vertices only the most confident edge of each kind and direction stays,
        and edges within a fold disappear.
    """
    apart = set(keep)
    into = {
        node.node_id: node.node_id if node.entity in apart else f"{node.entity}|*"
        for node in graph.nodes
    }
    members: dict[str, list[CausalNode]] = {}
    for node in graph.nodes:
        members.setdefault(into[node.node_id], []).append(node)
    nodes = {
        name: some[0] if some[0].node_id == name else _folded(some, name)
        for name, some in members.items()
    }
    edges: dict[tuple[str, str, str], CausalEdge] = {}
    for edge in graph.edges:
        source, target = into.get(edge.source), into.get(edge.target)
        if source is None or target is None or source == target:
            continue
        place = (source, target, edge.kind)
        best = edges.get(place)
        if best is None or edge.confidence > best.confidence:
            edges[place] = edge
    ordered = tuple(
        replace(edges[place], source=place[0], target=place[1]) for place in sorted(edges)
    )
    return replace(graph, nodes=tuple(nodes[n] for n in sorted(nodes)), edges=ordered)


def neighbourhood(
    graph: CausalGraph, effect: str, limit: int, *, always: Collection[str] = ()
) -> CausalGraph:
    """Return at most `limit` vertices around `effect`: `always`, the nearest, the highest score."""
    places = layered(graph, effect)
    score = {node.node_id: node.score for node in graph.nodes}
    far = max((place.layer for place in places), default=0) + 1
    ranked = sorted(
        places,
        key=lambda p: (
            p.node_id not in always,
            p.layer if p.layer >= 0 else far,
            -score[p.node_id],
            p.node_id,
        ),
    )
    kept = {place.node_id for place in ranked[:limit]}
    return replace(
        graph,
        nodes=tuple(node for node in graph.nodes if node.node_id in kept),
        edges=tuple(e for e in graph.edges if e.source in kept and e.target in kept),
    )


def _ordered(
    graph: CausalGraph, layer: dict[str, int], above: dict[str, list[str]]
) -> tuple[Place, ...]:
    score = {node.node_id: node.score for node in graph.nodes}
    layers: dict[int, list[str]] = {}
    for node in graph.nodes:
        layers.setdefault(layer.get(node.node_id, -1), []).append(node.node_id)
    order: dict[str, int] = {}
    for depth in sorted(layers):

        def middle(node: str, depth: int = depth) -> float:
            at = [order[t] for t in above.get(node, ()) if layer.get(t) == depth - 1]
            return sum(sorted(at)) / len(at) if at and depth > 0 else 0.0

        ranked = sorted(layers[depth], key=lambda node: (middle(node), -score[node], node))
        order.update({node: i for i, node in enumerate(ranked)})
        layers[depth] = ranked
    return tuple(
        Place(node, depth, order[node]) for depth in sorted(layers) for node in layers[depth]
    )


def _folded(members: Sequence[CausalNode], name: str) -> CausalNode:
    onsets = [node.onset_s for node in members if node.onset_s is not None]
    return CausalNode(
        name,
        "outcome" if any(node.kind == "outcome" for node in members) else "metric",
        members[0].entity,
        "*",
        members[0].entity,
        max(node.score for node in members),
        min(onsets, default=None),
    )
