"""The expected band of a metric, and the moments at which it left it."""

from __future__ import annotations

from typing import Any

from dash import html

from components import charts, states, tables
from components.address import link, packed
from components.attributes import attrs
from components.charts import Line, Mark
from components.icons import icon
from components.live import View
from components.panel import Provenance, moment
from components.scope import Scope
from components.tables import Column
from engines.result import Insufficient
from i18n import duration, number, tell
from pages import explore_parts as parts
from pages import sources
from pages.explore_parts import words
from services.anomalies import Expectation, MetricAnomaly, WatchedSeries, find_metric_anomalies
from services.workspace import Workspace

MAX_ROWS = 40
MAX_CHIPS = 24


def fill(ws: Workspace, scope: Scope, view: View, metric: str, cut: tuple[str, ...]) -> None:
    """Put band and anomalies into their panel, or the way to ask for them."""
    asked = parts.asked(scope)
    if not asked.one("band"):
        view.panel("explore-expected", _offer(asked))
        return
    answer = find_metric_anomalies(
        ws, [metric], sources.window_of(ws, scope), by=cut, with_expectations=True
    )
    source = Provenance(
        scope.describe(),
        max((one.n for one in answer.series), default=0),
        computed_at_ms=answer.computed_at_ms,
        method=answer.method,
    )
    if not answer.series:
        view.panel("explore-expected", Insufficient(words("no_values", metric=metric)), source)
        return
    picked = parts.opened(scope).one("series")
    names = [_name(one) for one in answer.series]
    at = names.index(picked) if picked in names else 0
    body: list[Any] = [_choice(names, at)] if len(names) > 1 else []
    body.append(_band(answer.series[at], answer.expectations[at], names[at]))
    body.append(_table(answer.series, names))
    if answer.series_left_out:
        body.append(html.P(words("left_out", n=number(answer.series_left_out))))
    view.panel("explore-expected", html.Div(body), source)


def _offer(asked: parts.Asked) -> parts.Children:
    return html.Div(
        [
            html.P(words("band_off"), className="state-hint"),
            html.A(
                [icon("magic"), html.Span(words("band_on"))],
                href=link("", focus=asked.but(band="1")),
                className="btn-quiet",
            ),
        ],
        className="state",
    )


def _choice(names: list[str], at: int) -> parts.Children:
    """Return the series as links, the one that is drawn marked; farthest from expected first."""
    links = [
        html.A(
            html.Bdi(name),
            href=link("", detail=packed(series=name)),
            className="chip is-chosen" if i == at else "chip",
            **(attrs(aria_current="true") if i == at else {}),
        )
        for i, name in enumerate(names[:MAX_CHIPS])
    ]
    return html.Div(links, className="chips no-print")


def _name(one: WatchedSeries) -> str:
    return parts.described(one.labels) if one.labels else one.metric_name


def _band(one: WatchedSeries, line: Expectation, name: str) -> parts.Children:
    if one.insufficient is not None:
        return html.Div([html.P(html.Bdi(name)), states.thin(one.insufficient)])
    marks = [
        Mark(run.start_ms, words(f"side_{run.side}"), "alert", run.end_ms) for run in one.anomalies
    ]
    figure = charts.line(
        line.timestamps_ms,
        [
            Line(words("measured"), line.values),
            Line(words("expected"), line.expected, line.low, line.high, token="series-8",
                 dash="dot"),
        ],
        unit="" if one.unit == "1" else one.unit,
        marks=marks,
    )  # fmt: skip
    label = words("band_label", series=name, n=number(len(one.anomalies)))
    return charts.graph("explore-band", figure, height=280, label=label)


def _table(series: list[WatchedSeries], names: list[str]) -> parts.Children:
    rows = [
        _row(run, name) for one, name in zip(series, names, strict=True) for run in one.anomalies
    ]
    lacking = [
        html.Li([html.Bdi(name), ": ", html.Span(tell(one.insufficient.reason), dir="auto")])
        for one, name in zip(series, names, strict=True)
        if one.insufficient is not None
    ]
    parts_: list[Any] = []
    if rows:
        columns = [
            Column("when", words("when"), "node"),
            Column("series", words("series"), "node"),
            Column("side", words("side")),
            Column("value", words("value"), "number"),
            Column("expected", words("expected"), "number"),
            Column("score", words("score"), "number"),
            Column("p", words("p_value")),
            Column("lasted", words("lasted")),
        ]
        parts_.append(tables.table(columns, rows, caption=words("anomalies"), limit=MAX_ROWS))
    elif len(lacking) < len(series):
        parts_.append(states.calm(words("quiet"), words("quiet_hint")))
    if lacking and len(series) > 1:
        parts_ += [html.P(words("lacking")), html.Ul(lacking[:MAX_ROWS])]
    return html.Div(parts_, **attrs(data_part="anomalies"))


def _row(run: MetricAnomaly, name: str) -> dict[str, Any]:  # cells of every kind
    return {
        "when": moment(run.peak_ms),
        "series": html.A(html.Bdi(name), href=link("", detail=packed(series=name))),
        "side": words(f"side_{run.side}"),
        "value": run.value,
        "expected": run.expected,
        "score": run.score,
        "p": parts.chance(run.p_value),
        "lasted": duration((run.end_ms - run.start_ms) / 1_000),
    }
