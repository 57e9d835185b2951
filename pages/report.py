"""A page on paper: its own layout and its own numbers, as one document.

A report is not a second page: it fills the page as for the browser and prints what came out, so
every page that answers scope and tick has one.
"""

from __future__ import annotations

import json
from typing import Any

from plotly.io.json import to_json_plotly

import pages
from components.live import View
from components.printed import print_page
from components.report_document import Cover, document
from components.scope import Scope
from i18n import LANGUAGES, current, date_time, t
from pages import sources
from services.errors import NotFound
from services.models import get_model
from services.workspace import Workspace

_COMPARE = {"previous": "compare_previous", "day": "compare_day", "week": "compare_week"}


HOME = "unified"


def reports() -> dict[str, pages.Page]:
    """Return the pages that have a report, by the last part of their address."""
    found = [page for page in pages.PAGES if hasattr(page.module, "fill")]
    return {page.module.PATH.strip("/") or HOME: page for page in found}


def compose(ws: Workspace, name: str, scope: Scope) -> str:
    """Return the report of a page as an HTML document in the language in use."""
    known = reports()
    if name not in known:
        raise NotFound(f"no page {name!r} has a report", known=sorted(known))
    module: Any = known[name].module
    view = View()
    module.fill(ws, scope, view)
    layout = json.loads(str(to_json_plotly(module.layout())))
    parts = json.loads(view.to_json())[1:]
    gone = {f"panel-{one['index']}" for one, body in parts
            if body is None and one["type"] == "panel-body"}  # fmt: skip
    about = getattr(module, "subject", None)
    cover = _cover(ws, known[name].name, scope, _purpose(layout), about(ws, scope) if about else "")
    return document(cover, print_page(layout, parts), _titles(layout, gone))


def _cover(ws: Workspace, name: str, scope: Scope, purpose: str, about: str) -> Cover:
    """Return the first page; `about` names the subject of a page with a window of its own."""
    start, end = scope.window_ms(ws.now_ms())
    window = about or f"{date_time(start)} – {date_time(end)} UTC"
    facts = {t("report.window"): f"{window} ({scope.describe()})", t("report.tenant"): ws.tenant}
    if about:
        facts = {t("report.focus"): about, t("report.tenant"): ws.tenant}
    facts[t("report.model")] = _model_name(ws, scope.model)
    for key in ("version", "segment"):
        facts[t(f"report.{key}")] = getattr(scope, key) or t("report.all")
    if scope.compare:
        facts[t("report.compared")] = t(f"report.{_COMPARE[scope.compare]}")
    if scope.focus and not about:
        facts[t("report.focus")] = scope.focus
    written = f"{date_time(ws.now_ms(), seconds=True)} UTC"
    facts[t("report.written")] = written
    facts[t("report.written_for")] = sources.reader_name(ws)
    facts[t("report.language")] = LANGUAGES[current()].name
    title = t(f"nav.{name}")
    chosen = [scope.model, scope.version, scope.segment]
    footer = " · ".join(["AIOBS", title, window, *[text for text in chosen if text]])
    return Cover(title, purpose, facts, footer, f"{name}?{scope.to_query()}")


def _model_name(ws: Workspace, model_id: str) -> str:
    if not model_id:
        return t("report.all")
    name = get_model(ws, model_id).name
    return name if name == model_id else f"{name} ({model_id})"


def _purpose(layout: Any) -> str:  # a Dash tree as JSON
    found = _texts(layout, "page-purpose")
    return found[0] if found else ""


def _titles(layout: Any, hidden: set[str]) -> list[str]:
    panels = [node for node in _walk(layout) if "panel" in _classes(node)]
    named = [node.get("data-title") for node in panels if node.get("id") not in hidden]
    return [str(title) for title in named if title]


def _texts(layout: Any, class_name: str) -> list[str]:
    return [str(node.get("children")) for node in _walk(layout) if class_name in _classes(node)]


def _classes(props: dict[str, Any]) -> list[str]:
    return str(props.get("className") or "").split()


def _walk(node: Any) -> list[dict[str, Any]]:
    """Return the properties of every component of a tree."""
    if isinstance(node, list):
        return [found for child in node for found in _walk(child)]
    if not isinstance(node, dict) or "props" not in node:
        return []
    return [node["props"], *_walk(node["props"].get("children"))]
