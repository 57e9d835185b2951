"""One trace: its waterfall, the opened span with all it carries, and where it leads."""

from __future__ import annotations

from typing import Any

from dash import html

from components import spans, states
from components.address import link, packed
from components.icons import icon
from components.panel import Provenance, panel
from components.spans import Bar
from i18n import date_time, duration, number, t
from pages import explore_parts as parts
from pages.explore_parts import words
from services import waterfall
from services.errors import NotFound
from services.explore import RowsAsked, list_inferences
from services.waterfall import Row, SpanRow, Waterfall
from services.workspace import Workspace

MAX_INFERENCES = 20
_FIRST = ("gen_ai.", "llm.", "openinference.", "model_id", "inference_id")


def show(ws: Workspace, trace_id: str, opened: parts.Asked) -> parts.Children:
    """Return the panel of a trace, or that there is none of this id."""
    try:
        found = waterfall.get_waterfall(ws, trace_id, unfolded=frozenset(opened.all("unfold")))
    except NotFound:
        return panel(
            words("trace"), states.empty(words("no_trace", id=trace_id)), panel_id="traces-trace",
            span=12, height=90, menu=False,
        )  # fmt: skip
    source = Provenance(n=found.spans, computed_at_ms=ws.now_ms())
    root = found.rows[0].span
    return panel(
        f"{root.name} · {root.service}", _body(ws, found, opened), panel_id="traces-trace",
        span=12, height=120, source=source, lead=_lead(found),
    )  # fmt: skip


def _lead(found: Waterfall) -> str:
    return words(
        "trace_lead", duration=duration(found.duration_ms / 1_000), spans=number(found.spans),
        errors=number(found.errors), services=number(len(found.services)),
        when=f"{date_time(found.start_ms, seconds=True)} UTC",
    )  # fmt: skip


def _body(ws: Workspace, found: Waterfall, opened: parts.Asked) -> parts.Children:
    picked = opened.one("span")
    bars = [_bar(row, opened, picked) for row in found.rows]
    chosen = next((row for row in found.rows if row.span.span_id == picked), None)
    parts_: list[Any] = [_links(ws, found)]
    if chosen is not None and not chosen.folded:
        parts_.append(_span(chosen, opened))
    parts_.append(spans.waterfall(bars, found.services, caption=words("waterfall")))
    if found.left_out:
        parts_.append(html.P(words("spans_left_out", n=number(found.left_out)), className="muted"))
    return html.Div(parts_)


def _bar(row: Row, opened: parts.Asked, picked: str) -> Bar:
    span = row.span
    name, detail = span.name, opened.but(span=span.span_id)
    if row.folded:
        name = words("folded_spans", n=number(row.folded), span=span.name)
        detail = "&".join(filter(None, (opened.but(span=""), packed(unfold=row.key))))
    return Bar(
        name=name,
        service=span.service,
        duration_ms=span.duration_ms,
        offset=row.offset,
        width=row.width,
        depth=row.depth,
        is_error=bool(row.folded_errors) if row.folded else span.is_error,
        is_folded=bool(row.folded),
        is_open=span.span_id == picked and not row.folded,
        href=link("", detail=detail),
    )


def _links(ws: Workspace, found: Waterfall) -> parts.Children:
    around = 60_000
    query = RowsAsked(
        int(found.start_ms) - around, int(found.start_ms + found.duration_ms) + around,
        trace_id=found.trace_id, limit=MAX_INFERENCES,
    )  # fmt: skip
    inferences = list_inferences(ws, query).rows
    logs = link("/logs", focus=packed(trace=found.trace_id), detail="")
    buttons: list[Any] = [
        html.A([icon("card-text"), html.Span(words("its_logs"))], href=logs, className="btn-quiet"),
        html.A([icon("x-lg"), html.Span(t("shell.close"))], href=link("", detail=""),
               className="btn-quiet"),
    ]  # fmt: skip
    listed: list[Any] = [
        html.Li(
            [
                html.A(html.Bdi(one.inference_id), href=link("/models", model=one.model_id)),
                " · ",
                html.Bdi(one.model_id),
                " · ",
                html.Bdi(duration(one.latency_ms / 1_000 if one.latency_ms else None)),
            ]
        )
        for one in inferences
    ]
    lead: list[Any] = [html.P(words("its_inferences")), html.Ul(listed)] if listed else []
    return html.Div([html.Div(buttons, className="button-row no-print"), *lead])


def _span(row: Row, opened: parts.Asked) -> parts.Children:
    span = row.span
    facts = {
        words("service"): span.service,
        words("kind"): span.kind,
        words("when"): f"{date_time(span.start_ms, seconds=True)} UTC",
        words("duration"): duration(span.duration_ms / 1_000),
        words("children"): number(row.children),
        words("status"): _status(span),
        t("shell.model"): span.model_id or "",
        words("span_id"): span.span_id,
    }
    orphan = html.P(words("orphan"), className="muted") if row.is_orphan else None
    return html.Article(
        [
            html.H4(html.Bdi(span.name)),
            orphan,
            parts.pairs({name: value for name, value in facts.items() if value}),
            parts.pairs(_ordered(span)),
            _events(span),
            html.Div(
                html.A([icon("x-lg"), html.Span(t("shell.close"))],
                       href=link("", detail=opened.but(span="")), className="btn-quiet"),
                className="button-row no-print",
            ),
        ],
        className="opened",
    )  # fmt: skip


def _events(span: SpanRow) -> parts.Children:
    """Return what happened within the span, with the time since its start."""
    if not span.events:
        return None
    listed = [
        html.Li(
            [
                html.Bdi(duration(one.after_ms / 1_000), dir="ltr"),
                " · ",
                html.B(html.Bdi(one.name)),
                parts.pairs(one.attributes),
            ]
        )
        for one in span.events
    ]
    return html.Div([html.B(words("events")), html.Ul(listed)])


def _status(span: SpanRow) -> str:
    if not span.is_error:
        return words("fine")
    return ": ".join(filter(None, (words("failed"), span.status_message)))


def _ordered(span: SpanRow) -> dict[str, Any]:  # any JSON a sender attached
    """Return the attributes, those of language models first."""
    names = sorted(span.attributes, key=lambda name: (not name.startswith(_FIRST), name))
    return {name: span.attributes[name] for name in names}
