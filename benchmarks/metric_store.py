"""The embedded metric store at 100 million samples: query times, bytes per sample, memory.

``python -m benchmarks.metric_store [samples in millions] [folder]`` builds the data set (about
0.5 GB) in a temporary folder, or in the folder named, which is kept and used again; measures while
one thread keeps ingesting, prints a table and writes ``benchmarks/results/metric_store.json``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import facts
from benchmarks.metric_store_data import START_MS, STEP_MS, batches, fleet
from connectors.selector import Matcher, Selector, parse_selector, select
from connectors.sqlite_metrics import SqliteMetricBackend
from connectors.sqlite_metrics.store import SqliteMetricStore
from connectors.telemetry import MetricBatch, Series

SERIES = 10_000
DAY_MS = 86_400_000
TARGET_P95_MS = {
    "1 series": 2.0,
    "100 scattered series": 30.0,
    "1,000 series averaged": 40.0,
    "10,000 series averaged": 400.0,
}


def resident_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(x.split()[1]) / 1024 for x in status.splitlines() if x.startswith("VmRSS"))


def build(folder: Path, series: list[Series], steps: int, *, full: bool) -> dict[str, float]:
    backend = SqliteMetricBackend(folder)
    store = backend.scoped("bench")
    append_s = compact_s = 0.0
    samples = 0
    for batch in batches(series, steps, full_precision=full):
        begun = time.process_time()
        store.append(batch)
        append_s += time.process_time() - begun
        samples += len(batch)
        if samples % (8 * 240 * len(series)) == 0:
            begun = time.process_time()
            backend.compact()
            compact_s += time.process_time() - begun
    begun = time.process_time()
    backend.compact()
    compact_s += time.process_time() - begun
    backend.close()
    used = sum(f.stat().st_size for f in folder.glob("chunks.sqlite3*"))
    return {
        "samples": samples,
        "bytes_per_sample": used / samples,
        "append_cpu_us_per_sample": append_s / samples * 1e6,
        "compact_cpu_us_per_sample": compact_s / samples * 1e6,
    }


def questions(series: list[Series]) -> dict[str, Callable[[], Selector]]:
    rng = np.random.default_rng(1)

    def one() -> Selector:
        chosen = series[int(rng.integers(len(series)))]
        return select(chosen.name, dict(chosen.labels))

    def scattered() -> Selector:
        chosen = rng.choice(len(series), 100, replace=False)
        names = "|".join(series[int(i)].label("instance") for i in chosen)
        return Selector(None, (Matcher("instance", "=~", names),))

    thousand = parse_selector('{service=~"s1|s5"}')
    return {
        "1 series": one,
        "100 scattered series": scattered,
        "1,000 series averaged": lambda: thousand,
        "10,000 series averaged": lambda: parse_selector('{service=~".+"}'),
    }


def keep_ingesting(store: SqliteMetricStore, series: list[Series], stop: threading.Event) -> None:
    """Append every series once per 15 s, in five batches."""
    groups = [series[i::5] for i in range(5)]
    index = np.arange(len(groups[0]), dtype=np.int32)
    moment = START_MS + 10_080 * STEP_MS
    while not stop.is_set():
        for group in groups:
            stamps = np.full(len(group), moment)
            store.append(MetricBatch(group, index, stamps, np.ones(len(group))))
            if stop.wait(3.0):
                return
        moment += STEP_MS


def measure(
    store: SqliteMetricStore, ask: Callable[[], Selector], across: Any, end_ms: int, repeats: int
) -> dict[str, float]:
    wall, cpu = [], []
    for _ in range(repeats):
        selector = ask()
        store.series(selector)  # the dictionary look-up is cached by the process, as for a panel
        begun, begun_cpu = time.perf_counter(), time.thread_time()
        store.window(selector, end_ms - DAY_MS, end_ms, 60_000, across=across)
        wall.append((time.perf_counter() - begun) * 1e3)
        cpu.append((time.thread_time() - begun_cpu) * 1e3)
    return {
        "p50_ms": float(np.percentile(wall, 50)),
        "p95_ms": float(np.percentile(wall, 95)),
        "cpu_p50_ms": float(np.percentile(cpu, 50)),
        "cpu_p95_ms": float(np.percentile(cpu, 95)),
    }


def query(folder: Path, series: list[Series], steps: int) -> dict[str, Any]:
    backend = SqliteMetricBackend(folder)
    store = backend.scoped("bench")
    end_ms = START_MS + steps * STEP_MS
    stop = threading.Event()
    ingest = threading.Thread(target=keep_ingesting, args=(store, series, stop))
    ingest.start()
    time.sleep(1.0)
    rows: dict[str, Any] = {}
    for name, ask in questions(series).items():
        across = "avg" if name.endswith("averaged") else None
        repeats = 15 if name.startswith("10,000") else 60
        rows[name] = measure(store, ask, across, end_ms, repeats)
    rows["1,000 series, maximum"] = measure_max(store, end_ms)
    rows["resident_mb"] = resident_mb()
    stop.set()
    ingest.join()
    backend.close()
    return rows


def measure_max(store: SqliteMetricStore, end_ms: int) -> dict[str, float]:
    selector = parse_selector('{service=~"s1|s5"}')
    wall = []
    for _ in range(20):
        begun = time.perf_counter()
        store.window(selector, end_ms - DAY_MS, end_ms, 60_000, over_time="max", across="max")
        wall.append((time.perf_counter() - begun) * 1e3)
    return {"p50_ms": float(np.percentile(wall, 50)), "p95_ms": float(np.percentile(wall, 95))}


def build_once(folder: Path, series: list[Series], steps: int, *, full: bool) -> dict[str, float]:
    """Build the data set, or return what was measured when it was built."""
    noted = folder / "built.json"
    if not noted.exists():
        noted.parent.mkdir(parents=True)
        facts_of_build = json.dumps(build(folder, series, steps, full=full))
        noted.write_text(facts_of_build, encoding="utf-8")
    found: dict[str, float] = json.loads(noted.read_text(encoding="utf-8"))
    return found


def main() -> None:
    millions = float(sys.argv[1]) if len(sys.argv) > 1 else 100.8
    steps = int(millions * 1e6 / SERIES)
    series = fleet(SERIES)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else temporary)
        report: dict[str, Any] = {"machine": facts(), "target_p95_ms": TARGET_P95_MS}
        report["realistic"] = build_once(folder / "realistic", series, steps, full=False)
        print(report["realistic"], flush=True)
        report["load_average_before"] = os.getloadavg()[0]  # wall times mean little above the cores
        report["queries"] = query(folder / "realistic", series, steps)
        report["full_precision"] = build_once(folder / "full", series[:200], steps, full=True)
    for name, row in report["queries"].items():
        print(name, row, "target p95:", TARGET_P95_MS.get(name, "-"))
    print(report["full_precision"])
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    text = json.dumps(report, indent=2) + "\n"
    (results / "metric_store.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
