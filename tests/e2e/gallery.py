"""Every component once, for eyes and tests: `python tests/e2e/gallery.py PORT` serves it."""

from __future__ import annotations

import math
import random
import sys
import time
from typing import Any

import dash
from dash import Dash, Input, Output, html
from flask import Flask, request

import i18n
from components import charts, lazy, shell, states
from components.charts import Line, Mark, Threshold
from components.graph_view import Edge, Node, graph_view
from components.issues import Issue, issue_list
from components.kpi import Delta, kpi, row
from components.panel import Provenance, grid, panel, section
from components.shell import NavItem, Standing
from components.status import mark
from components.tables import Column, meter, meters, table
from components.tables import grid as data_grid
from components.text import Span, mark_legend, marked_text
from engines.result import Insufficient, Interval

NOW = int(time.time() * 1000) - 90_000
HOUR = 3_600_000
ASSETS = str(shell._ASSETS)


def wave(n: int, seed: int, level: float, swing: float) -> list[float]:
    """A daily rhythm with noise: test data for the eyes."""
    chance = random.Random(seed)
    return [level + swing * math.sin(i / n * 12) + chance.gauss(0, swing / 5) for i in range(n)]


def key_figures() -> Any:
    source = Provenance("24 h", 12_345, computed_at_ms=NOW)
    return row(
        kpi(
            "Trust score",
            0.8731,
            kpi_id="trust",
            interval=Interval(0.842, 0.901, 0.95),
            delta=Delta(-0.031, "absolute"),
            good="up",
            status="warn",
            trend=wave(48, 1, 0.9, 0.03),
            definition="Geometric mean of drift, reliability, grounding and trend, each 0 to 1.",
            source=source,
        ),
        kpi(
            "Requests",
            1_234_567,
            kpi_id="req",
            unit="",
            delta=Delta(0.124),
            trend=wave(48, 2, 100, 20),
            source=source,
        ),
        kpi(
            "Error rate",
            0.0123,
            kpi_id="err",
            unit="share",
            delta=Delta(0.31),
            good="down",
            status="bad",
            target=0.01,
            trend=wave(48, 3, 0.01, 0.004),
            source=source,
        ),
        kpi(
            "Latency p95",
            182.4,
            kpi_id="lat",
            unit="ms",
            delta=Delta(-0.08),
            good="down",
            status="good",
            target=250,
            trend=wave(48, 4, 180, 20),
            source=source,
        ),
        kpi(
            "Calibration error",
            Insufficient("needs 200 labelled inferences, got 41", 200, 41),
            kpi_id="cal",
            definition="Expected calibration error over ten equal-count bins.",
        ),
        kpi(
            "Cost",
            41.87,
            kpi_id="cost",
            unit="usd",
            delta=Delta(0.0),
            good="down",
            trend=wave(48, 5, 40, 5),
            source=source,
        ),
    )


def time_charts() -> Any:
    n = 2880
    x = [NOW - 24 * HOUR + i * 24 * HOUR / n for i in range(n)]
    p50, p95, p99 = wave(n, 1, 80, 12), wave(n, 2, 160, 30), wave(n, 3, 260, 60)
    marks = [
        Mark(NOW - 17 * HOUR, "v2.3 to all regions"),
        Mark(NOW - 6 * HOUR, "Slow dependency: payments", "incident", NOW - 4.5 * HOUR),
    ]
    latency = charts.line(
        x,
        [Line("p50", p50), Line("p95", p95), Line("p99", p99)],
        unit="ms",
        zero=True,
        thresholds=[Threshold(250, "objective 250 ms")],
        marks=marks,
    )
    score = wave(96, 7, 0.85, 0.05)
    xs = [NOW - 24 * HOUR + i * HOUR / 4 for i in range(96)]
    trust = charts.line(
        xs,
        [Line("Trust", score, [v - 0.03 for v in score], [v + 0.03 for v in score])],
        unit="share",
        thresholds=[Threshold(0.8, "warning below 80%", "warn")],
    )
    parts = [Line(name, [abs(v) for v in wave(96, i, 30, 10)]) for i, name in enumerate("abcd")]
    volume = charts.area(xs, parts, unit="requests/s")
    source = Provenance("24 h", 48_211, 120_000, computed_at_ms=NOW, method="t-digest")
    return grid(
        panel(
            "Latency",
            charts.graph("g-lat", latency, label="Latency over 24 hours"),
            panel_id="lat",
            definition="Time from request to last byte; p95 means 95 % were faster.",
            unit="ms",
            source=source,
            span=8,
            href="/technical",
        ),
        panel(
            "Trust over time",
            charts.graph("g-trust", trust, label="Trust"),
            panel_id="trust",
            source=source,
            span=4,
        ),
        panel(
            "Traffic by model",
            charts.graph("g-area", volume, label="Traffic"),
            panel_id="area",
            source=source,
            span=6,
        ),
        panel(
            "Parts of cost",
            charts.graph(
                "g-stack",
                charts.stacked_bars(
                    ["Mon", "Tue", "Wed", "Thu", "Fri"],
                    [
                        Line("input tokens", [3, 4, 5, 4, 6]),
                        Line("output tokens", [6, 7, 6, 8, 9]),
                        Line("compute", [2, 2, 2, 3, 2]),
                    ],
                    unit="USD",
                ),
                label="Cost",
            ),
            panel_id="stack",
            source=source,
            span=6,
        ),
    )


