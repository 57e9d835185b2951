import numpy as np
import pytest
from scipy.stats import kendalltau, theilslopes

from engines.degradation import find_changes, fit_line, track
from engines.degradation.noise import lag_one, simulate
from engines.errors import EngineError
from engines.result import Insufficient

DAY = 86_400.0
DAYS = np.arange(60) * DAY


def falling(slope=-0.001, noise=0.005, seed=0):
    rng = np.random.default_rng(seed)
    return 0.92 + slope * np.arange(60) + rng.normal(0, noise, 60)


def test_slope_matches_scipy():
    values = falling()
    assert track(DAYS, values).trend.slope / DAY == pytest.approx(theilslopes(values, DAYS)[0])


def test_s_matches_kendalls_tau():
    values = falling()
    tau = kendalltau(np.arange(60), values).statistic
    assert track(DAYS, values).trend.s == round(tau * 60 * 59 / 2)


def test_falling_quality_is_degrading_with_a_positive_rate():
    found = track(DAYS, falling(), threshold=0.8)
    assert found.status == "degrading"
    assert found.rate_interval.low < 0.001 < found.rate_interval.high
    assert found.rate == -found.trend.slope > 0
    assert found.projection.loss > 0


def test_crossing_is_where_the_line_meets_the_threshold():
    found = track(DAYS, 1.0 - 0.001 * np.arange(60), threshold=0.9).crossing
    assert found.in_s / DAY == pytest.approx(41)
    assert found.low_s / DAY == pytest.approx(41)


def test_lower_is_better_turns_every_sign():
    up = track(DAYS, -falling(), direction="lower_is_better", threshold=-0.8)
    down = track(DAYS, falling(), threshold=0.8)
    assert up.status == down.status == "degrading"
    assert up.rate == pytest.approx(down.rate)
    assert up.crossing.in_s == pytest.approx(down.crossing.in_s)


def test_improving_metric_never_crosses():
    found = track(DAYS, falling(slope=0.001), threshold=0.5)
    assert found.status == "improving"
    assert found.crossing.in_s is None and found.crossing.probability == 0.0


def test_breached_threshold_is_said_so():
    crossing = track(DAYS, falling(), threshold=0.99).crossing
    assert crossing.is_breached and crossing.in_s == 0.0


def test_constant_metric_shows_no_evidence():
    found = track(DAYS, np.full(60, 0.9), threshold=0.8)
    assert found.status == "no_evidence"
    assert found.rate == 0.0 and found.changes == ()
    assert found.crossing.in_s is None


def test_a_step_is_found_and_not_projected_as_a_line():
    values = np.where(np.arange(60) < 40, 0.95, 0.85) + falling(slope=0, seed=3) - 0.92
    found = track(DAYS, values, threshold=0.8)
    assert found.shape == "step" and found.status == "degrading"
    assert [change.index for change in found.changes] == [40]
    assert found.changes[0].is_worse
    assert found.changes[0].size == pytest.approx(-0.1, abs=0.01)
    assert found.projection.value == pytest.approx(0.85, abs=0.01)
    assert found.crossing.in_s is None


def test_impact_of_a_line_counts_what_was_lost_and_what_will_be():
    found = track(DAYS, 1.0 - 0.001 * np.arange(60), horizon_s=10 * DAY).impact
    assert found.before == pytest.approx(1.0)
    assert (found.suffered, found.total) == pytest.approx((0.059, 0.069))
    assert found.relative == pytest.approx(0.069)


def test_impact_of_a_step_is_its_size():
    values = np.where(np.arange(60) < 40, 0.95, 0.85) + falling(slope=0, seed=3) - 0.92
    found = track(DAYS, values).impact
    assert found.total == found.suffered == pytest.approx(0.1, abs=0.01)
    assert found.relative_interval.low < 0.1 / 0.95 < found.relative_interval.high


def test_impact_of_noise_is_zero_but_its_interval_says_what_may_be_hidden():
    found = track(DAYS, falling(slope=0)).impact
    assert found.total == 0.0
    assert found.interval.low <= 0.0 < found.interval.high


def test_a_step_without_noise_is_found():
    found = track(np.arange(40.0), np.r_[np.ones(20), np.full(20, 0.5)])
    assert [change.index for change in found.changes] == [20]
    assert found.status == "degrading"


def test_where_no_trend_was_shown_none_is_projected():
    found = track(DAYS, falling(slope=0), threshold=0.8)
    assert found.status == "no_evidence"
    assert found.projection.loss == 0.0 and found.crossing.in_s is None
    assert found.projection.interval.low < found.projection.value < found.projection.interval.high


def test_a_slow_line_is_not_read_as_steps():
    found = track(DAYS, falling(slope=-0.003))
    assert found.shape == "line" and found.changes == ()


