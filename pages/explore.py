"""Any stored metric over time: cut, aggregated, compared, and with what was to be expected."""

from __future__ import annotations

from typing import Any, cast

from dash import html

from components import charts, states, tables
from components.charts import Line
from components.kpi import change
from components.live import View
from components.panel import Provenance, panel
from components.scope import Scope
from components.tables import Column
from i18n import duration, number, percent, signed
from pages import explore_expected, sources
from pages import explore_parts as parts
from pages.explore_parts import words
from services import metric_view
from services.errors import Malformed
from services.metric_view import Aggregation, Curve, MetricView
from services.times import DAY_MS, HOUR_MS, MINUTE_MS, Window
from services.workspace import Workspace

PATH = "/explore"
AGGREGATES = ("avg", "sum", "min", "max", "count", "p95", "rate", "increase")
STEPS_MS = {"minute": MINUTE_MS, "five": 5 * MINUTE_MS, "hour": HOUR_MS, "day": DAY_MS}
UNITS = {"1": "", "By": "bytes"}
FIRST = "aiobs_inferences_total"
PANELS = ("explore-chart", "explore-expected", "explore-series")
COMMAND = (
    "curl -X POST $HUB/api/ingest/metrics -H 'Content-Type: application/json'"
    ' -d \'{"metrics":[{"name":"queue_depth","value":7,"labels":{"service":"checkout"}}]}\''
)


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""
    aggregates = [("", words("automatic")), *[(name, words(f"agg_{name}")) for name in AGGREGATES]]
    steps = [("", words("automatic")), *[(name, words(f"step_{name}")) for name in STEPS_MS]]
    return parts.page(
        "explore", words("purpose"),
        [
            parts.field("metric", words("metric"), "metric", hint=parts.metric_hint()),
            parts.field("agg", words("aggregate"), "select", choices=aggregates),
            parts.field("by", words("by"), "select", source="by"),
            parts.field("step", words("step"), "select", choices=steps),
            parts.field("band", words("band"), "check"),
        ],
        panel(
            words("over_time"), None, panel_id="explore-chart", span=12, height=320,
            definition=words("over_time_definition"),
        ),
        panel(
            words("expected_title"), None, panel_id="explore-expected", span=12, height=90,
            definition=words("expected_definition"),
        ),
        panel(words("series_title"), None, panel_id="explore-series", span=12, height=90),
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "explore", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the chosen metric into the page's places."""
    asked = parts.asked(scope)
    metric = asked.one("metric") or _first(ws)
    if not metric:
        view.slot("explore-options", parts.options(by=_cuts([])))
        for name in PANELS:
            view.panel(name, parts.nothing_yet(words("no_metrics"), COMMAND))
        return
    window = sources.window_of(ws, scope)
    earlier = scope.compare_ms(ws.now_ms())
    try:
        metric = metric_view.narrow(ws, metric, scope.model)
        found = metric_view.view_metric(
            ws, metric, window,
            agg=cast(Aggregation | None, asked.choice("agg", AGGREGATES) or None),
            by=asked.one("by"), step_ms=STEPS_MS.get(asked.one("step")),
            before=Window(*earlier) if earlier else None,
        )  # fmt: skip
    except Malformed as error:
        view.slot("explore-options", parts.options(by=_cuts([])))
        parts.refuse(view, PANELS, error)
        return
    view.slot("explore-options", parts.options(by=_cuts(found.labels)))
    source = _provenance(scope, found)
    if not found.curves:
        empty = states.empty(words("no_values", metric=metric), hint=words("wider"))
        view.panel("explore-chart", empty)
        view.panel("explore-series", empty)
    else:
        view.panel("explore-chart", _chart(ws, scope, metric, found), source, height=320)
        view.panel("explore-series", _series(found, metric, bool(earlier)), source)
    explore_expected.fill(ws, scope, view, metric, _cut(found, asked.one("by")))


def _first(ws: Workspace) -> str:
    found = metric_view.list_metrics(ws, FIRST, limit=1).rows
    found = found or metric_view.list_metrics(ws, limit=1).rows
    return found[0].name if found else ""


def _cuts(labels: list[str]) -> list[str | tuple[str, str]]:
    return [("", words("joined")), (metric_view.EACH, words("each")), *labels]


def _cut(found: MetricView, by: str) -> tuple[str, ...]:
    return tuple(found.labels) if by == metric_view.EACH else ((by,) if by else ())


def _provenance(scope: Scope, found: MetricView) -> Provenance:
    how = words("how", agg=words(f"agg_{found.agg}"), step=duration(found.step_ms / 1_000))
    series = words("series_count", n=number(found.series))
    method = f"{how} · {series}"
    return Provenance(scope.describe(), computed_at_ms=found.computed_at_ms, method=method)


def unit_of(found: MetricView) -> str:
    """Return the unit that the axis states."""
    if found.agg == "count":
        return ""
    unit = UNITS.get(found.unit, found.unit)
    return f"{unit}/s" if found.agg == "rate" else unit


def _chart(ws: Workspace, scope: Scope, metric: str, found: MetricView) -> parts.Children:
    lines = [Line(_name(curve, metric), sources.plain(curve.values)) for curve in found.curves]
    if found.rest is not None:
        rest = words("others", n=number(found.folded))
        lines.append(Line(rest, sources.plain(found.rest), token="series-8", dash="dot"))
    if found.earlier is not None:
        before = sources.plain(found.earlier)
        lines.append(Line(words("before"), before, token="series-8", dash="dash"))
    window = (found.window.start_ms, found.window.end_ms)
    figure = charts.line(
        found.starts_ms.tolist(), lines, unit=unit_of(found), window_ms=window,
        marks=sources.event_marks(ws, found.window, scope.model),
    )  # fmt: skip
    drawn = charts.graph(
        "explore-graph", figure, height=320, label=words("chart_label", metric=metric)
    )
    return drawn if not found.folded else html.Div([drawn, html.P(_left_out(found))])


def _left_out(found: MetricView) -> str:
    key = "folded" if found.rest is not None else "not_drawn"
    return words(key, top=number(metric_view.TOP), n=number(found.folded))


def _name(curve: Curve, metric: str) -> str:
    return parts.described(curve.labels) if curve.labels else metric


def _series(found: MetricView, metric: str, compares: bool) -> parts.Children:
    unit = unit_of(found)
    columns = [
        Column("name", words("series")),
        *[Column(key, words(f"agg_{key}"), "number", unit) for key in ("avg", "min", "max")],
        Column("last", words("last"), "number", unit),
    ]
    if compares:
        columns += [
            Column("before", words("before"), "number", unit),
            Column("change", words("change")),
        ]
    rows = [_row(curve, metric) for curve in found.curves]
    total = len(rows) + found.folded
    return tables.table(columns, rows, caption=words("series_title"), total=total)


def _row(curve: Curve, metric: str) -> dict[str, Any]:  # cells of every kind
    known = [v for v in curve.values.tolist() if v == v]
    moved = change(curve.mean, curve.before)
    return {
        "name": _name(curve, metric),
        "avg": curve.mean,
        "min": min(known),
        "max": max(known),
        "last": known[-1],
        "before": curve.before,
        "change": _moved(moved.value) if moved else "–",
    }


def _moved(share: float) -> str:
    return signed(share * 100, decimals=1) + " %" if abs(share) < 10 else percent(share)
