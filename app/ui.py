"""The Dash app on the hub's Flask server: frame, pages, and what errors look like."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import dash
from dash import Input, Output, set_props
from flask import Flask, Response, has_request_context, request, send_from_directory

import pages
from app.compression import YEAR_S
from app.settings import Settings
from components import lazy, shell
from components import scope as scopes
from components.topbar import Standing
from i18n import current, t, tell
from services.errors import AIOBSError, Unauthenticated
from services.fleet import get_filter_options, has_sample_data
from services.workspace import current_workspace

log = logging.getLogger("aiobs.ui")

ASSETS = Path(__file__).parents[1] / "assets"


def install(app: Flask, settings: Settings) -> dash.Dash:
    """Mount the pages; every request to them has passed the guard."""
    lazy.hold_back()
    dash_app = dash.Dash(
        "aiobs",
        server=app,  # type: ignore[arg-type]  # Dash types its argument as bool or callable
        assets_folder=str(ASSETS),
        assets_url_path="/unused-assets",
        include_assets_files=False,
        index_string=shell.index_string(),
        title="AIOBS",
        update_title="",
        suppress_callback_exceptions=True,
        on_error=_report,
    )
    dash_app.layout = lambda: _document(settings)
    pages.register(dash_app)
    _register_filters(dash_app)
    _serve_assets(app)
    app.extensions["aiobs_pages"] = tuple(page.name for page in pages.PAGES)
    app.extensions["aiobs_dash_outputs"] = lambda: dash_app.callback_map
    return dash_app


def _document(settings: Settings) -> Any:  # a Dash component
    """Return the frame with the page that the browser's address names, and its first view."""
    asked = urlsplit(request.referrer or "") if has_request_context() else urlsplit("")
    if not asked.path or asked.netloc != request.host:
        return shell.layout(pages.nav_items(), _standing(settings))
    scope = scopes.parse(asked.query).to_store()
    page = pages.show(unquote(asked.path), scope)
    address = shell.Address(unquote(asked.path), scope, current())
    return shell.layout(pages.nav_items(), _standing(settings), page, address)


def _standing(settings: Settings) -> Standing:
    try:
        ws = current_workspace()
    except Unauthenticated:
        return Standing()  # Dash lays the frame out once for itself, before anybody asks
    return Standing(
        tenant=ws.tenant,
        is_local=settings.auth == "local",
        has_sample=has_sample_data(ws),
        can_sign_out=ws.principal.method == "session",
    )


def _register_filters(dash_app: dash.Dash) -> None:
    @dash_app.callback(Output("filter-options", "data"), Input("scope", "data"))
    def _options(scope: dict[str, Any] | None) -> dict[str, Any]:  # JSON of the scope store
        return get_filter_options(current_workspace(), scopes.parse(scope).model)


def _report(error: Exception) -> None:
    """Show a failed callback as a toast; only its number leaves the server."""
    if isinstance(error, AIOBSError):
        set_props("toast", {"data": {"kind": "bad", "title": tell(error.message)}})
        return
    number = secrets.token_hex(4)
    log.error("error %s in a callback", number, exc_info=error)
    set_props("toast", {"data": {"kind": "bad", "title": t("shell.failed"), "id": number}})


def _serve_assets(app: Flask) -> None:
    """Serve our own files; a versioned address may be kept for ever."""

    @app.get("/assets/<path:name>")
    def assets(name: str) -> Response:
        answer = send_from_directory(ASSETS, name, max_age=YEAR_S)
        answer.cache_control.immutable = True
        return answer
