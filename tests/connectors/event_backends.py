"""Event back ends that contract tests run over, and the spans they send."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from connectors.protocols import EventBackend
from connectors.sqlite_events import SqliteEventBackend
from connectors.telemetry import Span

DAY_MS = 86_400_000
T0 = 20_000 * DAY_MS + 3_600_000  # one in the morning of a UTC day

BACKENDS: dict[str, Callable[[Path], EventBackend]] = {
    "sqlite": lambda folder: SqliteEventBackend(folder, retention_days=30, clock=lambda: T0),
}


def span(
    span_id: str, service: str, parent: str = "", trace_id: str = "trace", **fields: object
) -> Span:
    values = {"name": "GET /", "start_ms": T0 + 0.25, "duration_ms": 10.0, **fields}
    return Span(trace_id, span_id, service=service, parent_span_id=parent, **values)  # type: ignore[arg-type]
