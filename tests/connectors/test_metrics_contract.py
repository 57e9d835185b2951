"""What every metric backend must do: one suite, each backend in turn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from connectors.errors import Refused, TooMuch
from connectors.protocols import MetricBackend, MetricStore
from connectors.selector import parse_selector, select
from connectors.sqlite_metrics import SqliteMetricBackend
from connectors.telemetry import MetricBatch, Series
from connectors.victoriametrics import VictoriaMetricsBackend

MINUTE = 60_000
T0 = 1_750_000_000_000 // (4 * 3_600_000) * (4 * 3_600_000)  # a slot boundary of the chunks


class Opened:
    """A backend and what brings its writes into view: compaction or a flush, when it has one."""

    def __init__(
        self,
        backend: MetricBackend,
        settle: Callable[[], None],
        *,
        tenant: str = "acme",
        last_write_wins: bool = True,
    ) -> None:
        self.backend = backend
        self.settle = settle
        self.last_write_wins = last_write_wins  # else any one of them, by the server's choice
        self.store: MetricStore = backend.scoped(tenant)


def open_sqlite(folder: Path) -> Iterator[Opened]:
    backend = SqliteMetricBackend(folder)
    yield Opened(backend, lambda: None)
    backend.close()


def open_compacted_sqlite(folder: Path) -> Iterator[Opened]:
    backend = SqliteMetricBackend(folder)
    yield Opened(backend, backend.compact)
    backend.close()


def open_victoriametrics(folder: Path) -> Iterator[Opened]:
    url = os.environ["AIOBS_TEST_VM_URL"]
    backend = VictoriaMetricsBackend(folder, url)
    yield Opened(backend, backend.settle, tenant=uuid4().hex, last_write_wins=False)
    backend.close()


OPENERS: dict[str, Callable[[Path], Iterator[Opened]]] = {
    "sqlite-log": open_sqlite,
    "sqlite-chunks": open_compacted_sqlite,
    "victoriametrics": open_victoriametrics,
}


@pytest.fixture(params=list(OPENERS))
def opened(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Opened]:
    if request.param == "victoriametrics":
        monkeypatch.setenv("AIOBS_TEST_VM_URL", request.getfixturevalue("victoriametrics").url)
    yield from OPENERS[request.param](tmp_path / "metrics")


def batch(*samples: tuple[Series, int, float]) -> MetricBatch:
    return MetricBatch(
        [s for s, _, _ in samples],
        np.arange(len(samples), dtype=np.int32),
        np.array([t for _, t, _ in samples], np.int64),
        np.array([v for _, _, v in samples], np.float64),
    )


CPU_A = Series("cpu", {"host": "a", "region": "eu-1"})
CPU_B = Series("cpu", {"host": "b", "region": "us-1"})
RAM_A = Series("ram", {"host": "a"})


def test_an_acknowledged_sample_is_read_back(opened: Opened) -> None:
    opened.store.append(batch((CPU_A, T0, 1.5)))
    opened.settle()
    (points,) = opened.store.raw(select("cpu"), T0, T0 + 1)
    assert points.series == CPU_A
    assert points.timestamps_ms.tolist() == [T0]
    assert points.values.tolist() == [1.5]


def test_the_end_of_a_window_is_exclusive_and_its_start_inclusive(opened: Opened) -> None:
    opened.store.append(batch(*((CPU_A, T0 + i, float(i)) for i in range(4))))
    opened.settle()
    (points,) = opened.store.raw(select("cpu"), T0 + 1, T0 + 3)
    assert points.values.tolist() == [1.0, 2.0]


def test_the_last_write_to_a_timestamp_wins(opened: Opened) -> None:
    opened.store.append(batch((CPU_A, T0, 1.0), (CPU_A, T0, 2.0)))
    opened.settle()
    opened.store.append(batch((CPU_A, T0, 0.5)))
    opened.settle()
    (points,) = opened.store.raw(select("cpu"), T0, T0 + 1)
    assert points.values.tolist() in ([[0.5]] if opened.last_write_wins else [[0.5], [2.0]])


def test_a_retried_batch_changes_nothing(opened: Opened) -> None:
    sent = batch(*((CPU_A, T0 + i * 1_000, 1.0) for i in range(60)))
    opened.store.append(sent)
    opened.settle()
    opened.store.append(sent)
    opened.settle()
    (points,) = opened.store.window(select("cpu"), T0, T0 + MINUTE, MINUTE, over_time="count")
    assert points.values.tolist() == [60.0]


def test_late_samples_take_their_place_in_time(opened: Opened) -> None:
    opened.store.append(batch((CPU_A, T0 + 2_000, 2.0)))
    opened.settle()
    opened.store.append(batch((CPU_A, T0 + 1_000, 1.0), (CPU_A, T0 - 5 * 3_600_000, 0.0)))
    opened.settle()
    (points,) = opened.store.raw(select("cpu"), 0, T0 + MINUTE)
    assert points.values.tolist() == [0.0, 1.0, 2.0]


def test_nan_and_infinity_are_not_stored(opened: Opened) -> None:
    opened.store.append(batch((CPU_A, T0, np.nan), (CPU_A, T0 + 1, 4.0), (CPU_A, T0 + 2, np.inf)))
    opened.settle()
    (points,) = opened.store.window(select("cpu"), T0, T0 + MINUTE, MINUTE)
    assert points.values.tolist() == [4.0]


def test_an_empty_batch_is_accepted(opened: Opened) -> None:
    opened.store.append(batch())
    assert opened.store.names() == []


@pytest.mark.parametrize(
    ("over_time", "expected"),
    [
        ("avg", [2.5, 10.0]),
        ("sum", [10.0, 10.0]),
        ("min", [1.0, 10.0]),
        ("max", [4.0, 10.0]),
        ("count", [4.0, 1.0]),
        ("last", [2.0, 10.0]),
        ("p50", [2.5, 10.0]),
        ("p95", [3.85, 10.0]),  # order statistics 1 2 3 4 at position 0.95 * 3 = 2.85
        ("p99", [3.97, 10.0]),
    ],
)
def test_each_aggregate_reduces_a_bucket(
    opened: Opened, over_time: str, expected: list[float]
) -> None:
    values = [1.0, 4.0, 3.0, 2.0]
    opened.store.append(batch(*((CPU_A, T0 + i * 15_000, v) for i, v in enumerate(values))))
    opened.store.append(batch((CPU_A, T0 + 2 * MINUTE, 10.0)))
    opened.settle()
    (points,) = opened.store.window(select("cpu"), T0, T0 + 3 * MINUTE, MINUTE, over_time=over_time)
    assert points.timestamps_ms.tolist() == [T0, T0 + MINUTE, T0 + 2 * MINUTE]
    assert np.isnan(points.values[1])
    assert points.values[[0, 2]] == pytest.approx(expected)


def test_the_start_is_aligned_down_and_the_last_bucket_is_whole(opened: Opened) -> None:
    opened.store.append(batch(*((CPU_A, T0 + i * 30_000, float(i)) for i in range(4))))
    opened.settle()
    (points,) = opened.store.window(
        select("cpu"), T0 + 10_000, T0 + MINUTE + 1, MINUTE, over_time="sum"
    )
    assert points.timestamps_ms.tolist() == [T0, T0 + MINUTE]
    assert points.values.tolist() == [1.0, 5.0]


def test_increase_survives_a_reset_and_adds_up_over_buckets(opened: Opened) -> None:
    counter = [100.0, 110.0, 130.0, 5.0, 15.0, 15.0]  # +10 +20, reset: +5, +10, +0
    opened.store.append(batch(*((CPU_A, T0 + i * 30_000, v) for i, v in enumerate(counter))))
    opened.settle()
    (points,) = opened.store.window(
        select("cpu"), T0, T0 + 3 * MINUTE, MINUTE, over_time="increase"
    )
    assert points.values.tolist() == [10.0, 25.0, 10.0]


def test_increase_counts_growth_since_the_sample_before_the_window(opened: Opened) -> None:
    opened.store.append(batch((CPU_A, T0 - 30_000, 7.0), (CPU_A, T0 + 30_000, 10.0)))
    opened.settle()
    (points,) = opened.store.window(select("cpu"), T0, T0 + MINUTE, MINUTE, over_time="increase")
    assert points.values.tolist() == [3.0]


def test_rate_is_increase_per_second(opened: Opened) -> None:
    opened.store.append(batch((CPU_A, T0, 0.0), (CPU_A, T0 + 30_000, 120.0)))
    opened.settle()
    (points,) = opened.store.window(select("cpu"), T0, T0 + MINUTE, MINUTE, over_time="rate")
    assert points.values.tolist() == [2.0]


@pytest.mark.parametrize(
    ("across", "expected"),
    [("sum", 40.0), ("avg", 20.0), ("min", 10.0), ("max", 30.0), ("count", 2.0), ("p50", 20.0)],
)
def test_across_reduces_series_to_one(opened: Opened, across: str, expected: float) -> None:
    opened.store.append(batch((CPU_A, T0, 5.0), (CPU_A, T0 + 1, 15.0), (CPU_B, T0, 30.0)))
    opened.settle()
    (points,) = opened.store.window(select("cpu"), T0, T0 + 2 * MINUTE, MINUTE, across=across)
    assert points.series == Series("cpu")
    assert points.values[0] == expected
    assert np.isnan(points.values[1])


def test_by_groups_series_in_order_of_the_labels(opened: Opened) -> None:
    third = Series("cpu", {"host": "c", "region": "eu-1"})
    opened.store.append(batch((CPU_B, T0, 1.0), (CPU_A, T0, 10.0), (third, T0, 30.0)))
    opened.settle()
    eu, us = opened.store.window(
        select("cpu"), T0, T0 + MINUTE, MINUTE, across="sum", by=("region",)
    )
    assert (eu.series, us.series) == (
        Series("cpu", {"region": "eu-1"}),
        Series("cpu", {"region": "us-1"}),
    )
    assert (eu.values.tolist(), us.values.tolist()) == ([40.0], [1.0])


@pytest.mark.parametrize("across", ["increase", "rate", "last"])
def test_a_reduction_over_time_is_refused_across_series(opened: Opened, across: str) -> None:
    with pytest.raises(Refused):
        opened.store.window(select("cpu"), T0, T0 + MINUTE, MINUTE, across=across)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cpu", [CPU_A, CPU_B]),
        ('{host="a"}', [CPU_A, RAM_A]),
        ('cpu{host!="a"}', [CPU_B]),
        ('cpu{region=~"eu.*"}', [CPU_A]),
        ('{region!~"eu.*"}', [CPU_B, RAM_A]),
        ('{host="a",region=""}', [RAM_A]),
        ('{region=~"eu.*|"}', [CPU_A, RAM_A]),
        ("disk", []),
    ],
)
def test_selectors_choose_series_as_in_prometheus(
    opened: Opened, text: str, expected: list[Series]
) -> None:
    opened.store.append(batch((RAM_A, T0, 1.0), (CPU_B, T0, 1.0), (CPU_A, T0, 1.0)))
    opened.settle()
    assert opened.store.series(parse_selector(text)) == expected


def test_names_and_label_values_are_in_order(opened: Opened) -> None:
    opened.store.append(batch((RAM_A, T0, 1.0), (CPU_B, T0, 1.0), (CPU_A, T0, 1.0)))
    opened.settle()
    assert opened.store.names() == ["cpu", "ram"]
    assert opened.store.label_values("host") == ["a", "b"]
    assert opened.store.label_values("host", select("ram")) == ["a"]
    assert opened.store.label_values("nothing") == []


def test_series_returns_the_first_of_its_limit(opened: Opened) -> None:
    opened.store.append(batch((RAM_A, T0, 1.0), (CPU_B, T0, 1.0), (CPU_A, T0, 1.0)))
    opened.settle()
    assert opened.store.series(parse_selector('{host=~".+"}'), limit=2) == [CPU_A, CPU_B]


def test_latest_gives_the_newest_sample_since_a_time(opened: Opened) -> None:
    opened.store.append(batch((CPU_A, T0, 1.0), (CPU_A, T0 + 5, 2.0), (CPU_B, T0 - 1, 9.0)))
    opened.settle()
    (points,) = opened.store.latest(select("cpu"), since_ms=T0)
    assert (points.series, points.timestamps_ms.tolist(), points.values.tolist()) == (
        CPU_A,
        [T0 + 5],
        [2.0],
    )


def test_too_many_samples_are_refused_not_cut(opened: Opened) -> None:
    opened.store.append(batch(*((CPU_A, T0 + i, 1.0) for i in range(11))))
    opened.settle()
    assert len(opened.store.raw(select("cpu"), T0, T0 + 11, limit=11)[0].values) == 11
    with pytest.raises(TooMuch):
        opened.store.raw(select("cpu"), T0, T0 + 11, limit=10)


def test_a_tenant_never_sees_another(opened: Opened) -> None:
    other = opened.backend.scoped("other")
    opened.store.append(batch((CPU_A, T0, 1.0)))
    other.append(batch((CPU_A, T0, 2.0), (RAM_A, T0, 2.0)))
    opened.settle()
    assert opened.store.names() == ["cpu"]
    assert opened.store.raw(select("cpu"), T0, T0 + 1)[0].values.tolist() == [1.0]
    assert opened.store.delete(select("cpu")) == 1
    assert other.raw(select("cpu"), T0, T0 + 1)[0].values.tolist() == [2.0]


def test_deleted_series_are_gone_and_may_come_back_empty(opened: Opened) -> None:
    opened.store.append(batch((CPU_A, T0, 1.0), (CPU_B, T0, 1.0)))
    opened.settle()
    assert opened.store.delete(parse_selector('cpu{host="a"}')) == 1
    opened.settle()
    assert opened.store.series(select("cpu")) == [CPU_B]
    opened.store.append(batch((CPU_A, T0 + 1, 3.0)))
    opened.settle()
    points = opened.store.raw(parse_selector('cpu{host="a"}'), T0, T0 + MINUTE)
    assert [p.values.tolist() for p in points] == [[3.0]]


def test_health_names_the_backend(opened: Opened) -> None:
    health = opened.backend.health()
    assert health.ok
    assert health.name


def test_maintain_keeps_every_sample_inside_retention(opened: Opened) -> None:
    opened.store.append(batch(*((CPU_A, T0 + i * 1_000, float(i)) for i in range(100))))
    opened.settle()
    for minutes in range(30):
        opened.backend.maintain(T0 + minutes * MINUTE)
    (points,) = opened.store.raw(select("cpu"), T0, T0 + 100_000)
    assert points.values.tolist() == [float(i) for i in range(100)]
