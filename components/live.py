"""A page that stays alive: the server says what every slot holds, the browser changes the rest.

A page draws its panels once and answers each tick with one `View`. `assets/live.js` compares slot
by slot: an equal slot is left alone, a chart gets new data without being drawn anew (zoom and
open menus stay), anything else is replaced.
"""

from __future__ import annotations

from typing import Any

import orjson
from dash import Output, dcc, html
from dash.development.base_component import Component

from components.panel import Provenance, content, footer
from components.still import still

Children = Any  # what a Dash component takes as children


def view_store(page: str) -> dcc.Store:
    """Return the store that receives the page's views; put it into the layout."""
    return dcc.Store(id={"type": "view", "index": page})


def view_output(page: str) -> Output:
    """Return the one output of the page's callback; it takes `View.to_answer()`."""
    return Output({"type": "view", "index": page}, "data")


def slot(name: str, children: Children = None, *, block: bool = False) -> html.Div:
    """Return a place that views fill by name; unless `block` it takes no box of its own."""
    return html.Div(
        children, id={"type": "slot", "index": name}, className="slot-block" if block else "slot"
    )


_MARK = "view-mark"


def filled(layout: Component, view: str) -> list[Component]:
    """Return a page with a view already in its places, as one answer of the server.

    The mark that comes with it tells the browser which view it shows, so that the same view is not
    drawn a second time when the page's own callback brings it.
    """
    places = {
        orjson.dumps(node.id, option=orjson.OPT_SORT_KEYS): node
        for node in layout._traverse()  # type: ignore[no-untyped-call]
        if getattr(node, "id", None)
    }
    parts = orjson.loads(view)
    for name, children in parts[1:]:
        place = places.get(orjson.dumps(name, option=orjson.OPT_SORT_KEYS))
        if place is None:
            return [still(layout)]  # a place inside another: the browser finds it, after the first
        place.children = children
        if children is None and name["type"] == "panel-body":
            places[orjson.dumps(f"panel-{name['index']}")].hidden = True
    return [still(layout), html.Div(hidden=True, id=_MARK, **{"data-mark": parts[0]})]


class View:
    """What the slots and panels of a page hold now; `mark` names it among other views."""

    def __init__(self, mark: str = "") -> None:
        self._mark = mark
        self._parts: list[tuple[dict[str, str], Children]] = []

    def panel(
        self, name: str, body: Children, source: Provenance | None = None, *, height: int = 240
    ) -> None:
        """Fill the body of a panel (`Insufficient` becomes its reason) and its footer."""
        self._parts.append(({"type": "panel-body", "index": name}, content(body, height)))
        foot = footer(source) if source else None
        self._parts.append(({"type": "panel-foot", "index": name}, foot))

    def hide(self, *names: str) -> None:
        """Take panels that have nothing to say here off the page, until a view fills them again."""
        self._parts += [({"type": "panel-body", "index": name}, None) for name in names]

    def slot(self, name: str, children: Children) -> None:
        """Fill a slot."""
        self._parts.append(({"type": "slot", "index": name}, children))

    def to_json(self) -> str:
        """Return the view with every element as a component: what a report prints."""
        return _written([self._mark, *self._parts])

    def to_answer(self) -> str:
        """Return the view as the browser reads it."""
        parts = [(place, still(children)) for place, children in self._parts]
        return _written([self._mark, *parts])


def _written(whole: list[Any]) -> str:
    # Plain numbers, lists and components: without Plotly's walk over every value in Python.
    return orjson.dumps(whole, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY).decode()


_names: dict[type[Component], frozenset[str]] = {}


def _plain(value: object) -> Any:  # JSON of a Dash component
    if isinstance(value, Component):
        # The same as `to_plotly_json`, which looks every known property of the element up in turn.
        names = _names.get(type(value)) or _names.setdefault(
            type(value), frozenset(value._prop_names)
        )
        wild = tuple(getattr(value, "_valid_wildcard_attributes", ()))
        props = {
            k: v for k, v in vars(value).items() if k in names or (wild and k.startswith(wild))
        }
        return {"props": props, "type": value._type, "namespace": value._namespace}
    raise TypeError(f"no JSON form for {type(value).__name__}")
