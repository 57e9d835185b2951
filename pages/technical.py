"""One model in depth: traffic, latency, errors, trust and its parts, drift, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from dash import html

from components import charts, live, shell, states
from components.address import link, packed
from components.charts import Line, Threshold
from components.kpi import change, kpi, row
from components.live import View
from components.panel import Provenance, grid, panel
from components.scope import Scope
from engines.result import Insufficient
from i18n import isolated, percent, quantity, t
from pages import focus, model_evidence, sources, technical_events, technical_text
from pages.model_evidence import words
from services.models import get_model
from services.series import step_for
from services.slo import fastest, judge_burn, list_error_budgets
from services.times import MINUTE_MS
from services.traffic import RequestStats, TrafficSeries, get_request_stats, get_traffic_series
from services.workspace import Workspace

PATH = "/technical"
_KPIS = ("trust", "rate", "p50", "p95", "p99", "errors", "burn")


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""
    evidence = [
        panel(
            words("both_title" if name == "both" else name), None,
            panel_id=f"technical-{name}", span=span, height=height,
            definition=words(f"{name}_definition"),
        )
        for name, span, height in (
            ("anomalies", 7, 200), ("failures", 5, 200),
            ("trust", 5, 250), ("drift", 7, 250), ("tokens", 4, 240), ("risk", 4, 240),
            ("calibration", 4, 260), ("both", 4, 260), ("reliability", 4, 260),
            ("quality", 4, 240),
        )
    ]  # fmt: skip
    return html.Div(
        [
            shell.page_header(t("nav.technical"), words("purpose")),
            live.view_store("technical"),
            live.slot("technical-trouble", block=True),
            live.slot("technical-who", block=True),
            row(*[live.slot(f"technical-{name}", states.skeleton(104, "kpi")) for name in _KPIS]),
            live.slot("technical-writing", block=True),
            grid(
                panel(
                    t("unified.traffic"), None, panel_id="technical-traffic", span=4, height=220,
                    definition=t("unified.traffic_definition"),
                ),
                panel(
                    t("unified.latency"), None, panel_id="technical-latency", span=4, height=220,
                    definition=t("unified.latency_definition"),
                ),
                panel(
                    words("error_rate"), None, panel_id="technical-errors-chart", span=4,
                    height=220, definition=words("error_definition"),
                ),
                *evidence,
                live.slot("technical-last"),
            ),
        ]
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "technical", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put what the chosen model (or the fleet) does now into the page's places."""
    window = sources.window_of(ws, scope)
    chosen = {"model_id": scope.model or None, "version": scope.version or None}
    traffic = get_request_stats(ws, window, **chosen)
    before = sources.earlier_traffic(ws, scope, **chosen)
    series = get_traffic_series(ws, window, step_for(window, 120), **chosen)
    objective = get_model(ws, scope.model).objective_latency_ms if scope.model else None
    source = Provenance(scope.describe(), traffic.requests, computed_at_ms=ws.now_ms())
    marks = sources.event_marks(ws, window, scope.model)
    view.slot("technical-trouble", focus.trouble(ws, scope.model))
    _fill_figures(view, traffic, before, series, objective)
    view.slot("technical-burn", _burn(ws, scope.model))
    view.panel("technical-traffic", _requests(series, marks), source, height=220)
    view.panel("technical-latency", _latency(series, marks, objective), source, height=220)
    view.panel("technical-errors-chart", _errors(series, marks), source, height=220)
    technical_events.fill(ws, scope, window, marks, view)
    if not scope.model:
        _ask_for_model(view)
        return
    view.slot("technical-who", None)
    model_evidence.fill(ws, scope.model, view)
    if get_model(ws, scope.model).model_type in ("llm", "rag"):
        technical_text.fill(ws, scope, window, marks, view)
        view.hide(*[f"technical-{name}" for name in model_evidence.SCORED])
    else:
        view.slot("technical-writing", None)
        view.hide(*[f"technical-{name}" for name in technical_text.PANELS])


def _ask_for_model(view: View) -> None:
    view.slot("technical-who", html.P(words("choose_hint"), className="page-note"))
    view.slot("technical-trust", kpi(t("unified.trust"), _choose(), kpi_id="technical-trust"))
    view.slot("technical-writing", None)
    view.slot("technical-last", None)
    hidden = (*model_evidence.PANELS, *technical_text.PANELS)
    view.hide(*[f"technical-{name}" for name in hidden])


def _choose() -> Insufficient:
    return Insufficient(words("choose"))


