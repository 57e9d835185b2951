"""Traces: a list to search, and one of them span by span."""

from __future__ import annotations

from typing import Any

from dash import html

from components import live, paging, states, tables
from components.address import link, packed
from components.live import View
from components.panel import Provenance, moment, panel
from components.scope import Scope
from components.status import mark
from components.tables import Column
from i18n import duration, number, t
from pages import explore_parts as parts
from pages import sources, trace_detail
from pages.explore_parts import words
from services import explore
from services.explore import TraceRow, TracesAsked
from services.times import Window
from services.workspace import Workspace

PATH = "/traces"
PAGE = 40
COMMAND = "OTEL_EXPORTER_OTLP_ENDPOINT=$HUB OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""
    orders = [("", words("newest_first")), ("slowest", words("slowest_first"))]
    return parts.page(
        "traces", words("traces_purpose"),
        [
            parts.field("service", words("service"), "select", source="service"),
            parts.field("least", words("min_duration"), "number", hint="ms"),
            parts.field("order", words("order_by"), "select", choices=orders),
            parts.field("errors", words("only_errors"), "check"),
            parts.field("trace", words("trace"), hint=words("trace_hint")),
        ],
        live.slot("traces-one"),
        panel(
            words("traces_list"), None, panel_id="traces-list", span=12, height=300,
            definition=words("traces_definition"),
        ),
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "traces", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the list of traces and the opened one into the page."""
    window = sources.window_of(ws, scope)
    services = explore.trace_services(ws, window)
    view.slot("traces-options", parts.options(service=[("", t("shell.all")), *services]))
    asked, opened = parts.asked(scope), parts.opened(scope)
    trace_id = opened.one("trace") or asked.one("trace").strip().lower()
    view.slot("traces-one", trace_detail.show(ws, trace_id, opened) if trace_id else None)
    page = explore.list_traces(ws, _query(scope, asked, window))
    source = Provenance(scope.describe(), len(page.rows), computed_at_ms=ws.now_ms())
    if not page.rows:
        nothing = (
            states.empty(words("no_match"), hint=words("wider"))
            if services
            else parts.nothing_yet(words("no_traces"), COMMAND)
        )
        view.panel("traces-list", nothing)
        return
    view.panel("traces-list", _list(page.rows, trace_id, opened.one("after"), page.cursor), source)


def _query(scope: Scope, asked: parts.Asked, window: Window) -> TracesAsked:
    return TracesAsked(
        window.start_ms,
        window.end_ms,
        service=asked.one("service") or None,
        model_id=scope.model or None,
        only_errors=bool(asked.one("errors")),
        min_duration_ms=asked.amount("least"),
        order="slowest" if asked.one("order") == "slowest" else "newest",
        limit=PAGE,
        cursor=parts.opened(scope).one("after") or None,
    )


def _list(rows: list[TraceRow], trace_id: str, after: str, cursor: str | None) -> parts.Children:
    columns = [
        Column("name", words("trace"), "node"),
        Column("service", words("service")),
        Column("status", words("status"), "node"),
        Column("duration", words("duration"), "node"),
        Column("spans", words("spans"), "number"),
        Column("when", words("when"), "node"),
    ]
    longest = max(row.duration_ms for row in rows) or 1.0
    table = tables.table(
        columns, [_row(row, longest, trace_id, after) for row in rows],
        caption=words("traces_list"),
    )  # fmt: skip
    steps = paging.onward(
        link("", detail="") if after else None,
        link("", detail=packed(after=cursor)) if cursor else None, by_time=False,
    )  # fmt: skip
    return html.Div([table, steps])


def _row(row: TraceRow, longest: float, trace_id: str, after: str) -> dict[str, Any]:
    failed = words("errors_of", n=number(row.errors)) if row.errors else words("fine")
    share = {"width": f"{row.duration_ms / longest:.1%}"}
    name: Any = html.Bdi(row.name or row.trace_id)
    return {
        "name": html.A(
            html.B(name) if row.trace_id == trace_id else name,
            href=link("", detail=packed(trace=row.trace_id, after=after)),
        ),
        "service": row.service or "–",
        "status": mark("bad" if row.errors else "good", failed),
        "duration": html.Div(
            [
                html.Bdi(duration(row.duration_ms / 1_000), dir="ltr"),
                html.Span(html.Span(style=share), className="mini-bar"),
            ],
            className="with-bar",
        ),
        "spans": float(row.spans),
        "when": moment(row.start_ms),
    }
