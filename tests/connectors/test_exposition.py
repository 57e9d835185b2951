"""Prometheus text: what is written reads back, and each bad line stands alone."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import Refused
from connectors.exposition import ExpositionParser, write_exposition
from connectors.telemetry import Series

NOW = 1_790_000_000_000

PAGE = b"""# HELP http_requests_total The total.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="No file:\\n\\"X\\""} 1.458e9
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero} # {"} +Inf -3982045
rpc_duration_seconds{quantile="0.01",} 3102
rpc_duration_seconds_sum 1.7560473e+07
empty {} 5
stale NaN
"""  # the example of the format's documentation, and corners

EXPECTED = [
    (Series("http_requests_total", {"method": "post", "code": "200"}), 1395066363000, 1027.0),
    (Series("http_requests_total", {"method": "post", "code": "400"}), 1395066363000, 3.0),
    (Series("msdos_file_access_time_seconds",
            {"path": "C:\\DIR\\FILE.TXT", "error": 'No file:\n"X"'}),
     NOW, 1.458e9),
    (Series("metric_without_timestamp_and_labels"), NOW, 12.47),
    (Series("something_weird", {"problem": "division by zero} # {"}), -3982045, math.inf),
    (Series("rpc_duration_seconds", {"quantile": "0.01"}), NOW, 3102.0),
    (Series("rpc_duration_seconds_sum"), NOW, 1.7560473e07),
    (Series("empty"), NOW, 5.0),
]  # fmt: skip


def read(parser: ExpositionParser, page: bytes) -> list[tuple[Series, int, float]]:
    batch = parser.decode(page, NOW).batch
    return [
        (batch.series[i], int(t), float(v))
        for i, t, v in zip(batch.index, batch.timestamps_ms, batch.values, strict=True)
    ]


def test_the_documented_example_reads_as_documented_cold_and_known() -> None:
    parser = ExpositionParser()
    assert read(parser, PAGE) == EXPECTED
    assert read(parser, PAGE) == EXPECTED
    assert parser.decode(PAGE, NOW).absent == 1


def test_openmetrics_times_are_seconds_and_exemplars_are_skipped() -> None:
    page = b'a_bucket{le="1"} 5 1790000000.5 # {trace_id="x"} 0.9\nb 1 # {a="}"} 1\n# EOF\n'
    batch = ExpositionParser().decode(page, NOW, openmetrics=True).batch
    assert batch.timestamps_ms.tolist() == [1_790_000_000_500, NOW]
    assert batch.values.tolist() == [5.0, 1.0]


@pytest.mark.parametrize(
    "line",
    ["1abc 5", "a{b=c} 5", 'a{b="c" 5', "a", "a x", "a 1 2 3", 'a{b="c",b="d"} 1', "a 1_0", "{} 1",
     'a{b="c"', 'a{b="c"}', "a 0x10"],
)  # fmt: skip
def test_a_bad_line_is_counted_and_the_good_one_kept(line: str) -> None:
    decoded = ExpositionParser().decode(f"{line}\ngood 1\n".encode(), NOW)
    assert [series.name for series in decoded.batch.series] == ["good"]
    assert (decoded.rejected, "line" in decoded.reason) == (1, True)


def test_rows_of_one_name_stand_together_under_one_type() -> None:
    rows = [
        ("a", "gauge", {"x": "1"}, 0.5), ("b", "counter", {}, 3.0), ("a", "gauge", {}, math.nan)
    ]  # fmt: skip
    assert write_exposition(rows, help={"a": "one\ntwo"}) == (
        "# HELP a one\\ntwo\n# TYPE a gauge\n"
        'a{x="1"} 0.5\na NaN\n# TYPE b counter\nb 3\n'
    )  # fmt: skip


label_names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,5}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
rows = st.lists(
    st.tuples(
        label_names,
        st.just("gauge"),
        st.dictionaries(label_names, texts, max_size=3),
        st.floats(allow_nan=False),
    ),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(rows)
def test_what_is_written_reads_back(rows: list[tuple[str, str, dict[str, str], float]]) -> None:
    parser = ExpositionParser()
    expected = sorted((repr(Series(n, labels)), value) for n, _, labels, value in rows)
    for _ in range(2):
        found = read(parser, write_exposition(rows).encode())
        assert sorted((repr(series), value) for series, _, value in found) == expected


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
def test_garbage_is_refused_or_counted(data: bytes) -> None:
    try:
        ExpositionParser().decode(data, NOW)
    except Refused:
        return


def test_known_texts_stay_bounded() -> None:
    parser = ExpositionParser(max_known=10)
    for i in range(100):
        parser.decode(f'a{{i="{i}"}} 1'.encode(), NOW)
    assert len(parser._known) <= 10
