"""Durable ingest over HTTP into one hub process: remote write and inferences."""

from __future__ import annotations

import http.client
import multiprocessing
import statistics
import struct
import time
from collections.abc import Callable

import cramjam
import numpy as np
import orjson

from benchmarks import hub
from benchmarks.study import Row, run

CLIENTS = 4
SECONDS = 8.0


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def write_request(n_series: int, n_samples: int, start_ms: int, client: int) -> bytes:
    """Return a snappy-compressed prometheus.WriteRequest."""
    rng = np.random.default_rng(client)
    parts = []
    for i in range(n_series):
        labels = {
            "__name__": "bench_metric",
            "client": str(client),
            "instance": f"host-{i % 50}",
            "series": str(i),
        }
        block = b"".join(
            _field(1, _field(1, k.encode()) + _field(2, v.encode())) for k, v in labels.items()
        )
        for k in range(n_samples):
            value = struct.pack("<d", float(rng.normal(50, 5)))
            block += _field(2, b"\x09" + value + b"\x10" + _varint(start_ms + k * 15_000))
        parts.append(_field(1, block))
    return bytes(cramjam.snappy.compress_raw(b"".join(parts)))


def inference_body(n: int, start_ms: int, client: int, number: int) -> bytes:
    """Return a JSON body of inferences with ten features each."""
    rng = np.random.default_rng([client, number])
    values = rng.normal(size=(n, 10)).round(4).tolist()
    rows = [
        {
            "inference_id": f"{client}-{number}-{i}",
            "model_id": "bench-model",
            "model_version": "1",
            "timestamp": (start_ms + i) / 1_000,
            "features": {f"f{k}": v for k, v in enumerate(values[i])},
            "prediction": 1,
            "score": 0.7,
            "latency_ms": 12.5,
        }
        for i in range(n)
    ]
    return orjson.dumps({"inferences": rows})


def _client(
    port: int, path: str, headers: dict[str, str], bodies: list[bytes], seconds: float, out: object
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    taken = []
    deadline = time.perf_counter() + seconds
    for number in range(10**9):
        if time.perf_counter() >= deadline or number >= len(bodies):
            break
        started = time.perf_counter()
        connection.request("POST", path, bodies[number], headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (202, 204), answer.status
        taken.append(time.perf_counter() - started)
    out.put(taken)  # type: ignore[attr-defined]


def drive(
    server: hub.Hub, path: str, headers: dict[str, str], make: Callable[[int], list[bytes]]
) -> tuple[int, float, float, float]:
    """Return requests answered, seconds, the hub's CPU seconds and the p95 of a request in ms."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    arguments = [(server.port, path, headers, make(c), SECONDS, queue) for c in range(CLIENTS)]
    processes = [context.Process(target=_client, args=given) for given in arguments]
    cpu, started = server.cpu_s(), time.perf_counter()
    for process in processes:
        process.start()
    taken = [t for _ in processes for t in queue.get()]
    elapsed = time.perf_counter() - started
    for process in processes:
        process.join()
    p95 = statistics.quantiles(taken, n=20)[-1] * 1_000
    return len(taken), elapsed, server.cpu_s() - cpu, p95


def measure() -> list[Row]:
    """Return samples and records a second, and per CPU second of the hub."""
    now = int(time.time() * 1_000) - 3_600_000
    write = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
    rows: list[Row] = []
    for n_series, n_samples, target in ((2_000, 1, 300_000), (1_000, 10, 1_000_000)):

        def bodies(client: int, s: int = n_series, k: int = n_samples) -> list[bytes]:
            # The same series at new times: ten bodies, then again (a retry costs the same).
            made = [write_request(s, k, now + i * k * 15_000, client) for i in range(10)]
            return made * 400

        with hub.running(scheduler="off") as server:
            server.wait()
            count, elapsed, cpu, p95 = drive(server, "/api/v1/write", write, bodies)
        samples = count * n_series * n_samples
        name = f"remote write {n_series} x {n_samples}"
        rows += [
            Row(f"{name}: samples/s", samples / elapsed, low=target, repetitions=count),
            Row(f"{name}: samples per hub CPU second", samples / cpu, repetitions=count),
            Row(f"{name}: request p95 ms", p95, repetitions=count),
        ]
    with hub.running(scheduler="off") as server:
        server.wait()
        headers = {"Content-Type": "application/json"}

        def records(client: int) -> list[bytes]:
            return [inference_body(500, now + i * 1_000, client, i) for i in range(120)]

        count, elapsed, cpu, p95 = drive(server, "/api/ingest/inferences", headers, records)
    rows += [
        Row("inferences: records/s", count * 500 / elapsed, low=10_000, repetitions=count),
        Row("inferences: records per hub CPU second", count * 500 / cpu, repetitions=count),
        Row("inferences: request p95 ms", p95, repetitions=count),
    ]
    return rows


if __name__ == "__main__":
    run("http_ingest", "Durable ingest over HTTP, one hub process, four clients", measure)
