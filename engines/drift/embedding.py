"""Drift of vectors (embeddings): a kernel and a linear witness, both tested on held-out rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engines.drift.detectable import detectable_auc_shift
from engines.drift.effects import debias
from engines.drift.pair import Floats, NumericPair
from engines.drift.policy import Policy, severity
from engines.drift.result import ColumnDrift, Effects, Histogram, TestResult
from engines.drift.univariate import Sides, blank, draw_numbers, with_missing
from engines.drift.witness import HeldOut, hold_out, kernel_witness, linear_witness
from engines.errors import EngineError


def compare_vectors(
    name: str,
    reference: Floats,
    current: Floats,
    sides: Sides,
    policy: Policy,
    level: float,
    seed: int = 0,
) -> ColumnDrift:
    """Return the undecided comparison of two samples of vectors.

    Parameters
    ----------
    reference, current : ndarray of float, shape (rows, dimensions)
        Finite rows; at most `policy.vector_rows` per side are used.
    seed : int
        Seeds the row sample and the split.

    Raises
    ------
    EngineError
        When the dimensions differ.

    Notes
    -----
    The histogram shows the held-out linear scores: the direction in which the sides differ most.
    A change that neither a mean shift nor a Gaussian kernel at median distance sees stays unseen.
    """
    if reference.shape[1] != current.shape[1]:
        raise EngineError(
            f"{name}: vectors have {reference.shape[1]} and {current.shape[1]} dimensions"
        )
    rng = np.random.default_rng(seed)
    before, after = (_sample(side, policy.vector_rows, rng) for side in (reference, current))
    found = {
        "linear_witness": hold_out(before, after, linear_witness, seed),
        "kernel_witness": hold_out(before, after, kernel_witness, seed),
    }
    tests = tuple(
        TestResult(test, held.auc, p) for test, held in found.items() for p in held.p_values
    )
    best = max(found.values(), key=lambda held: held.auc)
    draft = replace(
        blank(name, "embedding", sides, ""),
        effects=Effects(auc=best.auc),
        histogram=_scores(found["linear_witness"]),
    )
    draft = with_held_out(draft, best.auc, len(before), len(after), policy, level)
    return with_missing(draft, tests, sides, policy)


def with_held_out(
    draft: ColumnDrift, auc: float, n: int, m: int, policy: Policy, level: float
) -> ColumnDrift:
    """Return the draft with the effect, severity and detectable change of a held-out AUC."""
    noise = float(np.sqrt((n + m + 1) / (12.0 * n * m)))
    shift = max(0.0, auc - 0.5)
    return replace(
        draft,
        effect_name="auc_shift",
        effect=shift,
        gate=policy.auc_gate,
        severity=severity(debias(shift, noise), policy.half_auc),
        minimum_detectable_effect=detectable_auc_shift(n // 2, m // 2, level, policy.power),
    )


def _sample(rows: Floats, size: int, rng: np.random.Generator) -> Floats:
    return rows if len(rows) <= size else rows[rng.permutation(len(rows))[:size]]


def _scores(held: HeldOut) -> Histogram:
    return draw_numbers(NumericPair.of_samples(held.reference_scores, held.current_scores))