def _fill_figures(
    view: View,
    now: RequestStats,
    before: RequestStats,
    series: TrafficSeries,
    objective: float | None,
) -> None:
    whole = sources.whole_steps(series)
    rate = float(now.requests_per_s) if now.requests else None
    view.slot(
        "technical-rate",
        kpi(
            words("requests_per_s"), _known(rate), unit="/s", kpi_id="technical-rate",
            delta=change(now.requests_per_s, before.requests_per_s),
            trend=sources.spark(series.requests[whole]),
        ),
    )  # fmt: skip
    for name, label in (
        ("p50", words("p50")),
        ("p95", t("unified.latency_p95")),
        ("p99", words("p99")),
    ):
        value = now.latency_ms[name] if now.latency_ms else None
        old = before.latency_ms[name] if before.latency_ms else None
        view.slot(
            f"technical-{name}",
            kpi(
                label, _known(value), unit="ms", kpi_id=f"technical-{name}",
                delta=change(value, old), good="down",
                target=objective if name == "p95" else None,
                trend=sources.spark(series.latency_ms[name]),
                definition=t("unified.latency_definition") if name == "p95" else None,
            ),
        )  # fmt: skip
    view.slot(
        "technical-errors",
        kpi(
            t("unified.error_rate"), _known(now.error_rate), unit="share", good="down",
            kpi_id="technical-errors", delta=change(now.error_rate, before.error_rate),
            trend=sources.spark(_share(series)[whole]),
            definition=t("unified.error_rate_definition"),
        ),
    )  # fmt: skip


def _burn(ws: Workspace, model_id: str) -> Any:
    """Return how fast budgets burn: of the chosen model's objectives, or of all."""
    if "slo:read" not in ws.principal.permissions:
        return None
    found = list_error_budgets(ws, model_id)
    worst = fastest(found)
    title, definition = words("burn"), t("profiles.d_slo_burn")
    if worst is None:
        reason = t("reasons.no_objective_hour" if found else "reasons.no_objective")
        return kpi(title, Insufficient(reason), kpi_id="technical-burn", definition=definition)
    made = kpi(
        title, _known(worst.burn["1h"]), kpi_id="technical-burn", good="down",
        status=judge_burn(worst), definition=definition,
        href=link("/slo", focus=packed(slo=worst.objective.id)),
    )  # fmt: skip
    foot = words(
        "burn_foot",
        objective=isolated(worst.objective.definition.name),
        six=isolated(quantity(worst.burn["6h"])),
        left=isolated(percent(worst.budget.remaining, decimals=0)),
    )
    made.children.append(html.P(foot, className="kpi-foot"))
    return made


def _requests(series: TrafficSeries, marks: list[charts.Mark]) -> Any:
    if not series.requests.any():
        return states.empty(t("unified.no_models"), command="python -m app demo")
    per_minute = series.step_ms / MINUTE_MS
    values = np.where(sources.whole_steps(series), series.requests, np.nan) / per_minute
    figure = charts.line(
        series.timestamps_ms.tolist(), [Line(t("unified.requests"), sources.plain(values))],
        unit=t("unified.per_minute"), zero=True, marks=marks,
    )  # fmt: skip
    return charts.graph(
        "technical-traffic-chart", figure, label=t("unified.traffic_definition"), height=220
    )


def _latency(series: TrafficSeries, marks: list[charts.Mark], objective: float | None) -> Any:
    if not any(np.isfinite(values).any() for values in series.latency_ms.values()):
        return states.empty(t("unified.no_models"))
    lines = [Line(name, sources.plain(values)) for name, values in series.latency_ms.items()]
    limits = []
    if objective is not None:
        label = words("objective", value=quantity(objective, "ms"))
        limits.append(Threshold(objective, label))
    figure = charts.line(
        series.timestamps_ms.tolist(), lines, unit="ms", zero=True, marks=marks, thresholds=limits
    )
    return charts.graph(
        "technical-latency-chart", figure, label=t("unified.latency_definition"), height=220
    )


def _errors(series: TrafficSeries, marks: list[charts.Mark]) -> Any:
    if not series.requests.any():
        return states.empty(t("unified.no_models"))
    low, high = sources.wilson_band(series.errors, series.requests)
    one = Line(
        t("unified.error_rate"), sources.plain(_share(series)), sources.plain(low),
        sources.plain(high), token="bad",
    )  # fmt: skip
    figure = charts.line(series.timestamps_ms.tolist(), [one], unit="share", zero=True, marks=marks)
    return charts.graph(
        "technical-error-chart", figure, label=words("error_definition"), height=220
    )


def _share(series: TrafficSeries) -> Any:  # float array, NaN without requests
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(series.requests > 0, series.errors / series.requests, np.nan)


def _known(value: float | None) -> float | Insufficient:
    return Insufficient(t("unified.no_models")) if value is None else value
