"""Results for past hours that nobody computed: after a back-fill, or when the hub was down.

An hour is computed from the telemetry stored today, so labels that came later count; its results
carry the time they speak of and stand beside those that were computed live.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from connectors.protocols import StoreHealth
from connectors.selector import select
from services import degradation, drift, hallucination, reliability, sides, trust
from services.errors import AIOBSError
from services.identity import permitted
from services.models import Model, list_models
from services.times import DAY_MS, HOUR_MS
from services.workspace import Workspace

T = TypeVar("T")
REACH_MS = DAY_MS
PER_CALL = 2
"""Hours computed at each call: the back-log of a day is worked off without crowding live work."""


@dataclass(slots=True)
class OneMoment:
    """A cache for one past moment: nothing of it may meet the results of the present."""

    known: dict[str, Any] = field(default_factory=dict)  # results of any kind by key

    def get_or_compute(
        self,
        key: str,
        kind: type[T],
        compute: Callable[[], T],
        *,
        fresh_s: float,
        stale_s: float = 0.0,
    ) -> T:
        """Return what this moment computed already, or compute it."""
        if key not in self.known:
            self.known[key] = compute()
        found: T = self.known[key]
        return found

    def put(
        self, key: str, value: T, kind: type[T], *, fresh_s: float, stale_s: float = 0.0
    ) -> None:
        """Keep a result of this moment."""
        self.known[key] = value

    def get(self, key: str, kind: type[T]) -> T | None:
        """Return a result of this moment, if there is one."""
        return self.known.get(key)

    def invalidate(self, prefix: str) -> None:
        """Forget results of this moment."""
        self.known = {k: v for k, v in self.known.items() if not k.startswith(prefix)}

    def health(self) -> StoreHealth:
        """Return that a dictionary always works."""
        return StoreHealth("one moment", ok=True)


@permitted("analysis:run")
def fill_gaps(ws: Workspace) -> int:
    """Compute a few past hours that have inferences but no trust; how many, newest first."""
    gaps = sorted(
        ((hour, model.model_id) for model in list_models(ws) for hour in _gaps(ws, model)),
        reverse=True,
    )
    for hour_ms, model_id in gaps[:PER_CALL]:
        _compute_at(ws, model_id, hour_ms)
    return min(len(gaps), PER_CALL)


def _gaps(ws: Workspace, model: Model) -> list[int]:
    """Return the full hours of the last day in which a model sent something but has no trust."""
    if model.last_seen_ms is None:
        return []
    end = ws.now_ms() // HOUR_MS * HOUR_MS
    labels = {"model_id": model.model_id}
    sent = _hours(ws, "aiobs_inferences_total", labels, end)
    computed = _hours(ws, "aiobs_trust_score", labels | {"bound": "point"}, end)
    tried = ws.records.get("backcast", model.model_id)
    skipped = set(tried.body["hours"]) if tried else set()
    return sorted(sent - computed - skipped)


def _hours(ws: Workspace, name: str, labels: dict[str, str], end_ms: int) -> set[int]:
    found = ws.metrics.window(
        select(name, labels), end_ms - REACH_MS, end_ms, HOUR_MS, over_time="count", across="sum"
    )
    return {
        int(time)
        for points in found
        for time, count in zip(points.timestamps_ms, points.values, strict=True)
        if np.isfinite(count) and count > 0
    }


def _compute_at(ws: Workspace, model_id: str, hour_ms: int) -> None:
    """Compute every family as of the end of an hour, trust last."""
    moment = hour_ms + HOUR_MS - 1
    then = replace(ws, clock=lambda: moment, cache=OneMoment())
    recent = sides.read_recent(then, model_id)
    for compute in (
        partial(drift.detect_drift, recent=recent),
        partial(reliability.analyze_reliability, recent=recent),
        partial(hallucination.detect_hallucination, go_deeper=False),
        degradation.track_degradation,
    ):
        try:
            compute(then, model_id)
        except AIOBSError:
            continue
    answer = trust.compute_trust_score(then, model_id)
    if answer.result is None:
        _skip(ws, model_id, hour_ms)


def _skip(ws: Workspace, model_id: str, hour_ms: int) -> None:
    """Remember an hour too thin for a score, so that it is not tried for ever."""
    tried = ws.records.get("backcast", model_id)
    hours = set(tried.body["hours"]) if tried else set()
    kept = [hour for hour in hours if hour > ws.now_ms() - 2 * REACH_MS]
    ws.records.put("backcast", model_id, {"hours": sorted({*kept, hour_ms})})
