"""`kill -9` at random moments of writing: acknowledged changes lost, changes without their entry.

``python -m benchmarks.audit_kill`` kills 500 writers in turn on one store and counts.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.audit import TELLER, TENANT
from benchmarks.machine import facts
from connectors.records import SqlRecordBackend
from engines import audit as engine
from services.audited import AuditedStore

KILLS = 500
THREADS = 8
"""Of each writer: they share commits."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--quick", action="store_true", help="20 kills, nothing written")
    arguments = parser.parse_args()
    kills = 20 if arguments.quick else arguments.kills
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/records.sqlite"
        SqlRecordBackend(url).close()
        said = set[str]()
        for number in range(kills):
            said |= run_and_kill(url, number)
        measured = {"kills": kills} | count(url, said)
    for name, value in measured.items():
        print(f"{name:48} {value:10,}")
    if not arguments.quick:
        target = Path(__file__).parent / "results" / "audit_kill.json"
        target.write_text(json.dumps({"machine": facts(), "measured": measured}, indent=1) + "\n")


def run_and_kill(url: str, number: int) -> set[str]:
    """Return what a writer said was stored before it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        write(url, number, writing)
    os.close(writing)
    with os.fdopen(reading) as lines:
        first = lines.readline()
        time.sleep(random.Random(number).random() / 10)
        os.kill(child, signal.SIGKILL)
        said = [first, *lines]
    os.waitpid(child, 0)
    return {line.strip() for line in said if line.endswith("\n")}


def write(url: str, number: int, writing: int) -> None:
    """Change records for ever in several threads, saying each when it is durable."""
    store = AuditedStore(SqlRecordBackend(url).scoped(TENANT), TENANT, TELLER)

    def change(thread: int) -> None:
        for step in range(sys.maxsize):
            name = f"{number}-{thread}-{step}"
            store.put("slo", name, {"target": step})
            os.write(writing, f"{name}\n".encode())

    for thread in range(THREADS):
        threading.Thread(target=change, args=(thread,), daemon=True).start()
    signal.pause()


def count(url: str, said: set[str]) -> dict[str, int]:
    backend = SqlRecordBackend(url)
    store = backend.scoped(TENANT)
    stored, last = set[str](), ""
    while page := store.list("slo", limit=10_000, after_id=last):
        stored |= {record.id for record in page}
        last = page[-1].id
    with store.read_chain() as log:
        size, _ = log.tip()
        pages = (log.entries(first, 1_000) for first in range(0, size, 1_000))
        entries = [entry for page in pages for entry in page]
        root = engine.tree_root(size, log.node)
    verdict = engine.check_chain((e.body for e in entries), TENANT, {size: root})
    told = {entry.resource for entry in entries}
    backend.close()
    return {
        "changes acknowledged": len(said),
        "acknowledged changes lost": len(said - stored),
        "changes without an entry": len(stored - told),
        "entries without a change": len(told - stored),
        "faults of the chain": len(verdict.findings),
    }


if __name__ == "__main__":
    main()
