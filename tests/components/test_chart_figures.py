"""Figures: plain JSON lists, zero bases, units, gaps, and thinning that keeps peaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components import charts
from components.charts import Figure, Line, Mark, Threshold
from components.charts.frame import config, rounded
from components.charts.thin import keep
from components.theme import COLOURS
from i18n import speaking

X = [1_700_000_000_000 + i * 60_000 for i in range(5)]
Y = [1.0, 2.0, None, 4.0, 3.0]

ALL: dict[str, Callable[[], Figure]] = {
    "line": lambda: charts.line(
        X, [Line("a", Y, Y, Y), Line("b", Y)], unit="ms", thresholds=[Threshold(2, "limit")],
        marks=[Mark(X[1], "v2"), Mark(X[2], "down", "incident", X[3])],
    ),
    "area": lambda: charts.area(X, [Line("a", [1, 2, 3, 4, 5]), Line("b", [5, 4, 3, 2, 1])]),
    "bars": lambda: charts.bars(["x", "y"], [1.0, None], low=[0.5, None], high=[2, None]),
    "stacked": lambda: charts.stacked_bars(["x"], [Line("a", [1]), Line("b", [2])], unit="USD"),
    "waterfall": lambda: charts.waterfall(["x", "y"], [3, -4], start=("s", 10), end="e"),
    "bullet": lambda: charts.bullet(3, target=4, bands=[(2, "low"), (5, "high")]),
    "pair": lambda: charts.histogram_pair([0, 1, 2], [0.5, 0.5], [0.1, 0.9]),
    "diagram": lambda: charts.reliability_diagram([0.2], [0.3], [10], low=[0.1], high=[0.5]),
    "heat": lambda: charts.heat_map(["r"], ["c"], [[0.5]], diverging=True),
    "boxes": lambda: charts.boxes(["a"], [(1, 2, 3, 4, 5)], unit="ms"),
    "strip": lambda: charts.strip([("a", [1, 2])]),
}  # fmt: skip


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for item in items for text in strings(item)]


@pytest.mark.parametrize("name", ALL)
def test_a_figure_is_plain_json_with_known_tokens(name: str) -> None:
    figure = json.loads(json.dumps(ALL[name]()))
    assert "bdata" not in json.dumps(figure)
    tokens = {s[6:].split("/")[0] for s in strings(figure) if s.startswith("token:")}
    assert tokens and tokens <= COLOURS["light"].keys()


@pytest.mark.parametrize("name", ["bars", "stacked", "area", "waterfall", "bullet"])
def test_lengths_start_at_zero(name: str) -> None:
    layout = ALL[name]()["layout"]
    assert "tozero" in (layout["xaxis"].get("rangemode"), layout["yaxis"].get("rangemode"))


def test_the_share_button_is_gone() -> None:
    assert "sendChartToCloud" in config()["modeBarButtonsToRemove"]
    assert config()["displaylogo"] is False


def test_the_chart_speaks_the_language() -> None:
    with speaking("pt"):
        assert config()["locale"] == "pt-BR"


def test_a_missing_value_breaks_no_line_but_a_long_gap_does() -> None:
    x = [*range(0, 100, 10), *range(500, 600, 10)]
    y = charts.line(x, [Line("a", [1.0] * 20)])["data"][0]["y"]
    assert y.count(None) == 1
    assert y[10] is None


def test_band_edges_are_marked_so_that_exports_name_them() -> None:
    metas = [trace.get("meta") for trace in ALL["line"]()["data"]]
    assert metas[:3] == ["low", "high", None]


def test_end_labels_do_not_overlap() -> None:
    flat = [Line(name, [1.0] * 5) for name in "abc"] + [Line("top", [2.0] * 5)]
    notes = [n["y"] for n in charts.line(X, flat)["layout"]["annotations"] if "yshift" not in n]
    levels = sorted(notes)
    assert min(b - a for a, b in zip(levels, levels[1:], strict=False)) >= 0.07


def test_end_labels_keep_apart_on_the_axis_that_is_drawn() -> None:
    close = [Line(name, [0.8 + i / 1000] * 5) for i, name in enumerate("abcd")]
    notes = charts.line(X, close, y_range=(0.0, 1.02))["layout"]["annotations"]
    levels = [n["y"] for n in notes]
    assert np.diff(levels).min() == pytest.approx(1.02 * 0.075)
    assert np.mean(levels) == pytest.approx(0.8015)


def test_waterfall_bars_float_on_the_running_total() -> None:
    figure = charts.waterfall(["up", "down"], [3, -4], start=("s", 10), end="e")
    (bars,) = figure["data"]
    assert bars["base"] == [0, 10, 13, 0]
    assert bars["x"] == [10, 3, -4, 9]  # signed, as a file of the chart says them
    low, high = figure["layout"]["xaxis"]["range"]
    assert low == 0 and high > 13
    assert figure["layout"]["yaxis"]["autorange"] == "reversed"


def test_whiskers_reach_from_the_value_to_its_bounds() -> None:
    trace = charts.bars(["x"], [2.0], low=[1.5], high=[4.0])["data"][0]
    assert trace["error_x"]["array"] == [2.0]
    assert trace["error_x"]["arrayminus"] == [0.5]


def test_a_histogram_takes_edges_or_names() -> None:
    by_edge = charts.histogram_pair([0, 1, 2], [0.5, 0.5], [0.1, 0.9])["data"][0]
    by_name = charts.histogram_pair(["a", "b"], [0.5, 0.5], [0.1, 0.9])["layout"]["xaxis"]
    assert by_edge["customdata"] == ["0 – 1", "1 – 2"]
    assert by_name["ticktext"] == ["a", "b"]


def test_thinning_keeps_the_extremes() -> None:
    y = np.sin(np.arange(50_000) / 500)
    y[31_234] = 9.0
    at = keep(np.arange(50_000), y, 500)
    assert len(at) <= 500
    assert 31_234 in at


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=80))
def test_thinning_draws_only_what_is_known_in_order(values: list[float | None]) -> None:
    y = np.array([np.nan if v is None else v for v in values])
    at = keep(np.arange(len(y)), y, 10_000)
    real = at[at >= 0]
    assert np.all(np.diff(real) > 0)
    assert len(real) == np.isfinite(y).sum()


def test_rounding_keeps_five_digits_of_the_largest() -> None:
    assert rounded([123456.789, 0.001, float("nan")]) == [123457, 0, None]
    assert rounded([0.0012345678]) == [0.0012346]


def test_five_thousand_points_become_a_small_payload() -> None:
    n = 5_000
    x = (np.arange(n) * 1000 + 1.7e12).tolist()
    y = np.random.default_rng(1).normal(100, 5, n).tolist()
    six = [charts.line(x, [Line("a", y)]) for _ in range(6)]
    assert len(json.dumps(six)) < 200_000


def test_choices_stand_in_the_figure_and_say_what_a_click_does() -> None:
    figure = charts.bars(["a", "b"], [1.0, 2.0])
    shown = charts.graph("g", figure, label="two", choices={"a": "?model=a", "b": "?model=b"})
    assert figure["layout"]["meta"] == {"choices": {"a": "?model=a", "b": "?model=b"}}
    assert "Click to filter<" in figure["data"][0]["hovertemplate"]
    assert shown.children[-1].className == "chart-choices"


def test_a_click_that_leaves_the_page_is_said_to() -> None:
    figure = charts.heat_map(["eu"], ["h"], [[1.0]])
    charts.graph("g", figure, label="one", choices={"eu": "/explore?focus=x"})
    hover = figure["data"][0]["hovertemplate"]
    assert hover.endswith("<br><i>Click to look closer</i><extra></extra>")


def test_the_name_at_the_end_of_a_line_can_be_clicked() -> None:
    figure = charts.line(X, [Line("a", Y), Line("b", Y)], unit="ms")
    charts.graph("g", figure, label="two lines", choices={"a": "?model=a"})
    by_text = {note["text"]: note.get("captureevents") for note in figure["layout"]["annotations"]}
    assert by_text == {"ms": None, "a": True, "b": None}


def test_a_figure_without_choices_is_as_it_was() -> None:
    figure = charts.bars(["a"], [1.0])
    before = json.dumps(figure)
    charts.graph("g", figure, label="one")
    assert json.dumps(figure) == before


def test_many_marks_keep_their_symbols_and_lose_their_lines() -> None:
    few, many = ([Mark(i * 1000.0, f"v{i}") for i in range(n)] for n in (12, 13))
    drawn = [charts.line(X, [Line("a", Y)], marks=marks) for marks in (few, many)]
    assert [len(one["layout"]["shapes"]) for one in drawn] == [12, 0]
    assert [len(one["data"][-1]["x"]) for one in drawn] == [12, 13]


def test_marks_are_told_to_who_cannot_see_the_chart() -> None:
    marks = [Mark(0.0, "v2 is out"), Mark(60_000.0, "index is down", "incident", 120_000.0)]
    figure = charts.line(X, [Line("a", Y)], marks=marks)
    shown = charts.graph("g", figure, label="Requests over a day")
    told = shown.children[1].children.split("\n")
    assert told[0] == "Requests over a day"
    assert [line.split(":")[0] for line in told[1:]] == ["Incident", "Deployment"]
    assert "index is down" in told[1] and told[1].endswith("Jan 1, 1970 00:01")


def test_marks_that_would_lie_on_each_other_stand_as_the_loudest() -> None:
    kinds: list[Any] = ["deployment", "deployment", "incident", "config_change"]
    marks = [Mark(i * 3_600_000.0, f"v{i}", kind) for i, kind in enumerate(kinds)]
    day, month = (
        charts.line([0, 1], [Line("a", [1, 2])], marks=marks, window_ms=(0, days * 86_400_000))
        for days in (1, 30)
    )
    assert (len(day["layout"]["shapes"]), len(month["layout"]["shapes"])) == (4, 1)
    (only,) = (trace for trace in month["data"] if trace.get("yaxis") == "y2")
    assert (only["name"], only["x"]) == ("Incident", [7_200_000])
    assert only["text"] == ["v0 · v1 · v2 · v3"]


@pytest.mark.parametrize(
    ("last", "level", "side"), [(5, 4, "top"), (3, 4, "bottom"), (5, 0, "bottom"), (4, 4, "top")]
)
def test_words_of_a_level_stand_where_no_line_runs(last: int, level: int, side: str) -> None:
    values = [1] * 80 + [last] * 19 + [1]  # a dip at the very end moves no words
    figure = charts.line(range(100), [Line("a", values)], thresholds=[Threshold(level, "limit")])
    assert figure["layout"]["annotations"][-1]["yanchor"] == side


def test_a_single_bar_is_no_block() -> None:
    one, many = (charts.bars([str(i) for i in range(n)], [1.0] * n) for n in (1, 6))
    assert one["data"][0]["width"] < 0.2 and "width" not in many["data"][0]
