"""Panels, key figures, states, tables, marked text, views: what a reader gets to see."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from dash import Dash, html
from dash.development.base_component import Component
from plotly.io.json import to_json_plotly

from components import lazy, live, shell, states
from components.issues import Issue, issue_list
from components.kpi import Delta, kpi
from components.panel import Provenance, footer, panel
from components.status import pill
from components.tables import Column, grid, meter, table
from components.text import Span, marked_text
from components.theme import STATUS_ICON, Status
from engines.result import Insufficient, Interval
from i18n import LANGUAGES, speaking


def words(part: Any) -> str:
    """Return all text of a component, spaces between elements."""
    if isinstance(part, Component):
        return words(getattr(part, "children", None))
    if isinstance(part, (list, tuple)):
        return " ".join(filter(None, (words(p) for p in part)))
    return "" if part is None else str(part)


def html_of(part: Any) -> str:
    return str(to_json_plotly(part))


@pytest.mark.parametrize("status", STATUS_ICON)
def test_a_status_is_icon_and_word_never_colour_alone(status: Status) -> None:
    made = pill(status)
    assert STATUS_ICON[status] in html_of(made)
    assert words(made).strip()


def test_a_panel_says_definition_window_n_and_method() -> None:
    source = Provenance("24 h", 12_345, 999, 1_700_000_000_000, "PSI")
    made = panel("Drift", "body", panel_id="p", definition="What it means", source=source)
    said = words(made)
    for fact in ("Drift", "What it means", "24 h", "n = 12,345, reference 999", "PSI"):
        assert fact in said


def test_a_panel_without_a_body_is_a_skeleton_and_a_lack_is_a_reason() -> None:
    lack = Insufficient("needs 200 labels, got 41", 200, 41)
    assert "skeleton" in html_of(panel("A", None, panel_id="a"))
    assert "needs 200 labels, got 41" in words(panel("A", lack, panel_id="a"))
    assert "41 of 200" in words(panel("A", lack, panel_id="a"))


def test_an_age_is_a_machine_readable_time() -> None:
    assert "2023-11-14T22:13:20.000+00:00" in html_of(footer(Provenance(computed_at_ms=1.7e12)))


@pytest.mark.parametrize(
    ("delta", "good", "verdict"),
    [(0.2, "up", "better"), (0.2, "down", "worse"), (-0.2, "down", "better"),
     (-0.2, "up", "worse"), (0.2, "neither", ""), (0.0, "up", "")],
)  # fmt: skip
def test_a_change_says_whether_it_is_good(delta: float, good: Any, verdict: str) -> None:
    said = words(kpi("X", 1.0, kpi_id="x", delta=Delta(delta), good=good))
    assert [w for w in ("better", "worse") if w in said] == ([verdict] if verdict else [])


def test_a_figure_without_data_says_why_instead_of_a_number() -> None:
    said = words(kpi("X", Insufficient("no labels yet"), kpi_id="x", trend=[1, 2]))
    assert "no labels yet" in said
    assert not re.search(r"\d", said)


def test_an_interval_names_its_level() -> None:
    said = words(kpi("X", 0.9, kpi_id="x", interval=Interval(0.85, 0.94, 0.9)))
    assert "90% interval  0.85 – 0.94" in said


def test_a_sparkline_takes_gaps_and_constants() -> None:
    html_of(kpi("X", 1.0, kpi_id="x", trend=[None, 1.0, 1.0, None]))
    html_of(kpi("X", 1.0, kpi_id="x", trend=[None, None]))


def test_an_error_offers_retry_and_its_id() -> None:
    made = states.error(error_id="e-12")
    assert "e-12" in words(made)
    assert '"data-action":"retry"' in html_of(made)


def test_an_empty_place_names_the_command_that_fills_it() -> None:
    assert "python -m app demo" in words(states.empty("Nothing", command="python -m app demo"))


def test_a_plain_table_has_header_cells_and_a_caption() -> None:
    made = html_of(table([Column("a", "A"), Column("b", "B", "number", "share")],
                         [{"a": "x", "b": 0.5}], caption="All of it"))  # fmt: skip
    assert '"scope":"row"' in made
    assert '"scope":"col"' in made
    assert "50%" in made
    assert "All of it" in made


def test_a_long_table_says_how_many_rows_it_left_out() -> None:
    rows = [{"a": str(i)} for i in range(5)]
    assert "3 more rows" in words(table([Column("a", "A")], rows, caption="c", limit=2))


def test_the_grid_follows_the_reading_direction() -> None:
    with speaking("ar"):
        assert grid("g", [Column("a", "A")], []).dashGridOptions["enableRtl"] is True


def test_numbers_of_a_grid_are_written_as_a_reader_does_and_stay_numbers() -> None:
    columns = [Column("a", "A", "number"), Column("b", "B", "number", "share")]
    with speaking("de"):
        made = grid("g", columns, [{"a": 1234.5, "b": None}])
    assert made.rowData == [{"a": 1234.5, "a_written": "1.234", "b": None, "b_written": "–"}]
    assert made.columnDefs[0]["valueFormatter"] == {"function": "params.data.a_written"}


def test_a_meter_stays_inside_its_bar() -> None:
    made = html_of(meter("x", 1.7, "1.7", interval=(-1, 2)))
    assert '"width":"100.0%"' in made


def test_marked_text_keeps_every_character_once() -> None:
    text = "One. Two three. Four"
    spans = [Span(0, 4, "supported"), Span(2, 9, "unsupported", "why"), Span(15, 99, "undecided")]
    body = marked_text(text, spans).children[0]
    kept = "".join(part if isinstance(part, str) else part.children[-1] for part in body.children)
    assert kept == text
    assert "why" in words(marked_text(text, spans))


def test_reasons_of_supported_parts_are_folded_and_doubts_are_not() -> None:
    spans = [Span(0, 4, "supported", "fine"), Span(5, 9, "undecided", "open")]
    _, doubts, folded = marked_text("One. Two.", spans).children
    assert ("open" in words(doubts), "fine" in words(doubts)) == (True, False)
    assert isinstance(folded, html.Details)
    assert "fine" in words(folded)
    assert marked_text("One.", [Span(0, 4, "supported")]).children[2] is None


def test_issues_stand_in_the_order_given() -> None:
    said = words(issue_list([Issue("bad", "first", "because"), Issue("warn", "second")]))
    assert said.index("first") < said.index("because") < said.index("second")


def test_a_view_names_each_place_and_encodes_components() -> None:
    view = live.View()
    view.panel("p", Insufficient("thin"), Provenance("1 h"))
    view.slot("s", pill("good"))
    parts = json.loads(view.to_json())[1:]
    assert [part[0]["type"] for part in parts] == ["panel-body", "panel-foot", "slot"]
    assert parts[2][1]["props"]["className"] == "pill pill-good"


def test_a_view_encodes_components_as_dash_does() -> None:
    view = live.View()
    body = html.Div([pill("good"), "text", 1.5, None], id={"index": "a", "type": "b"})
    view.slot("s", body)
    assert json.loads(view.to_json())[1][1] == json.loads(str(to_json_plotly(body)))


def test_a_page_can_come_with_its_view_in_place() -> None:
    view = live.View("the mark")
    view.slot("s", pill("good"))
    page, mark = live.filled(
        html.Div([live.slot("s", "empty"), live.view_store("p")]), view.to_json()
    )
    assert page.children[0].children["props"]["className"] == "pill pill-good"
    assert getattr(mark, "data-mark") == "the mark"


def test_a_view_of_a_place_inside_another_is_left_to_the_browser() -> None:
    view = live.View("the mark")
    view.slot("s", live.slot("inner"))
    view.slot("inner", "text")
    assert len(live.filled(html.Div(live.slot("s", "empty")), view.to_json())) == 1


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_frame_can_be_drawn_in_every_language(code: str) -> None:
    items = [shell.NavItem("/", "Home", "house", "Group")]
    with speaking(code):
        made = html_of(shell.layout(items, shell.Standing("t", True, True, True)))
    assert '"id":"page"' in made


def test_the_index_links_own_files_only_and_runs_no_inline_script() -> None:
    index = shell.index_string()
    addresses = re.findall(r'(?:src|href)="([^"]+)"', index)
    assert all(a.startswith("/assets/") for a in addresses)
    assert re.findall(r"<script(?![^>]*\bsrc=)", index) == []
    for part in ("%app_entry%", "%config%", "%scripts%", "%renderer%", "%css%", "%title%"):
        assert "{" + part + "}" in index


def test_heavy_scripts_have_an_address_and_are_not_linked() -> None:
    lazy.hold_back()
    app = Dash("parts", index_string=shell.index_string(), include_assets_files=False)
    app.layout = html.Div()
    index = app.server.test_client().get("/").text
    assert not re.search(r'src="[^"]*dash_table', index)
    for name in ("dash_ag_grid", "dash_cytoscape"):
        assert not re.search(rf'src="[^"]*{name}', index)
        address = re.search(rf'="{name} [^ ]+ (/_dash-component-suites/{name}/[^"]+)"', index)
        assert address is not None
        script = app.server.test_client().get(address[1])
        assert script.status_code == 200 and name in script.text


def test_no_asset_points_to_another_host() -> None:
    own = [p for p in shell._ASSETS.glob("*.*") if p.suffix in (".js", ".css")]
    found = [p.name for p in own if re.search(r"https?://(?!www\.w3\.org/)", p.read_text("utf-8"))]
    assert found == []
    vendored = [p for p in (shell._ASSETS / "vendor").glob("*.*") if p.suffix in (".js", ".css")]
    assert [p.name for p in vendored if "sourceMappingURL" in p.read_text("utf-8")] == []


def test_a_marked_text_runs_in_its_own_direction() -> None:
    def direction(text: str) -> str:
        with speaking("ar"):
            return str(marked_text(text, [Span(0, 4, "supported")]).children[0].dir)

    assert [direction(text) for text in ("1. It opened.", "فتح المصنع")] == ["ltr", "rtl"]
