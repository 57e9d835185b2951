"""Fairness: SciPy and published intervals, coverage and false alarms over seeds, guards."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from engines.errors import EngineError, InsufficientData
from engines.fairness import METRICS, compare_groups
from engines.fairness.compare import _newcombe
from engines.fairness.result import Share
from engines.reliability.proportion import wilson


def share(hits: int, n: int) -> Share:
    return Share(hits / n, n, wilson(hits, n, 0.95))


def test_newcombe_reproduces_the_published_intervals() -> None:
    # Newcombe (1998), table II, method 10: 56/70 - 48/80 and 9/10 - 3/10.
    first = _newcombe(share(56, 70), share(48, 80), 0.95)
    assert (round(first.low, 4), round(first.high, 4)) == (0.0524, 0.3339)
    second = _newcombe(share(9, 10), share(3, 10), 0.95)
    assert (round(second.low, 4), round(second.high, 4)) == (0.1705, 0.8090)


def test_the_test_of_selection_is_pearsons_with_holm() -> None:
    groups = ["a"] * 300 + ["b"] * 200
    chosen = [True] * 150 + [False] * 150 + [True] * 60 + [False] * 140
    found = compare_groups(groups, chosen).disparities[0]
    p = chi2_contingency([[150, 60], [150, 140]], correction=False)[1]
    assert found.p_value == pytest.approx(p)
    assert found.verdict == "disparity"
    assert found.comparisons[0].ratio == pytest.approx(0.6)


def test_equal_opportunity_reads_only_the_truly_positive() -> None:
    groups = ["a"] * 200 + ["b"] * 200
    truth = ([True] * 100 + [False] * 100) * 2
    chosen = [True] * 90 + [False] * 110 + [True] * 50 + [False] * 150
    report = compare_groups(groups, chosen, truth=truth)
    rates = [g.true_positive_rate.value for g in report.groups if g.true_positive_rate]
    assert rates == [0.9, 0.5]
    by_name = {d.metric: d for d in report.disparities}
    assert by_name["true_positive_rate"].verdict == "disparity"
    assert by_name["false_positive_rate"].verdict == "no_evidence"


def test_small_groups_are_shown_but_never_compared() -> None:
    report = compare_groups(["a"] * 100 + ["b"] * 100 + ["c"] * 5, [True] * 205)
    assert report.small_groups == ("c",)
    assert all(c.group != "c" for d in report.disparities for c in d.comparisons)
    with pytest.raises(InsufficientData):
        compare_groups(["a"] * 100 + ["b"] * 5, [True] * 105)


def test_equal_groups_alarm_in_few_seeds() -> None:
    alarms = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        groups = rng.choice(["a", "b", "c"], 400)
        score = rng.uniform(size=400)
        truth = rng.uniform(size=400) < score
        report = compare_groups(
            groups.tolist(), (score > 0.5).tolist(), truth=truth.tolist(), score=score,
            resamples=99, seed=seed,
        )  # fmt: skip
        alarms += any(d.verdict == "disparity" for d in report.disparities)
    assert alarms <= 17  # family-wise 5 % asked: 17 of 200 is the 98 % quantile of that


def test_a_miscalibrated_group_shows() -> None:
    rng = np.random.default_rng(3)
    score = rng.uniform(size=2_000)
    groups = np.where(np.arange(2_000) % 2, "a", "b")
    chance = np.where(groups == "a", score, score * 0.6)
    truth = rng.uniform(size=2_000) < chance
    report = compare_groups(
        groups.tolist(), (score > 0.5).tolist(), truth=truth.tolist(), score=score
    )
    found = {d.metric: d for d in report.disparities}["calibration_gap"]
    assert found.verdict == "disparity"
    assert abs(found.comparisons[0].difference) == pytest.approx(0.2, abs=0.06)


def test_missing_parts_say_so_and_every_metric_answers() -> None:
    report = compare_groups(["a", "b"] * 50 + [None, ""], [True, False] * 51)
    assert [d.metric for d in report.disparities] == list(METRICS)
    assert report.n == 100
    assert {d.verdict for d in report.disparities[1:]} == {"insufficient_data"}
    assert all(d.reason for d in report.disparities[1:])


def test_bad_input_is_refused() -> None:
    with pytest.raises(EngineError):
        compare_groups(["a", "b"], [True])
    with pytest.raises(EngineError):
        compare_groups([str(i) for i in range(40)] * 2, [True] * 80)
