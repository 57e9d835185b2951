"""Names of attributes and styles, between Python, Dash and HTML."""

from __future__ import annotations

from typing import Any


def attrs(**values: Any) -> dict[str, Any]:  # whatever a Dash component takes
    """Return the values under their HTML names: `data_action` becomes `data-action`."""
    return {name.replace("_", "-"): value for name, value in values.items()}


def kebab(name: str) -> str:
    """Return the name of a style as CSS writes it.

    >>> kebab("WebkitMaskImage"), kebab("--share")
    ('-webkit-mask-image', '--share')
    """
    if name.startswith("--"):
        return name
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name)
