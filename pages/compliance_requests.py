"""Requests of data subjects: the clock of each, and the forms that keep the register."""

from __future__ import annotations

from calendar import timegm
from typing import Any, cast

from dash import Input, Output, State, html, no_update

from components import forms, states
from components import scope as scopes
from components.icons import icon
from components.live import View
from components.panel import Provenance, panel
from components.status import mark
from components.tables import Column, table
from components.theme import Status
from i18n import day
from pages.compliance_words import clocks_figure, focus_link, words
from pages.sources import done
from services.subject_requests import (
    Outcome,
    RequestKind,
    RunningRequest,
    complete_request,
    extend_request,
    list_requests,
    record_request,
)
from services.times import parse_time
from services.workspace import Workspace, current_workspace

_KINDS = ("access", "erasure", "rectification", "portability", "objection", "restriction")
_OUTCOMES = ("fulfilled", "refused", "withdrawn")
_CLOCK: dict[str, Status] = {
    "running": "none", "warning": "warn", "late": "bad", "met": "good", "met_late": "warn",
}  # fmt: skip
_SHOWN = 50


def places() -> list[Any]:
    """Return the panels of the register; hidden from who may not see it."""
    return [
        panel(
            words("requests"), None, panel_id="compliance-requests", span=8, height=160,
            definition=words("requests_definition"),
        ),
        panel(
            words("request_new"), _new_form(), panel_id="compliance-request-new", span=4,
            height=160, menu=False,
        ),
    ]  # fmt: skip


def form() -> html.Section:
    """Return the form for the chosen request: extend it or answer it."""
    return html.Section(
        [
            html.H2(words("request_change"), className="section-title"),
            html.P(words("request_hint"), className="panel-note"),
            forms.text("compliance-request-reason", words("request_reason")),
            _button("compliance-request-extend", "calendar-plus", "request_extend", "btn-quiet"),
            forms.choices(
                "compliance-request-outcome", words("request_outcome"),
                {o: words(f"outcome_{o}") for o in _OUTCOMES}, "fulfilled",
            ),
            _button("compliance-request-done", "check2", "request_done", "btn-strong"),
        ],
        id="compliance-request", className="panel form-panel", hidden=True,
    )  # fmt: skip


def _new_form() -> html.Div:
    return html.Div(
        [
            html.P(words("request_new_hint"), className="panel-note"),
            forms.text("compliance-request-ref", words("request_reference")),
            forms.choices(
                "compliance-request-kind", words("request_kind"),
                {k: words(f"request_{k}") for k in _KINDS}, "access",
            ),
            forms.text("compliance-request-day", words("request_day")),
            _button("compliance-request-record", "plus-lg", "request_record", "btn-strong"),
        ],
        className="form",
    )  # fmt: skip


def _button(button_id: str, sign: str, text: str, kind: str) -> html.Button:
    return html.Button([icon(sign), html.Span(words(text))], id=button_id, className=kind)


