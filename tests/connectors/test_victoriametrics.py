"""What the VictoriaMetrics backend adds to the contract: no acknowledged sample is lost to it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import numpy as np
import pytest
import requests

from connectors.errors import Refused, Unavailable
from connectors.selector import Matcher, Selector, parse_selector, select
from connectors.telemetry import MetricBatch, Series
from connectors.victoriametrics import VictoriaMetricsBackend
from connectors.victoriametrics.client import Client
from connectors.victoriametrics.metricsql import match_of

T0 = 1_750_032_000_000


class Server(Protocol):
    url: str

    def start(self) -> None: ...

    def kill(self) -> None: ...


def numbered(first: int, n: int) -> MetricBatch:
    stamps = T0 + np.arange(first, first + n) * 1_000
    values = np.arange(first, first + n, dtype=np.float64)
    return MetricBatch([Series("m", {"i": "1"})], np.zeros(n, np.int32), stamps, values)


def stored(backend: VictoriaMetricsBackend, tenant: str) -> list[float]:
    points = backend.scoped(tenant).raw(select("m"), T0, T0 + 10**7)
    return points[0].values.tolist() if points else []


def test_samples_that_the_server_lost_in_a_kill_are_sent_again(
    victoriametrics: Server, tmp_path: Path
) -> None:
    tenant = uuid4().hex
    backend = VictoriaMetricsBackend(tmp_path, victoriametrics.url)
    for part in range(5):
        backend.scoped(tenant).append(numbered(part * 100, 100))
    backend.settle()
    time.sleep(1.1)  # the server tells its start in whole seconds
    victoriametrics.kill()
    victoriametrics.start()
    backend.settle()
    assert stored(backend, tenant) == [float(i) for i in range(500)]
    backend.close()


def test_samples_are_accepted_while_the_server_is_away_and_delivered_after(
    victoriametrics: Server, tmp_path: Path
) -> None:
    tenant = uuid4().hex
    victoriametrics.kill()
    backend = VictoriaMetricsBackend(tmp_path, victoriametrics.url)
    backend.scoped(tenant).append(numbered(0, 50))
    health = backend.health()
    assert (health.ok, health.stats["log_samples"]) == (False, 50.0)
    with pytest.raises(Unavailable):
        backend.scoped(tenant).names()
    backend.maintain(T0)
    backend.close()
    victoriametrics.start()
    backend = VictoriaMetricsBackend(tmp_path, victoriametrics.url)
    backend.settle()
    assert stored(backend, tenant) == [float(i) for i in range(50)]
    assert backend.health().ok
    backend.close()


def test_the_log_is_emptied_once_the_server_has_held_the_samples_long_enough(
    victoriametrics: Server, tmp_path: Path
) -> None:
    backend = VictoriaMetricsBackend(tmp_path, victoriametrics.url, hold_s=0.0)
    backend.scoped(uuid4().hex).append(numbered(0, 50))
    backend.settle()
    for _ in range(100):
        backend.maintain(T0)
        if backend.health().stats["log_samples"] == 0:
            break
        time.sleep(0.02)
    assert backend.health().stats["log_samples"] == 0
    backend.close()


def test_a_full_log_refuses_more(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    backend = VictoriaMetricsBackend(tmp_path, nowhere, max_waiting_samples=99)
    backend.scoped("t").append(numbered(0, 100))
    backend._room_checked = 0.0
    with pytest.raises(Unavailable):
        backend.scoped("t").append(numbered(100, 1))
    backend.close()


def test_samples_that_the_server_refuses_are_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise Refused("line too long")

    monkeypatch.setattr(Client, "started", lambda _: "1")
    monkeypatch.setattr(Client, "write", refuse)
    backend = VictoriaMetricsBackend(tmp_path, "http://127.0.0.1:9")
    backend.scoped("a").append(numbered(0, 7))
    backend._spool.forward()
    backend.close()
    assert "refused 7 samples, which are lost: line too long" in caplog.text


def test_a_sample_without_a_value_leaves_the_others_at_their_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = b'{"metric":{"__name__":"m"},"values":[1,null,3],"timestamps":[10,20,30]}'
    monkeypatch.setattr(Client, "export", lambda *_: iter([line]))
    backend = VictoriaMetricsBackend(tmp_path, "http://127.0.0.1:9")
    (points,) = backend.scoped("a").raw(select("m"), 0, 100)
    backend.close()
    assert (points.timestamps_ms.tolist(), points.values.tolist()) == ([10, 30], [1.0, 3.0])


def test_an_answer_that_is_no_json_is_a_server_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = requests.Response()
    page._content = b"<html>Sign in</html>"
    monkeypatch.setattr(Client, "_send", lambda *_, **__: page)
    backend = VictoriaMetricsBackend(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="no JSON"):
        backend.scoped("a").names()
    backend.close()


def test_a_label_value_cannot_leave_its_tenant() -> None:
    escape = '"} or {aiobs_tenant="other'
    sent = match_of(select("m", {"a": escape}), "mine")
    assert sent == ('{aiobs_tenant="mine",__name__="m",a="\\"} or {aiobs_tenant=\\"other"}')
    chosen = Selector("m", (Matcher("aiobs_tenant", "=", "other"),))
    assert match_of(chosen, "mine") == '{aiobs_tenant="mine",__name__="m"}'


def test_names_with_dots_and_quotes_are_found(victoriametrics: Server, tmp_path: Path) -> None:
    series = Series("http.server/duration", {"k8s.pod-name": 'a"b\\c', "zone": "eu"})
    backend = VictoriaMetricsBackend(tmp_path, victoriametrics.url)
    store = backend.scoped(uuid4().hex)
    store.append(MetricBatch([series], np.zeros(1, np.int32), np.array([T0]), np.ones(1)))
    backend.settle()
    assert store.series(parse_selector('http.server/duration{zone=~"e.*"}')) == [series]
    assert store.series(select(series.name, dict(series.labels))) == [series]
    backend.close()
