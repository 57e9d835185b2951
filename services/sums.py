"""Sums of increments over a window, by labels and over time: what cost and carbon pages read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from connectors.selector import Matcher, Selector, any_of
from connectors.telemetry import Series
from services.fleet_sums import summed_name
from services.identity import permitted
from services.series import step_for
from services.times import HOUR_MS, MINUTE_MS, Window
from services.workspace import Workspace

FRESH_S, STALE_S = 15.0, 75.0
"""How long what pages show of cost and carbon is served as it is (its series are written every 15
seconds), and then for how long more while one caller computes it anew."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which part of the telemetry a reader looks at; empty means all."""

    model_id: str = ""
    version: str = ""
    segment: str = ""

    def labels(self) -> dict[str, str]:
        """Return the conditions on labels."""
        pairs = {"model_id": self.model_id, "version": self.version, "segment": self.segment}
        return {name: value for name, value in pairs.items() if value}

    def key(self) -> str:
        """Return the choice as a part of a cache key."""
        return "/".join(
            quote(part, safe="") for part in (self.model_id, self.version, self.segment)
        )


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums per step of one metric, one row per distinct values of the labels."""

    timestamps_ms: NDArray[np.int64]
    keys: tuple[tuple[str, ...], ...]
    values: NDArray[np.float64]  # (keys, steps): NaN where nothing was stored

    @property
    def is_empty(self) -> bool:
        """Whether the window holds nothing."""
        return not self.keys

    def total(self) -> float:
        """Return the sum over everything."""
        return float(np.nansum(self.values))

    def over_time(self) -> NDArray[np.float64]:
        """Return the sum per step; NaN where nothing was stored."""
        if self.is_empty:
            return np.full(len(self.timestamps_ms), np.nan)
        known = np.isfinite(self.values).any(axis=0)
        return np.where(known, np.nansum(self.values, axis=0), np.nan)

    def by(self, position: int) -> dict[str, float]:
        """Return totals by the label at a position of the keys."""
        found: dict[str, float] = {}
        if self.is_empty:
            return found
        for key, value in zip(self.keys, np.nansum(self.values, axis=1).tolist(), strict=True):
            found[key[position]] = found.get(key[position], 0.0) + value
        return found

    def courses(self, position: int) -> tuple[list[str], NDArray[np.float64]]:
        """Return the values of a label, and for each the sum per step: NaN where nothing was
        stored."""
        names = sorted({key[position] for key in self.keys})
        at = {name: i for i, name in enumerate(names)}
        rows = np.array([at[key[position]] for key in self.keys], dtype=np.int64)
        known = np.zeros((len(names), len(self.timestamps_ms)), dtype=bool)
        summed = np.zeros(known.shape)
        np.logical_or.at(known, rows, np.isfinite(self.values))
        np.add.at(summed, rows, np.nan_to_num(self.values))
        return names, np.where(known, summed, np.nan)

    def where(self, position: int, value: str) -> Sums:
        """Return only the rows whose label has this value."""
        at = [i for i, key in enumerate(self.keys) if key[position] == value]
        return Sums(self.timestamps_ms, tuple(self.keys[i] for i in at), self.values[at])


@permitted("metrics:read")
def read_sums(
    ws: Workspace,
    name: str,
    window: Window,
    by: tuple[str, ...],
    choice: Choice | None = None,
    *,
    step_ms: int | None = None,
    labels: dict[str, str] | None = None,
    models: Sequence[str] | None = None,
) -> Sums:
    """Return the sums of a metric per step, by labels; the window is widened to whole steps.

    The step is at least a minute, and at most a 48th of the window unless given. `models` restricts
    to some; None means all.
    """
    step = step_ms or step_for(window)
    start = window.start_ms // step * step
    grid = np.arange(start, window.end_ms, step, dtype=np.int64)
    conditions = (choice.labels() if choice else {}) | (labels or {})
    selector = _selector(name, by, conditions, models)
    found = ws.metrics.window(
        selector, start, window.end_ms, step, over_time="sum", across="sum", by=by
    )
    values = np.full((len(found), len(grid)), np.nan)
    for row, points in enumerate(found):
        place = (points.timestamps_ms - start) // step
        inside = (place >= 0) & (place < len(grid))
        values[row, place[inside]] = points.values[inside]
    keys = tuple(tuple(p.series.label(label) for label in by) for p in found)
    return Sums(grid, keys, values)


@permitted("metrics:read")
def read_totals(
    ws: Workspace,
    name: str,
    window: Window,
    by: tuple[str, ...] = (),
    *,
    labels: dict[str, str] | None = None,
    models: Sequence[str] | None = None,
) -> dict[tuple[str, ...], float]:
    """Return the sums of a metric over a window of whole minutes, by labels.

    Whole hours come from the store's hourly rollup and only the edges by the minute: a day is 24
    cells and at most 120 instead of 1,440. `models` restricts to some; None means all.
    """
    if models is not None and not models:
        return {}
    selector = _selector(name, by, labels or {}, models)
    found: dict[tuple[str, ...], float] = {}
    for start, end, step in _pieces(window):
        groups = ws.metrics.window(
            selector, start, end, step,
            over_time="sum", across="sum", by=by,
        )  # fmt: skip
        if not groups:
            continue
        sums = np.nansum(np.stack([points.values for points in groups]), axis=1).tolist()
        for points, value in zip(groups, sums, strict=True):
            key = _key(points.series, by)
            found[key] = found.get(key, 0.0) + value
    return found


def _selector(
    name: str, by: tuple[str, ...], labels: dict[str, str], models: Sequence[str] | None
) -> Selector:
    """Return what to read: the sum over all models where that tells the labels apart."""
    matchers = tuple(Matcher(label, "=", value) for label, value in labels.items())
    if models is not None:
        return Selector(name, (*matchers, any_of("model_id", models)))
    return Selector(summed_name(name, (*by, *labels)), matchers)


def widened(window: Window) -> Window:
    """Return a window widened to the whole steps of `read_sums`: totals of both are then of the
    same minutes.

    >>> widened(Window(30_000, 90_000))
    Window(start_ms=0, end_ms=120000)
    """
    step = step_for(window)
    start = window.start_ms // step * step
    return Window(start, start - (start - window.end_ms) // step * step)


def added_up(totals: dict[tuple[str, ...], float], position: int) -> dict[str, float]:
    """Return totals by the label at a position of their keys.

    >>> added_up({("m", "eu"): 1.0, ("m", "us"): 2.0}, 0)
    {'m': 3.0}
    """
    found: dict[str, float] = {}
    for key, value in totals.items():
        found[key[position]] = found.get(key[position], 0.0) + value
    return found


@lru_cache(maxsize=50_000)
def _key(series: Series, by: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(series.label(label) for label in by)


def _pieces(window: Window) -> list[tuple[int, int, int]]:
    """Return (start, end, step) that make up a window: minutes, whole hours, minutes.

    >>> _pieces(Window(30 * MINUTE_MS, 150 * MINUTE_MS))[1]
    (3600000, 7200000, 3600000)
    """
    start, end = window.start_ms // MINUTE_MS * MINUTE_MS, window.end_ms
    first, last = -(-start // HOUR_MS) * HOUR_MS, end // HOUR_MS * HOUR_MS
    if first >= last:
        return [(start, end, MINUTE_MS)]
    pieces = [(start, first, MINUTE_MS), (first, last, HOUR_MS), (last, end, MINUTE_MS)]
    return [piece for piece in pieces if piece[0] < piece[1]]


@permitted("models:read")
def has_history(ws: Workspace, window: Window) -> bool:
    """Whether telemetry was there for the whole window: a total of a part compares with nothing."""
    first_ms = ws.events.first_seen_ms()
    return first_ms is not None and first_ms <= window.start_ms + window.length_ms // 20


def to_list(values: NDArray[np.float64]) -> list[float | None]:
    """Return an array as JSON takes it: None for NaN."""
    return [float(v) if np.isfinite(v) else None for v in values]
