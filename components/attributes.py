"""`data-*` and `aria-*` attributes as keyword arguments."""

from __future__ import annotations

from typing import Any


def attrs(**values: Any) -> dict[str, Any]:  # whatever a Dash component takes
    """Return the values under their HTML names: `data_action` becomes `data-action`."""
    return {name.replace("_", "-"): value for name, value in values.items()}
