"""The impact page while nothing is wrong: past incidents and questions about the present."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from dash import html

from components import states, tables
from components.attributes import attrs
from components.icons import icon
from components.panel import moment
from components.tables import Column
from i18n import duration, quantity, signed, t
from pages import focus, sources
from pages.focus import Focus
from services.diagnosis import Subject
from services.incidents import Incident
from services.times import Window

SHOWN = 8
QUESTIONS = (("requests", 0.5), ("latency_ms", 1.0), ("tokens", -0.2), ("errors", 1.0))
"""What people ask before a launch or a saving: busier, slower, shorter outputs, more failures."""
Children = Any  # what a Dash component takes as children


def form(subjects: list[Subject]) -> html.Div:
    """Return what the browser draws the question from: numbers, their units and levels."""
    numbers = [
        {
            "value": Focus(node=s.node or "", metric=s.metric or "").to_text(),
            "label": focus.title((s.node or "", s.metric or "")),
            "unit": _unit(s.metric or ""),
            "level": s.level,
            "now": _now(s),
        }
        for s in subjects
        if s.node and s.metric
    ]
    names = ("number", "change", "changes_by", "set_to", "value", "ask")
    words = {name: t(f"impact.{name}") for name in names}
    return html.Div(
        className="what-if",
        **attrs(
            data_words=json.dumps(words, ensure_ascii=False),
            data_choices=json.dumps(numbers, ensure_ascii=False),
        ),
    )


def _unit(metric: str) -> str:
    unit = focus.UNITS.get(metric, "")
    return "%" if unit == "share" else unit


def _now(subject: Subject) -> str:
    if subject.level is None:
        return ""
    unit = focus.UNITS.get(subject.metric or "", "")
    return t("impact.now", value=quantity(subject.level, unit))


def questions(subjects: list[Subject]) -> Children:
    """Return a question about the largest number of each kind, each a link to its answer."""
    found = []
    for metric, change in QUESTIONS:
        known = [s for s in subjects if s.metric == metric and s.level]
        if known:
            found.append((max(known, key=lambda s: (s.level or 0.0, s.node or "")), change))
    if not found:
        return states.empty(t("impact.nothing_to_ask"))
    return html.Ul([html.Li(_question(s, change)) for s, change in found], className="ask-list")


def _question(subject: Subject, change: float) -> list[Children]:
    asked = Focus(node=subject.node or "", metric=subject.metric or "", change=change)
    words = t(
        "impact.question",
        cause=focus.title((asked.node, asked.metric)),
        change=f"{signed(100 * change)}%",
    )
    link = html.A([icon("arrow-right-short", className="flip"), html.Span(words)],
                  href=f"/impact?{urlencode({'focus': asked.to_text()})}")  # fmt: skip
    return [link, " ", html.Span(_now(subject), className="muted")]


def past(subjects: list[Subject], window: Window) -> Children:
    """Return the incidents of a window, or the newest ones where it has none, as a table."""
    known = [s.incident for s in subjects if s.incident is not None]
    inside = [i for i in known if window.start_ms <= i.opened_at_ms < window.end_ms]
    shown = (inside or known)[:SHOWN]
    if not shown:
        return states.empty(t("impact.no_past"), hint=t("impact.no_past_hint"))
    columns = [
        Column("what", t("incidents.what"), "node"),
        Column("since", t("incidents.since"), "node"),
        Column("lasted", t("incidents.lasted")),
        Column("cause", t("incidents.cause")),
        Column("why", "", "node"),
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
        "why": html.A(t("nav.causal_graph"), href=f"/causes?{ask}"),
    }
