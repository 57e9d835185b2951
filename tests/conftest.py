"""The real app on embedded stores in a folder of its own; keys and tenants as a customer has
them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import factory
from app.settings import Settings
from services.identity import Principal
from services.keys import create_key
from services.tenants import create_tenant
from services.workspace import Backends, Workspace

# OpenMP's waiting threads starve one another when several test processes share few cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

NOW_MS = 1_767_261_600_000  # 2026-01-01T10:00:00Z


@pytest.fixture
def clock() -> list[int]:
    """A clock that tests move: the hub reads element 0."""
    return [NOW_MS]


@pytest.fixture
def hub(tmp_path: Path, clock: list[int]) -> Iterator[Flask]:
    """A hub in local mode whose clock is `clock`."""
    yield from _hub(Settings(data_dir=tmp_path, demo="off"), clock)


@pytest.fixture
def locked_hub(tmp_path: Path, clock: list[int]) -> Iterator[Flask]:
    """A hub that asks for keys."""
    yield from _hub(Settings(data_dir=tmp_path, demo="off", auth="keys"), clock)


def _hub(settings: Settings, clock: list[int]) -> Iterator[Flask]:
    from dataclasses import replace

    backends = replace(factory.open_backends(settings), clock=lambda: clock[0])
    app = factory.create_app(settings, backends=backends, scheduler=False)
    yield app
    factory.close(app)


@pytest.fixture
def client(hub: Flask) -> FlaskClient:
    """A client of the local hub."""
    return hub.test_client()


@pytest.fixture
def backends(hub: Flask) -> Backends:
    """The local hub's stores."""
    found: Backends = hub.extensions["aiobs_backends"]
    return found


@pytest.fixture
def workspace(backends: Backends) -> Workspace:
    """The default tenant as its platform administrator sees it."""
    return backends.workspace(admin())


@pytest.fixture
def make_key(locked_hub: Flask) -> Callable[[str, str], str]:
    """Create keys of the locked hub: (tenant, role) -> key."""
    backends: Backends = locked_hub.extensions["aiobs_backends"]

    def make(tenant: str, role: str) -> str:
        ws = backends.workspace(admin())
        if tenant != "default" and ws.installation.get("tenant", tenant) is None:
            create_tenant(ws, tenant)
        return create_key(ws, role, tenant=tenant).key

    return make


def admin(tenant: str = "default") -> Principal:
    """Return a principal that may do everything people may."""
    return Principal("test", tenant, ("platform_admin", "scheduler"), "local", "test")
