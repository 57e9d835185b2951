"""Every component in a real Chromium: readable, reachable, silent, at home in both directions."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from browser import visit

from components import scope as scopes

LOOKS = [(theme, lang) for theme in ("light", "dark") for lang in ("en", "ar")]


@pytest.mark.parametrize(("theme", "lang"), LOOKS)
@pytest.mark.parametrize("width", [1440, 390])
def test_page_has_no_violation_error_foreign_request_or_overflow(
    chromium: Any, gallery: str, theme: str, lang: str, width: int
) -> None:
    with visit(chromium, f"{gallery}/?theme={theme}&lang={lang}", width=width) as seen:
        seen.wait_for_charts()
        assert seen.axe() == []
        assert seen.overflow_px() <= 0
        assert seen.errors == []
        assert seen.outside == []
        root = seen.page.locator("html")
        assert root.get_attribute("dir") == ("rtl" if lang == "ar" else "ltr")
        assert root.get_attribute("data-bs-theme") == theme


def test_no_chart_offers_to_share_itself(chromium: Any, gallery: str) -> None:
    with visit(chromium, gallery) as seen:
        seen.wait_for_charts()
        titles = seen.page.eval_on_selector_all(
            ".modebar-btn", "nodes => nodes.map(n => n.dataset.title)"
        )
        assert not [title for title in titles if title and "hare" in title]


def test_every_chart_is_drawn_as_the_kind_it_asks_for(chromium: Any, gallery: str) -> None:
    """Our build of Plotly holds four kinds; it would draw another one as a line without a word."""
    kinds = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(
        (plot) => plot._fullData.map((trace, i) => [plot.data[i].type, trace.type]))"""
    with visit(chromium, gallery) as seen:
        seen.wait_for_charts()
        drawn = seen.page.evaluate(kinds)
        assert all(asked == got for asked, got in drawn)
        assert {got for _, got in drawn} == {"scatter", "bar", "box", "heatmap"}


def test_numbers_of_a_grid_are_written_as_a_reader_does_and_sort_as_numbers(
    chromium: Any, gallery: str
) -> None:
    second = """document.querySelector('#g-grid [row-index="1"] [col-id=trust]')?.textContent"""
    with visit(chromium, f"{gallery}/?lang=de") as seen:
        seen.wait_until(f"{second} === '0,505'")
        for _ in range(2):  # upwards, then downwards
            seen.page.locator("#g-grid [col-id=trust] .ag-header-cell-label").click()
        seen.wait_until(f"{second} === '0,89'")
        assert seen.errors == []


def test_theme_toggle_repaints_charts_without_a_request(chromium: Any, gallery: str) -> None:
    with visit(chromium, f"{gallery}/?theme=light") as seen:
        seen.wait_for_charts()
        page = seen.page
        plot = "document.querySelector('#g-bars .js-plotly-plot')"
        colour = f"{plot}.data[0].marker.color[0]"
        before, asked = page.evaluate(colour), []
        page.on("request", lambda r: asked.append(r.url))
        page.keyboard.press("t")
        seen.wait_until(f"({colour}) !== '{before}'")
        assert (before, page.evaluate(colour)) == ("#b3261e", "#ff8d84")
        assert [url for url in asked if "_dash" in url] == []
        assert "theme=dark" in page.url


def test_back_restores_the_range(chromium: Any, gallery: str) -> None:
    with visit(chromium, gallery) as seen:
        seen.wait_for_charts()
        page = seen.page
        page.locator(".bar-time summary").first.click()
        page.get_by_role("button", name="Last 7 days").click()
        assert page.url.endswith("?range=7d")
        assert page.inner_text("#time-words") == "Last 7 days"
        page.go_back()
        seen.wait_until("document.querySelector('#time-words').innerText === 'Last 24 hours'")


def test_choosing_a_model_survives_a_change_of_page(chromium: Any, gallery: str) -> None:
    with visit(chromium, gallery) as seen:
        seen.wait_for_charts()
        page = seen.page
        page.locator("[data-param=model]").click()
        page.keyboard.type("model-17")
        page.get_by_role("button", name="model-17").click()
        assert "model=model-17" in page.url
        page.locator("[data-nav='/technical']").click()
        page.wait_for_selector("h1:has-text('/technical')")
        assert page.url.endswith("/technical?model=model-17")


def test_palette_goes_to_a_page_by_keyboard_alone(chromium: Any, gallery: str) -> None:
    with visit(chromium, gallery) as seen:
        seen.wait_for_charts()
        page = seen.page
        page.keyboard.press("Control+k")
        page.keyboard.type("secur")
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:has-text('/security')")
        assert seen.errors == []


def test_skip_link_is_the_first_stop_and_leads_to_the_content(chromium: Any, gallery: str) -> None:
    with visit(chromium, gallery) as seen:
        seen.wait_for_charts()
        page = seen.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_language_switch_keeps_the_state_and_loads_no_document(chromium: Any, gallery: str) -> None:
    with visit(chromium, f"{gallery}/?range=7d") as seen:
        seen.wait_for_charts()
        page = seen.page
        page.evaluate("window.stays = true")
        page.evaluate("aiobs.chooseLanguage('ar')")
        page.wait_for_selector("#time-words:has-text('آخر 7 أيام')")
        assert page.evaluate("window.stays") is True
        assert page.evaluate("document.dir") == "rtl"
        assert "range=7d" in page.url


