"""create_app(settings): chooses connectors, mounts API, pages and realtime behind the guard.

The only file that names concrete connectors.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from typing import Any

from flask import Flask

from app import ops, realtime, secret, ui
from app.api import ROUTERS, errors, openapi, routing
from app.auth import guard, headers, login
from app.compression import KeepingCompress
from app.scheduler import Scheduler
from app.settings import Settings
from connectors.memory import MemoryBus, MemoryCache
from connectors.protocols import Bus, Cache, EventBackend, MetricBackend, Witness
from connectors.records import SqlRecordBackend
from services.workspace import Backends, Judging

log = logging.getLogger("aiobs")


def open_backends(settings: Settings) -> Backends:
    """Return the connectors that the settings choose, opened."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = secret.load_secret(settings.secret, settings.data_dir)
    url = settings.database_url or f"sqlite:///{settings.data_dir / 'records.sqlite'}"
    cache, bus = _cache_and_bus(settings)
    return Backends(
        metrics=_metrics(settings),
        events=_events(settings),
        records=SqlRecordBackend(url),
        cache=cache,
        bus=bus,
        sign=secret.signer(key, "api-key"),
        checkpoints=secret.checkpoint_signers(key),
        auth=settings.auth,
        retention_days=settings.retention_days,
        judging=_judging(settings),
        witness=_witness(settings),
    )


def _witness(settings: Settings) -> Witness | None:
    if not settings.audit_witness_url:
        return None
    from connectors.witness import HttpWitness

    return HttpWitness(settings.audit_witness_url, settings.audit_witness_key)


def _judging(settings: Settings) -> Judging | None:
    if not settings.judge_url:
        return None
    from connectors.openai_judge import OpenAIJudge

    return Judging(
        OpenAIJudge(
            settings.judge_url,
            settings.judge_key,
            settings.judge_model,
            timeout_s=settings.judge_timeout_s,
        ),
        settings.judge_daily_calls,
        settings.judge_daily_characters,
    )


def _metrics(settings: Settings) -> MetricBackend:
    if settings.metrics_url:
        from connectors.victoriametrics import VictoriaMetricsBackend

        return VictoriaMetricsBackend(settings.data_dir / "metrics-log", settings.metrics_url)
    from connectors.sqlite_metrics import SqliteMetricBackend

    return SqliteMetricBackend(settings.data_dir, retention_days=settings.retention_days)


def _events(settings: Settings) -> EventBackend:
    from connectors.sqlite_events import SqliteEventBackend

    return SqliteEventBackend(settings.data_dir, retention_days=settings.retention_days)


def _cache_and_bus(settings: Settings) -> tuple[Cache, Bus]:
    if not settings.redis_url:
        return MemoryCache(), MemoryBus()
    from connectors.redis_bus import RedisBus
    from connectors.redis_cache import RedisCache

    return RedisCache(settings.redis_url), RedisBus(settings.redis_url)


def create_app(
    settings: Settings, *, backends: Backends | None = None, scheduler: bool | None = None
) -> Flask:
    """Return the hub as a Flask app; `backends` replaces the chosen connectors in tests."""
    backends = backends or open_backends(settings)
    app = Flask("aiobs", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    _configure_sessions(app, settings)
    app.extensions["aiobs_backends"] = backends
    app.extensions["aiobs_settings"] = settings
    guard.install(app, settings, backends)
    login.install(app, app.extensions["aiobs_key_checker"], app.extensions["aiobs_throttle"])
    errors.register(app)
    app.extensions["aiobs_realtime"] = realtime.install(app, settings.websocket_clients)
    routing.mount(app, ROUTERS)
    openapi.install(app, ROUTERS)
    ops.install(app, backends)
    dash_app = ui.install(app, settings)
    headers.install(app, list(dash_app.csp_hashes()))
    _compress(app)
    if settings.scheduler if scheduler is None else scheduler:
        _start_scheduler(app, backends)
    return app


def _configure_sessions(app: Flask, settings: Settings) -> None:
    key = secret.load_secret(settings.secret, settings.data_dir)
    secure = settings.public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=secret.signer(key, "session")(b""),
        SESSION_COOKIE_NAME="__Host-aiobs" if secure else "aiobs_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        MAX_CONTENT_LENGTH=settings.max_body_mb * 1_000_000,
    )


def _compress(app: Flask) -> None:
    app.config["COMPRESS_ALGORITHM"] = ["br", "gzip"]
    app.config["COMPRESS_BR_LEVEL"] = 4
    app.config["COMPRESS_MIMETYPES"] = [
        "application/json", "application/javascript", "text/javascript", "text/css", "text/html",
        "image/svg+xml", "text/csv", "text/plain",
    ]  # fmt: skip
    KeepingCompress(app)


def _start_scheduler(app: Flask, backends: Backends) -> None:
    scheduler = Scheduler(backends)
    scheduler.start()
    app.extensions["aiobs_scheduler"] = scheduler


def close(app: Any) -> None:  # a Flask app with our extensions
    """Stop the scheduler and close the stores: what a clean shutdown does."""
    scheduler = app.extensions.get("aiobs_scheduler")
    if scheduler is not None:
        scheduler.stop()
    app.extensions["aiobs_access"].close()
    app.extensions["aiobs_backends"].close()
    log.info("closed, process %d", os.getpid())
