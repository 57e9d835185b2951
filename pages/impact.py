"""What a trouble costs, who has which part in it, and what to do first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from dash import html

from components import charts, live, shell, states
from components.attributes import attrs
from components.charts import Line
from components.icons import icon
from components.kpi import kpi, row
from components.live import View
from components.panel import Provenance, grid, panel
from components.scope import Scope
from components.topbar import picker
from engines.impact import WhatIf
from engines.result import Insufficient
from i18n import date_time, percent, quantity, t, tell
from pages import focus, impact_calm, sources
from pages.focus import Focus
from pages.impact_sizes import Amounts, ahead, downstream, is_news, waterfall
from services.actions import Action
from services.analyses import Job
from services.diagnosis import Subject, list_subjects
from services.errors import AIOBSError
from services.numbers import find_numbers, largest_numbers
from services.study import Study, added, study
from services.workspace import Workspace

PATH = "/impact"
AMOUNTS = ("money", "failed_requests", "slo_budget", "carbon")
PANELS = ("waterfall", "actions", "otherwise", "ahead", "downstream")
CALM = ("past", "questions")
Children = Any  # what a Dash component takes as children


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""

    def words(name: str) -> str:
        return t(f"impact.{name}")

    return html.Div(
        [
            shell.page_header(t("nav.impact"), words("purpose")),
            live.view_store("impact"),
            html.Div(
                [
                    picker("focus", words("subject"), "bullseye", none=words("worst")),
                    live.slot("impact-links"),
                ],
                className="subject-bar no-print",
            ),
            html.Div(
                [html.Span(words("what_if_lead")), live.slot("impact-form")],
                className="subject-bar no-print",
            ),
            live.slot("impact-subjects"),
            live.slot("impact-lead", states.skeleton(48, "kpi"), block=True),
            row(*[live.slot(f"impact-{name}", states.skeleton(104, "kpi")) for name in AMOUNTS]),
            grid(
                panel(words("past"), None, panel_id="impact-past", span=8, menu=False),
                panel(
                    words("questions"), None, panel_id="impact-questions", span=4, menu=False,
                    definition=words("questions_definition"),
                ),
                panel(
                    words("waterfall"), None, panel_id="impact-waterfall", span=7, height=280,
                    definition=words("waterfall_definition"),
                ),
                panel(
                    words("actions"), None, panel_id="impact-actions", span=5, height=280,
                    definition=words("actions_definition"), menu=False,
                ),
                panel(
                    words("otherwise"), None, panel_id="impact-otherwise", span=7,
                    definition=words("otherwise_definition"),
                ),
                panel(
                    words("ahead"), None, panel_id="impact-ahead", span=5,
                    definition=words("ahead_definition"),
                ),
                panel(
                    words("downstream"), None, panel_id="impact-downstream", span=12, height=200,
                    definition=words("downstream_definition"),
                ),
            ),
        ],
        **attrs(data_own_window="1"),
    )  # fmt: skip


def subject(ws: Workspace, scope: Scope) -> str:
    """Return what the page is about, as its report says it."""
    return focus.subject(ws, scope.focus, t("impact.worst"))


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "impact", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the study of what the reader asks about into the page's places."""
    asked = focus.parse(scope.focus)
    subjects = list_subjects(ws, asked.incident)
    _fill_choices(ws, view, subjects, scope.focus)
    cause = asked.key if asked.is_hypothetical else None
    try:
        found, renewal = study(
            ws, incident_id=asked.incident or None, cause=cause, change=asked.change,
            set_to=asked.set_to,
        )  # fmt: skip
    except AIOBSError as error:
        _only_lead(view, states.empty(tell(error.message)))
        return
    if isinstance(found, Job):
        _waiting(view, found)
    elif found.cause is None:
        _calm(view, found, asked)
        window = sources.window_of(ws, scope)
        view.panel("impact-past", impact_calm.past(subjects, window), height=160)
        asking = impact_calm.questions(largest_numbers(ws, impact_calm.ASKED))
        view.panel("impact-questions", asking, height=160)
    else:
        _show(view, found, asked)
        view.slot("impact-lead", [focus.renewal(renewal), _lead(found, asked)])


def _calm(view: View, found: Study, asked: Focus) -> None:
    """Say that no incident is open, or why no cause can be sized."""
    if found.incident is not None:
        _only_lead(view, _lead(found, asked))
        view.slot("impact-links", _links(found))
        return
    lack = found.insufficient
    is_calm = lack is not None and getattr(lack.reason, "key", "") == "reasons.no_incident_open"
    lead = states.calm(t("impact.calm"), t("impact.calm_hint"))
    if lack is not None and not is_calm:
        lead = _answer([html.Strong(t("impact.nothing")), " ", html.Span(tell(lack.reason))], "")
    _only_lead(view, lead)


def _only_lead(view: View, lead: Children) -> None:
    """Say one thing and take away what it leaves empty."""
    view.slot("impact-links", None)
    view.slot("impact-lead", lead)
    for name in AMOUNTS:
        view.slot(f"impact-{name}", None)
    view.hide(*(f"impact-{name}" for name in (*CALM, *PANELS)))


