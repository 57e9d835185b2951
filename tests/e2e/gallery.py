"""Every component once, for eyes and tests: `python tests/e2e/gallery.py PORT` serves it."""

from __future__ import annotations

import sys
from typing import Any

import dash
from dash import Dash, Input, Output, html
from flask import Flask, request
from gallery_charts import NOW, comparisons, time_charts, wave

import i18n
from components import lazy, shell, states
from components.issues import Issue, issue_list
from components.kpi import Delta, kpi, row
from components.panel import Provenance, grid, panel, section
from components.shell import NavItem, Standing
from components.status import mark
from components.tables import Column, meter, meters, table
from components.tables import grid as data_grid
from components.text import Span, mark_legend, marked_text
from engines.result import Insufficient, Interval

ASSETS = str(shell._ASSETS)


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
