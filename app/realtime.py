"""The WebSocket: bus channels to browsers and clients, one bounded queue each."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
from flask import Flask, g, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed

from connectors.errors import NOT_JSON
from connectors.protocols import Message, Subscription
from services.identity import ROLES
from services.workspace import Workspace

CHANNELS = ("metrics", "alerts", "events", "cognitive", "causal")
_TYPES = {
    "metrics": "metric_update",
    "alerts": "alert",
    "events": "event",
    "cognitive": "cognitive_update",
    "causal": "causal_update",
}
_PERMISSIONS = {
    "metrics": "metrics:read",
    "alerts": "alerts:read",
    "events": "events:read",
    "cognitive": "trust:read",
    "causal": "causal:read",
}
assert set(_PERMISSIONS.values()) <= ROLES["viewer"]
TRY_AGAIN_LATER = 1013
_POLL_S = 0.5


class _Command(msgspec.Struct):
    action: str
    channel: str = ""


class Realtime:
    """Counts clients, refuses the one too many, and pumps each client's subscription."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self.clients = 0
        self.sent = 0
        self.dropped = 0

    def stats(self) -> dict[str, int]:
        """Return what ``/api/realtime/stats`` shows."""
        return {
            "clients": self.clients,
            "limit": self._limit,
            "sent": self.sent,
            "dropped": self.dropped,
        }

    def serve(self, ws: Workspace, socket: Any, channels: set[str]) -> None:  # flask-sock's socket
        """Run one connection until the client leaves."""
        with self._lock:
            if self.clients >= self._limit:
                socket.close(TRY_AGAIN_LATER, "too many clients; try again later")
                return
            self.clients += 1
        try:
            _Connection(self, ws, socket, channels).run()
        except ConnectionClosed:
            pass
        finally:
            with self._lock:
                self.clients -= 1


class _Connection:
    def __init__(self, hub: Realtime, ws: Workspace, socket: Any, channels: set[str]) -> None:
        self.hub, self.ws, self.socket = hub, ws, socket
        self.wanted = channels
        self.subscription: Subscription = ws.bus.subscribe(ws.tenant, list(CHANNELS), capacity=100)
        self.alive = True

    def run(self) -> None:
        self._send("connected", "", {"channels": sorted(self.wanted), "tenant": self.ws.tenant})
        pump = threading.Thread(target=self._pump, daemon=True)
        pump.start()
        try:
            while True:
                self._answer(self.socket.receive())
        finally:
            self.alive = False
            self.subscription.close()
            pump.join(timeout=2 * _POLL_S)
            self.hub.dropped += self.subscription.dropped

    def _pump(self) -> None:
        try:
            while self.alive:
                message = self.subscription.get(timeout_s=_POLL_S)
                if message is not None and message.channel in self.wanted:
                    self._forward(message)
        except ConnectionClosed:
            self.alive = False

    def _forward(self, message: Message) -> None:
        self._send(_TYPES[message.channel], message.channel, msgspec.Raw(message.data))

    def _send(self, kind: str, channel: str, data: object) -> None:
        body = {"type": kind, "channel": channel, "timestamp": _now(self.ws), "data": data}
        self.socket.send(msgspec.json.encode(body).decode())
        self.hub.sent += 1

    def _answer(self, raw: str | bytes | None) -> None:
        try:
            command = msgspec.json.decode(raw or b"", type=_Command)
            self._obey(command)
        except (*NOT_JSON, ValueError) as error:
            self._send("error", "", {"error": str(error)})

    def _obey(self, command: _Command) -> None:
        if command.action == "ping":
            self._send("pong", "", {})
            return
        chosen = parse_channels(command.channel, self.ws)
        if command.action == "subscribe":
            self.wanted |= chosen
        elif command.action == "unsubscribe":
            self.wanted -= chosen
        else:
            raise ValueError("action is subscribe, unsubscribe or ping")
        self._send("connected", command.channel, {"channels": sorted(self.wanted)})


def parse_channels(text: str, ws: Workspace) -> set[str]:
    """Return the channels named in a comma-separated list that the principal may hear."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in (*CHANNELS, "all")]
    if unknown:
        raise ValueError(f"unknown channel {unknown[0]!r}; channels are {', '.join(CHANNELS)}, all")
    chosen = set(CHANNELS) if "all" in names else set(names)
    return {name for name in chosen if _PERMISSIONS[name] in ws.principal.permissions}


def _now(ws: Workspace) -> str:
    from services.times import to_rfc3339

    return to_rfc3339(ws.now_ms())


def install(app: Flask, limit: int) -> Realtime:
    """Add ``/ws``; the guard has authenticated the upgrade request like any other."""
    realtime = Realtime(limit)
    sock = Sock(app)
    app.config["SOCK_SERVER_OPTIONS"] = {"ping_interval": 25, "max_message_size": 4_096}

    @sock.route("/ws")  # type: ignore[untyped-decorator]
    def _ws(socket: Any) -> None:  # flask-sock's socket
        ws: Workspace = g.workspace
        try:
            channels = parse_channels(request.args.get("channels", ""), ws)
        except ValueError as error:
            socket.send(msgspec.json.encode({"type": "error", "data": {"error": str(error)}}))
            channels = set()
        realtime.serve(ws, socket, channels)

    return realtime
