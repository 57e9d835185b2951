from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from components import charts
from components.charts import Line, Mark, Threshold
from components.report_axes import Axis, make_axis
from components.report_figures import draw
from i18n import LANGUAGES, speaking

HOUR = 3_600_000
SVG = "{http://www.w3.org/2000/svg}"


def drawn(figure: charts.Figure) -> ET.Element:
    return ET.fromstring(draw(figure, width=400, height=200, label="A & B").svg)


def hours(n: int) -> list[float]:
    return [float(i * HOUR) for i in range(n)]


FIGURES = {
    "line": charts.line(
        hours(5),
        [Line("a", [1, 2, None, 4, 5], [0, 1, 2, 3, 4], [2, 3, 4, 5, 6]), Line("b", [2] * 5)],
        unit="ms", zero=True, thresholds=[Threshold(3.0, "limit")],
        marks=[Mark(2.0 * HOUR, "v2 <rolled> out", end_ms=3.0 * HOUR)],
    ),
    "area": charts.area(hours(3), [Line("a", [1, 2, 3]), Line("b", [3, 2, 1])]),
    "bars": charts.bars(["x", "y"], [1.0, None], unit="share", low=[0.5, None], high=[1.5, None]),
    "upright bars": charts.bars(["x", "y"], [1.0, -2.0], horizontal=False),
    "stacked bars": charts.stacked_bars(["x", "y"], [Line("a", [1, 2]), Line("b", [3, 4])]),
    "waterfall": charts.waterfall(["up", "down"], [3, -1], start=("was", 10), end="is"),
    "bullet": charts.bullet(0.7, target=0.8, bands=[(0.6, "bad"), (1.0, "good")]),
    "histograms": charts.histogram_pair([0.0, 1.0, 2.0], [0.4, 0.6], [0.5, 0.5]),
    "reliability": charts.reliability_diagram([0.1, 0.9], [0.2, 0.8], [10, 20], low=[0.1, 0.7],
                                              high=[0.3, 0.9]),
    "boxes": charts.boxes(["x"], [(1, 2, 3, 4, 5)]),
    "strip": charts.strip([("x", [1, 2, 3])]),
    "heat map": charts.heat_map(["r"], ["c", "d"], [[0.5, None]], diverging=True),
    "nothing": {"data": [], "layout": {}},
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_every_chart_is_drawn_as_well_formed_svg(name: str) -> None:
    root = drawn(FIGURES[name])
    assert root.get("aria-label") == "A & B"
    numbers = re.findall(r"(?<![\w#-])(?:nan|inf)\b", ET.tostring(root, "unicode"))
    assert numbers == []


def test_the_largest_value_of_a_line_is_its_highest_point() -> None:
    figure = charts.line(hours(3), [Line("a", [0, 10, 5])], zero=True)
    [polyline] = drawn(figure).findall(f"{SVG}polyline")
    heights = [float(p.split(",")[1]) for p in (polyline.get("points") or "").split()]
    base, top, half = heights
    assert top < half < base
    assert half == pytest.approx((base + top) / 2, abs=0.1)


def test_a_gap_in_a_line_stays_a_gap() -> None:
    trace = {"type": "scatter", "x": [1, 2, 3, 4, 5], "y": [1, 2, None, 4, 5]}
    figure = {"data": [trace], "layout": {}}
    assert len(drawn(figure).findall(f"{SVG}polyline")) == 2


def test_bars_are_as_long_as_their_values_from_zero() -> None:
    root = drawn(charts.bars(["x", "y"], [4.0, 1.0]))
    widths = [float(bar.get("width") or 0) for bar in root.findall(f"{SVG}rect")]
    assert widths[0] == pytest.approx(4 * widths[1], abs=0.5)


def test_stacked_bars_stand_on_each_other() -> None:
    bars = drawn(FIGURES["stacked bars"]).findall(f"{SVG}rect")
    lower, upper = bars[0], bars[2]
    assert lower.get("x") == upper.get("x")
    foot = float(upper.get("y") or 0) + float(upper.get("height") or 0)
    assert foot == pytest.approx(float(lower.get("y") or 0), abs=0.2)


def test_bands_are_filled_between_their_edges() -> None:
    assert len(drawn(FIGURES["line"]).findall(f"{SVG}polygon")) == 1


def test_names_stand_in_the_legend_and_marks_in_a_list() -> None:
    made = draw(FIGURES["line"], width=400, height=200, label="")
    assert [entry.words for entry in made.legend] == ["a", "b"]
    assert made.marks == ((2.0 * HOUR, "Deployment: v2 <rolled> out"),)


def test_a_single_series_needs_no_legend() -> None:
    figure = charts.line(hours(3), [Line("a", [1, 2, 3])])
    assert draw(figure, width=400, height=200, label="").legend == ()


@pytest.mark.parametrize("code", LANGUAGES)
def test_axes_are_written_in_every_language(code: str) -> None:
    with speaking(code):
        assert drawn(FIGURES["line"]).findall(f"{SVG}text")


def test_ticks_are_round_numbers_inside_the_range() -> None:
    axis = make_axis({}, [0.0, 97.0], 200, 20, has_base=True)
    assert [value for value, _ in axis.ticks] == [0, 25, 50, 75, 100]


def test_time_ticks_name_the_day_once() -> None:
    axis = make_axis({"type": "date"}, [0.0, 24.0 * HOUR], 0, 400, has_base=False)
    words = [text for _, text in axis.ticks]
    assert words == ["00:00\nJan 1", "06:00", "12:00", "18:00", "00:00\nJan 2"]


def test_a_reversed_axis_puts_the_first_name_on_top() -> None:
    axis = make_axis(
        {"type": "category", "autorange": "reversed"}, ["a", "b"], 100, 0, has_base=False
    )
    assert axis.at("a") == 25
    assert axis.at("b") == 75
    assert axis.at("c") is None


def test_equal_values_have_a_place() -> None:
    axis = make_axis({}, [5.0, 5.0], 100, 0, has_base=False)
    assert isinstance(axis, Axis)
    assert axis.at(5.0) == pytest.approx(50)
