import numpy as np
import pytest
from scipy.stats import betabinom, binomtest
from sklearn.metrics import brier_score_loss, roc_auc_score
from statsmodels.api import GLM, add_constant, families
from statsmodels.stats.proportion import proportion_confint

from engines.errors import EngineError, InsufficientData
from engines.reliability import (
    Features,
    Intervals,
    Repeats,
    Versions,
    bin_scores,
    coverage_p,
    interval_uncertainty,
    ood_detection,
    set_uncertainty,
    stability,
    wilson,
)
from engines.reliability.brier import decompose
from engines.reliability.ood import _auroc
from engines.reliability.recalibration import recalibrate
from engines.result import Insufficient


def drawn(n, seed, power=1.0):
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.02, 0.98, n)
    return scores, (rng.uniform(size=n) < scores**power).astype(float)


class TestProportion:
    @pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (7, 30), (500, 1000)])
    def test_wilson_matches_statsmodels(self, hits, n):
        low, high = proportion_confint(hits, n, alpha=0.1, method="wilson")
        found = wilson(hits, n, 0.9)
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)

    @pytest.mark.parametrize(("hits", "n"), [(0, 0), (-1, 5), (6, 5)])
    def test_impossible_counts_are_refused(self, hits, n):
        with pytest.raises(EngineError):
            wilson(hits, n, 0.9)


class TestBrier:
    def test_score_matches_sklearn(self):
        scores, labels = drawn(800, 0)
        found = decompose(scores, labels, bin_scores(scores, labels))
        assert found.score == pytest.approx(brier_score_loss(labels, scores))

    def test_parts_add_up_to_the_score(self):
        scores, labels = drawn(800, 1, power=2)
        b = decompose(scores, labels, bin_scores(scores, labels))
        assert b.reliability - b.resolution + b.uncertainty + b.within == pytest.approx(b.score)

    def test_correction_centres_reliability_at_zero_for_a_perfect_model(self):
        parts = [
            decompose(s, y, bin_scores(s, y)).reliability
            for s, y in (drawn(300, seed) for seed in range(300))
        ]
        assert abs(np.mean(parts)) < 0.001

    def test_interval_of_the_score_covers(self):
        truth = np.mean([decompose(*drawn(20_000, 9), bin_scores(*drawn(20_000, 9))).score])
        found = [
            decompose(s, y, bin_scores(s, y)).interval
            for s, y in (drawn(300, seed) for seed in range(300))
        ]
        assert 0.84 <= np.mean([i.low <= truth <= i.high for i in found]) <= 0.95


class TestRecalibration:
    def test_slope_and_errors_match_statsmodels(self):
        scores, labels = drawn(700, 2, power=1.7)
        logits = np.log(scores / (1 - scores))
        fit = GLM(labels, add_constant(logits), family=families.Binomial()).fit()
        ends = fit.conf_int(alpha=0.1)
        found = recalibrate(scores, labels)
        assert (found.intercept, found.slope) == pytest.approx(tuple(fit.params), abs=1e-6)
        assert (found.slope_interval.low, found.slope_interval.high) == pytest.approx(
            tuple(ends[1]), abs=1e-4
        )

    def test_calibration_in_the_large_matches_statsmodels(self):
        scores, labels = drawn(700, 3, power=1.7)
        logits = np.log(scores / (1 - scores))
        fit = GLM(labels, np.ones(700), family=families.Binomial(), offset=logits).fit()
        assert recalibrate(scores, labels).in_the_large == pytest.approx(fit.params[0], abs=1e-6)

    def test_scores_too_extreme_have_a_slope_below_one(self):
        scores, labels = drawn(4000, 4)
        sharper = scores**2 / (scores**2 + (1 - scores) ** 2)
        assert recalibrate(sharper, labels).slope == pytest.approx(0.5, abs=0.06)

    @pytest.mark.parametrize(
        "scores", [np.full(60, 0.5), np.r_[np.full(30, 0.1), np.full(30, 0.9)]]
    )
    def test_no_finite_curve_is_insufficient(self, scores):
        with pytest.raises(InsufficientData):
            recalibrate(scores, np.repeat([0.0, 1.0], 30))


