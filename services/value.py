"""What users got from the models: conversion, resolved tasks, satisfaction; their worth and
loss."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.errors import TooMuch
from connectors.selector import select
from engines import business
from engines.business import Estimate, Lift, Loss, Return
from engines.errors import EngineError, InsufficientData
from engines.result import Insufficient
from engines.sentence import say
from services.business_policy import ValueMetric, get_business_policy
from services.computed import unusable
from services.identity import permitted
from services.incidents import Incident, list_incidents
from services.models import list_models
from services.spend import SPEND
from services.sums import (
    FRESH_S,
    STALE_S,
    Choice,
    Sums,
    read_sums,
    read_totals,
    to_list,
    widened,
)
from services.times import DAY_MS, Window
from services.workspace import Workspace

MAX_SCORES = 200_000
MAX_INCIDENTS = 20


class VersionValue(msgspec.Struct, frozen=True):
    """One outcome of one version, and its lift over the version before it."""

    model_id: str
    version: str
    estimate: Estimate | Insufficient
    against: str  # the version compared with, or empty
    lift: Lift | Insufficient | None


class Outcome(msgspec.Struct, frozen=True):
    """One outcome: overall, over time, by version, and what it returned."""

    metric: ValueMetric
    overall: Estimate | Insufficient
    before: float | None
    timestamps_ms: list[int]
    over_time: list[float | None]
    versions: list[VersionValue]
    roi: Return | Insufficient


class Value(msgspec.Struct, frozen=True):
    """Every outcome of a window."""

    computed_at_ms: int
    window: Window
    currency: str
    outcomes: list[Outcome]


class IncidentLoss(msgspec.Struct, frozen=True):
    """What an incident of a model cost, or why that cannot be said."""

    incident: Incident
    end_ms: int
    outcome: str
    currency: str
    loss: Loss | Insufficient


@permitted("costs:read")
def get_value(ws: Workspace, window: Window, choice: Choice | None = None) -> Value:
    """Return every outcome with intervals, lifts between versions and its return."""
    choice = choice or Choice()
    plain = Choice(choice.model_id, choice.version)
    totals = read_sums(ws, SPEND, window, ("currency",), plain).by(0)
    currency = max(totals, key=lambda c: totals[c]) if totals else "USD"
    order = _version_order(ws)
    outcomes = [
        _outcome(ws, metric, window, plain, order) for metric in get_business_policy(ws).outcomes()
    ]
    return Value(ws.now_ms(), window, currency, outcomes)


@permitted("costs:read")
def get_recent_value(ws: Workspace, window: Window, choice: Choice | None = None) -> Value:
    """Return the same as pages show it: at most a minute and a half old, computed once for all."""
    chosen = choice or Choice()
    key = f"value/{window.seen_from(ws.now_ms())}/{chosen.key()}"
    return ws.cached(
        key, Value, lambda: get_value(ws, window, chosen), fresh_s=FRESH_S, stale_s=STALE_S
    )


@permitted("costs:read")
def get_losses(ws: Workspace, window: Window, choice: Choice | None = None) -> list[IncidentLoss]:
    """Return what the incidents of a window cost in outcomes and money, newest first."""
    choice = choice or Choice()
    metrics = [m for m in get_business_policy(ws).outcomes() if m.kind == "share"]
    found = []
    for incident in list_incidents(ws):
        if incident.subject_kind != "model" or choice.model_id not in ("", incident.subject):
            continue
        during = _span(incident, ws.now_ms())
        if during.end_ms > window.start_ms and during.start_ms < window.end_ms:
            found += _losses(ws, incident, during, metrics)
    return found[:MAX_INCIDENTS]


def _span(incident: Incident, now_ms: int) -> Window:
    end = incident.resolved_at_ms or now_ms
    return Window(incident.opened_at_ms, max(end, incident.opened_at_ms + 1))


def _losses(
    ws: Workspace, incident: Incident, during: Window, metrics: list[ValueMetric]
) -> list[IncidentLoss]:
    made = []
    for metric in metrics:
        choice = Choice(incident.subject)
        past = Window(during.start_ms - DAY_MS, during.start_ms)
        trials = read_sums(ws, metric.trials, past, (), choice)
        if trials.is_empty and read_sums(ws, metric.trials, during, (), choice).is_empty:
            continue
        loss: Loss | Insufficient
        try:
            rates = [_rate(ws, metric, span, choice) for span in (during, past)]
            loss = business.revenue_at_risk(rates[0], rates[1], metric.worth or 0.0)
        except InsufficientData as error:
            loss = Insufficient.of(error)
        except EngineError as error:
            loss = unusable(error)
        made.append(
            IncidentLoss(
                incident, during.end_ms, metric.name,
                metric.currency if metric.worth is not None else "", loss,
            )
        )  # fmt: skip
    return made


@dataclass(frozen=True, slots=True)
class _Observed:
    """What was sent of an outcome: sums of successes and trials, or scores by version."""

    successes: Sums | None
    trials: Sums | None
    scores: dict[tuple[str, str], NDArray[np.float64]]
    lack: str = ""


def _outcome(
    ws: Workspace, metric: ValueMetric, window: Window, choice: Choice, order: dict[str, list[str]]
) -> Outcome:
    seen = _observe(ws, metric, window, choice)
    earlier = _estimate(_observe(ws, metric, window.before(), choice), None)
    overall = _estimate(seen, None)
    times, values = _over_time(ws, metric, window, choice, seen)
    return Outcome(
        metric=metric,
        overall=overall,
        before=earlier.value if isinstance(earlier, Estimate) else None,
        timestamps_ms=times,
        over_time=values,
        versions=_versions(seen, order),
        roi=_roi(ws, metric, window, choice, overall, seen),
    )


def _observe(ws: Workspace, metric: ValueMetric, window: Window, choice: Choice) -> _Observed:
    keys = ("model_id", "version")
    if metric.kind == "share":
        sums = [
            read_sums(ws, name, window, keys, choice) for name in (metric.metric, metric.trials)
        ]
        return _Observed(sums[0], sums[1], {})
    try:
        found = ws.metrics.raw(
            select(metric.metric, choice.labels()), window.start_ms, window.end_ms, limit=MAX_SCORES
        )
    except TooMuch:
        return _Observed(
            None,
            None,
            {},
            say(
                "reasons.many_scores",
                "more than {most, number} scores: choose a shorter window",
                most=MAX_SCORES,
            ),
        )
    scores: dict[tuple[str, str], NDArray[np.float64]] = {}
    for points in found:
        key = (points.series.label("model_id"), points.series.label("version"))
        scores[key] = np.concatenate([scores.get(key, np.array([])), points.values])
    return _Observed(None, None, scores)


def _estimate(seen: _Observed, key: tuple[str, str] | None) -> Estimate | Insufficient:
    if seen.lack:
        return Insufficient(seen.lack)
    try:
        if seen.trials is not None and seen.successes is not None:
            done = [_sum_of(s, key) for s in (seen.successes, seen.trials)]
            return business.estimate_rate(done[0], done[1])
        chosen = [s for k, s in seen.scores.items() if key in (None, k)]
        return business.estimate_mean(np.concatenate(chosen) if chosen else np.array([]))
    except InsufficientData as error:
        return Insufficient.of(error)
    except EngineError as error:
        return unusable(error)


def _sum_of(sums: Sums, key: tuple[str, str] | None) -> float:
    rows = [row for k, row in zip(sums.keys, sums.values, strict=True) if key in (None, k)]
    return float(sum(np.nansum(row) for row in rows))


def _versions(seen: _Observed, order: dict[str, list[str]]) -> list[VersionValue]:
    keys = set(seen.trials.keys if seen.trials is not None else seen.scores)
    made = []
    for model_id in sorted({key[0] for key in keys}):
        known = order.get(model_id, [])
        mine = [key[1] for key in keys if key[0] == model_id]
        mine.sort(key=lambda v: (known.index(v) if v in known else -1, v))
        for i, version in enumerate(mine):
            old = mine[i - 1] if i else ""
            lift = _lift(seen, (model_id, version), (model_id, old)) if i else None
            estimate = _estimate(seen, (model_id, version))
            made.append(VersionValue(model_id, version, estimate, old, lift))
    return made


def _lift(seen: _Observed, new: tuple[str, str], old: tuple[str, str]) -> Lift | Insufficient:
    try:
        if seen.trials is None:
            return business.compare_means(seen.scores[new], seen.scores[old])
        sides = [_estimate(seen, key) for key in (new, old)]
        if isinstance(sides[0], Insufficient):
            return sides[0]
        if isinstance(sides[1], Insufficient):
            return sides[1]
        return business.compare_rates(sides[0], sides[1])
    except InsufficientData as error:
        return Insufficient.of(error)


def _over_time(
    ws: Workspace, metric: ValueMetric, window: Window, choice: Choice, seen: _Observed
) -> tuple[list[int], list[float | None]]:
    if seen.trials is not None and seen.successes is not None:
        done, tried = seen.successes.over_time(), seen.trials.over_time()
        known = np.isfinite(tried) & (tried > 0)
        share = np.divide(np.nan_to_num(done), tried, out=np.full(len(tried), np.nan), where=known)
        return seen.trials.timestamps_ms.tolist(), to_list(share)
    step = max(60_000, window.length_ms // 48)
    found = ws.metrics.window(
        select(metric.metric, choice.labels()), window.start_ms, window.end_ms, step,
        over_time="avg", across="avg",
    )  # fmt: skip
    if not found:
        return [], []
    return found[0].timestamps_ms.tolist(), to_list(found[0].values)


def _roi(
    ws: Workspace, metric: ValueMetric, window: Window, choice: Choice,
    overall: Estimate | Insufficient, seen: _Observed,
) -> Return | Insufficient:  # fmt: skip
    """Return the return on what the models with this outcome cost, in the outcome's currency."""
    if metric.kind != "share":
        return Insufficient(
            say(
                "reasons.return_needs_counts",
                "a return needs an outcome that is counted, not scored",
            )
        )
    if isinstance(overall, Insufficient):
        return overall
    if metric.worth is None:
        return Insufficient(
            say(
                "reasons.no_worth",
                "say what one success is worth: {setting} in the business policy",
                setting="value_metrics",
            )
        )
    models = {key[0] for key in seen.trials.keys} if seen.trials is not None else set()
    mine = choice.labels() | {"currency": metric.currency}
    cost = sum(
        read_totals(ws, SPEND, widened(window), (), labels=mine, models=sorted(models)).values()
    )
    try:
        return business.compute_roi(overall, metric.worth, cost, baseline=metric.baseline)
    except InsufficientData as error:
        return Insufficient.of(error)
    except EngineError as error:
        return unusable(error)


def _rate(ws: Workspace, metric: ValueMetric, window: Window, choice: Choice) -> Estimate:
    done = [
        read_sums(ws, name, window, (), choice).total() for name in (metric.metric, metric.trials)
    ]
    return business.estimate_rate(done[0], done[1])


def _version_order(ws: Workspace) -> dict[str, list[str]]:
    """Return each model's versions, oldest first."""
    return {
        m.model_id: [v.version for v in sorted(m.versions, key=lambda v: v.first_seen_ms)]
        for m in list_models(ws)
    }
