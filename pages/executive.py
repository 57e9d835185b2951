"""Whether AI is under control, in one minute: health, five figures, three risks, what happened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import numpy as np
from dash import html

from components import charts, live, shell, states
from components.charts import Line, Mark
from components.issues import Issue, issue_list
from components.kpi import Delta, kpi, row
from components.live import View
from components.panel import Provenance, grid, panel
from components.scope import Scope, range_words
from components.status import mark, pill
from components.tables import Column, meter, meters, table
from components.theme import Status
from engines.result import Insufficient
from i18n import currency, direction, duration, number, percent, quantity, t
from pages import executive_plans, focus, sources
from services.costs import get_recent_spending
from services.executive import Executive, Risk, Sentence, get_executive
from services.incident_groups import Causes
from services.profiles import PATHS, WidgetView, get_dashboard
from services.series import step_for
from services.times import MINUTE_MS, Window
from services.trust import FleetTrust, read_fleet_trust
from services.workspace import Workspace

PATH = "/executive"
_PROFILE = "executive"
_KPIS = ("healthy_models", "mean_trust", "slo_attainment", "open_incidents", "spend", "energy")
_BANDS: dict[str, Status] = {"healthy": "good", "warning": "warn", "critical": "bad"}
_SEVERITY: dict[str, Status] = {"critical": "bad", "warning": "warn", "info": "none"}


def words(name: str, /, **values: Any) -> str:
    """Return a text of this page."""
    return t(f"executive.{name}", **values)


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""
    return html.Div(
        [
            shell.page_header(t("nav.executive"), words("purpose")),
            live.view_store("executive"),
            live.slot("executive-note", block=True),
            row(*[live.slot(f"executive-{name}", states.skeleton(120, "kpi")) for name in _KPIS]),
            live.slot("executive-plans", block=True),
            grid(
                panel(
                    words("health"), None, panel_id="executive-health", span=5, height=270,
                    definition=words("health_definition"),
                ),
                panel(
                    words("story"), None, panel_id="executive-story", span=7, height=270,
                    definition=words("story_definition"),
                ),
                panel(
                    words("risks"), None, panel_id="executive-risks", span=7, height=180,
                    definition=words("risks_definition"),
                ),
                panel(
                    words("services"), None, panel_id="executive-services", span=5, height=180,
                    definition=t("profiles.d_services_healthy"),
                ),
                panel(
                    words("trust_over_time"), None, panel_id="executive-trust", span=6,
                    height=220, definition=t("profiles.d_mean_trust"),
                ),
                panel(
                    words("spend_over_time"), None, panel_id="executive-spend", span=6,
                    height=220, definition=t("profiles.d_spend"),
                ),
            ),
        ]
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "executive", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the state of the fleet into the page's places, as far as the reader may see it."""
    window, before = sources.window_of(ws, scope), sources.compared(ws, scope)
    dashboard = get_dashboard(ws, _PROFILE, window, compared=before)
    figures = {widget.id: widget.figure for widget in dashboard.widgets}
    found = get_executive(ws, window, compared=before, figures=figures)
    for widget in dashboard.widgets:
        view.slot(f"executive-{widget.id}", _figure(widget))
    hidden = set(_KPIS) - {widget.id for widget in dashboard.widgets}
    for name in hidden:
        view.slot(f"executive-{name}", None)
    source = Provenance(scope.describe(), computed_at_ms=found.computed_at_ms)
    view.slot("executive-note", _note(found))
    view.slot("executive-plans", executive_plans.figures(ws))
    view.panel("executive-health", _health(found), source, height=270)
    view.panel("executive-story", _story(found.story), source, height=270)
    # Risks and services are told as they are now, whatever window the page looks at.
    recent = replace(source, window=range_words("1h"))
    view.panel("executive-risks", _risks(found), recent, height=180)
    view.panel("executive-services", _services(found), recent, height=180)
    trust = read_fleet_trust(ws, window, max(step_for(window), 5 * MINUTE_MS))
    own = replace(source, computed_at_ms=trust.computed_at_ms)
    marks = sources.event_marks(ws, window)
    view.panel("executive-trust", _trust_chart(ws, window, trust, marks), own, height=220)
    if "costs:read" in ws.principal.permissions:
        view.panel("executive-spend", _spend_chart(ws, window, before, marks), source, height=220)


