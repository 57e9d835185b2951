"""The window, its history, the onset, and how far every metric moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.causal.anomaly import (
    Normal,
    deviations,
    first_crossing,
    normal_range,
    persistent,
)
from engines.causal.inputs import FloatArray, Key, Series
from engines.causal.onset import Onset, find_onset
from engines.causal.panel import Panel, aligned, build_panel
from engines.causal.roles import role_of
from engines.causal.settings import RootCauseSettings
from engines.errors import EngineError, InsufficientData
from engines.sentence import say


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """All that the rankers look at.

    Attributes
    ----------
    panel : Panel
        The window.
    history : array of shape (rows, columns)
        Normal rows with the columns of the panel.
    separate : bool
        Whether history comes from outside the window.
    onset : Onset
        Rows before and after.
    normal : Normal
        Location and scale per column.
    z : array of shape (columns,)
        Lasting deviation after the onset.
    onset_s : tuple of (float or None)
        When each column left its range.
    """

    panel: Panel
    history: FloatArray
    separate: bool
    onset: Onset
    normal: Normal
    z: FloatArray
    onset_s: tuple[float | None, ...]

    @property
    def before(self) -> FloatArray:
        """Rows just before the onset."""
        return self.panel.values[self.onset.before]

    @property
    def after(self) -> FloatArray:
        """Rows after the onset."""
        return self.panel.values[self.onset.after]

    def at(self, key: Key) -> int:
        """Column of `key`."""
        return self.panel.keys.index(key)


@dataclass(frozen=True, slots=True)
class Question:
    """Which number, and which part of the window.

    Attributes
    ----------
    effect : (node, metric) or None
        The number asked about.
    onset_s : float or None
        Known time of the fault; None to search for it on the effect.
    before_s, after_s : float or None
        How much of the window to use on either side of a known onset.
    step_s : float or None
        Interval of the grid.
    """

    effect: Key | None = None
    onset_s: float | None = None
    before_s: float | None = None
    after_s: float | None = None
    step_s: float | None = None


def set_scene(
    metrics: Mapping[Key, Series],
    reference: Mapping[Key, Series] | None,
    question: Question,
    settings: RootCauseSettings,
) -> Scene:
    """Return the window and its history on one grid, split at the onset."""
    panel = build_panel(metrics, question.step_s)
    if question.effect is not None and question.effect not in panel.keys:
        raise EngineError(
            f"the effect {question.effect} is not among the {len(panel.keys)} metrics"
        )
    separate = reference is not None
    history = (
        aligned(build_panel(reference, panel.step_s if question.step_s else None), panel.keys)
        if reference
        else np.empty((0, len(panel.keys)))
    )
    worse = np.array([float(role_of(metric).worse) for _, metric in panel.keys])
    onset = _split(panel, history, question, settings)
    if not separate:
        history = panel.values[: onset.before.stop]
    normal = normal_range(history, panel.values[onset.before], worse, settings.floors)
    z_rows = deviations(panel.values, normal, worse)
    z = persistent(z_rows[onset.after])
    first = first_crossing(z_rows, np.maximum(settings.threshold, z / 2))
    times = tuple(float(panel.times_s[row]) if row >= 0 else None for row in first)
    if question.effect is not None and question.onset_s is not None:
        onset = Onset(
            onset.row, onset.before, onset.after, float(z[panel.keys.index(question.effect)])
        )
    return Scene(panel, history, separate, onset, normal, z, times)


def _split(
    panel: Panel, history: FloatArray, question: Question, settings: RootCauseSettings
) -> Onset:
    if question.onset_s is not None:
        return _known_onset(panel.times_s, question)
    if question.effect is None:
        raise EngineError("without an effect the onset must be given")
    j = panel.keys.index(question.effect)
    if np.isfinite(panel.values[:, j]).sum() < 3:
        raise InsufficientData(
            say(
                "reasons.onset_needs_samples",
                "the onset of {metric} needs at least 3 samples in the window, got {got, number}",
                metric=question.effect[1],
                got=int(np.isfinite(panel.values[:, j]).sum()),
            ),
            needed=3,
            got=int(np.isfinite(panel.values[:, j]).sum()),
        )
    worse = role_of(question.effect[1]).worse
    return find_onset(panel.values[:, j], history[:, j], worse, settings.floors, settings.threshold)


def _known_onset(times_s: npt.NDArray[np.float64], question: Question) -> Onset:
    onset_s = question.onset_s or 0.0
    row = int(np.searchsorted(times_s, onset_s))
    start = int(np.searchsorted(times_s, onset_s - question.before_s)) if question.before_s else 0
    stop = (
        int(np.searchsorted(times_s, onset_s + question.after_s))
        if question.after_s
        else times_s.size
    )
    if row == 0 or stop <= row:
        raise InsufficientData(
            say(
                "reasons.onset_outside",
                "the onset must lie inside the window: {before, number} rows before, "
                "{after, number} after",
                before=row,
                after=max(stop - row, 0),
            ),
            needed=1,
            got=0,
        )
    return Onset(row, slice(start, row), slice(row, stop), 0.0)