def menu(page: Any, panel: str, action: str) -> None:
    page.locator(f"#panel-{panel} .panel-head details").evaluate("node => node.open = true")
    page.locator(f"#panel-{panel} [data-action=panel-{action}]").click()


@pytest.mark.parametrize(("action", "start"), [("png", b"\x89PNG"), ("svg", b"<svg")])
def test_a_panel_saves_an_image(
    chromium: Any, gallery: str, tmp_path: Path, action: str, start: bytes
) -> None:
    with visit(chromium, gallery) as seen:
        seen.wait_for_charts()
        with seen.page.expect_download() as caught:
            menu(seen.page, "lat", action)
        caught.value.save_as(tmp_path / "file")
        assert (tmp_path / "file").read_bytes().startswith(start)


def test_a_panel_saves_its_numbers_with_the_filters(
    chromium: Any, gallery: str, tmp_path: Path
) -> None:
    with visit(chromium, f"{gallery}/?model=m-1") as seen:
        seen.wait_for_charts()
        with seen.page.expect_download() as caught:
            menu(seen.page, "bars", "csv")
        caught.value.save_as(tmp_path / "file.csv")
        text = (tmp_path / "file.csv").read_text("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text)))
        assert rows[0] == ["# Drift by feature"]
        assert any("m-1" in row[0] for row in rows[1:6])
        assert ["mean radius", "0.42"] in rows


def test_a_page_saves_all_panels_as_json(chromium: Any, gallery: str, tmp_path: Path) -> None:
    with visit(chromium, gallery) as seen:
        seen.wait_for_charts()
        with seen.page.expect_download() as caught:
            seen.page.locator(".page-tools details:has([data-action=page-json])").evaluate(
                "node => node.open = true"
            )
            seen.page.locator("[data-action=page-json]").click()
        caught.value.save_as(tmp_path / "file.json")
        panels = json.loads((tmp_path / "file.json").read_text("utf-8"))
        drift = next(p for p in panels if p["title"] == "Drift by feature")
        assert drift["rows"][0] == ["mean radius", 0.42]
        assert drift["definition"] == "Population stability index."


def test_a_chart_can_be_read_as_a_table(chromium: Any, gallery: str) -> None:
    with visit(chromium, gallery) as seen:
        seen.wait_for_charts()
        menu(seen.page, "heat", "table")
        assert seen.page.locator("#dialog[open] table tbody tr").count() == 5
        assert seen.axe() == []


def test_open_menus_and_the_palette_have_no_violation(chromium: Any, gallery: str) -> None:
    with visit(chromium, gallery) as seen:
        seen.wait_for_charts()
        page = seen.page
        page.locator(".bar-time summary").first.click()
        assert seen.axe() == []
        page.keyboard.press("Escape")
        page.locator("[data-param=model]").click()
        assert seen.axe() == []
        page.keyboard.press("Escape")
        page.keyboard.press("Control+k")
        page.wait_for_selector("#palette[open]")
        assert seen.axe() == []


QUERIES = [
    "", "?range=25m", "?range=0h", "?range=99999d", "?refresh=5&live=0", "?refresh=7&live=false",
    "?model=a%2Fb%3Av2&segment=%C3%A9", "?model=" + "x" * 201, "?lang=xx&theme=pink",
    "?from=2026-01-01T00:00&to=2026-01-01T06:00", "?from=2026-01-02T00:00&to=2026-01-01T00:00",
    "?from=2026-02-30T00:00&to=2026-03-01T00:00", "?compare=week&range=2w", "?compare=never",
]  # fmt: skip


def test_browser_and_server_read_every_address_alike(chromium: Any, gallery: str) -> None:
    with visit(chromium, gallery) as seen:
        seen.wait_for_charts()
        for query in QUERIES:
            said = seen.page.evaluate("query => aiobs.format(aiobs.parse(query))", query)
            assert scopes.parse(said) == scopes.parse(query), query
            assert scopes.parse(query).to_query() == said, query


def test_printing_hides_the_frame(chromium: Any, gallery: str) -> None:
    with visit(chromium, gallery) as seen:
        seen.wait_for_charts()
        seen.page.emulate_media(media="print")
        assert not seen.page.locator(".bar").is_visible()
        assert not seen.page.locator(".side").is_visible()
        assert seen.page.locator("#panel-lat").is_visible()


def test_a_waterfall_keeps_its_names_and_numbers_on_a_phone(chromium: Any, gallery: str) -> None:
    with visit(chromium, gallery, width=390) as seen:
        seen.wait_for_charts()
        edges = seen.page.evaluate(
            """(() => {
              const plot = document.querySelector("#g-fall .main-svg").getBoundingClientRect();
              const words = document.querySelectorAll("#g-fall .bartext, #g-fall .ytick text");
              const boxes = Array.from(words, (word) => word.getBoundingClientRect());
              return boxes.map((box) => Math.min(box.left - plot.left, plot.right - box.right));
            })()"""
        )
        assert len(edges) >= 12
        assert min(edges) >= 0
