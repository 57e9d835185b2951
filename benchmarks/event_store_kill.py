"""`kill -9` at random moments of writing and merging: acknowledged records lost, half batches.

``python -m benchmarks.event_store_kill`` kills 20 writers in turn on one store and counts.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.machine import facts
from connectors.protocols import EventQuery
from connectors.sqlite_events import SqliteEventBackend
from connectors.telemetry import Inference, Log

KILLS = 20
BATCH = 100
T0 = 20_000 * 86_400_000
ALWAYS = (T0, T0 + 86_400_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writer", nargs=2, metavar=("FOLDER", "FIRST"))
    arguments = parser.parse_args()
    if arguments.writer:
        write(Path(arguments.writer[0]), int(arguments.writer[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        acknowledged = set[int]()
        for number in range(KILLS):
            acknowledged |= run_and_kill(Path(folder), number * 1_000_000, random.Random(number))
        measured = count(Path(folder), acknowledged)
    for name, value in measured.items():
        print(f"{name:32} {value:10,}")
    target = Path(__file__).parent / "results" / "event_store_kill.json"
    target.write_text(json.dumps({"machine": facts(), "measured": measured}, indent=1) + "\n")


def write(folder: Path, first: int) -> None:
    """Add batches for ever, saying which are acknowledged; merge now and then."""
    backend = SqliteEventBackend(folder, retention_days=30)
    store = backend.scoped("t")
    number = first
    while True:
        ids = [f"{number}-{i}" for i in range(BATCH)]
        store.add_inferences(
            [Inference(i, "m", T0 + n, features={"x": n / 3}) for n, i in enumerate(ids)]
        )
        store.add_logs([Log(i, T0 + n, "line") for n, i in enumerate(ids)])
        print(number, flush=True)
        number += 1
        if number % 10 == 0:
            backend.maintain(T0)


def run_and_kill(folder: Path, first: int, rng: random.Random) -> set[int]:
    writer = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.event_store_kill", "--writer", str(folder), str(first)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    said = [writer.stdout.readline()]
    time.sleep(rng.random())
    writer.send_signal(signal.SIGKILL)
    said += writer.stdout.read().splitlines(keepends=True)
    writer.wait()
    return {int(line) for line in said if line.endswith("\n")}


def count(folder: Path, acknowledged: set[int]) -> dict[str, int]:
    backend = SqliteEventBackend(folder, retention_days=30)
    store = backend.scoped("t")
    inferences = store.inference_columns("m", *ALWAYS, columns=[]).inference_ids.tolist()
    logs = [row.log_id for row in store.logs(EventQuery(*ALWAYS, limit=10_000_000)).rows]
    backend.close()
    measured = {"kills": KILLS, "batches acknowledged": len(acknowledged)}
    for name, ids in (("inference", inferences), ("log", logs)):
        stored = Counter(int(key.split("-")[0]) for key in ids)
        measured[f"acknowledged {name} batches lost"] = len(acknowledged - set(stored))
        measured[f"half {name} batches"] = sum(rows != BATCH for rows in stored.values())
    return measured


if __name__ == "__main__":
    main()
