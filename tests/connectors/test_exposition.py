"""Prometheus text, by the examples of the format's documentation."""

from __future__ import annotations

import math

from connectors.exposition import write_exposition


def test_rows_of_one_name_stand_together_under_one_type() -> None:
    rows = [
        ("a", "gauge", {"x": "1"}, 0.5), ("b", "counter", {}, 3.0), ("a", "gauge", {}, math.nan)
    ]  # fmt: skip
    assert write_exposition(rows) == (
        '# TYPE a gauge\na{x="1"} 0.5\na NaN\n# TYPE b counter\nb 3\n'
    )  # fmt: skip


def test_values_of_labels_are_escaped_and_in_order() -> None:
    labels = {"path": "C:\\DIR\\FILE.TXT", "error": 'No file:\n"X"'}
    assert write_exposition([("a_seconds", "gauge", labels, 1.458e9)]) == (
        '# TYPE a_seconds gauge\na_seconds{error="No file:\\n\\"X\\"",path="C:\\\\DIR\\\\FILE.TXT"}'
        " 1458000000\n"
    )


def test_numbers_are_written_as_the_format_has_them() -> None:
    values = (math.inf, -math.inf, 0.1, -2.0, 1e15, 1.7560473e7)
    text = write_exposition([("a", "gauge", {}, value) for value in values])
    assert text.split("\n")[1:-1] == [
        "a +Inf", "a -Inf", "a 0.1", "a -2", "a 1000000000000000.0", "a 17560473"
    ]  # fmt: skip
