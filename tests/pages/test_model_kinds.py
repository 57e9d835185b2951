"""One model's pages: what an inference carries, slices, panels by the kind of model."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from components.live import View
from components.scope import parse
from i18n import LANGUAGES, speaking
from pages import inference_explorer, models, technical
from services.workspace import Backends, Workspace
from tests.pages.test_all_pages import fill


@pytest.fixture
def busy(
    client: FlaskClient, backends: Backends, workspace: Workspace, clock: list[int]
) -> Workspace:
    fill(client, backends, clock[0])
    return workspace


def view_of(page: Any, ws: Workspace, query: str) -> list[Any]:
    view = View()
    page.fill(ws, parse(query), view)
    parts: list[Any] = json.loads(view.to_json())[1:]
    return parts


def hidden(parts: list[Any]) -> set[str]:
    return {i["index"] for i, body in parts if i["type"] == "panel-body" and body is None}


def test_a_language_model_has_no_panels_about_scores(busy: Workspace) -> None:
    gone = hidden(view_of(technical, busy, "model=assistant"))
    assert gone == {f"technical-{name}" for name in ("both", "calibration", "reliability")}


def test_a_classifier_has_no_panels_about_texts(busy: Workspace) -> None:
    gone = hidden(view_of(technical, busy, "model=alpha"))
    assert gone == {"technical-tokens", "technical-risk"}


def explored(ws: Workspace, query: str) -> str:
    shown = inference_explorer.explore(ws, parse(query))
    return json.dumps(shown.to_plotly_json(), default=lambda one: one.to_plotly_json())


def opening(text: str, inference_id: str) -> str:
    """Return the `detail` of the link that opens an inference, as it stands in the address."""
    return next(
        found for found in re.findall(r"\?detail=([^\"]+)", text) if f"{inference_id}%26" in found
    )


def test_words_and_place_of_the_explorer_are_in_the_address(busy: Workspace) -> None:
    first = explored(busy, "model=alpha")
    older = re.search(r"\?detail=(older[^\"]+)", first)
    assert older is not None
    second = explored(busy, f"model=alpha&detail={older[1]}")
    ids = [set(re.findall(r"open%3D(alpha-\d+)", text)) for text in (first, second)]
    assert ids[0] and ids[1] and not ids[0] & ids[1]
    assert '"Older"' in first and '"Newest"' not in first and '"Newest"' in second
    assert "open%3Drag-" not in explored(busy, "model=assistant&focus=text%3Dunheard")
    assert "open%3Drag-" in explored(busy, "model=assistant&focus=text%3DNorway")


@pytest.mark.parametrize(
    "place", ["older%3Dx", "older%3D1%3A2%3A3", "open%3Da%26at%3D-1", "at%3Dx"]
)
def test_a_place_that_was_not_issued_is_the_first_page(busy: Workspace, place: str) -> None:
    assert explored(busy, f"model=alpha&detail={place}").count("open%3Dalpha-") > 20


def test_an_inference_shows_all_that_it_carries(busy: Workspace) -> None:
    text = explored(busy, "model=alpha")
    assert "older%3D" in text and "$0.001" not in text
    text = explored(busy, f"model=alpha&detail={opening(text, 'alpha-1')}")
    for part in ("alpha-1", "eu-west-1", "consumer", "$0.001"):
        assert part in text


def test_texts_are_shown_with_their_passages(busy: Workspace) -> None:
    text = explored(busy, "model=assistant")
    text = explored(busy, f"model=assistant&detail={opening(text, 'rag-1')}")
    assert "It covers the seams." in text and "How long is the warranty?" in text


def test_a_chosen_feature_stands_first(busy: Workspace) -> None:
    text = json.dumps(view_of(models, busy, "model=alpha&detail=feature%3Dc"))
    assert text.index("panel-models-hist-c") < text.index("panel-models-hist-x")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("model", ["alpha", "assistant"])
def test_both_kinds_of_models_are_told_in_every_language(
    busy: Workspace, language: str, model: str
) -> None:
    with speaking(language):
        for page in (technical, models):
            assert view_of(page, busy.speaking(language), f"model={model}")
