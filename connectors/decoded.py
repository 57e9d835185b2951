"""What a metrics decoder hands over: the samples that hold, and what was left out and why."""

from __future__ import annotations

import msgspec
import numpy as np

from connectors.telemetry import MetricBatch, Series

MAX_AHEAD_MS = 24 * 3_600_000
"""A clock may be wrong by hours (time zones), not by a day."""

EARLIEST_MS = 631_152_000_000  # 1990-01-01: earlier times are seconds or zeros taken for ms


class Decoded(msgspec.Struct, frozen=True):
    """Samples in columns. `rejected` counts samples that were refused, `reason` names the first;
    `absent` counts samples that say "no value" (NaN, stale markers) and are no error."""

    batch: MetricBatch
    rejected: int = 0
    reason: str = ""
    absent: int = 0
    units: dict[str, str] = {}


def empty_batch() -> MetricBatch:
    """Return a batch without samples."""
    return MetricBatch([], np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0))


def without_nan(
    series: list[Series],
    counts: np.ndarray[tuple[int], np.dtype[np.int64]],
    timestamps_ms: np.ndarray[tuple[int], np.dtype[np.int64]],
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> tuple[MetricBatch, int]:
    """Return the batch of `counts[i]` samples for each series without NaN, and how many went."""
    index = np.repeat(np.arange(len(series), dtype=np.int32), counts)
    absent = np.isnan(values)
    n_absent = int(absent.sum())
    if n_absent:
        keep = ~absent
        index, timestamps_ms, values = index[keep], timestamps_ms[keep], values[keep]
    return MetricBatch(series, index, timestamps_ms, values), n_absent


def within_time(decoded: Decoded, now_ms: int) -> Decoded:
    """Return the samples whose time is between 1990 and a day ahead; the others are rejected."""
    batch = decoded.batch
    sane = (batch.timestamps_ms >= EARLIEST_MS) & (batch.timestamps_ms < now_ms + MAX_AHEAD_MS)
    if sane.all():
        return decoded
    kept = MetricBatch(
        batch.series, batch.index[sane], batch.timestamps_ms[sane], batch.values[sane]
    )
    return msgspec.structs.replace(
        decoded,
        batch=kept,
        rejected=decoded.rejected + int((~sane).sum()),
        reason=decoded.reason or "timestamp is before 1990 or a day or more ahead",
    )
