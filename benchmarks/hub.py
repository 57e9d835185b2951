"""A hub in processes of its own for benchmarks: started, measured, killed."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(slots=True)
class Hub:
    """A running hub: `python -m app serve` on a port of its own."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Return status and body of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def wait(self, limit_s: float = 60.0) -> float:
        """Return how many seconds passed until the first answered request."""
        started = time.perf_counter()
        while time.perf_counter() - started < limit_s:
            try:
                if self.request("GET", "/healthz")[0] == 200:
                    return time.perf_counter() - started
            except (ConnectionError, http.client.HTTPException, TimeoutError):
                time.sleep(0.02)
        raise TimeoutError(f"the hub did not answer within {limit_s} s")

    def _tree(self) -> list[psutil.Process]:
        parent = psutil.Process(self.process.pid)
        tree = [parent, *parent.children(recursive=True)]
        return [p for p in tree if "demo" not in p.cmdline()]

    def cpu_s(self) -> float:
        """Return the CPU seconds that the hub has used, without the sample fleet."""
        return float(sum(sum(p.cpu_times()[:2]) for p in self._tree()))

    def memory_mb(self) -> float:
        """Return the resident memory of the serving process in MB, the largest of the tree."""
        return float(max(p.memory_info().rss for p in self._tree())) / 1e6

    def kill(self) -> None:
        """End every process at once, as a power cut of the process would."""
        for process in reversed(self._tree()):
            process.send_signal(signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, *, demo: str = "off", **settings: str) -> Hub:
    """Start a hub on a folder; `settings` are `AIOBS_*` names without the prefix."""
    port = free_port()
    given = {f"AIOBS_{name.upper()}": value for name, value in settings.items()}
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("AIOBS_")},
        "AIOBS_DATA_DIR": str(folder),
        "AIOBS_PORT": str(port),
        "AIOBS_DEMO": demo,
        "AIOBS_LOG_LEVEL": "error",
        **given,
    }
    command = [sys.executable, "-m", "app", "serve"]
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=Path(__file__).parents[1],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return Hub(process, port, folder)


@contextmanager
def running(demo: str = "off", **settings: str) -> Iterator[Hub]:
    """Run a hub on an empty folder while the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="aiobs-bench-"))
    hub = start(folder, demo=demo, **settings)
    try:
        yield hub
    finally:
        hub.process.terminate()
        try:
            hub.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            hub.kill()
        shutil.rmtree(folder, ignore_errors=True)
