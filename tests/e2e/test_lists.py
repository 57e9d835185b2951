"""Long lists: sorted, searched and paged by the address, so Back and a link show the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from browser import PATIENCE_S, visit
from test_hub_pages import serve

pytestmark = pytest.mark.skipif(
    not __import__("browser").CHROMIUM.exists(), reason="Chromium is not installed"
)
MODELS = 60


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    now = time.time()
    rows = [
        {"inference_id": f"{n}-1", "model_id": f"model-{n:02d}", "timestamp": now - n,
         "prediction": 1}
        for n in range(MODELS)
    ]  # fmt: skip
    rows += [
        {"inference_id": f"w-{n}", "model_id": "writer", "timestamp": now - 5 * n,
         "prompt": f"question {n}", "output": "rare words" if n == 40 else "an answer"}
        for n in range(80)
    ]  # fmt: skip
    yield from serve(tmp_path_factory.mktemp("lists"), rows)


def test_the_catalogue_is_sorted_paged_and_searched_by_the_address(chromium: Any, hub: str) -> None:
    with visit(chromium, f"{hub}/models?lang=en") as seen:
        page = seen.page
        first = page.locator("#panel-models-list tbody tr").first
        head = page.locator("#panel-models-list thead th").first
        head.get_by_role("link").click(timeout=PATIENCE_S * 1_000)
        first.get_by_text("model-00").wait_for()
        page.locator("#panel-models-list th[aria-sort=ascending]").wait_for()
        assert page.locator("#panel-models-list tbody tr").count() == 50
        assert seen.axe() == []
        page.get_by_role("link", name="Next page").click()
        first.get_by_text("model-50").wait_for()
        assert "51 to 61 of 61" in page.locator("#panel-models-list nav").inner_text()
        link = page.url
        head.get_by_role("link").press("Enter")
        first.get_by_text("writer").wait_for()
        page.locator("#panel-models-list th[aria-sort=descending]").wait_for()
        page.go_back()
        first.get_by_text("model-50").wait_for()
        field = page.get_by_role("textbox", name="Find a model")
        field.fill("model-07")
        field.press("Enter")
        first.get_by_text("model-07").wait_for()
        assert page.locator("#panel-models-list tbody tr").count() == 1
        page.go_back()
        first.get_by_text("model-50").wait_for()
        assert seen.errors == []
    with visit(chromium, link.replace("lang=en", "lang=ar")) as other:
        other.page.locator("#panel-models-list tbody tr").first.get_by_text("model-50").wait_for()
        assert other.axe() == [] and other.overflow_px() == 0


def test_the_explorer_says_its_words_and_place_in_the_address(chromium: Any, hub: str) -> None:
    with visit(chromium, f"{hub}/models?model=writer&lang=en") as seen:
        page = seen.page
        rows = page.locator("#models-explorer tbody tr")
        rows.first.wait_for(timeout=PATIENCE_S * 1_000)
        page.locator("#models-explorer").get_by_role("link", name="Older").click()
        seen.wait_until("location.search.includes('older')")
        page.locator("#models-explorer").get_by_role("link", name="Newest").wait_for()
        rows.first.get_by_role("link", name="Detail").click()
        page.locator("#models-explorer .opened", has_text="question").wait_for()
        page.go_back()
        seen.wait_until("!document.querySelector('#models-explorer .opened')")
        page.go_back()
        seen.wait_until("!location.search.includes('older')")
        field = page.locator("#models-explore").get_by_role("textbox")
        field.fill("rare")
        field.press("Enter")
        seen.wait_until("document.querySelectorAll('#models-explorer tbody tr').length === 1")
        page.go_back()
        seen.wait_until("document.querySelectorAll('#models-explorer tbody tr').length > 1")
        assert seen.errors == []
