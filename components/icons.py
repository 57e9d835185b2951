"""Icons: decoration beside words, hidden from screen readers."""

from __future__ import annotations

from dash import html

from components.attributes import attrs
from components.element import element


def icon(name: str, **more: str) -> html.I:
    """Return a Bootstrap icon by its name."""
    class_name = f"bi bi-{name} {more.pop('className', '')}".strip()
    return element(html.I, className=class_name, **attrs(aria_hidden="true", **more))
