"""Data: whether a model is given sound data, and whether it treats groups of people alike."""

from __future__ import annotations

from typing import Any

from dash import html

from components import live, shell, states
from components.kpi import row
from components.live import View
from components.panel import grid, panel
from components.scope import Scope
from i18n import t
from pages import data_panels as panels
from pages import sources
from services.data_quality import get_data_quality, get_freshness
from services.fairness import get_fairness
from services.models import get_model
from services.workspace import Workspace

PATH = "/data"
_PANELS = (
    ("problems", 5, 250), ("columns", 7, 250), ("selection", 5, 240), ("disparities", 7, 240),
)  # fmt: skip


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""
    words = panels.words
    return html.Div(
        [
            shell.page_header(t("nav.data_health"), words("purpose")),
            live.view_store("data_health"),
            row(*[live.slot(f"data-{n}", states.skeleton(104, "kpi")) for n in ("clean", "fresh")]),
            grid(
                *[
                    panel(
                        words(name), None, panel_id=f"data-{name}", span=span, height=height,
                        definition=words(f"{name}_definition"),
                    )
                    for name, span, height in _PANELS
                ]
            ),
        ]
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "data_health", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the chosen model's data quality and fairness into the page's places."""
    if not scope.model:
        _ask_for_model(view)
        return
    model = get_model(ws, scope.model)
    quality = get_data_quality(ws, model.model_id)
    fairness = get_fairness(ws, model.model_id, "user_segment")
    view.slot("data-clean", panels.quality_figure(quality))
    if model.last_seen_ms is not None:
        view.slot("data-fresh", panels.freshness_figure(get_freshness(ws, model.model_id)))
    source = sources.provenance(quality)
    view.panel("data-problems", panels.problems(quality), source, height=250)
    view.panel("data-columns", panels.columns_table(quality), source, height=250)
    source = sources.provenance(fairness)
    view.panel("data-selection", panels.selection(fairness), source)
    view.panel("data-disparities", panels.disparities(fairness), source)


def _ask_for_model(view: View) -> None:
    words = panels.words
    for name in ("clean", "fresh"):
        view.slot(f"data-{name}", None)
    for name, _, height in _PANELS:
        ask = states.empty(words("choose"), hint=words("choose_hint"))
        view.panel(f"data-{name}", ask, height=height)
