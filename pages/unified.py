"""The fleet at a glance: which models and services need you now, and why."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import numpy as np
from dash import html

from components import charts, live, shell, states
from components.address import choice, link
from components.charts import Line
from components.issues import Issue, issue_list
from components.kpi import change, kpi, row
from components.live import View
from components.panel import Provenance, grid, moment, panel
from components.scope import Scope
from components.status import mark
from components.tables import Column, table
from engines.result import Insufficient
from i18n import number, t
from pages import sources
from pages.incident_list import cause_words, group_link, group_title
from services.fleet import LISTED, ModelGlance, Overview, Totals, get_overview
from services.incident_groups import group_by_cause
from services.series import step_for
from services.times import MINUTE_MS, Window
from services.traffic import RequestStats, TrafficSeries, get_request_stats, get_traffic_series
from services.trust import get_trust, read_trust_history
from services.workspace import Workspace

PATH = "/"
_KPIS = ("healthy", "trust", "incidents", "requests", "errors", "latency")
_MAX_LINES = 5
_MAX_ISSUES = 8


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""

    def words(name: str) -> str:
        return t(f"unified.{name}")

    return html.Div(
        [
            shell.page_header(t("nav.unified"), words("purpose")),
            live.view_store("unified"),
            row(*[live.slot(f"unified-{name}", states.skeleton(104, "kpi")) for name in _KPIS]),
            grid(
                panel(
                    words("attention"), None, panel_id="unified-attention", span=5, menu=False,
                    definition=words("attention_definition"), height=250,
                ),
                panel(
                    words("models"), None, panel_id="unified-models", span=7, height=250,
                ),
                panel(
                    words("traffic"), None, panel_id="unified-traffic", span=6,
                    definition=words("traffic_definition"),
                ),
                panel(
                    words("latency"), None, panel_id="unified-latency", span=6,
                    definition=words("latency_definition"),
                ),
                panel(
                    words("trust_over_time"), None, panel_id="unified-trust-history", span=6,
                    definition=words("trust_definition"),
                ),
                panel(
                    words("services"), None, panel_id="unified-services", span=6,
                    definition=words("services_definition"),
                ),
            ),
        ]
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "unified", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put what the fleet looks like now into the page's places."""
    window = sources.window_of(ws, scope)
    overview = get_overview(ws, window)
    model_id = scope.model or None
    series = get_traffic_series(ws, window, step_for(window, 120), model_id=model_id)
    source = Provenance(
        scope.describe(), overview.totals.requests, computed_at_ms=overview.computed_at_ms
    )
    _fill_figures(ws, scope, view, overview, series)
    view.panel("unified-attention", _attention(ws, overview), source, height=250)
    view.panel("unified-models", _models(overview), source, height=250)
    marks = sources.event_marks(ws, window, scope.model)
    before = None
    if scope.compare:
        past = sources.compared(ws, scope)
        before = get_traffic_series(ws, past, series.step_ms, model_id=model_id)
    if series.requests.any():
        view.panel("unified-traffic", _traffic_chart(series, before, marks), source)
    else:
        view.panel("unified-traffic", _nothing(), source)
    view.panel("unified-latency", _latency_chart(series, marks), source)
    view.panel("unified-trust-history", _trust_history(ws, window, overview, marks), source)
    view.panel("unified-services", _services(overview), source)


def _fill_figures(
    ws: Workspace, scope: Scope, view: View, overview: Overview, series: TrafficSeries
) -> None:
    totals = overview.totals
    window = sources.window_of(ws, scope)
    now = get_request_stats(ws, window, model_id=scope.model) if scope.model else totals
    before = sources.earlier_traffic(ws, scope, model_id=scope.model or None)
    healthy = totals.by_health.get("healthy", 0)
    worst = next((h for h in ("critical", "warning") if totals.by_health.get(h)), "healthy")
    status, word = sources.health_words(worst if healthy or worst != "healthy" else "unknown")
    figures = {
        "healthy": kpi(
            t("unified.healthy_models"),
            t("unified.healthy_of", n=number(healthy), total=number(totals.models)),
            kpi_id="unified-healthy", status=status, word=word,
            definition=t("unified.healthy_definition"),
        ),
        "trust": kpi(
            t("unified.mean_trust"),
            _known(totals.mean_trust, t("unified.no_history")),
            kpi_id="unified-trust", definition=t("unified.mean_trust_definition"),
            href="/technical",
        ),
        "incidents": kpi(
            t("unified.incidents"), float(totals.open_incidents), kpi_id="unified-incidents",
            status="bad" if totals.open_incidents else "good",
            word=sources.causes_words(totals.causes)
            if totals.open_incidents
            else t("trust.health_healthy"),
            href="/incidents",
        ),
    }  # fmt: skip
    figures |= _traffic_figures(now, before, series)
    for name in _KPIS:
        view.slot(f"unified-{name}", figures[name])


