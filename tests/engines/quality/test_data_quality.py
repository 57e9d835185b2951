"""Data quality: hand counts, false alarms on equal data, edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from engines.errors import EngineError, InsufficientData
from engines.quality import Freshness, check, check_freshness
from engines.result import Insufficient


def numbers(n: int, seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(seed).normal(size=n)


def test_missing_values_are_tested_as_fisher_does() -> None:
    old, new = numbers(200), numbers(200, 1)
    old[:4], new[:30] = np.nan, np.nan
    found = check({"x": old}, {"x": new}).findings
    assert [(f.problem, f.share, f.expected) for f in found] == [("missing", 0.15, 0.02)]
    p = fisher_exact([[30, 170], [4, 196]], alternative="greater").pvalue
    assert found[0].p_value == pytest.approx(2 * p)  # Holm over two tests


def test_new_categories_beyond_the_unseen_share_are_named() -> None:
    old = np.array(["a", "b"] * 100, dtype=object)
    new = np.array(["a"] * 90 + ["z"] * 10, dtype=object)
    found = check({"c": old}, {"c": new}).findings
    assert [(f.problem, f.share, f.detail) for f in found] == [("new_categories", 0.1, ("z",))]


def test_a_column_of_mostly_unique_names_is_no_finding() -> None:
    old = np.array([f"n{i}" for i in range(200)], dtype=object)
    new = np.array([f"m{i}" for i in range(200)], dtype=object)
    assert check({"c": old}, {"c": new}).findings == ()


def test_schema_changes_need_no_test() -> None:
    words = np.array([f"w{i % 5}" for i in range(50)], dtype=object)
    report = check({"gone": numbers(50), "x": numbers(50)}, {"new": numbers(50), "x": words})
    assert {(f.column, f.problem) for f in report.findings} == {
        ("gone", "vanished"), ("new", "appeared"), ("x", "type_change"),
    }  # fmt: skip


def test_a_frozen_sensor_is_constant() -> None:
    found = check({"x": numbers(100)}, {"x": np.full(50, 0.1)}).findings
    assert [f.problem for f in found] == ["constant"]


def test_equal_data_rarely_alarm_and_clean_share_is_near_one() -> None:
    alarms = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        sides = [{f"x{k}": rng.exponential(size=300) for k in range(8)} for _ in range(2)]
        report = check(*sides)
        alarms += bool(report.findings)
        assert report.clean_share > 0.98
    assert alarms <= 3  # family-wise 1 % asked; 3 of 100 is its 98 % quantile


def test_thin_and_empty_data_are_refused() -> None:
    with pytest.raises(InsufficientData):
        check({"x": numbers(5)}, {"x": numbers(100)})
    with pytest.raises(EngineError):
        check({}, {})


def test_inputs_are_not_changed() -> None:
    old, new = numbers(60), numbers(60, 1)
    before = old.copy(), new.copy()
    check({"x": old}, {"x": new})
    assert np.array_equal(old, before[0]) and np.array_equal(new, before[1])


@pytest.mark.parametrize(("age", "state"), [(5, "fresh"), (15, "late"), (40, "stale")])
def test_freshness_compares_the_silence_with_every_gap(age: float, state: str) -> None:
    found = check_freshness(np.arange(0.0, 300.0, 10.0), 290.0 + age)
    assert isinstance(found, Freshness)
    assert (found.state, found.usual_gap_s) == (state, 10.0)
    assert (found.p_value <= 1 / 30) == (state != "fresh")


def test_freshness_needs_history() -> None:
    assert isinstance(check_freshness([1.0, 2.0], 3.0), Insufficient)
