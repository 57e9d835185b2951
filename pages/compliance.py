"""What can be proven: every control with its evidence, signed statements, reporting deadlines."""

from __future__ import annotations

from typing import Any

from dash import Input, Output, State, html, no_update

from components import forms, live, shell, states
from components import scope as scopes
from components.icons import icon
from components.kpi import kpi, row
from components.live import View
from components.panel import Provenance, grid, panel
from components.scope import Scope
from components.status import mark
from components.tables import Column, meter, meters, table
from components.theme import Status
from engines.compliance import load_catalogue
from engines.result import Insufficient
from i18n import date_time, number, percent, t
from pages import compliance_cards, compliance_requests, sources
from pages.compliance_controls import (
    ORDER,
    STATUS,
    chosen_control,
    controls_by_framework,
    filters,
    scope_button,
)
from pages.compliance_evidence import ages_of, findings_of
from pages.compliance_words import PATH, clocks_figure, words
from pages.sources import done
from services.attestations import attest
from services.compliance import Compliance, get_compliance
from services.duties import Regime, RunningClock, classify_incident, record_report
from services.incidents import get_incident
from services.workspace import Workspace, current_workspace

_KPIS = ("coverage", "findings", "stale", "clocks", "cards-due", "requests")
_CLOCK: dict[str, Status] = {
    "running": "none", "warning": "warn", "late": "bad", "met": "good", "met_late": "bad",
}  # fmt: skip
BUNDLE = "/api/compliance/bundle.zip"


