import numpy as np
import pytest
from scipy.stats import ncx2

from engines.errors import InsufficientData
from engines.reliability.calibration_error import (
    bin_scores,
    calibration_error,
    diagram,
    require_rows,
)


def perfect(n, seed, a=1.0, b=1.0):
    rng = np.random.default_rng(seed)
    scores = rng.beta(a, b, n)
    return scores, (rng.uniform(size=n) < scores).astype(float)


def studies(n, repeats, **shape):
    return [calibration_error(bin_scores(*perfect(n, s, **shape))) for s in range(repeats)]


def test_debiased_error_of_a_perfect_model_is_zero_on_average():
    found = studies(500, 400)
    assert abs(np.mean([e.ece for e in found])) <= 0.005
    assert np.mean([e.plug_in for e in found]) > 0.05


def test_interval_of_a_perfect_model_keeps_its_level():
    share = np.mean([e.interval.low == 0.0 for e in studies(500, 400)])
    assert 0.85 <= share <= 0.95


def test_p_value_of_a_perfect_model_is_uniform():
    p = np.array([e.p_value for e in studies(2000, 400)])
    assert 0.02 <= (p <= 0.05).mean() <= 0.09
    assert 0.4 <= p.mean() <= 0.6


@pytest.mark.parametrize("power", [1.5, 2.5])
def test_interval_of_a_wrong_model_covers_the_error_of_its_bins(power):
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        scores = rng.uniform(size=1000)
        labels = (rng.uniform(size=1000) < scores**power).astype(float)
        # the true error of the bins that were drawn
        edges = np.quantile(scores, np.linspace(0, 1, 16))
        which = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, 14)
        gaps = np.bincount(which, scores - scores**power, 15) / np.bincount(which, minlength=15)
        truth = np.sqrt(np.mean(gaps**2))
        interval = calibration_error(bin_scores(scores, labels)).interval
        hits += interval.low <= truth <= interval.high
    assert 0.84 <= hits / 200 <= 0.97


def test_ends_of_the_interval_invert_the_noncentral_chi_square():
    scores, labels = perfect(800, 3)
    binned = bin_scores(scores**0.4, labels)
    error = calibration_error(binned, 0.9)
    v = binned.sizes / 800 * binned.gap_variance / binned.sizes
    freedom = v.sum() ** 2 / (v @ v)
    gaps = binned.mean_score - binned.observed
    q = freedom * float(binned.sizes / 800 @ gaps**2) / v.sum()
    # far from perfect calibration both tails hold 5 %
    for end, share in ((error.interval.low, 0.95), (error.interval.high, 0.05)):
        assert ncx2.cdf(q, freedom, end**2 * freedom / v.sum()) == pytest.approx(share, abs=1e-6)


def test_bins_have_equal_mass_and_keep_equal_scores_together():
    scores, labels = perfect(1500, 0)
    assert bin_scores(scores, labels).sizes.tolist() == [100] * 15
    rounded = bin_scores(np.round(scores, 1), labels)
    assert np.all(rounded.high[:-1] < rounded.low[1:])
    assert rounded.sizes.sum() == 1500


def test_bin_sums_match_a_plain_loop():
    scores, labels = perfect(300, 1)
    binned = bin_scores(scores, labels, 5)
    order = np.argsort(scores)
    for i, rows in enumerate(np.array_split(order, 5)):
        gap = scores[rows] - labels[rows]
        assert binned.mean_score[i] == pytest.approx(scores[rows].mean())
        assert binned.observed[i] == pytest.approx(labels[rows].mean())
        assert binned.gap_variance[i] == pytest.approx(gap.var(ddof=1))


def test_diagram_counts_every_row_once():
    points = diagram(bin_scores(*perfect(500, 2)), 0.9)
    assert sum(point.n for point in points) == 500
    assert all(p.interval.low <= p.observed <= p.interval.high for p in points)


def test_constant_scores_make_one_bin():
    labels = np.repeat([0.0, 1.0], 50)
    error = calibration_error(bin_scores(np.full(100, 0.9), labels))
    assert error.plug_in == pytest.approx(0.4)
    assert error.interval.low > 0.2


def test_scores_that_name_the_label_have_no_noise_to_measure():
    labels = np.repeat([0.0, 1.0], 50)
    with pytest.raises(InsufficientData):
        calibration_error(bin_scores(labels.copy(), labels))


@pytest.mark.parametrize("labels", [np.zeros(49), np.r_[np.zeros(100), np.ones(4)]])
def test_thin_labels_are_insufficient(labels):
    with pytest.raises(InsufficientData, match="calibration needs"):
        require_rows(labels)


def test_a_lucky_sample_does_not_claim_more_than_its_size_allows():
    lucky = calibration_error(bin_scores(np.full(100, 0.5), np.tile([0.0, 1.0], 50)))
    assert lucky.interval.low == 0.0
    assert lucky.interval.high > 0.03


def test_constant_scores_with_one_outcome_each_are_refused_as_noiseless() -> None:
    scores = np.repeat([0.1, 0.3, 0.6, 0.8], 50)
    labels = np.repeat([0.0, 1.0, 0.0, 1.0], 50)
    with pytest.raises(InsufficientData, match="no bin holds both outcomes"):
        calibration_error(bin_scores(scores, labels))


def test_interval_far_from_perfect_meets_the_inverted_one_at_the_border() -> None:
    from engines.reliability.calibration_error import LARGE_Q, _invert

    inverted = _invert(LARGE_Q * 0.999, 15.0, 0.9)
    normal = _invert(LARGE_Q * 1.001, 15.0, 0.9)
    assert normal == pytest.approx(inverted, rel=0.003)
