"""Every page of the real hub in a real Chromium: with data, and empty."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from browser import visit

import pages

ROOT = Path(__file__).parents[2]
NAMES = [page.name for page in pages.PAGES]
PATHS = {page.name: page.module.PATH for page in pages.PAGES}
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
LOOKS = [("light", "en", 1440), ("dark", "ar", 1440), ("light", "en", 390)]


def inferences(n: int) -> list[dict[str, Any]]:
    """A model with a score, a second one that answers from passages."""
    chance = random.Random(7)
    rows: list[dict[str, Any]] = []
    for i in range(n):
        x = chance.gauss(0, 1)
        rows.append(
            {
                "inference_id": f"a-{i}", "model_id": "iris", "model_version": "v1",
                "features": {"width": round(x, 4), "site": chance.choice("AB")},
                "prediction": int(x > 0), "score": round(1 / (1 + 2.7**-x), 4),
                "label": int(x + chance.gauss(0, 1) > 0), "latency_ms": 20 + 5 * chance.random(),
            }
        )  # fmt: skip
    rows += [
        {
            "inference_id": f"b-{i}", "model_id": "desk", "prompt": "When did it open?",
            "context": ["The plant opened in 1987."], "latency_ms": 400.0,
            "output": "It opened in 1993." if i % 4 == 0 else "The plant opened in 1987.",
            "input_tokens": 50, "output_tokens": 10, "cost": 0.001, "currency": "USD",
        }
        for i in range(40)
    ]  # fmt: skip
    return rows


def serve(folder: Path, rows: list[dict[str, Any]], *, scheduler: str = "off") -> Iterator[str]:
    """Run the hub as users do, in a process of its own, and send it `rows`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "AIOBS_DATA_DIR": str(folder), "AIOBS_PORT": str(port), "AIOBS_DEMO": "off",
        "AIOBS_SCHEDULER": scheduler,
    }  # fmt: skip
    with (folder / "hub.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve"],
            cwd=ROOT, env={**os.environ, **settings}, stdout=log, stderr=log,
        )  # fmt: skip
    origin = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(origin)
        if rows:
            body = {"inferences": rows}
            answer = requests.post(f"{origin}/api/ingest/inferences", json=body, timeout=60)
            assert answer.status_code == 202, answer.text
        yield origin
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_until_ready(origin: str) -> None:
    for _ in range(120):
        try:
            if requests.get(f"{origin}/readyz", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"{origin} did not become ready")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serve(tmp_path_factory.mktemp("hub"), inferences(600))


@pytest.fixture(scope="module")
def empty_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serve(tmp_path_factory.mktemp("empty"), [])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("theme", "lang", "width"), LOOKS)
def test_page_is_silent_readable_and_fits(
    chromium: Any, hub: str, name: str, theme: str, lang: str, width: int
) -> None:
    url = f"{hub}{PATHS[name]}?theme={theme}&lang={lang}&model=iris"
    with visit(chromium, url, width=width) as seen:
        seen.wait_for_charts()
        assert seen.page.locator(".state-error").count() == 0
        assert seen.page.locator(".toast-bad").count() == 0
        assert seen.axe() == []
        for narrower in (w for w in (width, 1024, 901, 768) if w <= width):
            seen.page.set_viewport_size({"width": narrower, "height": 900})
            seen.wait_until(FITS, timeout_s=20)  # charts follow the window in a moment
        assert seen.errors == []
        assert seen.outside == []


@pytest.mark.parametrize("name", NAMES)
def test_page_of_an_empty_hub_says_what_would_fill_it(
    chromium: Any, empty_hub: str, name: str
) -> None:
    with visit(chromium, f"{empty_hub}{PATHS[name]}") as seen:
        seen.wait_for_charts()
        assert seen.page.locator(".toast-bad").count() == 0
        assert seen.axe() == []
        assert seen.errors == []


def test_the_number_on_the_page_is_the_number_of_the_api(chromium: Any, hub: str) -> None:
    answer = requests.get(f"{hub}/api/metrics/trust/iris", timeout=60).json()["data"]["trust"]
    with visit(chromium, f"{hub}/technical?model=iris") as seen:
        seen.wait_for_charts()
        shown = seen.page.locator("#kpi-technical-trust .kpi-value").inner_text()
        overall = answer.get("overall")
        assert shown == ("–" if overall is None else f"{overall:.2f}")


def test_a_row_of_the_fleet_leads_to_its_model(chromium: Any, hub: str) -> None:
    with visit(chromium, f"{hub}/?range=6h") as seen:
        seen.wait_for_charts()
        seen.page.locator("#panel-unified-models a", has_text="iris").click()
        seen.page.wait_for_selector("#panel-technical-traffic")
        assert seen.page.url == f"{hub}/technical?model=iris&range=6h"
