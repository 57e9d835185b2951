"""Who knocked, and what they were told: answers by key and reason, and hours that stand out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.selector import select
from connectors.telemetry import MetricBatch, Series
from engines.security import UnusualHour, find_unusual_hours
from services.identity import permitted
from services.times import HOUR_MS, Window
from services.workspace import Workspace

ACCESS = "aiobs_access_total"
MAX_KEYS = 40
Reason = Literal[
    "answered", "no_credential", "malformed_key", "unknown_key", "revoked_key", "wrong_secret",
    "permission",
    "foreign_site", "too_many_attempts", "sign_in", "refused",
]  # fmt: skip


class Knock(msgspec.Struct, frozen=True):
    """What is counted together: the key (empty when none is known), the status and the reason."""

    key_id: str
    status: int
    reason: Reason


class AccessTotals(msgspec.Struct, frozen=True):
    """Answers of a window by outcome and reason."""

    window: Window
    requests: int
    unauthenticated: int
    forbidden: int
    throttled: int
    by_reason: dict[str, int]
    by_key: dict[str, int]


@dataclass(frozen=True, slots=True)
class AccessMap:
    """Requests per key and hour, refused ones apart, and the hours that stand out."""

    window: Window
    keys: tuple[str, ...]
    hours_ms: NDArray[np.int64]
    requests: NDArray[np.float64]
    refused: NDArray[np.float64]
    unusual: tuple[UnusualHour, ...]
    unusual_refused: tuple[UnusualHour, ...]


@permitted("maintain:run")
def record_access(
    ws: Workspace, counts: Mapping[Knock, int], at_ms: int, *, instance: str = ""
) -> None:
    """Store how often each thing happened since the last call; nothing of the requests is kept."""
    if not counts:
        return
    series = [
        Series(
            ACCESS,
            {
                "key_id": knock.key_id,
                "status": str(knock.status),
                "reason": knock.reason,
                "instance": instance,
            },
        )
        for knock in counts
    ]
    size = len(series)
    ws.metrics.append(
        MetricBatch(
            series,
            np.arange(size, dtype=np.int32),
            np.full(size, at_ms, dtype=np.int64),
            np.array(list(counts.values()), dtype=np.float64),
        )
    )


@permitted("security:read")
def get_access(ws: Workspace, window: Window) -> AccessTotals:
    """Return how many requests were answered, and how many refused for which reason."""
    found = _sums(ws, window, window.length_ms, ("status", "reason", "key_id"))
    by_status: dict[str, int] = {}
    by_reason: dict[str, int] = {}
    by_key: dict[str, int] = {}
    for (status, reason, key_id), (_, values) in found.items():
        n = int(np.nansum(values))
        by_status[status] = by_status.get(status, 0) + n
        by_reason[reason] = by_reason.get(reason, 0) + n
        by_key[key_id] = by_key.get(key_id, 0) + n
    return AccessTotals(
        window, sum(by_status.values()), by_status.get("401", 0), by_status.get("403", 0),
        by_status.get("429", 0), by_reason, by_key,
    )  # fmt: skip


@permitted("security:read")
def get_access_map(ws: Workspace, window: Window) -> AccessMap:
    """Return requests per key and hour of a window, busiest key first, with unusual hours."""
    start = window.start_ms // HOUR_MS * HOUR_MS
    hours = np.arange(start, window.end_ms, HOUR_MS, dtype=np.int64)
    found = _sums(ws, window, HOUR_MS, ("key_id", "status"))
    every: dict[str, NDArray[np.float64]] = {}
    refused: dict[str, NDArray[np.float64]] = {}
    for (key, status), (times, values) in found.items():
        row = every.setdefault(key, np.zeros(len(hours)))
        at = np.searchsorted(hours, times)
        inside = at < len(hours)
        row[at[inside]] += np.nan_to_num(values[inside])
        if status in ("401", "403", "429"):
            bad = refused.setdefault(key, np.zeros(len(hours)))
            bad[at[inside]] += np.nan_to_num(values[inside])
    keys = sorted(every, key=lambda k: -every[k].sum())[:MAX_KEYS]
    empty = np.zeros((0, len(hours)))
    table = np.array([every[k] for k in keys]) if keys else empty
    bad_table = np.array([refused.get(k, np.zeros(len(hours))) for k in keys]) if keys else empty
    return AccessMap(
        window, tuple(keys), hours, table, bad_table,
        find_unusual_hours(keys, _since_first(table)),
        find_unusual_hours(keys, _since_first(bad_table), min_count=10),
    )  # fmt: skip


def _since_first(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hours before anything was counted are unknown, not quiet."""
    known = table.copy()
    seen = np.flatnonzero(table.sum(axis=0) > 0)
    if len(seen):
        known[:, : int(seen[0])] = np.nan
    return known


def _sums(
    ws: Workspace, window: Window, step_ms: int, by: tuple[str, ...]
) -> dict[tuple[str, ...], tuple[NDArray[np.int64], NDArray[np.float64]]]:
    found = ws.metrics.window(
        select(ACCESS, {}), window.start_ms, window.end_ms, step_ms,
        over_time="sum", across="sum", by=by,
    )  # fmt: skip
    return {
        tuple(points.series.label(name) for name in by): (points.timestamps_ms, points.values)
        for points in found
    }
