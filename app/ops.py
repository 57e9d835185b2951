"""Liveness, readiness and the hub's own exposition."""

from __future__ import annotations

from flask import Flask, Response, g

from app.api.encoding import encode_json
from services import exposition
from services.workspace import Backends

CRITICAL = ("metrics", "events", "records")


def install(app: Flask, backends: Backends) -> None:
    """Add ``/healthz``, ``/readyz`` and ``/metrics``."""

    @app.get("/healthz")
    def healthz() -> Response:
        return Response(b'{"status":"ok"}', mimetype="application/json")

    @app.get("/readyz")
    def readyz() -> Response:
        states = backends.health()
        critical = [state.ok for state in states[: len(CRITICAL)]]
        ready = all(critical)
        body = {"status": "ready" if ready else "not_ready", "dependencies": states}
        return Response(encode_json(body), 200 if ready else 503, mimetype="application/json")

    @app.get("/metrics")
    def metrics() -> Response:
        text = exposition.expose(g.workspace)
        return Response(text, mimetype="text/plain; version=0.0.4; charset=utf-8")
