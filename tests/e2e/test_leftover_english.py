"""No sentence of any page is left in English, whatever the hub has to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser import visit
from leftover import OTHER_SCRIPTS, english_on
from test_hub_pages import NAMES, PATHS, inferences, serve


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serve(tmp_path_factory.mktemp("leftover"), inferences(600))


@pytest.fixture(scope="module")
def thin_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A hub that knows too little of anything: reasons stand where numbers would."""
    yield from serve(tmp_path_factory.mktemp("thin"), inferences(12)[:18])


def look(chromium: Any, url: str) -> list[str]:
    with visit(chromium, url) as seen:
        seen.wait_for_charts()
        return english_on(seen.page)


@pytest.mark.parametrize("name", NAMES)
def test_page_of_a_model_is_in_japanese_alone(chromium: Any, hub: str, name: str) -> None:
    assert look(chromium, f"{hub}{PATHS[name]}?lang=ja&model=iris") == []


@pytest.mark.parametrize("name", NAMES)
def test_page_of_a_text_model_is_in_arabic_alone(chromium: Any, hub: str, name: str) -> None:
    assert look(chromium, f"{hub}{PATHS[name]}?lang=ar&model=desk") == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("model", ["iris", "desk"])
def test_reasons_for_missing_numbers_are_translated(
    chromium: Any, thin_hub: str, name: str, model: str
) -> None:
    assert look(chromium, f"{thin_hub}{PATHS[name]}?lang=zh&model={model}") == []


def test_the_search_finds_english(chromium: Any, hub: str) -> None:
    with visit(chromium, f"{hub}/?lang=ko") as seen:
        seen.wait_for_charts()
        assert english_on(seen.page) == []
        seen.page.evaluate("document.querySelector('h1').title = 'nobody translated this'")
        assert english_on(seen.page) == ["nobody translated this"]
    assert set(OTHER_SCRIPTS) == {"ar", "ja", "ko", "zh"}
