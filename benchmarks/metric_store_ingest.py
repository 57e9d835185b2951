"""Durable appends to the embedded metric store: samples per second and CPU per sample.

``python -m benchmarks.metric_store_ingest`` prints a table and writes
``benchmarks/results/metric_store_ingest.json``. Batches arrive as lists of the same `Series`
objects, as the remote-write decoder hands them over.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import facts
from connectors.sqlite_metrics import SqliteMetricBackend
from connectors.telemetry import MetricBatch, Series

START_MS = 1_750_032_000_000


def feed(
    backend: SqliteMetricBackend, thread: int, series_count: int, each: int, rounds: int
) -> None:
    store = backend.scoped("bench")
    series = [Series("m", {"i": str(i), "t": str(thread)}) for i in range(series_count)]
    index = np.repeat(np.arange(series_count, dtype=np.int32), each)
    rng = np.random.default_rng(thread)
    values = rng.normal(50, 5, len(index)).round(2)
    offsets = np.tile(np.arange(each) * 1_000, series_count)
    for step in range(rounds):
        stamps = START_MS + step * each * 1_000 + offsets
        store.append(MetricBatch(series, index, stamps, values))


def measure(threads: int, series_count: int, each: int, rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        backend = SqliteMetricBackend(Path(folder))
        for thread in range(threads):
            feed(backend, thread, series_count, each, 1)
        workers = [
            threading.Thread(target=feed, args=(backend, t, series_count, each, rounds))
            for t in range(threads)
        ]
        begun, begun_cpu = time.perf_counter(), time.process_time()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        wall, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
        commits = backend.health().stats["log_frames"] - threads
        begun_cpu = time.process_time()
        backend.compact()
        compact_cpu = time.process_time() - begun_cpu
        backend.close()
    samples = threads * series_count * each * rounds
    return {
        "samples_per_s": samples / wall,
        "cpu_us_per_sample": cpu / samples * 1e6,
        "compaction_cpu_us_per_sample": compact_cpu / samples * 1e6,
        "batches_per_commit": threads * rounds / commits,
    }


CASES = {
    "2,000 series x 1, one thread": (1, 2_000, 1, 300),
    "2,000 series x 1, eight threads": (8, 2_000, 1, 60),
    "1,000 series x 10, one thread": (1, 1_000, 10, 100),
    "1 series x 1, 32 threads": (32, 1, 1, 40),
}


def main() -> None:
    rows = {name: measure(*case) for name, case in CASES.items()}
    for name, row in rows.items():
        print(name, {k: round(v, 3) for k, v in row.items()})
    results = Path(__file__).parent / "results"
    text = json.dumps({"machine": facts(), "rows": rows}, indent=2) + "\n"
    (results / "metric_store_ingest.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
