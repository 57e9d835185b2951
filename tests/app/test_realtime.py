"""The WebSocket, spoken to over a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from simple_websocket import Client, ConnectionClosed

from services.identity import Principal
from services.workspace import Backends
from tests.serving import serve


@contextmanager
def connect(url: str, query: str = "", key: str = "") -> Iterator[Client]:
    headers = {"X-API-Key": key} if key else None
    client = Client(f"ws{url.removeprefix('http')}/ws{query}", headers=headers)
    try:
        yield client
    finally:
        try:
            client.close()
        except ConnectionClosed:
            pass
        client.thread.join(timeout=5)
        client.sock.close()


def hear(client: Client) -> dict[str, Any]:
    text = client.receive(timeout=20)
    assert text is not None, "nothing came within 20 s"
    found: dict[str, Any] = json.loads(text)
    return found


def publish(app: Flask, channel: str, data: object, tenant: str = "default") -> None:
    backends: Backends = app.extensions["aiobs_backends"]
    principal = Principal("test", tenant, ("scheduler",), "scheduler", "test")
    backends.workspace(principal).publish(channel, data)


def test_a_client_hears_the_channels_it_chose_and_no_others(hub: Flask) -> None:
    with serve(hub) as server, connect(server.url, "?channels=alerts") as client:
        assert hear(client)["data"]["channels"] == ["alerts"]
        publish(hub, "metrics", {"n": 1})
        publish(hub, "alerts", {"n": 2})
        heard = hear(client)
    assert (heard["type"], heard["channel"], heard["data"]) == ("alert", "alerts", {"n": 2})
    assert heard["timestamp"].endswith("Z")


def test_a_bad_message_gets_an_error_and_not_a_close(hub: Flask) -> None:
    with serve(hub) as server, connect(server.url) as client:
        hear(client)
        odd = ("nonsense", "[]", '{"action":"dance"}', '{"action":"subscribe","channel":"x"}')
        for bad in (*odd, b'{"action":"\xff"}', '{"x":' + "[" * 4_000):
            client.send(bad)
            assert hear(client)["type"] == "error", bad
        client.send('{"action":"ping"}')
        assert hear(client)["type"] == "pong"


def test_subscribing_and_unsubscribing_take_effect(hub: Flask) -> None:
    with serve(hub) as server, connect(server.url) as client:
        hear(client)
        client.send('{"action":"subscribe","channel":"all"}')
        assert len(hear(client)["data"]["channels"]) == 5
        client.send('{"action":"unsubscribe","channel":"metrics,events"}')
        assert hear(client)["data"]["channels"] == ["alerts", "causal", "cognitive"]


def test_a_tenant_hears_nothing_of_another(
    locked_hub: Flask, make_key: Callable[[str, str], str]
) -> None:
    key = make_key("acme", "viewer")
    make_key("other", "viewer")
    with serve(locked_hub) as server, connect(server.url, "?channels=all", key) as client:
        assert hear(client)["data"]["tenant"] == "acme"
        publish(locked_hub, "alerts", {"of": "other"}, "other")
        publish(locked_hub, "alerts", {"of": "acme"}, "acme")
        assert hear(client)["data"] == {"of": "acme"}


def test_the_one_client_too_many_is_told_to_try_later(hub: Flask) -> None:
    hub.extensions["aiobs_realtime"]._limit = 1
    with serve(hub) as server, connect(server.url) as first:
        hear(first)
        with connect(server.url) as second, pytest.raises(ConnectionClosed) as told:
            second.receive(timeout=5)
        assert told.value.reason == 1013
        stats = hub.test_client().get("/api/realtime/stats").json
    assert stats is not None and stats["data"]["clients"] == 1


def test_events_that_come_in_are_announced(hub: Flask) -> None:
    with serve(hub) as server, connect(server.url, "?channels=events") as client:
        hear(client)
        event = {"title": "deployed", "event_type": "deployment"}
        hub.test_client().post("/api/ingest/events", json={"events": [event]})
        assert hear(client)["data"]["events"][0]["title"] == "deployed"
