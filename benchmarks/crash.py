"""kill -9 of the hub at random moments during ingest: what was acknowledged must be there after."""

from __future__ import annotations

import http.client
import random
import shutil
import tempfile
import threading
import time
from pathlib import Path

import orjson

from benchmarks import hub
from benchmarks.study import Row, run

ROUNDS = 20
BATCH = 50


def _send(server: hub.Hub, kind: str, number: int, acknowledged: list[int]) -> None:
    """Send numbered batches until the hub is gone; remember those it acknowledged."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    now = time.time() - 600
    while True:
        if kind == "inferences":
            rows = [
                {"inference_id": f"{number}-{i}", "model_id": "m", "timestamp": now + i / 1_000,
                 "model_version": str(number), "prediction": i}
                for i in range(BATCH)
            ]  # fmt: skip
        else:
            rows = [
                {"name": "crash_metric", "value": float(i), "timestamp": now,
                 "labels": {"batch": str(number), "i": str(i)}}
                for i in range(BATCH)
            ]  # fmt: skip
        try:
            connection.request(
                "POST", f"/api/ingest/{kind}", orjson.dumps({kind: rows}),
                {"Content-Type": "application/json"},
            )  # fmt: skip
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return
        if answer.status == 202:
            acknowledged.append(number)
        number += 2


def _stored(folder: Path) -> tuple[dict[int, int], dict[int, int]]:
    """Return how many rows of each batch are there: inferences, samples."""
    from app.factory import open_backends
    from app.settings import Settings
    from connectors.selector import select

    backends = open_backends(Settings(data_dir=folder, demo="off"))
    events, metrics = backends.events.scoped("default"), backends.metrics.scoped("default")
    inferences = {int(seen.version): seen.count for seen in events.models_seen()}
    samples: dict[int, int] = {}
    for series in metrics.series(select("crash_metric"), limit=10_000_000):
        batch = int(series.label("batch"))
        samples[batch] = samples.get(batch, 0) + 1
    backends.close()
    return inferences, samples


def measure() -> list[Row]:
    """Return lost and half-written batches over all rounds."""
    rng = random.Random(5)
    folder = Path(tempfile.mkdtemp(prefix="aiobs-crash-"))
    kept: dict[str, list[int]] = {"inferences": [], "metrics": []}
    try:
        for number in range(ROUNDS):
            server = hub.start(folder)
            server.wait()
            threads = [
                threading.Thread(
                    target=_send, args=(server, kind, number * 100_000 + offset, kept[kind])
                )
                for offset, kind in enumerate(kept)
            ]
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0.3, 1.5))
            server.kill()
            for thread in threads:
                thread.join()
        inferences, samples = _stored(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    stored = {"inferences": inferences, "metrics": samples}
    rows = []
    for kind, found in stored.items():
        lost = [b for b in kept[kind] if found.get(b, 0) != BATCH]
        half = [b for b, n in found.items() if n not in (0, BATCH)]
        n = len(kept[kind])
        rows += [
            Row(f"{kind}: acknowledged batches lost", len(lost), high=0, repetitions=n),
            Row(f"{kind}: half batches", len(half), high=0, repetitions=len(found)),
        ]
    return rows


if __name__ == "__main__":
    run("crash", f"kill -9 of the hub during ingest, {ROUNDS} times", measure)
