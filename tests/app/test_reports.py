"""Pages as PDF: what is inside, in which language, and for whom."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connectors.pdf import is_available
from pages.report import reports

needs_pango = pytest.mark.skipif(
    not is_available(), reason="Pango is not installed (Debian package libpangoft2-1.0-0)"
)


@pytest.fixture
def client(client: FlaskClient, clock: list[int]) -> FlaskClient:
    rows = [
        {
            "inference_id": f"a{i}", "model_id": "org/alpha:v2", "model_version": "7",
            "timestamp": clock[0] / 1_000 - i * 60, "features": {"x": i % 7}, "latency_ms": 5.0,
        }
        for i in range(120)
    ]  # fmt: skip
    assert client.post("/api/ingest/inferences", json={"inferences": rows}).status_code == 202
    return client


def fetch(client: FlaskClient, page: str, **query: Any) -> bytes:
    answer = client.get(f"/api/reports/{page}.pdf", query_string=query)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/pdf"
    return bytes(answer.data)


def words(pdf: bytes, folder: Path) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (Debian package poppler-utils)")
    (folder / "report.pdf").write_bytes(pdf)
    done = subprocess.run(
        ["pdftotext", "-layout", "report.pdf", "-"], cwd=folder, capture_output=True, check=True
    )
    return done.stdout.decode()


@needs_pango
@pytest.mark.parametrize("page", reports())
def test_every_page_has_a_report(client: FlaskClient, page: str) -> None:
    assert fetch(client, page, model="org/alpha:v2").startswith(b"%PDF-")


@needs_pango
def test_the_filters_stand_inside_the_file(client: FlaskClient, tmp_path: Path) -> None:
    query = {"model": "org/alpha:v2", "version": "7", "compare": "week", "lang": "en",
             "from": "2026-01-01T08:00", "to": "2026-01-01T10:00"}  # fmt: skip
    text = words(fetch(client, "technical", **query), tmp_path)
    cover, *pages = text.split("\f")
    assert "org/alpha:v2" in cover
    assert "The same time a week before" in cover
    assert "Jan 1, 2026 08:00 – Jan 1, 2026 10:00 UTC" in cover
    assert all("org/alpha:v2 · 7" in page for page in pages if page.strip())
    assert "Page 2 of" in text
    assert "Definitions" in text


@needs_pango
def test_arabic_is_written_in_arabic(client: FlaskClient, tmp_path: Path) -> None:
    text = words(fetch(client, "unified", lang="ar"), tmp_path)
    letters = "".join(letter for letter in text if letter.isalpha())
    assert "الأسطول" in letters
    assert "Scope" not in text


def test_the_list_names_what_can_be_asked_for(client: FlaskClient) -> None:
    named = client.get("/api/reports").get_json()["data"]
    assert {"unified", "technical"} <= set(named)


def test_an_unknown_page_or_filter_is_refused(client: FlaskClient) -> None:
    assert client.get("/api/reports/nothing.pdf").status_code == 404
    assert client.get("/api/reports/unified.pdf?colour=red").status_code == 400
    assert client.get("/api/reports/technical.pdf?model=nobody").status_code == 404


def test_the_document_of_the_api_says_that_a_report_is_a_pdf(client: FlaskClient) -> None:
    paths = client.get("/api/openapi.json").get_json()["paths"]
    answer = paths["/api/reports/{page}.pdf"]["get"]["responses"]["200"]
    assert list(answer["content"]) == ["application/pdf"]


def test_senders_may_not_read_reports(
    locked_hub: Flask, make_key: Callable[[str, str], str]
) -> None:
    key = make_key("acme", "sender")
    answer = locked_hub.test_client().get("/api/reports/unified.pdf", headers={"X-API-Key": key})
    assert answer.status_code == 403
