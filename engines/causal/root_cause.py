"""Find which service, model, data change or deployment made a number red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engines.causal.abstention import abstention, chance_rivals
from engines.causal.confidence import Calibration
from engines.causal.inputs import (
    Call,
    Event,
    Key,
    LogTemplate,
    Metrics,
    as_calls,
    read_metrics,
)
from engines.causal.logs import LogSurprise, log_surprises
from engines.causal.report import Ranked, describe, onset_of
from engines.causal.result import RootCauseResult
from engines.causal.scene import Question, Scene, set_scene
from engines.causal.score import RANKERS, Case, Suspect, waiting, wires
from engines.causal.settings import RootCauseSettings
from engines.causal.structure import Unit, build_structure, distances, unit_of
from engines.causal.together import together
from engines.causal.triggers import trigger_of, trigger_weight


def find_root_cause(
    metrics: Metrics | Any,  # Any: a pandas frame, which ships no types
    effect: Key | None = None,
    *,
    topology: Sequence[Call | tuple[str, str]] = (),
    events: Sequence[Event] = (),
    logs: Sequence[LogTemplate] = (),
    reference: Metrics | Any | None = None,
    onset_s: float | None = None,
    before_s: float | None = None,
    after_s: float | None = None,
    step_s: float | None = None,
    settings: RootCauseSettings | None = None,
    calibration: Calibration | None = None,
) -> RootCauseResult:
    """Return ranked causes of an abnormal metric, or none when nothing stands out.

    Parameters
    ----------
    metrics : mapping or pandas.DataFrame
        The window around the incident, by (node, metric); see
        :func:`engines.causal.inputs.read_metrics`. Sampling may differ and have gaps.
    effect : (node, metric), optional
        The number that is red. Without it every node is ranked and `onset_s` must be given.
    topology : sequence of Call or (caller, callee), optional
        Observed calls; with latencies of both ends, network faults can be told from slow work.
    events : sequence of Event, optional
        Deployments and changes, matched to the node they touched.
    logs : sequence of LogTemplate, optional
        Counts of error messages and exceptions per node.
    reference : mapping or pandas.DataFrame, optional
        Normal rows from another time. Default: the rows of the window before the onset.
    onset_s : float, optional
        Known time of the fault, Unix seconds. Default: found on the effect.
    before_s, after_s : float, optional
        With a known onset: seconds compared on either side of it. Default: all.
    step_s : float, optional
        Interval of the grid in seconds. Default: median sampling interval.
    settings : RootCauseSettings, optional
        Constants.
    calibration : Calibration, optional
        Map from score to probability. Default: the one shipped.

    Returns
    -------
    RootCauseResult
        `causes` best first; `abstained` with a reason when no cause is named.

    Raises
    ------
    EngineError
        If the effect is not among the metrics, or neither effect nor onset is given.
    InsufficientData
        If the window has no sample, fewer than 3 of the effect, or no row on one side of the onset.

    Notes
    -----
    score = S x (.1 + share). S is log(1 + z) of the lasting deviation; share is the own part of an
    additive cost (latency x requests, failures, tokens, money, energy), else the blame absorbed by
    a walk over known dependencies, else the score is S alone. Only units from which the effect can
    be reached are ranked. Assumes that every cause shows in some metric, message or event of its
    own node, that rows before the onset are normal, and one cause at a time; two simultaneous
    faults share the confidence. Equal scores (to 9 digits) are ordered by z, then by distance to
    the effect, then by the sum of the unit's values, and only then by name, so that renaming nodes
    and reordering columns change no rank.

    References
    ----------
    Li et al. (2022), *Causal Inference-Based Root Cause Analysis for Online Service Systems with
    Intervention Recognition*, KDD. Pham, Ha, Zhang (2024), *Root Cause Analysis for Microservice
    System based on Causal Inference: How Far Are We?*, ASE.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> t = np.arange(60) * 60.0
    >>> db = 0.02 + 0.001 * rng.standard_normal(60) + np.where(t >= 3000, 0.2, 0.0)
    >>> web = 0.05 + db + 0.002 * rng.standard_normal(60)
    >>> series = {("web", "latency"): (t, web), ("db", "latency"): (t, db),
    ...           ("web", "requests"): (t, t * 0 + 10), ("db", "requests"): (t, t * 0 + 10)}
    >>> answer = find_root_cause(series, ("web", "latency"), topology=[("web", "db")])
    >>> answer.cause.node, answer.onset_s, round(answer.cause.share, 1)
    ('db', 3000.0, 1.0)
    """
    settings = settings or RootCauseSettings()
    read = read_metrics(metrics)
    past = None if reference is None else read_metrics(reference)
    question = Question(effect, onset_s, before_s, after_s, step_s)
    scene = set_scene(read, past, question, settings)
    calls = as_calls(topology)
    structure = build_structure(scene.panel.keys, calls)
    case = Case(
        scene,
        structure,
        calls,
        effect,
        settings,
        wires(scene, calls),
        waiting(scene, calls, settings.threshold),
    )
    method, suspects = _suspects(case)
    near = distances(structure, unit_of(effect)) if effect and method != "deviation" else {}
    found = _messages(scene, logs)
    ranked = together(case, _rank(case, suspects, near, events, found))
    method += ("+wire" if case.wires else "") + ("+logs" if found else "")
    causes = describe(case, ranked, method, calibration, chance_rivals(case, ranked))
    reason = abstention(case, ranked, causes)
    return RootCauseResult(
        effect=effect,
        onset_s=None if scene.onset.row is None else float(scene.panel.times_s[scene.onset.row]),
        effect_z=scene.onset.z,
        causes=causes,
        abstained=bool(reason),
        reason=reason,
        method=method,
        n_before=scene.before.shape[0],
        n_after=scene.after.shape[0],
        n_reference=scene.history.shape[0],
        step_s=scene.panel.step_s,
    )


def _suspects(case: Case) -> tuple[str, dict[Unit, Suspect]]:
    for name, ranker in RANKERS:
        found = ranker(case)
        if found is not None:
            return name, found
    raise AssertionError("the last ranker always applies")


def _messages(scene: Scene, logs: Sequence[LogTemplate]) -> dict[str, LogSurprise]:
    times = scene.panel.times_s
    half = scene.panel.step_s / 2
    start = float(times[scene.onset.before.start or 0]) - half
    onset = float(times[min(scene.onset.after.start, times.size - 1)]) - half
    return log_surprises(logs, start, onset, float(times[-1]) + half)


def _rank(
    case: Case,
    suspects: Mapping[Unit, Suspect],
    near: Mapping[Unit, int],
    events: Sequence[Event],
    messages: Mapping[str, LogSurprise],
) -> list[Ranked]:
    ranked = []
    for unit, suspect in suspects.items():
        if near and unit not in near:
            continue
        log = messages.get(unit[0]) if unit[1] == "" else None
        event = _trigger(case, suspect, events)
        score = _score(case, suspect, log, messages)
        score *= _event_factor(case, suspect, event)
        ranked.append(Ranked(suspect, round(score, 9), event, log, near.get(unit, 0)))
    return sorted(ranked, key=lambda r: _order(case, r))


def _score(
    case: Case,
    suspect: Suspect,
    log: LogSurprise | None,
    messages: Mapping[str, LogSurprise],
) -> float:
    factor = 1.0 if suspect.share is None else case.settings.without_share + suspect.share
    score = suspect.strength * factor
    if log is None:
        return score
    below = case.structure.callees.get(suspect.unit[0], ())
    passed_on = any(callee in messages for callee in below)
    own = case.settings.without_share if passed_on else 1.0
    return score + case.settings.log_weight * own * log.score


def _trigger(case: Case, suspect: Suspect, events: Sequence[Event]) -> Event | None:
    scene, settings = case.scene, case.settings
    return trigger_of(
        suspect.unit[0],
        onset_of(scene, suspect),
        events,
        settings.event_lookback_s,
        scene.panel.step_s,
    )


def _event_factor(case: Case, suspect: Suspect, event: Event | None) -> float:
    settings = case.settings
    return trigger_weight(
        event, onset_of(case.scene, suspect), settings.event_weight, settings.event_fade_s
    )


def _order(case: Case, ranked: Ranked) -> tuple[float, float, int, float, Unit]:
    columns = case.structure.columns.get(ranked.suspect.unit, ())
    values = np.nan_to_num(case.scene.panel.values[:, list(columns)])
    weight = float(np.sort(values, axis=None).sum())
    z = 0.0 if ranked.suspect.column is None else float(case.scene.z[ranked.suspect.column])
    return (
        -ranked.score,
        -round(z, 9),
        ranked.distance,
        -float(f"{weight:.9g}"),
        ranked.suspect.unit,
    )
