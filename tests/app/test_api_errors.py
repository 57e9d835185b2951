"""Every refusal of the API has one shape, with a code for programs and a sentence for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from engines.sentence import Sentence
from i18n import LANGUAGES, speaking, tell
from services import comparison, slo, views
from services.comparison import Comparison
from services.errors import AIOBSError
from services.views import NewView
from services.workspace import Workspace

CODES = {
    "MALFORMED", "INVALID", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE", "METHOD_NOT_ALLOWED", "INSUFFICIENT_DATA", "UNAVAILABLE",
}  # fmt: skip


def is_refusal(body: Any) -> bool:
    return (
        isinstance(body, dict)
        and body["success"] is False
        and body["code"] in CODES
        and isinstance(body["error"], str)
        and bool(body["error"])
        and body.keys() <= {"success", "error", "code", "details"}
    )


def routes(app: Flask) -> Iterator[tuple[str, str]]:
    """Every method and address of the API; names in addresses are of things that do not exist."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, re.sub(r"<[^>]*>", "none", rule.rule)


def refused(app: Flask, client: FlaskClient, **sent: Any) -> tuple[int, list[str]]:
    """How many answers were refusals, and which of them have another shape."""
    count, odd = 0, []
    for method, path in routes(app):
        answer = client.open(path, method=method, **sent)
        if answer.status_code >= 400:
            count += 1
            if not answer.is_json or not is_refusal(answer.json):
                odd.append(f"{method} {path}: {answer.status_code} {answer.data[:120]!r}")
    return count, odd


def test_what_does_not_parse_is_refused_in_one_shape(hub: Flask, client: FlaskClient) -> None:
    count, odd = refused(
        hub, client, data=b'{"x": ', content_type="application/json", query_string={"hours": "x"}
    )
    assert count > 100 and odd == []


def test_another_media_type_is_refused_in_one_shape(hub: Flask, client: FlaskClient) -> None:
    count, odd = refused(hub, client, data=b"<x/>", content_type="text/xml")
    assert count > 50 and odd == []


def test_a_caller_without_a_key_is_refused_in_one_shape(locked_hub: Flask) -> None:
    client = locked_hub.test_client()
    count, odd = refused(locked_hub, client)
    assert count > 100 and odd == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/nothing"), ("PATCH", "/api/models")])
def test_an_address_or_method_that_is_not_there_is_refused_in_one_shape(
    client: FlaskClient, method: str, path: str
) -> None:
    assert is_refusal(client.open(path, method=method).json)


def test_what_forms_of_pages_are_refused_for_is_told_in_every_language(
    workspace: Workspace, client: FlaskClient
) -> None:
    client.post("/api/ingest/inferences", json={
        "inferences": [{"inference_id": "1", "model_id": "risk", "prediction": 1}]
    })  # fmt: skip
    asked = (
        lambda: views.save_view(workspace, NewView("", "/logs")),
        lambda: views.delete_view(workspace, "none"),
        lambda: slo.remove(workspace, "none"),
        lambda: comparison.set_comparison(workspace, "risk", Comparison(weeks=0)),
        lambda: comparison.set_comparison(workspace, "risk", Comparison(against="fixed")),
    )
    for ask in asked:
        with pytest.raises(AIOBSError) as refusal:
            ask()
        message = refusal.value.message
        assert isinstance(message, Sentence)
        told = set()
        for language in LANGUAGES:
            with speaking(language):
                told.add(tell(message))
        assert len(told) == len(LANGUAGES)
