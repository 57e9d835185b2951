"""A trace as rows: nesting, order, what is folded, and that no span is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.telemetry import Span
from services.waterfall import MAX_ROWS, Row, draw


def span(
    i: object, parent: object = "", start: float = 0.0, ms: float = 1.0, **more: object
) -> Span:
    fields = {"name": "work", "service": "a", **more}
    return Span("t", str(i), start_ms=start, duration_ms=ms, parent_span_id=str(parent), **fields)  # type: ignore[arg-type]


def ids(rows: tuple[Row, ...]) -> list[tuple[str, int]]:
    return [(row.span.span_id, row.depth) for row in rows]


def test_children_stand_below_their_parent_in_order_of_start() -> None:
    found = draw("t", [
        span("late", "root", 50.0, 10.0), span("root", "", 0.0, 100.0),
        span("early", "root", 10.0, 20.0), span("deep", "early", 15.0, 5.0),
    ])  # fmt: skip
    assert ids(found.rows) == [("root", 0), ("early", 1), ("deep", 2), ("late", 1)]
    assert [(row.offset, row.width) for row in found.rows] == [
        (0.0, 1.0), (0.1, 0.2), (0.15, 0.05), (0.5, 0.1),
    ]  # fmt: skip
    assert [row.children for row in found.rows] == [3, 1, 0, 0]


def test_a_span_without_its_parent_is_shown_on_top() -> None:
    found = draw("t", [span("a"), span("b", "never-came", 5.0)])
    assert ids(found.rows) == [("a", 0), ("b", 0)]
    assert [row.is_orphan for row in found.rows] == [False, True]


def test_a_ring_of_parents_hides_nothing() -> None:
    found = draw("t", [span("a", "b"), span("b", "a", 1.0), span("c", "c", 2.0)])
    assert sorted(row.span.span_id for row in found.rows) == ["a", "b", "c"]


def test_what_repeats_is_folded_but_for_the_slowest_and_the_failed() -> None:
    calls = [span(i, "root", float(i), 1.0, name="SELECT") for i in range(2_000)]
    calls[700] = span(700, "root", 700.0, 90.0, name="SELECT")
    calls[900] = span(900, "root", 900.0, 1.0, name="SELECT", is_error=True)
    found = draw("t", [span("root", "", 0.0, 2_100.0), *calls])
    assert len(found.rows) < 10
    shown = {row.span.span_id for row in found.rows if not row.folded}
    assert {"root", "700", "900"} <= shown
    (fold,) = [row for row in found.rows if row.folded]
    assert fold.folded + len(shown) == 2_001 and fold.folded_errors == 0 and found.left_out == 0
    opened = draw("t", [span("root", "", 0.0, 2_100.0), *calls], unfolded=frozenset({fold.key}))
    assert len(opened.rows) == MAX_ROWS and opened.left_out == 2_001 - MAX_ROWS


def test_a_chain_of_thousands_does_not_exhaust_the_stack() -> None:
    found = draw("t", [span(i, i - 1 if i else "", float(i)) for i in range(5_000)], most=10)
    assert [row.depth for row in found.rows] == list(range(10)) and found.left_out == 4_990


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("ab"), st.booleans()), min_size=1,
                max_size=60))  # fmt: skip
def test_every_span_stands_in_exactly_one_row(made: list[tuple[int, str, bool]]) -> None:
    spans = [
        span(i, parent, float(i % 7), float(i % 5), name=name, is_error=failed)
        for i, (parent, name, failed) in enumerate(made)
    ]
    found = draw("t", spans, most=10_000)
    assert sum(row.folded or 1 for row in found.rows) == len(spans) and found.left_out == 0
    errors = sum(row.folded_errors if row.folded else row.span.is_error for row in found.rows)
    assert errors == found.errors
    assert all(0 <= row.offset <= 1 and 0 <= row.width <= 1 + 1e-9 for row in found.rows)
