"""Drift reports: CPU seconds and extra memory, beside evidently and NannyML.

Peers run under the interpreter named by ``AIOBS_PEER_PYTHON``; without it they are left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.drift_tables import table
from benchmarks.study import Row, run
from engines.drift import (
    compare,
    compare_sketches,
    from_bytes,
    merge,
    profile_table,
    sketch_table,
    to_bytes,
)
from engines.drift.sketch import PROFILE_POINTS

REPEATS = 5
PEERS = Path(__file__).with_name("drift_peers.py")


def cpu_s(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Least CPU seconds of `work`: the least disturbed by what else the machine does."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def extra_mb(work: Callable[[], object]) -> float:
    """Peak memory that `work` allocates."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def peer(name: str, rows: int) -> dict[str, float] | None:
    """CPU seconds and extra memory of a peer on a table of the same shape."""
    interpreter = os.environ.get("AIOBS_PEER_PYTHON")
    if not interpreter:
        return None
    done = subprocess.run(
        [interpreter, str(PEERS), name, str(rows)], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def hundred_thousand() -> list[Row]:
    reference, current = (table(np.random.default_rng(seed), 100_000) for seed in (0, 1))
    compare(reference.head(2000), current.head(2000))
    alone = cpu_s(lambda: compare(reference, current, joint=False), repeats=10)
    joint = cpu_s(lambda: compare(reference, current)) - alone
    memory = extra_mb(lambda: compare(reference, current, joint=False))
    rows = [
        Row("100,000 x 35, all univariate tests, CPU s", alone, high=0.35, repetitions=REPEATS),
        Row("100,000 x 35, joint tests on top, CPU s", joint, high=0.35, repetitions=REPEATS),
        Row("100,000 x 35, univariate, extra MB", memory, high=25.0),
    ]
    for name, factor in (("evidently", 50.0), ("nannyml", 6.0)):
        found = peer(name, 100_000)
        if found:
            rows += [
                Row(f"{name}, same shape, CPU s", found["cpu_s"]),
                Row(f"{name}, extra MB", found["extra_mb"]),
                Row(f"times faster than {name}", found["cpu_s"] / alone, low=factor),
            ]
    return rows


def million() -> list[Row]:
    rng = np.random.default_rng(0)
    reference = table(rng, 1_000_000)
    profile = profile_table(reference)
    current = table(rng, 1_000_000)
    alone = cpu_s(lambda: compare(reference, current, joint=False), repeats=2)
    memory = extra_mb(lambda: compare(reference, current, joint=False))
    encoded = table(rng, 1_000_000, encoded=True)
    cached = cpu_s(
        lambda: compare_sketches(
            profile, sketch_table(encoded, points=PROFILE_POINTS, grid=profile.grid)
        ),
        repeats=3,
    )
    kept = sketch_table(encoded, grid=profile.grid)
    merged = cpu_s(lambda: compare_sketches(profile, kept), repeats=20)
    return [
        Row("1,000,000 x 35, all univariate tests, CPU s", alone, high=4.5, repetitions=2),
        Row("1,000,000 x 35, univariate, extra MB", memory, high=150.0),
        Row("1,000,000 x 35 against a cached profile, CPU s", cached, high=0.6, repetitions=3),
        Row("two sketches of 1,000,000 x 35, ms", merged * 1e3, high=50.0, repetitions=20),
    ]


def fleet() -> list[Row]:
    """20 columns per model: one new hour joined to the day so far, then compared; x 1,000."""
    rng = np.random.default_rng(1)
    names = [f"n{i}" for i in range(17)] + ["c2", "c20", "c100"]
    profile = profile_table(table(rng, 100_000)[names], points=512)
    hours = [sketch_table(table(rng, 4_000)[names], grid=profile.grid) for _ in range(8)]
    compared = cpu_s(lambda: compare_sketches(profile, hours[0]), repeats=50)
    day = merge(hours[:-1])
    joined = cpu_s(lambda: merge([day, hours[-1]]), repeats=50)
    size = len(to_bytes(hours[0], with_grid=False)) / 1024
    loaded = cpu_s(
        lambda: from_bytes(to_bytes(day, with_grid=False), grid=profile.grid), repeats=20
    )
    return [
        Row(
            "1,000 models x 20 columns: join and compare, CPU s", 1e3 * (compared + joined), high=10
        ),
        Row("  of which compare, CPU s", 1e3 * compared, repetitions=50),
        Row("  of which join one hour, CPU s", 1e3 * joined, repetitions=50),
        Row("  write and read back, on top, CPU s", 1e3 * loaded, repetitions=20),
        Row("one model-hour of 20 columns, kB", size),
        Row("72 rows of 30 features, ten minutes of a small model, kB", _bucket_kb()),
    ]


def _bucket_kb() -> float:
    """Ten minutes of a model that is asked now and then: features with four decimals."""
    rng = np.random.default_rng(2)
    past, now = ({f"f{i}": rng.normal(size=n).round(4) for i in range(30)} for n in (5_000, 72))
    grid = profile_table(past).grid
    return len(to_bytes(sketch_table(now, grid=grid), with_grid=False)) / 1024


if __name__ == "__main__":
    run(
        "drift_speed",
        "Drift reports cost little, and from sketches almost nothing.",
        lambda: [*hundred_thousand(), *fleet(), *million()],
    )
