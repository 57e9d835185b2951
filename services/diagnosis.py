"""One trouble seen whole: its effect, its causes, the graph around it, and each number before and
after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np

from engines.causal import CausalGraph, Series, clustered
from engines.causal.inputs import Key
from engines.result import Insufficient
from engines.sentence import say
from services.analyses import Job, JobProgress, follow, renewal
from services.causal import (
    LOOK_BACK_MS,
    Graph,
    RootCause,
    draw,
    effect_of,
    explain,
    reddest_effect,
)
from services.errors import Invalid, NotFound
from services.identity import permitted
from services.incident_groups import cause_key
from services.incidents import Incident, get_incident, list_incidents, open_incidents
from services.scene import Scene, absent, read_node, read_scene
from services.times import MINUTE_MS, Window
from services.workspace import Workspace

AFTER_MS = 5 * MINUTE_MS
RECENT = 25
TRACK_S = 600.0
"""How long the course of a number is kept for those who look at a diagnosis."""
LARGE = 200
"""Beyond so many nodes a reader sees services first."""


class Level(msgspec.Struct, frozen=True):
    """The mean of one metric before the onset and since."""

    node_id: str
    before: float | None
    after: float | None


class Diagnosis(msgspec.Struct, frozen=True):
    """What is known of one effect; without one, what depends on what."""

    incident: Incident | None
    node: str | None
    metric: str | None
    window: Window
    onset_ms: int | None
    computed_at_ms: int
    causes: RootCause | None
    graph: Graph
    levels: tuple[Level, ...]
    insufficient: Insufficient | None = None
    folded: CausalGraph | None = None  # the services of a large graph, each as one node


class Track(msgspec.Struct, frozen=True):
    """One metric along the window of a diagnosis."""

    node: str
    metric: str
    times_ms: list[float]
    values: list[float | None]


class Subject(msgspec.Struct, frozen=True):
    """An incident that a reader may ask about."""

    incident: Incident
    is_open: bool


@permitted("causal:read")
def diagnose(
    ws: Workspace,
    *,
    incident_id: str | None = None,
    key: Key | None = None,
    window: Window | None = None,
) -> tuple[Diagnosis | Job, Job | None]:
    """Return the diagnosis of an incident, of a number, or of what is reddest now, and the job that
    renews it.

    What is reddest now is the worst open incident: chosen here rather than kept with the analysis,
    which may be older than the incident.
    """
    if incident_id is None and key is None and window is None:
        worst = worst_open(ws)
        incident_id = worst.id if worst else None
    what = f"diagnosis|{incident_id}|{key}|{window}"
    found = follow(
        ws,
        what,
        Diagnosis,
        lambda progress: _diagnose(ws, incident_id, key, window, progress),
    )
    return found, renewal(ws, what)


@permitted("causal:read")
def worst_open(ws: Workspace) -> Incident | None:
    """Return the open incident to look at first, see `first_of`."""
    return first_of([i for i in open_incidents(ws) if effect_of(i) is not None])


def first_of(found: Sequence[Incident]) -> Incident | None:
    """Return of the most severe incidents one whose cause is named, and of these the oldest: what a
    trouble breaks later comes after it. They come worst first."""
    worst = [i for i in found if i.severity == found[0].severity]
    return min(worst, key=lambda i: (cause_key(i) is None, i.opened_at_ms, i.id), default=None)


@permitted("causal:read")
def sharing(ws: Workspace, found: Diagnosis) -> list[Incident]:
    """Return the other open incidents for which the cause of a diagnosis is named too: the same
    event, or where there is none the same number."""
    result = found.causes.result if found.causes else None
    if result is None or result.cause is None:
        return []
    cause = result.cause
    mine = cause.event_id or (cause.node, cause.metric)
    own = found.incident.id if found.incident else None
    return [i for i in open_incidents(ws) if i.id != own and cause_key(i) == mine]


@permitted("causal:read")
def list_subjects(ws: Workspace, asked: str = "") -> list[Subject]:
    """Return incidents that can be asked about: open ones, then recent ones, and the one that is
    asked about."""
    open_ids = {i.id for i in open_incidents(ws)}
    incidents = [i for i in list_incidents(ws, limit=200) if effect_of(i) is not None]
    incidents.sort(key=lambda i: (i.id not in open_ids, -i.opened_at_ms))
    shown = [*incidents[:RECENT], *(i for i in incidents[RECENT:] if i.id == asked)]
    return [Subject(i, i.id in open_ids) for i in shown]


@permitted("causal:read")
def read_track(ws: Workspace, diagnosis: Diagnosis, key: Key) -> Track:
    """Return one metric along the window of a diagnosis, read once for each diagnosis."""
    kept = _track_key(diagnosis, key)
    return ws.cached(kept, Track, lambda: _track(ws, diagnosis.window, key), fresh_s=TRACK_S)


def _track_key(diagnosis: Diagnosis, key: Key) -> str:
    return f"causal/track/{diagnosis.computed_at_ms}/{key[0]}/{key[1]}"


def _track(ws: Workspace, window: Window, key: Key) -> Track:
    known = read_node(ws, window, key[0])
    if key not in known:
        raise NotFound(absent(key))
    return _drawn(key, known[key])


def _drawn(key: Key, series: Series) -> Track:
    values = [float(v) if np.isfinite(v) else None for v in series.values]
    return Track(key[0], key[1], (series.times_s * 1_000).tolist(), values)


def _diagnose(
    ws: Workspace,
    incident_id: str | None,
    key: Key | None,
    window: Window | None,
    progress: JobProgress,
) -> Diagnosis:
    incident = get_incident(ws, incident_id) if incident_id else None
    if incident is not None:
        key, window = _of_incident(ws, incident)
    now = ws.now_ms()
    scene = read_scene(ws, window or Window(now - LOOK_BACK_MS, now), progress.at)
    progress.begin("causes")
    if key is None:
        key = reddest_effect(ws, scene, progress=progress.at)
        incident = _incident_of(ws, key)
    if key is not None and key not in scene.metrics:
        raise NotFound(absent(key))
    alerted = incident.opened_at_ms if incident else None
    causes = explain(ws, scene, key, alerted_ms=alerted) if key else None
    progress.begin("graph")
    onset = causes.result.onset_s if causes and causes.result else None
    graph = _placed(draw(ws, scene, key, onset_s=onset, progress=progress.at), causes)
    progress.begin("levels")
    found = Diagnosis(
        incident=incident,
        node=key[0] if key else None,
        metric=key[1] if key else None,
        window=scene.window,
        onset_ms=None if onset is None else round(onset * 1_000),
        computed_at_ms=ws.now_ms(),
        causes=causes,
        graph=graph,
        levels=_levels(scene, onset),
        folded=_folded(graph.graph, key, causes),
    )
    if key is not None:  # the page draws it first
        kept = f"{ws.tenant}/{_track_key(found, key)}"
        ws.cache.put(kept, _drawn(key, scene.metrics[key]), Track, fresh_s=TRACK_S)
    return found


def _placed(graph: Graph, causes: RootCause | None) -> Graph:
    """Return the graph with each event that a suspect is blamed on at that suspect: an event may
    name several nodes, and a fold would hide it in any of them."""
    ranked = causes.result.causes if causes and causes.result else ()
    at = {f"event|{cause.event_id}": cause.node for cause in reversed(ranked) if cause.event_id}
    if graph.graph is None or not at:
        return graph
    nodes = tuple(replace(n, entity=at.get(n.node_id, n.entity)) for n in graph.graph.nodes)
    return msgspec.structs.replace(graph, graph=replace(graph.graph, nodes=nodes))


def _folded(
    graph: CausalGraph | None, key: Key | None, causes: RootCause | None
) -> CausalGraph | None:
    if graph is None or len(graph.nodes) <= LARGE:
        return None
    return clustered(graph, kept_apart(key[0] if key else None, causes))


def kept_apart(node: str | None, causes: RootCause | None) -> list[str]:
    """Return the services that a folded graph shows number by number: that of the effect, and
    those on the chains of the first suspects."""
    ranked = causes.result.causes[:2] if causes and causes.result else ()
    chained = {step.node for cause in ranked for step in cause.chain}
    return sorted(chained | ({node} if node else set()))


def _of_incident(ws: Workspace, incident: Incident) -> tuple[Key, Window]:
    key = effect_of(incident)
    if key is None:
        raise Invalid(
            say(
                "reasons.no_series_for_rule",
                "no series shows what {rule} is about; see the incident's evidence",
                rule=incident.rule,
            )
        )
    end = min(ws.now_ms(), (incident.resolved_at_ms or ws.now_ms()) + AFTER_MS)
    return key, Window(incident.opened_at_ms - LOOK_BACK_MS, end)


def _incident_of(ws: Workspace, key: Key | None) -> Incident | None:
    return next((i for i in open_incidents(ws) if key and effect_of(i) == key), None)


def _levels(scene: Scene, onset_s: float | None) -> tuple[Level, ...]:
    return tuple(
        Level(f"{key[0]}|{key[1]}", *_means(series, onset_s))
        for key, series in sorted(scene.metrics.items())
    )


def _means(series: Series, onset_s: float | None) -> tuple[float | None, float | None]:
    known = np.isfinite(series.values)
    if onset_s is None:
        return _mean(series.values[known]), None
    late = series.times_s >= onset_s
    return _mean(series.values[known & ~late]), _mean(series.values[known & late])


def _mean(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float | None:
    return float(values.mean()) if values.size else None
