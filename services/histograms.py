"""Stored histograms, read by the name that they share: a mean and percentiles over time."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols import Aggregate, SeriesPoints
from connectors.selector import Selector
from connectors.telemetry import Series
from services.fleet_sums import summed_name
from services.identity import permitted
from services.rollups import LATENCY_BOUNDS_S
from services.times import Window
from services.workspace import Workspace

PARTS = ("_bucket", "_sum", "_count")
QUANTILES: dict[Aggregate, float] = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_PART_OF: dict[Aggregate, str] = {"sum": "_sum", "count": "_count", "increase": "_count"}
_Floats = NDArray[np.float64]
_Labels = tuple[tuple[str, str], ...]
_Points = tuple[NDArray[np.int64], _Floats]
Buckets = tuple[NDArray[np.int64], _Floats, _Floats]
"""Steps, upper bounds in order, and counts (steps, bounds) at or below each."""
NO_BUCKETS: Buckets = (np.empty(0, dtype=np.int64), np.empty(0), np.empty((0, 0)))
_OWN_BOUNDS = [*(float(f"{bound:g}") for bound in LATENCY_BOUNDS_S), float("inf")]
_NOTHING: _Points = (np.empty(0, dtype=np.int64), np.empty(0))


def with_histograms(stored: list[str]) -> list[str]:
    """Return names of metrics in which one name stands for the parts of a histogram.

    >>> with_histograms(["a_bucket", "a_count", "a_sum", "b_count"])
    ['a', 'b_count']
    """
    stems = {name.removesuffix("_bucket") for name in stored if name.endswith("_bucket")}
    parts = {stem + part for stem in stems for part in PARTS}
    return sorted({name for name in stored if name not in parts} | stems)


@permitted("metrics:read")
def list_series(ws: Workspace, selector: Selector, limit: int) -> list[Series]:
    """Return the series that a selector selects, those of a histogram without their bounds."""
    found = ws.metrics.series(selector, limit=limit)
    if found or selector.name is None:
        return found
    parts = ws.metrics.series(_part(selector, "_count"), limit=limit)
    kept = {tuple(pair for pair in one.labels if pair[0] != "temporality") for one in parts}
    return [Series(selector.name, labels) for labels in sorted(kept)]


@permitted("metrics:read")
def read_histogram(
    ws: Workspace,
    selector: Selector,
    window: Window,
    step_ms: int,
    agg: Aggregate,
    by: tuple[str, ...],
) -> list[SeriesPoints]:
    """Return a percentile, the mean, the sum or the count of what a histogram holds, step by step.

    `selector` names the histogram without a suffix; what is no histogram gives nothing. Steps
    without measurements are NaN.
    """

    def grown(part: str) -> dict[_Labels, _Points]:
        return _grown(ws, selector, part, window, step_ms, by)

    found: dict[_Labels, _Points] = {}
    if agg in QUANTILES:
        for labels, (times, bounds, counts) in bucket_counts(
            ws, selector, window, step_ms, by
        ).items():
            found[labels] = times, percentiles(QUANTILES[agg], bounds, counts)
    elif agg == "avg":
        sums = grown("_sum")
        for labels, (times, counts) in grown("_count").items():
            with np.errstate(invalid="ignore", divide="ignore"):
                mean = _placed(times, *sums.get(labels, _NOTHING)) / counts
            found[labels] = times, np.where(counts > 0, mean, np.nan)
    elif agg in _PART_OF:
        found = grown(_PART_OF[agg])
    name = selector.name or ""
    return [SeriesPoints(Series(name, labels), *points) for labels, points in found.items()]


@permitted("metrics:read")
def bucket_counts(
    ws: Workspace, selector: Selector, window: Window, step_ms: int, by: tuple[str, ...] = ()
) -> dict[_Labels, Buckets]:
    """Return the buckets of a histogram, for each distinct values of the labels `by`.

    The hub's own histograms count each bucket by itself and by minute; those of others are
    cumulative over their bounds, and over time unless they say `temporality="delta"`.
    """
    parts: dict[_Labels, dict[float, _Points]] = {}
    for labels, points in _grown(ws, selector, "_bucket", window, step_ms, (*by, "le")).items():
        bound = float(dict(labels)["le"].replace("+Inf", "inf"))
        group = tuple(pair for pair in labels if pair[0] != "le")
        parts.setdefault(group, {})[bound] = points
    found = {}
    own = (selector.name or "").startswith("aiobs_")
    for group, columns in parts.items():
        if own:  # empty buckets are not stored, but bound those beside them
            columns = dict.fromkeys(_OWN_BOUNDS, _NOTHING) | columns
        times = np.unique(np.concatenate([at for at, _ in columns.values()]))
        bounds = np.array(sorted(columns), dtype=np.float64)
        counts = np.column_stack([_placed(times, *columns[float(b)]) for b in bounds])
        counts = np.nan_to_num(counts)
        if own:
            counts = counts.cumsum(axis=1)
        found[group] = (times, bounds, counts)
    return found


def percentiles(q: float, bounds: _Floats, counts: _Floats) -> _Floats:
    """Return the q-quantile of each row of cumulative counts, linear within the bucket that holds
    it; NaN for a row without counts. What lies beyond the last finite bound is said to be there.

    >>> bounds = np.array([0.1, 0.2, np.inf])
    >>> percentiles(0.5, bounds, np.array([[10.0, 20.0, 20.0], [0.0, 0.0, 0.0]])).tolist()
    [0.1, nan]
    >>> percentiles(0.75, bounds, np.array([[10.0, 20.0, 20.0]])).round(3).tolist()
    [0.15]
    """
    finite = bounds[np.isfinite(bounds)]
    top = finite[-1] if len(finite) else np.inf
    target = q * counts[:, -1]
    at = np.minimum((counts < target[:, None]).sum(axis=1), len(bounds) - 1)
    rows = np.arange(len(counts))
    lower = np.r_[0.0, bounds][at]
    upper = np.where(np.isfinite(bounds), bounds, top)[at]
    before = np.column_stack([np.zeros(len(counts)), counts])[rows, at]
    inside = counts[rows, at] - before
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(inside > 0, (target - before) / inside, 0.0)
        value = lower + (upper - lower) * np.clip(share, 0.0, 1.0)
    return np.where(counts[:, -1] > 0, value, np.nan)


def _grown(
    ws: Workspace,
    selector: Selector,
    part: str,
    window: Window,
    step_ms: int,
    by: tuple[str, ...],
) -> dict[_Labels, _Points]:
    """Return how much a part of the histogram grew a step, by labels."""
    grown: dict[_Labels, _Points] = {}
    own = (selector.name or "").startswith("aiobs_")
    ways: tuple[Aggregate, ...] = ("sum",) if own else ("sum", "increase")
    stored = _part(selector, part)
    if own and not selector.matchers:
        stored = msgspec.structs.replace(stored, name=summed_name(stored.name or "", by))
    for over_time in ways:
        for points in ws.metrics.window(
            stored, window.start_ms, window.end_ms, step_ms,
            over_time=over_time, across="sum", by=by if own else (*by, "temporality"),
        ):  # fmt: skip
            is_delta = own or points.series.label("temporality") == "delta"
            if is_delta != (over_time == "sum"):
                continue
            kept = tuple(pair for pair in points.series.labels if pair[0] != "temporality")
            known = (points.timestamps_ms, points.values)
            grown[kept] = _added(grown[kept], known) if kept in grown else known
    return grown


def _part(selector: Selector, part: str) -> Selector:
    return msgspec.structs.replace(selector, name=f"{selector.name}{part}")


def _added(one: _Points, other: _Points) -> _Points:
    times = np.union1d(one[0], other[0])
    both = np.column_stack([_placed(times, *one), _placed(times, *other)])
    known = np.isfinite(both).any(axis=1)
    return times, np.where(known, np.nansum(both, axis=1), np.nan)


def _placed(times: NDArray[np.int64], at: NDArray[np.int64], values: _Floats) -> _Floats:
    """Return values at `times`, which hold every one of `at`; NaN elsewhere."""
    placed = np.full(len(times), np.nan)
    inside = np.isin(at, times)
    placed[np.searchsorted(times, at[inside])] = values[inside]
    return placed