def _traffic_figures(
    now: RequestStats | Totals, before: RequestStats, series: TrafficSeries
) -> dict[str, Any]:
    rate = np.divide(
        series.errors, series.requests, out=np.zeros_like(series.errors), where=series.requests > 0
    )
    p95 = now.latency_p95_ms
    old_p95 = before.latency_p95_ms
    nothing = t("unified.no_models")
    return {
        "requests": kpi(
            t("unified.requests"), float(now.requests), kpi_id="unified-requests",
            delta=change(now.requests, before.requests),
            trend=sources.spark(series.requests[sources.whole_steps(series)]),
        ),
        "errors": kpi(
            t("unified.error_rate"), _known(now.error_rate, nothing), unit="share",
            kpi_id="unified-errors", delta=change(now.error_rate, before.error_rate), good="down",
            trend=sources.spark(rate), definition=t("unified.error_rate_definition"),
        ),
        "latency": kpi(
            t("unified.latency_p95"), _known(p95, nothing), unit="ms", kpi_id="unified-latency",
            delta=change(p95, old_p95), good="down", trend=sources.spark(series.latency_ms["p95"]),
            definition=t("unified.latency_definition"),
        ),
    }  # fmt: skip


def _attention(ws: Workspace, overview: Overview) -> Any:
    """Return open incidents, then what is not healthy; a calm sentence when there is neither."""
    if not overview.models and not overview.services:
        return _nothing()
    severity = {"critical": "bad", "warning": "warn", "info": "none"}
    issues = [
        Issue(
            severity[group.severity],  # type: ignore[arg-type]
            group_title(group),
            cause_words(group) if group.cause else "",
            since_ms=group.opened_at_ms,
            href=group_link(group),
        )
        for group in group_by_cause(overview.incidents)[:_MAX_ISSUES]
    ]
    named = {i.subject for i in overview.incidents}
    for model in overview.models:
        if len(issues) >= _MAX_ISSUES:
            break
        if model.health in ("critical", "warning") and model.model_id not in named:
            status, word = sources.health_words(model.health)
            link = _model_link(model.model_id)
            issues.append(Issue(status, model.name, _why(ws, model), word, href=link))
    for service in overview.services:
        if service.health in ("critical", "warning") and service.service not in named:
            status, word = sources.health_words(service.health)
            traces = sources.service_link(service.service)
            why = sources.service_words(service)
            issues.append(Issue(status, service.service, why, word, href=traces))
    if not issues:
        return states.calm(t("unified.all_well"), t("unified.all_well_hint"))
    return issue_list(issues[:_MAX_ISSUES])


def _why(ws: Workspace, model: ModelGlance) -> str:
    found = get_trust(ws, model.model_id).result
    return sources.main_reason(found) if found is not None else model.explanation


def _models(overview: Overview) -> Any:
    if not overview.models:
        return _nothing()
    columns = [
        Column("model", t("unified.model"), "node"),
        Column("health", t("unified.health"), "node"),
        Column("trust", t("unified.trust"), "number"),
        Column("requests", t("unified.requests"), "number"),
        Column("errors", t("unified.errors"), "number", "share"),
        Column("p95", "p95", "number", "ms"),
        Column("seen", t("unified.last_seen"), "node"),
    ]
    rows = [_model_row(model) for model in overview.models[:LISTED]]
    return table(columns, rows, caption=t("unified.models_caption"), total=len(overview.models))


def _model_row(model: ModelGlance) -> dict[str, Any]:
    sent = model.traffic
    return {
        "model": html.A(html.Bdi(model.name), href=_model_link(model.model_id)),
        "health": mark(*sources.health_words(model.health)),
        "trust": round(model.trust, 2) if model.trust is not None else None,
        "requests": float(sent.requests) if sent else None,
        "errors": sent.error_rate if sent else None,
        "p95": sent.latency_ms["p95"] if sent and sent.latency_ms else None,
        "seen": moment(model.last_seen_ms) if model.last_seen_ms else None,
    }


