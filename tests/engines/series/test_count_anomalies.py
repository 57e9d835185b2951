from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engines.errors import EngineError, InsufficientData
from engines.series import find_anomalies, find_count_anomalies


def day(steps: int = 96) -> np.ndarray:
    """Requests a step over a day: 350 at night, 1,050 at noon."""
    return np.round(700 * (1 + 0.5 * np.sin(np.arange(steps) / 96 * 2 * np.pi)))


def test_errors_that_medians_cannot_judge_are_found() -> None:
    errors = np.zeros(96)
    errors[[3, 20, 50, 77]] = 1
    errors[40:42] = 52, 48
    with pytest.raises(InsufficientData):
        find_anomalies(errors)
    found = find_count_anomalies(errors, day())
    assert [(r.start, r.end, r.side, r.value) for r in found.runs] == [(40, 42, "above", 52.0)]
    assert found.runs[0].expected == pytest.approx(4 / np.delete(day(), [40, 41]).sum() * day()[40])


def test_the_limit_is_the_poisson_quantile_by_hand() -> None:
    """Ten a step in 100 steps: more than 24 or fewer than 1 have a tail under .05 / 200."""
    counts = np.tile([9.0, 10.0, 11.0, 10.0], 25)
    found = find_count_anomalies(counts)
    assert stats.poisson.sf(24, 10) < 0.05 / 200 < stats.poisson.sf(22, 10)
    assert found.high[0] == stats.poisson.isf(0.05 / 200, 10)
    assert found.low[0] == stats.poisson.ppf(0.05 / 200, 10)
    assert found.limit == pytest.approx(stats.norm.isf(0.05 / 200))


def test_more_requests_may_have_more_errors() -> None:
    requests = np.full(100, 100.0)
    requests[60] = 10_000
    errors = np.tile([1.0, 0.0], 50)
    errors[60] = 50
    assert find_count_anomalies(errors, requests).runs == ()
    assert find_count_anomalies(errors).runs[0].start == 60


def test_silence_is_an_anomaly_where_many_were_expected() -> None:
    counts = np.random.default_rng(1).poisson(30, 200).astype(float)
    counts[100:103] = 0
    run = find_count_anomalies(counts).runs[0]
    assert (run.start, run.end, run.side) == (100, 103, "below")


def test_a_long_incident_does_not_hide_itself() -> None:
    counts = np.random.default_rng(2).poisson(0.5, 96).astype(float)
    counts[30:50] += 40
    assert [(r.start, r.end) for r in find_count_anomalies(counts).runs] == [(30, 50)]


@pytest.mark.parametrize(
    ("phi", "share"), [(1.0, 0.001), (1.0, 0.02), (3.0, 0.001), (3.0, 0.02), (10.0, 0.02)]
)
def test_quiet_counts_raise_few_alarms(phi: float, share: float) -> None:
    rng = np.random.default_rng(int(phi * 1_000 + share * 1e6))
    mean = day() * share

    def draw() -> np.ndarray:
        if phi == 1.0:
            return rng.poisson(mean).astype(float)
        return rng.negative_binomial(mean / (phi - 1), 1 / phi).astype(float)

    alarms = sum(bool(find_count_anomalies(draw(), day()).runs) for _ in range(100))
    assert alarms <= 11  # 1 % of 100 draws at 5 % exceed 10


def test_nothing_that_ever_happened_is_no_anomaly() -> None:
    found = find_count_anomalies(np.zeros(50))
    assert found.runs == () and found.high.max() == 0
    first = find_count_anomalies(np.r_[np.zeros(50), 9.0])
    assert [(r.start, r.value) for r in first.runs] == [(50, 9.0)]


def test_steps_without_requests_are_unknown() -> None:
    requests = day()
    requests[10:20] = 0
    errors = np.zeros(96)
    errors[15] = 7  # of no request: nothing to judge by
    found = find_count_anomalies(errors, requests)
    assert found.runs == () and found.n == 86 and np.isnan(found.expected[10:20]).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=40, max_size=120), st.floats(0.001, 0.2))
def test_what_is_reported_is_what_lies_outside_the_band(counts: list[int], alpha: float) -> None:
    values = np.array(counts, dtype=float)
    found = find_count_anomalies(values, alpha=alpha)
    outside = (values > found.high) | (values < found.low)
    reported = np.zeros(len(values), dtype=bool)
    for run in found.runs:
        reported[run.start : run.end] = True
        assert abs(run.score) >= found.limit - 1e-9
        assert run.p_value <= alpha + 1e-9
    assert (outside <= reported).all()
    edge = reported & ~outside  # the tail of a discrete count may equal the limit exactly
    assert np.isin(values[edge], np.r_[found.low, found.high]).all()


@pytest.mark.parametrize(
    ("counts", "exposure", "alpha"),
    [
        (np.full(50, -1.0), None, 0.05),
        (np.full(50, 0.5), None, 0.05),
        (np.ones(50), np.ones(49), 0.05),
        (np.ones(50), None, 0.0),
        (np.ones((5, 10)), None, 0.05),
    ],
)
def test_what_is_no_count_is_refused(
    counts: np.ndarray, exposure: np.ndarray | None, alpha: float
) -> None:
    with pytest.raises(EngineError):
        find_count_anomalies(counts, exposure, alpha=alpha)


def test_too_few_steps_are_said() -> None:
    with pytest.raises(InsufficientData) as lack:
        find_count_anomalies(np.r_[np.ones(39), np.full(60, np.nan)])
    assert (lack.value.needed, lack.value.got) == (40, 39)
