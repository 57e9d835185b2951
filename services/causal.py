"""Why is this number red: the causal graph and the root cause, from what the hub observed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import msgspec

from engines import causal as engine
from engines.causal import Call, CausalGraph, RootCauseResult, Series
from engines.causal.inputs import Key
from engines.causal.result import ChainStep, Evidence
from engines.causal.roles import WITHIN, role_of
from engines.errors import EngineError, InsufficientData
from engines.progress import Progress, steps, unwatched
from engines.result import Insufficient
from engines.sentence import Sentence, say
from services.budget_change import own_change, standing
from services.burning import BURN_RATE, counts, defined, indicated, objective_of
from services.computed import unusable
from services.errors import Invalid, NotFound
from services.identity import permitted
from services.incidents import Incident, attach_root_cause, get_incident, open_incidents
from services.onset import onset_of_alert, with_resolution
from services.scene import LABELS, Scene, absent, read_scene, without_labels
from services.slo import Objective
from services.times import HOUR_MS, MINUTE_MS, Window
from services.workspace import Workspace

LOOK_BACK_MS = 3 * HOUR_MS
YOUNG_MS = 10 * MINUTE_MS
"""While an incident is this young its cause is looked for again: the first minutes are thin."""

EFFECTS: dict[str, str | None] = {
    "errors": "errors",
    "latency": "latency_ms",
    "cost": "cost",
    "sensor_fault": "data_drift",
    "covariate_shift": "data_drift",
    "hallucination": "hallucination_risk",
    "retrieval_outage": "retrieval_hit_rate",
    "trust": "trust",
    "service": "latency_ms",
    "label_delay": LABELS,
    "slo_burn": None,
}
"""Alert rule -> the metric of its subject that went red; a burning objective says which."""

EARLIER_MS = 30 * MINUTE_MS
"""An onset longer before an alert is that of an earlier trouble: alerts look at ten minutes."""

TRAVELS_ALONE = (
    "cost", "tokens", "energy", "carbon", "feature_drift", "data_drift", "prediction_drift",
    "concept_drift",
)  # fmt: skip

Scenario = Literal["drift_incident", "cost_spike", "latency_degradation", "generic"]
_SCENARIOS: dict[str, tuple[str, ...]] = {
    "drift_incident": ("data_drift", "prediction_drift", "concept_drift"),
    "cost_spike": ("cost", "output_tokens", "input_tokens"),
    "latency_degradation": ("latency_ms",),
    "generic": ("trust", "errors", "latency_ms", "hallucination_risk", "data_drift", "cost"),
}


class RootCause(msgspec.Struct, frozen=True):
    """The causes of one effect, or why none can be named."""

    effect_node: str
    effect_metric: str
    computed_at_ms: int
    window: Window
    result: RootCauseResult | None
    insufficient: Insufficient | None


class Graph(msgspec.Struct, frozen=True):
    """The causal graph of a window, and the effect it was drawn for."""

    effect_node: str | None
    effect_metric: str | None
    computed_at_ms: int
    window: Window
    graph: CausalGraph | None
    insufficient: Insufficient | None


@permitted("causal:read")
def list_effects(ws: Workspace, window: Window | None = None) -> list[Key]:
    """Return every (node, metric) that can be asked about."""
    return sorted(_scene(ws, window).metrics)


@permitted("causal:read")
def find_root_cause(
    ws: Workspace, node: str, metric: str, *, window: Window | None = None
) -> RootCause:
    """Return the ranked causes of one number, with chains, evidence and what speaks against."""
    scene = _scene(ws, window)
    if (node, metric) not in scene.metrics:
        raise NotFound(absent((node, metric)))
    return explain(ws, scene, (node, metric))


@permitted("causal:read")
def explain_incident(ws: Workspace, incident_id: str) -> RootCause:
    """Return the ranked causes of an incident."""
    incident = get_incident(ws, incident_id)
    key = effect_of(incident)
    if key is None:
        raise Invalid(
            say(
                "reasons.no_series_for_rule",
                "no series shows what {rule} is about; see the incident's evidence",
                rule=incident.rule,
            )
        )
    end = min(ws.now_ms(), (incident.resolved_at_ms or ws.now_ms()) + 5 * MINUTE_MS)
    window = Window(incident.opened_at_ms - LOOK_BACK_MS, end)
    return explain(ws, _scene(ws, window), key, alerted_ms=incident.opened_at_ms)


@permitted("causal:read")
def build_graph(
    ws: Workspace, *, node: str | None = None, metric: str | None = None,
    window: Window | None = None,
) -> Graph:  # fmt: skip
    """Return what depends on what in a window; with an effect, scored at its onset."""
    key = (node, metric) if node and metric else None
    scene = _scene(ws, window)
    if key is not None and key not in scene.metrics:
        raise NotFound(absent(key))
    return draw(ws, scene, key)


@permitted("causal:read")
def scenario_graph(ws: Workspace, scenario: Scenario) -> Graph:
    """Return the graph for the reddest effect of a kind, chosen from live data."""
    scene = _scene(ws, None)
    key = reddest_effect(ws, scene, _SCENARIOS[scenario])
    if key is None:
        lack = Insufficient(
            say(
                "reasons.no_such_effect",
                "nothing of the kind {scenario} was observed in the last three hours",
                scenario=scenario,
            )
        )
        return Graph(None, None, ws.now_ms(), scene.window, None, lack)
    return draw(ws, scene, key)


@permitted("causal:read")
def reddest_effect(
    ws: Workspace,
    scene: Scene,
    metrics: tuple[str, ...] = _SCENARIOS["generic"],
    progress: Progress = unwatched,
) -> Key | None:
    """Return the number of a kind that is farthest out of range; that of an open incident first."""
    candidates = _candidates(ws, scene, metrics)
    red = {effect_of(incident) for incident in open_incidents(ws)}
    if candidates and candidates[0] in red:
        return candidates[0]
    ranked = [(explain(ws, scene, key), key) for key in steps(candidates, progress)]
    known = [(found.result.effect_z, key) for found, key in ranked if found.result is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


@permitted("analysis:run")
def explain_open_incidents(ws: Workspace) -> int:
    """Attach causes to incidents that have none yet, or are young; how many.

    Young ones are explained from one reading, so that a storm of them costs no more.
    """
    now = ws.now_ms()
    asked = [(i, key) for i in open_incidents(ws) if (key := effect_of(i)) is not None]
    young = [i.opened_at_ms for i, _ in asked if now - i.opened_at_ms < YOUNG_MS]
    scene = _scene(ws, Window(min(young) - LOOK_BACK_MS, now)) if young else None
    done = 0
    for incident, key in asked:
        if scene is not None and incident.opened_at_ms in young:
            found = explain(ws, scene, key, alerted_ms=incident.opened_at_ms)
        elif incident.root_cause is None:
            found = explain_incident(ws, incident.id)
        else:
            continue
        if found.result is None or found.result.abstained:
            known = incident.root_cause
            if known is not None and not known["abstained"]:
                continue  # a cause named while the trouble was plain is not unnamed when it fades
        cause = summary(found)
        attach_root_cause(ws, incident.id, cause)
        ws.publish("causal", {"incident_id": incident.id, "cause": cause})
        done += 1
    return done


def summary(found: RootCause) -> dict[str, object]:
    """Return what an incident keeps of its explanation: plain values."""
    result = found.result
    if result is None:
        reason = found.insufficient.reason if found.insufficient else ""
        return {"abstained": True, "reason": reason, "causes": []}
    return {
        "abstained": result.abstained,
        "reason": result.reason,
        "computed_at_ms": found.computed_at_ms,
        "effect": [found.effect_node, found.effect_metric],
        "method": result.method,
        "causes": [
            {
                "node": cause.node,
                "metric": cause.metric,
                "confidence": cause.confidence,
                "share": cause.share,
                "event_id": cause.event_id,
                "chain": [f"{step.node} {step.metric}" for step in cause.chain],
                "evidence": [e.sentence for e in cause.evidence],
                "against": [e.sentence for e in cause.against],
                "evidence_said": [_said(e) for e in cause.evidence],
                "against_said": [_said(e) for e in cause.against],
            }
            for cause in result.causes[:5]
        ],
    }


def _said(evidence: Evidence) -> list[object]:
    """Return key and values of an evidence as JSON; a ratio to nothing, infinite, is unknown."""
    values = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in evidence.values
    }
    return [evidence.key, values]


def effect_of(incident: Incident) -> Key | None:
    """Return the series that an incident is about."""
    metric = EFFECTS.get(incident.rule)
    if incident.rule == "slo_burn":
        slo_id = incident.evidence.get("slo")
        metric = f"{BURN_RATE}{slo_id}" if slo_id else None
    if incident.rule == "service" and (incident.evidence.get("error_rate") or 0.0) >= 0.05:
        metric = "errors"
    return None if metric is None else (incident.subject, metric)


def _scene(ws: Workspace, window: Window | None) -> Scene:
    now = ws.now_ms()
    return read_scene(ws, window or Window(now - LOOK_BACK_MS, now))


@permitted("causal:read")
def explain(ws: Workspace, scene: Scene, key: Key, *, alerted_ms: int | None = None) -> RootCause:
    """Return the ranked causes of an effect in a scene that was read already.

    The engine wants a deviation that lasts. An alert has tested that already, so right after one a
    single minute out of range is enough to say since when. A budget burns by the number that its
    objective counts, so the causes of that are its causes.
    """
    objective = objective_of(ws, key)
    counted = indicated(objective) if objective else None
    if objective is not None and counted in scene.metrics and counted is not None:
        found = explain(ws, standing(scene, counted), counted, alerted_ms=alerted_ms)
        found = _of_budget(ws, scene, key, found, objective)
        return _in_own_words(found, own_change(scene, key, counted, objective, alerted_ms))
    if key not in scene.metrics:
        lack = Insufficient(absent(key))
        return RootCause(key[0], key[1], ws.now_ms(), scene.window, None, lack)
    found = _ask(ws, scene, key, None)
    if alerted_ms is None or _speaks_of(found, alerted_ms):
        return found
    onset_s = onset_of_alert(scene, key, alerted_ms)
    if onset_s is None:
        return found
    again = _ask(ws, scene, key, onset_s)
    return again if again.result is not None and not again.result.abstained else found


def _in_own_words(found: RootCause, change: Sentence | None) -> RootCause:
    """Return the causes of a budget; where its number moved too little to name one, the reason is
    what it did: that a burning budget stayed normal helps nobody."""
    result = found.result
    if result is None or change is None or not result.abstained:
        return found
    if getattr(result.reason, "key", "") != "reasons.effect_stayed_normal":
        return found
    return msgspec.structs.replace(found, result=replace(result, reason=change))


def _of_budget(
    ws: Workspace, scene: Scene, key: Key, found: RootCause, objective: Objective
) -> RootCause:
    """Return the causes of what an objective counts as those of its budget: one step further."""
    result = found.result
    if result is None or result.effect is None:
        return msgspec.structs.replace(found, effect_node=key[0], effect_metric=key[1])
    direct = _ask(ws, scene, key, result.onset_s).result if key in scene.metrics else None
    burn = ChainStep(*key, direct.effect_z if direct else 0.0, result.onset_s)
    causes = tuple(
        replace(
            c, chain=(*c.chain, burn) if c.chain else (), evidence=(*c.evidence, counts(objective))
        )
        for c in result.causes
    )
    changed = replace(result, effect=key, causes=causes)
    return RootCause(key[0], key[1], found.computed_at_ms, found.window, changed, None)


def _speaks_of(found: RootCause, alerted_ms: int) -> bool:
    """Whether a cause was named, and for this trouble rather than an earlier one in the window."""
    if found.result is None or found.result.abstained or found.result.onset_s is None:
        return False
    return found.result.onset_s * 1_000 >= alerted_ms - EARLIER_MS


def _ask(ws: Workspace, scene: Scene, key: Key, onset_s: float | None) -> RootCause:
    result: RootCauseResult | None = None
    lack: Insufficient | None = None
    metrics, calls = _answerable(scene, key)
    try:
        result = engine.find_root_cause(
            with_resolution(metrics),
            key,
            topology=calls,
            events=scene.events,
            logs=scene.logs,
            onset_s=onset_s,
            step_s=60.0,
        )
    except InsufficientData as error:
        lack = Insufficient.of(error)
    except EngineError as error:
        lack = unusable(error)
    return RootCause(key[0], key[1], ws.now_ms(), scene.window, result, lack)


def _answerable(scene: Scene, key: Key) -> tuple[dict[Key, Series], tuple[Call, ...]]:
    """Return the metrics and calls along which such an effect can travel.

    A service that spends no money cannot have spent too much of it, however slow it is, nor can it
    shift the inputs of a model or hold back labels: such effects come from numbers that drive
    them, and travel only between nodes that report the same one.
    """
    if key[1] == LABELS:
        return {key: scene.metrics[key]}, ()
    kinds = _drivers(role_of(key[1]).kind)
    if not kinds:
        return scene.metrics, scene.topology
    alike = {node for node, metric in scene.metrics if metric == key[1]}
    calls = tuple(c for c in scene.topology if {c.caller, c.callee} <= alike)
    nodes = {key[0]}.union(*({c.caller, c.callee} for c in calls))
    kept = {
        k: series
        for k, series in scene.metrics.items()
        if k[0] in nodes and role_of(k[1]).kind in kinds
    }
    return kept, calls


def _drivers(kind: str) -> set[str]:
    """Return the kinds that can drive one that travels alone, itself included; else none."""
    if kind not in TRAVELS_ALONE:
        return set()
    found = {kind}
    while more := {cause for cause, effect in WITHIN if effect in found} - found:
        found |= more
    return found


@permitted("causal:read")
def draw(
    ws: Workspace, scene: Scene, key: Key | None, *, onset_s: float | None = None,
    progress: Progress = unwatched,
) -> Graph:  # fmt: skip
    """Return the graph of a scene that was read already; an event stays one node."""
    node, metric = key if key is not None else (None, None)
    metrics = without_labels(scene.metrics, key)
    try:
        graph = engine.build_graph(
            metrics,
            topology=scene.topology,
            events=scene.events,
            effect=key,
            onset_s=onset_s,
            step_s=60.0,
            scored=with_resolution(metrics),
            progress=progress,
        )
    except InsufficientData as error:
        lack = Insufficient.of(error)
        return Graph(node, metric, ws.now_ms(), scene.window, None, lack)
    nodes = {found.node_id: found for found in graph.nodes}
    graph = defined(ws, replace(graph, nodes=tuple(nodes.values())))
    return Graph(node, metric, ws.now_ms(), scene.window, graph, None)


def _candidates(ws: Workspace, scene: Scene, metrics: tuple[str, ...]) -> list[Key]:
    """Return keys of a kind; those of open incidents first, at most a dozen."""
    red = [key for i in open_incidents(ws) if (key := effect_of(i)) in scene.metrics and key]
    of_kind = [key for key in scene.metrics if key[1] in metrics]
    of_kind += [key for key in red if (o := objective_of(ws, key)) and (indicated(o) in of_kind)]
    ordered = [key for key in red if key in of_kind] + [k for k in of_kind if k not in red]
    return ordered[:12]
