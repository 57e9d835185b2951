from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.robust.scale import mad

from engines.errors import EngineError, InsufficientData
from engines.series import METHODS, find_anomalies
from engines.series.season import expected, nan_median, pattern, rolling_median


def noise(seed: int, n: int = 336) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


def test_limit_is_the_bonferroni_quantile_of_the_normal() -> None:
    values = np.tile(stats.norm.ppf((np.arange(40) + 0.5) / 40), 10)
    found = find_anomalies(values)
    assert found.tail_df == float("inf")
    assert found.limit == pytest.approx(stats.norm.isf(0.05 / 800))


def test_scale_is_the_median_absolute_deviation_of_statsmodels() -> None:
    values = noise(1)
    found = find_anomalies(values)
    residual = values - found.expected
    reach = (found.high - found.low) / 2
    np.testing.assert_allclose(reach, found.limit * mad(residual))


def test_tail_df_of_a_t_is_found() -> None:
    values = np.random.default_rng(2).permutation(stats.t.ppf((np.arange(2000) + 0.5) / 2000, 4))
    assert find_anomalies(values).tail_df == pytest.approx(4, abs=0.6)


def test_nan_median_is_numpys() -> None:
    rows = np.random.default_rng(3).normal(size=(6, 50))
    rows[np.random.default_rng(4).random((6, 50)) < 0.4] = np.nan
    rows[0] = 1.0
    np.testing.assert_allclose(nan_median(rows), np.nanmedian(rows, axis=0))


def test_a_spike_is_found_with_what_was_expected() -> None:
    hours = np.arange(336)
    values = 50 + 20 * np.sin(hours / 24 * 2 * np.pi) + noise(5)
    values[100] -= 15
    found = find_anomalies(values, season=24)
    run = found.runs[0]
    assert (run.start, run.end, run.side) == (100, 101, "below")
    assert run.expected == pytest.approx(run.value + 15, abs=4)
    assert run.p_value < 0.01
    assert run.score < -found.limit


def test_outside_the_band_is_what_is_reported() -> None:
    values = np.random.default_rng(6).lognormal(0, 0.5, 336)
    values[40:42] = 60.0
    found = find_anomalies(values)
    outside = (values < found.low) | (values > found.high)
    assert found.transform in ("sqrt", "log")
    assert {i for run in found.runs for i in range(run.start, run.end)} == set(
        np.flatnonzero(outside).tolist()
    )


def test_a_flat_step_up_is_a_change_and_no_anomaly() -> None:
    values = np.r_[noise(7, 300), noise(8, 300) + 20]
    assert find_anomalies(values).runs == ()


@pytest.mark.parametrize("season", [None, 24])
def test_quiet_series_rarely_alarm(season: int | None) -> None:
    alarms = sum(bool(find_anomalies(noise(s), season=season).runs) for s in range(100, 160))
    assert alarms <= 8  # 5 % of 60 is 3; 9 or more has probability 0.3 %


def test_shift_and_scale_change_nothing_but_the_unit() -> None:
    values = noise(9)
    values[50] += 9
    one, other = find_anomalies(values), find_anomalies(-1000 + 7 * values)
    assert [(r.start, r.end) for r in one.runs] == [(r.start, r.end) for r in other.runs]
    np.testing.assert_allclose(other.expected, -1000 + 7 * one.expected)


def test_a_cycle_has_no_part_in_its_own_pattern() -> None:
    values = np.array([1.0, 2, 1, 2, 1, 2])
    values[0] = 100.0
    assert pattern(values, 2)[0] == 1.0


def test_expected_follows_a_trend_and_a_season_without_noise() -> None:
    hours = np.arange(240)
    values = 0.1 * hours + 5 * np.sin(hours / 24 * 2 * np.pi)
    np.testing.assert_allclose(expected(values, 24, 24)[24:-24], values[24:-24], atol=0.15)


def test_unknown_steps_are_never_anomalies() -> None:
    values = noise(10)
    values[30:60] = np.nan
    found = find_anomalies(values, season=24)
    assert found.n == 306
    assert all(run.end <= 30 or run.start >= 60 for run in found.runs)


def test_small_anomalies_can_be_left_out() -> None:
    values = 100 + 0.01 * noise(12)
    values[70] += 0.5
    assert len(find_anomalies(values).runs) == 1
    assert find_anomalies(values, least_share=0.05).runs == ()


def test_rolling_median_of_one_step_is_the_series() -> None:
    np.testing.assert_array_equal(rolling_median(noise(12), 1), noise(12))


@pytest.mark.parametrize(("values", "reason"), [(np.ones(100), "equal"), (np.ones(10), "40 known")])
def test_thin_or_constant_series_are_insufficient(values: np.ndarray, reason: str) -> None:
    with pytest.raises(InsufficientData, match=reason):
        find_anomalies(values)


def test_bad_alpha_is_refused() -> None:
    with pytest.raises(EngineError):
        find_anomalies(noise(13), alpha=1.0)


def test_every_method_is_registered_with_its_documentation() -> None:
    assert all("References" in (method.__doc__ or "") for method in METHODS.values())


def test_three_incidents_of_a_day_do_not_hide_one_another() -> None:
    values = noise(11, 96)
    at = [20, 21, 22, 50, 51, 52, 80, 81, 82]  # 9 %: far more than the tails are read from
    values[at] += 12
    found = sorted((run.start, run.end) for run in find_anomalies(values).runs)
    assert found == [(20, 23), (50, 53), (80, 83)]
