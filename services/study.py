"""What one trouble costs, who has which part in it, what would have been without it, and what to
do first."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np

from engines import impact
from engines.causal.inputs import Key
from engines.causal.result import RootCauseResult
from engines.impact import (
    Attribution,
    Estimate,
    Exposure,
    ImpactResult,
    StructuralModel,
    WhatIf,
)
from engines.progress import Progress
from engines.result import Insufficient
from engines.sentence import say
from services.actions import Action, recommend
from services.analyses import Job, JobProgress, follow, renewal
from services.burning import indicated, objective_of
from services.causal import effect_of, explain
from services.diagnosis import worst_open
from services.errors import Invalid, NotFound
from services.identity import permitted
from services.impact import LOOK_BACK_MS, attempt, exposures_of, fit
from services.incidents import Incident, get_incident
from services.scene import Scene, absent, read_scene
from services.times import MINUTE_MS, Window
from services.workspace import Workspace

EARLIER_S = 30 * 60.0
NO_MODEL = Insufficient(say("reasons.no_model_fitted", "no model could be fitted"))
ONE_CAUSE = Insufficient(say("reasons.one_cause", "a hypothetical change has one cause: itself"))


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
    present: float | None = None
    earlier: tuple[tuple[float, float], ...] = ()  # the effect before the onset: time (s), value


@permitted("impact:read")
def study(
    ws: Workspace,
    *,
    incident_id: str | None = None,
    cause: Key | None = None,
    change: float | None = None,
    set_to: float | None = None,
) -> tuple[Study | Job, Job | None]:
    """Return the study of an incident, of a hypothetical change of a number (`change` is relative,
    .2 for a fifth more; `set_to` is a value), or of the worst open incident, and the job that
    renews it."""
    if cause is None and incident_id is None:
        worst = worst_open(ws)
        if worst is None:
            return _nothing_open(ws), None
        incident_id = worst.id
    what = f"study|{incident_id}|{cause}|{change}|{set_to}"
    found = follow(
        ws,
        what,
        Study,
        lambda progress: (
            _of_incident(ws, get_incident(ws, incident_id or ""), progress)
            if cause is None
            else _hypothetical(ws, cause, change or 0.0, set_to, progress)
        ),
    )
    return found, renewal(ws, what)


def _nothing_open(ws: Workspace) -> Study:
    now = ws.now_ms()
    lack = Insufficient(
        say(
            "reasons.no_incident_open",
            "no incident is open; choose a past one or a hypothetical change",
        )
    )
    return _empty(Window(now - LOOK_BACK_MS, now), now, lack)


def _empty(
    window: Window,
    now: int,
    lack: Insufficient,
    incident: Incident | None = None,
    effect: Key | None = None,
) -> Study:
    return Study(incident, None, effect, None, None, window, now, None, None, None, (), lack)


def _of_incident(ws: Workspace, incident: Incident, progress: JobProgress) -> Study:
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
    scene = read_scene(ws, window, progress.at)
    progress.begin("causes")
    found = explain(ws, scene, effect, alerted_ms=incident.opened_at_ms)
    objective = objective_of(ws, effect)
    effect = (indicated(objective) if objective else None) or effect
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
    top = result.cause
    progress.begin("model")
    model, lack_of_model = attempt(
        lambda: fit(ws, scene, result.onset_s, progress.at, about=(effect, (top.node, top.metric)))
    )
    if model is None:
        lack = lack_of_model or NO_MODEL
        return _empty(window, ws.now_ms(), lack, incident, effect)
    progress.begin("effects")
    return _measured(ws, incident, scene, model, effect, result, progress.at)


def _measured(
    ws: Workspace,
    incident: Incident,
    scene: Scene,
    model: StructuralModel,
    effect: Key,
    result: RootCauseResult,
    progress: Progress,
) -> Study:
    top = result.causes[0]
    onset_s = result.onset_s or incident.opened_at_ms / 1_000
    cause = (top.node, top.metric)
    if cause in model.keys and effect in model.keys:
        model = impact.with_trees(model, cause, effect)
    exposures = exposures_of(ws, scene, model)
    sized, lack = attempt(lambda: _sized(model, cause, onset_s, exposures, progress))
    shares, no_shares = attempt(
        lambda: impact.attribution(model, effect, onset_s, progress=progress)
    )
    otherwise, no_otherwise = attempt(
        lambda: impact.what_if(model, cause, effect, onset_s=onset_s, progress=progress)
    )
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
        actions=recommend(scene, model, effect, result, shares, progress),
        insufficient=lack,
        no_shares=no_shares,
        no_otherwise=no_otherwise,
        earlier=_earlier(model, effect, onset_s) if otherwise else (),
    )


def _earlier(model: StructuralModel, key: Key, onset_s: float) -> tuple[tuple[float, float], ...]:
    """Return the last half hour before the onset."""
    rows = np.flatnonzero((model.times_s < onset_s) & (model.times_s >= onset_s - EARLIER_S))
    values = model.values[rows, model.at(key)]
    return tuple(zip(model.times_s[rows].tolist(), values.tolist(), strict=True))


def _sized(
    model: StructuralModel,
    cause: Key,
    onset_s: float,
    exposures: list[Exposure],
    progress: Progress,
) -> ImpactResult:
    """Return the effects of the cause; amounts count its other troubles too, the largest of each.

    A service that answers slowly also fails: its failures cost what its slowness does not.
    """

    def assess(one: Key) -> ImpactResult:
        return impact.assess_impact(
            model, one, onset_s=onset_s, exposures=exposures, progress=progress
        )

    sized = assess(cause)
    failing = (cause[0], "errors")
    if failing == cause or failing not in model.keys:
        return sized
    other = assess(failing)
    found = {item.exposure: item for item in other.exposures}
    larger = tuple(
        max(item, found.pop(item.exposure, item), key=lambda one: abs(one.so_far.value))
        for item in sized.exposures
    )
    return replace(sized, exposures=(*larger, *found.values()))


def _hypothetical(
    ws: Workspace, cause: Key, change: float, set_to: float | None, progress: JobProgress
) -> Study:
    now = ws.now_ms()
    scene = read_scene(ws, Window(now - LOOK_BACK_MS, now), progress.at)
    if cause not in scene.metrics:
        raise NotFound(absent(cause))
    progress.begin("model")
    model, lack = attempt(lambda: fit(ws, scene, progress=progress.at, about=(cause,)))
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
    progress.begin("effects")
    model = impact.with_trees(model, cause)
    present = _present(model, cause)
    size = change * present if set_to is None else set_to - present
    sized, lack = attempt(
        lambda: impact.assess_impact(
            model,
            cause,
            change=size,
            exposures=exposures_of(ws, scene, model),
            progress=progress.at,
        )
    )
    effect = sized.metrics[0].key if sized and sized.metrics else None
    otherwise, no_otherwise = (
        attempt(
            lambda: impact.what_if(
                model, cause, effect, set_to=present + size, progress=progress.at
            )
        )
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
        None, ONE_CAUSE, no_otherwise, present,
    )  # fmt: skip


def _present(model: StructuralModel, key: Key) -> float:
    return float(model.values[-impact_rows(model) :, model.at(key)].mean())


def impact_rows(model: StructuralModel) -> int:
    """Return how many rows count as the present: a quarter of an hour."""
    return max(1, round(15 * 60 / model.step_s))


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
