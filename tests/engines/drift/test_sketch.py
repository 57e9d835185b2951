"""Sketches: within their stated error, mergeable in any order, in agreement with the exact path."""

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.drift import compare
from engines.drift.category_sketch import CategorySketch, merge_categories, pair_categories
from engines.drift.quantile_sketch import QuantileSketch, merge_quantiles
from engines.drift.sketch import merge, profile_table, sketch_table
from engines.drift.sketch_bytes import from_bytes, to_bytes
from engines.drift.sketch_compare import compare_sketches
from engines.errors import EngineError

FIRST_RELEASE = (
    "QURTMdYJAAAAAAAAeAGTZWRgqFYqyi8vVrIy0VHKK81NSi0CsquVKpSsoi10DPQMdIz0THUs9QxidZQq4WLGeoYW"
    "5qY6xpZ6ZuYgVmytjlJyYklqen5RZipIP5CfXpSZAtQANAmkE6i9uDQXKFVSVJqqo5RYVJRYCeRFRyvZlBoq6UQb"
    "x8bq4GGnWQDVmCCpwcIGqzHSMTOFKEPjgm0x0jFCkSTAi61lZGJlZAIGEhRcsIcwHkBpAQcIX8GBEQigioDUB6j8"
    "QNEMUHeNdFoEGg4DRcPSy0DRsHQ60DQsnwwUrQBNB/SnlzZ9l2VK/LJ/oOjUyb5mN1Oa94x0ehkkHuwHih6o+IfZ"
    "+7Ra4E1L9ZX9A00vbL5oZXv4qv1A0QMV/zB7WYAA2EAAgg02cLoGFDdT7BmgdEr6tJKLXzgd5oQtKrC2ZYDTgu9b"
    "ZVI2czuc/rzd9QavqMO1B88rVJLY4PSM3oOW7mqiDgDxquIc"
)
"""Four rows as version 1 wrote them, grid and whole matrices included."""


def table(seed, n=20_000, shift=0.0, rho=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return {
        "x": x,
        "y": rho * x + np.sqrt(1 - rho**2) * rng.normal(size=n),
        "income": rng.lognormal(shift, 1, n),
        "age": rng.integers(18, 80, n).astype(float),
        "plan": rng.choice(["free", "pro", "team"], n),
    }


def split(rows, pieces):
    size = len(rows["x"]) // pieces
    return [{k: v[i * size : (i + 1) * size] for k, v in rows.items()} for i in range(pieces)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(-50, 50), min_size=1, max_size=300), min_size=1, max_size=6),
    st.sampled_from([8, 16, 64]),
)
def test_counts_stay_within_the_stated_error(batches, points):
    parts = [QuantileSketch.of(np.array(batch, dtype=float), points) for batch in batches]
    merged = merge_quantiles(parts)
    every = np.sort(np.concatenate([np.array(batch, dtype=float) for batch in batches]))
    grid = np.arange(-51, 51.0, 0.5)
    exact = np.searchsorted(every, grid, side="right")
    assert merged.rows == len(every)
    assert np.abs(merged.counts_at(grid) - exact).max() <= merged.error + 1e-6
    assert merged.mean == pytest.approx(every.mean())
    assert merged.square == pytest.approx(((every - every.mean()) ** 2).sum(), abs=1e-6)


def test_few_distinct_values_are_kept_exactly():
    values = np.random.default_rng(0).integers(0, 100, 50_000).astype(float)
    merged = merge_quantiles([QuantileSketch.of(part, 512) for part in np.split(values, 50)])
    assert merged.error == 0.0
    assert merged.at.tolist() == np.bincount(values.astype(int)).tolist()


def test_a_heavy_value_stays_exact_in_a_continuous_column():
    rng = np.random.default_rng(1)
    values = np.concatenate([np.zeros(30_000), rng.normal(size=70_000)])
    sketch = QuantileSketch.of(values, 512)
    assert sketch.at[np.flatnonzero(sketch.values == 0.0)[0]] == 30_000


def test_the_error_of_a_batch_is_below_one_step():
    sketch = QuantileSketch.of(np.random.default_rng(2).normal(size=100_000), 512)
    assert sketch.error <= 100_000 / 512


def test_merging_in_any_order_gives_the_same_distribution():
    parts = [sketch_table(part) for part in split(table(0), 8)]
    grid = np.linspace(0, 5, 50)
    forward, back = merge(parts), merge(parts[::-1])
    one, other = (m.numbers["income"].counts_at(grid) for m in (forward, back))
    assert one == pytest.approx(other)
    assert forward.categories["plan"].counts == back.categories["plan"].counts


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.1, 0.5])
def test_sketches_agree_with_the_exact_path(shift):
    before, after = table(3), table(4, shift=shift)
    exact = compare(before, after, joint=False)
    kept = [merge([sketch_table(part) for part in split(t, 10)]) for t in (before, after)]
    sketched = compare_sketches(*kept)
    for column in exact.columns:
        twin = sketched.column(column.name)
        error = sum(k.numbers[column.name].error / k.rows for k in kept if column.name in k.numbers)
        assert twin.effect == pytest.approx(column.effect, abs=error + 1e-9)
        assert twin.p_value >= column.p_value * 0.99
        assert twin.outcome == column.outcome


def test_exact_sketches_give_exact_p_values():
    before, after = table(5, n=400), table(6, n=400)
    exact = compare(before, after, joint=False)
    sketched = compare_sketches(sketch_table(before), sketch_table(after))
    for column in exact.columns:
        assert sketched.column(column.name).p_value == pytest.approx(column.p_value, rel=1e-6)