def _note(found: Executive) -> Any:
    return html.P(words("sample"), className="page-note") if found.has_sample_data else None


def _figure(widget: WidgetView) -> html.Article:
    figure = widget.figure
    value: Any = widget.value
    if widget.id == "healthy_models" and not isinstance(value, Insufficient):
        total = number(figure.said["total"])  # type: ignore[arg-type]
        value = t("unified.healthy_of", n=number(figure.value), total=total)
    made = kpi(
        widget.title, value, kpi_id=f"executive-{widget.id}", unit=_unit(figure.unit),
        delta=_delta(widget), good=widget.good, definition=widget.definition,
        status=None if figure.judgement == "none" else figure.judgement, href=widget.path,
    )  # fmt: skip
    if not isinstance(widget.value, Insufficient):
        made.children.append(html.P(_said(widget), className="kpi-foot"))
    return made


def _unit(unit: str) -> str:
    return "kWh" if unit == "kwh" else unit


def _delta(widget: WidgetView) -> Delta | None:
    figure = widget.figure
    if figure.value is None or figure.before is None:
        return None
    if widget.id in ("mean_trust", "open_incidents"):
        return Delta(figure.value - figure.before, "absolute")
    return Delta(figure.value / figure.before - 1) if figure.before else None


def _said(widget: WidgetView) -> str:
    said = dict(widget.figure.said)
    name = widget.id
    if name == "open_incidents" and "mttr_s" in said:
        name = "open_incidents_timed"
    text = words(f"k_{name}", **{key: _written(key, value, said) for key, value in said.items()})
    if widget.id != "open_incidents" or not said.get("incidents"):
        return text
    counts = (int(said[key]) for key in ("incidents", "causes", "unexplained"))
    return f"{sources.causes_words(Causes(*counts))} · {text}"


def _written(key: str, value: float | str, given: dict[str, float | str]) -> str:
    """Return a value of a sentence as readers of the language write it.

    Beside right-to-left words a number with its unit is isolated, so that it keeps its order.
    """
    text = _in_words(key, value, given)
    is_amount = not isinstance(value, str) and direction() == "rtl"
    return f"\u2066{text}\u2069" if is_amount else text


def _in_words(key: str, value: float | str, given: dict[str, float | str]) -> str:
    if key == "part":
        return words(f"part_{value}")
    if key == "metric":
        return focus.metric_name(str(value))
    if isinstance(value, str):
        return value
    if key in ("mttr_s", "time"):
        return duration(value)
    if key in ("change", "confidence"):
        return percent(value, decimals=0)
    unit = str(given.get("unit") or given.get("currency") or "")
    if key in ("value", "thousand") and len(unit) == 3 and unit != "kwh":
        return currency(value, unit.upper())
    if key in ("carbon", "low", "high"):
        return quantity(value, "g")
    if key in ("score", "lowest"):
        return number(value, decimals=2)
    return number(value, decimals=1) if key == "points" else number(value)


def _health(found: Executive) -> Any:
    if found.health is None:
        return found.insufficient or Insufficient(t("unified.no_models"))
    health = found.health
    rows, terms = [], []
    for part in health.parts:
        name = words(f"part_{part.name}")
        if isinstance(part.score, Insufficient):
            rows.append(meter(name, None, "–"))
            continue
        status = "good" if part.score >= 0.8 else "warn" if part.score >= 0.6 else "bad"
        rows.append(meter(name, part.score, number(part.score, decimals=2), status=status))
        weight, score = number(part.weight, decimals=2), number(part.score, decimals=2)
        terms.append(f"{weight} × {score}")
    total = number(health.score, decimals=2)
    head = html.P(
        [
            html.Bdi(total, className="kpi-value", dir="ltr"),
            " ",
            pill(_BANDS[health.band], t(f"trust.health_{health.band}")),
        ],
        className="pill-row",
    )
    formula = html.P(
        [words("formula"), " ", html.Bdi(f"{' + '.join(terms)} = {total}", dir="ltr")],
        className="panel-note",
    )
    known = html.P(
        words("formula_note", share=percent(health.known_weight, decimals=0)),
        className="panel-note",
    )
    return html.Div([head, meters(rows), formula, known])


