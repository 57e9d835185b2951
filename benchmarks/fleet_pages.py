"""Every page at a tick: what it costs to compute and to serve, and how many bytes it sends.

`python -m benchmarks.fleet_pages [--quick] [--keep FOLDER] [--only PAGE] [--size MODELS]
[--profile]` fills a hub with 30 models and 30 days, then one with 1,000 models. CPU time of the
asking thread is measured, not the wall. What is measured of one page or size alone takes its place
in the result file; the rest stays. `--keep` opens the folder again instead of filling anew;
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
from benchmarks.pages import ask, p95
from benchmarks.replay import scheduler_workspace
from benchmarks.study import Row, run
from pages import PAGES
from services.fleet import get_overview

TICKS = 8
TICK_MS = 16_000
ENOUGH_S = 5.0  # of computing one page; a slow one needs no more ticks to show that
BUDGET_MS, BUDGET_KB = 50, 50
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
    return rows


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
    ask(app, client, page, scope)  # imports and first reads are not of every tick
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
    print(f"{case:<50}{np.median(computed) * 1e3:>9.1f}{p95(computed):>9.1f}{p95(cached):>9.1f}"
          f"{len(gzip.compress(body, 6)) / 1024:>9.1f} kB", flush=True)  # fmt: skip
    return [
        Row(f"{case}: p50 CPU ms", float(np.median(computed)) * 1_000, repetitions=len(computed)),
        Row(f"{case}: p95 CPU ms", p95(computed), high=BUDGET_MS, repetitions=len(computed)),
        Row(f"{case}: cached p95 CPU ms", p95(cached), high=10, repetitions=len(computed)),
        Row(f"{case}: compressed kB", len(gzip.compress(body, 6)) / 1_024, high=BUDGET_KB),
    ]


def _timed(app: Flask, client: Any, page: str, scope: dict[str, str]) -> tuple[float, bytes]:
    started = time.thread_time()
    body = ask(app, client, page, scope)
    return time.thread_time() - started, body


if __name__ == "__main__":
    run(
        "fleet_pages", "A tick of every page stays in its budget, small fleet or large", measure,
        in_part=bool(option("--only") or option("--size")),
    )  # fmt: skip
