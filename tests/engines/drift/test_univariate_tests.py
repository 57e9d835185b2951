"""The univariate statistics against SciPy, then their edges."""

import numpy as np
import pytest
from scipy import stats

from engines.drift.chi_square import chi_square, cramers_v, pool_cells
from engines.drift.combine import adjust_p, combine_p
from engines.drift.effects import areas, jensen_shannon
from engines.drift.ks import ks
from engines.drift.missing import missing_share
from engines.drift.pair import CategoryPair, NumericPair
from engines.drift.rank_tests import mann_whitney, mood


def samples(seed, *, ties=False, n=300, m=450):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=n), rng.normal(0.1, 1.2, size=m)
    return (np.round(a, 1), np.round(b, 1)) if ties else (a, b)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_ks_distance_and_asymptotic_p_equal_scipy(seed, ties):
    a, b = samples(seed, ties=ties)
    ours, theirs = ks(NumericPair.of_samples(a, b)), stats.ks_2samp(a, b, method="asymp")
    assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=0.25)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_mann_whitney_equals_scipy_without_continuity_correction(seed, ties):
    a, b = samples(seed, ties=ties)
    ours = mann_whitney(NumericPair.of_samples(a, b))
    theirs = stats.mannwhitneyu(b, a, method="asymptotic", use_continuity=False)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-8)
    assert ours.statistic == pytest.approx(theirs.statistic / (len(a) * len(b)), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_mood_equals_scipy_without_ties(seed):
    a, b = samples(seed)
    ours = mood(NumericPair.of_samples(a, b))
    assert ours.p_value == pytest.approx(stats.mood(b, a).pvalue, rel=1e-8)


def test_mood_with_ties_has_the_permutation_variance():
    rng = np.random.default_rng(3)
    pooled = rng.integers(0, 30, 400).astype(float)
    z = []
    for _ in range(800):
        rng.shuffle(pooled)
        z.append(mood(NumericPair.of_samples(pooled[:150], pooled[150:])).statistic)
    assert np.mean(z) == pytest.approx(0, abs=0.12)
    assert np.std(z) == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("ties", [False, True])
def test_wasserstein_and_mean_shift_equal_scipy_and_the_means(ties):
    a, b = samples(1, ties=ties)
    pair = NumericPair.of_samples(a, b)
    moved, shifted = areas(pair)
    assert moved == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-9)
    assert shifted == pytest.approx(b.mean() - a.mean(), rel=1e-9)


def test_chi_square_equals_scipy_contingency_test():
    table = np.array([[50.0, 30, 20], [40, 45, 25]])
    pair = CategoryPair(100, 110, ("a", "b", "c"), table[0], table[1])
    theirs = stats.chi2_contingency(table, correction=False)
    ours = chi_square(pool_cells(pair))
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue)


def test_cells_with_expectation_below_five_are_pooled():
    pair = CategoryPair.of_counts({"a": 90, "b": 4, "c": 6}, {"a": 92, "b": 5, "c": 3})
    table = pool_cells(pair)
    assert table.cells == 2
    assert table.reference.tolist() == [90.0, 10.0]


def test_cramers_v_does_not_depend_on_the_ratio_of_sizes():
    shares = np.array([0.3, 0.7]), np.array([0.4, 0.6])
    equal = CategoryPair(10**6, 10**6, ("a", "b"), shares[0] * 1e6, shares[1] * 1e6)
    uneven = CategoryPair(10**8, 10**6, ("a", "b"), shares[0] * 1e8, shares[1] * 1e6)
    assert cramers_v(pool_cells(equal)) == pytest.approx(cramers_v(pool_cells(uneven)), rel=0.06)


def test_jensen_shannon_equals_scipy():
    from scipy.spatial.distance import jensenshannon

    p, q = np.array([1.0, 4, 5]), np.array([3.0, 3, 4])
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2))


def test_missing_share_equals_fisher_when_rare_and_chi_square_otherwise():
    rare = stats.fisher_exact([[1, 99], [4, 96]]).pvalue
    assert missing_share(1, 100, 4, 100).p_value == pytest.approx(rare)
    common = stats.chi2_contingency([[20, 80], [35, 65]], correction=False).pvalue
    assert missing_share(20, 100, 35, 100).p_value == pytest.approx(common)


def test_adjust_p_equals_scipy():
    p = np.random.default_rng(0).uniform(size=50) ** 2
    assert adjust_p(p) == pytest.approx(stats.false_discovery_control(p))
    assert adjust_p([]).size == 0


def test_a_p_value_of_one_does_not_hide_a_tiny_one():
    assert combine_p([1.0, 1e-10, 0.5]) < 1e-9
    assert combine_p([0.0, 0.5]) < 1e-200


def test_negative_zero_ties_with_zero():
    pair = NumericPair.of_samples(np.array([-0.0, 1.0]), np.array([0.0, -1.0]))
    assert pair.values.tolist() == [-1.0, 0.0, 1.0]
