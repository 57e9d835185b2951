"""What a trouble costs, who has which part in it, and what to do first."""

from __future__ import annotations

import json
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
from i18n import date_time, percent, quantity, signed, t, tell
from pages import focus, sources
from pages.focus import Focus
from pages.impact_sizes import Amounts, ahead, downstream, is_news, waterfall
from services.actions import Action
from services.analyses import Job
from services.diagnosis import Subject, list_subjects
from services.errors import AIOBSError
from services.study import Study, added, study
from services.workspace import Workspace

PATH = "/impact"
AMOUNTS = ("money", "failed_requests", "slo_budget", "carbon")
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
        ]
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "impact", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the study of what the reader asks about into the page's places."""
    asked = focus.parse(scope.focus)
    subjects = list_subjects(ws)
    _fill_choices(view, subjects, scope.focus)
    cause = asked.key if asked.change is not None else None
    try:
        found = study(ws, incident_id=asked.incident or None, cause=cause, change=asked.change)
    except AIOBSError as error:
        view.slot("impact-lead", states.empty(tell(error.message)))
        return
    if isinstance(found, Job):
        _waiting(view, found)
        return
    _show(view, found, asked)


def _fill_choices(view: View, subjects: list[Subject], asked: str) -> None:
    found = focus.parse(asked)
    offered = focus.options(subjects, numbers=False)
    if found.key and found.change is not None:
        label = f"{focus.title(found.key)} {signed(100 * found.change)}%"
        offered.insert(0, {"value": asked, "label": label})
    choices = json.dumps(offered, ensure_ascii=False)
    view.slot("impact-subjects", html.Div(choices, id="impact-subjects", hidden=True))
    numbers = [
        {
            "value": Focus(node=s.node or "", metric=s.metric or "").to_text(),
            "label": focus.title((s.node, s.metric)),
        }
        for s in subjects
        if s.node and s.metric
    ]
    words = {name: t(f"impact.{name}") for name in ("number", "change", "ask")}
    form = html.Div(
        className="what-if",
        **attrs(
            data_words=json.dumps(words, ensure_ascii=False),
            data_choices=json.dumps(numbers, ensure_ascii=False),
        ),
    )
    view.slot("impact-form", form)


def _waiting(view: View, job: Job) -> None:
    view.slot("impact-lead", focus.progress(job))
    is_running = job.state == "running"
    for name in AMOUNTS:
        view.slot(f"impact-{name}", states.skeleton(104, "kpi") if is_running else None)
    for name in ("waterfall", "actions", "otherwise", "ahead", "downstream"):
        view.panel(f"impact-{name}", None if is_running else states.empty("–"))


def _show(view: View, found: Study, asked: Focus) -> None:
    source = Provenance(
        window=f"{date_time(found.window.start_ms)} – {date_time(found.window.end_ms)} UTC",
        n=found.impact.n_rows if found.impact else None,
        computed_at_ms=found.computed_at_ms,
        method=t("impact.method"),
    )
    view.slot("impact-links", _links(found))
    view.slot("impact-lead", _lead(found, asked))
    amounts = added(found)
    for name in AMOUNTS:
        view.slot(f"impact-{name}", _amount(name, found, amounts))
    lack = found.insufficient or Insufficient(t("impact.nothing"))
    view.panel("impact-waterfall", waterfall(found) or found.no_shares or lack, source, height=280)
    view.panel("impact-actions", _actions(found) or lack, source, height=280)
    view.panel("impact-otherwise", _otherwise(found) or found.no_otherwise or lack, source)
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
        if found.incident is None and found.insufficient is not None:
            return states.calm(t("impact.calm"), t("impact.calm_hint"))
        reason = found.insufficient.reason if found.insufficient else ""
        words = sources.incident_title(found.incident) if found.incident else t("impact.nothing")
        return _answer([html.Strong(html.Bdi(words)), " ", html.Span(tell(reason))], "")
    cause = focus.title(found.cause)
    if found.incident is None:
        change = signed(100 * (asked.change or 0.0))
        return _answer(
            [html.Strong(t("impact.hypothetical", cause=cause, change=f"{change}%"))],
            "answer-found",
        )
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
    return _answer(parts, "answer-found")


def _worlds(answer: WhatIf) -> dict[str, str]:
    unit = focus.UNITS.get(answer.target[1], "")
    return {"actual": quantity(answer.actual, unit), "instead": quantity(answer.instead, unit)}


def _answer(parts: list[Any], kind: str) -> html.Div:
    return html.Div([icon("cash-stack"), html.P(parts)], className=f"answer {kind}")


def _amount(name: str, found: Study, amounts: Amounts) -> Children:
    """Return one thing at risk: so far in an incident, over the next day otherwise."""
    if name not in amounts:
        lack = Insufficient(t(f"impact.no_{name}"))
        value: float | Insufficient = found.insufficient or lack
        return kpi(t(f"impact.{name}"), value, kpi_id=f"impact-{name}")
    so_far, coming, unit = amounts[name]
    shown = so_far if found.incident is not None else coming[-1][1]
    if not is_news(shown):
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
        return None if found.incident is not None else states.empty(t("impact.no_action"))
    return html.Ol([_action(found, action) for action in found.actions], className="action-list")


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
            html.A(t("impact.see_evidence"), href=f"/causes?{urlencode(ask)}"),
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
        warning = html.P(tell(answer.warning), className="muted") if answer.warning else None
        ends = answer.difference.interval
        sized = t(
            "impact.difference",
            value=quantity(answer.difference.value, unit),
            low=quantity(ends.low, unit),
            high=quantity(ends.high, unit),
        )
        title = html.Strong(html.Bdi(focus.title(answer.target)))
        return html.Div([html.P([title, " ", words, " ", sized]), warning], className="detail")
    scale = 100.0 if unit == "share" else 1.0
    lines = [
        Line(t("impact.actual"), [scale * v for v in answer.actual_path], token="bad"),
        Line(
            t("impact.without"), [scale * v for v in answer.instead_path],
            [scale * v for v in answer.low], [scale * v for v in answer.high],
            token="series-1", dash="dash",
        ),
    ]  # fmt: skip
    figure = charts.line(
        [s * 1_000 for s in answer.times_s], lines, unit="%" if unit == "share" else unit
    )
    label = f"{focus.title(answer.target)}: {words}"
    if not answer.warning:
        return charts.graph("impact-otherwise-chart", figure, label=label)
    return html.Div(
        [
            charts.graph("impact-otherwise-chart", figure, label=label),
            html.P(tell(answer.warning), className="muted"),
        ]
    )
