"""One model's pages: what an inference carries, slices, panels by the kind of model."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from components.live import View
from components.scope import parse
from i18n import LANGUAGES, speaking
from pages import inference_explorer, models, technical
from services.inferences import Chosen
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


def test_an_inference_shows_all_that_it_carries(busy: Workspace) -> None:
    shown, following = inference_explorer.explore(busy, parse("model=alpha"), Chosen())
    text = json.dumps(shown.to_plotly_json(), default=lambda one: one.to_plotly_json())
    assert following is not None
    for part in ("alpha-1", "eu-west-1", "consumer", "$0.001"):
        assert part in text


def test_texts_are_shown_with_their_passages(busy: Workspace) -> None:
    shown, _ = inference_explorer.explore(busy, parse("model=assistant"), Chosen())
    text = json.dumps(shown.to_plotly_json(), default=lambda one: one.to_plotly_json())
    assert "It covers the seams." in text and "How long is the warranty?" in text


def test_a_chosen_feature_stands_first(busy: Workspace) -> None:
    text = json.dumps(view_of(models, busy, "model=alpha&detail=c"))
    assert text.index("panel-models-hist-c") < text.index("panel-models-hist-x")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("model", ["alpha", "assistant"])
def test_both_kinds_of_models_are_told_in_every_language(
    busy: Workspace, language: str, model: str
) -> None:
    with speaking(language):
        for page in (technical, models):
            assert view_of(page, busy.speaking(language), f"model={model}")
