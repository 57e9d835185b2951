"""What a burning budget's own number did: a score stands until the next one, and where no cause is
named the objective's own change is the answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engines.causal import Series
from engines.causal.inputs import Key
from engines.sentence import Sentence, say
from services.onset import SEARCH_MS
from services.scene import COMPUTED, Scene
from services.slo import Objective
from services.times import HOUR_MS

_SCORES = {metric for _, metric in COMPUTED}
_MINUTE_S = 60.0


def standing(scene: Scene, key: Key) -> Scene:
    """Return a scene in which a computed score stands until the next one, for an hour at most.

    Scores of the past are computed each hour and those of the present each minute. Taken as they
    are, the hours before a trouble hold a few rows, and of few rows nobody knows what is normal.
    """
    if key[1] not in _SCORES:
        return scene
    return replace(scene, metrics=scene.metrics | {key: _held(scene.metrics[key])})


def _held(series: Series) -> Series:
    known = np.isfinite(series.values)
    at, values = series.times_s[known], series.values[known]
    if len(at) < 2:
        return series
    minutes = np.arange(at[0], at[-1] + _MINUTE_S / 2, _MINUTE_S)
    last = np.searchsorted(at, minutes, side="right") - 1
    is_fresh = minutes - at[last] <= HOUR_MS / 1_000
    return Series(minutes[is_fresh], values[last[is_fresh]])


def own_change(
    scene: Scene, key: Key, counted: Key, objective: Objective, alerted_ms: int | None
) -> Sentence | None:
    """Return what the number of an objective did and how much of it missed, as a reason why no
    cause is named; None where too little is known of before.

    `key` is the burn rate and `counted` the number that it counts.
    """
    if key not in scene.metrics:
        return None
    since_s = ((alerted_ms or scene.window.end_ms) - SEARCH_MS) / 1_000
    was, now = _levels(scene.metrics[counted], since_s)
    burnt, burns = _levels(scene.metrics[key], since_s)
    if was is None or now is None or burnt is None or burns is None:
        return None
    allowed = 1.0 - objective.definition.target
    said = {"objective": objective.definition.name, "metric": counted[1], "node": counted[0]}
    if burnt > 1.0:
        return say(
            "reasons.budget_burns_as_usual",
            "{metric} of {node} is as it usually is ({now, number}): {bad, percent} of what "
            "{objective} counts missed it before as well, and {allowed, percent} may. The budget "
            "burns by the usual level, not by a change",
            **said, now=now, bad=burnt * allowed, allowed=allowed,
        )  # fmt: skip
    return say(
        "reasons.budget_burns_by_change",
        "{metric} of {node} went from {before, number} to {now, number}: {bad, percent} of what "
        "{objective} counts missed it since, {bad_before, percent} before, and {allowed, percent} "
        "may. {metric} varies as much at other times, so that no cause can be told from chance",
        **said, before=was, now=now, bad=burns * allowed, bad_before=burnt * allowed,
        allowed=allowed,
    )  # fmt: skip


def _levels(series: Series, since_s: float) -> tuple[float | None, float | None]:
    known, late = np.isfinite(series.values), series.times_s >= since_s
    before, after = series.values[known & ~late], series.values[known & late]
    if not len(before) or not len(after):
        return None, None
    return float(np.median(before)), float(after.mean())