class TestStability:
    def test_repeated_inputs_count_once_each(self):
        asked = np.repeat(np.arange(30), 4)
        told = np.zeros(120)
        told[:3] = [1, 2, 3]
        found = stability(Repeats(asked, told))
        assert (found.repeats.agreed, found.repeats.n) == (29, 30)

    def test_tolerance_forgives_small_differences_of_numbers(self):
        asked = np.repeat(np.arange(30), 2)
        told = np.tile([1.0, 1.05], 30)
        assert stability(Repeats(asked, told)).repeats.share == 0.0
        assert stability(Repeats(asked, told), tolerance=0.1).repeats.share == 1.0

    def test_inputs_asked_once_say_nothing(self):
        with pytest.raises(InsufficientData, match="asked more than once, got 0"):
            stability(Repeats(np.arange(100), np.arange(100)))

    def test_regressions_are_told_from_repairs(self):
        labels = np.zeros(100, dtype=int)
        previous = np.r_[np.zeros(80, dtype=int), np.ones(20, dtype=int)]
        current = np.r_[np.ones(8, dtype=int), np.zeros(92, dtype=int)]
        found = stability(versions=Versions(previous, current, labels))
        assert found.versions.share == pytest.approx(0.72)
        assert (found.regressions.agreed, found.regressions.n) == (72, 80)
        assert [(f.before, f.after, f.n) for f in found.flips] == [("1", "0", 20), ("0", "1", 8)]

    def test_score_falls_with_disagreement(self):
        now = np.arange(200)
        scores = [
            stability(versions=Versions(now, np.where(now < k, -1, now))).score
            for k in (0, 10, 30, 100)
        ]
        assert scores[0] == 1.0 and scores == sorted(scores, reverse=True)

    def test_columns_of_unequal_length_are_refused(self):
        with pytest.raises(EngineError):
            stability(Repeats([1, 2], [1]))

    def test_version_without_labels_has_no_regressions(self):
        found = stability(versions=Versions(np.arange(50), np.arange(50)))
        assert isinstance(found.regressions, Insufficient)


class TestUncertainty:
    def test_p_value_matches_scipys_beta_binomial(self):
        law = betabinom(100, 46, 5)  # k = ceil(51 * 0.9)
        expected = 2 * min(law.cdf(80), law.sf(79))
        assert coverage_p(80, 100, 0.9, 50) == pytest.approx(expected)

    def test_p_value_without_calibration_is_close_to_the_binomial_test(self):
        assert coverage_p(80, 100, 0.9) == pytest.approx(
            binomtest(80, 100, 0.9, alternative="less").pvalue * 2
        )

    def test_interval_score_by_hand(self):
        # widths 2; one miss by 0.5 above costs 2 / 0.1 * 0.5 = 10
        outcomes = np.zeros(40)
        outcomes[0] = 1.5
        found = interval_uncertainty(Intervals(np.full(40, -1.0), np.ones(40), outcomes))
        assert found.interval_score == pytest.approx(2 + 10 / 40)
        assert (found.mean_width, found.coverage.hits) == (2.0, 39)

    def test_exchangeable_rows_keep_the_promise_at_its_level(self):
        p_values = []
        for seed in range(300):
            rng = np.random.default_rng(seed)
            p = rng.dirichlet([1, 1, 1], 200)
            y = (rng.uniform(size=(200, 1)) > p.cumsum(axis=1)).sum(axis=1)
            p_values.append(set_uncertainty(p, y).coverage.p_value)
        assert np.mean(np.array(p_values) <= 0.05) <= 0.08

    def test_later_rows_unlike_the_earlier_break_the_promise(self):
        rng = np.random.default_rng(0)
        p = rng.dirichlet([1, 1, 1], 600)
        y = p.argmax(axis=1)
        y[300:] = p[300:].argmin(axis=1)
        found = set_uncertainty(p, y)
        assert found.coverage.p_value < 1e-6 and found.score < 0.5

    def test_segment_that_is_not_covered_is_shown(self):
        rng = np.random.default_rng(0)
        where = np.repeat(["a", "b"], 200)
        y = rng.normal(size=400) * np.where(where == "b", 3, 1)
        found = interval_uncertainty(
            Intervals(np.full(400, -1.645), np.full(400, 1.645), y, segments=where)
        )
        by_name = {c.name: c for c in found.segments}
        assert by_name["a"].p_value > 0.05 > by_name["b"].p_value

    def test_missing_outcomes_are_left_out(self):
        y = np.r_[np.zeros(40), np.full(10, np.nan)]
        assert interval_uncertainty(Intervals(np.full(50, -1.0), np.ones(50), y)).n == 40

    def test_interval_upside_down_is_refused(self):
        with pytest.raises(EngineError):
            interval_uncertainty(Intervals(np.ones(40), np.zeros(40), np.zeros(40)))

    def test_calibration_too_small_for_the_promise_is_insufficient(self):
        with pytest.raises(InsufficientData, match="99"):
            coverage_p(50, 60, 0.99, 50)


