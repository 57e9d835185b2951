"""The impact page while nothing is wrong: past incidents and questions about the present."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from dash import html

from components import states, tables
from components.attributes import attrs
from components.icons import icon
from components.panel import moment
from components.tables import Column
from i18n import duration, signed, t
from pages import focus, sources
from pages.focus import Focus
from services.diagnosis import Subject
from services.incidents import Incident
from services.numbers import Number
from services.times import Window

SHOWN = 8
QUESTIONS = {"requests": 0.5, "latency_ms": 1.0, "output_tokens": -0.2, "errors": 1.0}
"""What people ask before a launch or a saving: busier, slower, shorter outputs, more failures."""
ASKED = tuple(QUESTIONS)
Children = Any  # what a Dash component takes as children


def form(numbers: Sequence[Number]) -> html.Div:
    """Return what the browser draws the question from: numbers, their units and levels."""
    choices = [
        msgspec.to_builtins(one) | {"value": Focus(node=one.node, metric=one.metric).to_text()}
        for one in numbers
    ]
    names = ("number", "change", "changes_by", "set_to", "value", "ask")
    words = {name: t(f"impact.{name}") for name in names}
    return html.Div(
        className="what-if",
        **attrs(
            data_words=json.dumps(words, ensure_ascii=False),
            data_choices=json.dumps(choices, ensure_ascii=False),
        ),
    )


def questions(numbers: Sequence[Number]) -> Children:
    """Return a question about each number, the largest of its kind, as a link to its answer."""
    if not numbers:
        return states.empty(t("impact.nothing_to_ask"))
    return html.Ul([html.Li(_question(one)) for one in numbers], className="ask-list")


def _question(one: Number) -> list[Children]:
    change = QUESTIONS[one.metric]
    asked = Focus(node=one.node, metric=one.metric, change=change)
    words = t("impact.question", cause=one.label, change=f"{signed(100 * change)}%")
    link = html.A([icon("arrow-right-short", className="flip"), html.Span(words)],
                  href=f"/impact?{urlencode({'focus': asked.to_text()})}")  # fmt: skip
    return [link, " ", html.Span(one.now, className="muted")]


def past(subjects: list[Subject], window: Window) -> Children:
    """Return the incidents of a window, or the newest ones where it has none, as a table."""
    known = [s.incident for s in subjects]
    inside = [i for i in known if window.start_ms <= i.opened_at_ms < window.end_ms]
    shown = (inside or known)[:SHOWN]
    if not shown:
        return states.empty(t("impact.no_past"), hint=t("impact.no_past_hint"))
    columns = [
        Column("what", t("incidents.what"), "node"),
        Column("since", t("incidents.since"), "node"),
        Column("lasted", t("incidents.lasted")),
        Column("cause", t("incidents.cause")),
        Column("why", t("nav.causal_graph"), "node"),
    ]
    return tables.table(columns, [_row(i) for i in shown], caption=t("impact.past"))


def _row(incident: Incident) -> dict[str, Any]:  # cells of a table
    ask = urlencode({"focus": Focus(incident=incident.id).to_text()})
    ended = incident.resolved_at_ms or incident.updated_at_ms
    return {
        "what": html.A(sources.incident_title(incident), href=f"/impact?{ask}"),
        "since": moment(incident.opened_at_ms),
        "lasted": duration((ended - incident.opened_at_ms) / 1_000),
        "cause": focus.cause_words(incident),
        "why": html.A(t("impact.see_evidence"), href=f"/causes?{ask}"),
    }
