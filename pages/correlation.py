"""Which metrics move together: a matrix of up to twenty, the pairs that chance does not explain."""

from __future__ import annotations

from typing import Any

from dash import html

from components import charts, live, states, tables
from components.address import link, packed
from components.attributes import attrs
from components.charts import Line
from components.icons import icon
from components.live import View
from components.panel import Provenance, panel
from components.scope import Scope
from components.status import mark
from components.tables import Column
from i18n import duration, number, tell
from pages import explore_parts as parts
from pages import sources
from pages.explore_parts import words
from services import metric_view
from services.correlation import (
    CorrelatedPair,
    CorrelationAnswer,
    correlate_metrics,
    overlay_pair,
)
from services.errors import Malformed
from services.series import MAX_METRICS
from services.workspace import Workspace

PATH = "/correlation"
PANELS = ("correlation-matrix", "correlation-pair", "correlation-pairs")
COMMAND = (
    "curl -X POST $HUB/api/ingest/metrics -H 'Content-Type: application/json'"
    ' -d \'{"metrics":[{"name":"queue_depth","value":7},{"name":"latency_ms","value":120}]}\''
)
MAX_SHOWN = 40


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""
    return parts.page(
        "correlation", words("correlation_purpose"),
        [
            parts.field("m", words("add_metric"), "metrics", hint=parts.metric_hint()),
            live.slot("correlation-chosen"),
        ],
        panel(
            words("matrix"), None, panel_id="correlation-matrix", span=12, height=240,
            definition=words("matrix_definition"),
        ),
        panel(words("pair"), None, panel_id="correlation-pair", span=12, height=90),
        panel(words("pairs"), None, panel_id="correlation-pairs", span=12, height=120),
        lists=False,
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "correlation", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the matrix of the chosen metrics, its pairs and the opened pair into the page."""
    asked = parts.asked(scope)
    chosen = asked.all("m")[:MAX_METRICS]
    view.slot("correlation-chosen", _chosen(asked, chosen))
    try:
        narrowed = [metric_view.narrow(ws, metric, scope.model) for metric in chosen]
        metrics = narrowed or metric_view.usual_metrics(ws, scope.model)
        if len(metrics) < 2:
            state = parts.nothing_yet(words("two_metrics"), COMMAND)
            for name in PANELS:
                view.panel(name, state)
            return
        answer = correlate_metrics(ws, metrics, sources.window_of(ws, scope))
    except Malformed as error:
        parts.refuse(view, PANELS, error)
        return
    source = Provenance(
        scope.describe(), answer.n, computed_at_ms=answer.computed_at_ms, method=answer.method
    )
    if answer.insufficient is not None:
        for name in PANELS:
            view.panel(name, answer.insufficient, source)
        return
    able = sum(one.insufficient is None for one in answer.series)
    height = min(760, 90 + 34 * able)
    view.panel("correlation-matrix", _matrix(answer, height), source, height=height)
    view.panel("correlation-pairs", _pairs(answer), source)
    view.panel("correlation-pair", _pair(ws, scope, answer), source)


def _chosen(asked: parts.Asked, chosen: list[str]) -> parts.Children:
    if not chosen:
        return html.P(words("usual_choice"), className="page-note")
    return html.Div(
        [
            html.A(
                [html.Bdi(metric), icon("x-lg")],
                href=link("", focus=asked.without("m", metric), detail=""),
                className="chip",
                **attrs(aria_label=words("remove", metric=metric)),
            )
            for metric in chosen
        ],
        className="chips",
    )


def _key(answer: CorrelationAnswer, first: int, second: int) -> str:
    names = [answer.series[at].metric_name for at in (first, second)]
    return packed(a=names[0], b=names[1])


def _matrix(answer: CorrelationAnswer, height: int) -> parts.Children:
    names = [one.metric_name for one in answer.series]
    able = [at for at, one in enumerate(answer.series) if one.insufficient is None]
    size = len(able)
    found = {frozenset((p.first, p.second)): p for p in answer.pairs}
    rows = [[_cell(answer, found.get(frozenset((i, j))), names, i, j) for j in able] for i in able]
    figure = charts.relation_map([names[at] for at in able], rows)
    related = sum(pair.is_related for pair in answer.pairs)
    label = words("matrix_label", n=number(size), related=number(related))
    drawn = charts.graph("correlation-graph", figure, height=height, label=label)
    said = words("matrix_lead", related=number(related), tested=number(answer.pairs_tested))
    lead = html.P(said, className="muted")
    lacking = [
        html.Li([html.Bdi(one.metric_name), ": ", html.Span(tell(lack.reason), dir="auto")])
        for one in answer.series
        if (lack := one.insufficient) is not None
    ]
    more = html.Details([html.Summary(words("lacking")), html.Ul(lacking)]) if lacking else None
    return html.Div([lead, drawn, more], **attrs(data_cells="1"))


def _cell(
    answer: CorrelationAnswer, pair: CorrelatedPair | None, names: list[str], i: int, j: int
) -> charts.Relation:
    value = answer.matrix[i][j]
    if i == j:
        return charts.Relation(value, True, names[i])
    if pair is None:
        note = f"{names[i]} · {names[j]}<br>{number(value, decimals=2)}"
        return charts.Relation(value, False, note, _key(answer, i, j))
    shown = pair.correlation if pair.is_related else value
    return charts.Relation(shown, pair.is_related, _note(pair, names), _key(answer, i, j))


def _note(pair: CorrelatedPair, names: list[str]) -> str:
    facts = words(
        "pair_facts",
        r=number(pair.correlation, decimals=2),
        q=parts.chance(pair.q_value),
        lag=_lag(pair),
    )
    return f"{names[pair.first]} · {names[pair.second]}<br>{facts}"


def _lag(pair: CorrelatedPair) -> str:
    return duration(abs(pair.lag_ms) / 1_000) if pair.lag_ms else words("no_lag")


def _leader(pair: CorrelatedPair, names: list[str]) -> str:
    if not pair.lag_ms:
        return words("together")
    leader = names[pair.first if pair.lag_ms > 0 else pair.second]
    return words("leads", metric=leader, lag=duration(abs(pair.lag_ms) / 1_000))


def _pairs(answer: CorrelationAnswer) -> parts.Children:
    names = [one.metric_name for one in answer.series]
    columns = [
        Column("pair", words("pair"), "node"),
        Column("related", words("related"), "node"),
        Column("r", words("correlation"), "number"),
        Column("tested", words("tested"), "number"),
        Column("interval", words("interval")),
        Column("lag", words("order")),
        Column("q", words("q_value")),
        Column("n", words("n"), "number"),
    ]
    rows = [
        {
            "pair": html.A(
                html.Bdi(f"{names[p.first]} · {names[p.second]}"),
                href=link("", detail=_key(answer, p.first, p.second)),
            ),
            "related": mark("good" if p.is_related else "none", _related(p)),
            "r": p.correlation,
            "tested": p.innovation,
            "interval": f"{number(p.interval.low, decimals=2)} – "
            f"{number(p.interval.high, decimals=2)}",
            "lag": _leader(p, names),
            "q": parts.chance(p.q_value),
            "n": float(p.n),
        }
        for p in answer.pairs[:MAX_SHOWN]
    ]
    if not rows:
        return states.empty(words("no_pairs"))
    total = max(len(rows), answer.pairs_tested)
    return tables.table(columns, rows, caption=words("pairs"), limit=MAX_SHOWN, total=total)


def _related(pair: CorrelatedPair) -> str:
    return words("is_related" if pair.is_related else "is_chance")


def _pair(ws: Workspace, scope: Scope, answer: CorrelationAnswer) -> parts.Children:
    opened = parts.opened(scope)
    first, second = opened.one("a"), opened.one("b")
    names = [one.metric_name for one in answer.series]
    if first not in names or second not in names:
        return html.P(words("choose_pair"), className="state-hint")
    found = overlay_pair(ws, first, second, answer.window, step_ms=answer.step_ms)
    if found is None:
        return states.empty(words("no_values", metric=f"{first} · {second}"))
    figure = charts.line(
        found.starts_ms, [Line(first, found.first), Line(second, found.second)], unit="σ",
        marks=sources.event_marks(ws, answer.window, scope.model),
    )  # fmt: skip
    label = words("pair_label", first=first, second=second)
    return html.Div(
        [
            html.P(words("pair_scale"), className="muted"),
            charts.graph("correlation-overlay", figure, height=260, label=label),
        ]
    )
