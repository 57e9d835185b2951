"""Sentences beside effects: what was extrapolated, left out, cut, or cannot be told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engines.causal.inputs import Key
from engines.impact.equation import THIN_R2
from engines.impact.model import StructuralModel
from engines.impact.result import MetricImpact
from engines.sentence import Sentence, say

MOST_NAMED = 5
"""Numbers that one sentence names."""


def number_named(key: Key) -> Sentence:
    """Return a metric of a node as a sentence names it."""
    return say("findings.number", "{metric} of {node}", metric=key[1], node=key[0])


def warnings_of(
    model: StructuralModel,
    column: int,
    size: float,
    impacts: Sequence[MetricImpact],
    unmeasured: Sequence[Key],
) -> tuple[str, ...]:
    """Return what a reader of effects should know: the gravest first."""
    found = []
    values = model.values[:, column]
    if abs(size) > np.ptp(values):
        found.append(
            say(
                "findings.change_extrapolates",
                "The change {size, number} is larger than the observed range {range, number} of "
                "the cause: the answer extrapolates.",
                size=size,
                range=float(np.ptp(values)),
            )
        )
    if unmeasured:
        found.append(
            say(
                "findings.unmeasured",
                "Of {numbers} no change is told: their causes predict held-out rows no better than "
                "the usual level does.",
                numbers=tuple(number_named(key) for key in unmeasured[:MOST_NAMED]),
            )
        )
    found += [
        say(
            "findings.at_the_end",
            "{metric} of {node} would leave its possible range on the line fitted; the change "
            "stands where that ends.",
            metric=item.key[1],
            node=item.key[0],
        )
        for item in impacts
        if item.is_cut
    ]
    found += [
        say(
            "findings.thin_equation",
            "{metric} of {node}: its equation explains {share, percent} of held-out rows.",
            metric=item.key[1],
            node=item.key[0],
            share=max(item.r2, 0.0),
        )
        for item in sorted(impacts, key=lambda item: item.key)
        if item.r2 < THIN_R2
    ]
    found += [
        say(
            "findings.cycle_left_out",
            "The edge from {cause} of {node} to {effect} of {other} would close a cycle and is "
            "left out.",
            cause=a[1],
            node=a[0],
            effect=b[1],
            other=b[0],
        )
        for a, b in model.dropped
    ]
    found += [
        say(
            "findings.parent_left_out",
            "{effect} of {other} has more direct causes than its rows can carry; {cause} of "
            "{node} is left out.",
            cause=a[1],
            node=a[0],
            effect=b[1],
            other=b[0],
        )
        for a, b in model.thinned
    ]
    return tuple(found)
