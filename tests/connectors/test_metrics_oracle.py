"""The SQLite backend against a dict of lists, for random histories."""

from __future__ import annotations

import tempfile
from bisect import bisect_left
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.protocols import Aggregate
from connectors.selector import select
from connectors.sqlite_metrics import SqliteMetricBackend
from connectors.telemetry import MetricBatch, Series

MINUTE = 60_000
HOUR = 60 * MINUTE
T0 = 1_750_000_000_000 // (240 * HOUR) * (240 * HOUR)
LOOKBACK_MS = HOUR
SERIES = [Series("m", {"i": str(i), "side": "ab"[i % 2]}) for i in range(4)]
OVER_TIME: tuple[Aggregate, ...] = (
    "avg", "sum", "min", "max", "count", "last", "p50", "p95", "p99", "increase", "rate",
)  # fmt: skip
ACROSS: tuple[Aggregate, ...] = ("avg", "sum", "min", "max", "count", "p50", "p95", "p99")


class Oracle:
    """A dict of lists and plain loops."""

    def __init__(self) -> None:
        self.samples: dict[Series, dict[int, float]] = {}
        self.ordered: dict[Series, list[tuple[int, float]]] = {}

    def append(self, batch: MetricBatch) -> None:
        self.ordered.clear()
        for i, t, v in zip(batch.index, batch.timestamps_ms, batch.values, strict=True):
            self.samples.setdefault(batch.series[i], {})[int(t)] = float(v)

    def raw(self, series: Series, start: int, end: int) -> list[tuple[int, float]]:
        if series not in self.ordered:
            self.ordered[series] = sorted(self.samples[series].items())
        ordered = self.ordered[series]
        first, last = (bisect_left(ordered, t, key=lambda pair: pair[0]) for t in (start, end))
        return ordered[first:last]

    def window(self, series: Series, start: int, end: int, step: int, how: str) -> list[float]:
        start -= start % step
        return [self._bucket(series, start, t, t + step, how) for t in range(start, end, step)]

    def _bucket(self, series: Series, origin: int, start: int, end: int, how: str) -> float:
        inside = self.raw(series, start, end)
        if not inside:
            return float("nan")
        values = [v for _, v in inside]
        if how in ("increase", "rate"):
            before = self.raw(series, origin - LOOKBACK_MS, start)
            chain = [v for _, v in before[-1:]] + values
            pairs = zip(chain[:-1], chain[1:], strict=True)
            grown = sum(b - a if b >= a else b for a, b in pairs)
            return grown if how == "increase" else grown * 1_000 / (end - start)
        return reduced(values, how)


def reduced(values: list[float], how: str) -> float:
    if how.startswith("p"):
        return float(np.percentile(values, int(how[1:])))
    table = {"avg": np.mean, "sum": np.sum, "min": np.min, "max": np.max, "count": len}
    return values[-1] if how == "last" else float(table[how](values))


moments = st.one_of(
    st.integers(0, 8).map(lambda i: T0 + i * 15_000),
    st.integers(0, 30 * MINUTE).map(lambda i: T0 + i),
    st.integers(-30 * HOUR, 5 * HOUR).map(lambda i: T0 + i),
)
numbers = st.one_of(
    st.integers(0, 20).map(float),
    st.integers(-10_000, 10_000).map(lambda i: i / 100),
    st.floats(-1e9, 1e9, allow_subnormal=False),
)
samples = st.lists(st.tuples(st.integers(0, 3), moments, numbers), min_size=1, max_size=40)
grids = st.tuples(
    st.integers(0, 3), moments, st.integers(-3, 40), st.sampled_from([15_000, 45_000, MINUTE, HOUR])
).map(lambda g: [(g[0], g[1] + i * g[3], float(i * g[2])) for i in range(60)])
steps = st.lists(
    st.one_of(samples, grids, st.sampled_from(["maintain", "compact", "reopen", "read"])),
    min_size=1,
    max_size=10,
)
windows = st.tuples(
    moments,
    st.integers(1, 40),
    st.sampled_from([1_000, 15_000, MINUTE, 5 * MINUTE, 7 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR]),
)


def batch_of(rows: list[tuple[int, int, float]]) -> MetricBatch:
    return MetricBatch(
        SERIES,
        np.array([i for i, _, _ in rows], np.int32),
        np.array([t for _, t, _ in rows], np.int64),
        np.array([v for _, _, v in rows], np.float64),
    )


