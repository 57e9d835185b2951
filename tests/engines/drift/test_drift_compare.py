"""The report: outcomes, edges of real tables, and the score."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from engines.drift import CATEGORY_TESTS, NUMERIC_TESTS, Policy, compare
from engines.drift.chi_square import pool_cells
from engines.drift.pair import CategoryPair, NumericPair
from engines.errors import EngineError


def table(seed, n=3000, shift=0.0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": rng.normal(shift, 1, n),
            "age": rng.integers(18, 80, n),
            "plan": rng.choice(["free", "pro", "team"], n),
            "paid": rng.random(n) < 0.3,
            "city": rng.integers(0, 1000, n).astype(str),
        }
    )


def test_equal_tables_show_no_evidence_and_score_zero():
    report = compare(table(0), table(1), joint=False)
    assert report.status == "no_evidence"
    assert report.score == 0.0


def test_a_shifted_column_is_named_and_the_others_are_not():
    report = compare(table(0), table(1, shift=0.3), joint=False)
    assert report.drifted_columns == ("amount",)
    assert report.columns[0].name == "amount"
    assert 0 < report.score < 1


def test_severity_and_score_grow_with_the_shift():
    scores = [compare(table(0), table(1, shift=s), joint=False).score for s in (0.0, 0.3, 1.0, 4.0)]
    assert scores == sorted(scores)
    assert len(set(scores)) == 4


def test_a_detectable_but_tiny_shift_is_called_negligible():
    rng = np.random.default_rng(0)
    n = 1_000_000
    report = compare({"x": rng.normal(size=n)}, {"x": rng.normal(0.01, 1, n)})
    assert report.status == "detectable_but_negligible"


def test_missing_values_are_compared_on_their_own():
    before, after = table(0), table(1)
    after.loc[:900, "amount"] = np.nan
    column = compare(before, after, joint=False).column("amount")
    assert column.outcome == "drift"
    assert column.effect_name == "missing_share"
    assert column.missing_change == pytest.approx(901 / 3000)


def test_infinite_values_count_as_missing():
    before, after = table(0), table(1)
    after.loc[:99, "amount"] = np.inf
    assert compare(before, after, joint=False).column("amount").n_current == 2900


def test_a_column_that_vanished_has_drifted():
    report = compare(table(0), table(1).drop(columns="plan"), joint=False)
    assert report.missing_columns == ("plan",)
    assert report.column("plan").outcome == "drift"


def test_a_column_missing_on_one_side_is_thin_or_drifted_never_fine():
    before = pd.DataFrame({"x": [None] * 500, "y": range(500)})
    after = pd.DataFrame({"x": [None] * 500, "y": range(500)})
    assert compare(before, after, joint=False).column("x").outcome == "insufficient_data"


def test_constant_columns_have_nothing_to_show():
    same = {"x": np.ones(500)}
    assert compare(same, same).column("x").outcome == "no_evidence"


def test_a_constant_that_changed_has_drifted():
    column = compare({"x": np.ones(500)}, {"x": np.full(500, 2.0)}).column("x")
    assert column.outcome == "drift"
    assert column.new_categories == ("2",)


def test_tiny_samples_are_insufficient():
    report = compare({"x": np.arange(5.0)}, {"x": np.arange(900.0)})
    assert report.status == "insufficient_data"
    assert report.score is None
    assert "got 5 and 900" in report.column("x").reason


def test_empty_tables_are_insufficient():
    report = compare({"x": np.array([])}, {"x": np.array([])})
    assert report.status == "insufficient_data"


def test_new_categories_are_listed_with_their_share():
    before, after = table(0), table(1)
    after.loc[:299, "plan"] = "enterprise"
    column = compare(before, after, joint=False).column("plan")
    assert column.new_categories == ("enterprise",)
    assert column.new_category_share == pytest.approx(0.1)


def test_ids_are_not_compared():
    before = {"id": np.array([f"a{i}" for i in range(900)], dtype=object)}
    after = {"id": np.array([f"b{i}" for i in range(900)], dtype=object)}
    column = compare(before, after).column("id")
    assert column.outcome == "insufficient_data"
    assert "id" in column.reason


def test_a_column_that_changed_type_is_compared_as_categories():
    before = {"x": np.repeat([1.0, 2.0], 300)}
    after = {"x": np.repeat(np.array(["1.0", "two"], dtype=object), 300)}
    assert compare(before, after).column("x").new_categories == ("two",)


def test_inputs_are_not_changed():
    before, after = table(0), table(1)
    copies = before.copy(), after.copy()
    compare(before, after)
    pd.testing.assert_frame_equal(before, copies[0])
    pd.testing.assert_frame_equal(after, copies[1])


def test_swapping_the_tables_keeps_the_p_values():
    one, other = table(0), table(1, shift=0.1)
    forward, back = compare(one, other, joint=False), compare(other, one, joint=False)
    for column in forward.columns:
        assert column.p_value == pytest.approx(back.column(column.name).p_value, rel=1e-9)


def test_the_report_turns_into_json_as_it_is():
    text = json.dumps(dataclasses.asdict(compare(table(0), table(1))))
    assert "NaN" not in text


def test_arrays_series_and_object_strings_read_alike():
    frame = table(0)
    arrays = {name: frame[name].to_numpy() for name in frame}
    objects = frame.astype({"plan": object, "city": object})
    other = table(1)
    p = [[c.p_value for c in compare(t, other, joint=False).columns] for t in (frame, arrays)]
    assert p[0] == p[1]
    assert p[0] == [c.p_value for c in compare(objects, other, joint=False).columns]


def test_a_large_reference_does_not_hide_a_category_shift():
    rng = np.random.default_rng(0)
    before = {"c": rng.choice(["a", "b"], 200_000)}
    after = {"c": rng.choice(["a", "b"], 2_000, p=[0.6, 0.4])}
    assert compare(before, after).column("c").effects.cramers_v == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("bad", [[1, 2], None, {"x": np.ones(3), "y": np.ones(4)}])
def test_what_is_no_table_is_refused(bad):
    with pytest.raises(EngineError):
        compare(bad, {"x": np.ones(3)})


def test_unknown_columns_are_refused():
    with pytest.raises(EngineError, match="ghost"):
        compare(table(0), table(1), columns=["ghost"])


def test_a_rate_out_of_range_is_refused():
    with pytest.raises(EngineError):
        Policy(false_discovery_rate=0.0)


@pytest.mark.parametrize("test", NUMERIC_TESTS)
def test_every_numeric_test_is_level_and_sees_a_gross_change(test):
    rng = np.random.default_rng(5)
    p = np.array(
        [
            test(NumericPair.of_samples(rng.normal(size=200), rng.normal(size=200))).p_value
            for _ in range(300)
        ]
    )
    assert (p < 0.05).mean() < 0.09
    assert ((p >= 0) & (p <= 1)).all()
    changed = NumericPair.of_samples(rng.normal(size=500), rng.normal(1, 2, size=500))
    assert test(changed).p_value < 1e-6


@pytest.mark.parametrize("test", CATEGORY_TESTS)
def test_every_category_test_is_level_with_a_thousand_values(test):
    rng = np.random.default_rng(6)
    p = []
    for _ in range(200):
        counts = [np.bincount(rng.integers(0, 1000, 5000), minlength=1000) for _ in range(2)]
        before, after = (dict(enumerate(c.tolist())) for c in counts)
        p.append(test(pool_cells(CategoryPair.of_counts(before, after))).p_value)
    assert (np.array(p) < 0.05).mean() < 0.1


def test_few_valued_numbers_are_tested_with_their_order():
    rng = np.random.default_rng(7)
    before = rng.integers(1, 6, 2000).astype(float)
    after = np.clip(rng.integers(1, 6, 2000) + (rng.random(2000) < 0.08), 1, 5).astype(float)
    column = compare({"stars": before}, {"stars": after}).column("stars")
    assert [test.name for test in column.tests] == ["chi_square", "mann_whitney", "missing_share"]
    assert column.kind == "categorical"


def test_numbers_near_the_float_limit_do_not_overflow():
    rng = np.random.default_rng(8)
    values = rng.normal(size=500)
    values[:3] = 1e308
    assert compare({"x": values}, {"x": -values}).column("x").n_current == 497


def test_wide_tables_are_compared_without_folded_scores():
    rng = np.random.default_rng(9)
    before, after = ({f"x{i}": rng.normal(size=300) for i in range(120)} for _ in range(2))
    assert [j.name for j in compare(before, after).joint] == ["correlation", "domain_classifier"]


def test_repeated_column_names_are_refused():
    frame = pd.DataFrame(np.ones((30, 2)), columns=["x", "x"])
    with pytest.raises(EngineError, match="repeat"):
        compare(frame, frame)


@pytest.mark.parametrize(
    "values",
    [
        pd.array([1, 2, None] * 30, dtype="Int64"),
        pd.array([True, False, None] * 30, dtype="boolean"),
        np.array([True, False, True] * 30),
        np.array([b"a", b"b", b"c"] * 30),
        np.array([1, "a", None] * 30, dtype=object),
        np.array([1.5, 2, None] * 30, dtype=object),
        pd.Categorical([1, 2, None] * 30),
        np.array([1, 2, 3] * 30, dtype="timedelta64[s]"),
        pd.to_datetime(["2026-01-01", "2026-01-02", None] * 30),
        np.arange(90, dtype=np.uint8),
        np.arange(90, dtype=np.float16),
    ],
)
def test_every_kind_of_column_is_answered(values):
    frame = pd.DataFrame({"x": values, "y": np.arange(90.0)})
    column = compare(frame, frame.copy()).column("x")
    assert column.outcome in ("no_evidence", "insufficient_data")
    assert column.n_current <= 90
