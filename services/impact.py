"""What a cause costs, who is to blame for how much, and what would have been otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import msgspec
import numpy as np

from connectors.selector import Selector
from engines import causal, impact
from engines.causal import Series
from engines.causal.inputs import Key
from engines.causal.result import CausalEdge
from engines.causal.roles import role_of
from engines.errors import EngineError, InsufficientData
from engines.impact import Attribution, Exposure, ImpactResult, StructuralModel, WhatIf
from engines.progress import Progress, unwatched
from engines.result import Insufficient
from engines.sentence import say
from services.burning import BURN_RATE, defined
from services.causal import effect_of, explain_incident
from services.computed import unusable
from services.errors import Malformed, NotFound
from services.identity import permitted
from services.incidents import get_incident, open_incidents
from services.models import list_models
from services.scene import Scene, absent, read_scene, without_labels
from services.slo import list_error_budgets
from services.times import HOUR_MS, MAX_WINDOW_MS, MINUTE_MS, Window
from services.workspace import Workspace

R = TypeVar("R")

LOOK_BACK_MS = 6 * HOUR_MS


class Impact(msgspec.Struct, frozen=True):
    """The effects of a cause, or why they cannot be estimated."""

    cause_node: str
    cause_metric: str
    computed_at_ms: int
    window: Window
    result: ImpactResult | None
    insufficient: Insufficient | None


class OpenImpact(msgspec.Struct, frozen=True):
    """What one open incident does."""

    incident_id: str
    title: str
    impact: Impact


class Shares(msgspec.Struct, frozen=True):
    """A change divided among its causes, or why it cannot be."""

    node: str
    metric: str
    computed_at_ms: int
    result: Attribution | None
    insufficient: Insufficient | None


class Otherwise(msgspec.Struct, frozen=True):
    """What would have been, or would be, or why it cannot be said."""

    computed_at_ms: int
    result: WhatIf | None
    insufficient: Insufficient | None


class Question(msgspec.Struct, frozen=True):
    """A cause and how much it changes; without `change`, what was observed since `onset_ms`."""

    node: str
    metric: str
    change: float | None = None
    onset_ms: int | None = None


class WhatIfQuestion(msgspec.Struct, frozen=True):
    """A cause set to a value now, or kept normal since `onset_ms`, and what to watch."""

    node: str
    metric: str
    target_node: str
    target_metric: str
    set_to: float | None = None
    onset_ms: int | None = None


@permitted("impact:read")
def assess_impact(ws: Workspace, question: Question) -> Impact:
    """Return what a change does to everything downstream, with intervals and amounts at risk."""
    scene = _scene(ws, question.onset_ms)
    cause = _require(scene, question.node, question.metric)
    onset_s = None if question.onset_ms is None else question.onset_ms / 1_000
    result, lack = attempt(lambda: _assess(ws, scene, cause, question.change, onset_s))
    return Impact(cause[0], cause[1], ws.now_ms(), scene.window, result, lack)


def _assess(
    ws: Workspace, scene: Scene, cause: Key, change: float | None, onset_s: float | None
) -> ImpactResult:
    model = impact.with_trees(fit(ws, scene, onset_s, about=(cause,)), cause)
    exposures = exposures_of(ws, scene, model)
    return impact.assess_impact(model, cause, change=change, onset_s=onset_s, exposures=exposures)


@permitted("impact:read")
def incident_impact(ws: Workspace, incident_id: str) -> Impact:
    """Return what an incident's cause does, from its onset on."""
    incident = get_incident(ws, incident_id)
    found = explain_incident(ws, incident_id)
    if found.result is None or found.result.cause is None:
        reason = (
            found.result.reason
            if found.result
            else say("reasons.no_explanation", "the incident has no explanation yet")
        )
        lack = found.insufficient or Insufficient(
            reason or say("reasons.no_cause", "no cause can be named")
        )
        return Impact(incident.subject, found.effect_metric, ws.now_ms(), found.window, None, lack)
    cause = found.result.cause
    onset = cause.onset_s or found.result.onset_s
    at = round(onset * 1_000) if onset is not None else incident.opened_at_ms
    node, metric = cause.node, cause.metric
    return assess_impact(ws, Question(node, metric, onset_ms=at))


