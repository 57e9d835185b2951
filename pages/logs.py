"""Log lines: how many of which level, searched and filtered, one opened with all it carries."""

from __future__ import annotations

from typing import Any

from dash import html

from components import charts, paging, states, tables
from components.address import link, packed
from components.charts import Line
from components.icons import icon
from components.live import View
from components.panel import Provenance, panel
from components.scope import Scope
from components.status import mark
from components.tables import Column
from components.theme import Status
from i18n import date_time, number, t
from pages import explore_parts as parts
from pages import sources
from pages.explore_parts import words
from services import explore
from services.errors import Forbidden
from services.explore import LogRow, RowsAsked
from services.metric_view import fitting_step
from services.times import Window
from services.workspace import Workspace

PATH = "/logs"
PANELS = ("logs-histogram", "logs-lines")
LEVELS = ("trace", "debug", "info", "notice", "warning", "warn", "error", "critical", "fatal")
STATUS: dict[str, Status] = {
    "warn": "warn", "warning": "warn", "error": "bad", "critical": "bad", "fatal": "bad",
    "emergency": "bad", "alert": "bad",
}  # fmt: skip
TOKENS = {
    "trace": "series-8", "debug": "series-8", "info": "series-1", "notice": "series-6",
    "warn": "series-5", "warning": "series-5", "error": "series-2", "critical": "bad",
    "fatal": "bad",
}  # fmt: skip
PAGE = 50
MESSAGE = 300
COMMAND = (
    "curl -X POST $HUB/api/ingest/logs -H 'Content-Type: application/json'"
    ' -d \'{"logs":[{"message":"checkout is slow","level":"warning","service":"checkout"}]}\''
)


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""
    levels = [("", t("shell.all")), *[(name, name) for name in LEVELS if name != "warn"]]
    return parts.page(
        "logs", words("logs_purpose"),
        [
            parts.field("text", words("search_words"), hint=words("search_hint")),
            parts.field("level", words("level"), "select", choices=levels),
            parts.field("service", words("service"), "select", source="service"),
            parts.field("trace", words("trace"), hint=words("trace_hint")),
        ],
        panel(
            words("histogram"), None, panel_id="logs-histogram", span=12, height=170,
            definition=words("histogram_definition"),
        ),
        panel(words("lines"), None, panel_id="logs-lines", span=12, height=300),
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "logs", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put histogram and lines into the page, or why the reader may not see them."""
    window = sources.window_of(ws, scope)
    asked = parts.asked(scope)
    try:
        services = explore.log_services(ws, window)
        step = fitting_step(window, None)
        service = asked.one("service") or None
        counted = explore.count_logs(ws, window, step, service=service)
        page = explore.list_logs(ws, _query(scope, asked, window))
    except Forbidden:
        for name in PANELS:
            view.panel(name, states.empty(words("no_logs_right")))
        return
    view.slot("logs-options", parts.options(service=[("", t("shell.all")), *services]))
    total = sum(sum(n) for n in counted.counts.values())
    source = Provenance(scope.describe(), total, computed_at_ms=ws.now_ms())
    if not total and not services:
        for name in PANELS:
            view.panel(name, parts.nothing_yet(words("no_logs"), COMMAND))
        return
    view.panel("logs-histogram", _histogram(asked, counted), source, height=170)
    listed = Provenance(scope.describe(), len(page.rows), computed_at_ms=ws.now_ms())
    view.panel("logs-lines", _lines(ws, scope, page.rows, page.cursor), listed)


def _query(scope: Scope, asked: parts.Asked, window: Window) -> RowsAsked:
    cursor = parts.opened(scope).one("after")
    return RowsAsked(
        window.start_ms,
        window.end_ms,
        model_id=scope.model or None,
        service=asked.one("service") or None,
        kind=asked.one("level") or None,
        trace_id=asked.one("trace") or None,
        text=asked.one("text") or None,
        limit=PAGE,
        cursor=cursor if cursor.isdecimal() and len(cursor) < 19 else None,
    )


def _histogram(asked: parts.Asked, counted: explore.LogCounts) -> parts.Children:
    wanted = asked.one("level")
    levels = sorted(counted.counts, key=lambda level: (_rank(level), level))
    shown = [level for level in levels if not wanted or level == wanted]
    steps = max((len(counted.counts[level]) for level in levels), default=0)
    starts = [counted.start_ms + i * counted.step_ms for i in range(steps)]
    bars = [
        Line(level, [float(n) for n in counted.counts[level]], token=TOKENS.get(level))
        for level in shown
    ]
    figure = charts.stacked_times(starts, counted.step_ms, bars)
    total = sum(sum(counted.counts[level]) for level in shown)
    drawn = charts.graph(
        "logs-graph", figure, height=170, label=words("histogram_label", n=number(total)),
        choices={
            level: link("", focus=asked.but(level="" if wanted else level), detail="")
            for level in shown
        },
    )  # fmt: skip
    if not (asked.one("text") or asked.one("trace")):
        return drawn
    return html.Div([drawn, html.P(words("histogram_all"), className="muted")])


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def _lines(ws: Workspace, scope: Scope, rows: list[LogRow], cursor: str | None) -> parts.Children:
    opened = parts.opened(scope)
    after = opened.one("after")
    parts_: list[Any] = []
    one = _opened(ws, opened)
    if one is not None:
        parts_.append(_detail(one, after))
    if not rows:
        parts_.append(states.empty(words("no_lines"), hint=words("wider")))
        return html.Div(parts_)
    columns = [
        Column("when", words("when")),
        Column("level", words("level"), "node"),
        Column("service", words("service")),
        Column("message", words("message"), "node"),
    ]
    table = tables.table(columns, [_row(row, after) for row in rows], caption=words("lines"))
    parts_.append(html.Div(table, className="log-table"))
    parts_.append(
        paging.onward(
            link("", detail="") if after else None,
            link("", detail=packed(after=cursor)) if cursor else None,
        )
    )
    return html.Div(parts_)


def _row(row: LogRow, after: str) -> dict[str, Any]:  # cells of every kind
    key = packed(open=row.log_id, at=str(row.timestamp_ms), after=after)
    message = row.message if len(row.message) <= MESSAGE else f"{row.message[:MESSAGE]}…"
    return {
        "when": date_time(row.timestamp_ms, seconds=True),
        "level": mark(STATUS.get(row.level.lower(), "none"), row.level),
        "service": row.service or "–",
        "message": html.A(
            html.Span(message or "–", dir="auto"),
            href=link("", detail=key),
            className="log-message notranslate",
        ),
    }


def _opened(ws: Workspace, opened: parts.Asked) -> LogRow | None:
    log_id, at = opened.one("open"), opened.amount("at")
    return explore.get_log(ws, log_id, int(at)) if log_id and at else None


def _detail(row: LogRow, after: str) -> parts.Children:
    facts: dict[str, Any] = {
        words("when"): f"{date_time(row.timestamp_ms, seconds=True)} UTC",
        words("level"): row.level,
        words("service"): row.service,
        t("shell.model"): row.model_id,
        words("span"): row.span_id,
    }
    links = []
    if row.trace_id:
        address = link("/traces", detail=packed(trace=row.trace_id), focus="")
        links.append(html.A([icon("bar-chart-steps"), html.Span(words("open_trace"))],
                            href=address, className="btn-quiet"))  # fmt: skip
    close = link("", detail=packed(after=after))
    links.append(html.A([icon("x-lg"), html.Span(t("shell.close"))], href=close,
                        className="btn-quiet"))  # fmt: skip
    return html.Article(
        [
            html.Pre(row.message, dir="auto", className="log-full notranslate", tabIndex=0),
            parts.pairs({name: value for name, value in facts.items() if value}),
            parts.pairs(row.attributes),
            html.Div(links, className="button-row"),
        ],
        className="opened",
    )