class TestOutOfDistribution:
    @pytest.mark.parametrize("distance", ["mahalanobis", "neighbours"])
    def test_ordinary_rows_are_flagged_at_the_promised_share(self, distance):
        shares, alarms = [], []
        for seed in range(60):
            rng = np.random.default_rng(seed)
            rows = rng.standard_t(4, size=(400, 3))
            found = ood_detection(Features(rows[:250], rows[250:]), distance=distance, seed=seed)
            shares.append(found.share)
            alarms.append(found.p_value <= 0.05)
        assert np.mean(shares) == pytest.approx(0.05, abs=0.012)
        assert np.mean(alarms) <= 0.12

    def test_auroc_and_its_interval_match_sklearn_and_delong(self):
        rng = np.random.default_rng(0)
        ordinary, strange = np.sort(rng.normal(size=200)), rng.normal(1, 1, 150)
        auroc, interval = _auroc(ordinary, strange, 0.9)
        truth = np.r_[np.zeros(200), np.ones(150)]
        assert auroc == pytest.approx(roc_auc_score(truth, np.r_[ordinary, strange]))
        wins = (strange[:, None] > ordinary[None]).astype(float)
        variance = wins.mean(1).var() / 150 + wins.mean(0).var() / 200
        assert interval.high - interval.low == pytest.approx(2 * 1.6449 * variance**0.5, rel=1e-3)

    def test_neighbours_see_rows_between_clusters(self):
        rng = np.random.default_rng(1)
        reference = np.r_[rng.normal(-6, 1, (300, 2)), rng.normal(6, 1, (300, 2))]
        rng.shuffle(reference)
        between = rng.normal(0, 0.5, (100, 2))
        given = Features(reference, reference[:100] + 0.01, outliers=between)
        assert ood_detection(given, distance="neighbours").auroc > 0.99
        assert ood_detection(given, distance="mahalanobis").auroc < 0.5

    def test_value_never_seen_in_a_constant_column_is_flagged(self):
        rng = np.random.default_rng(2)
        reference = np.c_[rng.normal(size=300), np.ones(300)]
        current = np.c_[rng.normal(size=40), np.r_[np.full(20, 2.0), np.ones(20)]]
        assert ood_detection(Features(reference, current)).share >= 0.5

    def test_missing_values_do_not_stop_it(self):
        rng = np.random.default_rng(3)
        reference, current = rng.normal(size=(200, 3)), rng.normal(size=(50, 3))
        reference[::7, 0] = current[::5, 1] = np.nan
        assert ood_detection(Features(reference, current)).share < 0.2

    def test_strangest_rows_are_named_in_order(self):
        rng = np.random.default_rng(4)
        reference, current = rng.normal(size=(200, 2)), rng.normal(size=(50, 2))
        current[7], current[3] = 30, 20
        assert ood_detection(Features(reference, current)).strangest[:2] == (7, 3)

    @pytest.mark.parametrize(("n", "m"), [(99, 50), (200, 19)])
    def test_thin_sides_are_insufficient(self, n, m):
        with pytest.raises(InsufficientData):
            ood_detection(Features(np.zeros((n, 2)), np.zeros((m, 2))))

    def test_unequal_widths_are_refused(self):
        with pytest.raises(EngineError):
            ood_detection(Features(np.zeros((200, 2)), np.zeros((50, 3))))