def _fill_choices(ws: Workspace, view: View, subjects: list[Subject], asked: str) -> None:
    choices = json.dumps(focus.options(subjects, asked=asked), ensure_ascii=False)
    view.slot("impact-subjects", html.Div(choices, id="impact-subjects", hidden=True))
    first = find_numbers(ws, patience_s=focus.PATIENCE_S).rows
    view.slot("impact-form", impact_calm.form(first))


def _waiting(view: View, job: Job) -> None:
    view.slot("impact-lead", focus.progress(job))
    is_running = job.state == "running"
    for name in AMOUNTS:
        view.slot(f"impact-{name}", states.skeleton(104, "kpi") if is_running else None)
    view.slot("impact-links", None)
    view.hide(*(f"impact-{name}" for name in CALM))
    if not is_running:
        view.hide(*(f"impact-{name}" for name in PANELS))
        return
    for name in PANELS:
        view.panel(f"impact-{name}", None)


def _show(view: View, found: Study, asked: Focus) -> None:
    source = Provenance(
        window=f"{date_time(found.window.start_ms)} – {date_time(found.window.end_ms)} UTC",
        n=found.impact.n_rows if found.impact else None,
        computed_at_ms=found.computed_at_ms,
        method=t("impact.method"),
    )
    view.slot("impact-links", _links(found))
    view.hide(*(f"impact-{name}" for name in CALM))
    amounts = added(found)
    for name in AMOUNTS:
        view.slot(f"impact-{name}", _amount(name, found, amounts))
    lack = found.insufficient or Insufficient(t("impact.nothing"))
    if found.incident is None:  # one cause, and nothing to repair
        view.hide("impact-waterfall", "impact-actions")
    else:
        shares = waterfall(found) or found.no_shares or lack
        view.panel("impact-waterfall", shares, source, height=280)
        view.panel("impact-actions", _actions(found) or lack, source, height=280)
    view.panel("impact-otherwise", _otherwise(found) or found.no_otherwise or lack, source)
    if found.incident is not None and found.incident.state == "resolved":
        view.hide("impact-ahead")  # nothing more will come of it
    else:
        view.panel("impact-ahead", ahead(amounts) or lack, source)
    view.panel("impact-downstream", downstream(found) or lack, source, height=200)


def _links(found: Study) -> Children:
    if found.incident is None:
        return None
    ask = urlencode({"focus": Focus(incident=found.incident.id).to_text()})
    made = [
        html.A([icon("diagram-3"), t("nav.causal_graph")], href=f"/causes?{ask}",
               className="btn-quiet"),
        html.A([icon("clipboard2-pulse"), t("causal_graph.incident")], href=f"/incidents?{ask}",
               className="btn-quiet"),
    ]  # fmt: skip
    return html.Div(made, className="subject-links")


def _lead(found: Study, asked: Focus) -> Children:
    """Return the answer in one sentence."""
    if found.cause is None:
        reason = found.insufficient.reason if found.insufficient else ""
        words = sources.incident_title(found.incident) if found.incident else t("impact.nothing")
        return _answer([html.Strong(html.Bdi(words)), " ", html.Span(tell(reason))], "")
    cause = focus.title(found.cause)
    if found.incident is None:
        return _answer([html.Strong(_supposed(found, asked, cause))], "answer-found")
    effect = focus.title(found.effect) if found.effect else ""
    words = t("impact.answer", cause=cause, effect=effect)
    if found.cause == found.effect:
        words = t("impact.answer_self", effect=effect)
    parts: list[Any] = [html.Strong(words)]
    if found.otherwise is not None:
        parts += [" ", t("impact.instead", **_worlds(found.otherwise))]
    if found.onset_ms:
        when = f"{date_time(found.onset_ms)} UTC"
        parts += [" ", t("causal_graph.since", time=when)]
    title = sources.incident_title(found.incident)
    about = html.A(html.Bdi(title), href=sources.incident_link(found.incident))
    return _answer(parts, "answer-found", about)


def _supposed(found: Study, asked: Focus, cause: str) -> str:
    """Say which change is supposed, and where the number is and would be."""
    unit = focus.UNITS.get(asked.metric, "")
    now = found.present
    if now is None:
        return t("impact.hypothetical", cause=cause, change=focus.hypothesis(asked))
    then = now * (1 + (asked.change or 0.0)) if asked.set_to is None else asked.set_to
    values = {"actual": quantity(now, unit), "instead": quantity(then, unit)}
    if asked.set_to is not None:
        return t("impact.hypothetical_to", cause=cause, **values)
    return t("impact.hypothetical_by", cause=cause, change=focus.hypothesis(asked), **values)


def _worlds(answer: WhatIf) -> dict[str, str]:
    unit = focus.UNITS.get(answer.target[1], "")
    return {"actual": quantity(answer.actual, unit), "instead": quantity(answer.instead, unit)}


def _answer(parts: list[Any], kind: str, about: Children = None) -> html.Div:
    told = [html.P(parts), html.P(about, className="answer-about") if about else None]
    return html.Div([icon("cash-stack"), html.Div(told)], className=f"answer {kind}")


