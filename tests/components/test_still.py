from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from dash import dcc, html
from hypothesis import given
from hypothesis import strategies as st

from components.still import still

TAGS = {kind.__name__.lower(): kind for kind in (html.Div, html.Span, html.B, html.Td)}
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\0", exclude_categories=["C"]))
ATTRIBUTES = st.fixed_dictionaries(
    {}, optional={"className": TEXT, "title": TEXT, "data-x": TEXT, "aria-label": TEXT}
)
TREES = st.recursive(
    TEXT,
    lambda inner: st.builds(
        lambda tag, children, props: (tag, children, props),
        st.sampled_from(sorted(TAGS)), st.lists(inner, max_size=3), ATTRIBUTES,
    ),
    max_leaves=8,
)  # fmt: skip


class Reader(HTMLParser):
    """Reads HTML back as (tag, children, attributes); texts side by side become one."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[list[Any]] = [[]]
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {"className" if name == "class" else name: value for name, value in attrs}
        self.stack[-1].append((tag, inner := [], known))
        self.stack.append(inner)

    def handle_endtag(self, tag: str) -> None:
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        here = self.stack[-1]
        if here and isinstance(here[-1], str):
            data = here.pop() + data
        here.append(data)


def component(tree: Any) -> Any:
    if isinstance(tree, str):
        return tree
    tag, children, props = tree
    return TAGS[tag]([component(child) for child in children], **props)


def joined(trees: list[Any]) -> list[Any]:
    found: list[Any] = []
    for tree in trees:
        if isinstance(tree, str):
            if found and isinstance(found[-1], str):
                tree = found.pop() + tree
            if tree:
                found.append(tree)
        else:
            tag, children, props = tree
            found.append((tag, joined(children), props))
    return found


@given(st.lists(TREES, max_size=3))
def test_the_text_reads_back_as_the_elements(trees: list[Any]) -> None:
    sent = still(html.Section([html.P("first"), *map(component, trees)]))
    expected = [("p", ["first"], {}), *joined(trees)]
    assert Reader(getattr(sent, "data-still")).stack[0] == expected


@pytest.mark.parametrize(
    "alive",
    [
        dcc.Input(id="name"),
        html.Div(id={"type": "slot", "index": "a"}),
        html.Button("x", id="save"),
        html.Div(className="what-if"),
        html.Div(**{"data-field": "level"}),
    ],
)
def test_what_callbacks_or_scripts_fill_stays_a_component(alive: Any) -> None:
    sent = still(html.Div([html.P(html.B("a")), html.Div(alive)]))
    assert getattr(sent.children[0], "data-still") == "<b>a</b>"
    assert sent.children[1].children.to_plotly_json() == alive.to_plotly_json()


def test_styles_and_switches_are_written_as_react_writes_them() -> None:
    look = {"width": 3, "zIndex": 2, "WebkitMask": "x", "--share": 1}
    cell = html.Td("1", style=look, hidden=False, colSpan=2, **{"aria-sort": "none"})
    ticked = html.Details("s", open=True, **{"aria-hidden": True})
    text = getattr(still(html.Div([cell, ticked])), "data-still")
    style = "width:3px;z-index:2;-webkit-mask:x;--share:1"
    assert text == (
        f'<td aria-sort="none" colspan="2" style="{style}">1</td>'
        '<details aria-hidden="true" open>s</details>'
    )


def test_the_tree_that_was_given_stays_as_it_was() -> None:
    tree = html.Div([html.P(html.B("a"))])
    before = str(tree)
    still(tree)
    assert str(tree) == before
