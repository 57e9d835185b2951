"""The drawing of causes: an empty canvas, the tools beside it, and what `assets/causal.js` draws on it.

The server sends places and numbers once; filters, search, folding, playing and files are the browser's.
"""  # noqa: E501

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dash_cytoscape  # at the top: Dash must know its scripts before the first page
from dash import html

from components.attributes import attrs

MOST_NODES = 200
"""More are not readable on one screen: the page folds or cuts before it sends."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One node as it is drawn: `layer` is its distance from the effect, -1 beside the picture."""

    id: str
    kind: str
    entity: str
    label: str
    score: float
    onset_ms: float | None
    layer: int
    order: int
    before: str = ""
    after: str = ""
    members: int = 1


@dataclass(frozen=True, slots=True)
class Arrow:
    """One edge as it is drawn."""

    source: str
    target: str
    kind: str
    weight: float
    lag_s: float
    confidence: float


def canvas(canvas_id: str, *, label: str, words: dict[str, str]) -> html.Div:
    """Return the canvas with its tools; `words` are what the tools say."""
    return html.Div(
        [
            html.Div(
                id=f"{canvas_id}-tools",
                className="causal-tools no-print",
                role="group",
                **attrs(data_words=json.dumps(words, ensure_ascii=False), aria_label=label),
            ),
            html.Div(
                dash_cytoscape.Cytoscape(
                    id=canvas_id,
                    elements=[],
                    layout={"name": "preset", "fit": True, "padding": 30},
                    style={"height": "100%", "width": "100%"},
                    minZoom=0.08,
                    maxZoom=3,
                    boxSelectionEnabled=False,
                    responsive=True,
                    autoRefreshLayout=False,
                ),
                id=f"{canvas_id}-frame",
                className="causal-frame",
                dir="ltr",
                tabIndex=0,
                role="application",
                **attrs(aria_label=label, aria_describedby=f"{canvas_id}-keys"),
            ),
            html.P(words["keys"], id=f"{canvas_id}-keys", className="causal-keys"),
            html.Div(id=f"{canvas_id}-legend", className="causal-legend"),
            html.P(id=f"{canvas_id}-said", className="visually-hidden", role="status"),
        ],
        className="causal",
    )


def drawing(
    canvas_id: str, spots: Sequence[Spot], arrows: Sequence[Arrow], **facts: Any
) -> html.Div:
    """Return what the canvas shows now, as data that the browser reads."""
    data = {
        "nodes": [_plain(spot) for spot in spots],
        "edges": [_plain(arrow) for arrow in arrows],
        **facts,
    }
    return html.Div(
        json.dumps(data, ensure_ascii=False, separators=(",", ":")),
        id=f"{canvas_id}-data",
        hidden=True,
    )


def _plain(one: Spot | Arrow) -> dict[str, Any]:
    # As `dataclasses.asdict`, which copies every value and takes most of a drawing's time.
    return {name: getattr(one, name) for name in one.__slots__}