def _amount(name: str, found: Study, amounts: Amounts) -> Children:
    """Return one thing at risk: so far in an incident, over the next day otherwise."""
    if name not in amounts:
        lack = Insufficient(t(f"impact.no_{name}"))
        value: float | Insufficient = found.insufficient or lack
        return kpi(t(f"impact.{name}"), value, kpi_id=f"impact-{name}")
    so_far, coming, unit = amounts[name]
    shown = so_far if found.incident is not None else coming[-1][1]
    if not is_news(shown, unit):
        lack = Insufficient(t("impact.no_effect"))
        return kpi(t(f"impact.{name}"), lack, kpi_id=f"impact-{name}")
    said = t("impact.so_far") if found.incident is not None else t("impact.next_day")
    return kpi(
        f"{t(f'impact.{name}')} · {said}",
        shown.value,
        kpi_id=f"impact-{name}",
        unit=unit if unit != "requests" else "",
        interval=shown.interval,
        status="bad" if shown.interval.low > 0 else "warn" if shown.value > 0 else "good",
        definition=t(f"impact.{name}_definition"),
    )


def _actions(found: Study) -> Children:
    if not found.actions:
        return None
    columns = [t("impact.action"), t("impact.expects"), t("causal_graph.detail")]
    return html.Ol(
        [_action(found, action) for action in found.actions],
        className="action-list",
        **attrs(data_columns=json.dumps(columns, ensure_ascii=False)),
    )


def _action(found: Study, action: Action) -> html.Li:
    values = {
        "node": action.node,
        "metric": focus.metric_name(action.metric),
        "event": action.event_title,
    }
    ask = {"detail": urlencode({"pick": f"{action.node}|{action.metric}"})}
    if found.incident is not None:
        ask["focus"] = Focus(incident=found.incident.id).to_text()
    return html.Li(
        [
            html.Strong(t(f"impact.do_{action.kind}", **values)),
            html.P(_gain(found, action), className="action-gain"),
            html.Ul([html.Li(focus.sentence(e)) for e in action.evidence[:3]], className="reasons"),
            html.A(
                t("impact.see_evidence"), href=f"/causes?{urlencode(ask)}", className="no-print"
            ),
        ]
    )


def _gain(found: Study, action: Action) -> str:
    confidence = percent(action.confidence, decimals=0)
    if action.expected is None or found.effect is None or not action.recovers:
        return t("impact.gain_unknown", confidence=confidence)
    unit = focus.UNITS.get(found.effect[1], "")
    ends = action.expected.interval
    return t(
        "impact.gain",
        change=quantity(action.expected.value, unit),
        low=quantity(ends.low, unit),
        high=quantity(ends.high, unit),
        effect=focus.title(found.effect),
        share=percent(action.recovers, decimals=0),
        confidence=confidence,
    )


def _otherwise(found: Study) -> Children:
    answer = found.otherwise
    if answer is None:
        return None
    unit = focus.UNITS.get(answer.target[1], "")
    words = t("impact.instead", **_worlds(answer))
    if not answer.times_s:
        words = t("impact.then", **_worlds(answer))
        ends = answer.difference.interval
        sized = t(
            "impact.difference",
            value=quantity(answer.difference.value, unit),
            low=quantity(ends.low, unit),
            high=quantity(ends.high, unit),
        )
        title = html.Strong(html.Bdi(focus.title(answer.target)))
        change = f"{quantity(answer.actual, unit)} → {quantity(answer.instead, unit)}"
        return html.Div(
            [
                html.P(title),
                html.P(html.Bdi(change), className="worlds"),
                html.P([words, " ", sized]),
                *_cautions(answer),
            ],
            className="detail",
        )
    scale = 100.0 if unit == "share" else 1.0
    known = [v for _, v in found.earlier] + list(answer.actual_path)
    none = [None] * len(found.earlier)

    def since(values: Sequence[float]) -> list[float | None]:
        return [*none, *(scale * v for v in values)]

    lines = [
        Line(t("impact.actual"), [scale * v for v in known], token="bad"),
        Line(
            t("impact.without"), since(answer.instead_path), since(answer.low),
            since(answer.high), token="series-1", dash="dash",
        ),
    ]  # fmt: skip
    onset = (
        [charts.Mark(found.onset_ms, t("causal_graph.onset"), "alert")] if found.onset_ms else []
    )
    times_s = [s for s, _ in found.earlier] + list(answer.times_s)
    figure = charts.line(
        [s * 1_000 for s in times_s], lines, unit="%" if unit == "share" else unit, marks=onset
    )
    label = f"{focus.title(answer.target)}: {words}"
    graph = charts.graph("impact-otherwise-chart", figure, label=label)
    cautions = _cautions(answer)
    return html.Div([graph, *cautions]) if cautions else graph


def _cautions(answer: WhatIf) -> list[html.P]:
    return [
        html.P(tell(said), className="muted") for said in (answer.warning, answer.limit) if said
    ]
