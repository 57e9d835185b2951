"""The sample fleet's own requests, sent into a hub inside this process under a clock that moves.

Support for `benchmarks.incidents` and for the tests of incident detection: nothing is made up
here, every row comes from `app.demo`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask
from flask.testing import FlaskClient
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from app import factory
from app.demo.history import RATE_S, arrivals, log_of
from app.demo.hub import Hub
from app.demo.incidents import Incident, weather
from app.demo.labels import LABEL_DELAY_S, label_of
from app.demo.pathway import Tracers
from app.demo.predictors import Predictor
from app.demo.run import REGISTRATIONS
from app.demo.serving import TEXT_MODELS, Desk, Served
from app.settings import Settings
from connectors.memory import MemoryCache
from services.identity import Principal
from services.workspace import Workspace

LOOK_S = 15


class InProcessHub(Hub):
    """The fleet's client of the public routes, without a network between."""

    def __init__(self, client: FlaskClient) -> None:
        super().__init__("http://127.0.0.1")
        self._client = client

    def get(self, path: str) -> Any:  # JSON
        """Return the data of a successful answer."""
        return self._checked(self._client.get(path))

    def put(self, path: str, body: dict[str, Any]) -> None:  # JSON
        """Put a document."""
        self._checked(self._client.put(path, json=body))

    def _post(self, path: str, body: bytes) -> Any:  # JSON
        answer = self._client.post(path, data=body, content_type="application/json")
        self._checked(answer)
        return answer.json

    @staticmethod
    def _checked(answer: Any) -> Any:  # werkzeug's test response; JSON
        if answer.status_code >= 400:
            raise RuntimeError(f"{answer.status_code} {answer.text[:300]}")
        return answer.json["data"]


class InProcessExporter(SpanExporter):
    """Posts spans to the public trace route of a hub inside this process."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans as protobuf."""
        answer = self._client.post(
            "/v1/traces",
            data=encode_spans(spans).SerializeToString(),
            content_type="application/x-protobuf",
        )
        return SpanExportResult.SUCCESS if answer.status_code < 400 else SpanExportResult.FAILURE


@contextmanager
def moved_hub(folder: Path, clock: list[int]) -> Iterator[Flask]:
    """A hub whose clock, that of its cache included, is element 0 of `clock` (milliseconds)."""
    settings = Settings(data_dir=folder, demo="off")
    backends = replace(
        factory.open_backends(settings),
        clock=lambda: clock[0],
        cache=MemoryCache(clock=lambda: clock[0] / 1_000),
    )
    app = factory.create_app(settings, backends=backends, scheduler=False)
    try:
        yield app
    finally:
        factory.close(app)


def scheduler_workspace(app: Flask) -> Workspace:
    """Return the workspace that jobs run in."""
    principal = Principal("scheduler", "default", ("scheduler",), "scheduler", "scheduler")
    workspace: Workspace = app.extensions["aiobs_backends"].workspace(principal)
    return workspace


def keep_house(app: Flask, now_ms: int) -> None:
    """Let the stores tidy up, as the scheduler does every two seconds."""
    backends = app.extensions["aiobs_backends"]
    for store in (backends.metrics, backends.events):
        store.maintain(now_ms)


@dataclass(slots=True)
class Replay:
    """Requests of some models over a span, and what of them the hub has by now."""

    hub: Hub
    served: list[Served]
    happened: list[Incident]
    sent: int = 0
    held: list[Served] = field(default_factory=list)
    tracers: Tracers | None = None  # None: no request is traced

    def send_until(self, now_s: float) -> None:
        """Send what the fleet would have sent by a moment; a stopped label queue sends nothing."""
        first = self.sent
        while self.sent < len(self.served) and _time(self.served[self.sent]) <= now_s:
            self.sent += 1
        new = self.served[first : self.sent]
        if self.tracers is not None:
            for one in new:
                one.row["trace_id"] = self.tracers.record(one.hop, _time(one))
            self.tracers.flush()
        for start in range(0, len(new), 1_000):
            part = new[start : start + 1_000]
            self.hub.send("inferences", [one.row for one in part])
            self.hub.send("logs", [log_of(one) for one in part if "error" in one.row])
        self.held += [one for one in new if one.label is not None]
        is_held = weather(self.happened, now_s).labels_held
        ready = [
            _is_labelled_by(now_s, one, [] if not is_held else self.happened) for one in self.held
        ]
        due = [one for one, is_ready in zip(self.held, ready, strict=True) if is_ready]
        self.held = [one for one, is_ready in zip(self.held, ready, strict=True) if not is_ready]
        for start in range(0, len(due), 5_000):
            self.hub.send("labels", [label_of(one) for one in due[start : start + 5_000]])


def _is_labelled_by(now_s: float, one: Served, happened: list[Incident]) -> bool:
    at_s = _time(one) + LABEL_DELAY_S
    return at_s <= now_s and not weather(happened, at_s).labels_held


def _time(one: Served) -> float:
    return float(one.row["timestamp"])


def make_replay(
    hub: Hub,
    predictors: Sequence[Predictor],
    models: Sequence[str],
    span_s: tuple[float, float],
    happened: list[Incident],
    seed: int,
) -> Replay:
    """Serve every request of `models` in a span under the incidents, in order of time."""
    desk = Desk(list(predictors), np.random.default_rng(seed))
    served: list[Served] = []
    for model_id in models:
        chosen = next((p for p in predictors if p.model_id == model_id), None)
        rate = RATE_S / 3 if model_id in TEXT_MODELS else RATE_S
        times = arrivals(desk.rng, *span_s, rate)
        wrong = [weather(happened, float(at)) for at in times]
        if chosen is not None:
            served += desk.predict(chosen, times, wrong)
        else:
            served += [
                desk.write(model_id, float(at), now) for at, now in zip(times, wrong, strict=True)
            ]
    for model_id in set(models) & set(REGISTRATIONS):
        hub.put(f"/api/models/{model_id}", REGISTRATIONS[model_id])
    return Replay(hub, sorted(served, key=_time), happened)
