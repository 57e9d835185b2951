from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.tsa.ar_model import AutoReg

from engines.errors import EngineError, InsufficientData
from engines.series import correlate
from engines.series.whiten import innovations


def table(seed: int, n: int = 200, k: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, k))


def test_matrix_is_spearman_of_scipy() -> None:
    values = table(0)
    np.testing.assert_allclose(correlate(values).matrix, stats.spearmanr(values).statistic)


def test_without_lags_p_and_q_are_those_of_scipy_on_the_innovations() -> None:
    values = table(1)
    found = correlate(values, max_lag=0)
    assert found.orders == (0, 0, 0, 0)
    expected = stats.spearmanr(values).pvalue
    for pair in found.pairs:
        assert pair.p_value == pytest.approx(expected[pair.i, pair.j])
    q = stats.false_discovery_control([pair.p_value for pair in found.pairs])
    assert [pair.q_value for pair in found.pairs] == pytest.approx(q.tolist())


def test_innovations_are_the_residuals_of_autoreg() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=300)
    for i in range(2, 300):
        x[i] += 0.5 * x[i - 1] + 0.3 * x[i - 2]
    residual, order = innovations(x)
    assert order == 2
    np.testing.assert_allclose(residual[2:], AutoReg(x, lags=2).fit().resid, atol=1e-10)


def test_lag_says_who_moves_first_and_turns_with_the_columns() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=400)
    y = np.r_[np.zeros(3), x[:-3]] + 0.3 * rng.normal(size=400)
    one = correlate(np.column_stack([x, y])).pairs[0]
    other = correlate(np.column_stack([y, x])).pairs[0]
    assert (one.lag, other.lag) == (3, -3)
    assert one.innovation == pytest.approx(other.innovation)
    assert one.interval.low < one.innovation < one.interval.high


def test_a_spike_in_both_series_is_no_correlation() -> None:
    values = table(4, k=2)
    values[50] = 1e6
    assert np.corrcoef(values.T)[0, 1] > 0.99
    assert abs(correlate(values).matrix[0, 1]) < 0.2


def test_wandering_series_are_rarely_called_related() -> None:
    alarms = sum(
        any(p.is_related for p in correlate(np.cumsum(table(seed, 300, 3), axis=0)).pairs)
        for seed in range(40)
    )
    assert alarms <= 6  # 5 % of 40 is 2; 7 or more has probability 0.3 %


def test_a_shared_time_of_day_is_no_relation() -> None:
    hours = np.arange(24 * 14)
    wave = 5 * np.sin(hours / 24 * 2 * np.pi)[:, None]
    found = [correlate(wave + table(s, len(hours), 2), season=24) for s in range(40)]
    assert sum(f.pairs[0].is_related for f in found) <= 6  # as above
    assert all(f.season == 24 for f in found)


def test_unknown_steps_are_left_out() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=300)
    y = x + 0.2 * rng.normal(size=300)
    y[rng.random(300) < 0.2] = np.nan
    found = correlate(np.column_stack([x, y])).pairs[0]
    assert found.is_related
    assert found.n == np.isfinite(y).sum()


def test_inputs_stay_as_they_are() -> None:
    values = table(7)
    before = values.copy()
    correlate(values, season=24)
    np.testing.assert_array_equal(values, before)


def test_a_constant_series_is_named_and_left_out() -> None:
    values = table(8)
    values[:, 2] = 3.0
    found = correlate(values)
    assert set(found.lacking) == {2}
    assert np.isnan(found.matrix[2]).all()
    assert all(2 not in (pair.i, pair.j) for pair in found.pairs)


def test_too_few_series_is_insufficient() -> None:
    with pytest.raises(InsufficientData, match="two series"):
        correlate(np.column_stack([table(9)[:, 0], np.ones(200)]))


@pytest.mark.parametrize("bad", [{"fdr": 0.0}, {"max_lag": -1}, {"max_lag": 51}])
def test_settings_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(EngineError):
        correlate(table(10), **bad)  # type: ignore[arg-type]
