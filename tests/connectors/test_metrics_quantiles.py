"""Quantiles over more samples than are read raw: what they are taken over, and when refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from connectors.errors import TooMuch
from connectors.selector import select
from connectors.sqlite_metrics import SqliteMetricBackend, rolled
from connectors.telemetry import MetricBatch, Series

T0 = 1_750_032_000_000
HOUR = 3_600_000
VALUES = np.random.default_rng(5).lognormal(3, 1, 2_880).round(3)  # 12 h at 15 s


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[SqliteMetricBackend]:
    backend = SqliteMetricBackend(tmp_path)
    stamps = T0 + np.arange(2_880) * 15_000
    batch = MetricBatch([Series("m")], np.zeros(2_880, np.int32), stamps, VALUES)
    backend.scoped("t").append(batch)
    backend.compact()
    yield backend
    backend.close()


def p95(backend: SqliteMetricBackend, step_ms: int) -> np.ndarray:
    (points,) = backend.scoped("t").window(
        select("m"), T0, T0 + 12 * HOUR, step_ms, over_time="p95"
    )
    return points.values


def test_quantiles_are_of_raw_samples_up_to_the_budget(backend: SqliteMetricBackend) -> None:
    expected = np.percentile(VALUES.reshape(12, -1), 95, axis=1)
    np.testing.assert_allclose(p95(backend, HOUR), expected)


def test_above_the_budget_quantiles_are_of_minute_averages(
    backend: SqliteMetricBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolled, "QUANTILE_SAMPLES", 1_000)
    minutes = VALUES.reshape(12, 60, 4).mean(axis=2)
    np.testing.assert_allclose(p95(backend, HOUR), np.percentile(minutes, 95, axis=1))


def test_a_quantile_that_would_rank_too_few_averages_is_refused(
    backend: SqliteMetricBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolled, "QUANTILE_SAMPLES", 1_000)
    with pytest.raises(TooMuch):
        p95(backend, 5 * 60_000)
