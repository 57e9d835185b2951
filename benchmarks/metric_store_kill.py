"""Kills a process with SIGKILL while it ingests, 20 times, and looks for what it had acknowledged.

``python -m benchmarks.metric_store_kill`` prints a table and writes
``benchmarks/results/metric_store_kill.json``.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import facts
from connectors.selector import select
from connectors.sqlite_metrics import SqliteMetricBackend
from connectors.telemetry import MetricBatch, Series

ROUNDS = 20
SERIES = 500
START_MS = 1_750_032_000_000


def ingest(folder: Path, first: int) -> None:
    """Append one sample of every series per step for ever, printing each acknowledged step."""
    backend = SqliteMetricBackend(folder, compact_after_samples=20_000)
    store = backend.scoped("kill")
    series = [Series("m", {"i": str(i)}) for i in range(SERIES)]
    index = np.arange(SERIES, dtype=np.int32)
    step = first
    while True:
        stamps = np.full(SERIES, START_MS + step * 1_000)
        store.append(MetricBatch(series, index, stamps, np.full(SERIES, float(step))))
        sys.stdout.write(f"{step}\n")
        sys.stdout.flush()
        if step % 20 == 0:
            backend.maintain(0)
        step += 1


def kill_round(folder: Path, first: int, delay_s: float) -> dict[str, int]:
    command = [sys.executable, "-m", "benchmarks.metric_store_kill", "ingest", str(folder)]
    process = subprocess.Popen([*command, str(first)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    acknowledged = int(process.stdout.readline())
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    lines = process.stdout.read().split("\n")[:-1]  # the last line may be cut
    acknowledged = max([acknowledged, *map(int, lines)])
    process.stdout.close()
    process.wait()
    counts = count_steps(folder)
    lost = sum(SERIES - counts.get(step, 0) for step in range(acknowledged + 1))
    half = sum(count != SERIES for count in counts.values())
    return {"acknowledged": acknowledged + 1, "lost": lost, "half": half, "last": max(counts)}


def count_steps(folder: Path) -> dict[int, int]:
    backend = SqliteMetricBackend(folder)
    points = backend.scoped("kill").raw(select("m"), START_MS, 2**50, limit=10**8)
    steps, counts = np.unique(np.concatenate([p.values for p in points]), return_counts=True)
    backend.close()
    return dict(zip(steps.astype(int).tolist(), counts.tolist(), strict=True))


def main() -> None:
    if sys.argv[1:2] == ["ingest"]:
        ingest(Path(sys.argv[2]), int(sys.argv[3]))
    rng = np.random.default_rng(11)
    rounds = []
    first = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            rounds.append(kill_round(Path(folder), first, float(rng.uniform(0.0, 1.0))))
            first = rounds[-1]["last"] + 1
            print(number, rounds[-1], flush=True)
    report = {
        "machine": facts(),
        "rounds": ROUNDS,
        "samples_acknowledged": rounds[-1]["acknowledged"] * SERIES,
        "samples_lost": max(r["lost"] for r in rounds),
        "half_batches": max(r["half"] for r in rounds),
    }
    print(report)
    results = Path(__file__).parent / "results"
    text = json.dumps(report, indent=2) + "\n"
    (results / "metric_store_kill.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
