"""Services and their calls: health of each, and who depends on whom."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from connectors.protocols import ServiceEdge
from services.identity import permitted
from services.times import Window
from services.workspace import Workspace

Health = Literal["healthy", "warning", "critical", "unknown"]
MIN_CALLS = 20
ERROR_WARNING, ERROR_CRITICAL = 0.01, 0.05
"""Shares of failed calls; the anchors of the trust map ``error_rate``."""
SLOWER_WARNING, SLOWER_CRITICAL, MIN_SLOWER_MS = 2.0, 4.0, 10.0
"""Times as slow as the window before, and the milliseconds below which nobody notices."""


class ServiceHealth(msgspec.Struct, frozen=True):
    """One service over a window, from the spans of its callers and its own."""

    service: str
    health: Health
    calls: int
    errors: int
    error_rate: float | None
    mean_ms: float | None
    before_mean_ms: float | None
    reason: str


class Call(msgspec.Struct, frozen=True):
    """Calls from one service to another over a window; caller "" is the outside."""

    caller: str
    callee: str
    calls: int
    errors: int
    mean_ms: float | None


class Topology(msgspec.Struct, frozen=True):
    """The services of a tenant and the calls between them."""

    window: Window
    services: list[ServiceHealth]
    calls: list[Call]


@permitted("metrics:read")
def get_topology(ws: Workspace, window: Window) -> Topology:
    """Return services and calls seen in spans of the window."""
    edges = ws.events.service_edges(window.start_ms, window.end_ms, step_ms=None)
    before = window.before()
    past = ws.events.service_edges(before.start_ms, before.end_ms, step_ms=None)
    names = sorted({edge.callee for edge in edges} | {e.caller for e in edges if e.caller})
    services = [_service(name, edges, past) for name in names]
    return Topology(window, services, [_call(edge) for edge in edges])


def _service(name: str, edges: list[ServiceEdge], past: list[ServiceEdge]) -> ServiceHealth:
    calls, errors, total = _received(name, edges)
    old_calls, _, old_total = _received(name, past)
    rate = errors / calls if calls else None
    mean = total / calls if calls else None
    old_mean = old_total / old_calls if old_calls else None
    health, reason = _judge(calls, rate, mean, old_mean)
    return ServiceHealth(name, health, int(calls), int(errors), rate, mean, old_mean, reason)


def _received(name: str, edges: list[ServiceEdge]) -> tuple[float, float, float]:
    mine = [edge for edge in edges if edge.callee == name]
    calls = sum(float(edge.calls.sum()) for edge in mine)
    errors = sum(float(edge.errors.sum()) for edge in mine)
    total = sum(float(np.nansum(edge.duration_ms)) for edge in mine)
    return calls, errors, total


def _judge(
    calls: float, rate: float | None, mean: float | None, old_mean: float | None
) -> tuple[Health, str]:
    if calls < MIN_CALLS or rate is None:
        return "unknown", f"{int(calls)} calls are too few to judge; {MIN_CALLS} are needed"
    if rate >= ERROR_CRITICAL:
        return "critical", f"{rate:.1%} of {int(calls)} calls failed"
    slower = mean / old_mean if mean and old_mean and mean - old_mean > MIN_SLOWER_MS else 1.0
    if slower >= SLOWER_CRITICAL:
        return "critical", f"calls take {slower:.1f} times as long as before"
    if rate >= ERROR_WARNING:
        return "warning", f"{rate:.1%} of {int(calls)} calls failed"
    if slower >= SLOWER_WARNING:
        return "warning", f"calls take {slower:.1f} times as long as before"
    return "healthy", f"{rate:.1%} of {int(calls)} calls failed"


def _call(edge: ServiceEdge) -> Call:
    calls = float(edge.calls.sum())
    mean = float(np.nansum(edge.duration_ms)) / calls if calls else None
    return Call(edge.caller, edge.callee, int(calls), int(edge.errors.sum()), mean)
