"""Refusals are counted by key and reason, and guessing is slowed down."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from app.auth.attempts import Throttle
from services.access import get_access, get_access_map
from services.identity import Principal
from services.times import HOUR_MS, Window
from services.workspace import Workspace

NOW_MS = 1_767_261_600_000


def security_view(hub: Flask, tenant: str = "default") -> Workspace:
    hub.extensions["aiobs_access"].flush()
    principal = Principal("t", tenant, ("tenant_admin",), "local", "t")
    found: Workspace = hub.extensions["aiobs_backends"].workspace(principal)
    return found


def window() -> Window:
    return Window(NOW_MS - HOUR_MS, NOW_MS + HOUR_MS)


def test_refusals_are_counted_under_the_key_and_the_reason(
    locked_hub: Flask, make_key: Callable[[str, str], str]
) -> None:
    client = locked_hub.test_client()
    key = make_key("acme", "viewer")
    key_id = key.removeprefix("aiobs_").split(".")[0]
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    client.get("/api/models", headers={"X-API-Key": key})
    client.get("/api/models", headers={"X-API-Key": wrong})
    client.get("/api/admin/keys", headers={"X-API-Key": key})
    client.get("/api/models")
    client.get("/api/models", headers={"X-API-Key": "aiobs_nobodysK." + "x" * 43})
    mine = get_access(security_view(locked_hub, "acme"), window())
    assert mine.by_reason == {"answered": 1, "wrong_secret": 1, "permission": 1}
    assert mine.by_key == {key_id: 3}
    strangers = get_access(security_view(locked_hub), window())
    assert strangers.by_reason["no_credential"] == 1
    assert strangers.by_key.keys() == {""}


def test_health_checks_are_not_access(locked_hub: Flask) -> None:
    locked_hub.test_client().get("/healthz")
    assert get_access(security_view(locked_hub), window()).requests == 0


def test_the_sixth_wrong_secret_in_five_minutes_gets_429_and_then_the_right_one_too(
    locked_hub: Flask, make_key: Callable[[str, str], str], clock: list[int]
) -> None:
    client = locked_hub.test_client()
    key = make_key("default", "viewer")
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    answers = [client.get("/api/models", headers={"X-API-Key": wrong}) for _ in range(6)]
    assert [a.status_code for a in answers] == [401] * 5 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 300
    assert client.get("/api/models", headers={"X-API-Key": key}).status_code == 429
    other = make_key("default", "viewer")
    assert client.get("/api/models", headers={"X-API-Key": other}).status_code == 200
    clock[0] += 300_001
    assert client.get("/api/models", headers={"X-API-Key": key}).status_code == 200


def test_the_sign_in_page_slows_down_those_who_guess(locked_hub: Flask) -> None:
    client = locked_hub.test_client()
    codes = [client.post("/login", data={"key": "nonsense"}).status_code for _ in range(22)]
    assert codes[:20] == [401] * 20
    assert set(codes[20:]) == {429}


def test_the_throttle_forgets_addresses_beyond_its_memory() -> None:
    throttle = Throttle(lambda: 0)
    for i in range(20_050):
        throttle.fail(f"10.0.{i // 250}.{i % 250}", "")
    assert len(throttle._failed) < 20_050


def test_the_map_places_requests_in_their_hours(
    locked_hub: Flask, make_key: Callable[[str, str], str]
) -> None:
    key = make_key("default", "viewer")
    client = locked_hub.test_client()
    for _ in range(3):
        client.get("/api/models", headers={"X-API-Key": key})
    found = get_access_map(security_view(locked_hub), window())
    assert found.requests.sum() == 3
    assert found.refused.sum() == 0
    assert found.unusual == ()
