"""Addresses inside the hub, and the links that filter a page by what a figure or a list shows."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from dash import html

from components.icons import icon
from i18n import t


def link(path: str, **scope: str) -> str:
    """Return the address of a page; the browser adds what else the reader looks at.

    >>> link("/traces", model="a b")
    '/traces?model=a+b'
    """
    return f"{path}?{urlencode(scope)}"


def packed(**pairs: str) -> str:
    """Return pairs as the text of `focus` or `detail`.

    >>> packed(service="shop", errors="")
    'service=shop'
    """
    return urlencode({key: value for key, value in pairs.items() if value})


def choice(name: str, address: str, **more: Any) -> html.A:
    """Return a name in a list that does what a click on its mark in a figure does.

    `assets/choose.js` takes a filter of this page away when it is chosen once more.
    """
    return html.A(html.Bdi(name, **more), href=address, className="choice")


def chip(label: str, name: str) -> html.A:
    """Return what a panel is narrowed to by `detail`; choosing it takes that away."""
    return html.A(
        [
            html.Span(label, className="filter-chip-name"),
            html.Bdi(name),
            icon("x-lg"),
            html.Span(t("shell.remove_filter"), className="visually-hidden"),
        ],
        href=link("", detail=""),
        className="filter-chip no-print",
    )
