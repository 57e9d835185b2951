"""Quickly built elements are what Dash's own constructors make."""

from __future__ import annotations

from typing import Any

import pytest
from dash import html

from components.element import element

GIVEN: list[tuple[Any, Any, dict[str, Any]]] = [
    (html.Tr, [html.Td("a")], {}),
    (html.Th, "a", {"scope": "row", "className": "is-number"}),
    (html.Bdi, "12 ms", {"dir": "ltr"}),
    (html.I, None, {"className": "bi", "aria-hidden": "true"}),
    (html.Time, "now", {"dateTime": "2026-01-01", "data-ago": "1"}),
]


@pytest.mark.parametrize(("kind", "children", "props"), GIVEN)
def test_an_element_is_the_component_that_dash_makes(
    kind: Any, children: Any, props: dict[str, Any]
) -> None:
    assert vars(element(kind, children, **props)) == vars(kind(children, **props))


def test_an_element_keeps_nothing_of_the_one_before() -> None:
    element(html.Td, "a", className="b", id="c")
    assert element(html.Td).to_plotly_json() == html.Td().to_plotly_json()
