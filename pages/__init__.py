"""The pages in navigation order, and the router that shows one.

A page module offers `PATH`, `layout()` (drawn at once, with skeletons) and `register(dash_app)`;
most register one callback with `pages.sources.register_live`. The title of a page is
`nav.<name>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from dash import Input, Output, State

from components import live, shell, states
from components.shell import NavItem
from components.still import still
from i18n import t
from pages import sources
from services.errors import Forbidden, Unauthenticated
from services.profiles import current_profile
from services.workspace import current_workspace


class PageModule(Protocol):
    """What `pages/<name>.py` offers."""

    PATH: str

    def layout(self) -> Any: ...
    def register(self, dash_app: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the name of its module and catalogue, its icon, its group in the navigation, and
    which filters of the scope change what it shows."""

    name: str
    icon: str
    group: str
    filters: tuple[str, ...] = ()

    @property
    def module(self) -> PageModule:
        """The module, imported on first use."""
        return import_module(f"pages.{self.name}")


_M = ("model",)
_ALL = ("model", "version", "segment")
PAGES: tuple[Page, ...] = (
    Page("unified", "grid-1x2", "overview", _M),
    Page("models", "boxes", "overview", _ALL),
    Page("incidents", "exclamation-diamond", "overview", _M),
    Page("slo", "bullseye", "overview", _M),
    Page("explore", "graph-up", "explore", _M),
    Page("correlation", "grid-3x3", "explore", _M),
    Page("logs", "card-text", "explore", _M),
    Page("traces", "bar-chart-steps", "explore", _M),
    Page("technical", "speedometer2", "people", ("model", "version")),
    Page("security", "shield-lock", "people", _M),
    Page("data_health", "clipboard2-data", "people", _M),
    Page("executive", "briefcase", "people"),
    Page("compliance", "clipboard-check", "people"),
    Page("sustainability", "leaf", "people", _ALL),
    Page("business", "graph-up-arrow", "people", _ALL),
    Page("causal_graph", "diagram-3", "causes"),
    Page("impact", "cash-stack", "causes"),
    Page("audit", "link-45deg", "govern"),
    Page("settings", "gear", "govern"),
)


def nav_items() -> list[NavItem]:
    """Return the navigation in the language in use; the pages of the reader's profile lead."""
    mine = _profile_pages()
    first = [page for name in mine for page in PAGES if page.name == name]
    rest = [page for page in PAGES if page not in first]
    return [_nav_item(page, t("profiles.group_mine")) for page in first] + [
        _nav_item(page, t(f"nav.group_{page.group}")) for page in rest
    ]


def _nav_item(page: Page, group: str) -> NavItem:
    return NavItem(page.module.PATH, t(f"nav.{page.name}"), page.icon, group, page.filters)


def _profile_pages() -> tuple[str, ...]:
    try:
        profile = current_profile(current_workspace())
    except (Unauthenticated, Forbidden):
        return ()  # Dash lays the frame out once for itself, before anybody asks
    return profile.pages if profile else ()


def show(path: str | None, scope: dict[str, Any] | None = None) -> Any:  # Dash children
    """Return the page at `path`, with its first view where that comes soon enough; or a sentence
    that there is no such page."""
    for page in PAGES:
        module: Any = page.module
        if module.PATH == (path or "/"):
            layout = module.layout()
            view = sources.early_answer(page.name, module.fill, scope) if scope else None
            return live.filled(layout, view) if view else still(layout)
    return states.empty(t("shell.unknown_page"), hint=t("shell.unknown_page_hint"))


def register(dash_app: Any) -> None:  # a dash.Dash
    """Register the router, the frame's client side, and every page's callbacks."""
    shell.register(dash_app, nav_items)

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("page", "children"),
        Input("path", "data"),
        Input("lang", "data"),
        State("scope", "data"),
        prevent_initial_call=True,  # the document came with its page
    )
    def _show(path: str | None, _lang: str | None, scope: dict[str, Any] | None) -> Any:
        return show(path, scope)

    for page in PAGES:
        page.module.register(dash_app)
