"""Inferences, logs and spans in the embedded event store: CPU cost of writing, reading, merging.

``python -m benchmarks.event_store`` prints a table and writes ``results/event_store.json``.
CPU time is measured, since the wall clock of a shared machine says more about its other users.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import facts
from connectors.protocols import EventQuery
from connectors.sqlite_events import SqliteEventBackend, SqliteEventStore
from connectors.telemetry import Inference, Label, Log, Span

DAY_MS = 86_400_000
T0 = 20_000 * DAY_MS
PER_DAY = 200_000
BATCH = 500
WORDS = (
    "connection refused timeout model loaded predict request failed retry upstream service"
    " latency budget exceeded cache miss user tenant scheduler"
).split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=600_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        backend = SqliteEventBackend(Path(folder), retention_days=30)
        measured = {"records": float(arguments.records)}
        measured |= write_inferences(backend, Path(folder) / "inferences.db", arguments.records)
        measured |= read_inferences(backend.scoped("t"), arguments.records)
        measured |= rows(backend)
        backend.close()
    measured["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for name, value in measured.items():
        print(f"{name:48} {value:12,.2f}")
    target = Path(__file__).parent / "results" / "event_store.json"
    target.parent.mkdir(exist_ok=True)
    rounded = {name: round(value, 2) for name, value in measured.items()}
    target.write_text(json.dumps({"machine": facts(), "measured": rounded}, indent=1) + "\n")


def write_inferences(backend: SqliteEventBackend, file: Path, records: int) -> dict[str, float]:
    """Batches of 500 with 10 features; every second batch is labelled late; maintenance beside."""
    store, rng = backend.scoped("t"), random.Random(1)
    spent = {"write": 0.0, "label": 0.0, "maintain": 0.0}
    last: list[float] = []
    for number in range(records // BATCH):
        batch = [_inference(rng, number * BATCH + i) for i in range(BATCH)]
        last.append(_timed(lambda batch=batch: store.add_inferences(batch)))  # type: ignore[misc]
        spent["write"] += last[-1]
        if number % 2 == 0:
            late = [Label(r.inference_id, i % 3 == 0, r.timestamp_ms) for i, r in enumerate(batch)]
            spent["label"] += _timed(lambda late=late: store.add_labels(late))  # type: ignore[misc]
        if number % 20 == 19:
            spent["maintain"] += _timed(lambda: backend.maintain(T0))
    for _ in range(5):
        backend.maintain(T0)
    tail = last[-(100_000 // BATCH) :]
    return {
        "inferences per CPU second, whole run": records / spent["write"],
        "inferences per CPU second, last 100,000": len(tail) * BATCH / sum(tail),
        "labels per CPU second": records / 2 / spent["label"],
        "maintenance, CPU microseconds per inference": spent["maintain"] / records * 1e6,
        "bytes per inference, keys and labels included": file.stat().st_size / records,
    }


def read_inferences(store: SqliteEventStore, records: int) -> dict[str, float]:
    """A day of 200,000 records of one model, and single records."""
    start = T0 + (records - PER_DAY) // PER_DAY * DAY_MS
    window = (start, start + DAY_MS)
    ids = store.inference_columns("m", *window, columns=[]).inference_ids
    chosen = iter(ids[:: len(ids) // 20].tolist())

    def columns(**arguments: Any) -> Callable[[], object]:
        return lambda: store.inference_columns("m", *window, **arguments)

    return {
        "24 h, 1 feature, CPU ms": _median_ms(columns(columns=["feature:f0"])),
        "24 h, score and late label, CPU ms": _median_ms(columns(columns=["score", "label"])),
        "24 h, all 15 numeric columns, CPU ms": _median_ms(columns()),
        "newest 1,000, all columns, CPU ms": _median_ms(columns(limit=1_000)),
        "one record by id, CPU ms": _median_ms(lambda: store.inference(next(chosen))),
        "newest 100 records, CPU ms": _median_ms(lambda: store.inferences(EventQuery(*window))),
    }


def rows(backend: SqliteEventBackend) -> dict[str, float]:
    """50,000 logs of 30 words and 50,000 spans in batches of 500."""
    store, rng = backend.scoped("t"), random.Random(2)
    logs = [[_log(rng, n * BATCH + i) for i in range(BATCH)] for n in range(100)]
    spans = [_spans(rng, n) for n in range(100)]
    add_logs = sum(_timed(lambda b=b: store.add_logs(b)) for b in logs)  # type: ignore[misc]
    add_spans = sum(_timed(lambda b=b: store.add_spans(b)) for b in spans)  # type: ignore[misc]
    indexing = 0.0
    while sum(v for k, v in backend.health().stats.items() if k.endswith("awaiting_index")):
        indexing += _timed(lambda: backend.maintain(T0))
    query = EventQuery(T0, T0 + DAY_MS)
    words = EventQuery(T0, T0 + DAY_MS, text="refused retry")
    level = EventQuery(T0, T0 + DAY_MS, kind="error")
    trace = spans[50][0].trace_id
    return {
        "logs per CPU second": 50_000 / add_logs,
        "spans per CPU second": 50_000 / add_spans,
        "text index, CPU microseconds per row": indexing / 100_000 * 1e6,
        "newest 100 logs, CPU ms": _median_ms(lambda: store.logs(query)),
        "newest 100 logs of a level, CPU ms": _median_ms(lambda: store.logs(level)),
        "newest 100 logs with two words, CPU ms": _median_ms(lambda: store.logs(words)),
        "log counts by minute, CPU ms": _median_ms(
            lambda: store.log_counts(T0, T0 + DAY_MS, 60_000)
        ),
        "one trace, CPU ms": _median_ms(lambda: store.trace(trace)),
        "service edges of 24 h, CPU ms": _median_ms(lambda: store.service_edges(T0, T0 + DAY_MS)),
    }


def _inference(rng: random.Random, number: int) -> Inference:
    return Inference(
        inference_id=str(uuid.UUID(int=rng.getrandbits(128))),
        model_id="m",
        model_version="1",
        timestamp_ms=T0 + number * DAY_MS // PER_DAY,
        features={f"f{k}": round(rng.gauss(0, 1), 3) for k in range(10)},
        prediction=rng.random() < 0.5,
        score=rng.random(),
        latency_ms=round(rng.random() * 100, 3),
    )


def _log(rng: random.Random, number: int) -> Log:
    return Log(
        log_id=str(uuid.UUID(int=rng.getrandbits(128))),
        timestamp_ms=T0 + number * 1_700,
        message=" ".join(rng.choices(WORDS, k=30)),
        level=rng.choice(("info", "warning", "error")),
        service=rng.choice("abcdef"),
        trace_id=f"{rng.getrandbits(128):032x}",
        attributes={"path": "/predict", "status": 500},
    )


def _spans(rng: random.Random, number: int) -> list[Span]:
    """100 traces through five services, children before or after their parents."""
    made = []
    for _ in range(BATCH // 5):
        trace = f"{rng.getrandbits(128):032x}"
        start = T0 + number * 850_000 + rng.random() * 850_000
        for depth, service in enumerate("abcde"):
            parent = str(depth - 1) if depth else ""
            attributes = {"http.route": "/predict"}
            made.append(
                Span(trace, str(depth), "GET", service, start, 5.0, parent, "server")
                if rng.random() < 0.5
                else Span(
                    trace, str(depth), "GET", service, start, 5.0, parent, attributes=attributes
                )
            )
    rng.shuffle(made)
    return made


def _timed(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def _median_ms(work: Callable[[], object]) -> float:
    return median(_timed(work) for _ in range(9)) * 1_000


if __name__ == "__main__":
    main()
