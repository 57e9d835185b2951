"""Starts the server processes: gunicorn for the hub, a bare scheduler for a worker."""

from __future__ import annotations

import importlib
import logging
import signal
import subprocess
import sys
import threading
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from app.factory import close, create_app, open_backends
from app.memory import limit_heaps
from app.scheduler import Scheduler
from app.settings import Settings

log = logging.getLogger("aiobs")


class Hub(BaseApplication):  # type: ignore[misc]
    """Gunicorn with threads: one process, because the embedded cache and bus live in it."""

    def __init__(self, settings: Settings) -> None:
        self.hub_settings = settings
        self.fleet: subprocess.Popen[bytes] | None = None
        super().__init__()

    def load_config(self) -> None:
        """Set what the settings say."""
        settings = self.hub_settings
        chosen: dict[str, Any] = {
            "bind": f"{settings.host}:{settings.port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": settings.threads + settings.websocket_clients,
            "timeout": 120,
            "graceful_timeout": 15,
            "keepalive": 30,
            "loglevel": "warning" if settings.log_level == "info" else settings.log_level,
            "control_socket_disable": True,  # it would be written into the user's home
            "post_worker_init": _leave_interrupts_to_the_master,
            "worker_exit": _close_worker,
            "when_ready": self._ready,
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def _ready(self, _server: object) -> None:
        log.info("AIOBS on http://%s:%d", self.hub_settings.host, self.hub_settings.port)
        self.fleet = _start_fleet(self.hub_settings)

    def run(self) -> None:
        """Serve until told to stop."""
        _Arbiter(self).run()

    def load(self) -> Any:  # a WSGI application
        """Return the app, made in the worker process: SQLite handles do not survive a fork."""
        _prepare()
        return create_app(self.hub_settings)


class _Arbiter(Arbiter):  # type: ignore[misc]
    """Stops the sample fleet before the workers that it talks to, so that it leaves at once."""

    def stop(self, graceful: bool = True) -> None:
        """Stop everything that was started."""
        _stop_fleet(self.app.fleet)
        super().stop(graceful)


def serve(settings: Settings) -> int:
    """Run the hub until it is told to stop."""
    Hub(settings).run()
    return 0


def work(settings: Settings) -> int:
    """Run the jobs alone until told to stop."""
    _prepare()
    backends = open_backends(settings)
    scheduler = Scheduler(backends)
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    scheduler.start()
    log.info("worker %s runs %d jobs", scheduler.owner, len(scheduler.jobs))
    stopped.wait()
    scheduler.stop()
    backends.close()
    return 0


def _prepare() -> None:
    """Do what must happen before the first thread starts.

    Engines import pandas where they first use it. Two threads that come to it by different roads
    break Python's wait for each other's import, and one gets a half-made module.
    """
    limit_heaps()
    importlib.import_module("pandas")


def _leave_interrupts_to_the_master(_worker: object) -> None:
    """Ctrl-C reaches every process of the terminal: the hub must answer its fleet until the master
    says so, and a second signal would break off its closing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _close_worker(_server: object, worker: Any) -> None:  # a gunicorn worker
    app = getattr(worker, "wsgi", None)  # None when the worker failed to start
    if app is not None:
        close(app)


def _start_fleet(settings: Settings) -> subprocess.Popen[bytes] | None:
    """Start the sample fleet when asked for, or when a local hub might be empty (it looks
    itself)."""
    if settings.demo == "off" or (settings.demo == "auto" and settings.auth != "local"):
        return None
    url = f"http://{settings.host}:{settings.port}"
    command = [sys.executable, "-m", "app", "demo", "--url", url]
    if settings.demo == "auto":
        command.append("--if-empty")
    return subprocess.Popen(command)


def _stop_fleet(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None and process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            log.warning("the sample fleet did not stop within 10 s and is killed")
            process.kill()
            process.wait()