def comparisons() -> Any:
    names = ["mean radius", "texture", "smoothness", "concavity", "symmetry", "fractal dimension"]
    drift = [0.42, 0.27, 0.18, 0.09, 0.05, 0.02]
    by_feature = charts.bars(
        names,
        drift,
        statuses=["bad", "bad", "warn", "good", "good", "good"],
        thresholds=[Threshold(0.1, "0.1", "warn"), Threshold(0.25, "0.25", "bad")],
    )
    edges = [6, 9, 12, 15, 18, 21, 24, 27]
    pair = charts.histogram_pair(
        edges,
        [0.05, 0.2, 0.34, 0.2, 0.12, 0.06, 0.03],
        [0.02, 0.1, 0.22, 0.27, 0.2, 0.12, 0.07],
        unit="mm",
    )
    p = [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95]
    o = [0.04, 0.12, 0.28, 0.31, 0.4, 0.47, 0.58, 0.66, 0.74, 0.88]
    calibration = charts.reliability_diagram(
        p,
        o,
        [120, 90, 70, 60, 40, 45, 50, 72, 110, 180],
        low=[v - 0.04 for v in o],
        high=[v + 0.05 for v in o],
    )
    services = ["gateway", "search", "ranker", "payments", "profile"]
    rng = random.Random(3)
    matrix = [
        [1.0 if i == j else round(rng.uniform(-0.9, 0.9), 2) for j in range(5)] for i in range(5)
    ]
    heat = charts.heat_map(services, services, matrix, diverging=True, limits=(-1, 1))
    fall = charts.waterfall(
        ["Traffic", "Cache", "Smaller model", "Retries"],
        [12, -9, -14, 3],
        start=("Last week", 60),
        end="This week",
        unit="USD",
    )
    box = charts.boxes(
        services,
        [
            (10, 20, 32, 44, 80),
            (5, 9, 12, 20, 41),
            (30, 44, 51, 60, 92),
            (80, 120, 150, 210, 300),
            (2, 4, 6, 8, 14),
        ],
        unit="ms",
    )
    dots = charts.strip(
        [(s, wave(30, i, 20 + 5 * i, 6)) for i, s in enumerate(services)], unit="ms"
    )
    bullet = charts.bullet(
        62, target=75, bands=[(50, "poor"), (75, "fair"), (100, "good")], unit="%", status="warn"
    )
    source = Provenance("24 h", 1_200, 5_000, NOW, "PSI, 10 equal-count bins")
    graph = charts.graph
    return grid(
        panel(
            "Drift by feature",
            graph("g-bars", by_feature, label="Drift"),
            panel_id="bars",
            definition="Population stability index.",
            source=source,
            span=4,
        ),
        panel(
            "Mean radius",
            graph("g-hist", pair, label="Histogram"),
            panel_id="hist",
            source=source,
            span=4,
        ),
        panel(
            "Calibration",
            graph("g-cal", calibration, label="Calibration"),
            panel_id="rel",
            source=source,
            span=4,
        ),
        panel(
            "Correlation",
            graph("g-heat", heat, label="Correlation"),
            panel_id="heat",
            source=source,
            span=4,
        ),
        panel(
            "Why cost changed",
            graph("g-fall", fall, label="Waterfall"),
            panel_id="fall",
            source=source,
            span=4,
        ),
        panel(
            "Latency by service",
            graph("g-box", box, label="Boxes"),
            panel_id="box",
            source=source,
            span=4,
        ),
        panel(
            "Each request",
            graph("g-strip", dots, label="Strip"),
            panel_id="strip",
            source=source,
            span=6,
        ),
        panel(
            "Against target",
            graph("g-bullet", bullet, label="Bullet", height=90),
            panel_id="bullet",
            source=source,
            span=6,
            height=90,
        ),
    )


def all_states() -> Any:
    return section(
        "States",
        grid(
            panel("Loading", None, panel_id="s-load", span=3),
            panel(
                "Empty",
                states.empty(
                    "No inference has arrived yet.",
                    command="python -m app demo",
                    hint="Or send your own.",
                ),
                panel_id="s-empty",
                span=3,
            ),
            panel(
                "Thin",
                Insufficient("needs 200 labelled inferences, got 41", 200, 41),
                panel_id="s-thin",
                span=3,
            ),
            panel("Error", states.error(error_id="e-7f3a21"), panel_id="s-error", span=3),
        ),
        section_id="states",
    )


def layout() -> Any:
    more = extra()
    return html.Div(
        [
            shell.page_header("Gallery", "Every part once, so that eyes and tools can check it."),
            key_figures(),
            time_charts(),
            comparisons(),
            *more,
            all_states(),
        ]
    )


