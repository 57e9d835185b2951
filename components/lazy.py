"""Scripts of components that arrive with the first page that has one.

The grid and the graph weigh more than everything else but the charts, and most pages have neither.
`assets/lazy.js` stands in for their components until the browser has their script.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from types import ModuleType

import dash_ag_grid
import dash_cytoscape
from dash import dash_table
from dash.fingerprint import build_fingerprint

BUNDLES = ((dash_ag_grid, "AgGrid"), (dash_cytoscape, "Cytoscape"))
"""Package and the one component of it that pages use."""


_UNUSED = "dash_table/bundle.js"
"""Dash links its own table in every document; tables here are plain or AG Grid's."""


def hold_back() -> None:
    """Let Dash serve the bundles without linking them in its document."""
    held = {_UNUSED, *(_bundle(package.__name__) for package, _ in BUNDLES)}
    for package in (dash_table, *(package for package, _ in BUNDLES)):
        for resource in package._js_dist:
            if resource["relative_package_path"] in held:
                resource["async"] = "lazy"


def addresses() -> str:
    """Return the attributes by which `lazy.js` knows components and the addresses of scripts."""
    told = {name: f"{package.__name__} {name} {_address(package)}" for package, name in BUNDLES}
    return " ".join(f'data-{name.lower()}="{escape(value)}"' for name, value in told.items())


def _bundle(name: str) -> str:
    return f"{name}.min.js"


def _address(package: ModuleType) -> str:
    file = Path(str(package.__file__)).with_name(_bundle(package.__name__))
    marked = build_fingerprint(  # type: ignore[no-untyped-call]
        file.name, package.__version__, int(file.stat().st_mtime)
    )
    return f"/_dash-component-suites/{package.__name__}/{marked}"
