"""The audit chain: what a change costs with and without it, appends, proofs, and its check.

``python -m benchmarks.audit`` prints a table and writes ``results/audit.json``. The store is the
embedded one with every commit synced. Costs of a change are medians of alternated runs.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from benchmarks.machine import facts
from connectors.protocols import AuditLog
from connectors.records import SqlRecordBackend, SqlRecordStore
from engines import audit as engine
from services.audited import AuditedStore, Teller
from services.identity import Principal

TENANT = "acme"
BATCH = 1_000
CALLERS = 64
TELLER = Teller(
    Principal("k1", TENANT, ("sre",), "api_key"), lambda: time.time_ns() // 1_000_000, lambda _: ""
)
DETAILS = {"revision": 7, "digest": "0" * 64, "changed": ["target"], "now": {"target": "0.99"}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="20,000 entries, nothing written")
    arguments = parser.parse_args()
    size = 20_000 if arguments.quick else arguments.entries
    measured = changes() | callers() | chain(size)
    for name, value in measured.items():
        print(f"{name:48} {value:14,.3f}")
    if not arguments.quick:
        target = Path(__file__).parent / "results" / "audit.json"
        rounded = {name: round(value, 3) for name, value in measured.items()}
        target.write_text(json.dumps({"machine": facts(), "measured": rounded}, indent=1) + "\n")


@contextmanager
def opened() -> Iterator[tuple[SqlRecordBackend, SqlRecordStore]]:
    with tempfile.TemporaryDirectory() as folder:
        backend = SqlRecordBackend(f"sqlite:///{folder}/records.sqlite")
        yield backend, backend.scoped(TENANT)
        backend.close()


def tell(log: AuditLog, number: int) -> None:
    TELLER.append(log, TENANT, "slo.updated", "slo", f"objective-{number % 97}", DETAILS)


def changes() -> dict[str, float]:
    """One record changed per transaction: on the bare store, and on the one that tells."""
    bare, told = list[tuple[float, float]](), list[tuple[float, float]]()
    with opened() as (_, store):
        audited = AuditedStore(store, TENANT, TELLER)
        for number in range(500):
            body = {"target": number / 1_000, "name": "Checkout", "days": 30}
            bare.append(spent(partial(store.put, "slo", "bare", body)))
            told.append(spent(partial(audited.put, "slo", "told", body)))
    return {
        "change without entry, wall ms": 1e3 * median(wall for wall, _ in bare),
        "change with entry, wall ms": 1e3 * median(wall for wall, _ in told),
        "change without entry, CPU ms": 1e3 * median(cpu for _, cpu in bare),
        "change with entry, CPU ms": 1e3 * median(cpu for _, cpu in told),
    }


def callers() -> dict[str, float]:
    """64 threads, each appending one entry a transaction and waiting until it is durable."""
    waits: list[float] = []
    each = 60
    with opened() as (_, store):

        def append() -> None:
            for number in range(each):
                started = time.perf_counter()
                with store.transaction() as transaction:
                    tell(transaction.chain(TENANT), number)
                waits.append(time.perf_counter() - started)

        threads = [threading.Thread(target=append) for _ in range(CALLERS)]
        wall, cpu = spent(lambda: run(threads))
    cuts = quantiles(waits, n=100)
    return {
        f"appended by {CALLERS} callers, per second": len(waits) / wall,
        f"appended by {CALLERS} callers, per CPU second": len(waits) / cpu,
        f"wait of {CALLERS} callers, p50 ms": 1e3 * cuts[49],
        f"wait of {CALLERS} callers, p99 ms": 1e3 * cuts[98],
    }


def chain(size: int) -> dict[str, float]:
    """A long chain: appended in batches, proven, checked."""
    with opened() as (_, store):
        batches = [spent(lambda: batch(store)) for _ in range(size // BATCH)]
        with store.read_chain() as log:
            root = engine.tree_root(size, log.node)
            proofs = [spent(partial(prove, log, at, size, root)) for at in places(size)]
            longest = max(len(engine.inclusion_path(at, size, log.node)) for at in places(size))
            bodies = (
                row.body for first in range(0, size, BATCH) for row in log.entries(first, BATCH)
            )
            verdict: list[engine.Verdict] = []
            wall, cpu = spent(
                lambda: verdict.append(engine.check_chain(bodies, TENANT, {size: root}))
            )
        assert verdict[0].is_whole and verdict[0].checked == size
    return {
        "entries": size,
        f"appended in batches of {BATCH:,}, per second": BATCH / median(w for w, _ in batches),
        f"appended in batches of {BATCH:,}, per CPU second": BATCH / median(c for _, c in batches),
        "proof made and verified, ms": 1e3 * median(w for w, _ in proofs),
        "proof, bytes at most": 32 * longest,
        "chain read and checked, wall s": wall,
        "chain read and checked, CPU s": cpu,
    }


def batch(store: SqlRecordStore) -> None:
    with store.transaction() as transaction:
        log = transaction.chain(TENANT)
        for number in range(BATCH):
            tell(log, number)


def places(size: int) -> list[int]:
    return [size * part // 200 for part in range(200)]


def prove(log: AuditLog, at: int, size: int, root: bytes) -> None:
    row = log.get(at)
    assert row is not None
    path = engine.inclusion_path(at, size, log.node)
    assert engine.verify_inclusion(engine.leaf_hash(row.body), at, size, path, root)


def run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
