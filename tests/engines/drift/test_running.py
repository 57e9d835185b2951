"""The running distance equals SciPy's statistic slice by slice, and has no other opinions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from engines.drift.running import running_distance
from engines.errors import EngineError


@pytest.mark.parametrize("seed", range(5))
def test_numbers_give_the_two_sample_statistic_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    normal, column = rng.integers(0, 30, 200) / 3.0, rng.integers(0, 40, 90) / 3.0  # with ties
    starts, ends = np.array([0, 10, 40]), np.array([12, 40, 90])
    found = running_distance(normal, column, starts, ends)
    for i, (a, b) in enumerate(zip(starts, ends, strict=True)):
        assert found[i] == pytest.approx(stats.ks_2samp(normal, column[a:b]).statistic)


def test_missing_values_move_the_distance_by_their_share() -> None:
    normal = np.arange(100.0)
    column = np.array([np.nan] * 4)
    assert running_distance(normal, column, np.array([0]), np.array([4])).tolist() == [1.0]


def test_categories_give_the_total_variation_by_hand() -> None:
    normal = np.array(["a"] * 6 + ["b"] * 4, dtype=object)
    column = np.array(["a", "b", "c", "c"], dtype=object)  # |.25-.6| + |.25-.4| + .5, halved
    found = running_distance(normal, column, np.array([0]), np.array([4]))
    assert found.tolist() == pytest.approx([0.5])


def test_an_empty_slice_is_unknown_and_an_empty_reference_an_error() -> None:
    one = np.array([1.0, 2.0])
    assert np.isnan(running_distance(one, one, np.array([1]), np.array([1])))[0]
    with pytest.raises(EngineError, match="empty"):
        running_distance(one[:0], one, np.array([0]), np.array([2]))
