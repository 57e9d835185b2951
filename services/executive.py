"""The executive's view: one health score with its formula, the largest risks, and what happened."""

from __future__ import annotations

import msgspec

from engines import health as engine
from engines.errors import InsufficientData
from engines.health import Health
from engines.result import Insufficient
from engines.sentence import say
from services.figures import Figure
from services.fleet import ModelGlance, Overview, get_overview
from services.identity import permitted
from services.incidents import Incident, list_incidents, still_open
from services.times import Window
from services.topology import ServiceHealth
from services.traffic import get_request_stats
from services.widgets import read_widgets
from services.workspace import Workspace

MAX_RISKS = 3
KPIS = ("healthy_models", "mean_trust", "open_incidents", "spend", "energy")


class Risk(msgspec.Struct, frozen=True):
    """Something a leader should know the owner of: an open incident, or a model that is not well.

    `trust` and `requests` are those of the model, where it is one; `owner` is empty where nobody
    registered one.
    """

    subject_kind: str
    subject: str
    name: str
    severity: str
    owner: str
    incident: Incident | None
    trust: float | None
    requests: int
    since_ms: int | None


class Sentence(msgspec.Struct, frozen=True):
    """One sentence of the narrative: its key, its numbers, and the page with the evidence."""

    key: str
    values: dict[str, float | str]
    page: str
    incident: Incident | None = None


class Executive(msgspec.Struct, frozen=True):
    """What the executive page shows beside the figures of its profile."""

    computed_at_ms: int
    window: Window
    compared: Window
    health: Health | None
    insufficient: Insufficient | None
    risks: list[Risk]
    services: list[ServiceHealth]
    story: list[Sentence]
    has_sample_data: bool


@permitted("metrics:read")
def get_executive(
    ws: Workspace,
    window: Window,
    *,
    compared: Window | None = None,
    figures: dict[str, Figure] | None = None,
) -> Executive:
    """Return health, risks and narrative from stored results; nothing is computed by wish.

    `figures` are those of `KPIS` where the caller has read them for the same windows.
    """
    against = compared or window.before()
    overview = get_overview(ws)
    incidents = list_incidents(ws, limit=10_000)
    found, lack = _health(ws, window, overview, incidents)
    risks = _risks(overview, incidents)
    if figures is None:
        figures = {w.id: f for w, f in read_widgets(ws, KPIS, window, compared=against)}
    return Executive(
        computed_at_ms=ws.now_ms(),
        window=window,
        compared=against,
        health=found,
        insufficient=lack,
        risks=risks[:MAX_RISKS],
        services=overview.services,
        story=_story(found, overview, incidents, figures, window),
        has_sample_data=overview.has_sample_data,
    )


def _health(
    ws: Workspace, window: Window, overview: Overview, incidents: list[Incident]
) -> tuple[Health | None, Insufficient | None]:
    totals = overview.totals
    known = sum(n for health, n in totals.by_health.items() if health != "unknown")
    rate = get_request_stats(ws, window).error_rate
    services = [s for s in overview.services if s.health != "unknown"]
    well = sum(s.health == "healthy" for s in services)
    nothing = Insufficient(say("reasons.no_trust_yet", "no model has a trust score yet"))
    parts: dict[str, float | Insufficient] = {
        "trust": nothing if totals.mean_trust is None else totals.mean_trust,
        "models": totals.by_health["healthy"] / known if known else nothing,
        "incidents": _untouched(overview, incidents),
        "services": well / len(services)
        if services
        else Insufficient(say("reasons.no_service_called", "no service was called often enough")),
        "errors": Insufficient(say("reasons.no_inference", "no inference arrived in this window"))
        if rate is None
        else engine.share_from_errors(rate),
    }
    try:
        return engine.score(parts), None
    except InsufficientData as error:
        return None, Insufficient.of(error)


def _untouched(overview: Overview, incidents: list[Incident]) -> float | Insufficient:
    worst: dict[str, str] = {}
    for incident in incidents:
        if incident.state != "resolved" and worst.get(incident.subject) != "critical":
            worst[incident.subject] = incident.severity
    subjects = len(overview.models) + len(overview.services)
    severities = list(worst.values())
    try:
        return engine.share_untouched(
            subjects, severities.count("critical"), severities.count("warning")
        )
    except InsufficientData as error:
        return Insufficient.of(error)


