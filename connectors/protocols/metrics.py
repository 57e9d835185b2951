"""Samples by series: what is asked of a metric store."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols.health import StoreHealth
from connectors.selector import Selector
from connectors.telemetry import MetricBatch, Series

Aggregate = Literal[
    "avg", "sum", "min", "max", "count", "last", "p50", "p95", "p99", "increase", "rate"
]
"""`increase` and `rate` treat the series as a cumulative counter and survive its resets."""


class SeriesPoints(msgspec.Struct, frozen=True):
    """One series (or group of series) over time; a bucket without samples is NaN."""

    series: Series
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]


class MetricStore(Protocol):
    """Samples of one tenant. Idempotent by (series, timestamp): the last write wins."""

    def append(self, batch: MetricBatch) -> None:
        """Return once every sample is durable; raise and keep nothing otherwise."""
        ...

    def series(self, selector: Selector, *, limit: int = 10_000) -> list[Series]:
        """Series that match, in order of name and labels."""
        ...

    def names(self) -> list[str]:
        """Metric names in order."""
        ...

    def label_values(self, label: str, selector: Selector | None = None) -> list[str]:
        """Distinct values of a label in order."""
        ...

    def raw(
        self, selector: Selector, start_ms: int, end_ms: int, *, limit: int = 1_000_000
    ) -> list[SeriesPoints]:
        """Stored samples in [start, end), by series; `TooMuch` above `limit` samples."""
        ...

    def window(
        self,
        selector: Selector,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        *,
        over_time: Aggregate = "avg",
        across: Aggregate | None = None,
        by: tuple[str, ...] = (),
    ) -> list[SeriesPoints]:
        """Buckets [start + i·step, start + (i+1)·step) of each series, reduced by `over_time`.

        `across` then reduces the series to one, or to one per distinct values of the labels `by`.
        Start is aligned down to the step. Percentiles over more than raw resolution are taken over
        the finest rollup that answers in time and are documented as such.
        """
        ...

    def latest(self, selector: Selector, *, since_ms: int) -> list[SeriesPoints]:
        """The newest sample of each series at or after `since_ms`, one point each."""
        ...

    def delete(self, selector: Selector) -> int:
        """Delete matching series with their samples; the number of series deleted."""
        ...


class MetricBackend(Protocol):
    """Opens per-tenant stores and does the housekeeping of all."""

    def scoped(self, tenant: str) -> MetricStore: ...

    def maintain(self, now_ms: int) -> None:
        """One bounded step of compaction and retention; called often, cheap when idle."""
        ...

    def health(self) -> StoreHealth: ...

    def close(self) -> None: ...