def open_backend(folder: str) -> SqliteMetricBackend:
    return SqliteMetricBackend(Path(folder), compact_after_samples=30, retention_days=3650)


def play(folder: str, history: list[object], oracle: Oracle) -> SqliteMetricBackend:
    backend = open_backend(folder)
    for step in history:
        if isinstance(step, list):
            backend.scoped("t").append(batch_of(step))
            oracle.append(batch_of(step))
        elif step == "maintain":
            backend.maintain(T0)
        elif step == "compact":
            backend.compact()
        elif step == "read":
            backend.scoped("t").latest(select("m"), since_ms=T0)
        else:
            backend.close()
            backend = open_backend(folder)
    return backend


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps, windows)
def test_windows_equal_the_oracle(history: list[object], window: tuple[int, int, int]) -> None:
    start, buckets, step = window
    end = start + buckets * step
    oracle = Oracle()
    with tempfile.TemporaryDirectory() as folder:
        backend = play(folder, history, oracle)
        store = backend.scoped("t")
        for how in OVER_TIME:
            found = store.window(select("m"), start, end, step, over_time=how)
            expected = {
                s: values
                for s in oracle.samples
                if not np.isnan(values := oracle.window(s, start, end, step, how)).all()
            }
            assert [p.series for p in found] == [s for s in SERIES if s in expected]
            for points in found:
                np.testing.assert_allclose(
                    points.values, expected[points.series], rtol=1e-9, atol=1e-6, err_msg=how
                )
        backend.close()


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps, windows, st.sampled_from(ACROSS))
def test_reductions_across_series_equal_the_oracle(
    history: list[object], window: tuple[int, int, int], across: Aggregate
) -> None:
    start, buckets, step = window
    end = start + buckets * step
    oracle = Oracle()
    with tempfile.TemporaryDirectory() as folder:
        backend = play(folder, history, oracle)
        found = backend.scoped("t").window(
            select("m"), start, end, step, across=across, by=("side",)
        )
        for points in found:
            members = [
                oracle.window(s, start, end, step, "avg")
                for s in oracle.samples
                if s.label("side") == points.series.label("side")
            ]
            expected = [
                reduced(list(column[~np.isnan(column)]), across)
                if (~np.isnan(column)).any()
                else np.nan
                for column in np.array(members).T
            ]
            np.testing.assert_allclose(points.values, expected, rtol=1e-9, atol=1e-6)
        backend.close()


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps, moments, st.integers(1, 40 * HOUR))
def test_raw_and_latest_equal_the_oracle(history: list[object], start: int, length: int) -> None:
    oracle = Oracle()
    with tempfile.TemporaryDirectory() as folder:
        backend = play(folder, history, oracle)
        store = backend.scoped("t")
        found = {p.series: p for p in store.raw(select("m"), start, start + length)}
        newest = {p.series: p for p in store.latest(select("m"), since_ms=start)}
        for series in oracle.samples:
            expected = oracle.raw(series, start, start + length)
            points = found.get(series)
            got = [] if points is None else [*zip(points.timestamps_ms, points.values, strict=True)]
            assert got == expected
            after = oracle.raw(series, start, 2**60)
            last = newest.get(series)
            assert ([] if last is None else [(last.timestamps_ms[0], last.values[0])]) == after[-1:]
        backend.close()


@pytest.mark.parametrize("seed", range(5))
def test_a_dense_day_equals_the_oracle_at_any_step(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    backend, oracle = open_backend(str(tmp_path)), Oracle()
    for hour in range(26):
        n = 240 * len(SERIES)
        batch = MetricBatch(
            SERIES,
            np.repeat(np.arange(len(SERIES), dtype=np.int32), 240),
            T0 + hour * HOUR + np.tile(np.arange(240) * 15_000, len(SERIES)),
            rng.normal(50, 5, n).round(int(rng.integers(0, 4))),
        )
        backend.scoped("t").append(batch)
        oracle.append(batch)
        if rng.random() < 0.3:
            backend.maintain(T0)
    for how in OVER_TIME:
        for step in (MINUTE, 3 * MINUTE, HOUR, 4 * HOUR):
            start = T0 + int(rng.integers(0, 3 * HOUR))
            for points in backend.scoped("t").window(
                select("m"), start, T0 + 26 * HOUR, step, over_time=how
            ):
                expected = oracle.window(points.series, start, T0 + 26 * HOUR, step, how)
                np.testing.assert_allclose(points.values, expected, rtol=1e-9, err_msg=how)
    backend.close()
