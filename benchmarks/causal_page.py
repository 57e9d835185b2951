"""The causal graph in Chromium: from the answer on the wire to a drawing that can be used.

`python -m benchmarks.causal_page [--shots FOLDER]` sends ninety minutes of traces of 4, 60 and 600
services (a tree of calls; one leaf turns slow at the end), opens the page on the slow entry, and
measures how long the browser takes from the end of the answer to the drawn graph, and what the
answer weighs. Wall time: a busy machine counts.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import requests

from benchmarks.hub import running
from benchmarks.study import Row, run
from tests.e2e.browser import browser

SIZES, MINUTES, BAD, LOADS = (4, 60, 600), 90, 8, 5
FOCUS = quote("node=s000&metric=latency_ms")
_WATCH = """
window.drawnMs = 0;
const look = () => {
  const graph = window.aiobs && window.aiobs.causal && window.aiobs.causal.graph();
  if (graph && graph.nodes().length > 1 && graph.nodes().renderedBoundingBox().w > 0) {
    window.drawnMs = performance.now();
    window.drawnNodes = graph.nodes().length;
  } else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
_ANSWER = """() => {
  const parts = [...performance.getEntriesByType('resource'),
                 ...performance.getEntriesByType('navigation')]
    .filter((p) => p.responseEnd <= window.drawnMs
      && (p.name.includes('_dash-update-component') || p.entryType === 'navigation'));
  const last = parts.reduce((a, b) => (a.responseEnd > b.responseEnd ? a : b));
  const heaviest = Math.max(...parts.filter((p) => p.entryType === 'resource')
    .map((p) => p.encodedBodySize), 0);
  return {ms: window.drawnMs - last.responseEnd, bytes: heaviest, nodes: window.drawnNodes};
}"""


def measure() -> list[Row]:
    """Return the rows of the table."""
    rows = []
    for services in SIZES:
        with running() as hub:
            hub.wait()
            url = f"http://127.0.0.1:{hub.port}"
            _send(url, services)
            rows += _drawn(url, services)
    return rows


def _drawn(url: str, services: int) -> list[Row]:
    page_url = f"{url}/causes?focus={FOCUS}&live=0"
    with browser() as chromium:
        found = [_load(chromium, page_url, services) for _ in range(LOADS)]

    def median(name: str) -> float:
        return statistics.median(load[name] for load in found)

    nodes = median("nodes")
    is_target = 100 <= nodes <= 250
    return [
        Row(f"{services} services: nodes drawn", nodes, high=250, repetitions=LOADS),
        Row(f"{services} services: ms from answer to drawing", median("ms"),
            high=1_000 if is_target else None, repetitions=LOADS),
        Row(f"{services} services: kB of the largest answer", median("bytes") / 1_024, high=100,
            repetitions=LOADS),
    ]  # fmt: skip


def _load(chromium: Any, url: str, services: int) -> dict[str, float]:
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(url)
    deadline = time.monotonic() + 120
    while not page.evaluate("window.drawnMs") and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    found: dict[str, float] = page.evaluate(_ANSWER)
    if "--shots" in sys.argv:
        page.wait_for_timeout(1_500)
        folder = Path(sys.argv[sys.argv.index("--shots") + 1])
        page.screenshot(path=folder / f"causes-{services}.png", full_page=False)
    context.close()
    return found


def _send(url: str, services: int) -> None:
    """Send one trace a minute that passes every service."""
    rng = np.random.default_rng(0)
    now_ns = time.time_ns()
    for minute in range(MINUTES):
        start = now_ns - (MINUTES - minute) * 60_000_000_000
        took = _durations(rng, services, minute >= MINUTES - BAD)
        answer = requests.post(
            f"{url}/v1/traces", json=_trace(services, minute, start, took), timeout=120
        )
        answer.raise_for_status()


def _durations(rng: np.random.Generator, services: int, is_bad: bool) -> np.ndarray[Any, Any]:
    """Return milliseconds a service, its callees included; the last one turns slow."""
    own = rng.lognormal(1.0, 0.2, services)
    own[-1] *= 40.0 if is_bad else 1.0
    total = own.copy()
    for i in range(services - 1, 0, -1):
        total[(i - 1) // 4] += total[i]
    return total


def _trace(services: int, minute: int, start_ns: int, took_ms: Any) -> dict[str, Any]:  # OTLP JSON
    def span(i: int) -> dict[str, Any]:
        made = {
            "traceId": f"{minute + 1:032x}", "spanId": f"{minute * 1_000 + i + 1:016x}",
            "name": f"call {i}", "kind": 2, "startTimeUnixNano": str(start_ns),
            "endTimeUnixNano": str(start_ns + int(took_ms[i] * 1e6)),
        }  # fmt: skip
        if i:
            made["parentSpanId"] = f"{minute * 1_000 + (i - 1) // 4 + 1:016x}"
        return made

    return {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [{"key": "service.name", "value": {"stringValue": f"s{i:03d}"}}]
                },
                "scopeSpans": [{"spans": [span(i)]}],
            }
            for i in range(services)
        ]
    }


if __name__ == "__main__":
    run("causal_page", "The causal graph is drawn within a second and weighs little", measure)
