"""Widgets: the figures that profiles are made of, one function each, read from what is stored.

A figure is a value with the one before, a judgement, and the numbers of a sentence that says it in
words; what cannot be known is a reason, never a number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from connectors.protocols import EventQuery
from connectors.selector import select
from engines.result import Insufficient
from engines.sentence import say
from services.carbon import get_recent_footprint
from services.costs import NO_KNOWN_COST, get_recent_spending
from services.explore import list_events
from services.figures import Direction, Figure, Judgement, Sight, unknown
from services.identity import permitted
from services.incident_groups import count_causes
from services.incidents import Incident
from services.slo import fastest, judge_burn
from services.times import HOUR_MS, Window
from services.workspace import Workspace

HEALTHY, WARNING = 0.8, 0.6
DRIFTING = 0.25
"""From here a drift rule opens an incident."""
SPEND_JUMP = 0.2
"""A fifth more than the period before is worth a look; a policy choice."""
MAX_EVENTS = 1_000
RECENT_MS = 24 * HOUR_MS

Read = Callable[[Sight], Figure]


@dataclass(frozen=True, slots=True)
class Widget:
    """A row of the table: where the figure leads, which direction is better, who may see it."""

    id: str
    page: str
    good: Direction
    permission: str
    read: Read


def healthy_models(sight: Sight) -> Figure:
    """Models whose trust is healthy, of those whose trust is known."""
    by = sight.overview.totals.by_health
    known = sum(n for health, n in by.items() if health != "unknown")
    if not known:
        return unknown(say("reasons.no_trust_yet", "no model has a trust score yet"))
    judged: Judgement = "bad" if by["critical"] else "warn" if by["warning"] else "good"
    said: dict[str, float | str] = {
        "n": by["healthy"], "total": known, "critical": by["critical"], "warning": by["warning"],
        "unknown": by["unknown"],
    }  # fmt: skip
    return Figure(float(by["healthy"]), None, judged, "", said, known)


def mean_trust(sight: Sight) -> Figure:
    """Mean of the known trust scores, against the mean of those stored in the compared window."""
    now = sight.overview.totals.mean_trust
    if now is None:
        return unknown(say("reasons.no_trust_yet", "no model has a trust score yet"))
    known = [m for m in sight.overview.models if m.trust is not None]
    lowest = min(known, key=lambda m: m.trust or 0.0)
    judged: Judgement = "good" if now >= HEALTHY else "warn" if now >= WARNING else "bad"
    said: dict[str, float | str] = {"name": lowest.name, "lowest": lowest.trust or 0.0}
    before = _mean_stored(sight, "aiobs_trust_score", {"bound": ""})
    return Figure(now, before, judged, "", said, len(known))


def _mean_stored(sight: Sight, name: str, labels: dict[str, str]) -> float | None:
    """Return the mean of all models in the compared window, read anew each minute."""
    ws, past = sight.ws, sight.compared

    def read() -> list[float]:
        found = ws.metrics.window(
            select(name, labels), past.start_ms, past.end_ms, past.length_ms,
            over_time="avg", across="avg",
        )  # fmt: skip
        values = found[0].values if found else np.array([])
        known = values[np.isfinite(values)]
        return [float(known.mean())] if len(known) else []

    key = f"mean/{name}/{past.seen_from(ws.now_ms())}"
    mean = ws.cached(key, list[float], read, fresh_s=60, stale_s=600)
    return mean[0] if mean else None


def open_incidents(sight: Sight) -> Figure:
    """Incidents that are not resolved, with the mean time to resolve those that ended."""
    if not sight.overview.models:
        return unknown(say("reasons.nothing_watched", "nothing is watched yet"))
    still = [i for i in sight.incidents if i.state != "resolved"]
    critical = sum(i.severity == "critical" for i in still)
    judged: Judgement = "bad" if critical else "warn" if still else "good"
    edge = sight.compared.end_ms
    before = sum(
        i.opened_at_ms < edge and (i.resolved_at_ms or edge) >= edge for i in sight.incidents
    )
    times = _resolved_s(sight.incidents, sight.window)
    traced = count_causes(still)
    said: dict[str, float | str] = {
        "critical": critical, "resolved": len(times), "incidents": traced.incidents,
        "causes": traced.causes, "unexplained": traced.unexplained,
    }  # fmt: skip
    if times:
        said["mttr_s"] = sum(times) / len(times)
    return Figure(float(len(still)), float(before), judged, "", said, len(sight.incidents))


def mttr(sight: Sight) -> Figure:
    """Mean time from opening to end of the incidents that ended in the window."""
    times = _resolved_s(sight.incidents, sight.window)
    if not times:
        return unknown(say("reasons.no_incident_ended", "no incident ended in this window"))
    past = _resolved_s(sight.incidents, sight.compared)
    before = sum(past) / len(past) if past else None
    said: dict[str, float | str] = {"n": len(times), "longest_s": max(times)}
    return Figure(sum(times) / len(times), before, "none", "s", said, len(times))


def _resolved_s(incidents: list[Incident], window: Window) -> list[float]:
    return [
        (i.resolved_at_ms - i.opened_at_ms) / 1_000
        for i in incidents
        if i.resolved_at_ms is not None and window.start_ms <= i.resolved_at_ms < window.end_ms
    ]


def spend(sight: Sight) -> Figure:
    """What requests cost, sent or priced, in the currency in which most was spent."""
    found = get_recent_spending(sight.ws, sight.window, against=sight.compared)
    known = found.inferences - found.by_method.get("unknown", 0)
    if not known:
        return unknown(NO_KNOWN_COST)
    rise = found.total / found.before - 1 if found.before and sight.is_comparable else None
    judged: Judgement = "none" if rise is None else "warn" if rise > SPEND_JUMP else "good"
    said: dict[str, float | str] = {
        "thousand": found.total / known * 1_000, "currency": found.currency,
    }  # fmt: skip
    before = found.before or None
    return Figure(found.total, before, judged, found.currency.lower(), said, known)


def energy(sight: Sight) -> Figure:
    """Energy of inferences, measured or modelled, with the carbon it stands for."""
    found = get_recent_footprint(sight.ws, sight.window)
    known = found.inferences - found.by_method.get("unknown", 0)
    if found.carbon is None or not known:
        return unknown(
            say("reasons.no_known_energy", "no inference of this window has a known energy")
        )
    before = get_recent_footprint(sight.ws, sight.compared)
    said: dict[str, float | str] = {
        "thousand": found.energy_kwh / known * 1_000, "carbon": found.carbon.central,
        "low": found.carbon.low, "high": found.carbon.high,
    }  # fmt: skip
    return Figure(found.energy_kwh, before.energy_kwh or None, "none", "kwh", said, known)


def requests(sight: Sight) -> Figure:
    """Requests in the window."""
    now = sight.traffic
    if not now.requests:
        return unknown(say("reasons.no_inference", "no inference arrived in this window"))
    said: dict[str, float | str] = {"rate": now.requests_per_s}
    return Figure(float(now.requests), float(sight.before.requests), "none", "", said, now.requests)


def error_rate(sight: Sight) -> Figure:
    """Share of requests that failed."""
    now = sight.traffic
    if now.error_rate is None:
        return unknown(say("reasons.no_inference", "no inference arrived in this window"))
    judged: Judgement = (
        "bad" if now.error_rate >= 0.05 else "warn" if now.error_rate >= 0.01 else "good"
    )
    said: dict[str, float | str] = {"errors": now.errors, "total": now.requests}
    return Figure(now.error_rate, sight.before.error_rate, judged, "share", said, now.requests)


def latency_p95(sight: Sight) -> Figure:
    """The time within which 95 % of requests are answered."""
    now = sight.traffic
    if now.latency_ms is None:
        return unknown(
            say("reasons.no_latency", "no inference of this window says how long it took")
        )
    before = sight.before.latency_ms
    said: dict[str, float | str] = {"p50": now.latency_ms["p50"], "p99": now.latency_ms["p99"]}
    old = before["p95"] if before else None
    return Figure(now.latency_ms["p95"], old, "none", "ms", said, now.requests)


def drifting_models(sight: Sight) -> Figure:
    """Models whose stored drift score is high."""
    return _from_latest(sight, "aiobs_drift_score", {"kind": "data"}, DRIFTING)


def hallucination_risk(sight: Sight) -> Figure:
    """Mean share of outputs that their context does not support."""
    found = _latest(sight, "aiobs_hallucination_risk", {})
    if not found:
        return unknown(
            say("reasons.no_output_checked_today", "no output was checked in the last day")
        )
    worst = max(found, key=lambda name: found[name])
    said: dict[str, float | str] = {"name": worst, "worst": found[worst]}
    before = _mean_stored(sight, "aiobs_hallucination_risk", {})
    return Figure(sum(found.values()) / len(found), before, "none", "share", said, len(found))


def _from_latest(sight: Sight, name: str, labels: dict[str, str], limit: float) -> Figure:
    found = _latest(sight, name, labels)
    if not found:
        return unknown(
            say(
                "reasons.no_model_compared",
                "no model was compared with its reference in the last day",
            )
        )
    over = [name for name, value in found.items() if value >= limit]
    said: dict[str, float | str] = {"n": len(over), "total": len(found), "names": ", ".join(over)}
    return Figure(float(len(over)), None, "warn" if over else "good", "", said, len(found))


def _latest(sight: Sight, name: str, labels: dict[str, str]) -> dict[str, float]:
    since = sight.ws.now_ms() - RECENT_MS
    rows = sight.ws.metrics.latest(select(name, labels), since_ms=since)
    return {
        points.series.label("model_id"): float(points.values[-1])
        for points in rows
        if len(points.values) and np.isfinite(points.values[-1])
    }


def services_healthy(sight: Sight) -> Figure:
    """Services that are healthy, of those with enough calls to judge."""
    known = [s for s in sight.overview.services if s.health != "unknown"]
    if not known:
        return unknown(
            say(
                "reasons.no_service_called_hour",
                "no service was called often enough in the last hour",
            )
        )
    bad = [s for s in known if s.health != "healthy"]
    judged: Judgement = "good" if not bad else "warn"
    if any(s.health == "critical" for s in bad):
        judged = "bad"
    said: dict[str, float | str] = {
        "n": len(known) - len(bad), "total": len(known),
        "names": ", ".join(s.service for s in bad[:3]),
    }  # fmt: skip
    return Figure(float(len(known) - len(bad)), None, judged, "", said, len(known))


def unregistered_models(sight: Sight) -> Figure:
    """Models that send inferences though nobody said what they are."""
    rows = sight.overview.models
    if not rows:
        return unknown(say("reasons.nothing_sent", "no model has sent anything yet"))
    missing = [m.name for m in rows if m.status == "unregistered"]
    said: dict[str, float | str] = {
        "n": len(missing), "total": len(rows), "names": ", ".join(missing[:3]),
    }  # fmt: skip
    judged: Judgement = "warn" if missing else "good"
    return Figure(float(len(missing)), None, judged, "", said, len(rows))


def control_coverage(sight: Sight) -> Figure:
    """Share of applicable controls that pass on fresh evidence."""
    found = sight.compliance.coverage
    if found.share is None:
        return unknown(say("reasons.no_control", "no control applies"))
    said: dict[str, float | str] = {
        "n": found.counts["pass"], "total": found.total - found.counts["not_applicable"],
        "gap": found.counts["gap"],
    }  # fmt: skip
    return Figure(found.share, None, "none", "share", said, found.total)


def running_clocks(sight: Sight) -> Figure:
    """Reporting clocks that run, late ones among them."""
    running = [c for c in sight.compliance.clocks if c.duty.reported_at_ms is None]
    late = sum(c.status == "late" for c in running)
    judged: Judgement = "bad" if late else "warn" if running else "good"
    said: dict[str, float | str] = {"late": late, "n": len(running)}
    return Figure(float(len(running)), None, judged, "", said)


def slo_attainment(sight: Sight) -> Figure:
    """Objectives that hold, of those with data."""
    found = sight.objectives
    if not found.objectives:
        return unknown(say("reasons.no_objective", "no objective is defined"))
    by = found.by_health
    known = len(found.objectives) - by["no_data"]
    if found.attainment is None:
        return unknown(say("reasons.no_objective_data", "no objective has data in its period yet"))
    judged: Judgement = "bad" if by["exhausted"] else "warn" if by["burning"] else "good"
    said: dict[str, float | str] = {
        "n": known - by["exhausted"], "total": known, "burning": by["burning"],
    }  # fmt: skip
    return Figure(found.attainment, None, judged, "share", said, known)


def slo_burn(sight: Sight) -> Figure:
    """Burn rate of the last hour, of the objective that burns fastest."""
    if not sight.objectives.objectives:
        return unknown(say("reasons.no_objective", "no objective is defined"))
    worst = fastest(sight.objectives.objectives)
    if worst is None:
        return unknown(
            say("reasons.no_objective_hour", "no objective counted anything in the last hour")
        )
    said: dict[str, float | str] = {
        "name": worst.objective.definition.name, "left": worst.budget.remaining,
    }  # fmt: skip
    if worst.burn["6h"] is not None:
        said["six"] = worst.burn["6h"]
    return Figure(worst.burn["1h"], None, judge_burn(worst), "", said, round(worst.budget.total))


def security_events(sight: Sight) -> Figure:
    """Security events that were sent in the window."""
    return _events(sight, "security")


def deployments(sight: Sight) -> Figure:
    """Deployments that were announced in the window."""
    return _events(sight, "deployment")


def _events(sight: Sight, kind: str) -> Figure:
    def count(window: Window) -> int:
        query = EventQuery(window.start_ms, window.end_ms, kind=kind, limit=MAX_EVENTS)
        return len(list_events(sight.ws, query).rows)

    now = count(sight.window)
    judged: Judgement = "warn" if kind == "security" and now else "none"
    return Figure(float(now), float(count(sight.compared)), judged, "", {"n": now}, now)


WIDGETS: tuple[Widget, ...] = (
    Widget("healthy_models", "models", "up", "metrics:read", healthy_models),
    Widget("mean_trust", "unified", "up", "metrics:read", mean_trust),
    Widget("open_incidents", "incidents", "down", "incidents:read", open_incidents),
    Widget("mttr", "incidents", "down", "incidents:read", mttr),
    Widget("spend", "business", "down", "costs:read", spend),
    Widget("energy", "sustainability", "down", "carbon:read", energy),
    Widget("requests", "unified", "neither", "metrics:read", requests),
    Widget("error_rate", "technical", "down", "metrics:read", error_rate),
    Widget("latency_p95", "technical", "down", "metrics:read", latency_p95),
    Widget("drifting_models", "models", "down", "metrics:read", drifting_models),
    Widget("hallucination_risk", "models", "down", "metrics:read", hallucination_risk),
    Widget("services_healthy", "unified", "up", "metrics:read", services_healthy),
    Widget("unregistered_models", "settings", "down", "metrics:read", unregistered_models),
    Widget("control_coverage", "compliance", "up", "compliance:read", control_coverage),
    Widget("running_clocks", "compliance", "down", "compliance:read", running_clocks),
    Widget("security_events", "security", "down", "events:read", security_events),
    Widget("slo_attainment", "slo", "up", "slo:read", slo_attainment),
    Widget("slo_burn", "slo", "down", "slo:read", slo_burn),
    Widget("deployments", "technical", "neither", "events:read", deployments),
)
BY_ID = {widget.id: widget for widget in WIDGETS}


@permitted("metrics:read")
def read_widgets(
    ws: Workspace, ids: tuple[str, ...], window: Window, *, compared: Window | None = None
) -> list[tuple[Widget, Figure]]:
    """Return the named figures in order; those that the caller may not see are left out."""
    sight = Sight(ws, window, compared or window.before())
    allowed = [BY_ID[i] for i in ids if BY_ID[i].permission in ws.principal.permissions]
    return [(widget, _comparable(widget.read(sight), sight)) for widget in allowed]


def _comparable(figure: Figure, sight: Sight) -> Figure:
    """Leave out the value before where the hub saw only a part of that period."""
    if figure.before is None or sight.is_comparable:
        return figure
    return msgspec.structs.replace(figure, before=None)


def known_value(figure: Figure) -> float | Insufficient:
    """Return the value of a figure, or why there is none."""
    return Insufficient(figure.reason) if figure.value is None else figure.value
