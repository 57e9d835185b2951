"""Joint drift: found with unchanged columns, quiet without change, drivers named."""

import numpy as np
import pytest
from scipy import stats

from engines.drift import compare
from engines.drift.classifier import separate
from engines.drift.dependence import compare_dependence, measure_dependence, rank_scores


def columns(seed, n=4000, p=6):
    rng = np.random.default_rng(seed)
    return {f"x{i}": rng.normal(size=n) for i in range(p)}


def joint(report, name):
    return next(test for test in report.joint if test.name == name)


def test_rank_scores_of_ties_use_mid_ranks():
    scores, _ = rank_scores(np.array([1.0, 1.0, 2.0, np.nan]))
    raw = stats.norm.ppf((stats.rankdata([1.0, 1.0, 2.0]) - 0.5) / 3)
    assert scores[:3] == pytest.approx((raw - raw.mean()) / raw.std())
    assert scores[3] == 0.0


def test_correlation_equals_van_der_waerden_scores():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=200), rng.exponential(size=200)
    scores = [stats.norm.ppf((stats.rankdata(v) - 0.5) / 200) for v in (x, y)]
    found = measure_dependence([x, y]).correlation[0, 1]
    assert found == pytest.approx(np.corrcoef(*scores)[0, 1])


@pytest.mark.parametrize("rho", [0.0, 0.8])
@pytest.mark.parametrize("copula", ["gauss", "t"])
def test_unchanged_dependence_rejects_at_most_nominally(rho, copula):
    rng = np.random.default_rng(1)

    def draw():
        xy = rng.multivariate_normal([0, 0, 0], np.full((3, 3), rho) + (1 - rho) * np.eye(3), 400)
        return list((xy / (np.sqrt(rng.chisquare(4, (400, 1)) / 4) if copula == "t" else 1)).T)

    p = []
    for _ in range(150):
        one, other = measure_dependence(draw()), measure_dependence(draw())
        for folded in (False, True):
            p.extend(compare_dependence(one, other, columns=3, folded=folded).p_values)
    assert (np.array(p) < 0.05).mean() < 0.065


def test_a_changed_correlation_is_found_and_its_pair_named():
    before, after = columns(0), columns(1)
    after["x1"] = 0.4 * after["x0"] + np.sqrt(1 - 0.16) * after["x1"]
    report = compare(before, after)
    found = joint(report, "correlation")
    assert report.drifted_columns == ()
    assert found.outcome == "drift"
    assert found.drivers[0].columns == ("x0", "x1")
    assert found.drivers[0].current == pytest.approx(0.4, abs=0.05)


def test_dependence_without_correlation_is_found():
    before, after = columns(0), columns(1)
    sign = np.sign(np.random.default_rng(2).normal(size=4000))
    after["x1"] = sign * np.abs(after["x0"])
    report = compare(before, after)
    assert joint(report, "correlation").outcome == "no_evidence"
    assert joint(report, "dependence").outcome == "drift"
    assert joint(report, "dependence").drivers[0].columns == ("x0", "x1")


def test_the_classifier_names_the_column_that_moved():
    before, after = columns(0), columns(1)
    after["x3"] = after["x3"] + 1
    found = joint(compare(before, after), "domain_classifier")
    assert found.outcome == "drift"
    assert found.drivers[0].columns == ("x3",)
    assert found.drivers[0].weight > 0.9


def test_classifier_p_values_are_level_without_change():
    rng = np.random.default_rng(3)
    p = [
        separate(rng.normal(size=(200, 4)), rng.normal(size=(200, 4)), seed=i).p_value
        for i in range(60)
    ]
    assert np.mean(np.array(p) < 0.1) < 0.22


def test_missing_values_and_categories_enter_the_joint_tests():
    rng = np.random.default_rng(4)
    tables = []
    for _ in range(2):
        table = columns(rng.integers(1000), n=2000)
        table["x0"][rng.random(2000) < 0.2] = np.nan
        table["kind"] = rng.choice(["a", "b"], 2000)
        tables.append(table)
    assert all(test.outcome == "no_evidence" for test in compare(*tables).joint)


def test_thin_joint_tests_say_so():
    report = compare(columns(0, n=40), columns(1, n=40))
    assert {test.outcome for test in report.joint} == {"insufficient_data"}


def test_the_seed_decides_the_result():
    one, other = columns(0), columns(1)
    assert compare(one, other, seed=3) == compare(one, other, seed=3)


def test_the_segment_that_moved_is_named():
    rng = np.random.default_rng(5)
    tables = []
    for shift in (0.0, 1.0):
        region = rng.choice(["eu", "us", "asia"], 3000)
        tables.append({"region": region, "x": rng.normal(size=3000) + shift * (region == "us")})
    slices = compare(*tables, slice_by=["region"]).slices
    assert slices[0].value == "us"
    assert slices[0].drifted == ("x",)
    assert [s.outcome for s in slices[1:]] == ["no_evidence", "no_evidence"]