def _story(story: list[Sentence]) -> Any:
    if not story:
        return states.empty(t("unified.no_models"), hint=t("unified.no_models_hint"))
    return issue_list([_sentence(one) for one in story])


def _sentence(one: Sentence) -> Issue:
    values: dict[str, object] = {k: _written(k, v, one.values) for k, v in one.values.items()}
    if one.incident is not None:
        values["title"] = sources.incident_title(one.incident)
        href = sources.incident_link(one.incident, PATHS[one.page])
    else:
        href = PATHS[one.page]
    status: Status = "none"
    if one.key.startswith("health"):
        status = _BANDS[one.key.split("_")[1]]
    elif one.key in ("cause", "no_cause", "unknown"):
        status = "warn"
    return Issue(
        status, words(f"s_{one.key}", **values), word=t(f"nav.{one.page}"),
        href=href,
    )  # fmt: skip


def _risks(found: Executive) -> Any:
    if not found.risks:
        if found.health is None:
            return states.empty(t("unified.no_models"), command="python -m app demo")
        return states.calm(words("no_risks"), words("no_risks_hint"))
    return issue_list([_risk(risk) for risk in found.risks])


def _risk(risk: Risk) -> Issue:
    owner = risk.owner or words("no_owner")
    about = words("owner", owner=owner)
    if risk.trust is not None:
        trust = number(risk.trust, decimals=2)
        about = f"{about} · {words('risk_facts', trust=trust, n=number(risk.requests))}"
    if risk.incident is not None:
        title = sources.incident_title(risk.incident)
        href = sources.incident_link(risk.incident)
    else:
        title = words("risk_model", name=risk.name)
        href = "/technical?" + urlencode({"model": risk.subject})
    status = _SEVERITY.get(risk.severity, "none")
    return Issue(status, title, about, since_ms=risk.since_ms, href=href)


def _services(found: Executive) -> Any:
    if not found.services:
        return states.empty(t("unified.no_services"))
    columns = [
        Column("service", t("unified.service")),
        Column("health", t("unified.health"), "node"),
        Column("errors", t("unified.errors"), "number", "share"),
        Column("mean", t("unified.mean_duration"), "number", "ms"),
    ]
    rows = [
        {
            "service": s.service, "health": mark(*sources.health_words(s.health)),
            "errors": s.error_rate, "mean": s.mean_ms,
        }
        for s in found.services
    ]  # fmt: skip
    return table(columns, rows, caption=words("services"), limit=12)


def _trust_chart(ws: Workspace, window: Window, trust: FleetTrust, marks: list[Mark]) -> Any:
    if all(value is None for value in trust.values):
        return Insufficient(t("unified.no_history"))
    limits = sources.trust_limits(ws)
    figure = charts.line(
        trust.timestamps_ms,
        [Line(t("unified.mean_trust"), trust.values)],
        thresholds=limits, y_range=(0.0, 1.02), marks=marks,
        window_ms=(window.start_ms, window.end_ms),
    )  # fmt: skip
    return charts.graph(
        "executive-trust-chart", figure, label=t("profiles.d_mean_trust"), height=220
    )


def _spend_chart(ws: Workspace, window: Window, before: Window, marks: list[Mark]) -> Any:
    found = get_recent_spending(ws, window, against=before)
    values = np.array([np.nan if v is None else v for v in found.over_time], dtype=float)
    if not np.isfinite(values).any():
        return Insufficient(words("no_spend"))
    whole = sources.finished(found.timestamps_ms, found.step_ms, found.window.end_ms)
    title = f"{found.currency} / {duration(found.step_ms / 1_000)}"
    figure = charts.line(
        found.timestamps_ms[:whole], [Line(t("profiles.w_spend"), sources.plain(values[:whole]))],
        unit=title, zero=True, marks=marks, window_ms=(window.start_ms, window.end_ms),
    )  # fmt: skip
    return charts.graph("executive-spend-chart", figure, label=t("profiles.d_spend"), height=220)
