"""Elements built without Dash's checks of every name: a table of fifty rows has a thousand of them,
and the checks are what such a page costs most."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

from dash.development.base_component import Component

C = TypeVar("C", bound=Component)


def element(kind: type[C], children: Any = None, /, **props: Any) -> C:
    """Return the same component as `kind(children, **props)`, whose names must be right.

    >>> from dash import html
    >>> element(html.Td, "x", className="y").to_plotly_json() == html.Td(
    ...     "x", className="y"
    ... ).to_plotly_json()
    True
    """
    made = kind.__new__(kind)
    vars(made).update(_blank(kind), children=children, **props)
    return made


def copied(component: C, children: Any, /, **props: Any) -> C:
    """Return a copy of a component with other children and these properties beside its own."""
    made = component.__new__(type(component))
    vars(made).update(vars(component), children=children, **props)
    return made


@lru_cache(maxsize=256)
def _blank(kind: type[Component]) -> dict[str, Any]:  # attributes of every sort
    return vars(kind())
