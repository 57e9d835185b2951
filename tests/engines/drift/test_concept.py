"""Concept drift with labels: conditional test and online detector."""

import numpy as np
import pytest

from engines.drift.concept import compare_concept
from engines.drift.detector import DetectorState, autocorrelation, watch
from engines.errors import EngineError


def labelled(seed, n, slope=1.0, shift=0.0):
    rng = np.random.default_rng(seed)
    logit = rng.normal(shift, 2, n)
    label = rng.random(n) < 1 / (1 + np.exp(-slope * logit))
    return 1 / (1 + np.exp(-logit)), label.astype(float)


def test_unchanged_meaning_rejects_nominally():
    reference = labelled(0, 20_000)
    p = [compare_concept(*reference, *labelled(i, 500)).p_value for i in range(1, 121)]
    assert 0.01 < np.mean(np.array(p) < 0.05) < 0.1


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_scores_that_moved_are_no_concept_drift(shift):
    reference = labelled(0, 20_000)
    p = [compare_concept(*reference, *labelled(i, 3000, shift=shift)).p_value for i in range(1, 51)]
    assert np.mean(np.array(p) < 0.05) < 0.13


@pytest.mark.parametrize(("slope", "share"), [(0.4, 0.99), (0.7, 0.5)])
def test_a_weaker_slope_is_found_from_500_labels(slope, share):
    reference = labelled(0, 20_000)
    found = [
        compare_concept(*reference, *labelled(i, 500, slope=slope)).outcome == "drift"
        for i in range(1, 41)
    ]
    assert np.mean(found) >= share


def test_regression_residuals_are_compared_at_equal_predictions():
    rng = np.random.default_rng(1)
    predicted = rng.normal(size=2000)
    truth = predicted + rng.normal(size=2000)
    assert compare_concept(predicted, truth, predicted, truth + 0.5).outcome == "drift"
    again = predicted + rng.normal(size=2000)
    assert compare_concept(predicted, truth, predicted, again).outcome == "no_evidence"


def test_tiny_changes_of_meaning_are_negligible():
    rng = np.random.default_rng(2)
    score = rng.random(400_000)
    before = (rng.random(400_000) < score).astype(float)
    after = (rng.random(400_000) < 0.006 + 0.988 * score).astype(float)
    after = np.where(rng.random(400_000) < 0.01, 1.0, after)
    assert compare_concept(score, before, score, after).outcome == "detectable_but_negligible"


@pytest.mark.parametrize("n", [0, 10])
def test_few_labels_are_insufficient(n):
    assert compare_concept(*labelled(0, 500), *labelled(1, n)).outcome == "insufficient_data"


def test_disjoint_scores_are_insufficient():
    rng = np.random.default_rng(3)
    y = (rng.random(100) < 0.5).astype(float)
    result = compare_concept(rng.random(100), y, rng.random(100) + 5, y)
    assert result.outcome in ("insufficient_data", "no_evidence")


def test_a_constant_score_still_compares_rates():
    y = np.repeat([0.0, 1.0], [150, 50])
    result = compare_concept(np.ones(200), y, np.ones(200), 1 - y)
    assert result.outcome == "drift"


def test_missing_labels_are_left_out():
    score, label = labelled(4, 1000)
    label[:400] = np.nan
    assert compare_concept(score, label, *labelled(5, 500)).n_reference == 600


def test_mismatched_shapes_are_refused():
    with pytest.raises(EngineError):
        compare_concept(np.ones(5), np.ones(4), np.ones(5), np.ones(5))


def markov(seed, n, rate, phi):
    rng = np.random.default_rng(seed)
    x = np.empty(n)
    x[0] = rng.random() < rate
    for i, u in enumerate(rng.random(n - 1), start=1):
        x[i] = u < rate + phi * (x[i - 1] - rate)
    return x


def test_the_detector_finds_a_doubled_error_rate_within_100_observations():
    delays = []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        errors = np.concatenate([rng.random(2000) < 0.2, rng.random(1000) < 0.4]).astype(float)
        _, alarms = watch(DetectorState(), errors)
        delays.append(next(a.index for a in alarms if a.index >= 2000) - 2000)
    assert np.median(delays) <= 100


@pytest.mark.parametrize("phi", [0.0, 0.6])
def test_stationary_streams_stay_quiet(phi):
    alarms = sum(len(watch(DetectorState(), markov(seed, 3000, 0.2, phi))[1]) for seed in range(12))
    assert alarms <= 2


def test_batches_give_what_one_stream_gives():
    rng = np.random.default_rng(7)
    errors = np.concatenate([rng.random(900) < 0.1, rng.random(600) < 0.5]).astype(float)
    whole = watch(DetectorState(), errors)
    state, alarms = DetectorState(), ()
    for batch in np.array_split(errors, 17):
        state, more = watch(state, batch)
        alarms += more
    assert alarms == whole[1]
    assert state == whole[0]


def test_the_change_is_dated_near_where_it_was():
    rng = np.random.default_rng(8)
    errors = np.concatenate([rng.random(2000) < 0.1, rng.random(500) < 0.6]).astype(float)
    (alarm, *_) = watch(DetectorState(), errors)[1]
    assert abs(alarm.change_index - 2000) <= 15
    assert alarm.level_before == pytest.approx(0.1, abs=0.03)


def test_constant_streams_raise_nothing():
    assert watch(DetectorState(), np.zeros(5000))[1] == ()
    assert watch(DetectorState(), [])[1] == ()


def test_a_stream_that_never_failed_alarms_when_it_starts_to():
    errors = np.concatenate([np.zeros(4000), np.random.default_rng(9).random(300) < 0.3])
    assert watch(DetectorState(), errors.astype(float))[1][0].index < 4100


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(EngineError):
        watch(DetectorState(), [0.0, float("nan")])


def test_autocorrelation_is_unbiased_and_zero_for_noise():
    rng = np.random.default_rng(10)
    assert autocorrelation(rng.normal(size=500)) < 0.1
    found = [autocorrelation(markov(seed, 500, 0.4, 0.6)) for seed in range(40)]
    assert np.mean(found) == pytest.approx(0.6, abs=0.03)