def _traffic_chart(
    series: TrafficSeries, before: TrafficSeries | None, marks: list[charts.Mark]
) -> Any:
    per_minute = series.step_ms / MINUTE_MS
    whole = sources.whole_steps(series)
    requests = np.where(whole, series.requests, np.nan) / per_minute
    errors = np.where(whole, series.errors, np.nan) / per_minute
    lines = [
        Line(t("unified.requests"), sources.plain(requests)),
        Line(t("unified.failed"), sources.plain(errors), token="bad"),
    ]
    if before is not None:
        n = min(len(before.requests), len(series.requests))
        past = np.full(len(series.requests), np.nan)
        past[:n] = before.requests[:n] / per_minute
        lines.append(Line(t("unified.before"), sources.plain(past), token="series-8", dash="dash"))
    figure = charts.line(
        series.timestamps_ms.tolist(), lines, unit=t("unified.per_minute"), zero=True, marks=marks
    )
    return charts.graph("unified-traffic-chart", figure, label=t("unified.traffic_definition"))


def _latency_chart(series: TrafficSeries, marks: list[charts.Mark]) -> Any:
    lines = [Line(name, sources.plain(values)) for name, values in series.latency_ms.items()]
    if not any(np.isfinite(values).any() for values in series.latency_ms.values()):
        return _nothing()
    figure = charts.line(series.timestamps_ms.tolist(), lines, unit="ms", zero=True, marks=marks)
    return charts.graph("unified-latency-chart", figure, label=t("unified.latency_definition"))


def _trust_history(
    ws: Workspace, window: Window, overview: Overview, marks: list[charts.Mark]
) -> Any:
    """Return the trust of the models that are lowest now."""
    lowest = [m for m in overview.models if m.trust is not None][:_MAX_LINES]
    step = max(step_for(window), 5 * MINUTE_MS)
    found = read_trust_history(ws, [m.model_id for m in lowest], window, step)
    by_id = {points.series.label("model_id"): points for points in found}
    known = [m for m in lowest if m.model_id in by_id]
    if not known:
        return Insufficient(t("unified.no_history"))
    times = np.unique(np.concatenate([by_id[m.model_id].timestamps_ms for m in known]))
    lines = []
    for model in known:
        values = np.full(len(times), np.nan)
        points = by_id[model.model_id]
        values[np.searchsorted(times, points.timestamps_ms)] = points.values
        lines.append(Line(model.name, sources.plain(values)))
    limits = sources.trust_limits(ws, {m.model_type for m in known})
    figure = charts.line(
        times.tolist(), lines, thresholds=limits, marks=marks, y_range=(0.0, 1.02),
        window_ms=(window.start_ms, window.end_ms),
    )  # fmt: skip
    return charts.graph(
        "unified-trust-chart", figure, label=t("unified.trust_definition"),
        choices={model.name: link("", model=model.model_id) for model in known},
    )  # fmt: skip


def _services(overview: Overview) -> Any:
    if not overview.services:
        return states.empty(t("unified.no_services"))
    columns = [
        Column("service", t("unified.service")),
        Column("health", t("unified.health"), "node"),
        Column("calls", t("unified.calls"), "number"),
        Column("errors", t("unified.errors"), "number", "share"),
        Column("mean", t("unified.mean_duration"), "number", "ms"),
    ]
    rows = [
        {
            "service": choice(s.service, sources.service_link(s.service)),
            "health": mark(*sources.health_words(s.health)),
            "calls": float(s.calls),
            "errors": s.error_rate,
            "mean": s.mean_ms,
        }
        for s in overview.services
    ]
    return table(columns, rows, caption=t("unified.services"), limit=50)


def _nothing() -> html.Div:
    return states.empty(
        t("unified.no_models"), hint=t("unified.no_models_hint"), command="python -m app demo"
    )


def _known(value: float | None, reason: str) -> float | Insufficient:
    return Insufficient(reason) if value is None else value


def _model_link(model_id: str) -> str:
    return "/technical?" + urlencode({"model": model_id})
