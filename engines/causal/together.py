"""Inputs of one model that moved at once: one population, not rivals for the blame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engines.causal.report import Ranked, onset_of
from engines.causal.roles import role_of
from engines.causal.score import Case

NEAR_ROWS = 2
"""Rows between the onsets of two features that still count as one moment."""


def together(case: Case, ranked: Sequence[Ranked]) -> list[Ranked]:
    """Return the ranking with features of one model that moved at once as one suspect.

    Notes
    -----
    Another population moves every feature that is correlated with what sets it apart. The walk
    divides the blame among them, so that the more features tell of a shift, the less each of them
    is believed. The best of them stands for all and takes their shares together; its score grows
    as if it had absorbed them alone.
    """
    kept: list[Ranked] = []
    for item in ranked:
        leader = next((one for one in kept if _is_one(case, one, item)), None)
        if leader is None:
            kept.append(item)
        else:
            kept[kept.index(leader)] = replace(leader, beside=(*leader.beside, item.suspect))
    return sorted((_joined(case, one) for one in kept), key=lambda one: -one.score)


def _is_one(case: Case, leader: Ranked, item: Ranked) -> bool:
    first, other = leader.suspect, item.suspect
    if first.column is None or other.column is None or first.unit[0] != other.unit[0]:
        return False
    scene, moved = case.scene, float(np.log1p(case.settings.threshold))
    kinds = {role_of(scene.panel.keys[j][1]).kind for j in (first.column, other.column)}
    if kinds != {"feature_drift"} or min(first.strength, other.strength) < moved:
        return False
    apart = abs(onset_of(scene, first) - onset_of(scene, other))
    return apart <= NEAR_ROWS * scene.panel.step_s


def _joined(case: Case, item: Ranked) -> Ranked:
    own = item.suspect.share
    if not item.beside or own is None:
        return item
    share = min(1.0, own + sum(other.share or 0.0 for other in item.beside))
    base = case.settings.without_share
    score = round(item.score * (base + share) / (base + own), 9)
    return replace(item, suspect=replace(item.suspect, share=share), score=score)
