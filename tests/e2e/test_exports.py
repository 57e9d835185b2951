"""What a reader takes away from a page: each file opens, and says what it was filtered by."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Visit, visit
from test_hub_pages import inferences, serve

from connectors.pdf import is_available

PANEL = "#panel-technical-calibration"


@pytest.fixture(scope="module")
def technical(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """The technical page of a model, standing still."""
    for origin in serve(tmp_path_factory.mktemp("exports"), inferences(600)):
        with visit(chromium, f"{origin}/technical?model=iris&range=6h&live=0") as seen:
            seen.wait_for_charts()
            seen.page.wait_for_selector(f"{PANEL} .js-plotly-plot")
            yield seen


def take(seen: Visit, menu: str, action: str) -> bytes:
    """Open a menu, choose an entry and return the file that the browser saves."""
    seen.page.locator(f"{menu} > summary").click()
    with seen.page.expect_download(timeout=60_000) as waiting:
        seen.page.locator(f"{menu} [data-action={action}]").click()
    return Path(waiting.value.path()).read_bytes()


def from_panel(seen: Visit, kind: str) -> bytes:
    return take(seen, f"{PANEL} .menu-holder", f"panel-{kind}")


def test_a_panel_as_csv_names_window_filters_moment_and_address(technical: Visit) -> None:
    rows = list(csv.reader(io.StringIO(from_panel(technical, "csv").decode("utf-8-sig"))))
    head = [row[0] for row in rows if row and row[0].startswith("# ")]
    assert len(head) == 6
    assert "Last 6 hours (20" in head[2]
    assert '"model":"iris"' in head[3]
    assert "/technical?model=iris" in head[-1]
    assert len(rows) > len(head) + 2


def test_a_panel_as_json_spans_exactly_the_window(technical: Visit) -> None:
    from datetime import datetime

    found = json.loads(from_panel(technical, "json"))
    assert found["filters"] == {"model": "iris"}
    start, end = (datetime.fromisoformat(found[name]) for name in ("from", "to"))
    assert (end - start).total_seconds() == 6 * 3600
    assert found["rows"]


@pytest.mark.parametrize(("kind", "magic"), [("png", b"\x89PNG"), ("svg", b"<svg")])
def test_a_panel_as_image(technical: Visit, kind: str, magic: bytes) -> None:
    content = from_panel(technical, kind)
    assert content.startswith(magic)
    if kind == "svg":
        assert b"model=iris" in content
        assert b"Last 6 hours" in content


@pytest.mark.skipif(not is_available(), reason="Pango is not installed")
def test_the_page_as_pdf(technical: Visit) -> None:
    content = take(technical, ".page-tools .menu-holder:has([data-action=page-pdf])", "page-pdf")
    assert content.startswith(b"%PDF-")
    assert technical.errors == []
    assert technical.outside == []
