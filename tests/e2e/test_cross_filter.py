"""A figure filters its page: by a click, by a drag over time, by keyboard, and Back undoes it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from browser import PATIENCE_S, Visit, visit
from test_hub_pages import serve

pytestmark = pytest.mark.skipif(
    not __import__("browser").CHROMIUM.exists(), reason="Chromium is not installed"
)
CARBON = ("#sus-models-chart", "/sustainability?range=1h")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    chance = random.Random(3)
    now = time.time()
    rows = [
        {
            "inference_id": f"{model}-{i}", "model_id": model, "model_version": "v1",
            "timestamp": now - 12 * i - 5, "prediction": 1, "latency_ms": 20 + chance.random(),
            "energy_kwh": 0.002 if model == "large" else 0.0005, "region": "eu-west-1",
            "user_segment": "gold" if i % 2 else "basic", "cost": 0.01, "currency": "EUR",
        }
        for model in ("large", "small")
        for i in range(250)
    ]  # fmt: skip
    yield from serve(tmp_path_factory.mktemp("filter"), rows, scheduler="on")


def opened(seen: Visit, chart: str) -> None:
    """Wait until the figure stands with something to choose."""
    seen.page.wait_for_selector(f"{chart} .main-svg", timeout=PATIENCE_S * 1_000)
    seen.wait_for_charts()
    seen.wait_until(
        f"document.querySelector('{chart}').closest('figure').querySelector('.chart-choices a')"
    )


def inferences(seen: Visit) -> str:
    """Return the sample size that the figure of carbon states."""
    return str(seen.page.locator("#panel-sus-models .panel-foot").inner_text().split("n = ")[1])


def click_bar(seen: Visit, chart: str) -> None:
    bar = seen.page.locator(f"{chart} .bars .point path").first
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    seen.page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    seen.wait_until(f"document.querySelector('{chart} .is-over-choice')")
    seen.page.mouse.click(box["x"] + 8, box["y"] + box["height"] / 2)


def test_a_bar_filters_and_once_more_frees(chromium: Any, hub: str) -> None:
    chart, path = CARBON
    with visit(chromium, hub + path) as seen:
        opened(seen, chart)
        assert inferences(seen).startswith("500")
        click_bar(seen, chart)
        seen.wait_until("location.search.includes('model=large')")
        seen.page.locator("#panel-sus-models .panel-foot", has_text="n = 250").wait_for()
        chip = seen.page.locator(".filter-chip")
        assert "large" in chip.inner_text()
        assert seen.axe() == []
        seen.page.go_back()
        seen.page.locator("#panel-sus-models .panel-foot", has_text="n = 500").wait_for()
        assert chip.count() == 0
        seen.page.go_forward()
        seen.page.locator("#panel-sus-models .panel-foot", has_text="n = 250").wait_for()
        seen.wait_until("document.querySelectorAll('#sus-models-chart .bars .point').length === 1")
        click_bar(seen, chart)
        seen.wait_until("!location.search.includes('model=')")
        seen.page.locator("#panel-sus-models .panel-foot", has_text="n = 500").wait_for()
        assert seen.errors == []


def test_the_same_choice_without_a_pointer(chromium: Any, hub: str) -> None:
    chart, path = CARBON
    with visit(chromium, hub + path) as seen:
        opened(seen, chart)
        link = seen.page.locator("#panel-sus-models .chart-choices a", has_text="small")
        link.focus()
        assert link.bounding_box()["width"] > 10
        assert seen.axe() == []
        seen.page.keyboard.press("Enter")
        seen.wait_until("location.search.includes('model=small')")
        seen.page.locator("#panel-sus-models .panel-foot", has_text="n = 250").wait_for()
        seen.wait_until("document.querySelector('.chart-choices a[aria-current=true]')")
        seen.page.locator(".filter-chip").press("Enter")
        seen.wait_until("!location.search.includes('model=')")
        assert seen.errors == []


def test_a_row_filters_by_segment_and_a_region_opens_its_metric(chromium: Any, hub: str) -> None:
    with visit(chromium, f"{hub}/business?range=1h") as seen:
        row = seen.page.locator("#panel-biz-segments a.choice", has_text="gold")
        row.click(timeout=PATIENCE_S * 1_000)
        seen.wait_until("location.search.includes('segment=gold')")
        seen.page.locator("#panel-biz-models .panel-foot", has_text="n = 250").wait_for()
        seen.wait_until("document.querySelector('a.choice[aria-current=true]')")
        seen.page.locator("#panel-biz-models a.choice", has_text="small").click()
        seen.wait_until("location.search.includes('model=small&segment=gold')")
        seen.page.locator("#panel-biz-models .panel-foot", has_text="n = 125").wait_for()
        assert seen.page.locator(".filter-chip").count() == 2
        seen.page.locator("#panel-biz-segments a.choice", has_text="eu-west-1").click()
        seen.wait_until("location.pathname === '/explore'")
        seen.page.wait_for_selector("#explore-graph .main-svg", timeout=PATIENCE_S * 1_000)
        # Metrics are not cut by the segment of the address: its chip says so.
        seen.wait_until("document.querySelectorAll('.filter-chip.is-idle').length === 1")
        assert seen.errors == []


def test_a_drag_over_time_sets_the_range_of_the_page(chromium: Any, hub: str) -> None:
    with visit(chromium, f"{hub}/sustainability?range=1h") as seen:
        opened(seen, "#sus-models-chart")
        plot = seen.page.locator("#sus-time-chart .nsewdrag").first.bounding_box()
        y = plot["y"] + plot["height"] / 2
        seen.page.mouse.move(plot["x"] + 0.3 * plot["width"], y)
        seen.page.mouse.down()
        seen.page.mouse.move(plot["x"] + 0.5 * plot["width"], y, steps=4)
        seen.page.mouse.move(plot["x"] + 0.8 * plot["width"], y, steps=4)
        seen.page.mouse.up()
        seen.wait_until("location.search.includes('from=') && location.search.includes('to=')")
        seen.wait_until("document.querySelector('.filter-chip')?.innerText.includes('UTC')")
        foot = "document.querySelector('#panel-sus-models .panel-foot').innerText"
        seen.wait_until(f"!{foot}.includes('n = 500')")
        assert not seen.page.locator("#sus-time-chart .selectionlayer path").count()
        seen.page.go_back()
        seen.page.locator("#panel-sus-models .panel-foot", has_text="n = 500").wait_for()
        assert seen.errors == []
