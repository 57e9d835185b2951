"""The backends that the settings choose."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app import factory
from app.settings import Settings
from connectors.selector import select
from tests.conftest import NOW_MS
from tests.pages.test_all_pages import fill
from tests.serving import free_port, redis_server


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


def test_a_hub_on_redis_shares_every_result_and_outlives_it(tmp_path: Path) -> None:
    with redis_server() as (url, process):
        settings = Settings(data_dir=tmp_path / "hub", demo="off", redis_url=url)
        backends = replace(factory.open_backends(settings), clock=lambda: NOW_MS)
        app = factory.create_app(settings, backends=backends, scheduler=False)
        try:
            client = app.test_client()
            fill(client, backends, NOW_MS)
            for path in READ:
                assert client.get(path).status_code == 200, path
            process.kill()
            process.wait(timeout=20)
            for path in READ:
                assert client.get(path).status_code == 200, f"{path} without Redis"
            states = client.get("/readyz").json
            assert states is not None
            assert [s["ok"] for s in states["dependencies"]] == [True, True, True, False, False]
        finally:
            factory.close(app)


READ = (
    "/api/dashboard/overview",
    "/api/metrics/cognitive/alpha",
    "/api/models/alpha/drift",
    "/api/models/assistant/hallucination",
    "/api/dashboard/compliance",
    "/api/dashboard/costs",
    "/api/dashboard/carbon",
    "/api/security/overview",
    "/api/causal/graph",
    "/metrics",
)
