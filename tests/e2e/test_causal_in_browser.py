"""The causal and the impact page in Chromium: drawn, walked by keyboard, explained, taken away."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from browser import Visit, visit

ROWS = 90
ASKED = quote("node=slow&metric=latency_ms")


def is_bad(model: str, minute: int) -> bool:
    """The last ten minutes of one of the two models."""
    return model == "slow" and minute > ROWS - 10


def rows_until(now_s: float) -> list[dict[str, Any]]:
    """Two models over ninety minutes; one turns slow, wordy and dear ten minutes before the end."""
    return [
        {
            "inference_id": f"{model}-{minute}-{i}",
            "model_id": model,
            "timestamp": now_s - 60 * (ROWS - minute) + 9 * i,
            "latency_ms": (200.0 if is_bad(model, minute) else 20.0) + minute % 5 + i,
            "input_tokens": 40 + minute % 7,
            "output_tokens": (600 if is_bad(model, minute) else 100) + minute % 5,
            "cost": (0.06 if is_bad(model, minute) else 0.01) + 0.001 * (minute % 3),
            "currency": "USD",
        }
        for model in ("slow", "calm")
        for minute in range(ROWS)
        for i in range(4)
    ]


@pytest.fixture(scope="module")
def trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A hub as users run it that has seen the trouble."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    folder = str(tmp_path_factory.mktemp("causes"))
    settings = {"AIOBS_DATA_DIR": folder, "AIOBS_PORT": str(port), "AIOBS_DEMO": "off"}
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(lambda: requests.get(f"{url}/readyz", timeout=5).ok)
        body = {"inferences": rows_until(time.time())}
        assert requests.post(f"{url}/api/ingest/inferences", json=body, timeout=60).ok
        _wait(lambda: len(requests.get(f"{url}/api/causal/effects", timeout=60).json()["data"]) > 6)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(ready: Callable[[], bool]) -> None:
    for _ in range(120):
        try:
            if ready():
                return
        except requests.RequestException:
            pass
        time.sleep(0.5)
    raise TimeoutError("the hub did not get ready")


def wait_for_graph(seen: Visit) -> None:
    seen.page.wait_for_selector("#page h1", timeout=60_000)
    for _ in range(120):
        if seen.page.evaluate("(window.aiobs.causal.graph()?.nodes().length || 0) > 3"):
            return
        seen.page.wait_for_timeout(500)
    raise TimeoutError("no graph was drawn")


@pytest.mark.parametrize(("theme", "lang", "width"), [("light", "en", 1440), ("dark", "ar", 390)])
def test_causes_are_drawn_without_violation_error_or_overflow(
    chromium: Any, trouble: str, theme: str, lang: str, width: int
) -> None:
    url = f"{trouble}/causes?focus={ASKED}&theme={theme}&lang={lang}&live=0"
    with visit(chromium, url, width=width) as seen:
        wait_for_graph(seen)
        seen.wait_for_charts()
        assert seen.axe() == []
        assert seen.overflow_px() <= 0
        assert seen.errors == []
        assert seen.outside == []


def test_keyboard_walks_to_a_cause_and_opens_its_evidence(chromium: Any, trouble: str) -> None:
    with visit(chromium, f"{trouble}/causes?focus={ASKED}&live=0") as seen:
        wait_for_graph(seen)
        page = seen.page
        page.locator("#causal-canvas-frame").focus()
        page.keyboard.press("ArrowLeft")
        said = page.locator("#causal-canvas-said")
        assert ":" in said.inner_text()
        page.keyboard.press("Enter")
        page.wait_for_url("**detail=pick**", timeout=20_000)
        assert "pick=" in page.evaluate("new URLSearchParams(location.search).get('detail')")


def test_graph_is_taken_away_as_svg_json_and_graphml(chromium: Any, trouble: str) -> None:
    with visit(chromium, f"{trouble}/causes?focus={ASKED}&live=0") as seen:
        wait_for_graph(seen)
        page = seen.page
        for at, begins in ((1, "<svg"), (2, "{"), (3, "<?xml")):
            menu = page.locator("#causal-canvas-tools details").nth(1)
            menu.locator("summary").click()
            with page.expect_download(timeout=30_000) as taken:
                page.locator("#causal-canvas-tools details").nth(1).locator("button").nth(
                    at
                ).click()
            content = taken.value.path().read_text("utf-8")
            assert content.startswith(begins)
            if begins == "{":
                assert json.loads(content)["nodes"]
        assert seen.errors == []


def test_a_hypothetical_change_is_asked_and_answered(chromium: Any, trouble: str) -> None:
    with visit(chromium, f"{trouble}/impact?live=0") as seen:
        page = seen.page
        page.wait_for_selector(".what-if [list]", timeout=60_000)
        page.fill(".what-if [list]", "output tokens slow")
        page.wait_for_selector("#what-if-numbers option", state="attached", timeout=60_000)
        page.fill(".what-if [list]", "Output tokens · slow")
        page.fill(".what-if [type=number]", "50")
        page.click(".what-if button")
        page.wait_for_selector(".answer-found:has-text('50%')", timeout=60_000)
        assert seen.axe() == []
        assert seen.errors == []
