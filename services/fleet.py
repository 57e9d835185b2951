"""The fleet at a glance: every model and service with its state, and what to look at first."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

import msgspec

from engines.result import Insufficient
from engines.sentence import say
from services.identity import permitted
from services.incident_groups import Causes, count_causes
from services.incidents import Incident, open_incidents
from services.models import Model, list_models
from services.times import DAY_MS, HOUR_MS, Window
from services.topology import ServiceHealth, get_topology
from services.traffic import Traffic, get_request_stats, get_traffic_by_model
from services.trust import TrustAnswer, list_trust
from services.workspace import Workspace

Health = Literal["healthy", "warning", "critical", "unknown"]
_LATER = say("reasons.not_computed", "not computed yet")
LISTED = 50
"""Models that a page shows at once."""
OFFERED = 200
"""Models that a filter holds before the reader types."""
_WORST_FIRST = ("critical", "warning", "unknown", "healthy")


class ModelGlance(msgspec.Struct, frozen=True):
    """One model in one line."""

    model_id: str
    name: str
    owner: str
    model_type: str
    status: str
    is_sample: bool
    version: str
    health: Health
    trust: float | None
    trust_point: float | None
    explanation: str
    computed_at_ms: int
    traffic: Traffic | None  # None: the reader asked for the traffic of fewer
    last_seen_ms: int | None


class Totals(msgspec.Struct, frozen=True):
    """The fleet in numbers."""

    models: int
    by_health: dict[str, int]
    services: int
    services_unhealthy: int
    mean_trust: float | None
    open_incidents: int
    causes: Causes  # of the open incidents
    requests: int
    error_rate: float | None
    latency_p95_ms: float | None


class Overview(msgspec.Struct, frozen=True):
    """What the Unified page shows."""

    computed_at_ms: int
    window: Window
    totals: Totals
    models: list[ModelGlance]
    services: list[ServiceHealth]
    incidents: list[Incident]
    has_sample_data: bool


@permitted("metrics:read")
def get_overview(
    ws: Workspace, window: Window | None = None, *, listed: int | None = LISTED
) -> Overview:
    """Return the fleet's traffic over a window (the last hour) and its state now, once for all.

    Only the first `listed` models, worst first, carry their traffic (None: all do): a fleet of a
    thousand has sums of its own, and nobody reads a thousand rows at once.
    """
    now = ws.now_ms()
    chosen = window or Window(now - HOUR_MS, now)
    return ws.cached(
        f"overview/{chosen.seen_from(now)}/{listed}", Overview,
        lambda: _compute(ws, chosen, listed), fresh_s=5, stale_s=30,
    )  # fmt: skip


def _compute(ws: Workspace, window: Window, listed: int | None) -> Overview:
    everything = list_glances(ws)
    shown = everything[:listed]
    models = with_traffic(ws, shown, window, of=len(everything)) + everything[len(shown) :]
    services = get_topology(ws, window).services
    incidents = open_incidents(ws)
    return Overview(
        computed_at_ms=ws.now_ms(),
        window=window,
        totals=_totals(ws, window, models, services, incidents),
        models=models,
        services=sorted(services, key=lambda s: (_WORST_FIRST.index(s.health), s.service)),
        incidents=incidents,
        has_sample_data=any(model.is_sample for model in models),
    )


@permitted("metrics:read")
def list_glances(ws: Workspace) -> list[ModelGlance]:
    """Return every current model with its health and trust, worst first, without its traffic."""

    def compute() -> list[ModelGlance]:
        now = ws.now_ms()
        current = [model for model in list_models(ws) if _is_current(model, now)]
        trust = list_trust(ws, [model.model_id for model in current])
        models = [_glance(model, trust.get(model.model_id)) for model in current]
        return sorted(
            models, key=lambda m: (_WORST_FIRST.index(m.health), m.trust or 0.0, m.model_id)
        )

    return ws.cached("glances", list[ModelGlance], compute, fresh_s=5, stale_s=30)


@permitted("metrics:read")
def with_traffic(
    ws: Workspace, models: list[ModelGlance], window: Window, *, of: int
) -> list[ModelGlance]:
    """Return models with their traffic: one read a metric for all; `of` is how many there are."""
    chosen = None if len(models) == of else [model.model_id for model in models]
    traffic = _listed_traffic(ws, window, chosen)
    nothing = Traffic.none(window)
    return [
        msgspec.structs.replace(model, traffic=traffic.get(model.model_id, nothing))
        for model in models
    ]


def _is_current(model: Model, now: int) -> bool:
    return model.last_seen_ms is None or now - model.last_seen_ms <= 30 * DAY_MS


def _listed_traffic(ws: Workspace, window: Window, chosen: list[str] | None) -> dict[str, Traffic]:
    """Return traffic by model, at most a 2,880th of the window old before it is read anew: five
    seconds in four hours, half a minute in a day."""
    fresh_s = min(60.0, max(5.0, window.length_ms / 2_880_000))
    names = "all" if chosen is None else blake2b("\n".join(chosen).encode()).hexdigest()
    return ws.cached(
        f"listed/{window.seen_from(ws.now_ms())}/{names}", dict[str, Traffic],
        lambda: get_traffic_by_model(ws, window, chosen), fresh_s=fresh_s, stale_s=2 * fresh_s + 20,
    )  # fmt: skip


def _glance(model: Model, answer: TrustAnswer | None) -> ModelGlance:
    found = answer.result if answer else None
    lack = answer.insufficient if answer else Insufficient(_LATER)
    return ModelGlance(
        model_id=model.model_id,
        name=model.name,
        owner=model.owner,
        model_type=model.model_type,
        status=model.status,
        is_sample=model.is_sample,
        version=model.versions[0].version if model.versions else "",
        health=found.band if found else "unknown",
        trust=found.trust if found else None,
        trust_point=found.point if found else None,
        explanation=found.sentence if found else lack.reason if lack else "",
        computed_at_ms=answer.computed_at_ms if answer else 0,
        traffic=None,
        last_seen_ms=model.last_seen_ms,
    )


def _totals(
    ws: Workspace,
    window: Window,
    models: list[ModelGlance],
    services: list[ServiceHealth],
    incidents: list[Incident],
) -> Totals:
    traffic = get_request_stats(ws, window)
    known = [m.trust for m in models if m.trust is not None]
    return Totals(
        models=len(models),
        by_health={h: sum(m.health == h for m in models) for h in _WORST_FIRST},
        services=len(services),
        services_unhealthy=sum(s.health in ("warning", "critical") for s in services),
        mean_trust=sum(known) / len(known) if known else None,
        open_incidents=len(incidents),
        causes=count_causes(incidents),
        requests=traffic.requests,
        error_rate=traffic.error_rate,
        latency_p95_ms=traffic.latency_ms["p95"] if traffic.latency_ms else None,
    )


@permitted("models:read")
def has_sample_data(ws: Workspace) -> bool:
    """Return whether the sample fleet sent anything to this tenant."""
    return any(seen.is_sample for seen in ws.events.models_seen())


@permitted("models:read")
def get_filter_options(ws: Workspace, model_id: str = "") -> dict[str, list[dict[str, str]]]:
    """Return what the page filters offer: models, and the chosen model's versions and segments.

    Of a long list only the first `OFFERED` and the chosen one are sent; `searched` names it, and
    the browser asks for others by what the reader types.
    """
    found = list_models(ws)
    offered = found[:OFFERED] + [m for m in found[OFFERED:] if m.model_id == model_id]
    options = {
        "model": [{"value": model.model_id, "label": model.name} for model in offered],
        "version": [],
        "segment": [],
        "searched": [{"value": "model"}] if len(found) > OFFERED else [],
    }
    chosen = next((model for model in found if model.model_id == model_id), None)
    if chosen is not None:
        names = [version.version for version in chosen.versions if version.version]
        options["version"] = [{"value": name, "label": name} for name in names]
        segments = get_segments(ws, model_id)
        options["segment"] = [{"value": name, "label": name} for name in segments]
    return options


@permitted("models:read")
def get_segments(ws: Workspace, model_id: str) -> list[str]:
    """Return the user segments among the model's newest inferences."""

    def read() -> list[str]:
        now = ws.now_ms()
        rows = ws.events.inference_columns(
            model_id, now - DAY_MS, now, columns=("user_segment",), limit=5_000
        )
        return sorted({str(s) for s in rows.columns.get("user_segment", ()) if s})

    return ws.cached(f"segments/{model_id}", list, read, fresh_s=60, stale_s=600)
