"""Forecasts: exact on plain series, covering on noisy ones, honest on short ones."""

from __future__ import annotations

import numpy as np
import pytest

from engines import business
from engines.errors import EngineError, InsufficientData


def test_a_constant_series_continues_without_doubt() -> None:
    found = business.forecast(np.full(100, 3.0), 10)
    assert found.total == pytest.approx(30.0)
    assert found.total_interval.low == found.total_interval.high == pytest.approx(30.0)


def test_a_season_is_continued() -> None:
    hours = np.arange(24 * 6)
    rng = np.random.default_rng(1)
    clean = 10 + 5 * np.sin(hours / 24 * 2 * np.pi)
    found = business.forecast(clean[:96] + rng.normal(0, 0.2, 96), 48)
    assert found.method == "seasonal"
    assert np.abs(found.values - clean[96:]).max() < 1.5
    assert found.total_interval.low < clean[96:].sum() < found.total_interval.high


def test_small_amounts_are_forecast_as_well_as_large_ones() -> None:
    hours = np.arange(24 * 4)
    series = 10 + 5 * np.sin(hours / 24 * 2 * np.pi) + np.random.default_rng(2).normal(0, 0.3, 96)
    large, small = business.forecast(series, 24), business.forecast(series * 1e-6, 24)
    assert small.total * 1e6 == pytest.approx(large.total, rel=1e-3)


def test_a_short_history_gets_a_wide_level() -> None:
    rng = np.random.default_rng(3)
    short, longer = rng.gamma(9, 1.0, 14), rng.gamma(9, 1.0, 60)
    few, many = business.forecast(short, 24), business.forecast(longer, 24)
    assert (few.method, many.method) == ("level", "level")
    assert _width(few) > _width(many)


def _width(found: business.Forecast) -> float:
    return (found.total_interval.high - found.total_interval.low) / found.total


def test_the_interval_of_a_level_covers_independent_noise() -> None:
    hits = 0
    for seed in range(300):
        series = np.random.default_rng(seed).gamma(4, 2.0, 24 + 48)
        found = business.forecast(series[:24], 48, level=0.9)
        hits += found.total_interval.low <= series[24:].sum() <= found.total_interval.high
    assert 0.84 <= hits / 300 <= 0.97


def test_the_interval_of_a_season_covers_what_comes() -> None:
    hits = 0
    at = np.arange(24 * 8)
    rhythm = 10 + 4 * np.sin(at / 24 * 2 * np.pi)
    for seed in range(12):
        series = rhythm * np.random.default_rng(seed).gamma(100, 0.01, len(at))
        found = business.forecast(series[:96], 96, level=0.9)
        hits += found.total_interval.low <= series[96:].sum() <= found.total_interval.high
    assert hits >= 9  # 9 or more of 12 with probability 0.97 at true coverage 0.9


def test_nothing_falls_under_zero() -> None:
    falling = np.maximum(0, np.linspace(5, 0, 96) + np.random.default_rng(4).normal(0, 0.2, 96))
    found = business.forecast(falling, 48)
    assert (found.values >= 0).all()
    assert (found.low >= 0).all()
    assert found.total_interval.low >= 0


def test_the_same_seed_gives_the_same_forecast() -> None:
    series = np.random.default_rng(5).gamma(9, 1.0, 96)
    one, other = business.forecast(series, 24, seed=1), business.forecast(series, 24, seed=1)
    assert one.total_interval == other.total_interval


def test_too_little_and_a_horizon_of_nothing_are_refused() -> None:
    with pytest.raises(InsufficientData):
        business.forecast(np.ones(11), 5)
    with pytest.raises(EngineError):
        business.forecast(np.ones(20), 0)
