"""Savings by hand, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from engines import sustainability
from engines.errors import EngineError, InsufficientData
from engines.sustainability import ModelSize


def test_repeats_are_counted_within_the_time_that_a_cache_keeps() -> None:
    prompts = ["same"] * 60
    times = np.arange(60) * 10
    every = sustainability.cache_repeats("m", prompts, times, 60.0, keep_ms=10)
    assert every.facts["repeats"] == 59.0
    assert every.saved_g == pytest.approx(59.0)
    none = sustainability.cache_repeats("m", prompts, times, 60.0, keep_ms=9)
    assert none.saved_g == 0.0


def test_different_prompts_save_nothing() -> None:
    prompts = [f"question {i}" for i in range(80)]
    assert sustainability.cache_repeats("m", prompts, np.arange(80), 1.0).share == 0.0


def test_few_prompts_are_too_few() -> None:
    with pytest.raises(InsufficientData):
        sustainability.cache_repeats("m", ["a"] * 49, np.arange(49), 1.0)


def test_moving_to_the_cleanest_region_by_hand() -> None:
    energy, grams = {"us": 10.0, "de": 5.0, "se": 1.0}, {"us": 370.0, "de": 380.0, "se": 40.0}
    found = sustainability.shift_region(energy, grams, {"us": 100})
    assert [(s.subject, s.saved_g) for s in found] == [("us", 3300.0), ("de", 1700.0)]
    assert found[0].share == pytest.approx(330 / 370)
    assert found[0].facts["target"] == "se"
    assert sum(s.saved_g for s in found) <= sum(energy[r] * grams[r] for r in energy)


def test_a_region_without_intensity_is_refused() -> None:
    with pytest.raises(EngineError, match="no carbon intensity"):
        sustainability.shift_region({"us": 1.0}, {}, {})


def test_shifting_hours_counts_each_day_for_itself() -> None:
    hours = np.arange(48) * 3_600_000
    grams = np.r_[np.full(24, 200.0), np.full(24, 400.0)]
    flat = sustainability.shift_hours("x", np.ones(48), grams, hours, deferrable_share=1.0)
    assert flat.saved_g == 0.0
    grams[30] = 100.0
    dip = sustainability.shift_hours("x", np.ones(48), grams, hours, deferrable_share=0.1)
    assert dip.saved_g == pytest.approx(0.1 * 23 * 300)
    assert dip.facts["hour"] == 6.0


def test_hours_without_intensity_are_too_few() -> None:
    with pytest.raises(InsufficientData):
        sustainability.shift_hours(
            "x", np.ones(24), np.full(24, np.nan), np.arange(24), deferrable_share=0.5
        )


def test_a_larger_replacement_saves_nothing() -> None:
    found = sustainability.use_smaller("a", ModelSize(8, 8), "b", ModelSize(70, 70), 1000, 5.0, n=3)
    assert found.saved_g == 0.0


def test_every_saving_is_at_most_what_was_emitted() -> None:
    share = sustainability.use_smaller("a", ModelSize(70, 70), "b", ModelSize(1, 1), 9, 7.0, n=1)
    assert 0 < share.saved_g < 7.0
    assert len(sustainability.SAVINGS) == 4
