"""Audit: what was changed, by whom, and that nobody rewrote it."""

from __future__ import annotations

from typing import Any

from dash import html

from components import live, paging, shell, states
from components.address import link, packed
from components.kpi import kpi, row
from components.live import View
from components.panel import Provenance, grid, moment, panel
from components.scope import Scope
from components.tables import Column, table
from engines.result import Insufficient
from i18n import day, t
from pages import audit_checks, audit_entry, sources
from pages import explore_parts as parts
from pages.audit_words import (
    NOUNS,
    PATH,
    VERBS,
    changes,
    noun,
    object_of,
    outcome,
    verb,
    words,
)
from services import audit
from services.audit import EntryPage
from services.audit_entry import Entry
from services.audit_proof import open_entry
from services.audit_standing import Standing, get_standing
from services.errors import NotFound
from services.times import parse_time
from services.workspace import Workspace

__all__ = ["PATH", "fill", "layout", "register"]
_KPIS = ("chain", "entries", "checkpoint", "witness")
_PAGE = 25


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""
    nouns = [("", words("any")), *((kind, noun(f"{name}.x")) for kind, name in NOUNS.items())]
    actions = [
        ("", words("any")),
        *((f"{name}.{v}", f"{noun(f'{name}.x')} · {verb(v)}")
          for name in dict.fromkeys(NOUNS.values()) for v in VERBS[:3]),
    ]  # fmt: skip
    return html.Div(
        [
            shell.page_header(t("nav.audit"), words("purpose")),
            live.view_store("audit"),
            row(*[live.slot(f"audit-{n}", states.skeleton(104, "kpi")) for n in _KPIS]),
            parts.toolbar(
                parts.field("kind", words("col_object"), "select", choices=nouns),
                parts.field("action", words("col_what"), "select", choices=actions),
                parts.field("actor", words("col_who"), hint=words("actor_hint")),
                parts.field("resource", words("resource"), hint=words("resource_hint")),
            ),
            grid(
                panel(
                    words("one"), None, panel_id="audit-one", span=12, height=120, menu=False,
                    definition=words("proof_definition"),
                ),
                panel(
                    words("list"), None, panel_id="audit-list", span=12, height=160,
                    definition=words("list_definition"),
                ),
                panel(
                    words("verify"), None, panel_id="audit-verify", span=4, height=150,
                    menu=False, definition=words("chain_definition"),
                ),
                panel(
                    words("remember"), audit_checks.form(), panel_id="audit-kept", span=4,
                    height=150, menu=False, definition=words("checkpoint_definition"),
                ),
                panel(words("take"), None, panel_id="audit-take", span=4, height=150, menu=False),
            ),
        ]
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view; check and compare on demand."""
    sources.register_live(dash_app, "audit", fill)
    audit_checks.register(dash_app)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the chain's standing, its entries and the one in focus into the page."""
    if "audit:read" not in ws.principal.permissions:
        for name in _KPIS:
            view.slot(f"audit-{name}", None)
        view.panel("audit-list", states.empty(words("no_right"), hint=words("no_right_hint")))
        view.hide("audit-one", "audit-verify", "audit-kept", "audit-take")
        return
    standing = get_standing(ws)
    _fill_figures(view, standing)
    asked, opened = parts.asked(scope), parts.opened(scope)
    found = _entries(ws, scope, asked, opened)
    source = Provenance(scope.describe(), found.total, computed_at_ms=ws.now_ms())
    view.panel("audit-list", _list(found, opened), source, height=160)
    view.panel("audit-verify", audit_checks.checked(ws, standing), height=150)
    if seq := opened.one("entry"):
        view.panel("audit-one", _one(ws, seq), height=120)
    else:
        view.hide("audit-one")
    if "audit:export" in ws.principal.permissions:
        view.panel("audit-take", audit_checks.take(), height=150)
    else:
        view.hide("audit-take")


def _fill_figures(view: View, found: Standing) -> None:
    view.slot("audit-chain", audit_checks.chain_figure(found))
    since = None if found.began_ms is None else words("since", day=day(found.began_ms))
    view.slot(
        "audit-entries",
        kpi(
            words("entries"), float(found.size), kpi_id="audit-entries", word=since,
            status="none" if since else None, definition=words("entries_definition"),
        ),
    )  # fmt: skip
    signed: str | Insufficient = Insufficient(words("no_checkpoint"))
    if found.signed_at_ms is not None:
        signed = words("checkpoint_of", n=found.signed)
    view.slot(
        "audit-checkpoint",
        kpi(
            words("checkpoint"), signed, kpi_id="audit-checkpoint",
            definition=words("checkpoint_definition"),
            source=Provenance(computed_at_ms=found.signed_at_ms),
        ),
    )  # fmt: skip
    view.slot("audit-witness", audit_checks.witness_figure(found))


def _entries(ws: Workspace, scope: Scope, asked: parts.Asked, opened: parts.Asked) -> EntryPage:
    window = sources.window_of(ws, scope)
    before = opened.amount("before")
    return audit.list_entries(
        ws,
        audit.Query(
            actor=asked.one("actor"), action=asked.one("action"), kind=asked.one("kind"),
            resource=asked.one("resource"), start_ms=window.start_ms,
            end_ms=window.end_ms if scope.is_absolute else None,
        ),
        before=int(before) if before else None,
        limit=_PAGE,
    )  # fmt: skip


def _list(found: EntryPage, opened: parts.Asked) -> parts.Children:
    if not found.size:
        return states.calm(words("nothing"), words("nothing_hint"))
    if not found.rows:
        return states.empty(words("none"), hint=words("none_hint"))
    columns = [
        Column("seq", words("col_seq"), "node"),
        Column("when", words("col_when"), "node"),
        Column("what", words("col_what")),
        Column("object", words("col_object"), "node"),
        Column("changed", words("changed"), "node"),
        Column("who", words("col_who"), "node"),
        Column("outcome", words("col_outcome"), "node"),
    ]
    before = opened.one("before")
    listed = table(columns, [_row(one, opened) for one in found.rows], caption=words("list"))
    following = link("", detail=packed(before=str(found.before))) if found.before else None
    return html.Div([listed, paging.onward(link("", detail="") if before else None, following)])


def _row(one: Entry, opened: parts.Asked) -> dict[str, Any]:  # cells of every kind
    address = link("", detail=opened.but(entry=str(one.seq)))
    return {
        "seq": html.A(html.Bdi(str(one.seq)), href=address),
        "when": moment(parse_time(one.timestamp)),
        "what": verb(one.action),
        "object": html.A(object_of(one.action, one.resource, one.details), href=address),
        "changed": html.Bdi(
            changes(one.details) or "–", dir="ltr", className="audit-changes notranslate"
        ),
        "who": html.Bdi(one.actor["id"], className="notranslate"),
        "outcome": outcome(one.outcome),
    }


def _one(ws: Workspace, seq: str) -> parts.Children:
    if not seq.isascii() or not seq.isdecimal() or len(seq) > 15:
        return states.empty(words("choose"))
    try:
        return audit_entry.entry(open_entry(ws, int(seq)))
    except NotFound:
        return states.empty(words("choose"))
