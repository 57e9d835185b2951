"""Why it is red, in words: the answer, what it is about, and the suspects with their evidence."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from dash import html

from components import states
from components.icons import icon
from components.tables import meter, meters
from engines.causal.result import RankedCause
from engines.causal.settings import RootCauseSettings
from i18n import date_time, number, percent, t, tell
from pages import focus
from pages.causal_detail import effect_id, level_words, pick, reasons, suspects
from pages.focus import Focus
from services.analyses import Job
from services.diagnosis import Diagnosis, sharing
from services.slo import list_objectives
from services.workspace import Workspace

SHOWN_CAUSES = 5
Children = Any  # what a Dash component takes as children


def links(ws: Workspace, found: Diagnosis) -> Children:
    """Return where else the subject is told of: objective, incident, model, impact."""
    made = []
    promised = _promises(ws)
    if found.node in promised:
        made.append(_link(f"/slo?{promised[found.node]}", "bullseye", t("nav.slo")))
    if found.incident is not None:
        ask = urlencode({"focus": Focus(incident=found.incident.id).to_text()})
        made.append(_link(f"/incidents?{ask}", "clipboard2-pulse", t("causal_graph.incident")))
        made.append(_link(f"/impact?{ask}", "cash-stack", t("nav.impact")))
        if found.incident.subject_kind == "model":
            name = urlencode({"model": found.incident.subject})
            made.append(_link(f"/models?{name}", "cpu", found.incident.subject))
    return html.Div(made, className="subject-links")


def _promises(ws: Workspace) -> dict[str, str]:
    """Return the address of an objective of each model and service that has one."""
    return {
        o.definition.subject: urlencode({"focus": urlencode({"slo": o.id})})
        for o in list_objectives(ws)
    }


def _link(href: str, glyph: str, words: str) -> html.A:
    return html.A([icon(glyph), html.Bdi(words)], href=href, className="btn-quiet")


def lead(ws: Workspace, found: Diagnosis, renewal: Job | None = None) -> Children:
    """Return the answer first, then what it is about and how far it reaches."""
    if found.node is None or found.metric is None or _is_quiet(found):
        return [focus.renewal(renewal), states.calm(t("causal_graph.calm"), _calm_hint(found))]
    cause = named(found)
    first = _named(found, cause) if cause is not None else _unnamed(found)
    parts = [html.P(first), html.P(_about(ws, found), className="answer-about")]
    glyph = "question-circle" if cause is None else "bullseye"
    kind = "answer" if cause is None else "answer answer-found"
    return [focus.renewal(renewal), html.Div([icon(glyph), html.Div(parts)], className=kind)]


def _is_quiet(found: Diagnosis) -> bool:
    """Whether nobody was alerted and the number that is farthest out is in its normal range."""
    result = found.causes.result if found.causes else None
    if found.incident is not None or result is None:
        return False
    return result.abstained and result.effect_z < RootCauseSettings().threshold


def _calm_hint(found: Diagnosis) -> str:
    if found.node is None or found.metric is None:
        return t("causal_graph.calm_hint")
    return t("causal_graph.calm_number", effect=focus.title((found.node, found.metric)))


def _named(found: Diagnosis, cause: RankedCause) -> list[Any]:
    key = "impact.answer_self" if _is_itself(found, cause) else "causal_graph.answer"
    words = t(
        key,
        cause=focus.title((cause.node, cause.metric)),
        effect=_effect(found),
        confidence=percent(cause.confidence, decimals=0),
    )
    event = next((e for e in cause.evidence if e.key == "event_before_onset"), None)
    return [html.Strong(words), *([" ", focus.sentence(event)] if event is not None else [])]


def _is_itself(found: Diagnosis, cause: RankedCause) -> bool:
    return (cause.node, cause.metric) == (found.node, found.metric)


def _unnamed(found: Diagnosis) -> list[Any]:
    lack = found.causes.insufficient if found.causes else None
    result = found.causes.result if found.causes else None
    because = lack.reason if lack else result.reason if result else ""
    words = t("causal_graph.no_cause", effect=_effect(found))
    return [html.Strong(words), " ", html.Span(tell(because), dir="auto")]


def _about(ws: Workspace, found: Diagnosis) -> list[Any]:
    """Return how far the number went, since when, and which other incidents have this cause."""
    parts: list[Any] = []
    node = next((level for level in found.levels if level.node_id == effect_id(found)), None)
    if found.onset_ms and node is not None and node.before is not None and node.after is not None:
        before, after = level_words(found.metric or "", node)
        parts.append(t("causal_graph.went", effect=_effect(found), before=before, after=after))
    if found.onset_ms:
        parts += [" ", t("causal_graph.since", time=f"{date_time(found.onset_ms)} UTC")]
    others = sharing(ws, found)
    if others:
        words = t("causal_graph.shared", n=number(len(others)))
        parts += [" ", html.A(words, href="/incidents")]
    return parts


def _effect(found: Diagnosis) -> str:
    return focus.title((found.node or "", found.metric or ""))


def named(found: Diagnosis) -> RankedCause | None:
    """Return the cause that is named, rather than suspects listed as places to look."""
    result = found.causes.result if found.causes else None
    return result.cause if result is not None else None


def ranking(found: Diagnosis) -> Children:
    """Return the suspects; only the evidence of the first is open."""
    causes = suspects(found)[:SHOWN_CAUSES]
    if not causes:
        lack = found.causes.insufficient if found.causes else None
        return lack or states.empty(t("causal_graph.no_suspect"))
    is_named = named(found) is not None
    listed = [_cause(cause, is_named, is_first=not at) for at, cause in enumerate(causes)]
    ranked = html.Ol(listed, className="cause-list")
    if is_named:
        return ranked
    return html.Div([html.P(t("causal_graph.not_named"), className="muted"), ranked])


def _cause(cause: RankedCause, is_named: bool, *, is_first: bool) -> html.Li:
    rows = []
    if is_named:
        words = percent(cause.confidence)
        rows.append(meter(t("causal_graph.confidence"), cause.confidence, words))
    if cause.share is not None:
        rows.append(meter(t("causal_graph.share"), cause.share, percent(cause.share)))
    steps: list[Any] = []
    for at, step in enumerate(cause.chain):
        if at:
            steps.append(icon("arrow-right-short", className="flip"))
        steps.append(html.Bdi(focus.title((step.node, step.metric))))
    why = [
        html.P(steps, className="chain") if len(cause.chain) > 1 else None,
        reasons(cause.evidence, "plus-lg", t("causal_graph.speaks_for")),
        reasons(cause.against, "dash-lg", t("causal_graph.speaks_against")),
    ]
    title = focus.title((cause.node, cause.metric))
    shut = html.Details([html.Summary(t("causal_graph.detail")), *why], className="cause-why")
    return html.Li(
        [
            pick(f"{cause.node}|{cause.metric}", title),
            meters(rows) if rows else None,
            *(why if is_first else [shut]),
        ]
    )
