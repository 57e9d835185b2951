"""Data: whether a model is given sound data, and whether it treats groups of people alike."""

from __future__ import annotations

from typing import Any

from dash import html

from components import live, shell, states
from components.kpi import row
from components.live import View
from components.panel import Provenance, grid, panel
from components.scope import Scope
from i18n import t
from pages import data_panels as panels
from pages import sources
from pages.data_fleet import fleet_figures, fleet_table
from services.data_health import list_data_health
from services.data_quality import get_data_quality, get_freshness
from services.fairness import get_fairness, list_attributes
from services.models import get_model
from services.workspace import Workspace

PATH = "/data"
_PANELS = (
    ("problems", 5, 250), ("columns", 7, 250), ("selection", 5, 240), ("disparities", 7, 240),
)  # fmt: skip


_FLEET = ("fleet", 12, 300)


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them and hides the rest."""
    words = panels.words
    tools = {"selection": live.slot("data-attribute")}
    return html.Div(
        [
            shell.page_header(t("nav.data_health"), words("purpose")),
            live.view_store("data_health"),
            row(*[live.slot(f"data-{n}", states.skeleton(104, "kpi")) for n in ("clean", "fresh")]),
            grid(
                *[
                    panel(
                        words(name), None, panel_id=f"data-{name}", span=span, height=height,
                        definition=words(f"{name}_definition"), tools=tools.get(name),
                    )
                    for name, span, height in (_FLEET, *_PANELS)
                ]
            ),
        ]
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "data_health", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the chosen model's data quality and fairness, or the fleet's, into the page's places."""
    if not scope.model:
        _fill_fleet(ws, view)
        return
    model = get_model(ws, scope.model)
    names = list_attributes(ws, model.model_id)
    by = scope.detail if scope.detail in names else names[0]
    quality = get_data_quality(ws, model.model_id)
    fairness = get_fairness(ws, model.model_id, by)
    view.slot("data-clean", panels.quality_figure(quality))
    if model.last_seen_ms is not None:
        view.slot("data-fresh", panels.freshness_figure(get_freshness(ws, model.model_id)))
    view.slot("data-attribute", panels.choose_attribute(names, by))
    view.hide("data-fleet")
    source = sources.provenance(quality)
    view.panel("data-problems", panels.problems(quality), source, height=250)
    view.panel("data-columns", panels.columns_table(quality), source, height=250)
    source = sources.provenance(fairness)
    view.panel("data-selection", panels.selection(fairness, by), source)
    view.panel("data-disparities", panels.disparities(fairness), source)


def _fill_fleet(ws: Workspace, view: View) -> None:
    rows = list_data_health(ws)
    problems, disparities = fleet_figures(rows)
    view.slot("data-clean", problems)
    view.slot("data-fresh", disparities)
    view.hide(*[f"data-{name}" for name, _, _ in _PANELS])
    source = Provenance(n=len(rows), computed_at_ms=ws.now_ms())
    view.panel("data-fleet", fleet_table(rows), source, height=300)