def test_daily_pattern_is_taken_out():
    hours = np.arange(24 * 7) * 3600.0
    pattern = 0.1 * np.sin(2 * np.pi * hours / DAY)
    values = 0.9 + pattern + np.random.default_rng(1).normal(0, 0.01, hours.size)
    found = track(hours, values, season_s=DAY)
    assert found.status == "no_evidence"
    assert len(found.season.profile) == 24
    assert np.max(np.abs(np.array(found.season.profile) - pattern[:24])) < 0.015


def test_trend_survives_the_removal_of_the_season():
    hours = np.arange(24 * 7) * 3600.0
    pattern = 0.1 * np.sin(2 * np.pi * hours / DAY)
    noise = np.random.default_rng(1).normal(0, 0.01, hours.size)
    found = track(hours, 0.9 + pattern - 0.005 * hours / DAY + noise, season_s=DAY)
    assert found.status == "degrading"
    assert found.rate == pytest.approx(0.005, abs=0.0015)


def test_too_few_cycles_leave_the_season_in_and_say_so():
    found = track(DAYS, falling(), season_s=30 * DAY)
    assert isinstance(found.season, Insufficient)


def test_order_gaps_and_nan_do_not_matter():
    values = falling()
    shuffled = np.random.default_rng(0).permutation(60)
    with_holes = np.r_[values[shuffled], np.nan]
    found = track(np.r_[DAYS[shuffled], 61 * DAY], with_holes)
    assert found == track(DAYS, values)


def test_units_of_time_do_not_change_the_finding():
    hourly = track(DAYS, falling(), period_s=3600.0)
    daily = track(DAYS, falling())
    assert hourly.rate * 24 == pytest.approx(daily.rate)
    assert hourly.trend.p_value == daily.trend.p_value


def test_long_series_is_averaged_and_changes_keep_their_place():
    rng = np.random.default_rng(0)
    values = np.where(np.arange(3000) < 1800, 0.0, 2.0) + rng.normal(size=3000)
    found = track(np.arange(3000.0), values)
    assert found.n == 3000 and found.trend.n == 200
    assert any(abs(change.index - 1800) <= 30 for change in found.changes)


def test_inputs_are_not_changed_and_answers_repeat():
    times, values = DAYS[::-1].copy(), falling()
    kept = times.copy(), values.copy()
    assert track(times, values, seed=3) == track(times, values, seed=3)
    assert np.array_equal(times, kept[0]) and np.array_equal(values, kept[1])


@pytest.mark.parametrize("n", [0, 1, 11])
def test_short_series_is_insufficient(n):
    found = track(DAYS[:n], falling()[:n])
    assert isinstance(found, Insufficient)
    assert (found.needed, found.got) == (12, n)


@pytest.mark.parametrize(
    ("times", "values", "options"),
    [
        (DAYS, np.zeros(59), {}),
        (np.zeros(60), np.zeros(60), {}),
        (DAYS, np.zeros(60), {"direction": "up"}),
        (DAYS, np.zeros(60), {"level": 1.5}),
        (DAYS, np.zeros(60), {"resamples": 10}),
        (DAYS, np.zeros(60), {"period_s": 0}),
    ],
)
def test_impossible_input_is_refused(times, values, options):
    with pytest.raises(EngineError):
        track(times, values, **options)


def test_simulated_noise_has_the_coefficient_and_variance_it_was_given():
    rows = simulate(0.6, 2000, 50, np.random.default_rng(0))
    assert rows.var() == pytest.approx(1.0, abs=0.05)
    assert np.mean([lag_one(row) for row in rows]) == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize("phi", [0.0, 0.5])
def test_trend_stays_quiet_on_stationary_noise(phi):
    rows = simulate(phi, 60, 120, np.random.default_rng(8))
    rng = np.random.default_rng(0)
    alarms = [fit_line(DAYS, row, resamples=99, rng=rng).p_value <= 0.05 for row in rows]
    assert np.mean(alarms) <= 0.11


def test_changes_stay_rare_on_stationary_noise():
    rows = simulate(0.5, 60, 80, np.random.default_rng(9))
    rng = np.random.default_rng(0)
    alarms = [bool(find_changes(r, false_alarm=0.05, resamples=99, rng=rng)) for r in rows]
    assert np.mean(alarms) <= 0.12


def test_two_changes_are_both_found():
    steps = np.repeat([0.0, 4.0, -1.0], 30)
    noise = np.random.default_rng(2).normal(size=90)
    found = find_changes(
        steps + noise, false_alarm=0.05, resamples=199, rng=np.random.default_rng(0)
    )
    assert np.abs(np.array(found) - [30, 60]).max() <= 1


def test_nile_dropped_in_1899():
    # Cobb (1978): the flow at Aswan fell with the first dam works; the data are in statsmodels.
    nile = pytest.importorskip("statsmodels.datasets.nile").load_pandas().data
    found = track(nile["year"] * 365.25 * DAY, nile["volume"], seed=1)
    assert found.shape == "step"
    assert [int(nile["year"].iloc[c.index]) for c in found.changes] == [1899]
