"""Elements that nothing in Dash will ever change go to the browser as text, not as components.

Dash's renderer keeps a subscription per component and asks each at every change of its store, so
a page of 1,700 elements took seconds to open. An element whose inside only shows something keeps
its place as a component, and `data-still` holds its inside as HTML; `assets/still.js` puts it in
and later changes what differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dash.development.base_component import Component

from components.attributes import kebab
from components.element import copied

Node = Any  # a Dash component, text, number, None, a list of these, or one already as JSON

_ATTRIBUTE = {"className": "class", "htmlFor": "for"}
_VOID = frozenset({"area", "br", "col", "hr", "img", "wbr"})
_UNITLESS = frozenset(
    {"flex", "flexGrow", "flexShrink", "fontWeight", "lineHeight", "opacity", "order", "zIndex"}
)
_READ_ALOUD = ("-title", "-definition")
"""Ends of ids that only other elements' `aria-*` attributes name."""
_FILLED_BY_SCRIPTS = frozenset({"what-if", "menu-views", "chart-choices", "moment-field"})

_OWN = frozenset({"children", "key", "n_clicks", "n_clicks_timestamp", "disable_n_clicks"})
"""Of the component, not of the element; so is what starts with `_` or `available_`."""


def still(node: Node) -> Node:
    """Return the tree with the inside of every unchanging element as text.

    >>> from dash import html
    >>> still(html.P(["a ", html.B("<b>")])).to_plotly_json()["props"]
    {'children': None, 'data-still': 'a <b>&lt;b&gt;</b>'}
    """
    return _look(node)[0]


def _look(node: Node) -> tuple[Node, str | None]:
    """Return the node to send, and its HTML when nothing in it can change."""
    if node is None or isinstance(node, bool):
        return node, ""
    if isinstance(node, (str, int, float)):
        return node, escape(str(node), quote=False)
    if isinstance(node, (list, tuple)):
        return _look_at_all(node)
    if not isinstance(node, Component):
        return node, None
    children, inside = _look(getattr(node, "children", None))
    if inside is None:
        return copied(node, children), None
    attributes = _attributes(node)
    if attributes is None:
        # It may change itself, but not what stands in it: that is still one by one.
        return copied(node, children), None
    tag = node._type.lower()
    whole = f"<{tag}{attributes}>" + ("" if tag in _VOID else f"{inside}</{tag}>")
    if "<" not in inside:
        return node, whole
    return copied(node, None, **{"data-still": inside}), whole


def _look_at_all(nodes: Sequence[Node]) -> tuple[list[Node], str | None]:
    seen = [_look(node) for node in nodes]
    texts = [text for _, text in seen]
    whole = None if None in texts else "".join(text for text in texts if text is not None)
    return [node for node, _ in seen], whole


def _attributes(node: Component) -> str | None:
    """Return the attributes as HTML; None where callbacks or scripts fill the element."""
    if node._namespace != "dash_html_components":
        return None
    parts = []
    for name, value in sorted(vars(node).items()):  # Dash keeps them in no order
        if value is None or name in _OWN or name.startswith(("_", "available_")):
            continue
        text = _attribute(name, value)
        if text is None:
            return None
        parts.append(text)
    return "".join(parts)


def _attribute(name: str, value: object) -> str | None:
    if name == "id" and not (isinstance(value, str) and value.endswith(_READ_ALOUD)):
        return None
    if name == "data-field":
        return None
    if name == "className" and not _FILLED_BY_SCRIPTS.isdisjoint(str(value).split()):
        return None
    if name == "style" and isinstance(value, dict):
        text = ";".join(f"{kebab(key)}:{_length(key, one)}" for key, one in value.items())
        return f' style="{escape(text)}"'
    if isinstance(value, bool) and not name.startswith(("aria-", "data-")):
        return f" {name.lower()}" if value else ""
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, (str, int, float)):
        return None
    return f' {_ATTRIBUTE.get(name, name.lower())}="{escape(str(value))}"'


def _length(name: str, value: object) -> str:
    """Return a value of a style; a bare number is in pixels, as React takes it."""
    is_bare = isinstance(value, (int, float)) and value != 0
    return f"{value}px" if is_bare and name not in _UNITLESS and name[:2] != "--" else str(value)
