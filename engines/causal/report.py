"""The ranked suspects as a reader gets them: confidence, chain, evidence for and against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines.causal import evidence as say
from engines.causal.chain import best_chains
from engines.causal.confidence import Calibration, calibrated
from engines.causal.inputs import Event
from engines.causal.logs import LogSurprise
from engines.causal.result import ChainStep, Evidence, RankedCause
from engines.causal.roles import WITHIN, role_of
from engines.causal.scene import Scene
from engines.causal.score import Case, Suspect
from engines.causal.structure import unit_of


@dataclass(frozen=True, slots=True)
class Ranked:
    """A suspect with its final score, what was found beside its metrics, and who moved with it."""

    suspect: Suspect
    score: float
    event: Event | None
    messages: LogSurprise | None
    distance: int
    beside: tuple[Suspect, ...] = ()


def onset_of(scene: Scene, suspect: Suspect) -> float:
    """When the suspect moved; the effect's own onset where it did not."""
    own = None if suspect.column is None else scene.onset_s[suspect.column]
    row = min(scene.onset.after.start, scene.panel.times_s.size - 1)
    return float(scene.panel.times_s[row]) if own is None else own


def describe(
    case: Case,
    ranked: Sequence[Ranked],
    method: str,
    calibration: Calibration | None,
    rivals: float = 0.0,
) -> tuple[RankedCause, ...]:
    """Return the ranked suspects with confidence, chain and evidence."""
    scores = [item.score for item in ranked]
    confidences = calibrated(scores, _regime(case, method), calibration, rivals)
    suspects = {s.unit: s for item in ranked for s in (item.suspect, *item.beside)}
    strength = {unit: suspect.strength for unit, suspect in suspects.items()}
    effect = unit_of(case.effect) if case.effect else None
    paths = best_chains(case.structure, strength, effect) if effect else {}
    chains = {
        item.suspect.unit: _chain(
            case, [suspects[unit] for unit in paths.get(item.suspect.unit, ())], item.event
        )
        for item in ranked
    }
    return tuple(
        _cause(case, ranked, place, confidence, method, chains[ranked[place].suspect.unit])
        for place, confidence in enumerate(confidences)
    )


def _regime(case: Case, method: str) -> str:
    """Which confidence map applies.

    A scale from the last few rows of a longer history has heavier tails than one from all of it,
    unless calls measured on both ends speak for the pods.
    """
    scene, ranker = case.scene, method.split("+")[0]
    recent = scene.history.shape[0] > scene.before.shape[0] and not case.wires
    searched = case.effect is None and ranker == "deviation"
    return f"{ranker}+recent" if searched and recent else ranker


def _cause(
    case: Case,
    ranked: Sequence[Ranked],
    place: int,
    confidence: float,
    method: str,
    chain: tuple[ChainStep, ...],
) -> RankedCause:
    item = ranked[place]
    suspect, scene = item.suspect, case.scene
    z = 0.0 if suspect.column is None else float(scene.z[suspect.column])
    onset = None if suspect.column is None else scene.onset_s[suspect.column]
    speaks_for, against = _reasons(case, ranked, place, method)
    return RankedCause(
        rank=place + 1,
        node=suspect.unit[0],
        metric="" if suspect.column is None else scene.panel.keys[suspect.column][1],
        score=item.score,
        confidence=confidence,
        share=suspect.share,
        z=z,
        onset_s=onset,
        event_id=item.event.event_id if item.event else None,
        chain=chain,
        evidence=speaks_for,
        against=against,
    )


def _reasons(
    case: Case, ranked: Sequence[Ranked], place: int, method: str
) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    item, scene = ranked[place], case.scene
    suspect = item.suspect
    z = 0.0 if suspect.column is None else float(scene.z[suspect.column])
    onset = None if suspect.column is None else scene.onset_s[suspect.column]
    effect_s = None if scene.onset.row is None else float(scene.panel.times_s[scene.onset.row])
    order = say.order(onset, effect_s, scene.panel.step_s) if case.effect else None
    speaks_for = (
        say.deviation(scene, suspect),
        say.driven(scene, driver(case, suspect)),
        say.together(scene, item.beside),
        say.share(suspect, method),
        say.wire(suspect, case.settings),
        say.messages(item.messages),
        say.trigger(item.event, onset_of(scene, suspect), scene.panel.step_s),
        order if order and order.key != "moved_later" else None,
    )
    other = ranked[1 if place == 0 else 0] if len(ranked) > 1 else None
    against = (
        say.weak(suspect, z, case.settings),
        order if order and order.key == "moved_later" else None,
        say.rival(item.score, other.score, other.suspect.unit[0]) if other else None,
    )
    return tuple(e for e in speaks_for if e), tuple(e for e in against if e)


def _chain(case: Case, path: Sequence[Suspect], event: Event | None) -> tuple[ChainStep, ...]:
    """Event if there is one, the units on the way, and the effect's own metric at the end."""
    if case.effect is None or not path:
        return ()
    steps = [_step(case, suspect) for suspect in path]
    inner = driver(case, path[0])
    if inner is not None:
        steps.insert(0, _step_at(case, inner))
    if event is not None:
        steps.insert(0, ChainStep(event.target, event.kind, 0.0, event.time_s, event.event_id))
    if (steps[-1].node, steps[-1].metric) != case.effect:
        j = case.scene.at(case.effect)
        last = ChainStep(*case.effect, float(case.scene.z[j]), case.scene.onset_s[j])
        steps = [*(steps if len(path) == 1 else steps[:-1]), last]
    return tuple(steps)


def _step(case: Case, suspect: Suspect) -> ChainStep:
    node, metric = suspect.unit[0], suspect.unit[1]
    if suspect.column is None:
        return ChainStep(node, metric, 0.0, None)
    return _step_at(case, suspect.column)


def _step_at(case: Case, column: int) -> ChainStep:
    key = case.scene.panel.keys[column]
    return ChainStep(*key, float(case.scene.z[column]), case.scene.onset_s[column])


def driver(case: Case, suspect: Suspect) -> int | None:
    """Column of the same node that is known to drive the suspect's metric and moved as well.

    Tokens drive cost, processor time drives latency: the largest deviation out of range wins.
    """
    if suspect.column is None:
        return None
    keys, z = case.scene.panel.keys, case.scene.z
    kind = role_of(keys[suspect.column][1]).kind
    moved = [
        j
        for j in case.structure.columns[suspect.unit]
        if (role_of(keys[j][1]).kind, kind) in WITHIN and z[j] >= case.settings.threshold
    ]
    return min(moved, key=lambda j: (-round(float(z[j]), 9), keys[j]), default=None)
