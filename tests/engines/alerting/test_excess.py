import numpy as np
import pytest
from scipy import stats

from engines.alerting import excess_p_value
from engines.errors import EngineError, InsufficientData


def test_excess_is_the_exact_binomial_tail() -> None:
    expected = stats.binom.sf(7, 12, 51 / 1_002)
    assert excess_p_value(8, 12, 50, 1_000) == pytest.approx(expected, rel=1e-12)


def test_excess_false_alarms_stay_below_nominal() -> None:
    rng = np.random.default_rng(3)
    past, now = rng.binomial(400, 0.05, 4_000), rng.binomial(20, 0.05, 4_000)
    share = np.mean([excess_p_value(a, 20, b, 400) < 0.01 for a, b in zip(now, past, strict=True)])
    assert share < 0.013


def test_excess_of_nothing_is_no_surprise() -> None:
    assert excess_p_value(0, 5, 0, 10) == 1.0


def test_excess_refuses_impossible_counts() -> None:
    with pytest.raises(EngineError):
        excess_p_value(6, 5, 0, 10)
    with pytest.raises(InsufficientData):
        excess_p_value(0, 0, 0, 10)