@permitted("impact:read")
def summarise_open(ws: Workspace) -> list[OpenImpact]:
    """Return what each open incident does, worst first."""
    shown = [i for i in open_incidents(ws) if effect_of(i) is not None][:10]
    return ws.cached(
        "impact/summary",
        list,
        lambda: [OpenImpact(i.id, i.title, incident_impact(ws, i.id)) for i in shown],
        fresh_s=60,
        stale_s=600,
    )


@permitted("impact:read")
def compute_attribution(ws: Workspace, node: str, metric: str, onset_ms: int) -> Shares:
    """Return the shares of a change that its causes have; they add up to the change."""
    scene = _scene(ws, onset_ms)
    outcome, onset_s = _require(scene, node, metric), onset_ms / 1_000
    result, lack = attempt(
        lambda: impact.attribution(fit(ws, scene, onset_s, about=(outcome,)), outcome, onset_s)
    )
    return Shares(node, metric, ws.now_ms(), result, lack)


@permitted("impact:read")
def ask_what_if(ws: Workspace, question: WhatIfQuestion) -> Otherwise:
    """Return the target had the cause stayed normal, or if it were set to a value now."""
    scene = _scene(ws, question.onset_ms)
    cause = _require(scene, question.node, question.metric)
    target = _require(scene, question.target_node, question.target_metric)
    onset_s = None if question.onset_ms is None else question.onset_ms / 1_000
    result, lack = attempt(
        lambda: impact.what_if(
            impact.with_trees(fit(ws, scene, onset_s, about=(cause, target)), cause, target),
            cause,
            target,
            onset_s=onset_s,
            set_to=question.set_to,
        )
    )
    return Otherwise(ws.now_ms(), result, lack)


@permitted("impact:read")
def exposures_of(ws: Workspace, scene: Scene, model: StructuralModel) -> list[Exposure]:
    """Return what people answer for, as far as telemetry says: money, failed requests, energy,
    carbon; only where a model pays for it, since a failing service fails its callers' requests.
    Then the error budgets that promise of a model or service that its requests succeed."""
    return [*_sent_amounts(ws, scene, model), *_budget_exposures(ws, model)]


def _sent_amounts(ws: Workspace, scene: Scene, model: StructuralModel) -> list[Exposure]:
    known = {
        "cost": ("money", _currency(ws, scene.window)),
        "errors": ("failed_requests", "requests"),
        "energy_kwh": ("energy", "kWh"),
        "carbon_g": ("carbon", "g"),
    }
    payers = {model.model_id for model in list_models(ws)}
    return [
        Exposure(known[metric][0], (node, metric), 1 / 60, known[metric][1])
        for node, metric in model.keys
        if node in payers and known.get(metric, ("", ""))[1]
    ]


def _budget_exposures(ws: Workspace, model: StructuralModel) -> list[Exposure]:
    """Return for each node with such a promise the budget that one failed request costs most.

    Of objectives that do not count requests as failed or not, the budget goes by its burn rate.
    """
    share: dict[Key, float] = {}
    burns = []
    for status in list_error_budgets(ws):
        given, allowed = status.objective.definition, status.budget.allowed_bad
        key = (given.subject, "errors")
        burn = (given.subject, f"{BURN_RATE}{status.objective.id}")
        if given.indicator.kind == "availability":
            if allowed > 0 and key in model.keys:
                share[key] = max(share.get(key, 0.0), 1 / allowed)
        elif burn in model.keys and status.elapsed > 0:
            period_s = status.window.length_ms / status.elapsed / 1_000
            burns.append(Exposure("slo_budget", burn, 1 / period_s, "share"))
    return [Exposure("slo_budget", k, one / 60, "share") for k, one in share.items()] + burns


