"""What one trouble costs, who has which part in it, what would have been without it, and what to
do first."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import msgspec

from engines import impact
from engines.causal.inputs import Key
from engines.causal.result import Evidence, RankedCause, RootCauseResult
from engines.causal.roles import role_of
from engines.impact import (
    Attribution,
    Estimate,
    Exposure,
    ImpactResult,
    StructuralModel,
    WhatIf,
)
from engines.result import Insufficient
from engines.sentence import say
from services.analyses import Begin, Job, follow
from services.causal import effect_of, explain
from services.errors import Invalid, NotFound
from services.identity import permitted
from services.impact import LOOK_BACK_MS, attempt, exposures_of, fit
from services.incidents import Incident, get_incident, open_incidents
from services.scene import LABELS, Scene, read_scene
from services.times import MINUTE_MS, Window
from services.workspace import Workspace

NO_MODEL = Insufficient(say("reasons.no_model_fitted", "no model could be fitted"))
ONE_CAUSE = Insufficient(say("reasons.one_cause", "a hypothetical change has one cause: itself"))
SUSPECTS = 4
"""Suspects for which an action is proposed; further down confidence is next to nothing."""
LEAST_CONFIDENCE = 0.05

ActionKind = Literal[
    "roll_back", "restore_speed", "stop_failures", "check_inputs", "restore_retrieval",
    "cap_spending", "restore_labels", "restore",
]  # fmt: skip
_BY_ROLE: dict[str, ActionKind] = {
    "latency": "restore_speed", "errors": "stop_failures", "error_rate": "stop_failures",
    "feature_drift": "check_inputs", "data_drift": "check_inputs",
    "prediction_drift": "check_inputs",
    "retrieval": "restore_retrieval", "tokens": "cap_spending", "cost": "cap_spending",
}  # fmt: skip


class Action(msgspec.Struct, frozen=True):
    """Something to do, with the change of the effect that the model expects of it.

    `expected` is the mean change of the effect while the cause is back to normal; `recovers` is its
    share of what the effect moved; both are None where the structural model does not reach the
    effect from there.
    """

    kind: ActionKind
    node: str
    metric: str
    event_id: str | None
    event_title: str
    confidence: float
    expected: Estimate | None
    recovers: float | None
    evidence: tuple[Evidence, ...]


class Study(msgspec.Struct, frozen=True):
    """The impact of an incident or of a hypothetical change."""

    incident: Incident | None
    cause: Key | None
    effect: Key | None
    confidence: float | None
    onset_ms: int | None
    window: Window
    computed_at_ms: int
    impact: ImpactResult | None
    shares: Attribution | None
    otherwise: WhatIf | None
    actions: tuple[Action, ...]
    insufficient: Insufficient | None
    no_shares: Insufficient | None = None
    no_otherwise: Insufficient | None = None


@permitted("impact:read")
def study(
    ws: Workspace,
    *,
    incident_id: str | None = None,
    cause: Key | None = None,
    change: float | None = None,
) -> Study | Job:
    """Return the study of an incident, of a hypothetical change of a number (`change` is relative,
    .2 for a fifth more), or of the worst open incident."""
    return follow(
        ws,
        f"study|{incident_id}|{cause}|{change}",
        Study,
        lambda begin: _study(ws, incident_id, cause, change, begin),
    )


def _study(
    ws: Workspace, incident_id: str | None, cause: Key | None, change: float | None, begin: Begin
) -> Study:
    if cause is not None:
        return _hypothetical(ws, cause, 0.0 if change is None else change, begin)
    incident = get_incident(ws, incident_id) if incident_id else _worst(ws)
    if incident is None:
        now = ws.now_ms()
        lack = Insufficient(
            say(
                "reasons.no_incident_open",
                "no incident is open; choose a past one or a hypothetical change",
            )
        )
        return _empty(Window(now - LOOK_BACK_MS, now), now, lack)
    return _of_incident(ws, incident, begin)


def _worst(ws: Workspace) -> Incident | None:
    return next((i for i in open_incidents(ws) if effect_of(i) is not None), None)


def _empty(
    window: Window,
    now: int,
    lack: Insufficient,
    incident: Incident | None = None,
    effect: Key | None = None,
) -> Study:
    return Study(incident, None, effect, None, None, window, now, None, None, None, (), lack)


def _of_incident(ws: Workspace, incident: Incident, begin: Begin) -> Study:
    effect = effect_of(incident)
    if effect is None:
        raise Invalid(
            say(
                "reasons.no_series_for_rule",
                "no series shows what {rule} is about; see the incident's evidence",
                rule=incident.rule,
            )
        )
    end = min(ws.now_ms(), (incident.resolved_at_ms or ws.now_ms()) + 5 * MINUTE_MS)
    window = Window(incident.opened_at_ms - LOOK_BACK_MS, end)
    scene = read_scene(ws, window)
    begin("causes")
    found = explain(ws, scene, effect, alerted_ms=incident.opened_at_ms)
    result = found.result
    if result is None or result.cause is None or result.onset_s is None:
        reason = (
            result.reason
            if result
            else say("reasons.no_explanation", "the incident has no explanation yet")
        )
        lack = found.insufficient or Insufficient(
            reason or say("reasons.no_cause", "no cause can be named")
        )
        return _empty(window, ws.now_ms(), lack, incident, effect)
    begin("model")
    model, lack_of_model = attempt(lambda: fit(scene, result.onset_s))
    if model is None:
        lack = lack_of_model or NO_MODEL
        return _empty(window, ws.now_ms(), lack, incident, effect)
    begin("effects")
    return _measured(ws, incident, scene, model, effect, result)


def _measured(
    ws: Workspace,
    incident: Incident,
    scene: Scene,
    model: StructuralModel,
    effect: Key,
    result: RootCauseResult,
) -> Study:
    top = result.causes[0]
    onset_s = result.onset_s or incident.opened_at_ms / 1_000
    cause = (top.node, top.metric)
    exposures = exposures_of(ws, scene, model)
    sized, lack = attempt(lambda: _sized(model, cause, onset_s, exposures))
    shares, no_shares = attempt(lambda: impact.attribution(model, effect, onset_s))
    otherwise, no_otherwise = attempt(lambda: impact.what_if(model, cause, effect, onset_s=onset_s))
    return Study(
        incident=incident,
        cause=cause,
        effect=effect,
        confidence=top.confidence,
        onset_ms=round(onset_s * 1_000),
        window=scene.window,
        computed_at_ms=ws.now_ms(),
        impact=sized,
        shares=shares,
        otherwise=otherwise,
        actions=recommend(scene, model, effect, result, shares),
        insufficient=lack,
        no_shares=no_shares,
        no_otherwise=no_otherwise,
    )


def _sized(
    model: StructuralModel, cause: Key, onset_s: float, exposures: list[Exposure]
) -> ImpactResult:
    """Return the effects of the cause; amounts count its other troubles too, the largest of each.

    A service that answers slowly also fails: its failures cost what its slowness does not.
    """
    sized = impact.assess_impact(model, cause, onset_s=onset_s, exposures=exposures)
    failing = (cause[0], "errors")
    if failing == cause or failing not in model.keys:
        return sized
    other = impact.assess_impact(model, failing, onset_s=onset_s, exposures=exposures)
    larger = tuple(
        max(pair, key=lambda item: abs(item.so_far.value))
        for pair in zip(sized.exposures, other.exposures, strict=True)
    )
    return replace(sized, exposures=larger)


def _hypothetical(ws: Workspace, cause: Key, change: float, begin: Begin) -> Study:
    now = ws.now_ms()
    scene = read_scene(ws, Window(now - LOOK_BACK_MS, now))
    if cause not in scene.metrics:
        raise NotFound(
            say(
                "reasons.no_such_metric",
                "{node} has no metric {metric} in this window",
                node=cause[0],
                metric=cause[1],
            )
        )
    begin("model")
    model, lack = attempt(lambda: fit(scene))
    if model is None:
        return _empty(scene.window, now, lack or NO_MODEL)
    if cause not in model.keys:
        lack = Insufficient(
            say(
                "reasons.cause_is_flat",
                "{metric} of {node} has too few samples or never changes",
                metric=cause[1],
                node=cause[0],
            )
        )
        return _empty(scene.window, now, lack)
    begin("effects")
    size = change * _present(model, cause)
    sized, lack = attempt(
        lambda: impact.assess_impact(
            model, cause, change=size, exposures=exposures_of(ws, scene, model)
        )
    )
    effect = sized.metrics[0].key if sized and sized.metrics else None
    otherwise, no_otherwise = (
        attempt(lambda: impact.what_if(model, cause, effect, set_to=_present(model, cause) + size))
        if effect
        else (
            None,
            Insufficient(
                say("reasons.nothing_downstream", "nothing downstream follows this number")
            ),
        )
    )
    empty = _empty(scene.window, ws.now_ms(), lack) if lack else None
    return empty or Study(
        None, cause, effect, None, None, scene.window, ws.now_ms(), sized, None, otherwise, (),
        None, ONE_CAUSE, no_otherwise,
    )  # fmt: skip


def _present(model: StructuralModel, key: Key) -> float:
    return float(model.values[-impact_rows(model) :, model.at(key)].mean())


def impact_rows(model: StructuralModel) -> int:
    """Return how many rows count as the present: a quarter of an hour."""
    return max(1, round(15 * 60 / model.step_s))


def recommend(
    scene: Scene,
    model: StructuralModel,
    effect: Key,
    result: RootCauseResult,
    shares: Attribution | None,
) -> tuple[Action, ...]:
    """Return what to do, the largest expected effect first.

    The expected effect of acting on a suspect is the counterfactual without it; it counts as much
    as the suspect is likely to be the cause.
    """
    onset_s = result.onset_s or scene.window.end_ms / 1_000
    moved = shares.change if shares else None
    found = [
        _action(scene, model, effect, onset_s, moved, cause)
        for cause in result.causes[:SUSPECTS]
        if cause.confidence >= LEAST_CONFIDENCE
    ]
    return tuple(sorted(found, key=_worth))


def _worth(action: Action) -> tuple[float, float]:
    gain = action.recovers if action.recovers is not None else 0.0
    return -max(gain, 0.0) * action.confidence, -action.confidence


def _action(
    scene: Scene,
    model: StructuralModel,
    effect: Key,
    onset_s: float,
    moved: float | None,
    cause: RankedCause,
) -> Action:
    key = (cause.node, cause.metric)
    answer, _ = attempt(lambda: impact.what_if(model, key, effect, onset_s=onset_s))
    event = next((e for e in scene.events if e.event_id == cause.event_id), None)
    expected = answer.difference if answer else None
    recovers = None
    if expected is not None and moved and math.isfinite(expected.value):
        recovers = min(1.0, max(0.0, -expected.value / moved))
    kind: ActionKind = "roll_back" if event else _BY_ROLE.get(role_of(key[1]).kind, "restore")
    if key[1] == LABELS:
        kind = "restore_labels"
    return Action(
        kind=kind,
        node=cause.node,
        metric=cause.metric,
        event_id=cause.event_id,
        event_title=event.title if event else "",
        confidence=cause.confidence,
        expected=expected,
        recovers=recovers,
        evidence=cause.evidence,
    )


def added(study: Study) -> dict[str, tuple[Estimate, tuple[tuple[float, Estimate], ...], str]]:
    """Return amounts at risk by name: so far, ahead (seconds, amount) and unit.

    Amounts of several models are added, and so are the ends of their intervals: cautious, because
    their errors need not go the same way. Shares of different error budgets do not add: the one of
    which most is spent stands for them.
    """
    found: dict[str, tuple[Estimate, tuple[tuple[float, Estimate], ...], str]] = {}
    for item in study.impact.exposures if study.impact else ():
        name, unit = item.exposure.name, item.exposure.unit
        if name not in found:
            found[name] = (item.so_far, item.ahead, unit)
            continue
        if name == "slo_budget":
            found[name] = max(
                found[name], (item.so_far, item.ahead, unit), key=lambda one: one[1][-1][1].value
            )
            continue
        so_far, ahead, _ = found[name]
        both = tuple(
            (h, _sum(one, other)) for (h, one), (_, other) in zip(ahead, item.ahead, strict=True)
        )
        found[name] = (_sum(so_far, item.so_far), both, unit)
    return found


def _sum(one: Estimate, other: Estimate) -> Estimate:
    low, high = one.interval.low + other.interval.low, one.interval.high + other.interval.high
    return Estimate(one.value + other.value, replace(one.interval, low=low, high=high))