def register(dash_app: Any) -> None:  # a dash.Dash
    """Show what the reader may see; record, extend and answer."""

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("panel-compliance-requests", "hidden"),
        Output("panel-compliance-request-new", "hidden"), Output("compliance-request", "hidden"),
        Input("scope", "data"),
    )  # fmt: skip
    def _show(data: dict[str, Any] | None) -> tuple[bool, bool, bool]:
        held = current_workspace().principal.permissions
        may_write = "requests:write" in held
        chosen = scopes.parse(data).focus.startswith("request/")
        return "requests:read" not in held, not may_write, not (may_write and chosen)

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("compliance-request-ref", "value"), Input("compliance-request-record", "n_clicks"),
        State("compliance-request-ref", "value"), State("compliance-request-kind", "value"),
        State("compliance-request-day", "value"), State("scope", "data"),
        prevent_initial_call=True,
    )  # fmt: skip
    def _record(
        n: int | None, ref: str | None, kind: str, on: str | None, data: dict[str, Any]
    ) -> Any:
        if not n:
            return no_update
        ws = current_workspace()
        day_given = (on or "").strip()
        at = parse_time(f"{day_given}T00:00:00Z") if day_given else None
        record_request(ws, ref or "", cast(RequestKind, kind), received_at_ms=at)
        done(ws, data, words("request_recorded"))
        return ""

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("compliance-request-reason", "value"),
        Input("compliance-request-extend", "n_clicks"),
        State("compliance-request-reason", "value"), State("scope", "data"),
        prevent_initial_call=True,
    )  # fmt: skip
    def _extend(n: int | None, reason: str | None, data: dict[str, Any]) -> Any:
        if not n:
            return no_update
        ws = current_workspace()
        extend_request(ws, _chosen(data), reason or "")
        done(ws, data, words("request_extended"))
        return ""

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("compliance-request-done", "title"), Input("compliance-request-done", "n_clicks"),
        State("compliance-request-outcome", "value"), State("scope", "data"),
        prevent_initial_call=True,
    )  # fmt: skip
    def _complete(n: int | None, outcome: str, data: dict[str, Any]) -> Any:
        if not n:
            return no_update
        ws = current_workspace()
        complete_request(ws, _chosen(data), cast(Outcome, outcome))
        done(ws, data, words("request_answered"))
        return words("request_answered")


def _chosen(data: dict[str, Any]) -> str:
    return scopes.parse(data).focus.removeprefix("request/")


def fill(ws: Workspace, view: View, source: Provenance, focus: str) -> None:
    """Put the register and its figure into their places, for who may see them."""
    if "requests:read" not in ws.principal.permissions:
        view.slot("compliance-requests", None)
        return
    rows = list_requests(ws)
    running = [r for r in rows if r.request.completed_at_ms is None]
    late = sum(r.clock.status == "late" for r in running)
    view.slot(
        "compliance-requests",
        clocks_figure(
            "compliance-requests", words("requests"), words("requests_definition"),
            running=len(running), late=late,
        ),
    )  # fmt: skip
    body = (
        _table(rows, focus.removeprefix("request/"))
        if rows
        else states.calm(words("no_requests"), words("no_requests_hint"))
    )
    view.panel("compliance-requests", body, source, height=160)


def _table(rows: list[RunningRequest], chosen: str) -> Any:
    columns = [
        Column("reference", words("request_reference"), "node"),
        Column("kind", words("request_kind")),
        Column("received", words("request_received"), "node"),
        Column("due", words("due"), "node"),
        Column("clock", words("request_clock"), "node"),
    ]
    made = [_row(r, r.request.id == chosen) for r in rows]
    return table(columns, made, caption=words("requests"), limit=_SHOWN)


def _row(one: RunningRequest, is_chosen: bool) -> dict[str, Any]:
    request, clock = one.request, one.clock
    link = html.A(html.Bdi(request.reference), href=focus_link("request", request.id))
    parts: list[Any] = [mark(_CLOCK[clock.status], _clock_words(one))]
    if request.extended_at_ms is not None:
        parts += [" · ", words("request_is_extended")]
    return {
        "reference": html.B(link) if is_chosen else link,
        "kind": words(f"request_{request.kind}"),
        "received": html.Bdi(day(request.received_at_ms)),
        "due": html.Bdi(day(timegm(clock.last_day.timetuple()) * 1_000)),
        "clock": html.Span(parts),
    }


def _clock_words(one: RunningRequest) -> str:
    if one.request.outcome is not None:
        late = words("n_days_over", n=-one.clock.days_left) if one.clock.days_left < 0 else ""
        return " · ".join(filter(None, (words(f"outcome_{one.request.outcome}"), late)))
    if one.clock.days_left < 0:
        return words("n_days_over", n=-one.clock.days_left)
    return (
        words("n_days_left", n=one.clock.days_left) if one.clock.days_left else words("due_today")
    )