def extra() -> list[Any]:
    columns = [
        Column("name", "Model"),
        Column("health", "Health", "node"),
        Column("trust", "Trust", "number"),
        Column("error", "Errors", "number", "share"),
        Column("p95", "p95", "number", "ms"),
    ]
    rows = [
        {
            "name": html.A("fraud-v3", href="/technical?model=fraud-v3"),
            "health": mark("bad"),
            "trust": 0.61,
            "error": 0.034,
            "p95": 812.0,
        },
        {"name": "digits", "health": mark("good"), "trust": 0.93, "error": 0.0, "p95": 12.4},
        {"name": "wine", "health": mark("none"), "trust": None, "error": None, "p95": None},
    ]
    issues = [
        Issue(
            "bad",
            "fraud-v3: trust 0.61",
            "Drift in 4 of 12 columns",
            since_ms=NOW,
            href="/technical?model=fraud-v3",
        ),
        Issue("warn", "payments is slow", "Calls take 2.4 times as long as before", since_ms=NOW),
    ]
    parts = meters(
        [
            meter("Drift", 0.62, "0.62", status="warn", interval=(0.5, 0.7)),
            meter("Reliability", 0.91, "0.91", status="good", interval=(0.88, 0.94)),
            meter("Errors", 0.3, "0.30", status="bad", interval=(0.2, 0.4)),
        ]
    )
    said = "The plant opened in 1987. It employs 4,000 people. Output doubled last year."
    spans = [
        Span(0, 25, "supported"),
        Span(26, 50, "unsupported", "The passage says 400 people."),
        Span(51, 76, "undecided", "No passage speaks of output."),
    ]
    nodes = [
        Node("db", "database", "bad", 0.9),
        Node("pay", "payments", "warn", 0.6),
        Node("gw", "gateway", "good", 0.4),
        Node("search", "search", "good", 0.4),
    ]
    edges = [
        Edge("db", "pay", 0.82, Interval(0.7, 0.9, 0.95), status="bad"),
        Edge("pay", "gw", 0.4),
        Edge("search", "gw", 0.1, certain=False),
    ]
    data = [
        {"model": f"model-{i}", "version": f"v{i % 3}", "trust": round(0.5 + i / 200, 3)}
        for i in range(80)
    ]
    wide = [
        Column("model", "Model"),
        Column("version", "Version"),
        Column("trust", "Trust", "number"),
    ]
    return [
        grid(
            panel(
                "Models",
                table(columns, rows, caption="Models and their health"),
                panel_id="models",
                span=6,
            ),
            panel("Top issues", issue_list(issues), panel_id="issues", span=3),
            panel("Parts of trust", parts, panel_id="parts", span=3),
            panel(
                "Evidence",
                html.Div([mark_legend(), marked_text(said, spans)]),
                panel_id="text",
                span=6,
            ),
            panel(
                "Causes",
                graph_view("g-graph", nodes, edges, label="Causes", height=240),
                panel_id="graph",
                span=6,
            ),
            panel(
                "All models", data_grid("g-grid", wide, data, height=300), panel_id="grid", span=12
            ),
        )
    ]


NAV = [
    NavItem("/", "Gallery", "grid-1x2", "Overview"),
    NavItem("/models", "Models", "cpu", "Overview"),
    NavItem("/technical", "Technical", "speedometer2", "By role"),
    NavItem("/security", "Security", "shield-lock", "By role"),
]


def create() -> Dash:
    server = Flask("gallery")

    @server.before_request
    def _speak() -> None:
        i18n.use(
            i18n.negotiate(
                query=request.args.get("lang"),
                cookie=request.cookies.get("aiobs_lang"),
                accept=request.headers.get("Accept-Language", ""),
            )
        )

    @server.after_request
    def _protect(answer: Any) -> Any:
        hashes = " ".join(made.csp_hashes())
        answer.headers["Content-Security-Policy"] = (
            f"default-src 'self'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; "
            "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; object-src 'none'"
        )
        return answer

    lazy.hold_back()
    made = Dash(
        "gallery",
        server=server,
        pages_folder="",
        assets_folder=ASSETS,
        include_assets_files=False,
        index_string=shell.index_string(),
        suppress_callback_exceptions=True,
        title="AIOBS",
        update_title=None,
    )
    standing = Standing("acme", is_local=True, has_sample=True)
    made.layout = lambda: shell.layout(NAV, standing)
    shell.register(made, lambda: NAV)

    @made.callback(Output("page", "children"), Input("path", "data"), Input("lang", "data"))  # type: ignore[untyped-decorator]
    def _page(path: str | None, _lang: str | None) -> Any:
        return (
            layout()
            if path in (None, "/")
            else html.Div(shell.page_header(str(path), "Another page."))
        )

    @made.callback(Output("filter-options", "data"), Input("lang", "data"))  # type: ignore[untyped-decorator]
    def _options(_lang: str | None) -> Any:
        return {
            "model": [
                {"value": f"model-{i}", "label": f"model-{i}", "hint": "classifier"}
                for i in range(40)
            ],
            "version": [{"value": "v1"}, {"value": "v2"}],
            "segment": [{"value": "eu"}, {"value": "us"}],
        }

    return made


if __name__ == "__main__":
    print(dash.__version__)
    create().run(host="127.0.0.1", port=int(sys.argv[1]), debug=False)