def _currency(ws: Workspace, window: Window) -> str:
    """Return the one currency of all costs, or "" where there are several: they do not add up."""
    found = ws.metrics.window(
        Selector("aiobs_cost_total"),
        window.start_ms,
        window.end_ms,
        window.length_ms,
        over_time="sum",
        across="sum",
        by=("currency",),
    )
    names = {points.series.label("currency") for points in found}
    return names.pop() if len(names) == 1 else ""


def _scene(ws: Workspace, onset_ms: int | None) -> Scene:
    end = ws.now_ms()
    if onset_ms is not None and abs(end - onset_ms) > MAX_WINDOW_MS - LOOK_BACK_MS:
        raise Malformed("onset_ms is a time of the last 400 days in milliseconds")
    start = end - LOOK_BACK_MS if onset_ms is None else onset_ms - LOOK_BACK_MS
    return read_scene(ws, Window(start, max(end, start + MINUTE_MS)))


def _require(scene: Scene, node: str, metric: str) -> Key:
    if (node, metric) not in scene.metrics:
        raise NotFound(absent((node, metric)))
    return node, metric


def fit(
    ws: Workspace,
    scene: Scene,
    onset_s: float | None = None,
    progress: Progress = unwatched,
    *,
    about: Sequence[Key] = (),
) -> StructuralModel:
    """Return the structural model of a scene, from when the nodes asked about were first seen.

    A service that is younger than the window would otherwise count as mostly unobserved. Where
    calls are known they and the rules are the only edges: an incident moves every number at once,
    and each of them then seems to predict each other.
    """
    metrics = _since_seen(without_labels(scene.metrics), {node for node, _ in about})
    graph = causal.build_graph(
        metrics, topology=scene.topology, events=scene.events, onset_s=onset_s, step_s=60.0,
        progress=progress,
    )  # fmt: skip
    graph = defined(ws, graph)
    if scene.topology:
        graph = replace(graph, edges=tuple(e for e in graph.edges if _is_known(e)))
    return impact.fit_model(metrics, graph, step_s=60.0, progress=progress)


def _is_known(edge: CausalEdge) -> bool:
    """Whether calls or rules say so. Demand drives by its rule only where a test confirms it: a
    little more of it at the time of a fault would else be credited with a part of the fault."""
    said = {reason.key: dict(reason.values) for reason in edge.evidence}
    if role_of(edge.source.rpartition("|")[2]).kind == "demand" and "rule" in said:
        test = said.get("same_interval_test")
        return test is not None and float(test["q"]) < 0.05
    return bool(said.keys() & {"call", "rule", "objective"})


def _since_seen(metrics: dict[Key, Series], nodes: set[str]) -> dict[Key, Series]:
    """Return the rows since the youngest of the nodes, or else anything, did something."""
    first: dict[str, float] = {}
    for (node, _), series in metrics.items():
        active = series.times_s[np.nan_to_num(series.values) != 0]
        if active.size:
            first[node] = min(first.get(node, np.inf), float(active[0]))
    young = [at for node, at in first.items() if node in nodes]
    start = max(young) if young else min(first.values(), default=-np.inf)
    found = {key: _from(series, start) for key, series in metrics.items()}
    return {key: series for key, series in found.items() if series.times_s.size}


def _from(series: Series, start_s: float) -> Series:
    kept = series.times_s >= start_s
    return Series(series.times_s[kept], series.values[kept])


def attempt(compute: Callable[[], R]) -> tuple[R | None, Insufficient | None]:
    """Return what an engine says, or why it cannot."""
    try:
        return compute(), None
    except InsufficientData as error:
        return None, Insufficient.of(error)
    except EngineError as error:
        return None, unusable(error)
