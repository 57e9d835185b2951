"""Every page at its first view and at a tick: what it costs to compute and to serve, and how many
bytes it sends.

`python -m benchmarks.fleet_pages [--quick] [--keep FOLDER] [--only PAGE] [--size MODELS]
[--profile]` fills a hub with 30 models and 30 days, then one with 1,000 models. CPU time of the
asking thread is measured, not the wall; of a first view that of the whole process, with an empty
cache and until analyses beside it have ended. What is measured of one page or size alone takes its
place in the result file; the rest stays. `--keep` opens the folder again instead of filling anew;
`--profile` prints where the time of each page goes.
"""

from __future__ import annotations

import cProfile
import gzip
import pstats
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask

from app import memory
from benchmarks import fleet_store
from benchmarks.fleet_store import LARGE, QUICK, SMALL, FleetSize, filled, option
from benchmarks.pages import VIEWERS, ask, p95, together
from benchmarks.replay import scheduler_workspace
from benchmarks.study import Row, run
from pages import PAGES
from services.fleet import get_overview
from services.workspace import Backends

TICKS = 8
TICK_MS = 16_000
ENOUGH_S = 5.0  # of computing one page; a slow one needs no more ticks to show that
BUDGET_MS, BUDGET_KB = 50, 50
FIRST_MS = 1_000
ANALYSED_MS = {"causal_graph": 8_000, "impact": 8_000}
"""Budgets of a first view, and of the pages whose answer is an analysis of its own."""
ABOUT_ONE = ("models", "technical", "security", "data_health", "sustainability", "business")
"""Pages that say more when a model is chosen."""


def measure() -> list[Row]:
    """Return the rows of the table."""
    sizes = [QUICK] if "--quick" in sys.argv else [SMALL, LARGE]
    chosen = option("--size")
    rows = []
    for size in sizes:
        if chosen and int(chosen) != size.models:
            continue
        with (
            tempfile.TemporaryDirectory(
                ignore_cleanup_errors=True
            ) as made,  # analyses may still run
            filled(size, Path(made)) as (app, clock),
        ):
            get_overview(scheduler_workspace(app))  # a hub's jobs have read what lives on
            memory.settle()  # as a hub does a minute after its start
            for page, scope in _views(size):
                rows += _page(app, clock, page, scope, size)
            if option("--only") in ("", "unified"):
                rows += _viewers(app, clock, size)
    return rows


def _viewers(app: Flask, clock: list[int], size: FleetSize) -> list[Row]:
    ask(app, app.test_client())
    runs = [together(app, clock) for _ in range(5)]
    waited = [seconds for _, answers, _ in runs for seconds in answers]
    case = f"{VIEWERS} viewers of unified at one tick, {size.models} models"
    return [
        Row(f"{case}: computations", max(count for count, _, _ in runs), high=1, repetitions=5),
        Row(f"{case}: answers, p95 ms", p95(waited), high=FIRST_MS, repetitions=len(waited)),
    ]


def _views(size: FleetSize) -> list[tuple[str, dict[str, str]]]:
    only = option("--only")
    day = {"range": "24h", "live": "1"}
    month = {"range": f"{int(size.days)}d", "live": "1"}
    views = []
    for page in PAGES:
        if only and page.name != only:
            continue
        views.append((page.name, day))
        views.append((page.name, month))
        if page.name in ABOUT_ONE:
            views.append((page.name, day | {"model": fleet_store.name_of(3)}))
    return views


def _page(
    app: Flask, clock: list[int], page: str, scope: dict[str, str], size: FleetSize
) -> list[Row]:
    client = app.test_client()
    profile = cProfile.Profile(time.thread_time) if "--profile" in sys.argv else None
    ask(app, client, page, scope)  # imports are not of every look
    first = _first(app, client, page, scope)
    memory.settle()  # as a hub does again once its pages were seen
    computed: list[float] = []
    cached: list[float] = []
    body = b""
    while len(computed) < TICKS and sum(computed) < ENOUGH_S:
        clock[0] += TICK_MS
        app.extensions["aiobs_backends"].cache.invalidate("default/overview")
        if profile:
            profile.enable()
        computed.append(_timed(app, client, page, scope)[0])
        if profile:
            profile.disable()
        seconds, body = _timed(app, client, page, scope)
        cached.append(seconds)
    if profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(
            "wt|main|connectors|services", 45
        )
    chosen = "one model" if "model" in scope else "all models"
    case = f"{page}, {scope['range']}, {chosen} of {size.models}"
    measured = (first * 1e3, float(np.median(computed)) * 1e3, p95(computed), p95(cached))
    packed = len(gzip.compress(body, 6)) / 1_024
    print(f"{case:<50}", *(f"{ms:>8.1f}" for ms in measured), f"{packed:>8.1f} kB", flush=True)
    return [
        Row(f"{case}: first view CPU ms", first * 1_000, high=ANALYSED_MS.get(page, FIRST_MS)),
        Row(f"{case}: p50 CPU ms", float(np.median(computed)) * 1_000, repetitions=len(computed)),
        Row(f"{case}: p95 CPU ms", p95(computed), high=BUDGET_MS, repetitions=len(computed)),
        Row(f"{case}: cached p95 CPU ms", p95(cached), high=10, repetitions=len(computed)),
        Row(f"{case}: compressed kB", packed, high=BUDGET_KB),
    ]


def _first(app: Flask, client: Any, page: str, scope: dict[str, str]) -> float:
    """Return the CPU seconds of a first view, and of the analyses that it starts."""
    backends = app.extensions["aiobs_backends"]
    _wait(backends)
    backends.cache.invalidate("")
    get_overview(scheduler_workspace(app))  # the hub's jobs keep it
    started = time.process_time()
    ask(app, client, page, scope)
    _wait(backends)
    return time.process_time() - started


def _wait(backends: Backends) -> None:
    while backends.workers.is_busy:
        time.sleep(0.05)


def _timed(app: Flask, client: Any, page: str, scope: dict[str, str]) -> tuple[float, bytes]:
    started = time.thread_time()
    body = ask(app, client, page, scope)
    return time.thread_time() - started, body


if __name__ == "__main__":
    run(
        "fleet_pages", "A tick of every page stays in its budget, small fleet or large", measure,
        in_part=bool(option("--only") or option("--size")),
    )  # fmt: skip