def layout() -> html.Div:
    """Return the page with empty places, and the two forms, hidden until something is chosen."""
    return html.Div(
        [
            shell.page_header(t("nav.compliance"), words("purpose")),
            live.view_store("compliance"),
            live.slot("compliance-note", block=True),
            row(*[live.slot(f"compliance-{n}", states.skeleton(104, "kpi")) for n in _KPIS]),
            live.slot("compliance-chosen", block=True),
            _sign_form(),
            _judge_form(),
            compliance_cards.form(),
            compliance_requests.form(),
            grid(
                panel(
                    words("frameworks"), None, panel_id="compliance-frameworks", span=7,
                    height=200, definition=t("profiles.d_control_coverage"),
                ),
                panel(
                    words("clocks"), None, panel_id="compliance-clocks-list", span=5, height=200,
                    definition=words("clocks_definition"),
                ),
                panel(
                    words("findings"), None, panel_id="compliance-findings", span=8, height=200,
                    definition=words("findings_definition"),
                ),
                panel(
                    words("ages"), None, panel_id="compliance-ages", span=4, height=200,
                    definition=words("ages_definition"),
                ),
                compliance_cards.places(),
                *compliance_requests.places(),
                panel(
                    words("controls"), None, panel_id="compliance-all", span=12, height=300,
                    definition=words("controls_definition"),
                    tools=live.slot("compliance-filters"),
                ),
            ),
        ]
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view; sign and judge on demand."""
    sources.register_live(dash_app, "compliance", fill)
    compliance_cards.register(dash_app)
    compliance_requests.register(dash_app)

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("compliance-sign", "hidden"), Output("compliance-judge", "hidden"),
        Input("scope", "data"),
    )  # fmt: skip
    def _show_forms(data: dict[str, Any] | None) -> tuple[bool, bool]:
        focus = scopes.parse(data).focus
        may = "compliance:write" in current_workspace().principal.permissions
        control = load_catalogue().control(focus)
        can_sign = may and control is not None and control.can_be_attested
        return not can_sign, not (may and focus.startswith("incident/"))

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("compliance-statement", "value"), Input("compliance-sign-now", "n_clicks"),
        State("compliance-statement", "value"), State("compliance-document", "value"),
        State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _sign(n: int | None, said: str | None, proof: str | None, data: dict[str, Any]) -> Any:
        if not n:
            return no_update
        ws = current_workspace()
        attest(ws, scopes.parse(data).focus, said or "", document=proof or "")
        done(ws, data, words("signed"))
        return ""

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("compliance-clock", "value"), Input("compliance-judge-now", "n_clicks"),
        State("compliance-clock", "value"), State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _judge(n: int | None, choice: str | None, data: dict[str, Any]) -> Any:
        if not n:
            return no_update
        ws = current_workspace()
        clock = forms.chosen(choice)
        classify_incident(ws, _incident_of(data), _regime_of(clock), clock)
        done(ws, data, words("judged"))
        return choice or forms.UNSET

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("compliance-report-now", "title"), Input("compliance-report-now", "n_clicks"),
        State("compliance-clock", "value"), State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _report(n: int | None, choice: str | None, data: dict[str, Any]) -> Any:
        if not n:
            return no_update
        ws = current_workspace()
        record_report(ws, _incident_of(data), _regime_of(forms.chosen(choice)))
        done(ws, data, words("reported"))
        return words("reported")


def _regime_of(clock: str) -> Regime:
    """Return the law that a clock belongs to; that no clock runs is said under the AI Act."""
    known = load_catalogue().clocks.get(clock)
    return "gdpr" if known is not None and known.regime == "gdpr" else "ai_act"


def _incident_of(data: dict[str, Any]) -> str:
    return scopes.parse(data).focus.removeprefix("incident/")


def _sign_form() -> html.Section:
    return html.Section(
        [
            html.H2(words("sign"), className="section-title"),
            html.P(words("sign_hint"), className="panel-note"),
            forms.text("compliance-statement", words("statement")),
            forms.text("compliance-document", words("document")),
            html.Button(
                [icon("pen"), html.Span(words("sign_now"))], id="compliance-sign-now",
                className="btn-strong",
            ),
        ],
        id="compliance-sign", className="panel form-panel", hidden=True,
    )  # fmt: skip


def _judge_form() -> html.Section:
    clocks = {"": words("clock_none")} | {
        name: words(f"clock_{name}") for name in load_catalogue().clocks
    }
    return html.Section(
        [
            html.H2(words("judge"), className="section-title"),
            html.P(words("judge_hint"), className="panel-note"),
            forms.choices("compliance-clock", words("clock"), clocks, ""),
            html.Div(
                [
                    html.Button(
                        [icon("stopwatch"), html.Span(words("judge_now"))],
                        id="compliance-judge-now", className="btn-strong",
                    ),
                    html.Button(
                        [icon("send-check"), html.Span(words("report_now"))],
                        id="compliance-report-now", className="btn-quiet",
                    ),
                ],
                className="pill-row",
            ),
        ],
        id="compliance-judge", className="panel form-panel", hidden=True,
    )  # fmt: skip


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put coverage, clocks and controls into the page's places."""
    chosen = scope.detail.split(",") if scope.detail else []
    found = get_compliance(ws, with_sample="sample" in chosen)
    source = Provenance(
        n=found.models, computed_at_ms=found.computed_at_ms,
        method=words("catalogue", version=found.catalogue_version, digest=found.facts_digest),
    )  # fmt: skip
    view.slot("compliance-note", _note(ws, found, chosen))
    _fill_figures(view, found)
    view.slot("compliance-chosen", chosen_control(ws, scope.focus, found))
    view.panel("compliance-frameworks", _frameworks(found), source, height=200)
    view.panel("compliance-clocks-list", _clocks(ws, found), source, height=200)
    view.panel("compliance-findings", findings_of(ws, found), source, height=200)
    view.panel("compliance-ages", ages_of(found), source, height=200)
    compliance_cards.fill(ws, found, view, source)
    compliance_requests.fill(ws, view, source, scope.focus)
    view.slot("compliance-filters", filters(chosen))
    body = controls_by_framework(found, chosen)
    view.panel("compliance-all", body, source, height=300)


def _note(ws: Workspace, found: Compliance, chosen: list[str]) -> html.Div:
    parts: list[Any] = [html.P([icon("info-circle"), " ", words("notice")], className="page-note")]
    if found.sample_models:
        word = "sample_in" if found.includes_sample else "sample_out"
        rest = [c for c in chosen if c != "sample"]
        new = rest if found.includes_sample else [*rest, "sample"]
        button = scope_button(
            words("sample_leave" if found.includes_sample else "sample_take"), {"detail": new}
        )
        parts.append(
            html.P([words(word, n=found.sample_models), " ", button], className="page-note")
        )
    if "audit:export" in ws.principal.permissions:
        parts.append(_bundle(found.includes_sample))
    return html.Div(parts)


def _bundle(with_sample: bool) -> html.P:
    query = "?with_sample=true" if with_sample else ""
    link = html.A(
        [icon("file-earmark-zip"), " ", words("bundle")], href=f"{BUNDLE}{query}",
        className="btn-quiet no-print",
    )  # fmt: skip
    return html.P([link, " ", words("bundle_hint")], className="page-note")


def _fill_figures(view: View, found: Compliance) -> None:
    counts, total = found.coverage.counts, found.coverage.total
    applicable = total - counts["not_applicable"]
    share = found.coverage.share
    view.slot(
        "compliance-coverage",
        kpi(
            t("profiles.w_control_coverage"),
            Insufficient(words("nothing_applies")) if share is None else share,
            kpi_id="compliance-coverage", unit="share",
            definition=t("profiles.d_control_coverage"),
            word=words("of", n=number(counts["pass"]), total=number(applicable)), status="none",
        ),
    )  # fmt: skip
    view.slot("compliance-findings", _findings_figure(found))
    view.slot(
        "compliance-stale",
        kpi(
            words("status_stale"), float(counts["stale"]), kpi_id="compliance-stale",
            status=STATUS["stale"] if counts["stale"] else "none",
            word=words("of", n=number(counts["stale"]), total=number(applicable)),
            definition=words("status_stale_definition"),
        ),
    )  # fmt: skip
    running = [c for c in found.clocks if c.duty.reported_at_ms is None]
    late = sum(c.status == "late" for c in running)
    view.slot(
        "compliance-clocks",
        clocks_figure(
            "compliance-clocks", t("profiles.w_running_clocks"), t("profiles.d_running_clocks"),
            running=len(running), late=late,
        ),
    )  # fmt: skip


def _findings_figure(found: Compliance) -> html.Article:
    """Return how many findings are open, and how many of them are severe."""
    by = found.findings_by_severity
    severe = by["critical"] + by["high"]
    status: Status = "bad" if severe else "warn" if found.findings else "good"
    return kpi(
        words("findings"),
        float(len(found.findings)) if found.models else Insufficient(words("why_no_models")),
        kpi_id="compliance-findings", status=status, word=words("n_severe", n=number(severe)),
        definition=words("findings_definition"),
    )  # fmt: skip


def _frameworks(found: Compliance) -> Any:
    names = load_catalogue().frameworks
    columns = [Column("framework", words("framework"))] + [
        Column(name, words(f"status_{name}"), "number") for name in ORDER
    ]
    rows = [
        {"framework": names[c.framework]} | {k: float(v) for k, v in c.counts.items()}
        for c in found.frameworks
    ]
    bars = [
        meter(
            names[c.framework], c.share, percent(c.share, decimals=0),
            status="good" if c.share and c.share >= 0.8 else "warn" if c.share else "bad",
        )
        for c in found.frameworks
    ]  # fmt: skip
    return html.Div([meters(bars), table(columns, rows, caption=words("frameworks"))])


def _clocks(ws: Workspace, found: Compliance) -> Any:
    parts: list[Any] = []
    if found.unjudged_incidents:
        parts.append(html.P(words("unjudged", n=len(found.unjudged_incidents))))
        parts.append(
            html.Ul(
                [_unjudged(ws, incident) for incident in found.unjudged_incidents[:5]],
                className="issue-list",
            )
        )
    if found.clocks:
        columns = [
            Column("incident", t("nav.incidents"), "node"),
            Column("clock", words("clock")),
            Column("due", words("due"), "node"),
            Column("status", words("state"), "node"),
        ]
        rows = [_clock_row(ws, clock) for clock in found.clocks]
        parts.append(table(columns, rows, caption=words("clocks"), limit=20))
    if not parts:
        return states.calm(words("no_clocks"), words("no_clocks_hint"))
    return html.Div(parts)


def _unjudged(ws: Workspace, incident_id: str) -> html.Li:
    title = sources.incident_title(get_incident(ws, incident_id))
    link = html.A(title, href=f"{PATH}?focus=incident/{incident_id}")
    return html.Li([mark("warn", words("to_judge")), html.Span(link, className="issue-what")])


def _clock_row(ws: Workspace, clock: RunningClock) -> dict[str, Any]:
    title = sources.incident_title(get_incident(ws, clock.duty.incident_id))
    used = percent(min(clock.used, 9.99), decimals=0)
    return {
        "incident": html.A(title, href=f"{PATH}?focus=incident/{clock.duty.incident_id}"),
        "clock": words(f"clock_{clock.duty.clock}"),
        "due": html.Bdi(f"{date_time(clock.deadline_ms)} UTC"),
        "status": mark(_CLOCK[clock.status], f"{words(f'clock_is_{clock.status}')} · {used}"),
    }
