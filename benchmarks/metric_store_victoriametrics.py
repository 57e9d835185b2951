"""The questions of `benchmarks.metric_store` asked of VictoriaMetrics on the same data and machine.

``python -m benchmarks.metric_store_victoriametrics [samples in millions]`` starts the installed
``victoria-metrics`` on a private port with its data in a temporary folder, prints a table and
writes ``benchmarks/results/metric_store_victoriametrics.json``.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.machine import facts
from benchmarks.metric_store import DAY_MS, SERIES, questions
from benchmarks.metric_store_data import BATCH_STEPS, START_MS, STEP_MS, batches, fleet
from connectors.errors import Unavailable
from connectors.telemetry import Series
from connectors.victoriametrics import VictoriaMetricsBackend
from connectors.victoriametrics.client import Addresses, Client
from connectors.victoriametrics.spool import line_prefix
from connectors.victoriametrics.store import VictoriaMetricsStore

TENANT = "bench"


def start(binary: str, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        binary,
        f"-httpListenAddr={address}",
        f"-storageDataPath={folder}",
        "-retentionPeriod=36500d",
        "-dedup.minScrapeInterval=1ms",
        "-search.latencyOffset=0s",
    ]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet), f"http://{address}"


def load(client: Client, series: list[Series], steps: int) -> int:
    """Import the data set as JSON lines, an hour at a time."""
    prefixes = [line_prefix(TENANT, one) for one in series]
    numpy_too = orjson.OPT_SERIALIZE_NUMPY
    samples = 0
    for batch in batches(series, steps):
        values = batch.values.reshape(-1, BATCH_STEPS)
        stamps = batch.timestamps_ms.reshape(-1, BATCH_STEPS)
        for begin in range(0, len(series), 1_000):
            parts: list[bytes] = []
            for i in range(begin, min(begin + 1_000, len(series))):
                parts += (
                    prefixes[i],
                    orjson.dumps(values[i], option=numpy_too),
                    b',"timestamps":',
                    orjson.dumps(stamps[i], option=numpy_too),
                    b"}\n",
                )
            client.write(b"".join(parts))
        samples += len(batch)
    client.flush()
    return samples


def server_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def ask(store: VictoriaMetricsStore, series: list[Series], end_ms: int, pid: int) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for name, selector in questions(series).items():
        wall = []
        repeats = 5 if name.startswith("10,000") else 30
        begun_cpu = server_cpu_s(pid)
        for _ in range(repeats):
            chosen = selector()
            begun = time.perf_counter()
            across: Any = "avg" if name.endswith("averaged") else None
            store.window(chosen, end_ms - DAY_MS, end_ms, 60_000, across=across)
            wall.append((time.perf_counter() - begun) * 1e3)
        rows[name] = {
            "p50_ms": float(np.percentile(wall, 50)),
            "p95_ms": float(np.percentile(wall, 95)),
            "server_cpu_ms": (server_cpu_s(pid) - begun_cpu) / repeats * 1e3,
        }
    return rows


def main() -> None:
    binary = shutil.which("victoria-metrics")
    if binary is None:
        print("victoria-metrics is not installed: nothing measured")
        return
    millions = float(sys.argv[1]) if len(sys.argv) > 1 else 100.8
    steps = int(millions * 1e6 / SERIES)
    series = fleet(SERIES)
    with tempfile.TemporaryDirectory() as folder:
        server, url = start(binary, Path(folder) / "data")
        try:
            report = measure(Path(folder), server.pid, url, series, steps)
        finally:
            server.terminate()
            server.wait()
    for name, row in report["queries"].items():
        print(name, row)
    results = Path(__file__).parent / "results"
    text = json.dumps({"machine": facts(), **report}, indent=2) + "\n"
    (results / "metric_store_victoriametrics.json").write_text(text, encoding="utf-8")


def measure(folder: Path, pid: int, url: str, series: list[Series], steps: int) -> dict[str, Any]:
    client = Client(Addresses.single(url), timeout_s=60.0, token=None)
    for _ in range(100):
        try:
            client.started()
            break
        except Unavailable:
            time.sleep(0.1)
    samples = load(client, series, steps)
    client.close()
    used = sum(f.stat().st_size for f in (folder / "data").rglob("*") if f.is_file())
    backend = VictoriaMetricsBackend(folder / "spool", url)
    queries = ask(backend.scoped(TENANT), series, START_MS + steps * STEP_MS, pid)
    backend.close()
    return {"samples": samples, "bytes_per_sample": used / samples, "queries": queries}


if __name__ == "__main__":
    main()
