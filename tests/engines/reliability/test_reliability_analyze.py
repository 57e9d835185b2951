import numpy as np
import pytest

from engines.errors import EngineError
from engines.reliability import PARTS, Features, Intervals, Repeats, Versions, analyze
from engines.result import Insufficient


def inputs(n=600, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.uniform(size=n)
    labels = (rng.uniform(size=n) < scores).astype(int)
    return {
        "scores": scores,
        "labels": labels,
        "repeats": Repeats(np.repeat(np.arange(50), 2), np.repeat(np.arange(50) % 3, 2)),
        "features": Features(rng.normal(size=(300, 3)), rng.normal(size=(200, 3))),
    }


def test_a_good_model_scores_high_in_every_part():
    found = analyze(**inputs())
    assert found.overall.measured == PARTS
    assert found.overall.score > 0.9
    assert found.overall.interval.low <= found.overall.score <= found.overall.interval.high


@pytest.mark.parametrize("name", PARTS)
def test_every_part_is_insufficient_with_a_reason_when_nothing_is_given(name):
    part = getattr(analyze(), name)
    assert isinstance(part, Insufficient)
    assert len(part.reason) > 20


def test_nothing_given_has_no_overall():
    assert isinstance(analyze().overall, Insufficient)


def test_expected_but_missing_part_lowers_and_widens_overall():
    given = inputs()
    plain, strict = analyze(**given), None
    del given["features"]
    strict = analyze(**given, expected=PARTS)
    assert strict.overall.missing == ("ood_detection",)
    assert strict.overall.score < plain.overall.score
    assert strict.overall.interval.low < plain.overall.interval.low


def test_thin_part_counts_as_missing_not_as_good():
    given = inputs()
    given["features"] = Features(np.zeros((5, 2)), np.zeros((5, 2)))
    found = analyze(**given)
    assert found.overall.missing == ("ood_detection",)
    assert found.overall.score < 0.96


def test_unknown_labels_are_left_out():
    given = inputs()
    labels = given["labels"].astype(object)
    labels[::2] = None
    assert analyze(given["scores"], labels).calibration.n == 300


def test_inputs_are_not_changed():
    given = inputs()
    scores = given["scores"].copy()
    analyze(**given)
    assert np.array_equal(scores, given["scores"])


def test_same_seed_same_answer():
    assert analyze(**inputs(), seed=4) == analyze(**inputs(), seed=4)


def test_several_classes_are_judged_by_their_top_class_and_one_by_one():
    rng = np.random.default_rng(1)
    p = rng.dirichlet([2, 2, 2], 900)
    y = np.array([rng.choice(3, p=row) for row in p])
    found = analyze(p, np.array(["cat", "dog", "fox"])[y], classes=["cat", "dog", "fox"])
    assert found.calibration.kind == "top_class"
    assert [group.name for group in found.calibration.classes] == ["cat", "dog", "fox"]
    assert min(group.adjusted_p for group in found.calibration.classes) > 0.01


def test_two_columns_are_judged_as_one_probability():
    given = inputs()
    both = np.column_stack([1 - given["scores"], given["scores"]])
    one = analyze(given["scores"], given["labels"]).calibration
    two = analyze(both, given["labels"]).calibration
    assert two.kind == "binary"
    assert two.error.ece == pytest.approx(one.error.ece)


def test_one_bad_segment_is_named():
    rng = np.random.default_rng(2)
    scores, where = rng.uniform(size=3000), rng.choice(["eu", "us", "jp"], 3000)
    rate = np.where(where == "jp", scores**3, scores)
    labels = (rng.uniform(size=3000) < rate).astype(int)
    groups = {g.name: g for g in analyze(scores, labels, segments=where).calibration.segments}
    assert groups["jp"].adjusted_p < 1e-6
    assert min(groups["eu"].adjusted_p, groups["us"].adjusted_p) > 0.01


def test_boolean_labels_are_zero_and_one():
    given = inputs()
    plain = analyze(given["scores"], given["labels"]).calibration
    assert analyze(given["scores"], given["labels"].astype(bool)).calibration == plain


def test_regression_is_judged_by_its_intervals():
    y = np.random.default_rng(0).normal(size=400)
    found = analyze(intervals=Intervals(np.full(400, -1.0), np.full(400, 1.0), y, nominal=0.9))
    assert found.uncertainty.coverage.share == pytest.approx(0.68, abs=0.06)
    assert found.overall.score < 0.6


def test_versions_alone_give_stability():
    now = np.arange(100) % 4
    found = analyze(versions=Versions(now, np.where(now == 3, 2, now), now))
    assert found.stability.versions.share == 0.75
    assert found.stability.flips[0].n == 25


@pytest.mark.parametrize(
    "bad",
    [
        {"scores": [0.5, 1.5], "labels": [0, 1]},
        {"scores": [0.5], "labels": [0, 1]},
        {"scores": [0.5, 0.5], "labels": [0, 7]},
        {"scores": [[0.9, 0.9]], "labels": [0]},
        {"scores": [[0.5, 0.5]], "labels": [0], "classes": ["a"]},
        {"scores": [0.5], "labels": [0], "segments": ["a", "b"]},
        {"expected": ["speed"]},
        {"level": 1.0},
    ],
)
def test_impossible_input_is_refused(bad):
    with pytest.raises(EngineError):
        analyze(**bad)
