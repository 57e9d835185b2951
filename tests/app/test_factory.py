"""The backends that the settings choose."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import factory
from app.settings import Settings
from connectors.selector import select
from tests.serving import free_port


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[str]:
    program = shutil.which("victoria-metrics")
    if program is None:
        pytest.skip("victoria-metrics is not installed (Debian package victoria-metrics)")
    port = free_port()
    process = subprocess.Popen(
        [
            program,
            f"-storageDataPath={tmp_path / 'victoria'}",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-search.latencyOffset=0s",
            "-dedup.minScrapeInterval=1ms",
            "-retentionPeriod=90d",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 30
    try:
        while True:
            try:
                urllib.request.urlopen(f"{url}/health", timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "victoria-metrics did not start"
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_a_hub_on_victoriametrics_answers_what_was_sent(tmp_path: Path, victoria: str) -> None:
    app = factory.create_app(
        Settings(data_dir=tmp_path / "hub", demo="off", metrics_url=victoria), scheduler=False
    )
    try:
        client = app.test_client()
        body = {"metrics": [{"name": "depth", "value": 4.0}]}
        assert client.post("/api/ingest/metrics", json=body).status_code == 202
        backends = app.extensions["aiobs_backends"]
        backends.metrics.settle()
        found = backends.metrics.scoped("default").latest(select("depth"), since_ms=0)
        assert [points.values.tolist() for points in found] == [[4.0]]
    finally:
        factory.close(app)
