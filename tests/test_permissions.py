"""Every service declares a permission; every route and callback refuses strangers and the wrong
role."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

import services
from app.api import ROUTERS
from app.api.routing import Route
from services.identity import GRANTABLE, PERMISSIONS, ROLES

UNGUARDED = {
    # Pure or internal: they take a workspace but are called by permitted services only.
    ("audit", "log"), ("audit", "newest_check"), ("audit_witness", "read_witnessing"),
    ("computed", "latest"), ("concept", "read_concept"), ("scene", "entry_services"),
    ("scene", "read_scene"), ("scene", "read_node"), ("computed", "remember"), ("history", "keep"),
    ("history", "store_numbers"), ("quality", "read_quality"), ("comparison", "read_comparison"),
    ("sides", "choose_current"), ("sides", "choose_sides"), ("sides", "read_recent"),
    ("sides", "with_long_columns"), ("reference", "read_uploaded"),
    ("tenants", "require_tenant"),
    ("slo_counts", "read_ledger"), ("burning", "burn_rates"), ("burning", "objective_of"),
    ("burning", "defined"),
    ("messages", "read_messages"), ("impact", "fit"),
    ("workspace", "enter_workspace"), ("workspace", "in_workspace"), ("newest", "read_newest"),
    ("findings", "since_seen"),
    ("usual", "read_usual"), ("usual", "read_contexts"),
}  # fmt: skip


def service_functions() -> Iterator[tuple[str, str, Any]]:
    for info in pkgutil.iter_modules(services.__path__):
        module = importlib.import_module(f"services.{info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__ or name.startswith("_"):
                continue
            first = next(iter(inspect.signature(function).parameters.values()), None)
            if first is not None and first.name == "ws":
                yield info.name, name, function


def test_every_service_function_declares_its_permission() -> None:
    silent = {
        (module, name)
        for module, name, function in service_functions()
        if not hasattr(function, "__permission__") and not name.endswith("_rule")
    }
    assert silent <= UNGUARDED, sorted(silent - UNGUARDED)


def routes() -> list[Route]:
    return [route for router in ROUTERS for route in router.routes]


def call(client: Any, route: Route, **headers: str) -> int:
    path = route.path
    while "<" in path:
        path = path[: path.index("<")] + "x" + path[path.index(">") + 1 :]
    kwargs: dict[str, Any] = {"headers": headers}
    if route.method in ("POST", "PUT"):
        kwargs |= {"data": b"{}", "content_type": "application/json"}
    return int(client.open(path, method=route.method, **kwargs).status_code)


@pytest.mark.parametrize("route", routes(), ids=lambda r: f"{r.method} {r.path}")
def test_strangers_get_401(locked_hub: Flask, route: Route) -> None:
    assert call(locked_hub.test_client(), route) == 401


def test_the_matrix_of_roles_and_routes(
    locked_hub: Flask, make_key: Callable[[str, str], str]
) -> None:
    client = locked_hub.test_client()
    wrong = []
    for role in GRANTABLE:
        key = make_key("acme", role)
        for route in routes():
            status = call(client, route, **{"X-API-Key": key})
            allowed = route.permission in ROLES[role]
            if (status == 403) == allowed or status >= 500:
                wrong.append((role, route.method, route.path, status))
    assert wrong == []


def test_roles_hold_only_known_permissions_and_nobody_may_delete_audit() -> None:
    assert "audit:delete" not in PERMISSIONS
    assert all(route.permission in PERMISSIONS for route in routes())


def test_other_pages_of_the_server_refuse_strangers(locked_hub: Flask) -> None:
    client = locked_hub.test_client()
    for path in ("/_dash-layout", "/_dash-dependencies", "/metrics", "/api/openapi.json", "/ws"):
        assert client.get(path).status_code == 401, path
    assert client.post("/_dash-update-component", json={"output": "a.b"}).status_code == 401


def test_a_page_sends_strangers_to_the_sign_in(locked_hub: Flask) -> None:
    answer = locked_hub.test_client().get("/", headers={"Accept": "text/html"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login"
