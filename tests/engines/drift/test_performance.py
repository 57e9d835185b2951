"""Performance without labels, prediction drift and reference windows."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from engines.drift.performance import ASSUMPTION, estimate_performance, expected_auc
from engines.drift.prediction import compare_predictions
from engines.drift.windows import (
    fixed,
    previous_version,
    rolling,
    rolling_rows,
    seasonal,
    time_window,
)
from engines.errors import EngineError, InsufficientData


def scored(seed, n=20_000, slope=1.0, shift=0.0, spread=2.0):
    rng = np.random.default_rng(seed)
    logit = rng.normal(shift, spread, n)
    chance = 1 / (1 + np.exp(-logit))
    label = rng.random(n) < 1 / (1 + np.exp(-slope * logit))
    return chance, label.astype(float)


def by_name(result):
    return {metric.metric: metric for metric in result.metrics}


def test_known_labels_give_the_exact_auc():
    score, label = scored(0, n=500)
    score = score.round(1)
    assert expected_auc(score, label) == pytest.approx(roc_auc_score(label, score))


@pytest.mark.parametrize(("shift", "spread"), [(0.0, 2.0), (1.5, 2.0), (0.0, 0.8)])
def test_estimates_follow_covariate_shift(shift, spread):
    score, label = scored(2, shift=shift, spread=spread)
    found = by_name(estimate_performance(*scored(1), score))
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(label, score), abs=0.012)
    predicted = score >= 0.5
    assert found["accuracy"].value == pytest.approx(accuracy_score(label, predicted), abs=0.012)
    assert found["f1"].value == pytest.approx(f1_score(label, predicted), abs=0.015)


def test_a_drop_from_harder_inputs_is_announced():
    result = estimate_performance(*scored(1), scored(2, spread=0.5)[0])
    assert result.verdict == "estimated_drop"


def test_the_interval_covers_the_realised_value():
    reference = scored(1, n=50_000)
    hits = 0
    for seed in range(20):
        score, label = scored(100 + seed, n=2000, spread=1.5)
        interval = by_name(estimate_performance(*reference, score))["accuracy"].interval
        hits += interval.low <= accuracy_score(label, score >= 0.5) <= interval.high
    assert hits >= 16


def test_concept_drift_alone_never_reads_as_fine():
    score, label = scored(2, slope=-0.5)
    blind = estimate_performance(*scored(1), score)
    assert blind.verdict == "no_visible_drop"
    assert blind.assumption == ASSUMPTION
    assert "concept drift" in blind.reason
    some = np.where(np.random.default_rng(0).random(len(label)) < 0.1, label, np.nan)
    checked = estimate_performance(*scored(1), score, current_label=some)
    assert checked.verdict == "assumption_broken"


def test_thin_or_one_sided_references_are_insufficient():
    score, label = scored(1, n=100)
    assert estimate_performance(score, label, score).verdict == "insufficient_data"
    score, label = scored(1, n=1000)
    assert estimate_performance(score, label * 0, score).verdict == "insufficient_data"


def test_labels_other_than_zero_and_one_are_refused():
    score, label = scored(1, n=1000)
    with pytest.raises(EngineError):
        estimate_performance(score, label + 1, score)


def test_class_probabilities_and_labels_are_compared():
    rng = np.random.default_rng(3)
    before, after = rng.dirichlet([1, 1, 1], 3000), rng.dirichlet([2, 1, 1], 3000)
    report = compare_predictions(before, after)
    assert "score[0]" in report.drifted_columns
    classes = rng.choice(["yes", "no"], 3000), rng.choice(["yes", "no"], 3000)
    assert compare_predictions(*classes).status == "no_evidence"


def test_windows_do_not_share_rows():
    times = np.random.default_rng(4).permutation(100).astype(float)
    one, other = time_window(times, 0, 50), time_window(times, 50, 100)
    assert sorted([*one, *other]) == list(range(100))
    split = rolling(times, 100, 10, 30)
    assert times[split.reference].tolist() == list(range(60, 90))
    assert times[rolling_rows(times, 10, 30).current].tolist() == list(range(90, 100))


def test_the_seasonal_reference_is_the_same_hour_of_earlier_weeks():
    times = np.arange(0, 5 * 7 * 24) * 3600.0
    end = 5 * 7 * 24 * 3600.0
    split = seasonal(times, end, window_s=2 * 3600.0)
    hours = times[split.reference] / 3600 % (7 * 24)
    assert set(hours.tolist()) == set((times[split.current] / 3600 % (7 * 24)).tolist())
    assert len(split.reference) == 4 * len(split.current)


def test_the_first_version_has_no_reference():
    with pytest.raises(InsufficientData):
        previous_version(np.array(["v1", "v1"]), np.arange(2.0), "v1")


@pytest.mark.parametrize(
    "call",
    [
        lambda: time_window(np.array([1.0]), 5, 1),
        lambda: rolling(np.array([1.0]), 5, 0, 1),
        lambda: fixed(np.array([1.0]), 5, 1, 9),
        lambda: seasonal(np.array([1.0]), 5, 9, period_s=3),
        lambda: previous_version(np.array(["a"]), np.array([1.0]), "b"),
        lambda: time_window(np.array([np.nan]), 0, 1),
    ],
)
def test_impossible_windows_are_refused(call):
    with pytest.raises(EngineError):
        call()
