"""The exploring pages and saved views as a person uses them, in a browser."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from browser import visit
from test_hub_pages import serve

pytestmark = pytest.mark.skipif(
    not __import__("browser").CHROMIUM.exists(), reason="Chromium is not installed"
)
TRACE = "ab" * 16


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for origin in serve(tmp_path_factory.mktemp("explore"), []):
        fill(origin)
        yield origin


def fill(origin: str) -> None:
    """Send two metrics of three hosts, log lines and one trace of four spans."""
    now = time.time()
    metrics = [
        {"name": name, "value": 10 + 5 * math.sin(minute / 9 + host),
         "timestamp": now - 60 * minute, "labels": {"host": f"h{host}"}}
        for name in ("queue_depth", "wait_ms")
        for host in range(3)
        for minute in range(1, 120)
    ]  # fmt: skip
    logs = [
        {"message": f"line {i}", "level": "error" if i % 5 == 0 else "info", "service": "shop",
         "timestamp": now - i, "trace_id": TRACE, "attributes": {"order": i}}
        for i in range(70)
    ]  # fmt: skip
    spans = [
        {"traceId": TRACE, "spanId": f"{i:016x}", "parentSpanId": f"{1:016x}" if i > 1 else "",
         "name": name, "kind": 2, "startTimeUnixNano": str(int((now - 60) * 1e9) + i * 1_000_000),
         "endTimeUnixNano": str(int((now - 60) * 1e9) + (1_000 if i == 1 else 20 * i) * 1_000_000),
         "status": {"code": 2 if i == 4 else 0},
         "attributes": [{"key": "gen_ai.usage.input_tokens", "value": {"intValue": "7"}}]}
        for i, name in enumerate(("GET /cart", "find cart", "price", "pay"), 1)
    ]  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    trace = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    for path, body in (
        ("/api/ingest/metrics", {"metrics": metrics}),
        ("/api/ingest/logs", {"logs": logs}),
        ("/v1/traces", trace),
    ):
        answer = requests.post(origin + path, json=body, timeout=60)
        assert answer.ok, answer.text


def test_a_metric_is_chosen_by_words_and_the_link_shows_the_same(chromium: Any, hub: str) -> None:
    with visit(chromium, f"{hub}/explore?range=1h") as seen:
        seen.wait_for_charts()
        field = seen.page.get_by_role("combobox", name="Metric or selector")
        field.fill("queue")
        seen.page.get_by_role("option", name="queue_depth").wait_for()
        field.press("ArrowDown")
        assert seen.axe() == []
        field.press("Enter")
        seen.wait_until("location.search.includes('queue_depth')")
        seen.wait_until("document.querySelector('[data-field=by] select').options.length === 3")
        seen.page.locator("[data-field=by] select").select_option("host")
        seen.page.locator("#panel-explore-series th", has_text="h2").wait_for()
        link = seen.page.url
        seen.page.go_back()
        seen.wait_until("!location.search.includes('by%3Dhost')")
        seen.page.locator("#panel-explore-series th", has_text="queue_depth").wait_for()
        assert seen.errors == []
    with visit(chromium, link) as other:
        other.wait_for_charts()
        other.page.locator("#panel-explore-series th", has_text="h2").wait_for()
        assert other.page.locator("[data-field=by] select").input_value() == "host"


def test_a_typed_selector_is_used_as_it_is(chromium: Any, hub: str) -> None:
    with visit(chromium, f"{hub}/explore?range=1h") as seen:
        seen.wait_for_charts()
        field = seen.page.get_by_role("combobox", name="Metric or selector")
        field.fill('wait_ms{host=~"h[01]"}')
        field.press("Enter")
        seen.page.locator("#panel-explore-chart", has_text="Series: 2").wait_for()
        field.fill('wait_ms{host=~"("}')
        field.press("Enter")
        seen.page.get_by_text("This selector cannot be read.").first.wait_for()
        assert seen.errors == []


def test_a_pair_is_opened_from_the_table(chromium: Any, hub: str) -> None:
    with visit(chromium, f"{hub}/correlation?range=1h") as seen:
        seen.wait_for_charts()
        seen.page.locator("#panel-correlation-pairs tbody a").first.click()
        seen.page.locator("#panel-correlation-pair .main-svg").first.wait_for()
        assert "detail=" in seen.page.url and seen.errors == []


def test_a_line_leads_to_its_trace_and_back(chromium: Any, hub: str) -> None:
    with visit(chromium, f"{hub}/logs?range=1h") as seen:
        seen.wait_for_charts()
        seen.page.locator("[data-field=level] select").select_option("error")
        seen.wait_until("document.querySelectorAll('.log-table tbody tr').length === 14")
        seen.page.locator(".log-message", has_text="line 5").first.click()
        seen.page.locator(".opened .log-full").wait_for()
        seen.page.get_by_role("link", name="Open its trace").click()
        seen.page.locator("#panel-traces-trace .spans tbody tr").nth(3).wait_for()
        seen.page.get_by_role("link", name="pay").click()
        seen.page.locator(".opened", has_text="gen_ai.usage.input_tokens").wait_for()
        assert seen.axe() == []
        seen.page.get_by_role("link", name="Its log lines").click()
        seen.page.locator(".log-message").first.wait_for()
        assert seen.page.url.startswith(f"{hub}/logs") and TRACE in seen.page.url
        seen.page.go_back()
        seen.page.locator(".opened", has_text="gen_ai.usage.input_tokens").wait_for()
        assert seen.errors == []


def test_a_view_is_saved_opened_from_the_palette_and_deleted(chromium: Any, hub: str) -> None:
    with visit(chromium, f"{hub}/traces?range=1h&focus=errors%3D1") as seen:
        seen.wait_for_charts()
        seen.page.locator(".views-holder summary").click()
        seen.page.get_by_label("Save this view as").fill("Failed checkouts")
        seen.page.get_by_role("button", name="Save", exact=True).click()
        seen.page.locator("[data-view]", has_text="Failed checkouts").wait_for()
        assert seen.axe() == []
        seen.page.goto(f"{hub}/logs?range=6h")
        seen.wait_for_charts()
        seen.page.keyboard.press("Control+k")
        seen.page.locator("#palette-input").fill("failed check")
        seen.page.locator("#palette-list .menu-item", has_text="Failed checkouts").wait_for()
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_selector("#panel-traces-list")
        assert seen.page.url == f"{hub}/traces?range=1h&focus=errors%3D1"
        seen.page.locator(".views-holder summary").click()
        seen.page.get_by_role("button", name="Delete: Failed checkouts").click()
        seen.page.locator(".views-holder", has_text="No view is saved yet.").wait_for()
        assert seen.errors == []
