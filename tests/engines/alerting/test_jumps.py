import math

import numpy as np
import pytest
from scipy import stats

from engines.alerting import level_jump, rate_jump
from engines.errors import EngineError, InsufficientData


def test_rate_p_value_is_the_exact_binomial_tail() -> None:
    expected = stats.binom.sf(11, 12 + 30, 100 / 1_100)
    assert rate_jump(12, 100, 30, 1_000).p_value == pytest.approx(expected, rel=1e-12)


def test_rate_false_alarms_stay_below_nominal() -> None:
    rng = np.random.default_rng(4)
    pairs = zip(rng.poisson(5, 2_000), rng.poisson(50, 2_000), strict=True)
    share = np.mean([(rate_jump(a, 10, b, 100).p_value or 1.0) < 0.05 for a, b in pairs])
    assert share < 0.06


def test_rate_without_past_events_has_infinite_ratio() -> None:
    assert math.isinf(rate_jump(3, 10, 0, 100).ratio)


def test_rate_needs_exposure() -> None:
    with pytest.raises(InsufficientData):
        rate_jump(1, 10, 0, 0)
    with pytest.raises(EngineError):
        rate_jump(-1, 10, 0, 10)


def test_level_of_a_constant_past_uses_the_floor() -> None:
    assert level_jump(11.0, [10.0] * 20).z == pytest.approx(1.0 / 0.5)


def test_level_scale_is_equivariant() -> None:
    past = np.random.default_rng(1).gamma(2, 3, 50)
    assert level_jump(9.0, past).z == pytest.approx(level_jump(9_000.0, past * 1_000).z)


def test_level_needs_history() -> None:
    with pytest.raises(InsufficientData):
        level_jump(1.0, [1, 2, np.nan])
