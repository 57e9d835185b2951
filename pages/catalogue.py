"""The catalogue of models: searched, sorted and paged by the address, computed a page at a time."""

from __future__ import annotations

from typing import Any

from dash import html

from components import paging, states, tables
from components.address import link, packed
from components.live import View
from components.paging import Part, Sorting
from components.panel import Provenance, grid, moment, panel
from components.scope import Scope
from components.status import mark
from components.tables import Column
from i18n import number, t
from pages import explore_parts as parts
from pages import sources
from services.catalogue import SORTS, CataloguePage, list_catalogue
from services.fleet import ModelGlance
from services.workspace import Workspace

PATH = "/models"
USUAL = "health"


def words(name: str, /, **values: str) -> str:
    """Return a text of the models page."""
    return t(f"models.{name}", **values)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the search field and the page of the list that the address names into their places."""
    asked = parts.asked(scope)
    text = asked.one("find")
    key, descending = paging.asked_sort(asked.one("sort"), SORTS, USUAL)
    sort = next(known for known in SORTS if known == key)
    at = parts.opened(scope).page("page")
    found = list_catalogue(
        ws, sources.window_of(ws, scope), text=text, sort=sort, descending=descending, page=at
    )
    if not found.models:
        view.slot("models-find", None)
        view.slot("models-body", states.empty(words("none"), command="python -m app demo"))
        return
    view.slot(
        "models-find", parts.toolbar(parts.field("find", words("find"), hint=words("find_hint")))
    )
    sorting = Sorting(key, descending, SORTS, lambda to: _sorted_by(asked, to))
    source = Provenance(scope.describe(), found.found, computed_at_ms=ws.now_ms())
    listed = panel(
        words("catalogue"), _list(found, sorting), panel_id="models-list", source=source, span=12,
        definition=words("catalogue_definition"),
    )  # fmt: skip
    view.slot("models-body", grid(listed))


def _sorted_by(asked: parts.Asked, to: str) -> str:
    return link("", focus=asked.but(sort="" if to == USUAL else to), detail="")


def _list(found: CataloguePage, sorting: Sorting) -> Any:
    if not found.rows:
        return states.empty(words("none_found", n=number(found.models)))
    columns = [
        Column("name", words("model"), "node"),
        Column("health", t("unified.health"), "node"),
        Column("trust", words("trust"), "number"),
        Column("type", words("type")),
        Column("state", words("state")),
        Column("requests", t("unified.requests"), "number"),
        Column("errors", words("error_rate"), "number", "share"),
        Column("seen", words("last_seen"), "node"),
    ]
    return tables.paged(
        columns, [_row(model) for model in found.rows], caption=words("catalogue"),
        part=Part(found.page, found.found), sorting=sorting,
        address=lambda at: link("", detail=packed(page=str(at))),
    )  # fmt: skip


def _row(model: ModelGlance) -> dict[str, Any]:  # cells of every kind
    sent = model.traffic
    return {
        "name": html.A(
            html.Bdi(model.name), href=link(PATH, model=model.model_id, focus="", detail="")
        ),
        "health": mark(*sources.health_words(model.health)),
        "trust": model.trust,
        "type": t(f"settings.type_{model.model_type}"),
        "state": words(model.status),
        "requests": float(sent.requests) if sent else None,
        "errors": sent.error_rate if sent else None,
        "seen": moment(model.last_seen_ms) if model.last_seen_ms else "–",
    }
