"""The lists of the settings page: models and keys, a page at a time."""

from __future__ import annotations

from typing import Any

from dash import html

from components import states
from components.address import link
from components.icons import icon
from components.paging import Part
from components.panel import moment
from components.status import mark
from components.tables import Column, paged
from i18n import t
from pages import explore_parts as parts
from services.keys import list_keys
from services.models import list_models
from services.workspace import Workspace

PATH = "/settings"


def words(name: str, /, **values: Any) -> str:
    """Return a text of the settings page."""
    return t(f"settings.{name}", **values)


def models(ws: Workspace, opened: parts.Asked) -> Any:
    """Return what each model is, a page of them."""
    found = list_models(ws)
    if not found:
        return states.empty(t("unified.no_models"), command="python -m app demo")
    part = Part(opened.page("models"), len(found))
    columns = [
        Column("model", t("models.model"), "node"), Column("state", t("models.state"), "node"),
        Column("type", words("type")), Column("owner", words("owner")),
        Column("risk", words("risk")),
        Column("objective", words("objective_short"), "number", "ms"),
    ]  # fmt: skip
    rows = [
        {
            "model": html.A(html.Bdi(m.name), href=link(PATH, model=m.model_id)),
            "state": mark(
                "good" if m.status == "registered" else "warn", t(f"models.{m.status}")
            ),
            "type": words(f"type_{m.model_type}"), "owner": m.owner or "–",
            "risk": words(f"risk_{m.risk_class or 'none'}"), "objective": m.objective_latency_ms,
        }
        for m in found[part.rows]
    ]  # fmt: skip
    return _paged(columns, rows, "models", part, opened)


def _paged(
    columns: list[Column], rows: list[dict[str, Any]], name: str, part: Part, opened: parts.Asked
) -> html.Div:
    return paged(
        columns, rows, caption=words(name), part=part,
        address=lambda at: link("", detail=opened.but(**{name: str(at)})),
    )  # fmt: skip


def keys(ws: Workspace, opened: parts.Asked) -> Any:
    """Return the keys of the tenant, those in use first."""
    if "keys:admin" not in ws.principal.permissions:
        return states.empty(words("no_right"))
    found = list_keys(ws)
    if not found:
        return states.empty(
            words("no_keys"), command=f"python -m app keys create --tenant {ws.tenant} --role sre"
        )
    part = Part(opened.page("keys"), len(found))
    columns = [
        Column("id", words("key_id")), Column("name", words("key_name")),
        Column("role", words("role")), Column("made", words("made"), "node"),
        Column("state", words("state"), "node"),
    ]  # fmt: skip
    rows = [
        {
            "id": key.id, "name": key.name or "–", "role": words(f"role_{key.role}"),
            "made": moment(key.created_at_ms),
            "state": mark("none", words("is_revoked")) if key.revoked else html.Button(
                [icon("x-circle"), html.Span(words("revoke"))], className="btn-quiet",
                id={"type": "settings-revoke", "index": key.id},
            ),
        }
        for key in sorted(found, key=lambda k: (k.revoked, -k.created_at_ms))[part.rows]
    ]  # fmt: skip
    return _paged(columns, rows, "keys", part, opened)
