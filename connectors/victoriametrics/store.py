"""One tenant's metrics in VictoriaMetrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.errors import TooMuch
from connectors.protocols import Aggregate, SeriesPoints
from connectors.selector import Selector
from connectors.sqlite_metrics.log import AppendLog, finite_batch
from connectors.sqlite_metrics.window import Across, Grid, check_across, grid_of, group_series
from connectors.telemetry import MetricBatch, Series
from connectors.victoriametrics import metricsql
from connectors.victoriametrics.client import Client
from connectors.victoriametrics.spool import Spool

_DAY_MS = 86_400_000
_LONGEST_LOOK_MS = 3_650 * 86_400_000  # the server answers nothing for windows of many decades
LOOKBACK_MS = 3_600_000
Floats = NDArray[np.float64]


class _Line(msgspec.Struct):
    """One line of an export."""

    metric: dict[str, str]
    values: list[float | None]
    timestamps: list[int]


_decode_line = msgspec.json.Decoder(_Line).decode


class VictoriaMetricsStore:
    """Samples of one tenant; see `connectors.protocols.MetricStore`.

    What differs from the protocol, because the server decides it: of several writes to one
    timestamp that reach it in different requests, one is kept, in some versions the last and in
    others the largest; and new samples can be read after about a second.
    """

    def __init__(
        self,
        tenant: str,
        log: AppendLog,
        spool: Spool,
        client: Client,
        clock: Callable[[], int],
        check_room: Callable[[], None],
    ) -> None:
        self._tenant = tenant
        self._log = log
        self._spool = spool
        self._client = client
        self._clock = clock
        self._check_room = check_room

    def append(self, batch: MetricBatch) -> None:
        """Return once every finite sample is in the hub's log; the server gets it from there."""
        batch = finite_batch(batch)
        if len(batch):
            self._check_room()
            self._log.append(self._tenant, batch)
            self._spool.wake()

    def series(self, selector: Selector, *, limit: int = 10_000) -> list[Series]:
        found = [metricsql.series_of(s) for s in self._client.series(self._match(selector))]
        return sorted(found, key=lambda s: (s.name, s.labels))[:limit]

    def names(self) -> list[str]:
        return sorted(self._client.values("__name__", self._match(Selector())))

    def label_values(self, label: str, selector: Selector | None = None) -> list[str]:
        if selector is None:
            return sorted(self._client.values(label, self._match(Selector())))
        return sorted({s.label(label) for s in self.series(selector, limit=2**31)} - {""})

    def raw(
        self, selector: Selector, start_ms: int, end_ms: int, *, limit: int = 1_000_000
    ) -> list[SeriesPoints]:
        stamps: dict[Series, list[int]] = {}
        values: dict[Series, list[float]] = {}
        total = 0
        for text in self._client.export(self._match(selector), start_ms, end_ms - 1):
            line = _decode_line(text)
            series = metricsql.series_of(line.metric)
            total += len(line.timestamps)
            if total > limit:
                raise TooMuch(f"more than {limit} samples in this window: ask for less")
            known = [i for i, value in enumerate(line.values) if value is not None]
            stamps.setdefault(series, []).extend(line.timestamps[i] for i in known)
            values.setdefault(series, []).extend(line.values[i] for i in known)  # type: ignore[misc]
        return [
            _sorted_points(s, stamps[s], values[s])
            for s in sorted(stamps, key=lambda s: (s.name, s.labels))
        ]

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
        check_across(across)
        grid = grid_of(start_ms, end_ms, step_ms)
        match = self._match(selector)
        if over_time in ("increase", "rate"):
            grown = self._growth(match, grid, over_time)
            return grown if across is None else _reduced(grown, grid, across, by)
        expression = metricsql.over_time(over_time, match, step_ms)
        if across is None:
            return _points(self._range(f"{expression} keep_metric_names", grid), grid)
        answer = self._range(metricsql.across(across, expression, by), grid)
        name = selector.name or self._common_name(selector)
        for row in answer:
            row["metric"]["__name__"] = name
        return _points(answer, grid)

    def latest(self, selector: Selector, *, since_ms: int) -> list[SeriesPoints]:
        last_ms = max(self._clock(), since_ms) + _DAY_MS
        since_ms = max(since_ms, last_ms - _LONGEST_LOOK_MS)
        window = f"{self._match(selector)}[{last_ms - since_ms + 1}ms]"
        values = self._instant(f"last_over_time({window}) keep_metric_names", last_ms)
        moments = self._instant(f"tlast_over_time({window}) keep_metric_names", last_ms)
        return [
            SeriesPoints(s, np.array([round(moments[s] * 1_000)], np.int64), np.array([values[s]]))
            for s in sorted(values, key=lambda s: (s.name, s.labels))
            if s in moments
        ]

    def delete(self, selector: Selector) -> int:
        self._spool.forward()
        self._client.flush()
        series = self.series(selector, limit=2**31)
        if series:
            self._client.delete(self._match(selector))
            self._log.delete_named(self._tenant, series)
        return len(series)

    def _match(self, selector: Selector) -> str:
        return metricsql.match_of(selector, self._tenant)

    def _common_name(self, selector: Selector) -> str:
        names = {s.name for s in self.series(selector, limit=2**31)}
        return names.pop() if len(names) == 1 else ""

    def _range(self, query: str, grid: Grid) -> list[dict[str, Any]]:
        first_ms = grid.start_ms + grid.step_ms - 1
        last_ms = first_ms + grid.step_ms * (grid.buckets - 1)
        answer = self._client.read(
            "/api/v1/query_range",
            query=query,
            start=first_ms / 1_000,
            end=last_ms / 1_000,
            step=f"{grid.step_ms}ms",
            nocache="1",  # with the cache, the server moves start and end to multiples of the step
        )
        rows: list[dict[str, Any]] = answer["result"]
        return rows

    def _instant(self, query: str, moment_ms: int) -> dict[Series, float]:
        answer = self._client.read("/api/v1/query", query=query, time=moment_ms / 1_000)
        return {
            metricsql.series_of(row["metric"]): float(row["value"][1]) for row in answer["result"]
        }

    def _growth(self, match: str, grid: Grid, how: Aggregate) -> list[SeriesPoints]:
        """Growth inside each bucket, and since the sample before it, found by carrying it on."""
        window = f"{match}[{grid.step_ms}ms]"

        def parts(function: str) -> dict[Series, Floats]:
            rows = self._range(f"{function}({window}) keep_metric_names", grid)
            return {p.series: p.values for p in _points(rows, grid)}

        inside, first, last = (
            parts(f) for f in ("increase_prometheus", "first_over_time", "last_over_time")
        )
        earlier = f"last_over_time({match}[{LOOKBACK_MS}ms]) keep_metric_names"
        before = self._instant(earlier, grid.start_ms - 1)
        scale = 1.0 if how == "increase" else 1_000 / grid.step_ms
        found = []
        for series, begins in first.items():
            known = np.concatenate(([before.get(series, np.nan)], last[series][:-1]))
            filled = np.maximum.accumulate(np.where(np.isnan(known), 0, np.arange(len(known))))
            step = begins - known[filled]
            grown = np.where(step < 0, begins, np.nan_to_num(step))
            grown += np.nan_to_num(inside.get(series, np.zeros(grid.buckets)))
            grown[np.isnan(begins)] = np.nan
            found.append(SeriesPoints(series, grid.stamps(), grown * scale))
        return found


def _points(rows: list[dict[str, Any]], grid: Grid) -> list[SeriesPoints]:
    first_ms = grid.start_ms + grid.step_ms - 1
    found = [
        SeriesPoints(
            metricsql.series_of(row["metric"]),
            grid.stamps(),
            metricsql.grid_values(row["values"], first_ms, grid.step_ms, grid.buckets),
        )
        for row in rows
    ]
    return sorted(found, key=lambda p: (p.series.name, p.series.labels))


def _reduced(
    points: list[SeriesPoints], grid: Grid, across: Aggregate, by: tuple[str, ...]
) -> list[SeriesPoints]:
    if not points:
        return []
    groups, group_of = group_series([p.series for p in points], by)
    reducer = Across(len(groups), grid.buckets, across)
    reducer.add(np.stack([p.values for p in points]), group_of)
    return [
        SeriesPoints(series, grid.stamps(), values)
        for series, values in zip(groups, reducer.result(), strict=True)
    ]


def _sorted_points(series: Series, stamps: list[int], values: list[float]) -> SeriesPoints:
    moments = np.array(stamps, np.int64)
    order = np.argsort(moments, kind="stable")
    return SeriesPoints(series, moments[order], np.array(values, np.float64)[order])
