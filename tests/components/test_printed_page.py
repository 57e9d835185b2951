from __future__ import annotations

import json
import re
from typing import Any

from dash import dcc, html
from plotly.io.json import to_json_plotly

from components import charts, live, tables
from components.charts import Line
from components.kpi import kpi
from components.live import View
from components.panel import Provenance, grid, panel
from components.printed import Printed, print_page
from components.report_document import Cover, document
from components.status import pill
from components.tables import Column
from i18n import speaking


def as_json(component: Any) -> Any:
    return json.loads(str(to_json_plotly(component)))


def printed(layout: Any, view: View | None = None) -> Printed:
    return print_page(as_json(layout), json.loads((view or View()).to_json())[1:])


def chart() -> Any:
    figure = charts.line([0.0, 1e6, 2e6], [Line("p50", [1, 2, 6]), Line("p95", [3, None, 5])])
    return charts.graph("c", figure, label="Latency")


def test_a_panel_is_printed_with_what_the_view_put_into_it() -> None:
    view = View()
    view.panel("p", html.P("41 < 42"), Provenance("1 h", 7))
    made = printed(panel("Errors", None, panel_id="p", definition="Share of failures."), view)
    assert "41 &lt; 42" in made.html
    assert "n = 7" in made.html
    assert made.definitions == {"Errors": "Share of failures."}


def test_a_panel_that_the_view_hides_is_not_printed() -> None:
    view = View()
    view.hide("p")
    layout = [panel("Gone", None, panel_id="p"), panel("Kept", "7", panel_id="q")]
    made = printed(layout, view)
    assert "Gone" not in made.html and "Kept" in made.html


def test_what_a_reader_can_press_is_left_out() -> None:
    made = printed(html.Div([html.Button("Retry"), dcc.Input(id="x"), dcc.Store(id="s"), "kept"]))
    assert made.html == "<div>kept</div>"


def test_texts_cannot_become_elements() -> None:
    made = printed(html.P("<script>alert(1)</script>", title='"><b>'))
    assert "<script" not in made.html
    assert "<b>" not in made.html


def test_a_link_is_printed_as_its_words() -> None:
    assert printed(html.A("Model", href="/technical")).html == "<span>Model</span>"


def test_a_chart_becomes_a_drawing_and_its_numbers_go_to_the_end() -> None:
    view = View()
    view.panel("p", chart())
    made = printed(panel("Latency", None, panel_id="p"), view)
    assert made.html.count("<svg") == 1 + 2  # two swatches of the legend
    assert made.charts == [
        ("Latency", [("p50", "3", "1", "2", "6", "6"), ("p95", "2", "3", "4", "5", "5")])
    ]


def test_arabic_in_a_drawing_stands_as_text_over_it() -> None:
    figure = charts.line([0.0, 1e6], [Line("a", [1, 2])], unit="طلبات")
    made = printed(charts.graph("c", figure, label="x"))
    assert re.search(r'<span class="words" dir="rtl" style="[^"]+">طلبات</span>', made.html)
    assert ">طلبات</text>" not in made.html


def test_a_grid_becomes_a_table_and_says_what_it_left_out() -> None:
    rows = [{"a": i, "b": f"row {i}"} for i in range(130)]
    made = printed(tables.grid("g", [Column("a", "A", "number"), Column("b", "B")], rows))
    assert made.html.count("<tr>") == 61
    assert "70" in made.html


def test_a_long_table_is_cut_and_says_so() -> None:
    rows = [{"a": f"row {i}"} for i in range(100)]
    made = printed(tables.table([Column("a", "A")], rows, caption="c"))
    assert "row 59<" in made.html
    assert "row 60<" not in made.html
    assert "40" in made.html


def test_panels_side_by_side_come_in_pairs() -> None:
    body = html.P("x")
    layout = grid(*[panel(n, body, panel_id=n, span=6) for n in "abc"])
    made = printed(layout)
    assert made.html.count(" half") == 2
    assert made.html.count(" wide") == 1


def test_figures_stand_without_the_boxes_of_their_places() -> None:
    view = View()
    view.slot("k", kpi("Trust", 0.9, kpi_id="k", definition="Lower bound."))
    made = printed(html.Div(live.slot("k"), className="kpi-row"), view)
    assert made.html.startswith('<div class="kpi-row"><article class="kpi')
    assert made.definitions == {"Trust": "Lower bound."}


def test_icons_are_characters_of_the_vendored_font() -> None:
    made = printed(pill("good", "Healthy"))
    assert '<span class="bi">' in made.html
    assert "Healthy" in made.html


def test_the_document_says_its_filters_on_the_cover_and_on_every_page() -> None:
    cover = Cover("Fleet", "Purpose.", {"Model": "a<b"}, 'AIOBS · "a"', "unified?model=a")
    text = document(cover, printed(html.P("x")))
    assert "a&lt;b" in text
    assert 'content="unified?model=a"' in text
    assert 'content:"AIOBS · \\"a\\""' in text
    assert '"Page " counter(page) " of " counter(pages)' in text


def test_an_arabic_document_runs_right_to_left() -> None:
    with speaking("ar"):
        text = document(Cover("ا", "ب", {}, "f", ""), Printed())
    assert '<html lang="ar" dir="rtl">' in text
    assert '@bottom-right{content:"f"}' in text


def test_no_address_in_a_document_leads_to_another_host() -> None:
    view = View()
    view.panel("p", chart())
    text = document(Cover("t", "p", {}, "f", ""), printed(panel("L", None, panel_id="p"), view))
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
