"""Misuse of keys over a hub's own counts: revoked keys, refused permissions, new addresses."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from services.access import Knock, get_access, record_access
from services.identity import Principal
from services.key_misuse import MAX_ADDRESSES, get_key_misuse, record_addresses
from services.keys import revoke_key
from services.times import DAY_MS, HOUR_MS, Window
from services.workspace import Backends, Workspace
from tests.conftest import NOW_MS, admin

WINDOW = Window(NOW_MS - DAY_MS, NOW_MS)


def use(ws: Workspace, key: str, hours_ago: range, reason: str = "answered", n: int = 5) -> None:
    for hours in hours_ago:
        knock = Knock(key, 403 if reason == "permission" else 200, reason)  # type: ignore[arg-type]
        record_access(ws, {knock: n}, NOW_MS - hours * HOUR_MS - 1)


def signs(ws: Workspace) -> set[tuple[str, str]]:
    found = get_key_misuse(ws, WINDOW).found
    return {(signal.activity.key, signal.activity.kind) for signal in found.signals}


def test_a_key_that_begins_to_ask_for_more_stands_out_and_a_loop_counts_once(
    workspace: Workspace,
) -> None:
    use(workspace, "steady", range(200))
    use(workspace, "greedy", range(200))
    use(workspace, "looping", range(200))
    use(workspace, "greedy", range(5), "permission", 1)
    use(workspace, "looping", range(1), "permission", 9_000)
    assert signs(workspace) == {("greedy", "permission")}


def test_one_that_always_asked_for_more_does_not(workspace: Workspace) -> None:
    use(workspace, "habit", range(200))
    use(workspace, "habit", range(0, 200, 4), "permission")
    assert signs(workspace) == set()


def test_new_addresses_stand_out_after_the_first_day_taught_the_usual_ones(
    workspace: Workspace,
) -> None:
    use(workspace, "k", range(300))
    record_addresses(workspace, {"k": {f"old{i}" for i in range(9)}}, NOW_MS - 12 * DAY_MS)
    assert signs(workspace) == set()
    record_addresses(workspace, {"k": {"old1", "new1", "new2", "new3"}}, NOW_MS - HOUR_MS)
    workspace.cache.invalidate(f"{workspace.tenant}/key_misuse/")
    assert signs(workspace) == {("k", "new_address")}


def test_a_key_with_more_addresses_than_are_kept_is_not_judged_by_them(
    workspace: Workspace,
) -> None:
    use(workspace, "proxied", range(300))
    for days in range(12, 0, -1):
        addresses = {f"{days}-{i}" for i in range(MAX_ADDRESSES // 4)}
        record_addresses(workspace, {"proxied": addresses}, NOW_MS - days * DAY_MS + HOUR_MS)
    assert signs(workspace) == set()


def test_addresses_that_may_be_forgotten_are_no_past(workspace: Workspace) -> None:
    use(workspace, "k", range(24 * 100))
    window = Window(NOW_MS - 55 * DAY_MS, NOW_MS)
    for days in range(100, 0, -1):  # four new ones a day, then as now
        addresses = {f"{days}-{i}" for i in range(4)}
        record_addresses(workspace, {"k": addresses}, NOW_MS - days * DAY_MS)
    found = get_key_misuse(workspace, window).found
    assert found.signals == ()


def test_young_keys_and_local_use_are_not_judged(workspace: Workspace) -> None:
    use(workspace, "young", range(10), "permission")
    use(workspace, "local", range(100))
    found = get_key_misuse(workspace, WINDOW)
    assert (found.keys, found.found.tested, found.found.young) == (1, 0, ("young",))


def test_tenants_stay_apart(workspace: Workspace, backends: Backends) -> None:
    use(workspace, "greedy", range(200))
    use(workspace, "greedy", range(6), "permission")
    other = backends.workspace(Principal("x", "other", ("auditor",), "local"))
    assert get_key_misuse(other, WINDOW).keys == 0


def test_a_revoked_key_that_still_comes_is_named_and_gets_no_answer(
    locked_hub: Flask, make_key: Callable[[str, str], str]
) -> None:
    client, key = locked_hub.test_client(), make_key("acme", "viewer")
    key_id = key.removeprefix("aiobs_").split(".")[0]
    backends: Backends = locked_hub.extensions["aiobs_backends"]
    ws = backends.workspace(admin("acme"))
    revoke_key(ws, key_id)
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    for sent in (key, key, wrong):
        assert client.get("/api/models", headers={"X-API-Key": sent}).status_code == 401
    locked_hub.extensions["aiobs_access"].flush()
    (revoked,) = get_key_misuse(ws, Window(NOW_MS - HOUR_MS, NOW_MS + HOUR_MS)).revoked
    assert (revoked.key, revoked.requests) == (key_id, 2)
    assert get_key_misuse(ws, Window(NOW_MS - HOUR_MS, NOW_MS + HOUR_MS)).found.young == ()
    assert get_access(ws, Window(NOW_MS - HOUR_MS, NOW_MS + 1)).by_reason == {"revoked_key": 2}


def test_addresses_are_kept_as_keyed_hashes_and_only_of_answered_requests(
    locked_hub: Flask, make_key: Callable[[str, str], str]
) -> None:
    client, key = locked_hub.test_client(), make_key("acme", "viewer")
    key_id = key.removeprefix("aiobs_").split(".")[0]
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    for address, sent in (("192.0.2.7", key), ("192.0.2.7", key), ("192.0.2.9", wrong)):
        environ = {"REMOTE_ADDR": address}
        client.get("/api/models", headers={"X-API-Key": sent}, environ_base=environ)
    recorder = locked_hub.extensions["aiobs_access"]
    recorder.flush()
    backends: Backends = locked_hub.extensions["aiobs_backends"]
    record = backends.workspace(admin("acme")).records.get("key_addresses", key_id)
    assert record is not None
    assert len(record.body["seen"]) == 1
    assert "192.0.2" not in str(record.body)