def _risks(overview: Overview, incidents: list[Incident]) -> list[Risk]:
    """Return open incidents and models that are not well: worst first, then most requests."""
    glances = {m.model_id: m for m in overview.models}
    risks, named = [], set()
    for incident in still_open(incidents):
        if incident.subject in named:
            continue
        named.add(incident.subject)
        glance = glances.get(incident.subject)
        risks.append(
            Risk(
                incident.subject_kind, incident.subject,
                glance.name if glance else incident.subject,
                incident.severity, glance.owner if glance else "", incident,
                glance.trust if glance else None, _requests(glance),
                incident.opened_at_ms,
            )
        )  # fmt: skip
    for glance in overview.models:
        if glance.health in ("critical", "warning") and glance.model_id not in named:
            risks.append(_model_risk(glance))
    rank = {"critical": 0, "warning": 1}
    return sorted(
        risks, key=lambda r: (rank.get(r.severity, 2), r.incident is None, -r.requests, r.subject)
    )


def _model_risk(glance: ModelGlance) -> Risk:
    return Risk(
        "model", glance.model_id, glance.name, glance.health, glance.owner, None, glance.trust,
        _requests(glance), None,
    )  # fmt: skip


def _requests(glance: ModelGlance | None) -> int:
    return glance.traffic.requests if glance and glance.traffic else 0


def _story(
    found: Health | None,
    overview: Overview,
    incidents: list[Incident],
    figures: dict[str, Figure],
    window: Window,
) -> list[Sentence]:
    story = [*_about_health(found), *_about_incidents(incidents, figures, window)]
    story += _about_causes(incidents, window)
    story += _about_money(figures)
    unknown = overview.totals.by_health["unknown"]
    if unknown:
        values: dict[str, float | str] = {"n": unknown, "total": overview.totals.models}
        story.append(Sentence("unknown", values, "models"))
    return story


def _about_health(found: Health | None) -> list[Sentence]:
    if found is None:
        return []
    worst = found.parts[0]
    if worst.loss < 0.005:
        return [Sentence(f"health_{found.band}", {"score": found.score}, "unified")]
    values: dict[str, float | str] = {
        "score": found.score, "part": worst.name, "points": worst.loss * 100,
    }  # fmt: skip
    return [Sentence(f"health_{found.band}_part", values, "unified")]


def _about_incidents(
    incidents: list[Incident], figures: dict[str, Figure], window: Window
) -> list[Sentence]:
    figure = figures.get("open_incidents")
    if figure is None or figure.value is None:
        return []
    opened = sum(window.start_ms <= i.opened_at_ms < window.end_ms for i in incidents)
    values: dict[str, float | str] = {
        "opened": opened, "resolved": figure.said["resolved"], "open": figure.value,
    }  # fmt: skip
    if "mttr_s" in figure.said:
        return [Sentence("incidents_timed", values | {"time": figure.said["mttr_s"]}, "incidents")]
    return [
        Sentence("incidents" if opened or figure.value else "no_incidents", values, "incidents")
    ]


def _about_causes(incidents: list[Incident], window: Window) -> list[Sentence]:
    """Name the likely cause of the newest incident that has one on record."""
    for incident in incidents:
        cause = incident.root_cause
        if incident.opened_at_ms < window.start_ms or cause is None:
            continue
        causes = cause.get("causes") or []
        if cause.get("abstained") or not causes:
            return [Sentence("no_cause", {}, "causal_graph", incident)]
        first = causes[0]
        values: dict[str, float | str] = {
            "cause": str(first["node"]), "metric": str(first["metric"]),
            "confidence": float(first["confidence"]),
        }  # fmt: skip
        return [Sentence("cause", values, "causal_graph", incident)]
    return []


def _about_money(figures: dict[str, Figure]) -> list[Sentence]:
    story = []
    for name, page in (("spend", "business"), ("energy", "sustainability")):
        figure = figures.get(name)
        if figure is None or figure.value is None:
            continue
        values: dict[str, float | str] = {
            "value": figure.value, "unit": figure.unit, "thousand": figure.said["thousand"],
        }  # fmt: skip
        if figure.before:
            change = figure.value / figure.before - 1
            way = "up" if change > 0.005 else "down" if change < -0.005 else "same"
            story.append(Sentence(f"{name}_{way}", values | {"change": abs(change)}, page))
        else:
            story.append(Sentence(name, values, page))
    return story
