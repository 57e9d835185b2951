"""The register of model cards: who has one, when its review is due, and the form that writes it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
from dash import Input, Output, State, html, no_update

from components import forms, states
from components import scope as scopes
from components.icons import icon
from components.kpi import kpi
from components.live import View
from components.panel import Provenance, moment, panel
from components.status import mark
from components.tables import Column, table
from components.theme import Status
from engines.result import Insufficient
from i18n import day, number
from pages.compliance_words import focus_link, words
from pages.sources import done
from services.compliance import Compliance
from services.errors import Invalid, NotFound
from services.model_cards import CardText, CardView, get_card, list_cards, review_card, write_card
from services.workspace import Workspace, current_workspace

STATUS: dict[str, Status] = {
    "current": "good", "due": "warn", "outdated": "warn", "overdue": "bad", "missing": "bad",
}  # fmt: skip
_ORDER = tuple(reversed(STATUS))
_FIELDS = tuple(field.name for field in msgspec.structs.fields(CardText))
_API = "/api/compliance/model-cards"


def places() -> Any:
    """Return the panel that the cards go into."""
    return panel(
        words("cards"), None, panel_id="compliance-cards", span=12, height=160,
        definition=words("cards_definition"),
    )  # fmt: skip


def form() -> html.Section:
    """Return the form that writes a card; hidden until a model is chosen by who may write."""
    return html.Section(
        [
            html.H2(words("card_write"), className="section-title"),
            html.P(words("card_hint"), className="panel-note"),
            html.Div(
                [forms.text(f"compliance-card-{n}", words(f"card_{n}")) for n in _FIELDS],
                className="form-wide",
            ),
            html.Div(
                [
                    html.Button(
                        [icon("check2"), html.Span(words("card_save"))], id="compliance-card-save",
                        className="btn-strong",
                    ),
                    html.Button(
                        [icon("check2-circle"), html.Span(words("card_holds"))],
                        id="compliance-card-review", className="btn-quiet",
                    ),
                ],
                className="pill-row",
            ),
        ],
        id="compliance-card", className="panel form-panel", hidden=True,
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Fill the form from the address; write and review."""

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("compliance-card", "hidden"),
        *[Output(f"compliance-card-{name}", "value") for name in _FIELDS],
        Input("scope", "data"),
    )
    def _prefill(data: dict[str, Any] | None) -> tuple[Any, ...]:
        ws = current_workspace()
        model_id = chosen_model(scopes.parse(data).focus)
        if not model_id or "cards:write" not in ws.principal.permissions:
            return (True, *[""] * len(_FIELDS))
        try:
            view = get_card(ws, model_id)
        except NotFound:
            return (True, *[""] * len(_FIELDS))
        text = view.card.text if view.card else CardText("", "", "")
        return (False, *[str(getattr(text, name)) for name in _FIELDS])

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("compliance-card-save", "title"), Input("compliance-card-save", "n_clicks"),
        *[State(f"compliance-card-{name}", "value") for name in _FIELDS],
        State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _save(n: int | None, *given: Any) -> Any:
        if not n:
            return no_update
        *values, data = given
        typed = {k: str(v or "").strip() for k, v in zip(_FIELDS, values, strict=True)}
        days = review_days(typed.pop("review_days"))
        ws = current_workspace()
        write_card(ws, chosen_model(scopes.parse(data).focus), CardText(**typed, review_days=days))
        done(ws, data, words("card_saved"))
        return words("card_saved")

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("compliance-card-review", "title"), Input("compliance-card-review", "n_clicks"),
        State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _review(n: int | None, data: dict[str, Any]) -> Any:
        if not n:
            return no_update
        ws = current_workspace()
        review_card(ws, chosen_model(scopes.parse(data).focus))
        done(ws, data, words("card_reviewed"))
        return words("card_reviewed")


def review_days(typed: str) -> int:
    """Return how long a review holds, a year where nothing was typed.

    >>> review_days(""), review_days("0"), review_days("90")
    (365, 0, 90)
    """
    try:
        days = forms.read_number(typed)
        return 365 if days is None else int(days)
    except (ValueError, OverflowError):
        raise Invalid(words("card_bad_days")) from None


def chosen_model(focus: str) -> str:
    """Return the model whose card the address names, "" where it names none."""
    return focus.removeprefix("card/") if focus.startswith("card/") else ""


def fill(ws: Workspace, found: Compliance, view: View, source: Provenance) -> None:
    """Put the register and its figure into their places."""
    rows = [c for c in list_cards(ws) if found.includes_sample or not c.is_sample]
    rows.sort(key=lambda c: (_ORDER.index(c.state.status), c.state.due_at_ms or 0, c.model_id))
    due = sum(c.state.status != "current" for c in rows)
    bad = sum(c.state.status in ("missing", "overdue") for c in rows)
    view.slot(
        "compliance-cards-due",
        kpi(
            words("cards_due"), float(due) if rows else Insufficient(words("why_no_models")),
            kpi_id="compliance-cards-due", status="bad" if bad else "warn" if due else "good",
            word=words("of", n=number(due), total=number(len(rows))),
            definition=words("cards_definition"),
        ),
    )  # fmt: skip
    body = _table(rows) if rows else states.empty(words("why_no_models"))
    view.panel("compliance-cards", body, source, height=160)


def _table(rows: list[CardView]) -> Any:
    columns = [
        Column("model", words("card_model"), "node"),
        Column("status", words("state"), "node"),
        Column("owner", words("owner")),
        Column("reviewed", words("card_reviewed_at"), "node"),
        Column("due", words("card_due_at"), "node"),
        Column("export", words("card_export"), "node"),
    ]
    return table(columns, [_row(c) for c in rows], caption=words("cards"))


def _row(one: CardView) -> dict[str, Any]:
    path = f"{_API}/{quote(one.model_id, safe='')}"
    due = one.state.due_at_ms
    return {
        "model": html.A(html.Bdi(one.name), href=focus_link("card", one.model_id)),
        "status": mark(STATUS[one.state.status], words(f"card_is_{one.state.status}")),
        "owner": one.card.text.owner if one.card else None,
        "reviewed": moment(one.card.reviewed_at_ms) if one.card else "–",
        "due": html.Bdi(day(due)) if due is not None else "–",
        "export": html.Span(
            [
                html.A("JSON", href=f"{path}/export.json", target="_blank"),
                " · ",
                html.A("Markdown", href=f"{path}/export.md"),
            ]
        ),
    }


def chosen_card(ws: Workspace, model_id: str) -> Any:
    """Return the card of the chosen model as everybody may read it."""
    try:
        view = get_card(ws, model_id)
    except NotFound:
        return None
    if view.card is None:
        body: Any = html.P(words("why_card_missing"))
    else:
        said = msgspec.structs.asdict(view.card.text)
        entries = [
            part
            for name in _FIELDS[:-1]
            if said[name]
            for part in (html.Dt(words(f"card_{name}")), html.Dd(html.Bdi(said[name])))
        ]
        body = html.Dl(entries, className="facts notranslate")
    title = words("finding_card", name=view.name)
    return panel(title, body, panel_id="compliance-card-text", span=12, height=30, menu=False)
