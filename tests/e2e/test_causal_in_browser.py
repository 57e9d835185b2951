"""The causal and the impact page in Chromium: drawn, walked by keyboard, explained, taken away."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import networkx as nx
import pytest
import requests
from browser import Visit, visit

ROWS = 90
ASKED = quote("node=slow&metric=latency_ms")
CHANGE = quote("node=slow&metric=output_tokens&change=0.5")


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


def test_the_graph_and_the_grid_arrive_with_the_page_that_has_them(
    chromium: Any, trouble: str
) -> None:
    fetched = "performance.getEntriesByType('resource').filter(({ name }) => name.includes('%s'))"
    with visit(chromium, f"{trouble}/?live=0") as seen:
        seen.page.wait_for_selector("#page h1", timeout=60_000)
        seen.page.wait_for_load_state("networkidle")
        for name in ("dash_ag_grid", "dash_cytoscape"):
            assert seen.page.evaluate(fetched % name) == []
        seen.page.click('[data-nav="/causes"]')
        wait_for_graph(seen)
        seen.page.wait_for_selector(".ag-root", state="attached", timeout=20_000)
        for name in ("dash_ag_grid.", "dash_cytoscape."):
            assert len(seen.page.evaluate(fetched % name)) == 1
        assert seen.errors == []


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


def test_keys_walk_the_named_chain_in_sight_and_back(chromium: Any, trouble: str) -> None:
    with visit(chromium, f"{trouble}/causes?focus={ASKED}&live=0") as seen:
        wait_for_graph(seen)
        page = seen.page
        chain = page.evaluate("window.aiobs.causal.data().chain")
        assert len(chain) > 1
        page.locator("#causal-canvas-frame").focus()
        pan = page.evaluate("window.aiobs.causal.graph().pan()")
        for step in reversed(chain[:-1]):
            page.keyboard.press("ArrowLeft")
            assert page.evaluate("window.aiobs.causal.graph().nodes('.at')[0].id()") == step
        page.keyboard.press("ArrowRight")
        assert page.evaluate("window.aiobs.causal.graph().nodes('.at')[0].id()") == chain[1]
        assert page.evaluate("window.aiobs.causal.graph().pan()") == pan


def test_playing_begins_where_the_chain_does_whatever_else_moved_before(
    chromium: Any, trouble: str
) -> None:
    with visit(chromium, f"{trouble}/causes?focus={ASKED}&live=0") as seen:
        wait_for_graph(seen)
        page = seen.page
        onset_ms = page.evaluate(
            """(() => {
              const { nodes, chain, onset, window: [start] } = window.aiobs.causal.data();
              const other = nodes.find((n) => n.kind === "metric" && !chain.includes(n.id));
              Object.assign(other, { score: 5, onset_ms: start + 600000 });
              const told = nodes.filter((n) => chain.includes(n.id) && n.onset_ms);
              return Math.min(onset, ...told.map((n) => n.onset_ms));
            })()"""
        )
        page.locator("#causal-canvas-slide").fill("0")
        began = datetime.fromtimestamp(onset_ms / 1_000 - 300, UTC).strftime("%H:%M UTC")
        assert page.locator("#causal-canvas-clock").inner_text() == began


def test_graph_is_taken_away_as_svg_json_and_graphml(chromium: Any, trouble: str) -> None:
    with visit(chromium, f"{trouble}/causes?focus={ASKED}&live=0") as seen:
        wait_for_graph(seen)
        page = seen.page
        found: dict[str, str] = {}
        for at, begins in ((1, "<svg"), (2, "{"), (3, "<?xml")):
            menu = page.locator("#causal-canvas-tools details").nth(1)
            menu.locator("summary").click()
            with page.expect_download(timeout=30_000) as taken:
                page.locator("#causal-canvas-tools details").nth(1).locator("button").nth(
                    at
                ).click()
            content = taken.value.path().read_text("utf-8")
            assert content.startswith(begins)
            found[begins] = content
        whole = nx.parse_graphml(found["<?xml"])
        assert set(whole) == {node["id"] for node in json.loads(found["{"])["nodes"]}
        assert "slow|latency_ms" in whole and whole.is_directed()
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


def top(seen: Visit, selector: str) -> float:
    return float(
        seen.page.evaluate(f"document.querySelector('{selector}').getBoundingClientRect().top")
    )


def test_on_a_phone_words_stand_before_the_picture_and_the_chain_runs_downwards(
    chromium: Any, trouble: str
) -> None:
    with visit(chromium, f"{trouble}/causes?focus={ASKED}&live=0", width=390) as seen:
        wait_for_graph(seen)
        places = [
            top(seen, name)
            for name in (".answer", "#panel-causal_graph-causes", "#panel-causal_graph-graph")
        ]
        assert places == sorted(places)
        layers = seen.page.evaluate(
            "aiobs.causal.graph().nodes().map(n => [n.data('layer'), n.position('y')])"
        )
        known = sorted(pair for pair in layers if pair[0] >= 0)
        assert len({layer for layer, _ in known}) > 1
        assert all(a[1] > b[1] for a in known for b in known if a[0] < b[0])
        assert seen.overflow_px() <= 0


def test_the_keyboard_goes_from_the_suspects_through_the_picture_to_its_tables(
    chromium: Any, trouble: str
) -> None:
    with visit(chromium, f"{trouble}/causes?focus={ASKED}&live=0") as seen:
        wait_for_graph(seen)
        page = seen.page
        page.locator("#panel-causal_graph-causes [data-action=causal-pick]").first.focus()
        passed = []
        for _ in range(60):
            page.keyboard.press("Tab")
            passed.append(page.evaluate("document.activeElement.closest('.panel')?.id || ''"))
            if passed[-1] == "panel-causal_graph-nodes":
                break
        order = list(dict.fromkeys(p.removeprefix("panel-causal_graph-") for p in passed))
        assert [p for p in order if p != "causes"] == ["graph", "detail", "edges", "nodes"]


def test_a_red_number_on_the_technical_page_is_two_clicks_from_its_cause_and_its_cost(
    chromium: Any, trouble: str
) -> None:
    def has_cause() -> bool:
        answer = requests.get(f"{trouble}/api/incidents", timeout=60)
        return any((one["root_cause"] or {}).get("causes") for one in answer.json()["data"])

    _wait(has_cause)
    for target, title, answer in (
        ("/causes", "Causes", ".answer-found"), ("/impact", "Impact", ".answer"),
    ):  # fmt: skip
        with visit(chromium, f"{trouble}/technical?model=slow") as seen:
            page = seen.page
            page.wait_for_selector(".answer-bad:has-text('slow')", timeout=60_000)
            page.click(f".answer-bad a[href^='{target}?']")
            page.wait_for_selector(f"h1:has-text('{title}')", timeout=60_000)
            page.wait_for_selector(f"{answer}:has-text('slow')", timeout=60_000)
            assert "incident=" in page.evaluate("new URLSearchParams(location.search).get('focus')")


def test_impact_is_taken_away_as_csv_with_answer_figures_and_every_list(
    chromium: Any, trouble: str
) -> None:
    with visit(chromium, f"{trouble}/impact?focus={CHANGE}&live=0") as seen:
        page = seen.page
        page.wait_for_selector(".answer-found:has-text('50%')", timeout=60_000)
        page.wait_for_selector("#panel-impact-downstream table", timeout=60_000)
        page.locator(".page-head details summary").last.click()
        with page.expect_download(timeout=30_000) as taken:
            page.click("[data-action=page-csv]")
        rows = list(csv.reader(taken.value.path().read_text("utf-8-sig").splitlines()))
        said = [row[0] for row in rows if row and row[0].startswith("# ")]
        assert "50%" in said[0]
        assert not any("Last 24 hours" in line for line in said)  # the window is the analysis' own
        assert {"Money · next day", "Carbon"} <= {row[0] for row in rows if row}
        assert any(row and row[0] == "Cost · slow" for row in rows)
