"""The Unified page: time to compute and to serve its view, viewers that share it, and its size.

`python -m benchmarks.pages [--quick]` fills a hub with the sample fleet's day (quick: two hours).
CPU time of the asking thread is measured, not the wall: other programs, and refreshes that run
beside it, do not count.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask

from app.demo.predictors import FLEET, train_all
from app.demo.serving import TEXT_MODELS
from benchmarks.replay import InProcessHub, make_replay, moved_hub, scheduler_workspace
from benchmarks.study import Row, run
from pages import unified
from services import jobs, sketches
from services.workspace import Workspace

VIEWERS, REPEATS = 50, 30
SCOPE = {"range": "24h", "live": "1"}


def measure() -> list[Row]:
    """Return the rows of the table."""
    hours = 2 if "--quick" in sys.argv else 24
    clock = [time.time_ns() // 1_000_000]
    with tempfile.TemporaryDirectory() as folder, moved_hub(Path(folder), clock) as app:
        _fill(app, clock[0] / 1_000, hours)
        computed, cached = _times(app, clock)
        count, waited, body = together(app, clock)
    packed = len(gzip.compress(body, 6)) / 1_024
    return [
        Row("view computed, p95 CPU ms", p95(computed), high=30, repetitions=len(computed)),
        Row("view cached, p95 CPU ms", p95(cached), high=10, repetitions=len(cached)),
        Row(f"computations when {VIEWERS} viewers ask at one tick", count, high=1),
        Row("their answers, p95 ms", p95(waited), high=1_000, repetitions=VIEWERS),
        Row("view as sent, compressed, kB", packed, high=50),
    ]


def p95(seconds: list[float]) -> float:
    return float(np.percentile(seconds, 95)) * 1_000


def _fill(app: Flask, now_s: float, hours: float) -> None:
    names = [line[0] for line in FLEET] + list(TEXT_MODELS)
    hub, ws = InProcessHub(app.test_client()), scheduler_workspace(app)
    replay = make_replay(hub, train_all(), names, (now_s - hours * 3_600, now_s), [], seed=1)
    replay.send_until(now_s)
    while jobs.roll_up(ws):
        pass
    sketches.update_sketches(ws)
    jobs.refresh_models(ws)


def ask(
    app: Flask, client: Any, page: str = "unified", scope: dict[str, str] = SCOPE
) -> bytes:  # `client`: werkzeug's test client
    """Return the answer of a page's callback at a tick, as the browser gets it."""
    callbacks = app.extensions["aiobs_dash_outputs"]()
    name = _view_of(callbacks, page)
    values = {"scope": scope, "tick": 1}
    body = {
        "output": name,
        "outputs": {"id": {"type": "view", "index": page}, "property": "data"},
        "inputs": [dict(i) | {"value": values[i["id"]]} for i in callbacks[name]["inputs"]],
        "changedPropIds": [],
        "state": [],
    }
    answer = client.post("/_dash-update-component", json=body)
    if answer.status_code != 200 or b'"toast"' in answer.get_data():
        raise RuntimeError(f"{answer.status_code} {answer.get_data(as_text=True)[:300]}")
    found: bytes = answer.get_data()
    return found


def _view_of(callbacks: Any, page: str = "unified") -> str:  # Dash's callback map
    name: str = next(n for n in callbacks if f'"{page}"' in n and '"view"' in n)
    return name


def _times(app: Flask, clock: list[int]) -> tuple[list[float], list[float]]:
    client, taken = app.test_client(), ([], [])  # type: tuple[Any, tuple[list[float], list[float]]]
    for _ in range(REPEATS):
        clock[0] += 6_000  # the next tick: the view and the overview behind it are old
        app.extensions["aiobs_backends"].cache.invalidate("default/overview")
        for kept in taken:
            started = time.thread_time()
            ask(app, client)
            kept.append(time.thread_time() - started)
    return taken


def together(app: Flask, clock: list[int]) -> tuple[int, list[float], bytes]:
    """Return how often the view is computed when every viewer asks at once, how long each waited
    (seconds of the wall), and the answer."""
    count, gate, original = [0], threading.Lock(), unified.fill

    def counting(ws: Workspace, scope: Any, view: Any) -> None:  # the page's own types
        with gate:
            count[0] += 1
        original(ws, scope, view)

    def look(_: int) -> tuple[float, bytes]:
        started = time.perf_counter()
        body = ask(app, app.test_client())
        return time.perf_counter() - started, body

    cache = app.extensions["aiobs_backends"].cache
    clock[0] += 6_000
    cells = [c for c in _closures(app) if c.cell_contents is original]
    for cell in cells:
        cell.cell_contents = counting
    cache.invalidate("default/view")
    cache.invalidate("default/overview")
    with ThreadPoolExecutor(VIEWERS) as pool:
        answers = list(pool.map(look, range(VIEWERS)))
    for cell in cells:
        cell.cell_contents = original
    return count[0], [seconds for seconds, _ in answers], answers[0][1]


def _closures(app: Flask) -> list[Any]:  # cells
    """Return the cells of the page's callback, through Dash's wrappers."""
    callbacks = app.extensions["aiobs_dash_outputs"]()
    found, waiting = [], [callbacks[_view_of(callbacks)]["callback"]]
    while waiting:
        function = waiting.pop()
        for cell in getattr(function, "__closure__", None) or ():
            found.append(cell)
            if callable(cell.cell_contents) and hasattr(cell.cell_contents, "__closure__"):
                waiting.append(cell.cell_contents)
    return found


if __name__ == "__main__":
    run("pages", "The Unified page is cheap to compute and computed once for all", measure)