def test_a_profile_finds_a_changed_correlation():
    profile = profile_table(table(7))
    same = sketch_table(table(8), grid=profile.grid)
    changed = [sketch_table(part, grid=profile.grid) for part in split(table(9, rho=0.3), 4)]
    assert compare_sketches(profile, same).status == "no_evidence"
    report = compare_sketches(profile, merge(changed))
    assert report.joint[0].outcome == "drift"
    assert report.joint[0].drivers[0].columns == ("x", "y")


def test_correlation_from_sums_is_level_without_change():
    profile = profile_table(table(10, n=3000, rho=0.6))
    p = [
        compare_sketches(profile, sketch_table(table(100 + i, n=3000, rho=0.6), grid=profile.grid))
        .joint[0]
        .p_value
        for i in range(60)
    ]
    assert np.mean(np.array(p) < 0.05) < 0.15


def test_bytes_bring_back_the_same_sketch():
    profile = profile_table(table(11))
    again = from_bytes(to_bytes(profile))
    current = sketch_table(table(12), grid=profile.grid)
    assert compare_sketches(again, current) == compare_sketches(profile, current)


def test_many_sketches_share_one_grid_that_is_kept_apart():
    profile = profile_table(table(11))
    parts = [sketch_table(table(seed, n=900), grid=profile.grid) for seed in (12, 13)]
    kept = [to_bytes(part, with_grid=False) for part in parts]
    read = merge([from_bytes(body, grid=profile.grid) for body in kept])
    assert compare_sketches(profile, read) == compare_sketches(profile, merge(parts))
    assert len(kept[0]) < len(to_bytes(parts[0]))


def test_sums_over_another_grid_are_left_out():
    profile, other = profile_table(table(11)), profile_table(table(12))
    kept = to_bytes(sketch_table(table(13, n=900), grid=profile.grid), with_grid=False)
    assert from_bytes(kept, grid=other.grid).sums is None
    assert from_bytes(kept).numbers["x"].rows == 900


def test_bytes_of_the_first_release_are_still_read():
    read = from_bytes(base64.b64decode(FIRST_RELEASE))
    again = profile_table(
        {"x": np.array([1.0, 2.0, 2.0, 5.0]), "y": np.array([0.5, 0.25, 4.0, 8.0])}, points=8
    )
    assert read.sums.product.tolist() == again.sums.product.tolist()
    assert read.grid.quantiles.tolist() == again.grid.quantiles.tolist()
    assert read.numbers["y"].values.tolist() == [0.25, 0.5, 4.0, 8.0]


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=50))
def test_numbers_come_back_to_the_last_bit(values):
    sketch = sketch_table({"x": np.array(values) + 0.0}, kinds={"x": "numeric"})
    again = from_bytes(to_bytes(sketch))
    assert again.numbers["x"].values.tolist() == sketch.numbers["x"].values.tolist()


@pytest.mark.parametrize("cut", [0, 3, 11, 40, -9])
def test_damaged_bytes_are_refused(cut):
    with pytest.raises(EngineError):
        from_bytes(to_bytes(sketch_table(table(13, n=900)))[:cut])


def test_missing_rows_and_absent_columns_are_counted():
    before, after = table(14, n=2000), table(15, n=2000)
    after["x"][:500] = np.nan
    del after["plan"]
    report = compare_sketches(sketch_table(before), sketch_table(after))
    assert report.column("x").missing_change == pytest.approx(0.25)
    assert report.column("plan").outcome == "drift"


def test_a_column_that_changed_type_between_batches_becomes_a_category():
    parts = [sketch_table({"c": np.array([1.0, 2.0])}), sketch_table({"c": np.array(["a", "b"])})]
    assert dict(merge(parts).categories["c"].counts) == {"1": 1, "2": 1, "a": 1, "b": 1}


def test_dropped_labels_do_not_look_like_drift():
    rng = np.random.default_rng(16)
    sides = []
    for _ in range(2):
        counts = [np.bincount(rng.zipf(1.4, 4000) % 3000, minlength=3000) for _ in range(5)]
        named = [{str(i): int(c) for i, c in enumerate(part) if c} for part in counts]
        sides.append(merge_categories([CategorySketch.of(part, 64) for part in named]))
    pair = pair_categories(*sides)
    assert pair.reference.sum() == pair.n == 20_000
    from engines.drift.chi_square import chi_square, pool_cells

    assert chi_square(pool_cells(pair)).p_value > 0.001


def test_texts_and_vectors_are_summarised():
    rng = np.random.default_rng(17)
    texts = np.array(["the answer to your question is in the manual"] * 50, dtype=object)
    both = {"t": texts, "e": rng.normal(size=(50, 16))}
    sketch = sketch_table(both, kinds={"t": "text"})
    assert dict(sketch.categories["t.language"].counts) == {"en": 50}
    assert sketch.numbers["e.projection7"].rows == 50


def test_nothing_to_merge_is_refused():
    with pytest.raises(EngineError):
        merge([])
    assert merge([sketch_table({"x": np.array([])})]).rows == 0


def test_changed_bytes_are_refused_or_read_never_a_crash():
    data = bytearray(to_bytes(sketch_table(table(18, n=200))))
    rng = np.random.default_rng(19)
    for _ in range(150):
        copy = bytearray(data)
        copy[int(rng.integers(4, len(copy)))] ^= int(rng.integers(1, 256))
        try:
            from_bytes(bytes(copy))
        except EngineError:
            continue


@pytest.mark.parametrize("header", ["[]", "{}", '{"arrays":[["O",[1]]]}', '{"arrays":5}'])
def test_foreign_headers_are_refused(header):
    import struct
    import zlib

    body = struct.pack("<I", len(header)) + header.encode()
    with pytest.raises(EngineError):
        from_bytes(b"ADS1" + struct.pack("<Q", len(body)) + zlib.compress(body))
